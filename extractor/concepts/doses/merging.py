"""Merging: statements of one agent that do not contradict each other are one regimen."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.moments import code_days
from extractor.concepts.doses.rhythms import code_interval
from extractor.concepts.doses.statements import Linked, Statement
from extractor.language.book import rule
from extractor.language.numbers import WHOLE_DAYS
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


@dataclass(eq=False)
class Regimen:
    """Statements of one agent that are one way of giving it, the fullest one first."""

    statements: list[Statement]
    chosen_route: Linked | None = None
    _known: dict[str, Any] = field(default_factory=dict)

    @property
    def agent(self) -> Agent:
        return self.statements[0].agent

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
        if name == "route" and self.chosen_route:
            return self.chosen_route
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
        links = self.links("amounts")
        substance = [link for link in links if not is_portion(link.mark)]
        levels: dict[Any, tuple[Amount, Linked]] = {}
        for link in substance or links:
            for level in link.mark.value:
                levels.setdefault(_bare(level), (level, link))
        return list(levels.values())

    def levels(self) -> Set[Any]:
        """Return the amounts without their rates."""
        if "levels" not in self._known:
            self._known["levels"] = {_bare(level) for level, _ in self.amounts()}
        levels: Set[Any] = self._known["levels"]
        return levels

    def duration(self) -> Linked | None:
        return self.best("duration")

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
        if cycle and cycle.mark.value.unit in WHOLE_DAYS:
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
    return [
        one
        for of_agent in by_agent.values()
        for regimen in _sort(_join_again(_merge_agent(of_agent)))
        for one in _split_routes(regimen)
    ]


def _merge_agent(statements: Sequence[Statement]) -> list[Regimen]:
    """Return the regimens of an agent. A statement without an amount adds to all that it does
    not contradict.
    """
    regimens: list[Regimen] = []
    for statement in sorted(statements, key=_rank):
        alone = Regimen([statement])
        fitting = [one for one in regimens if _is_same(one, alone)]
        is_own = bool(statement.amounts) or _is_own(statement, regimens)
        if not regimens or (is_own and not fitting):
            regimens.append(alone)
        for regimen in fitting[:1] if statement.amounts else fitting:
            regimen.add([statement])
    return regimens


def _is_own(statement: Statement, regimens: Sequence[Regimen]) -> bool:
    """Return whether a statement without an amount is a way of giving beside others: that of an
    arm, if no regimen of the agent has an amount.
    """
    has_amounts = any(one.main.amounts for one in regimens)
    is_of_arm = statement.text.is_arm and statement.owner.how != "earlier"
    return is_of_arm and not has_amounts and bool(statement.links("route"))


def _rank(statement: Statement) -> tuple[bool, bool, bool, int, int]:
    """Return what orders statements: those with an amount of substance first, then those of arms
    and interventions, then those that say most by themselves.
    """
    amounts = statement.amounts
    has_substance = any(not is_portion(link.mark) for link in amounts)
    place = _find_place(statement)
    links = statement.facts.values()
    own = [some for some in links if any(not link.is_shared for link in some)]
    return not amounts, not has_substance, place > 1, -len(own), place


def _find_place(statement: Statement) -> int:
    name = statement.text.name.partition("[")[0]
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _join_again(regimens: Iterable[Regimen]) -> list[Regimen]:
    """Return the regimens of an agent; those with an amount in common that do not contradict each
    other are one.
    """
    kept: list[Regimen] = []
    for regimen in regimens:
        levels = regimen.levels()
        same = [one for one in kept if levels & one.levels() and _fits(one, regimen)]
        if same:
            same[0].add(regimen.statements)
        else:
            kept.append(regimen)
    return kept


def _sort(regimens: Sequence[Regimen]) -> list[Regimen]:
    """Return the regimens of an agent in the order of their words; sections stay in their order."""
    sections = list(dict.fromkeys(one.main.text.name for one in regimens))
    return sorted(
        regimens,
        key=lambda one: (sections.index(one.main.text.name), one.main.find_words()),
    )


def _split_routes(regimen: Regimen) -> Iterator[Regimen]:
    """Yield a regimen for each of two routes between which there is a choice: "IV or PO"."""
    tokens = regimen.main.text.tokens
    for one, other in pairwise(regimen.main.links("route")):
        is_choice = rule("or_between").covers(tokens, one.mark.end, other.mark.first)
        if is_choice and one.mark.value != other.mark.value:
            yield Regimen(regimen.statements, one)
            yield Regimen(regimen.statements, other)
            return
    yield regimen


def _is_same(regimen: Regimen, other: Regimen) -> bool:
    """Return whether a statement alone, the ``other`` regimen, states nothing that contradicts a
    regimen of its agent. Other amounts are levels of one way of giving, with the same days and
    length; in one clause, amounts that have no rhythm each.
    """
    if not _fits(regimen, other):
        return False
    mine = regimen.levels()
    its = other.levels()
    if not mine or not its or mine & its:
        return True
    if _differ(regimen.read("duration"), other.read("duration")):
        return False
    if (
        regimen.main.clause == other.main.clause
        and regimen.main.text is other.main.text
    ):
        return not _has_own_way(regimen.main) or not _has_own_way(other.main)
    if regimen.read("days") != other.read("days"):
        return not (regimen.read("days") and other.read("days"))
    units = {regimen.amounts()[0][0].unit, other.amounts()[0][0].unit}
    return len(units) == 1 or is_portion(other.main.amounts[0].mark)


def _has_own_way(statement: Statement) -> bool:
    """Return whether an amount has days, a length or a rhythm to itself beside other amounts."""
    links = [
        link
        for name in ("days", "duration", "frequency", "timing")
        for link in statement.links(name)
    ]
    return any(not link.is_shared for link in links)


def _fits(regimen: Regimen, other: Regimen) -> bool:
    """Return whether two regimens of an agent do not differ in route and rhythm, and not one of
    them is before day 0, such as that of conditioning, and the other one after it.
    """
    for name in ("route", "frequency", "cycle"):
        if _differ(regimen.read(name), other.read(name)):
            return False
    mine = regimen.read("days") or (0,)
    its = other.read("days") or (0,)
    return not min(mine) < 0 < max(its) and not min(its) < 0 < max(mine)


def _differ(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one != other


def _bare(level: Amount) -> tuple[float | None, float | None, str]:
    """Return an amount without its rate: "50 mg" and "50 mg/day" may be the same."""
    return level.low, level.high, level.unit.removesuffix("/day")
