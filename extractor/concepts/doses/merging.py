"""Repeat statements that another arm refers to, merge those about one regimen, and resolve their
schedules.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.doses.clauses import Clause, Statement, is_aside
from extractor.concepts.doses.days import code_schedule, count_days
from extractor.concepts.doses.marks import Fact, Place, within
from extractor.concepts.doses.sections import FIELDS, DosingSection
from extractor.language.book import rule
from extractor.schemas import FieldRef, Frequency, TimeUnit

Timing = tuple[Fact, int, int]
"""The fact that states when an agent is given, and the tokens that belong to it, in its section."""

_MOST_ALTERNATIVES = 50
"""The most regimens of an agent. Only the latest ones are compared, so that time stays linear."""
_MOST_AMOUNTS = 50
"""The most amounts of a regimen. More amounts are a table, not one regimen."""
_SECTIONS = (
    "arms",
    "interventions",
    "brief_summary",
    "detailed_description",
    "official_title",
)


def find_trial_length(descriptions: Sequence[DosingSection]) -> Fact | None:
    """Return the length of treatment, if the trial's descriptions state exactly one."""
    found = [
        mark
        for section in descriptions
        for place in section.clauses
        if not rule("no_treatment").search(section.tokens, *place)
        and not is_aside(section.tokens, *place)
        for mark in within(section.marks.length, *place)
        if mark.value and mark.value.unit is not TimeUnit.CYCLE
    ]
    return found[0] if len({fact.value for fact in found}) == 1 else None


def find_trial_cycle(sections: Iterable[DosingSection]) -> Fact | None:
    """Return the cycle of the trial, if the record states exactly one."""
    stated = [
        mark
        for section in sections
        for mark in section.marks.cycle
        if mark.value is not None
    ]
    return stated[0] if len({count_days(fact.value) for fact in stated}) == 1 else None


def is_cyclic(statement: Statement) -> bool:
    """Return whether an agent is given in cycles: its section mentions them, or its dose is per
    m2.
    """
    if statement.cyclic:
        return True
    return any(
        "m2" in amount.unit or amount.unit == "AUC" for amount in statement.levels
    )


def is_rate(statement: Statement) -> bool:
    """Return whether the dose is stated as a rate of infusion: "0.5 ug/kg/h"."""
    return any(amount.unit.endswith(("/h", "/min")) for amount in statement.levels)


def resolve_frequency(statement: Statement) -> Frequency | None:
    """Return the frequency implied by words, listed days and the cycle. Doses per m2 are given
    in cycles.
    """
    facts = (statement.frequency, statement.days, statement.cycle)
    stated, days, cycle = (fact.value if fact else None for fact in facts)
    listed = (
        statement.days if statement.days and len(statement.days.value) > 1 else None
    )
    if (
        listed
        and statement.holds(listed)
        and rule("and_then_every").starts(statement.clause.tokens, listed.end)
    ):
        return Frequency.OTHER  # "on days 1, 15, 29 and every 28 days"
    coded = code_schedule(stated, days or (), cycle, cyclic=is_cyclic(statement))
    if coded is None and is_rate(statement):
        return Frequency.CONTINUOUS
    return coded


def resolve_length(statement: Statement) -> Fact | None:
    """Return the length of treatment. "for 3 weeks, repeated every 4 weeks" is a part of a
    cycle, and no length.
    """
    length = statement.length
    cycle = statement.cycle
    one, other = (count_days(fact.value) if fact else None for fact in (length, cycle))
    return None if one is not None and other is not None and one <= other else length


def resolve_timing(statement: Statement) -> Timing | None:
    """Return when an agent is given: by days or by a moment, with the words next to them."""
    days = statement.days
    moment = statement.moment
    tokens = statement.clause.tokens
    moment = moment if moment and statement.holds(moment) else None
    # other clauses' days count only as lists
    if days and not (statement.holds(days) or len(days.value) > 1):
        days = None
    fact = days or moment
    if fact is None or fact.section != statement.section:
        return (fact, fact.first, fact.end) if fact else None
    first = fact.first
    end = fact.end
    if moment:
        one, other = (fact, moment) if first <= moment.first else (moment, fact)
        if one.end <= other.first and tokens.read(one.end, other.first) in (
            "",
            ",",
            "and",
        ):
            first = one.first
            end = other.end
    goes_on = rule("goes_on").starts(tokens, end)
    return fact, first, goes_on.end if goes_on else end


