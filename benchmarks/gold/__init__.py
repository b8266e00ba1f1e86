"""Standoff gold of all areas, without the records' text, and single labels of other trials."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.data import Row, read_lines
from benchmarks.gold.standoff import find_changed_sections, from_standoff
from extractor.apps.evaluation.gold_files import open_extractions
from extractor.formats import read_records
from extractor.schemas import TrialExtraction, TrialRecord

_HERE = Path(__file__).parent
GOLD = _HERE / "gold.jsonl"
DOSES = (_HERE / "doses_first.jsonl", _HERE / "doses_second.jsonl")
"""Two independent annotations of the doses of 200 further trials, for fitting confidences. The
annotators were language models that were given only the guideline.
"""
LABELS = _HERE / "labels.jsonl"
READINGS = {
    "1.3": (_HERE / "first.jsonl", _HERE / "second.jsonl"),
    "1.4": (_HERE / "first_1.4.jsonl", _HERE / "second_1.4.jsonl"),
}
"""Two independent annotations by version of the guideline. Under 1.3, the trials are in folds 3 and
4, and a third annotator decided the gold. Under 1.4, the 20 trials are not in the gold, and the
annotator was a language model that was given only the guideline.
"""
GROUPS = ("oncology and allergy", "other areas")
HOME_AREAS = frozenset({"Oncology", "Allergy / asthma"})


def read_gold(path: Path = GOLD) -> dict[str, Row]:
    """Return the lines of a gold file by record ID; empty if the file does not exist."""
    lines = read_lines(path) if path.is_file() else []
    return {line["record_id"]: line for line in lines}


def read_annotated(
    lines: Mapping[str, Row], records: Iterable[TrialRecord]
) -> Iterator[tuple[TrialRecord, Row, Row]]:
    """Yield each record whose text is the annotated text once, with its line and gold JSON."""
    left = dict(lines)
    for record in records:
        line = left.get(record.record_id)
        if line is not None and not find_changed_sections(line, record):
            yield record, left.pop(record.record_id), from_standoff(line, record)


def read_pairs(
    gold: Path, inputs: Sequence[Path]
) -> Iterator[tuple[TrialRecord, Row, TrialExtraction]]:
    """Yield the records that are annotated in a gold file or folder, each with its line and its
    gold. The line is empty for a folder.

    Unreadable records are omitted.

    >>> [line for _, line, _ in read_pairs(Path("seeds/gold"), [Path("seeds/records")])]
    [{}, {}, {}, {}, {}]
    """
    records = read_records(*inputs, on_error=lambda _: None)
    if gold.is_dir():
        known = open_extractions(gold, "gold")
        for record in records:
            label = known.get(record.record_id)
            if label:
                yield record, {}, label
    for record, line, annotation in read_annotated(read_gold(gold), records):
        yield record, line, TrialExtraction.model_validate(annotation)


def name_group(area: str) -> str:
    """Return the group of a medical area.

    >>> name_group("Oncology"), name_group("Dentistry")
    ('oncology and allergy', 'other areas')
    """
    return GROUPS[0] if area in HOME_AREAS else GROUPS[1]
