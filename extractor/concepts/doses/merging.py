"""Merge statements about the same agent into regimens if they do not contradict each other. An arm
may repeat the statements of another: "R-CHOP as in arm I. Treatment repeats every 14 days" repeats
arm I's regimens with a different cycle.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, pairwise
from operator import attrgetter
from typing import NamedTuple

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.amounts import is_portion, is_rate
from extractor.concepts.doses.linking import Linked, Naming, Owner, Statement
from extractor.concepts.doses.marks import PART, STEP, Place, Step, within
from extractor.concepts.doses.rhythms import code_days, code_interval
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range
from extractor.language.numbers import DAYS
from extractor.language.patterns import RuleMatch
from extractor.schemas import Amount, Frequency, Maximum

_REPEATED = "beside a reference"
"""The doubt about a cycle or duration that is stated beside a reference to another arm."""


def repeat_referred(
    texts: Sequence[DoseText], statements: Sequence[Statement]
) -> Iterator[Statement]:
    """Yield all statements, followed by copies of the statements that an arm repeats, with a
    different cycle, from another arm.
    """
    yield from statements
    known: dict[str, list[Statement]] = {}
    of_texts = defaultdict[str, list[Statement]](list)
    for statement in statements:
        of_texts[statement.text.name].append(statement)
    for text in texts:
        headings = list(rule("group_heading").find(text.tokens))
        borders = [*(heading.first for heading in headings), len(text.tokens)]
        # a clause may begin before the heading: "Outline: Arm I: A 5 mg daily"
        parts = defaultdict[int, list[Statement]](list)
        for statement in of_texts[text.name]:
            parts[bisect_left(borders, statement.clause[1])].append(statement)
        for part, heading in enumerate(headings, 1):
            own_statements = parts[part]
            end = borders[part]
            known.setdefault(_read_group(heading), []).extend(own_statements)
            reference = rule("as_in_group").search(text.tokens, heading.first, end)
            if reference is None:
                continue
            agents = {statement.agent.key for statement in own_statements}
            for referred in known.get(_read_group(reference), ()):
                if referred.agent.key not in agents:
                    yield from _repeat(text, (reference.first, end), referred)


def _read_group(match: RuleMatch) -> str:
    return (match.read("group") or "").lower()


def _repeat(text: DoseText, place: Range, referred: Statement) -> Iterator[Statement]:
    """Yield a copy of the ``referred`` statement with the cycle and the duration that a text
    states at ``place``, after a reference. If the cycle is the same, do not yield anything,
    because the regimen already covers both arms.
    """
    facts: dict[str, list[Linked]] = {}
    for mark in within(text.marks, *place):
        if mark.value and mark.field in ("cycle", "duration"):
            facts[mark.field] = [Linked(mark, text, (_REPEATED,))]
    cycles = _list_cycles(facts)
    referred_cycles = _list_cycles(referred.facts)
    if not cycles or not referred_cycles:
        return
    if cycles == referred_cycles:
        return
    yield replace(
        referred,
        text=text,
        clause=place,
        owner=replace(referred.owner, how=Naming.REPEATED),
        facts=referred.facts | facts,
    )


def _list_cycles(facts: Mapping[str, Sequence[Linked]]) -> Sequence[float]:
    """Return the lengths of the cycles that a statement states, in days."""
    periods = [link.mark.value for link in facts.get("cycle", ())]
    return [period.value * DAYS[period.unit] for period in periods]


_VAGUE = frozenset({Frequency.ONCE, Frequency.CONTINUOUS, Frequency.OTHER})
"""Frequencies that are less precise than listed days."""
_MOST_COMPARED = 50
"""Number of regimens of one agent, the latest ones, that a statement may add to; no trial has
more.
"""
_SCHEDULE = ("route", "frequency", "cycle")
"""Fields with a single value in each regimen."""
_LENGTH = ("duration", "days")
"""Fields that tell different amounts of one regimen from two regimens."""
_RATES = {
    "day": Frequency.QD,
    "week": Frequency.QW,
    "h": Frequency.CONTINUOUS,
    "min": Frequency.CONTINUOUS,
}
"""Frequencies implied by amounts per unit of time, used if no other frequency is stated."""


class Level(NamedTuple):
    """A dose level, with the link of the mark that states it."""

    amount: Amount
    link: Linked


_Levels = dict[tuple[float | None, float | None, str], Level]
"""Dose levels by their amounts without a rate."""


@dataclass(eq=False)
class Regimen:
    """Statements about one agent that describe the same way of giving it, with the most complete
    statement first.
    """

    statements: list[Statement]
    route: Linked | None = None
    """The route of this regimen, if its statements name several routes."""
    contradicted: set[str] = field(default_factory=set)
    """The fields for which a statement that is not part of any regimen has a different value, and
    "amounts" if an amount is stated with and without "per day".
    """
    _best: dict[str, Linked | None] = field(default_factory=dict)
    _substance: _Levels = field(default_factory=dict)
    """The levels of substance: "50 mg"."""
    _portions: _Levels = field(default_factory=dict)
    """The levels of volumes and tablets: "10 mL"."""
    dosing: set[str] = field(default_factory=set)
    """The kinds of sections that state an amount."""
    maxima: set[Maximum] = field(default_factory=set)
    """The maxima that the statements state."""
    step: Step | None = None
    """Its position among the steps of its agent, if there are several."""
    total: Linked | None = None
    """The length of all steps together."""

    def __post_init__(self) -> None:
        for statement in self.statements:
            self._add_levels(statement)
        for levels in (self._substance, self._portions):
            places = {level.link.clause for level in levels.values()}
            # "100 or 200 mg", in the order of their words
            if len(places) == 1:
                ordered = sorted(levels.items(), key=_find_first)
                levels.clear()
                levels.update(ordered)

    @property
    def agent(self) -> Agent:
        return self.main.agent

    @property
    def main(self) -> Statement:
        return self.statements[0]

    @cached_property
    def units(self) -> frozenset[str]:
        """The units of the levels, when all statements are added."""
        return frozenset(unit for _, _, unit in self.levels)

    def links(self, name: str) -> list[Linked]:
        """Return the links of a field, beginning with those of the main statement."""
        return [link for statement in self.statements for link in statement.links(name)]

    def add(self, statement: Statement) -> None:
        """Add a statement to the regimen."""
        self.statements.append(statement)
        self._add_levels(statement)
        # the first statement of a field, and so its best link, does not change
        for name, link in self._best.items():
            self._best[name] = link or _find_best(statement, name)

    def _add_levels(self, statement: Statement) -> None:
        """Add the dose levels and the maxima that a statement states, and note its section if it
        states any level. Of levels that differ only in "/day", the one added first is kept.
        """
        self.maxima.update(link.mark.value for link in statement.links("maximum"))
        if statement.amounts:
            self.dosing.add(statement.text.kind)
        for link in statement.amounts:
            levels = self._portions if is_portion(link.mark) else self._substance
            for amount in link.mark.value:
                known = levels.setdefault(without_rate(amount), Level(amount, link))
                # "5 mg" and "5 mg/day"
                if known.amount.unit != amount.unit:
                    self.contradicted.add("amounts")

    def best(self, name: str) -> Linked | None:
        """Return the most likely link of a field in the first statement that states the field."""
        if name == "route" and self.route:
            return self.route
        if name not in self._best:
            found = (_find_best(statement, name) for statement in self.statements)
            self._best[name] = next(filter(None, found), None)
        return self._best[name]

    @property
    def levels(self) -> _Levels:
        """The distinct dose levels. Volumes and numbers of tablets are omitted if an amount
        of substance is stated. If both "50 mg" and "50 mg/day" are stated, only the one stated
        first is kept.
        """
        return self._substance or self._portions

    @property
    def is_infused(self) -> bool:
        """Whether the first dose level, and so each, is a rate of an infusion."""
        first = next(iter(self.levels.values()), None)
        return first is not None and is_rate(first.amount)

    @cached_property
    def kinds(self) -> Set[str]:
        """The kinds of sections that state the dose levels of the merged regimen."""
        return {level.link.text.kind for level in self.levels.values()}

    @cached_property
    def stands_apart(self) -> bool:
        """Whether the dose levels of the merged regimen stand in more than one place."""
        places = {
            (id(level.link.text), level.link.mark.place)
            for level in self.levels.values()
        }
        return len(places) > 1

    @cached_property
    def has_parts(self) -> bool:
        """Whether a section states dose levels in more than one place, which may be steps."""
        places = defaultdict[int, set[Place]](set)
        for level in self.levels.values():
            places[id(level.link.text)].add(level.link.mark.place)
        return any(len(found) > 1 for found in places.values())

    @cached_property
    def clauses(self) -> Set[tuple[str, Place]]:
        """The clauses that state the dose levels of the merged regimen, one for each level."""
        return {level.link.clause for level in self.levels.values()}

    @cached_property
    def stating(self) -> Mapping[str, Mapping[object, Set[tuple[str, Place]]]]:
        """The clauses that state each value of a field of the merged regimen. A dose level counts
        without a rate.
        """
        stating = defaultdict[str, dict[object, set[tuple[str, Place]]]](dict)
        for statement in self.statements:
            for link in chain.from_iterable(statement.facts.values()):
                values = [link.mark.value]
                if link.mark.field == "amounts":
                    values = list(map(without_rate, link.mark.value))
                for value in values:
                    clauses = stating[link.mark.field].setdefault(value, set())
                    clauses.add(link.clause)
        return stating

    @cached_property
    def in_names(self) -> Mapping[str, Set[object]]:
        """The values of each field of the merged regimen that the label of an arm or the name of an
        intervention states. A dose level counts without a rate.
        """
        in_names = defaultdict[str, set[object]](set)
        for statement in self.statements:
            for link in chain.from_iterable(statement.facts.values()):
                first, end = link.text.title
                if not (link.text.is_group and first <= link.mark.first < end):
                    continue
                values = [link.mark.value]
                if link.mark.field == "amounts":
                    values = list(map(without_rate, link.mark.value))
                in_names[link.mark.field].update(values)
        return in_names

    @cached_property
    def owners(self) -> Mapping[Linked, Owner]:
        """The words for the agent of each amount of the merged regimen."""
        owners: dict[Linked, Owner] = {}
        for statement in self.statements:
            for link in statement.amounts:
                owners.setdefault(link, statement.owner)
        return owners

    def frequency(self) -> tuple[Frequency, Linked] | None:
        """Return the frequency and the link that indicates it: a stated frequency, listed days
        within a cycle, the cycle itself, or the rate of an amount. Listed days take precedence over
        a vague frequency such as "once". Return None if the frequency is not indicated.
        """
        stated = self.best("frequency")
        days = self.best("days")
        cycle = self.best("cycle")
        if days and (stated is None or stated.mark.value in _VAGUE):
            length = cycle.mark.value if cycle else None
            return code_days(days.mark.value, length), days
        if stated:
            return stated.mark.value, stated
        if cycle:
            return code_interval(cycle.mark.value.value, cycle.mark.value.unit), cycle
        for level, link in self.levels.values():
            rate = level.unit.rpartition("/")[2]
            if rate in _RATES:
                return _RATES[rate], link
        return None


def _find_first(item: tuple[object, Level]) -> int:
    """Return the first token of a dose level."""
    return item[1].link.mark.first


def _find_best(statement: Statement, name: str) -> Linked | None:
    """Return the most likely link of a field in a statement, or None if it states no value."""
    links = [link for link in statement.links(name) if link.mark.value is not None]
    return max(links, key=attrgetter("probability"), default=None)


def merge(statements: Iterable[Statement]) -> list[Regimen]:
    """Merge statements into regimens, in the order of the record."""
    by_agent: dict[str, list[Statement]] = {}
    for statement in statements:
        by_agent.setdefault(statement.agent.key, []).append(statement)
    merged: list[Regimen] = []
    for of_agent in by_agent.values():
        merged += _merge_agent(of_agent)
    return merged


def _merge_agent(statements: Iterable[Statement]) -> list[Regimen]:
    """Return the regimens of an agent, sorted by their positions in their sections. A statement is
    added to the first regimen that it does not contradict; a statement without an amount is added
    to every such regimen. An arm that states a route forms a separate regimen if none of the
    regimens has an amount.
    """
    regimens: list[Regimen] = []
    for statement in sorted(statements, key=_rank):
        _add_statement(statement, regimens)
    regimens.sort(key=lambda regimen: regimen.main.find_words())
    for known in regimens:
        _lengthen(known, (STEP, PART)[: len(regimens)])
    steps = {known.main.step: known for known in regimens if known.main.step}
    has_steps = len(steps) > 1
    total: Linked | None = None
    if has_steps:
        total = _find_total(steps.values())
    merged: list[Regimen] = []
    for known in regimens:
        step = known.main.step
        for route in _list_routes(known):
            regimen = Regimen(known.statements, route, known.contradicted)
            if has_steps and step:
                regimen.step = step
                regimen.total = total
            merged.append(regimen)
    return merged


def _add_statement(statement: Statement, regimens: list[Regimen]) -> None:
    """Add a statement to the regimens of its agent that it fits, or as a new one. A statement that
    does neither is omitted, but it makes the fields that it contradicts doubtful.
    """
    candidate = Regimen([statement])
    stated = _list_stated(candidate)
    recent = regimens[-_MOST_COMPARED:]
    fitting = [regimen for regimen in recent if _is_same(regimen, candidate, stated)]
    if statement.amounts:
        fitting = fitting[:1]
    for regimen in fitting:
        regimen.add(_limit_to_step(statement, regimen))
    if fitting or _repeats_steps(candidate, recent):
        return
    if not regimens or _may_be_separate(statement, regimens):
        regimens.append(candidate)
        return
    for regimen in recent:
        regimen.contradicted |= _list_different(regimen, stated)


def _find_total(steps: Iterable[Regimen]) -> Linked | None:
    """Return the length of all steps together, which is no longer that of the step beside it."""
    found: Linked | None = None
    for regimen in steps:
        for statement in regimen.statements:
            kept = []
            for link in statement.links("duration"):
                tokens = link.text.tokens
                is_total = rule("total_length").ends(tokens, link.mark.first)
                if is_total or rule("total_length_after").starts(tokens, link.mark.end):
                    found = found or link
                else:
                    kept.append(link)
            if "duration" in statement.facts:
                statement.facts["duration"] = kept
    return found


def _lengthen(regimen: Regimen, names: Sequence[str]) -> None:
    """Give a regimen the length of a step or, if it is a part of the treatment, of this part, as
    the fields of ``names`` state it. The length of one of several steps is no length of the whole.
    """
    if len(regimen.levels) > 1 and regimen.main.step is None:
        return
    for statement in regimen.statements:
        for link in chain.from_iterable(map(statement.links, names)):
            statement.add(replace(link, mark=replace(link.mark, field="duration")))


def _limit_to_step(statement: Statement, regimen: Regimen) -> Statement:
    """Return what a statement without an amount says about a regimen. Its times may be those of
    another step.
    """
    if regimen.main.step is None or statement.amounts:
        return statement
    facts: dict[str, list[Linked]] = {}
    if statement.links("route"):
        facts["route"] = statement.links("route")
    totals = [
        link
        for link in statement.links("duration")
        if rule("total_length").ends(link.text.tokens, link.mark.first)
    ]
    if totals:
        facts["duration"] = totals
    return replace(statement, facts=facts)


def _repeats_steps(candidate: Regimen, regimens: Iterable[Regimen]) -> bool:
    """Return whether a statement that tells of no steps repeats the amounts of several: "400 and
    200 mg", "from 200 to 400 mg".
    """
    if candidate.main.step:
        return False
    levels: set[object] = set()
    for regimen in regimens:
        if regimen.main.step:
            levels.update(regimen.levels)
    ends: set[object] = set()
    for low, high, unit in candidate.levels:
        ends.add((low, low, unit))
        ends.add((high, high, unit))
    return len(ends) > 1 and ends <= levels


def _may_be_separate(statement: Statement, regimens: Sequence[Regimen]) -> bool:
    """Return whether a statement can be a separate regimen: it has an amount or, if no regimen has
    one, it is in an arm and states a route.
    """
    if statement.amounts or statement.is_bare_step:
        return True
    has_route = statement.text.is_arm and bool(statement.links("route"))
    if not has_route:
        return False
    # the regimens with an amount come first
    return not regimens[0].main.amounts


def _rank(statement: Statement) -> tuple[bool, bool, bool, bool, int, bool]:
    """Return the sort key of a statement. Statements with an amount of substance come first, steps
    before others, followed by statements in arms and interventions; within each group, statements
    with the most directly linked fields come first.
    """
    amounts = statement.amounts
    has_substance = any(not is_portion(link.mark) for link in amounts)
    direct = 0
    for name, links in statement.facts.items():
        direct += name != "timing" and any(not link.is_shared for link in links)
    text = statement.text
    has_amount = bool(amounts) or statement.is_bare_step
    is_step = statement.step is not None
    return (
        not has_amount,
        not has_substance and not statement.is_bare_step,
        not is_step,
        not text.is_group,
        -direct,
        not text.is_arm,
    )


def _list_routes(regimen: Regimen) -> Sequence[Linked | None]:
    """Return two routes that are alternatives, as in "IV or PO"; otherwise, return a tuple that
    contains only None.
    """
    main = regimen.main
    for route, alternative in pairwise(main.links("route")):
        place = route.mark.end, alternative.mark.first
        if rule("or_between").covers(main.text.tokens, *place):
            return route, alternative
    return (None,)


def _is_same(
    regimen: Regimen, candidate: Regimen, stated: Mapping[str, object]
) -> bool:
    """Return whether a candidate, which consists of a single statement, does not contradict a
    regimen of its agent. Different amounts are dose levels of one regimen unless their durations
    or days differ. The same amount is a regimen of its own if the same clause, or another arm,
    states it for another duration. ``stated`` contains the candidate's values.
    """
    step = candidate.main.step
    if step:
        known_step = regimen.main.step
        if known_step is None or known_step.number != step.number:
            return False
    if _list_different(regimen, stated):
        return False
    if _have_other_maxima(regimen, candidate):
        return False
    daytimes = {0, candidate.main.daytime, regimen.main.daytime}
    if len(daytimes) > 2:
        return False
    # what tells of no steps adds no amount to one
    if regimen.main.step and not candidate.levels.keys() <= regimen.levels.keys():
        return False
    if not regimen.levels or not candidate.levels:
        return True
    if candidate.main.text.kind in regimen.dosing:
        # "A 300 mg daily for 8 weeks, then A 300 mg daily for 18 weeks", or in two arms
        if _list_different(regimen, stated, ("duration",)):
            return False
        if _is_next_phase(regimen, candidate):
            return False
    # a bolus of 5 mg/kg and an infusion of 0.1 mg/kg/h are two steps
    if regimen.is_infused != candidate.is_infused:
        return False
    if not regimen.levels.keys().isdisjoint(candidate.levels):
        return True
    return not _list_different(regimen, stated, _LENGTH)


def _have_other_maxima(regimen: Regimen, candidate: Regimen) -> bool:
    """Return whether two amounts each have a maximum, and not the same: "5 mg/kg (at most 300 mg)
    in arm A, 8 mg/kg (at most 600 mg) in arm B".
    """
    if not regimen.levels or not candidate.levels:
        return False
    known = regimen.maxima
    other = candidate.maxima
    if not known or not other or known == other:
        return False
    # a maximum for a day says nothing about one for a dose
    times = {maximum.per for maximum in known}
    return any(maximum.per in times for maximum in other)


def _is_next_phase(regimen: Regimen, candidate: Regimen) -> bool:
    """Return whether a text states the same amount again in another rhythm or around another event:
    "2 g before incision; 2 g every 8 hours after surgery".
    """
    is_stated_again = not regimen.levels.keys().isdisjoint(candidate.levels)
    if not is_stated_again or not candidate.main.text.is_group:
        return False
    codes = {Frequency.ONCE}
    moments: set[str] = set()
    for each in (regimen, candidate):
        rhythm = each.frequency()
        if rhythm and rhythm[1].mark.field != "amounts":
            codes.add(rhythm[0])
        moment = each.best("timing")
        if moment and rule("moment_of_event").occurs(read_text(moment.mark.value)):
            moments.add(moment.mark.value.lower())
    return len(codes) > 2 or len(moments) > 1


def _list_stated(candidate: Regimen) -> dict[str, object]:
    """Return the values of the fields that may contradict a regimen."""
    stated: dict[str, object] = {}
    for name in (*_SCHEDULE, *_LENGTH):
        link = _find_link(candidate, name)
        if link:
            stated[name] = link.mark.value
    return stated


def _find_link(regimen: Regimen, name: str) -> Linked | None:
    """Return the link of a field; for the duration also the length of a step."""
    if name == "duration":
        return regimen.best(name) or regimen.best(STEP)
    return regimen.best(name)


def _list_different(
    regimen: Regimen, stated: Mapping[str, object], fields: Iterable[str] = _SCHEDULE
) -> set[str]:
    """Return the fields for which a regimen has another value than the stated one."""
    different: set[str] = set()
    for name in fields:
        if name not in stated:
            continue
        link = _find_link(regimen, name)
        if link and link.mark.value != stated[name]:
            different.add(name)
    return different


def without_rate(level: Amount) -> tuple[float | None, float | None, str]:
    """Return the lower end, upper end and unit of an amount, without "/day" in the unit, since "50
    mg" and "50 mg/day" may be the same dose.
    """
    return level.low, level.high, level.unit.removesuffix("/day")
