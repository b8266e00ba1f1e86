"""What the marks of a statement come to: how often, how long and when an agent is given; and what
holds for a whole trial.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from operator import attrgetter
from typing import Any, NamedTuple

from extractor.concepts.doses.agents import Agent, AgentNames
from extractor.concepts.doses.clauses import Statement, is_aside
from extractor.concepts.doses.days import code_schedule, count_days
from extractor.concepts.doses.marks import Fact, Place, within
from extractor.concepts.doses.sections import DosingSection
from extractor.language.book import rule
from extractor.schemas import Frequency, TimeUnit

Timing = tuple[Fact, int, int]
"""The fact that states when an agent is given, and the tokens that belong to it, in its section."""
_UNNAMED = frozenset({"placebo", "class"})
"""Kinds of agents that are given like others, or do not say which substance is meant."""
_TITLES = ("title", "official_title")
_BETWEEN = ("", ",", "and")
"""What stands between days and a moment that are read together."""


def value_of(fact: Fact | None) -> Any:
    """Return the value of a fact, or None without one."""
    return fact.value if fact else None


def is_cyclic(statement: Statement) -> bool:
    """Return whether an agent is given in cycles: its section mentions them, or its dose is one
    of chemotherapy.
    """
    if statement.cyclic:
        return True
    units = [amount.unit for amount in statement.levels]
    # doses per m2 and by area under the curve are given in cycles
    return any("m2" in unit or unit == "AUC" for unit in units)


def is_rate(statement: Statement) -> bool:
    """Return whether the dose is stated as a rate of infusion: "0.5 ug/kg/h"."""
    return any(amount.unit.endswith(("/h", "/min")) for amount in statement.levels)


def resolve_frequency(statement: Statement) -> Frequency | None:
    """Return the frequency that words, listed days and the cycle give together, and without any of
    them the rate of a dose; None if nothing gives one.
    """
    if _continues_otherwise(statement):
        return Frequency.OTHER
    days = value_of(statement.days) or ()
    length = count_days(value_of(statement.length)) or 0
    # one day beside a longer treatment is its first one, and not all of it
    if len(days) == 1 and length > 1:
        days = ()
    coded = code_schedule(
        value_of(statement.frequency),
        days,
        value_of(statement.cycle),
        cyclic=is_cyclic(statement),
    )
    # "0.5 ug/kg/h"
    if coded is None and is_rate(statement):
        return Frequency.CONTINUOUS
    return coded


def _continues_otherwise(statement: Statement) -> bool:
    """Return whether an interval follows a list of days in the statement's own clause: "on days 1,
    15, 29 and every 28 days".
    """
    days = statement.days
    if days is None or not statement.holds(days):
        return False
    if len(days.value) < 2:
        return False
    return bool(rule("and_then_every").starts(statement.clause.tokens, days.end))


def resolve_length(statement: Statement) -> Fact | None:
    """Return the length of treatment; None without one. A length that is no longer than the cycle
    is no length: in "for 3 weeks, repeated every 4 weeks" it is a part of the cycle.
    """
    length = count_days(value_of(statement.length))
    cycle = count_days(value_of(statement.cycle))
    if length is None or cycle is None:
        return statement.length
    return statement.length if length > cycle else None


def resolve_timing(statement: Statement) -> Timing | None:
    """Return when an agent is given: by days or by a moment, with the words next to them. Days
    come before a moment; None without either in the statement's own clause, but several days
    count from any clause.
    """
    days = statement.days
    # a single day of another clause may be that of something else
    is_single = days is not None and len(days.value) < 2
    if days and is_single and not statement.holds(days):
        days = None
    moment = statement.moment
    if moment and not statement.holds(moment):
        moment = None
    fact = days or moment
    if fact is None:
        return None
    if fact.section != statement.section:
        return fact, fact.first, fact.end
    tokens = statement.clause.tokens
    first = fact.first
    end = fact.end
    # "on day 1, before surgery"
    if days and moment:
        earlier, later = sorted((days, moment), key=attrgetter("first"))
        is_apart = earlier.end <= later.first
        if is_apart and tokens.read(earlier.end, later.first) in _BETWEEN:
            first = earlier.first
            end = later.end
    # "and continuing until engraftment"
    goes_on = rule("goes_on").starts(tokens, end)
    return fact, first, goes_on.end if goes_on else end


def find_trial_cycle(sections: Iterable[DosingSection]) -> Fact | None:
    """Return the cycle of the trial, if the record states exactly one; else None. Ranges do not
    count.
    """
    stated: list[Fact] = []
    for section in sections:
        stated += [mark for mark in section.marks.cycle if mark.value is not None]
    lengths = {count_days(mark.value) for mark in stated}
    return stated[0] if len(lengths) == 1 else None


class TrialLength(NamedTuple):
    """The length of treatment that a trial's descriptions state. ``agents`` are the keys of those
    that its sentence names; none if it speaks of the treatment alone.
    """

    fact: Fact
    agents: frozenset[str]

    def holds_for(self, agent: Agent) -> bool:
        """Return whether the length can be that of an agent. A placebo is given like the others."""
        if not self.agents or agent.kind == "placebo":
            return True
        return agent.key in self.agents


def find_trial_length(
    sections: Sequence[DosingSection], names: AgentNames, given: Set[str]
) -> TrialLength | None:
    """Return the length of treatment, if the trial's descriptions state exactly one; else None.
    ``given`` are the keys of the agents with a regimen.

    A sentence that names agents of which arms, interventions and titles say nothing is about
    another treatment.
    """
    own = set(given)
    for section in sections:
        if section.is_group or section.name in _TITLES:
            own.update(mention.value.key for mention in names.find(section))
    stated: list[TrialLength] = []
    for section in sections:
        if section.is_group:
            continue
        for fact, named in _list_treatment_lengths(section, names):
            is_of_other = bool(named) and named.isdisjoint(own)
            if not is_of_other:
                stated.append(TrialLength(fact, named & given))
    values = {length.fact.value for length in stated}
    return stated[0] if len(values) == 1 else None


def _list_treatment_lengths(
    section: DosingSection, names: AgentNames
) -> Iterator[tuple[Fact, frozenset[str]]]:
    """Yield the lengths in clauses that are about treatment, with the agents that the clause names.
    The number of cycles is each agent's own.
    """
    for clause in section.clauses:
        if rule("no_treatment").search(section.tokens, *clause):
            continue
        if is_aside(section.tokens, *clause):
            continue
        agents = frozenset(_list_named(section, names, clause))
        for mark in within(section.marks.length, *clause):
            if mark.value and mark.value.unit is not TimeUnit.CYCLE:
                yield mark, agents


def _list_named(
    section: DosingSection, names: AgentNames, clause: Place
) -> Iterator[str]:
    """Yield the keys of the agents that a clause names, without placebos, classes, and what stands
    behind a slash.
    """
    codes = section.tokens.codes
    for mention in within(names.find(section), *clause):
        if mention.value.kind in _UNNAMED:
            continue
        if codes[mention.first - 1 : mention.first] == "/":
            continue
        yield mention.value.key
