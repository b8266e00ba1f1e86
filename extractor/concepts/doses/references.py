"""Repeat what is said of another arm where a clause refers to it: "R-CHOP as in arm I. Treatment
repeats every 14 days.".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.concepts.doses.clauses import Clause, Statement
from extractor.concepts.doses.days import count_days
from extractor.concepts.doses.marks import Place
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import rule
from extractor.language.patterns import Found


@dataclass(frozen=True, slots=True)
class _ArmText:
    """The part of a section that is about one arm, from its heading on, with its statements."""

    section: DosingSection
    name: str
    first: int
    end: int
    statements: Sequence[Statement]


def resolve_references(
    sections: Sequence[DosingSection], statements: Sequence[Statement]
) -> list[Statement]:
    """Return the statements, and behind them those of another arm that a clause refers to, with
    the clause's own cycle.

    Agents that have statements of their own after the reference are left out.
    """
    if not any(rule("as_in_group").search(one.tokens) for one in sections):
        return [*statements]
    texts = [text for one in sections for text in _list_arm_texts(one, statements)]
    by_arm = defaultdict[str, list[Statement]](list)
    for text in texts:
        by_arm[text.name] += text.statements
    repeated = [
        again
        for text in texts
        for clause in text.section.clauses
        if text.first <= clause[0] < text.end
        for again in _repeat(text, clause, by_arm)
    ]
    return [*statements, *repeated]


def _list_arm_texts(
    section: DosingSection, statements: Sequence[Statement]
) -> Iterator[_ArmText]:
    """Yield the parts of a section under headings of arms."""
    headings = list(rule("group_heading").find(section.tokens))
    starts = [*(at.first for at in headings), len(section.tokens)]
    for heading, (first, end) in zip(headings, pairwise(starts), strict=True):
        inside = [
            one
            for one in statements
            if one.section == section.name and first <= one.first < end
        ]
        yield _ArmText(section, _read_group(heading), first, end, inside)


def _read_group(found: Found) -> str:
    return (found.read("group") or "").lower()


def _repeat(
    text: _ArmText, place: Place, by_arm: Mapping[str, Sequence[Statement]]
) -> Iterator[Statement]:
    """Yield the other arm's statements that a clause repeats in another cycle."""
    section = text.section
    first, clause_end = place
    reference = rule("as_in_group").search(section.tokens, first, clause_end)
    if reference is None:
        return
    name = _read_group(reference)
    cycles = section.marks.inside(first, text.end).cycle
    cycle = next((mark for mark in cycles if mark.value is not None), None)
    if cycle is None or name == text.name:
        return
    end = next(
        (stop for start, stop in section.clauses if start <= cycle.first < stop),
        cycle.end,
    )
    clause = Clause(section.tokens, first, end, section.marks.inside(first, end))
    known = {one.agent.key for one in text.statements if one.first >= reference.end}
    for other in by_arm[name]:
        if other.agent.key in known or other.cycle is None:
            continue
        if count_days(other.cycle.value) == count_days(cycle.value):
            continue
        known.add(other.agent.key)
        yield replace(
            other,
            section=section.name,
            first=first,
            end=end,
            mention=None,
            clause=clause,
            reach=(first, end),
            cycle=cycle,
            length=next(iter(clause.marks.length), None),
        )
