"""Clauses that give again what another arm gets: "R-CHOP as in arm I. Treatment repeats every 14 days."."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.text.book import rule

from .facts import Clause, Fact, Statement
from .findings import Findings
from .passages import Passage
from .settling import count_days

__all__ = ["resolve_references"]


@dataclass(frozen=True, slots=True)
class _Part:
    """What is said of one arm: ``start:end`` of a section's text."""

    name: str
    section: str
    start: int
    end: int

    def holds(self, statement: Statement) -> bool:
        return statement.section == self.section and self.start <= statement.start < self.end


def resolve_references(
    passages: Sequence[Passage], findings: Mapping[str, Findings], statements: Sequence[Statement]
) -> tuple[Statement, ...]:
    """The statements, and one for each of another arm's that a clause gives again in other cycles.

    A clause that names agents speaks of these, else it speaks of all that the other arm gets.
    """
    if not any(rule("as_in_group").search(passage.tokens) for passage in passages):
        return tuple(statements)
    parts = [part for passage in passages for part in _list_parts(passage)]
    repeated = (
        again
        for passage in passages
        for place in passage.clauses
        for again in _repeat(passage, findings[passage.section], place, parts, statements)
    )
    return (*statements, *repeated)


def _list_parts(passage: Passage) -> Iterator[_Part]:
    """The arms of which a passage tells: an arm's own passage, or the parts of a description that headings open."""
    headings = list(rule("group_heading").find(passage.tokens))
    borders = [heading.span[0] for heading in headings]
    for heading, (start, end) in zip(headings, pairwise([*borders, len(passage.text)]), strict=True):
        yield _Part((heading.read("group") or "").lower(), passage.section, start, end)


def _repeat(
    passage: Passage,
    findings: Findings,
    place: tuple[int, int],
    parts: Sequence[_Part],
    statements: Sequence[Statement],
) -> Iterator[Statement]:
    (start, end), tokens = place, passage.tokens
    reference = rule("as_in_group").search(tokens, tokens.at(start), tokens.before(end))
    if not reference:
        return
    name = (reference.read("group") or "").lower()
    here = next((s for s in parts if s.section == passage.section and s.start <= start < s.end), None)
    there = [s for s in parts if s.name == name and s is not here]
    own = [s for s in statements if here and here.holds(s)]
    cycles = [mark for mark in findings.inside(start, here.end if here else end).cycle if mark.value is not None]
    if not cycles:
        return
    last = next((stop for first, stop in passage.clauses if first <= cycles[0].start < stop), cycles[0].end)
    cycle, marks = Fact(cycles[0], passage.section), findings.inside(start, last)
    length = Fact(marks.length[0], passage.section) if marks.length else None
    clause = Clause(tokens, start, last, marks, (), None, loyal=False)
    told: set[str] = {s.agent.key for s in own if s.start >= reference.span[1]}
    for part in there:
        for other in (s for s in statements if part.holds(s)):
            if other.agent.key in told or other.cycle is None:
                continue
            if count_days(other.cycle.value) == count_days(cycle.value):
                continue
            told.add(other.agent.key)
            yield replace(
                other, section=passage.section, start=start, end=last, mention=None, clause=clause, reach=(start, last),
                cycle=cycle, length=length,
            )  # fmt: skip
