"""Write the page of a run: one file that holds its style, script and records."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from extractor.apps.pages import Chunks, pack, render_page
from extractor.apps.report.overview import Index, Overview, read_failures
from extractor.apps.report.record import (
    RunRecord,
    gather_words,
    list_meanings,
    show_record,
)
from extractor.run.finished import FinishedRun, TextState
from extractor.run.folder import FAILURES
from extractor.schemas import TrialExtraction

_SCRIPTS = ("viewer.js", "browse.js", "filters.js", "cards.js", "start.js")


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """Counts of a page: the page can open ``shown`` of ``records``; ``without_text`` records
    have no text in it.
    """

    records: int
    shown: int
    without_text: int


def write_report(
    run: str | PathLike[str],
    path: str | PathLike[str],
    *,
    records: Sequence[str | PathLike[str]] = (),
    limit: int = 20_000,
) -> ReportSummary:
    """Write a run as one page of HTML that needs no network.

    The texts come from ``records``, by default from the run's inputs. A text that is missing or has
    changed is not shown, only its quotes. The overview counts all records; up to ``limit`` can be
    opened. The same run gives the same bytes. With the default ``limit``, a page of 133 MB opens in
    less than two seconds of processor time. Raises ``StoreError`` for a folder that holds no run,
    ``OSError`` if the file cannot be written.
    """
    finished = FinishedRun(Path(run))
    overview = Overview()
    chunks = Chunks()
    index = Index()
    words = list[str]()
    for reread in finished.reread(records):
        extraction = finished.read_result(reread.record_id, TrialExtraction)
        result = RunRecord(extraction, reread.record, reread.text)
        overview.add(result)
        if overview.records > limit:
            continue
        record = show_record(result)
        chunk, place = chunks.add(record)
        index.add(result, chunk, place)
        words.append(gather_words(record))
    shown = min(limit, overview.records)
    meanings = list_meanings()
    values = {
        "name": finished.folder.resolve().name,
        "manifest": finished.manifest,
        "incomplete": finished.incomplete,
        "overview": overview,
        "failures": read_failures(finished.folder / FAILURES),
        "meanings": meanings,
        "shown": shown,
        "index": pack(index.export() | {"meanings": meanings}),
        "words": pack(words),
        "chunks": chunks.close(),
    }
    page = render_page(
        "extractor.apps.report",
        values,
        styles=("viewer.css", "page.css"),
        scripts=_SCRIPTS,
    )
    Path(path).write_bytes(page.encode("utf-8", "replace"))
    without_text = overview.records - overview.texts[TextState.SAME]
    return ReportSummary(overview.records, shown, without_text)
