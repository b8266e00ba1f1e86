"""Records and what annotators say of them."""

from pathlib import Path

from extractor.evaluation.load import open_extractions
from extractor.parse import parse_record
from extractor.parse.parsed import ParsedRecord
from extractor.read import read_records
from extractor.schemas import TrialExtraction

__all__ = ["Pairs", "read_pairs"]

Pairs = list[tuple[ParsedRecord, TrialExtraction]]
"""Each record as it was parsed, and its gold."""


def read_pairs(gold: Path, records: list[Path], limit: int | None = None) -> Pairs:
    """The records that gold has, the first ``limit`` of them, in the order in which they are read.

    >>> pairs = read_pairs(Path("seeds/gold"), [Path("seeds/records")], 2)
    >>> [parsed.record.record_id == label.record_id for parsed, label in pairs]
    [True, True]
    """
    annotated = open_extractions(gold, "gold")
    found = ((record, annotated.get(record.record_id)) for record in read_records(*map(str, records)))
    return [(parse_record(record), label) for record, label in found if label is not None][:limit]
