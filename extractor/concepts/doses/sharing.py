"""The fields of each part of a clause: its own facts, and those that a list shares.

"A 5 mg and B 3 mg on day 1" gives both on day 1; "for 24 weeks, A daily and B weekly" gives both
for 24 weeks. A part borrows only what it lacks, and no time beside a time of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.concepts.doses.agents import is_joint, is_substance
from extractor.concepts.doses.amounts import UNSURE
from extractor.concepts.doses.clauses import Clause
from extractor.concepts.doses.marks import Fact, Mark
from extractor.concepts.doses.parts import Part
from extractor.concepts.doses.rhythms import STEP, PeriodMark, read_rate
from extractor.concepts.doses.sections import FIELDS, Findings
from extractor.language.book import rule
from extractor.schemas import Frequency, Route, TimeUnit

Fields = Mapping[str, Fact]
"""The facts of a part by field."""
_OF_WHOLE = frozenset({"cycle", "length"})
"""Fields that often hold for all agents of a clause, each with times of its own."""
_LOOSE = _OF_WHOLE | {"route"}
"""Fields that a part behind another time can still lend."""
_VAGUE = frozenset({Frequency.ONCE, Frequency.OTHER})


def list_own(clause: Clause, part: Part) -> Findings:
    """Return the marks in a part, without a route directly before another agent's name, or in it:
    "and oral B".
    """
    own = clause.marks.inside(*part.reach)
    key = part.agent.key
    others = [mention for mention in clause.named if mention.value.key != key]
    routes: list[Mark[Route]] = []
    for route in own.route:
        if any(_is_of_name(route, mention) for mention in others):
            continue
        routes.append(route)
    return replace(own, route=tuple(routes))


def _is_of_name(route: Fact, mention: Fact) -> bool:
    """Return whether a route stands directly before the name of an agent, or begins in it."""
    if route.end == mention.first:
        return True
    return mention.first <= route.first < mention.end


def choose_fact(marks: Findings, name: str) -> Fact | None:
    """Return the first mark of a field, None without one. Frequency codes come before "once" and
    "other"; of several steps no length is that of the treatment, so that it has none. ``name`` is
    the kind of finding.
    """
    stated: tuple[Fact, ...] = getattr(marks, name)
    if not stated:
        return None
    # "5 mg for 4 weeks, then 2 mg for 8 weeks"
    if name == "length" and _are_steps(marks.length):
        return None
    if name == "frequency":
        for mark in stated:
            if mark.value not in _VAGUE:
                return mark
    return stated[0]


def _are_steps(lengths: Iterable[PeriodMark]) -> bool:
    """Return whether lengths are those of steps: "5 mg for 4 weeks, then 2 mg for 8 weeks". The
    first two in units of time tell; lengths in cycles are those of the whole treatment.
    """
    timed = [mark for mark in lengths if not counts_cycles(mark)]
    if len(timed) < 2:
        return False
    first, second = timed[:2]
    return first.confidence == STEP and second.confidence == STEP


def counts_cycles(length: PeriodMark) -> bool:
    """Return whether a length is in cycles, which all agents share: "A on day 1, B on day 8 for
    6 cycles".
    """
    return length.value is not None and length.value.unit is TimeUnit.CYCLE


def gather_fields(
    clause: Clause, parts: Sequence[Part], place: int, own: Findings
) -> Fields:
    """Return the facts of the part at ``place``, whose own marks are ``own``: its own ones, and
    where it lacks one, that of another part that can hold for it. Without own times, the unit of
    an amount ("5 mg/day") counts before a frequency of another part.
    """
    part = parts[place]
    fields: dict[str, Fact] = {}
    for name in FIELDS:
        fact = choose_fact(own, name)
        if fact is None and _may_borrow(clause, part, own, name):
            fact = _borrow(clause, parts, place, name)
            if fact and _is_foreign(clause, parts, place, name, fact):
                fact = None
        if fact is not None:
            fields[name] = fact
    if "frequency" in fields:
        fields["frequency"] = _doubt_frequency(clause, part, fields["frequency"])
    if own.frequency or own.days:
        return fields
    # "5 mg/day"
    rate = _read_rate(clause, part)
    if rate:
        fields["frequency"] = rate
    return fields


def _may_borrow(clause: Clause, part: Part, own: Findings, name: str) -> bool:
    """Return whether a part may get a field from another part of its clause. A part with times of
    its own borrows only the cycle and the length; what is no substance borrows no route.
    """
    # "as described above": the clause leaves the field to another one
    if rule("as_elsewhere").search(clause.tokens, clause.first, clause.end):
        return False
    if name == "route" and not is_substance(part.agent):
        return False
    # it has the lengths of its steps
    if name == "length" and own.length:
        return False
    if name in _OF_WHOLE:
        return True
    return not own.frequency and not own.days


def _borrow(
    clause: Clause, parts: Sequence[Part], place: int, name: str
) -> Fact | None:
    """Return the fact of a later part, which holds for those before it ("A 5 mg and B 3 mg on day
    1"), else one that opens the clause ("for 24 weeks, A daily and B weekly"); else None.

    No fact is taken from behind a part with times of its own, but a cycle, a length or a route.
    """
    for later in parts[place + 1 :]:
        own = _drop_continuous(clause.marks.inside(*later.reach))
        fact = choose_fact(own, name)
        if fact and not _is_of_later_name(clause, fact, later, name):
            return fact
        if name in _LOOSE:
            continue
        if own.frequency or own.days:
            return None
    if place == 0:
        return None
    opening = clause.marks.inside(parts[0].reach[0], parts[0].first)
    return choose_fact(opening, name)


def _is_of_later_name(clause: Clause, fact: Fact, later: Part, name: str) -> bool:
    """Return whether a fact belongs to the name of a later part alone: the route before it ("and
    oral B"), or the frequency between "with" and it ("with weekly B").
    """
    if name == "frequency" and fact.end <= later.first:
        start = later.reach[0]
        return rule("with_agent").starts(clause.tokens, start) is not None
    if name != "route" or later.mention is None:
        return False
    return bool(fact.end == later.mention.first)


def _drop_continuous(marks: Findings) -> Findings:
    """Return the marks without infusions over a day and longer, which no list shares."""
    shared: list[Mark[Frequency]] = []
    for mark in marks.frequency:
        if mark.value is Frequency.CONTINUOUS:
            continue
        shared.append(mark)
    return replace(marks, frequency=tuple(shared))


def _is_foreign(
    clause: Clause, parts: Sequence[Part], place: int, name: str, fact: Fact
) -> bool:
    """Return whether a fact of another part cannot hold for the part at ``place``: "orally" for
    what is injected, or a length for a part that has times of its own, unless it opens the clause.
    """
    reach = parts[place].reach
    # "A 5 mg as an injection plus 100 mg B orally"
    if fact.value is Route.ORAL:
        return rule("injected").search(clause.tokens, *reach) is not None
    if name != "length" or counts_cycles(fact):
        return False
    # "For 24 weeks, A daily and B weekly"
    opens_clause = fact.first < parts[0].first
    if opens_clause:
        return False
    own = clause.marks.inside(*reach)
    if own.frequency or own.days:
        return True
    return _read_rate(clause, parts[place]) is not None


def _doubt_frequency(clause: Clause, part: Part, stated: Fact) -> Fact:
    """Return a frequency, unsure if the next word says that something else is as frequent: "weekly
    examinations", but not "daily fictumab" or "daily tablets".
    """
    behind = min(stated.end + 1, clause.end)
    if clause.speaks_of_dosing(stated.end, behind):
        return stated
    if part.mention and part.mention.first == stated.end:
        return stated
    return replace(stated, confidence=min(stated.confidence, UNSURE))


def _read_rate(clause: Clause, part: Part) -> Fact | None:
    """Return the frequency that the unit of an amount implies: that of the first amount with one,
    None without one.
    """
    for amount in part.amounts:
        rate = read_rate(clause.tokens, amount)
        if rate:
            return rate
    return None


def list_alternatives(clause: Clause, routes: Sequence[Mark[Route]]) -> list[Fact]:
    """Return the routes that "or" joins, each once and in reading order: "IV or by mouth"."""
    joined: dict[Route, Fact] = {}
    for route, following in pairwise(routes):
        if route.value == following.value:
            continue
        if is_joint("or_between", clause.tokens, route.end, following.first):
            joined.setdefault(route.value, route)
            joined.setdefault(following.value, following)
    return list(joined.values())
