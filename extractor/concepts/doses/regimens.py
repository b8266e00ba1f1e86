"""Turn merged statements into regimens: name the agent, choose the quote, and read each field."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import itemgetter
from typing import Any

from extractor.concepts.doses.amounts import choose_levels
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.clauses import Statement, list_near
from extractor.concepts.doses.lengths import find_length
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.naming import find_name, list_name_cases, trust_name
from extractor.concepts.doses.roles import read_role
from extractor.concepts.doses.signs import RegimenView, sign_regimen
from extractor.concepts.doses.timing import (
    TrialLength,
    find_trial_cycle,
    is_cyclic,
    is_rate,
    resolve_frequency,
    resolve_length,
    resolve_timing,
    value_of,
)
from extractor.concepts.doses.trial_view import Trial
from extractor.concepts.doses.trust import Trust, list_stated
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.schemas import Amount, Frequency, Period, Route, Support


def build_regimens(
    statements: Sequence[Statement],
    arms: Arms,
    trial: Trial,
    numbers: Iterator[int],
    trial_length: TrialLength | None = None,
) -> tuple[Draft, ...]:
    """Build one regimen per statement, in reading order, numbered by ``numbers``.

    ``statements`` are merged: each is all that the record says of one regimen. Regimens that are
    given more than once and state no length get ``trial_length``, if no regimen states another.
    """
    ordered = _add_trial_cycle(_sort(statements, arms), arms)
    if trial_length and _has_other_length(ordered, trial_length.fact):
        trial_length = None
    by_agent = defaultdict[str, list[Statement]](list)
    for statement in ordered:
        by_agent[statement.agent.key].append(statement)
    stated = list_stated(arms.texts.values())
    regimens: list[Draft] = []
    for statement in ordered:
        agent = statement.agent.key
        trust = Trust(statement, arms.texts, stated)
        others = [one for one in by_agent[agent] if one is not statement]
        builder = _Builder(statement, arms, others, trust, trial_length)
        regimens.append(builder.build(trial, next(numbers)))
    return tuple(regimens)


def _sort(statements: Sequence[Statement], arms: Arms) -> list[Statement]:
    """Return statements in reading order."""
    order = {name: place for place, name in enumerate(arms.texts)}

    def find_place(statement: Statement) -> tuple[int, int]:
        return order[statement.section], statement.first

    return sorted(statements, key=find_place)


def _add_trial_cycle(statements: Sequence[Statement], arms: Arms) -> list[Statement]:
    """Return the statements; those of agents that are given on listed days of a cycle of unknown
    length get the cycle of the trial, if the record states exactly one.
    """
    cycle = find_trial_cycle(arms.texts.values())
    if cycle is None:
        return [*statements]
    timed: list[Statement] = []
    for statement in statements:
        lacks_cycle = bool(statement.days) and statement.cycle is None
        if lacks_cycle and is_cyclic(statement):
            timed.append(replace(statement, cycle=cycle))
        else:
            timed.append(statement)
    return timed


def _has_other_length(statements: Sequence[Statement], length: Fact) -> bool:
    """Return whether an agent is given for another time than ``length``, which the trial's
    descriptions state. A part of a cycle ("for 3 weeks of each 28-day cycle") is no such time.
    """
    lengths = {value_of(resolve_length(statement)) for statement in statements}
    return bool(lengths - {None, length.value})


@dataclass(frozen=True)
class _Builder:
    """Builds the regimen of one statement. ``others`` are the other regimens of its agent."""

    statement: Statement
    arms: Arms
    others: Sequence[Statement]
    trust: Trust
    trial_length: TrialLength | None

    def build(self, trial: Trial, number: int) -> Draft:
        """Return the regimen with a reading of each field. ``number`` is that of its chunk."""
        statement = self.statement
        section = self.arms.texts[statement.section]
        texts = self.arms.texts
        named, *place = find_name(statement, texts)
        words = named.span(*place)
        role, role_confidence = read_role(statement, trial)
        given = self.arms.find(statement, self.others)
        cases = list_name_cases(statement, named, place, texts)
        rules: dict[str, Reading[Any]] = {
            "agent": Reading(named.raw(*place), trust_name(cases), (words,)),
            "role": Reading(role, role_confidence, (words,), Support.INFERRED),
            "amounts": self._read_amounts(given),
            "arms": self.arms.read(given),
            "route": self._read_route(),
            "frequency": self.frequency,
            "cycle": self._read_fact("cycle", statement.cycle),
            "duration": self._read_duration(),
            "timing": self._read_timing(),
        }
        view = RegimenView(self.trust, cases, given, len(self.others) + 1)
        rules = sign_regimen(rules, view)
        first, end = self._find_clause()
        chunk = section.chunk(number, first, end)
        quote = section.span(statement.first, statement.end)
        return Draft("dosing", chunk, quote, rules)

    def _find_clause(self) -> tuple[int, int]:
        """Return the clause or title in which the statement begins, extended to its end."""
        statement = self.statement
        section = self.arms.texts[statement.section]
        clauses = section.clauses
        number = bisect_right(clauses, statement.first, key=itemgetter(0))
        # no clause begins before the statement: it is in the title
        first, end = clauses[number - 1] if number else section.title
        return min(first, statement.first), max(end, statement.end)

    def _span(self, fact: Fact) -> Span:
        return self.arms.texts[fact.section].span(fact.first, fact.end)

    def _read_fact(self, name: str, fact: Fact | None) -> Reading[Any]:
        """Return the reading of a field with the value of one fact; None without a fact or value,
        with the confidence that the field is not stated. ``name`` is the kind of finding.
        """
        if fact is None or fact.value is None:
            return Reading(None, self.trust.of_nothing(name))
        confidence = self.trust.of_fact(name, fact)
        return Reading(fact.value, confidence, (self._span(fact),), Support.PARSED)

    def _read_amounts(
        self, given: Collection[str]
    ) -> Reading[tuple[Amount, ...] | None]:
        """Read the amounts, each at its first place, for the arms that get the regimen."""
        spans: dict[Amount, Span] = {}
        for fact in self.statement.amounts:
            for amount in fact.value:
                spans.setdefault(amount, self._span(fact))
        levels = choose_levels(spans)
        amounts = self.arms.read_amounts(self.statement, levels, given)
        return Reading(
            tuple(amounts),
            self.trust.of_amounts(levels),
            tuple(spans[level] for level in levels),
            Support.PARSED,
        )

    def _read_route(self) -> Reading[Route | None]:
        """Return the route; None without one, and for one of a description that may be another
        agent's.
        """
        route = self.statement.route
        if route is None or self.trust.is_borrowed(route):
            return Reading(None, self.trust.of_nothing("route"))
        confidence = self.trust.of_fact("route", route)
        return Reading(route.value, confidence, (self._span(route),), Support.INFERRED)

    @cached_property
    def frequency(self) -> Reading[Frequency | None]:
        """The frequency, cited where it is stated, or else where a rate ("0.5 ug/kg/h") or a moment
        implies it; None if nothing does.
        """
        statement = self.statement
        value = resolve_frequency(statement)
        stated = statement.frequency or statement.days
        fact = stated or statement.moment
        if is_rate(statement) and not stated:
            fact = statement.amounts[0]
        if value is None or fact is None:
            return Reading(None, self._doubt_frequency())
        support = Support.PARSED if stated else Support.INFERRED
        confidence = self.trust.of_frequency()
        return Reading(value, confidence, (self._span(fact),), support)

    def _doubt_frequency(self) -> float:
        """Return how sure it is that no frequency is stated: less where the agent's words have one,
        or days, that was not taken.
        """
        statement = self.statement
        if statement.days or list_near(statement, "frequency"):
            return measured("regimen", "in clause")
        if list_near(statement, "days"):
            return measured("regimen", "in clause")
        return self.trust.of_nothing("frequency")

    def _read_duration(self) -> Reading[Period | None]:
        """Return the length of treatment: the statement's own, else that of the trial. None if
        neither is stated, or the own one may be another agent's.
        """
        length = find_length(self.statement)
        if length is None:
            return self._lend_length()
        first = length.facts[0]
        if self.trust.is_borrowed(first):
            return Reading(None, self.trust.of_nothing("length"))
        confidence = self.trust.of_fact("length", first)
        if length.doubt:
            confidence = min(confidence, measured("length", length.doubt))
        spans = tuple(self._span(fact) for fact in length.facts)
        return Reading(length.value, confidence, spans, Support.PARSED)

    def _lend_length(self) -> Reading[Period | None]:
        """Return the trial's length of treatment for an agent that is given more than once and of
        whose length its own words say nothing. In all other cases the reading has the value None,
        also if it is unknown how often the agent is given, or if it is given until an event.
        """
        nothing: Reading[Period | None] = Reading(None, self.trust.of_nothing("length"))
        stated = self.trial_length
        if stated is None or not stated.holds_for(self.statement.agent):
            return nothing
        if resolve_length(self.statement) or self._is_open_ended():
            return nothing
        if self.frequency.value in {None, Frequency.ONCE}:
            return nothing
        confidence = measured("length", "of the trial")
        place = self._span(stated.fact)
        return Reading(stated.fact.value, confidence, (place,), Support.PARSED)

    def _is_open_ended(self) -> bool:
        """Return whether the words about the agent give its treatment no end in time: "until
        disease progression", "for life".
        """
        open_ended = rule("open_ended")
        for part in self.statement.parts or (self.statement,):
            if open_ended.occurs(part.clause.tokens, *part.reach):
                return True
        return False

    def _read_timing(self) -> Reading[str | None]:
        """Return the words for the days or the moment of giving, or None."""
        timing = resolve_timing(self.statement)
        if timing is None:
            no_days = self.trust.of_nothing("days")
            no_moment = self.trust.of_nothing("moment")
            return Reading(None, min(no_days, no_moment))
        fact, first, end = timing
        section = self.arms.texts[fact.section]
        kind = "days" if fact is self.statement.days else "moment"
        confidence = self.trust.of_fact(kind, fact)
        words = section.raw(first, end)
        return Reading(words, confidence, (section.span(first, end),))
