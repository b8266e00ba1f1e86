"""How long an agent is given, from all that the parts of one regimen say."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.timing import resolve_length
from extractor.language.numbers import DAYS
from extractor.schemas import Period


class Length(NamedTuple):
    """The length of a regimen, the facts that state it, and the case of what is doubtful."""

    value: Period
    facts: tuple[Fact, ...]
    doubt: str | None = None


def find_length(regimen: Statement) -> Length | None:
    """Return how long the agent of a regimen is given; None if nothing says it as a number.

    Of several lengths that its parts state, the longest is that of the whole treatment, which is
    doubtful; so is a length that only some of its amounts have.
    """
    own = resolve_length(regimen)
    if own is None or own.value is None:
        return None
    parts = _list_parts(regimen)
    stated: list[Fact] = []
    for part in parts:
        fact = resolve_length(part)
        if fact is not None and fact.value is not None:
            stated.append(fact)
    longest = max(stated, key=lambda fact: _count(fact.value), default=own)
    lengths = {_count(fact.value) for fact in stated}
    if len(lengths) > 1:
        return Length(longest.value, (longest,), "several lengths")
    # "10 mg, then 20 mg orally once daily for 6 weeks": the weeks may be those of the 20 mg
    if _is_of_a_step(own, parts, regimen):
        return Length(own.value, (own,), "of a step")
    return Length(own.value, (own,))


def _list_parts(regimen: Statement) -> Sequence[Statement]:
    """Return what was merged into a regimen, each statement once, in reading order of sections."""
    parts = regimen.parts or (regimen,)
    places = {(part.section, part.clause.first, part.first): part for part in parts}
    return [places[place] for place in sorted(places)]


def _count(period: Period) -> float:
    """Return the days of a length. Cycles have no length of their own, and count as nothing."""
    return period.value * DAYS.get(period.unit, 0)


def _is_of_a_step(fact: Fact, parts: Iterable[Statement], regimen: Statement) -> bool:
    """Return whether a length is stated, and only beside some of the regimen's amounts: "3 mg for
    the first 2 weeks, then 7 mg".
    """
    levels = set(regimen.levels)
    is_stated = False
    for part in parts:
        if part.length != fact or not part.levels:
            continue
        is_stated = True
        if not set(part.levels) < levels:
            return False
    return is_stated
