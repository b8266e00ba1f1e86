"""Passages that seem to hold a regimen which the rules could not read."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from extractor.parse.numbers import number_places
from extractor.parse.parsed import Chunk
from extractor.schemas import Amount

from .amounts import find_amounts
from .clauses import split_clauses
from .facts import Statement
from .passages import Passage
from .regimens import RecordText

__all__ = ["find_candidates"]

# A dose in words or units that no vocabulary holds: "a dose of 3 scoops".
_DOSE = re.compile(r"\b(?:dose|dosage)\s?(?:of|is|was|:)\s(?:about\s|approximately\s|an?\s)?\d", re.IGNORECASE)
_GIVING = re.compile(
    r"\b(?:dos(?:e|age)s?|infus|inject|administ|receiv|given|giving|treated|treatment|ingest|daily|weekly)",
    re.IGNORECASE,
)


def find_candidates(
    statements: Iterable[Statement], passages: Sequence[Passage], source: RecordText, numbers: Iterator[int]
) -> tuple[Chunk, ...]:
    """Clauses with the sign of a dose from which no statement with an amount was read.

    A clause whose amounts are all read elsewhere is none; descriptions count only where neither arms nor
    interventions state any amount.
    """
    dosed = [s for s in statements if s.amounts]
    read: dict[str, list[tuple[int, int]]] = {}
    for statement in dosed:
        read.setdefault(statement.section, []).append((statement.start, statement.end))
    levels = frozenset(level for s in dosed for level in s.levels)
    settled = any(source.passages[section].is_arm or source.passages[section].is_intervention for section in read)
    chunks = []
    for passage in passages:
        is_group = passage.is_arm or passage.is_intervention
        if settled and not is_group:
            continue
        places = number_places(passage.text)
        known = sorted(read.get(passage.section, ()))
        furthest = list(accumulate((end for _, end in known), max, initial=0))
        for start, end in [passage.title, *split_clauses(passage.text, *passage.body)]:
            if furthest[bisect_left(known, (end,))] > start:
                continue
            if bisect_left(places, end) == bisect_left(places, start):
                continue  # a dose has a number
            if _has_dose(passage.text[start:end], levels, is_group=is_group):
                chunks.append(source.chunk(next(numbers), passage.section, start, end))
    return tuple(chunks)


def _has_dose(text: str, known: frozenset[Amount], *, is_group: bool) -> bool:
    if amounts := find_amounts(text):
        new = any(level not in known for amount in amounts for level in amount.value)
        return new and (is_group or bool(_GIVING.search(text)))
    return is_group and bool(_DOSE.search(text))
