"""Passages that seem to hold a regimen which the rules could not read."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from extractor.parse.parsed import Chunk
from extractor.parse.requirements import Guarded
from extractor.schemas import Amount

from .agents import Lexicon
from .clauses import is_aside, split_clauses
from .facts import Statement
from .findings import Findings, find_all
from .given import tells_elsewhere
from .marks import within
from .passages import Passage
from .record_text import RecordText

__all__ = ["find_candidates"]

# A dose in words or units that no vocabulary holds: "a dose of 3 scoops".
_DOSE = re.compile(r"\b(?:dose|dosage)\s?(?:of|is|was|:)\s(?:about\s|approximately\s|an?\s)?\d", re.IGNORECASE)
_GIVING = Guarded(
    r"\b(?:dos(?:e|age)s?|(?:re)?infus\w+|inject\w*|administ\w+|receiv\w+|given|giving|treated|undergo\w*|underwent|take|takes|"
    r"taken|taking|ingest\w*|consum\w+|suppl[ei]ment\w+|applied|appl(?:y|ies)|use\sof|desensiti[sz]ed\sto)\b"
)


def find_candidates(
    statements: Iterable[Statement],
    passages: Sequence[Passage],
    source: RecordText,
    lexicon: Lexicon,
    numbers: Iterator[int],
) -> tuple[Chunk, ...]:
    """Clauses with the sign of a dose, or of giving and its way or time, of which no statement tells.

    ``statements`` are those that became regimens or parts of them. A clause whose amounts all stand in them is none,
    and a clause without an amount counts only if it names nobody of whom they tell.
    """
    told = list(statements)
    levels = frozenset(level for statement in told for level in statement.levels)
    keys = frozenset(statement.agent.key for statement in told)
    places: dict[str, list[tuple[int, int]]] = {}
    for statement in told:
        places.setdefault(statement.section, []).append((statement.clause.start, statement.clause.end))
    chunks = []
    for passage in passages:
        read = sorted(places.get(passage.section, ()))
        furthest = list(accumulate((end for _, end in read), max, initial=0))
        marks = find_all(passage.tokens)
        mentions = lexicon.find(passage.tokens, passage.section)
        for start, end in [passage.title, *split_clauses(passage.text, *passage.body)]:
            if start >= end or furthest[bisect_left(read, (end,))] > start:
                continue
            named = {mention.value.key for mention in within(mentions, start, end)}
            follows = passage.is_group and not named and bool(read) and read[0][0] < start
            other = named.isdisjoint(keys) and not follows  # a clause that names nobody goes on with the one before
            if _has_dose(passage, start, end, marks, levels) or (
                other and _is_giving(passage, start, end, marks, named=bool(named))
            ):
                chunks.append(source.chunk(next(numbers), passage.section, start, end))
    return tuple(chunks)


def _has_dose(passage: Passage, start: int, end: int, marks: Findings, known: frozenset[Amount]) -> bool:
    if amounts := within(marks.amounts, start, end):
        new = any(level not in known for amount in amounts for level in amount.value)
        return new and (passage.is_group or _is_given(passage.text, start, end))
    return passage.is_group and _DOSE.search(passage.text, start, end) is not None


def _is_giving(passage: Passage, start: int, end: int, marks: Findings, *, named: bool) -> bool:
    """Whether a clause without a dose tells how or when something is given."""
    if (start, end) == passage.title:
        return False
    stated = marks.inside(start, end)
    timed = bool(stated.frequency or stated.days or stated.length)
    if not (stated.route or timed) or not (named or passage.is_group or (stated.route and timed)):
        return False
    return _is_given(passage.text, start, end) and not is_aside(passage.text, start, end)


def _is_given(text: str, start: int, end: int) -> bool:
    return _GIVING.search(text, start, end) is not None and not tells_elsewhere(text, start, end)
