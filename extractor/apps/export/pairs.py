"""Pair each result with its record, from which registered fields come."""

from collections.abc import Iterator
from itertools import tee
from pathlib import Path

from extractor.apps.export.export import Threshold, find_results, read_results
from extractor.run.finished import FinishedRun
from extractor.schemas import TrialExtraction, TrialRecord


def pair_results(
    run: Path, found: FinishedRun | None, threshold: Threshold
) -> Iterator[tuple[TrialExtraction, TrialRecord | None]]:
    """Yield each result with its record, one at a time; without the run's folder there are no
    records.
    """
    results = find_results(run)
    # Gold, or a file of extractions alone.
    if found is None:
        for extraction in read_results(results, None, threshold):
            yield extraction, None
        return
    # One stream gives the lines to read, the other the records beside them.
    to_read, records = tee(found.reread())
    lines = (found.read_line(reread.record_id) for reread in to_read)
    extractions = read_results(results, lines, threshold)
    for extraction, reread in zip(extractions, records, strict=True):
        yield extraction, reread.record
