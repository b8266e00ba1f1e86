"""Clauses that give again what another arm gets: "R-CHOP as in arm I. Treatment repeats every 14 days."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.parse.requirements import Guarded

from .clauses import split_clauses
from .facts import Fact, Statement
from .findings import find_all
from .linking import Clause
from .passages import Passage
from .sameness import count_days

__all__ = ["resolve_references"]

_GROUP = r"(arm|group|regimen|cohort|stratum|part)\s(\d{1,2}|[IVX]{1,4}|[A-H])\b"
_REFERENCE = Guarded(
    rf"\b(?:as|like)\s(?:(?:described|given|administered|outlined|stated)\s)?(?:in|for|per)\s(?:the\s)?{_GROUP}"
)
_HEADING = re.compile(rf"(?:^|(?<=[\n.;:*•)-])\s*){_GROUP}(?=\s?[(:]|\s[-–]\s|\s*$)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What is said of one arm: ``start:end`` of a section's text."""

    name: str
    section: str
    start: int
    end: int

    def holds(self, statement: Statement) -> bool:
        return statement.section == self.section and self.start <= statement.start < self.end


def resolve_references(passages: Sequence[Passage], statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements, and one for each of another arm's that a clause gives again in other cycles.

    A clause that names agents speaks of these, else it speaks of all that the other arm gets.
    """
    if not any(_REFERENCE.search(passage.text) for passage in passages):
        return tuple(statements)
    stretches = [stretch for passage in passages for stretch in _list_stretches(passage)]
    repeated = (
        again
        for passage in passages
        for start, end in split_clauses(passage.text, *passage.body)
        for again in _repeat(passage, start, end, stretches, statements)
    )
    return (*statements, *repeated)


def _list_stretches(passage: Passage) -> Iterator[_Stretch]:
    """The arms of which a passage tells: an arm's own passage, or the parts of a description that headings open."""
    headings = list(_HEADING.finditer(passage.text))
    ends = [*(heading.start() for heading in headings[1:]), len(passage.text)]
    for heading, end in zip(headings, ends, strict=False):
        yield _Stretch(f"{heading[1]} {heading[2]}".lower(), passage.section, heading.start(), end)


def _repeat(
    passage: Passage, start: int, end: int, stretches: Sequence[_Stretch], statements: Sequence[Statement]
) -> Iterator[Statement]:
    reference = _REFERENCE.search(passage.text, start, end)
    if not reference:
        return
    name = f"{reference[1]} {reference[2]}".lower()
    here = next((s for s in stretches if s.section == passage.section and s.start <= start < s.end), None)
    there = [s for s in stretches if s.name == name and s is not here]
    own = [s for s in statements if here and here.holds(s)]
    cycle, last = _find_cycle(passage, start, here.end if here else end)
    if cycle is None:
        return
    marks = find_all(passage.tokens).inside(start, last)
    length = Fact(marks.length[0], passage.section) if marks.length else None
    clause = Clause(passage.text, start, last, marks, (), None, loyal=False)
    told: set[str] = {s.agent.key for s in own if s.start >= reference.end()}
    for stretch in there:
        for other in (s for s in statements if stretch.holds(s)):
            if other.agent.key in told or other.cycle is None or count_days(other.cycle) == count_days(cycle):
                continue
            told.add(other.agent.key)
            yield replace(
                other, section=passage.section, start=start, end=last, mention=None, clause=clause, reach=(start, last),
                cycle=cycle, length=length,
            )  # fmt: skip


def _find_cycle(passage: Passage, start: int, end: int) -> tuple[Fact | None, int]:
    """The first cycle that is stated from ``start`` on, and where its clause ends."""
    marks = [mark for mark in find_all(passage.tokens).inside(start, end).cycle if mark.value is not None]
    if not marks:
        return None, end
    clauses = split_clauses(passage.text, *passage.body)
    last = next((stop for first, stop in clauses if first <= marks[0].start < stop), marks[0].end)
    return Fact(marks[0], passage.section), last
