"""Clauses: stretches of a passage that speak of one way of giving."""

import re
from collections.abc import Sequence
from functools import lru_cache

from extractor.parse.sentences import split_sentences

from .agents import Agent
from .findings import Findings
from .marks import Mark, within
from .passages import Passage

__all__ = ["BREAK", "list_clauses", "split_clauses"]

BREAK = re.compile(r",|;|\+|\band\b|\bplus\b|\bor\b|\bfollowed by\b|\bcombined with\b|\bthen\b|\.\s", re.IGNORECASE)
"""Where the words about one agent can end and those about the next begin."""

_INNER_END = re.compile(r";\s*(?!\))|\n+|(?<=[a-z)\d]{2}[.])(?=[A-Z][a-z])")
_STEP = re.compile(r"\b(?:followed by|thereafter|and then|then)\b", re.IGNORECASE)


@lru_cache(maxsize=64)
def split_clauses(text: str, start: int, end: int) -> Sequence[tuple[int, int]]:
    """Sentences of ``text[start:end]``, cut at semicolons and line breaks as well.

    >>> text = "A 5 mg daily; B 10 mg weekly. Both oral"
    >>> [text[first:last] for first, last in split_clauses(text, 0, len(text))]
    ['A 5 mg daily', 'B 10 mg weekly.', 'Both oral']
    """
    clauses = []
    for first, last in split_sentences(text[start:end]):
        position = start + first
        for found in _INNER_END.finditer(text, start + first, start + last):
            clauses.append((position, found.start()))
            position = found.end()
        clauses.append((position, start + last))
    return tuple((first, last) for first, last in clauses if text[first:last].strip())


def list_clauses(passage: Passage, marks: Findings, mentions: Sequence[Mark[Agent]]) -> list[tuple[int, int]]:
    """The title of a passage and the clauses of its body, steps of a regimen ("then ...") apart."""
    clauses = [passage.title] if passage.title[1] > passage.title[0] else []
    for start, end in split_clauses(passage.text, *passage.body):
        position = start
        for step in _STEP.finditer(passage.text, start, end):
            if within(marks.amounts, position, step.start()) and within(marks.amounts, step.end(), end):
                clauses.append((position, step.start()))
                position = step.end()
        clauses += _cut_regimens(passage.text, position, end, marks.inside(position, end), mentions)
    return clauses


def _cut_regimens(
    text: str, start: int, end: int, marks: Findings, mentions: Sequence[Mark[Agent]]
) -> list[tuple[int, int]]:
    """Parts with an amount and a frequency each: "300 mg every 2 weeks or 600 mg every 4 weeks"."""
    pieces, position = [], start
    for amount, following in zip(marks.amounts, marks.amounts[1:], strict=False):
        first = [m for m in marks.frequency if amount.end <= m.start and m.end <= following.start]
        second = [m for m in marks.frequency if m.start >= following.end]
        if not first or not second or first[-1].value == second[0].value:
            continue
        if any(amount.end <= m.start < second[0].start for m in mentions):
            continue
        breaks = list(BREAK.finditer(text, first[-1].end, following.start))
        if breaks:
            pieces.append((position, breaks[-1].start()))
            position = breaks[-1].end()
    return [*pieces, (position, end)]
