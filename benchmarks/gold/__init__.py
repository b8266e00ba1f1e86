"""Standoff gold of all areas, without the records' text, and single labels of other trials."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks.data import Row, read_lines
from extractor.results.evaluation.standoff import find_changed_sections, from_standoff
from extractor.schemas import TrialRecord

GOLD, LABELS = (Path(__file__).with_name(f"{name}.jsonl") for name in ("gold", "labels"))
READINGS = tuple(Path(__file__).with_name(f"{name}.jsonl") for name in ("first", "second"))
"""Two independent readings of trials of folds 3 and 4. Where they differ, a third reader decided what is gold."""
GROUPS = ("oncology and allergy", "other areas")
HOME_AREAS = frozenset({"Oncology", "Allergy / asthma"})


def read_gold(path: Path = GOLD) -> dict[str, Row]:
    """Read the lines of a gold file by record; empty if the file does not exist."""
    return {line["record_id"]: line for line in read_lines(path)} if path.is_file() else {}


def read_annotated(lines: Mapping[str, Row], records: Iterable[TrialRecord]) -> Iterator[tuple[TrialRecord, Row, Row]]:
    """Yield each record whose text is the annotated one, once, with its line and its gold JSON."""
    left = dict(lines)
    for record in records:
        line = left.get(record.record_id)
        if line is not None and not find_changed_sections(line, record):
            yield record, left.pop(record.record_id), from_standoff(line, record)


def name_group(area: str) -> str:
    """Return the group of an area.

    >>> name_group("Oncology"), name_group("Dentistry")
    ('oncology and allergy', 'other areas')
    """
    return GROUPS[0] if area in HOME_AREAS else GROUPS[1]
