"""Merging: statements of one agent that do not contradict each other are one regimen."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.moments import code_days
from extractor.concepts.doses.rhythms import code_interval
from extractor.concepts.doses.statements import Linked, Statement
from extractor.language.book import rule
from extractor.language.numbers import WHOLE_DAYS
from extractor.schemas import Amount, Frequency, Period

_ORDER = ("arms", "interventions", "detailed_description", "brief_summary")
_SURE = 0.7
_WEAK = frozenset({Frequency.ONCE, Frequency.CONTINUOUS, Frequency.OTHER})

_RATES = {
    "day": Frequency.QD,
    "week": Frequency.QW,
    "h": Frequency.CONTINUOUS,
    "min": Frequency.CONTINUOUS,
}
"""Frequencies of amounts per time, where nothing else is said."""


class Way(NamedTuple):
    """What a regimen says, for comparing it with others; None for what it does not say."""

    rhythm: tuple[Any, ...]
    """Route, frequency and cycle."""
    days: Any
    duration: Any
    levels: Set[Any]
    """The amounts without their rates."""
    unit: str | None
    """Of the first amount."""


@dataclass(eq=False)
class Regimen:
    """Statements of one agent that are one way of giving it, the fullest one first."""

    statements: list[Statement]
    chosen_route: Linked | None = None
    _ways: dict[int, Way] = field(default_factory=dict)
    """What the first statements say, by their number."""

    @property
    def agent(self) -> Agent:
        return self.statements[0].agent

    @property
    def main(self) -> Statement:
        return self.statements[0]

    def links(self, name: str) -> list[Linked]:
        """Return the marks of a field, those of the main statement first."""
        return [link for one in self.statements for link in one.links(name)]

    def best(self, name: str) -> Linked | None:
        """Return the likeliest mark of a field in the first statement that has one."""
        if name == "route" and self.chosen_route:
            return self.chosen_route
        for statement in self.statements:
            links = [one for one in statement.links(name) if one.mark.value is not None]
            if links:
                return max(links, key=lambda one: one.sure * one.mark.confidence)
        return None

    def amounts(self) -> list[tuple[Amount, Linked]]:
        """Return the dose levels, each once, with the mark that states it. Volumes and pieces give
        way to amounts of substance.
        """
        links = self.links("amounts")
        substance = [link for link in links if not is_portion(link.mark)]
        levels: dict[Any, tuple[Amount, Linked]] = {}
        for link in substance or links:
            for level in link.mark.value:
                levels.setdefault(_bare(level), (level, link))
        return list(levels.values())

    def route(self) -> Any:
        link = self.best("route")
        return link.mark.value if link else None

    def cycle(self) -> Period | None:
        link = self.best("cycle")
        return link.mark.value if link else None

    def frequency(self) -> tuple[Frequency, Linked] | None:
        """Return how often the agent is given and the mark that says so: a stated rhythm, or listed
        days within their cycle, or the cycle itself.
        """
        stated = self.best("frequency")
        days = self.best("days")
        cycle = self.best("cycle")
        period = cycle.mark.value if cycle else None
        if stated and not (days and stated.mark.value in _WEAK):
            return stated.mark.value, stated
        if days:
            return code_days(days.mark.value, period), days
        if stated:
            return stated.mark.value, stated
        if cycle and cycle.mark.value.unit in WHOLE_DAYS:
            code = code_interval(cycle.mark.value.value, cycle.mark.value.unit)
            return code, cycle
        for level, link in self.amounts():
            rate = level.unit.rpartition("/")[2]
            if rate in _RATES:
                return _RATES[rate], link
        return None

    def duration(self) -> Linked | None:
        return self.best("duration")

    def way(self) -> Way:
        """Return what the statements say."""
        number = len(self.statements)
        if number not in self._ways:
            names = ("route", "frequency", "cycle", "days", "duration")
            *rhythm, days, duration = (_value(self, name) for name in names)
            amounts = [level for level, _ in self.amounts()]
            unit = amounts[0].unit if amounts else None
            levels = set(map(_bare, amounts))
            self._ways[number] = Way(tuple(rhythm), days, duration, levels, unit)
        return self._ways[number]


def merge(statements: Iterable[Statement]) -> list[Regimen]:
    """Return the regimens that statements make, in the order of the record."""
    by_agent: dict[str, list[Statement]] = {}
    for statement in statements:
        by_agent.setdefault(statement.agent.key, []).append(statement)
    regimens: list[Regimen] = []
    for of_agent in by_agent.values():
        for regimen in _sort(_join_again(_merge_agent(of_agent))):
            regimens += _split_routes(regimen)
    return regimens


def _sort(regimens: Sequence[Regimen]) -> list[Regimen]:
    """Return the regimens of an agent in the order of their words; sections stay in their order."""
    sections = list(dict.fromkeys(one.main.text.name for one in regimens))
    return sorted(
        regimens,
        key=lambda one: (sections.index(one.main.text.name), one.main.find_words()),
    )


def _join_again(regimens: Sequence[Regimen]) -> list[Regimen]:
    """Return the regimens of an agent; those with an amount in common that do not contradict each
    other are one.
    """
    kept: list[Regimen] = []
    for regimen in regimens:
        levels = regimen.way().levels
        same = [
            one for one in kept if levels & one.way().levels and _fits(one, regimen)
        ]
        if same:
            same[0].statements += regimen.statements
        else:
            kept.append(regimen)
    return kept


def _split_routes(regimen: Regimen) -> Iterator[Regimen]:
    """Yield a regimen for each of two routes between which there is a choice: "IV or PO"."""
    links = regimen.main.links("route")
    tokens = regimen.main.text.tokens
    for one, other in pairwise(links):
        is_choice = rule("or_between").covers(tokens, one.mark.end, other.mark.first)
        if is_choice and one.mark.value != other.mark.value:
            for link in (one, other):
                yield Regimen(regimen.statements, link)
            return
    yield regimen


def _merge_agent(statements: Sequence[Statement]) -> list[Regimen]:
    regimens: list[Regimen] = []
    for statement in sorted(statements, key=_rank):
        alone = Regimen([statement])
        fitting = [one for one in regimens if _is_same(one, alone)]
        if statement.amounts:
            if fitting:
                fitting[0].statements.append(statement)
            else:
                regimens.append(alone)
            continue
        near = [one for one in fitting if _is_near(one, statement)]
        for regimen in near or fitting:
            regimen.statements.append(statement)
        if not regimens or (not fitting and _stands_alone(statement, regimens)):
            regimens.append(Regimen([statement]))
    return regimens


def _stands_alone(statement: Statement, regimens: Sequence[Regimen]) -> bool:
    """Return whether a statement without an amount is a regimen beside others of its agent: it
    says by itself when the agent is given, and no other one says it for certain.
    """
    if statement.owner.how == "earlier":
        return False
    if statement.owner.how == "repeated":
        return True
    has_amounts = any(one.main.amounts for one in regimens)
    if statement.text.is_arm and not has_amounts and statement.links("route"):
        return True
    own = [
        link
        for name in ("frequency", "days")
        for link in statement.links(name)
        if not link.is_shared and link.sure >= _SURE
    ]
    is_group = statement.text.is_intervention or statement.text.is_arm
    return bool(own) and (is_group or not has_amounts)


def _is_near(regimen: Regimen, statement: Statement) -> bool:
    """Return whether a regimen has a statement in the same section."""
    return any(one.text is statement.text for one in regimen.statements)


def _rank(statement: Statement) -> tuple[bool, bool, bool, int, int]:
    """Return what orders statements: those with an amount of substance first, then those of arms
    and interventions, then those that say most by themselves.
    """
    amounts = statement.amounts
    has_substance = any(not is_portion(link.mark) for link in amounts)
    name = statement.text.name.partition("[")[0]
    place = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    own = [
        links
        for links in statement.facts.values()
        if any(not link.is_shared for link in links)
    ]
    return not amounts, not has_substance, place > 1, -len(own), place


def _is_same(regimen: Regimen, other: Regimen) -> bool:
    """Return whether a statement alone, the ``other`` regimen, says nothing that contradicts a
    regimen of its agent.
    """
    statement = other.main
    if not _fits(regimen, other):
        return False
    mine = regimen.way()
    its = other.way()
    if not mine.levels or not its.levels or mine.levels & its.levels:
        return True
    if _differ(mine.duration, its.duration):
        return False
    if statement.clause == regimen.main.clause and statement.text is regimen.main.text:
        if _is_choice(regimen.main, statement):
            return True
        return not _has_own_way(regimen.main) or not _has_own_way(statement)
    return _are_levels(regimen, other)


def _fits(regimen: Regimen, other: Regimen) -> bool:
    """Return whether two regimens of an agent do not differ in route and rhythm."""
    mine = regimen.way()
    its = other.way()
    for one, another in zip(mine.rhythm, its.rhythm, strict=True):
        if one is not None and another is not None and one != another:
            return False
    if mine.days is None or its.days is None:
        return True
    crosses = _crosses_start(mine.days, its.days)
    return not crosses and not _crosses_start(its.days, mine.days)


def _is_choice(one: Statement, other: Statement) -> bool:
    """Return whether there is a choice between the amounts of two statements of a clause."""
    places = sorted(item.amounts[0].mark.place for item in (one, other))
    words = one.text.tokens.words[places[0][1] : places[1][0]]
    return "or" in words and "then" not in words


def _has_own_way(statement: Statement) -> bool:
    """Return whether an amount has days, a length or a rhythm to itself beside other amounts."""
    for name in ("days", "duration", "frequency", "timing"):
        if any(not link.is_shared for link in statement.links(name)):
            return True
    return False


def _bare(level: Amount) -> tuple[float | None, float | None, str]:
    """Return an amount without its rate: "50 mg" and "50 mg/day" may be the same."""
    return level.low, level.high, level.unit.removesuffix("/day")


def _value(regimen: Regimen, name: str) -> Any:
    link = regimen.best(name)
    return link.mark.value if link else None


def _differ(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one != other


def _crosses_start(before: Any, after: Any) -> bool:
    """Return whether some days are before day 0, such as those of conditioning, and others after
    it.
    """
    return bool(before and after) and min(before) < 0 < max(after)


def _are_levels(regimen: Regimen, other: Regimen) -> bool:
    """Return whether the amounts of two regimens may be levels of one way of giving: they say the
    same of the days.
    """
    mine = regimen.way()
    its = other.way()
    if mine.days != its.days:
        return not (mine.days and its.days)
    return mine.unit == its.unit or is_portion(other.main.amounts[0].mark)