def resolve_references(
    sections: Sequence[DosingSection], statements: Sequence[Statement]
) -> list[Statement]:
    """Add the statements of another arm that a clause refers to, with the clause's own cycles.

    Example: "R-CHOP as in arm I. Treatment repeats every 14 days.". Agents that have statements of
    their own after the reference are left out.
    """
    by_arm: dict[str, list[Statement]] = defaultdict(list)
    references = list[tuple[DosingSection, Place, str, list[Statement]]]()
    for section in (
        sections
        if any(rule("as_in_group").search(one.tokens) for one in sections)
        else ()
    ):
        headings = list(rule("group_heading").find(section.tokens))
        for heading, end in zip(
            headings,
            [*(at.first for at in headings[1:]), len(section.tokens)],
            strict=False,
        ):
            inside = [
                s
                for s in statements
                if s.section == section.name and heading.first <= s.first < end
            ]
            name = (heading.read("group") or "").lower()
            by_arm[name] += inside
            clauses = (
                clause for clause in section.clauses if heading.first <= clause[0] < end
            )
            references += [
                (section, (first, end), name, inside) for first, _ in clauses
            ]
    repeated = (
        again for reference in references for again in _repeat(*reference, by_arm)
    )
    return [*statements, *repeated]


def _repeat(
    section: DosingSection,
    place: Place,
    arm: str,
    inside: Sequence[Statement],
    by_arm: Mapping[str, list[Statement]],
) -> Iterator[Statement]:
    """Yield the other arm's statements that the clause at the start of ``place`` repeats;
    ``inside`` are its own.
    """
    first, arm_end = place
    clauses = dict(section.clauses)
    reference = rule("as_in_group").search(section.tokens, first, clauses[first])
    cycle = next(
        (
            mark
            for mark in section.marks.inside(first, arm_end).cycle
            if mark.value is not None
        ),
        None,
    )
    name = (reference.read("group") or "").lower() if reference else arm
    if not reference or not cycle or name == arm:
        return
    last = next(
        (stop for start, stop in section.clauses if start <= cycle.first < stop),
        cycle.end,
    )
    clause = Clause(section.tokens, first, last, section.marks.inside(first, last))
    known = {
        statement.agent.key for statement in inside if statement.first >= reference.end
    }
    length = next(iter(clause.marks.length), None)
    for other in by_arm[name]:
        if other.agent.key in known:
            continue
        if not other.cycle:
            continue
        if count_days(other.cycle.value) == count_days(cycle.value):
            continue
        known.add(other.agent.key)
        changes: dict[str, Any] = {
            "mention": None,
            "reach": (first, last),
            "cycle": cycle,
            "length": length,
        }
        yield replace(
            other, section=section.name, first=first, end=last, clause=clause, **changes
        )


