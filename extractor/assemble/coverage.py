"""How much of a record's text stands as evidence."""

from collections import defaultdict
from collections.abc import Iterable

from extractor.schemas import Coverage, Evidence, TrialRecord

__all__ = ["measure_coverage"]


def measure_coverage(record: TrialRecord, evidence: Iterable[Evidence]) -> Coverage:
    """Characters of the record, and how many of them at least one piece of evidence quotes."""
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for piece in evidence:
        spans[piece.section].append((piece.start, piece.end))
    claimed = sum(_union_length(found) for found in spans.values())
    return Coverage(characters=sum(len(section.text) for section in record.sections), claimed=claimed)


def _union_length(spans: list[tuple[int, int]]) -> int:
    total = reached = 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total
