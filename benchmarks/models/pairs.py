"""Records and what annotators say of them."""

from pathlib import Path

from extractor.evaluation.gold_files import ExtractionSource, open_extractions
from extractor.evaluation.standoff import is_standoff, read_standoff
from extractor.parse import parse_record
from extractor.parse.parsed import ParsedRecord
from extractor.read import read_records
from extractor.schemas import TrialExtraction

__all__ = ["Pairs", "read_pairs"]

Pairs = list[tuple[ParsedRecord, TrialExtraction]]
"""Each record as it was parsed, and its gold."""


def read_pairs(gold: Path, records: list[Path], limit: int | None = None) -> Pairs:
    """The records that gold has, the first ``limit`` of them, in the order in which they are read, each once.

    Gold may be a file without text; then a record whose text is not the one that was annotated is left out. What
    cannot be read is left out, too.

    >>> pairs = read_pairs(Path("seeds/gold"), [Path("seeds/records")], 2)
    >>> [parsed.record.record_id == label.record_id for parsed, label in pairs]
    [True, True]
    """
    source: ExtractionSource = gold
    if is_standoff(gold):
        source = read_standoff(gold, read_records(*records, on_error=lambda _: None)).annotations
    annotated = open_extractions(source, "gold")
    found: dict[str, tuple[ParsedRecord, TrialExtraction]] = {}
    for record in read_records(*records, on_error=lambda _: None):
        if len(found) == limit:
            break
        label = annotated.get(record.record_id)
        if label is not None and record.record_id not in found:
            found[record.record_id] = parse_record(record), label
    return list(found.values())