def merge_statements(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Merge to one statement per agent and regimen, in reading order.

    Statements without an amount fill gaps in those with one. They stand alone only if none has an
    amount.
    """
    by_agent: dict[str, list[Statement]] = {}
    for statement in statements:
        by_agent.setdefault(statement.agent.key, []).append(statement)
    merged = [_quote(one) for group in by_agent.values() for one in _merge_group(group)]
    routes = {one.route.value: one.route for one in merged if one.route}
    if len(routes) != 1:
        return tuple(merged)
    (route,) = routes.values()
    return tuple(
        replace(one, route=one.route or route) if one.agent.kind == "placebo" else one
        for one in merged
    )


def _merge_group(group: list[Statement]) -> list[Statement]:
    ranked = sorted(group, key=_rank)
    strong = _unite([s for s in ranked if s.amounts])
    weak = [s for s in ranked if not s.amounts]
    if not strong:
        return [s for s in _unite(weak) if _stands_alone(s)]
    for filler in weak:
        compared = [
            _fill(s, filler) if _is_same_regimen(s, filler) else s
            for s in strong[:_MOST_ALTERNATIVES]
        ]
        strong = [*compared, *strong[_MOST_ALTERNATIVES:]]
    # A statement without an amount counts if it states another route and its schedule.
    routes = {s.route.value for s in strong if s.route}
    others = [
        s
        for s in weak
        if s.mention and s.route and routes and s.route.value not in routes
    ]
    return [*strong, *_unite([s for s in others if s.frequency or s.days])]


def _rank(statement: Statement) -> tuple[int, bool, bool]:
    """Sort key: the most complete statement first; arms and interventions before descriptions."""
    is_intervention = statement.section.startswith("interventions")
    is_group = is_intervention or statement.section.startswith("arms")
    richness = sum(getattr(statement, name) is not None for name in FIELDS)
    return -richness, not is_group, is_intervention != bool(statement.amounts)


def _unite(statements: list[Statement]) -> list[Statement]:
    united: list[Statement] = []
    for statement in statements:
        late = range(max(0, len(united) - _MOST_ALTERNATIVES), len(united))
        place = next((i for i in late if _is_same_regimen(united[i], statement)), None)
        if place is None:
            united.append(statement)
        else:
            united[place] = _fill(united[place], statement)
    return united


def _fill(statement: Statement, filler: Statement) -> Statement:
    """Fill the empty fields of a statement from another one about the same regimen."""
    changes: dict[str, Any] = {
        name: getattr(filler, name)
        for name in FIELDS
        if getattr(statement, name) is None
    }
    known = set(statement.levels)
    amounts = [fact for fact in filler.amounts if not known.issuperset(fact.value)]
    if len(statement.amounts) >= _MOST_AMOUNTS or (
        amounts and filler.levels[0].unit != statement.levels[0].unit
    ):
        amounts = []
    parts = (*(statement.parts or (statement,)), *(filler.parts or (filler,)))
    return replace(
        statement, amounts=(*statement.amounts, *amounts), parts=parts, **changes
    )


def _quote(merged: Statement) -> Statement:
    """Move the merged statement to the part to quote, whose own fields take precedence."""
    parts = merged.parts or (merged,)
    if merged.amounts:
        unit = merged.levels[0].unit
        parts = tuple(
            one for one in parts if one.amounts and one.levels[0].unit == unit
        )
    quoted = min(parts, key=_rank_place)
    for other in merged.parts:
        quoted = _fill(quoted, other)
    return quoted


def _rank_place(one: Statement) -> tuple[int, int, int]:
    """Sort key: the part with the most levels first, then the most complete, then one in an arm."""
    own = sum(
        fact is not None and one.holds(fact)
        for fact in (getattr(one, name) for name in FIELDS)
    )
    return -len(one.levels), -own, _SECTIONS.index(FieldRef(one.section).path)


def _stands_alone(statement: Statement) -> bool:
    """Whether a statement without an amount is a regimen: it has a time, or a route that is no
    part of its name.
    """
    route = statement.route
    agent = statement.agent
    mention = statement.mention
    if statement.frequency or statement.days or route is None:
        return any(
            (
                statement.frequency,
                statement.days,
                statement.moment,
                mention and statement.length,
            )
        )
    inside = (
        route.section == agent.section
        and agent.first <= route.first
        and route.end <= agent.end
    )
    return not (
        inside
        or (mention and mention.first <= route.first and route.end <= mention.end)
    )


def _is_same_regimen(first: Statement, second: Statement) -> bool:
    """Return whether two statements of an agent can describe one regimen: they contradict each
    other in nothing.
    """
    if (
        first.section == second.section
        and first.step != second.step
        and not _only_dose_changes(first, second)
    ):
        return False
    if first.route and second.route and first.route.value != second.route.value:
        return False
    if first.days and second.days and _differ_in_days(first, second):
        return False
    if (
        first.cycle
        and second.cycle
        and count_days(first.cycle.value) != count_days(second.cycle.value)
    ):
        return False
    if first.amounts and second.amounts and is_rate(first) != is_rate(second):
        return False
    one = _firm_frequency(first)
    other = _firm_frequency(second)
    return one is None or other is None or one == other


def _only_dose_changes(first: Statement, second: Statement) -> bool:
    """Return whether two steps have doses and the same frequency: "1 mg daily for 4 weeks, then
    0.5 mg daily".
    """
    if (
        not (first.amounts and second.amounts)
        or first.levels[0].unit != second.levels[0].unit
    ):
        return False
    if first.frequency and second.frequency:
        return bool(first.frequency.value == second.frequency.value)
    return not all(one.frequency or one.days or one.length for one in (first, second))


def _differ_in_days(first: Statement, second: Statement) -> bool:
    """Return whether two lists of days are two regimens. A single day without a dose is often
    the first of many.
    """
    one: tuple[int, ...] = first.days.value if first.days else ()
    other: tuple[int, ...] = second.days.value if second.days else ()
    timed = (
        first.frequency
        and second.frequency
        and first.frequency.value == second.frequency.value
    )
    if timed and first.levels == second.levels:
        return False
    if (len(one) > 1 and len(other) > 1) or (first.amounts and second.amounts):
        return one != other
    if first.amounts:
        return min(one) < 0 < max(other) or min(other) < 0 < max(one)
    return one[0] != other[0]


def _firm_frequency(statement: Statement) -> Frequency | None:
    """Return the frequency, except a "once" that follows only from a single day: another clause
    may state the cycle.
    """
    single = statement.days and len(statement.days.value) == 1
    if single and statement.frequency is None and statement.cycle is None:
        return None
    return resolve_frequency(statement)
