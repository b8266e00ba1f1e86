"""Clauses: stretches of a passage that speak of one way of giving."""

import re
from collections.abc import Sequence
from itertools import pairwise

from extractor.parse.memory import remember
from extractor.parse.requirements import Guarded
from extractor.parse.sentences import split_sentences
from extractor.parse.values import value

from .agents import Agent
from .findings import Findings
from .marks import Mark, within
from .passages import Passage

__all__ = ["BREAK", "Piece", "is_aside", "list_clauses", "split_clauses"]

BREAK = re.compile(r",|;|\+|\band\b|\bplus\b|\bor\b|\bfollowed by\b|\bcombined with\b|\bthen\b|\.\s", re.IGNORECASE)
"""Where the words about one agent can end and those about the next begin."""

_INNER_END = re.compile(r";\s*(?!\))|\n+|(?<=[a-z)\d]{2}[.])(?=[A-Z][a-z])")
_GLUED = re.compile(r"\.[A-Z][a-z]")
_STEP = Guarded(r"\b(?:followed by|thereafter|subsequently|and then|then)\b")


_FOLLOWS = re.compile(r"\bfollow(?:ed\b(?!\sby)|[\s-]?ups?\b)", re.IGNORECASE)
_ASIDE = re.compile(
    r"\b(?:assess|evaluat|monitor|measur|examin|collect|questionnaire|survey|interview|"
    r"imaging|scan|biops|sampl|visit|surviv|accru|assay|spirometr|enrol|inclusion|exclusion|diagnos|observ|drawn\b|testing\b)",
    re.IGNORECASE,
)
_AIM = re.compile(
    r"\W*(?:[ivx]{1,4}\.\s+)?(?:to\s)?(?:determin|compar|evaluat|assess|investigat|estimat|defin|establish|correlat|describ|"
    r"demonstrat|identif|examin|observ|explor|characteri[sz])\w*\s",
    re.IGNORECASE,
)
_GIVES = re.compile(
    r"\b(?:receiv|administ|giv(?:en|ing)\b|infus|inject|tak(?:e|en|es|ing)\b|took\b|undergo|underw|treated\swith|dos(?:e|es|ed|ing)\b|appl(?:y|ied)|"
    r"ingest|consum|inhal|repeat|orally|intravenous|subcutaneous|tablet|capsule|mg\b|IV\b)",
    re.IGNORECASE,
)
_TREATS = re.compile(r"\b(?:therapy|treatment(?!\s(?:period|phase|visit))|continu)", re.IGNORECASE)


@value(frozen=True, slots=True)
class Piece:
    """A clause of a passage, half-open; ``is_step`` if it goes on with what the one before says ("then ...")."""

    start: int
    end: int
    is_step: bool = False


@remember
def split_clauses(text: str, start: int, end: int) -> Sequence[tuple[int, int]]:
    """Sentences of ``text[start:end]``, cut at semicolons and line breaks as well.

    >>> text = "A 5 mg daily; B 10 mg weekly. Both oral"
    >>> [text[first:last] for first, last in split_clauses(text, 0, len(text))]
    ['A 5 mg daily', 'B 10 mg weekly.', 'Both oral']
    """
    clauses = []
    for first, last in split_sentences(text[start:end]):
        position = start + first
        parted = any(sign in text[position : start + last] for sign in ";\n") or _GLUED.search(
            text, position, start + last
        )
        for found in _INNER_END.finditer(text, position, start + last) if parted else ():
            clauses.append((position, found.start()))
            position = found.end()
        clauses.append((position, start + last))
    return tuple((first, last) for first, last in clauses if text[first:last].strip())


def list_clauses(passage: Passage, marks: Findings, mentions: Sequence[Mark[Agent]]) -> list[Piece]:
    """The title of a passage and the clauses of its body, steps of a regimen ("then ...") apart."""
    pieces = [Piece(*passage.title)] if passage.title[1] > passage.title[0] else []
    for start, end in split_clauses(passage.text, *passage.body):
        stated = marks.inside(start, end)
        if not passage.is_group and _says_nothing(passage.text, start, end, stated):
            continue
        position, is_step = start, False
        for step in _STEP.finditer(passage.text, start, end):
            if _are_ways(marks.inside(position, step.start()), marks.inside(step.end(), end)):
                pieces.append(Piece(position, step.start(), is_step))
                position, is_step = step.end(), True
        cut = [(position, end)]
        if len(stated.frequency) > 1:
            cut = [
                part
                for place in _cut_repeated(passage.text, position, end, marks.inside(position, end), mentions)
                for part in _cut_regimens(passage.text, *place, marks.inside(*place), mentions)
            ]
        pieces += [Piece(*place, is_step and number == 0) for number, place in enumerate(cut)]
    return pieces


def is_aside(text: str, start: int, end: int) -> bool:
    """Whether a clause speaks of aims, tests or follow-up, so that its days and intervals are those of no giving.

    >>> text = "Patients are followed every 3 months. Patients receive 5 mg every 3 weeks."
    >>> is_aside(text, 0, 37), is_aside(text, 38, 74)
    (True, False)
    """
    if _AIM.match(text, start, end):
        return True
    if _GIVES.search(text, start, end):
        return False
    return bool(
        _FOLLOWS.search(text, start, end) or (_ASIDE.search(text, start, end) and not _TREATS.search(text, start, end))
    )


def _says_nothing(text: str, start: int, end: int, stated: Findings) -> bool:
    """Whether a clause of a description states no giving."""
    return not stated.amounts and (not stated.spans() or is_aside(text, start, end))


def _are_ways(before: Findings, after: Findings) -> bool:
    """Whether both sides of "then" state a way of giving: a dose, a route, or how often."""
    if before.amounts and after.amounts:
        return True
    if before.route and after.route and before.route[-1].value != after.route[0].value:
        return True
    return bool((before.frequency or before.days) and (after.frequency or after.days))


def _cut_repeated(
    text: str, start: int, end: int, marks: Findings, mentions: Sequence[Mark[Agent]]
) -> list[tuple[int, int]]:
    """Parts that each name one agent and how often it is given: "A every 2 weeks and A every 4 weeks"."""
    named = within(mentions, start, end) if len(marks.frequency) > 1 else ()
    pieces, position = [], start
    for one, other in pairwise(named):
        before = [m.value for m in marks.frequency if one.end <= m.start and m.end <= other.start]
        behind = [m.value for m in marks.frequency if m.start >= other.end]
        if one.value.key != other.value.key or not before or not behind or before[-1] == behind[0]:
            continue
        if breaks := list(BREAK.finditer(text, one.end, other.start)):
            pieces.append((position, breaks[-1].start()))
            position = breaks[-1].end()
    return [*pieces, (position, end)]


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
