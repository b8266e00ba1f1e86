"""Merging: statements of one agent that do not contradict each other are one regimen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.moments import code_days
from extractor.concepts.doses.rhythms import code_interval
from extractor.concepts.doses.statements import Linked, Statement
from extractor.language.book import rule
from extractor.schemas import Amount, Frequency

_ORDER = ("arms", "interventions", "detailed_description", "brief_summary")
_WEAK = frozenset({Frequency.ONCE, Frequency.CONTINUOUS, Frequency.OTHER})
"""Frequencies that listed days express more exactly."""
_RATES = {
    "day": Frequency.QD,
    "week": Frequency.QW,
    "h": Frequency.CONTINUOUS,
    "min": Frequency.CONTINUOUS,
}
"""Frequencies of amounts per time, used if nothing else is stated."""
_OWN_WAY = ("days", "duration", "frequency", "timing")


@dataclass(eq=False)
class Regimen:
    """Statements of one agent that are one way of giving it, the fullest one first."""

    statements: list[Statement]
    route: Linked | None = None
    """The one of several routes that is chosen."""
    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def agent(self) -> Agent:
        return self.main.agent

    @property
    def main(self) -> Statement:
        return self.statements[0]

    def links(self, name: str) -> list[Linked]:
        """Return the marks of a field, starting with those of the main statement."""
        return [link for one in self.statements for link in one.links(name)]

    def add(self, statements: Iterable[Statement]) -> None:
        """Add statements to the others."""
        self.statements += statements
        self._known.clear()

    def best(self, name: str) -> Linked | None:
        """Return the most likely mark of a field in the first statement that has one."""
        if name == "route" and self.route:
            return self.route
        if name not in self._known:
            self._known[name] = self._find_best(name)
        best: Linked | None = self._known[name]
        return best

    def _find_best(self, name: str) -> Linked | None:
        for statement in self.statements:
            links = [one for one in statement.links(name) if one.mark.value is not None]
            if links:
                return max(links, key=lambda one: one.sure * one.mark.confidence)
        return None

    def read(self, name: str) -> Any:
        """Return the value of the most likely mark of a field; None without a mark."""
        link = self.best(name)
        return link.mark.value if link else None

    def amounts(self) -> list[tuple[Amount, Linked]]:
        """Return the dose levels, each once, with the mark that states it. Amounts of substance
        take precedence over volumes and pieces.
        """
        if "levels" not in self._known:
            self._known["levels"] = self._list_levels()
        levels: list[tuple[Amount, Linked]] = self._known["levels"]
        return levels

    def _list_levels(self) -> list[tuple[Amount, Linked]]:
        links = self.links("amounts")
        substance = [link for link in links if not is_portion(link.mark)]
        levels: dict[Any, tuple[Amount, Linked]] = {}
        for link in substance or links:
            for level in link.mark.value:
                levels.setdefault(_bare(level), (level, link))
        return list(levels.values())

    def frequency(self) -> tuple[Frequency, Linked] | None:
        """Return how often the agent is given and the mark that indicates it: a stated rhythm,
        or listed days within their cycle, or the cycle itself.
        """
        stated = self.best("frequency")
        days = self.best("days")
        cycle = self.best("cycle")
        if days and (stated is None or stated.mark.value in _WEAK):
            return code_days(days.mark.value, self.read("cycle")), days
        if stated:
            return stated.mark.value, stated
        if cycle:
            return code_interval(cycle.mark.value.value, cycle.mark.value.unit), cycle
        for level, link in self.amounts():
            rate = level.unit.rpartition("/")[2]
            if rate in _RATES:
                return _RATES[rate], link
        return None


def merge(statements: Iterable[Statement]) -> list[Regimen]:
    """Return the regimens that statements make, in the order of the record."""
    by_agent: dict[str, list[Statement]] = {}
    for statement in statements:
        by_agent.setdefault(statement.agent.key, []).append(statement)
    return [one for of_agent in by_agent.values() for one in _merge_agent(of_agent)]


def _merge_agent(statements: Iterable[Statement]) -> list[Regimen]:
    """Return the regimens of an agent in the order of their words. A statement without an amount
    adds to all that it does not contradict; an arm has its own way if no regimen has an amount.
    """
    regimens: list[Regimen] = []
    for statement in sorted(statements, key=_rank):
        alone = Regimen([statement])
        fitting = [one for one in regimens if _is_same(one, alone)]
        has_amounts = any(one.main.amounts for one in regimens)
        is_own_way = statement.text.is_arm and bool(statement.links("route"))
        is_own = bool(statement.amounts) or (is_own_way and not has_amounts)
        if not regimens or (is_own and not fitting):
            regimens.append(alone)
        for regimen in fitting[:1] if statement.amounts else fitting:
            regimen.add([statement])
    joined = _join_again(regimens)
    sections = list(dict.fromkeys(one.main.text.name for one in joined))
    joined.sort(
        key=lambda one: (sections.index(one.main.text.name), one.main.find_words())
    )
    return [
        Regimen(one.statements, route) for one in joined for route in _list_routes(one)
    ]


def _join_again(regimens: Iterable[Regimen]) -> list[Regimen]:
    """Return the regimens of an agent; those with an amount in common that do not contradict each
    other are one.
    """
    joined: list[Regimen] = []
    for regimen in regimens:
        again = [
            one for one in joined if _share_level(one, regimen) and _fits(one, regimen)
        ]
        if again:
            again[0].add(regimen.statements)
        else:
            joined.append(regimen)
    return joined


def _rank(statement: Statement) -> tuple[bool, bool, bool, int, int]:
    """Return what orders statements: those with an amount of substance first, then those of arms
    and interventions, then those that say most by themselves.
    """
    amounts = statement.amounts
    has_substance = any(not is_portion(link.mark) for link in amounts)
    name = statement.text.name.partition("[")[0]
    place = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    links = statement.facts.values()
    own = [some for some in links if any(not link.is_shared for link in some)]
    return not amounts, not has_substance, place > 1, -len(own), place


def _list_routes(regimen: Regimen) -> Sequence[Linked | None]:
    """Return two routes between which there is a choice: "IV or PO"; None stands for any."""
    links = regimen.main.links("route")
    for pair in pairwise(links):
        one, other = pair
        place = one.mark.end, other.mark.first
        if rule("or_between").covers(regimen.main.text.tokens, *place):
            return pair
    return (None,)


def _is_same(regimen: Regimen, other: Regimen) -> bool:
    """Return whether a statement, the ``other`` regimen, contradicts nothing of a regimen of its
    agent. Other amounts are levels of one way of giving: in one clause, unless each has a rhythm;
    elsewhere, in one unit and on the same days.
    """
    mine = regimen.amounts()
    its = other.amounts()
    if not _fits(regimen, other):
        return False
    if not mine or not its or _share_level(regimen, other):
        return True
    one = regimen.main
    two = other.main
    if _differ(regimen, other, "duration"):
        return False
    if one.text is two.text and one.clause == two.clause:
        return not (_has_own_way(one) and _has_own_way(two))
    if regimen.read("days") != other.read("days"):
        return not _differ(regimen, other, "days")
    return mine[0][0].unit == its[0][0].unit or is_portion(two.amounts[0].mark)


def _fits(regimen: Regimen, other: Regimen) -> bool:
    """Return whether two regimens of an agent do not differ in route and rhythm, and not one of
    them is before day 0, such as that of conditioning, and the other one after it.
    """
    for name in ("route", "frequency", "cycle"):
        if _differ(regimen, other, name):
            return False
    days = [one.read("days") or (0,) for one in (regimen, other)]
    return not min(map(min, days)) < 0 < max(map(max, days))


def _differ(regimen: Regimen, other: Regimen, name: str) -> bool:
    values = {regimen.read(name), other.read(name)} - {None}
    return len(values) > 1


def _share_level(regimen: Regimen, other: Regimen) -> bool:
    levels = [{_bare(level) for level, _ in one.amounts()} for one in (regimen, other)]
    return not levels[0].isdisjoint(levels[1])


def _has_own_way(statement: Statement) -> bool:
    """Return whether an amount has days, a length or a rhythm to itself beside other amounts."""
    links = [link for name in _OWN_WAY for link in statement.links(name)]
    return any(not link.is_shared for link in links)


def _bare(level: Amount) -> tuple[float | None, float | None, str]:
    """Return an amount without its rate: "50 mg" and "50 mg/day" may be the same."""
    return level.low, level.high, level.unit.removesuffix("/day")
