"""Find the steps of a treatment: doses of one agent that the same participants receive one after
the other.

"400 mg on day 1, then 200 mg every 4 weeks for 48 weeks" is two steps. Two statements about an
agent are steps if words such as "then" or "increased to" stand between them, if each has a length
or days of its own, or if the first is called a loading dose.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from extractor.concepts.doses.amounts import PORTIONS
from extractor.concepts.doses.linking import (
    SHARED,
    Linked,
    Statement,
    has_choice,
    is_called,
    is_later_step,
    is_maintenance_of,
)
from extractor.concepts.doses.marks import PART, STEP, Mark, Place, Step
from extractor.language.book import rule, word_set
from extractor.schemas import Amount, Frequency, StepKind

_MOST_STEPS = 12
"""No treatment has more steps; a longer list is a table of something else."""
_CALLED_BEHIND = 3
"""Maximum number of tokens between a dose and a word behind it that says what it is for."""
_RATE = re.compile("/(?:day|week)$")
_SPAN_BEHIND = 12
"""Maximum number of tokens between a dose and the span behind it in which it is given."""
_TWICE = 0.8
"""The confidence that the same amount in the morning and in the evening is given twice a day."""
_SETTINGS = word_set("Hz mA W J V")
"""Units of what a device is set to."""
_PAIR = 2
_RADIATION = "Gy"
_APART = 2
"""Maximum number of tokens between two clauses of one treatment."""
_LENGTHS = ("duration", STEP, PART)
_OWN_TIMES = (_LENGTHS, ("days",))
"""The fields by which two doses that are named one after the other are told to be steps."""


def number_steps(statements: Iterable[Statement]) -> None:
    """Set the steps of the statements of a section."""
    by_agent = defaultdict[str, list[Statement]](list)
    for statement in statements:
        if statement.amounts or statement.is_bare_step:
            by_agent[statement.agent.key].append(statement)
    for of_agent in by_agent.values():
        _divide_day(of_agent)
        for chain in _list_chains(of_agent):
            kinds = _name_kinds(chain)
            for number, (statement, kind) in enumerate(
                zip(chain, kinds, strict=True), 1
            ):
                statement.step = Step(number, kind)
            for before, after in pairwise(chain):
                _go_on(before, after)


def _divide_day(statements: Sequence[Statement]) -> None:
    """Join the same amount in the morning and in the evening, and tell two different ones apart."""
    ordered = sorted(statements, key=lambda statement: statement.place)
    for before, after in pairwise(ordered):
        tokens = before.text.tokens
        is_day = rule("morning_words").starts(tokens, before.place[1])
        evening = rule("evening_words").starts(tokens, after.place[1])
        if not is_day or not evening or before.clause != after.clause:
            continue
        if has_choice(before, after):
            continue
        values = [link.mark.value for link in (*before.amounts, *after.amounts)]
        if len(values) == 2 and values[0] == values[1]:
            place = before.place[0], evening.end
            mark = Mark("frequency", Frequency.BID, *place, _TWICE)
            before.facts["frequency"] = [Linked(mark, before.text)]
            after.facts.clear()
            continue
        before.daytime = 1
        after.daytime = 2


def _go_on(before: Statement, after: Statement) -> None:
    """Add to a step what goes on from the step before it without being said again: the route and,
    unless that was a loading dose, the rhythm.
    """
    missing = []
    if not after.links("route"):
        missing.append("route")
    has_times = any(after.links(name) for name in ("frequency", "days", "cycle"))
    is_loading = before.step is not None and before.step.kind is StepKind.LOADING
    # the rhythm of a loading dose, and of a single one, ends with it
    ends_there = is_loading or _is_single(before)
    if not has_times and not ends_there:
        missing.append("frequency")
    for name in missing:
        for link in before.links(name):
            after.add(replace(link, doubts=(*link.doubts, SHARED)))


def _list_chains(statements: Sequence[Statement]) -> Iterator[Sequence[Statement]]:
    """Yield the runs of statements that are steps of one treatment, in reading order."""
    ordered = sorted(statements, key=lambda statement: statement.place)
    chain = ordered[:1]
    for before, after in pairwise(ordered):
        if not _is_next(before, after):
            if 1 < len(chain) <= _MOST_STEPS:
                yield chain
            chain = []
        chain.append(after)
    if 1 < len(chain) <= _MOST_STEPS:
        yield chain


def _is_next(before: Statement, after: Statement) -> bool:
    """Return whether a statement is the step after another one."""
    if after.is_bare_step:
        return after.clause == before.clause
    if not _may_follow(before, after):
        return False
    text = before.text
    tokens = text.tokens
    if rule("step_joint").occurs(tokens, before.place[1], after.place[0]):
        return True
    if is_later_step(after):
        return True
    if is_called(before, "loading_word") and is_called(after, "maintenance_word"):
        return True
    if is_maintenance_of(before, after):
        return True
    if rule("step_label").ends(tokens, after.place[0]):
        return rule("step_label").ends(tokens, before.place[0]) is not None
    if _have_spans(before, after):
        return True
    if before.clause != after.clause:
        if _are_dated(before, after):
            return True
        # "50 mg for 4 weeks; 25 mg for 4 weeks" of one arm
        if not text.is_group:
            return False
        return _have_own(before, after, _LENGTHS) or _are_on_days(before, after)
    return any(_have_own(before, after, fields) for fields in _OWN_TIMES)


def _may_follow(before: Statement, after: Statement) -> bool:
    """Return whether nothing keeps two doses from being steps: they are near each other, for the
    same people, alike, and no choice.
    """
    if after.clause[0] - before.clause[1] > _APART:
        return False
    if before.place[1] > after.place[0]:
        return False
    if has_choice(before, after):
        return False
    if not _are_alike(before, after):
        return False
    return _find_people(before) == _find_people(after)


def _find_people(statement: Statement) -> Place | None:
    """Return the tokens that say for whom an amount is; amounts of two bands are no steps."""
    return statement.text.whom.get(statement.place)


def _are_dated(before: Statement, after: Statement) -> bool:
    """Return whether two lines of an arm each begin with a time of their own: "Weeks 1-2 A 10 mg"
    and "Weeks 3-4 A 20 mg".
    """
    tokens = before.text.tokens
    if not before.text.is_group:
        return False
    labels = [
        rule("step_time").starts(tokens, statement.clause[0])
        for statement in (before, after)
    ]
    texts = {label.text for label in labels if label}
    return len(texts) == len(labels)


def _are_alike(before: Statement, after: Statement) -> bool:
    """Return whether two amounts may be those of one treatment: no pieces beside a substance, and
    no settings of a device.
    """
    are_portions: set[bool] = set()
    for level in _list_levels([before, after]):
        # "with escalation up to 400 mg" names no single step
        if level.low is None:
            return False
        # "3 capsules per week, followed by 4 capsules"
        given = level.unit.partition("/")[0]
        if given in _SETTINGS:
            return False
        are_portions.add(given in PORTIONS)
    return len(are_portions) <= 1


def _have_spans(before: Statement, after: Statement) -> bool:
    """Return whether each of two doses has a span of its own behind it: "5 mg weekly during weeks
    1-4, 10 mg weekly from week 5".
    """
    if not _are_of_other_amounts(before, after):
        return False
    tokens = before.text.tokens
    span = rule("step_span").search(tokens, before.place[1], after.place[0])
    end = min(after.clause[1], after.place[1] + _SPAN_BEHIND)
    later = rule("step_span").search(tokens, after.place[1], end)
    if span is None or later is None:
        return False
    return span.text.lower() != later.text.lower()


def _are_of_other_amounts(before: Statement, after: Statement) -> bool:
    return list(_list_levels([before])) != list(_list_levels([after]))


def _are_on_days(before: Statement, after: Statement) -> bool:
    """Return whether two clauses give other amounts on other days: "A 5 mg twice a day and B 1 mg
    on day 1; A 10 mg twice a day and B 1 mg on day 2".
    """
    if not _are_of_other_amounts(before, after):
        return False
    earlier = before.links("days")
    later = after.links("days")
    if len(earlier) != 1 or len(later) != 1:
        return False
    return set(earlier[0].mark.value).isdisjoint(later[0].mark.value)


def _have_own(before: Statement, after: Statement, fields: Iterable[str]) -> bool:
    """Return whether two statements each have a length or days of their own, and other amounts."""
    values = []
    for statement in (before, after):
        value = _find_own(statement, fields)
        if value is None:
            return False
        values.append(value)
    amounts = [link.mark.value for link in (*before.amounts, *after.amounts)]
    if len(amounts) < 2:
        return False
    if amounts[0] == amounts[1]:
        return False
    if fields == ("days",):
        return set(values[0]).isdisjoint(values[1])
    return True


def _find_own(statement: Statement, fields: Iterable[str]) -> Any:
    """Return the value of the first mark of the fields that is a statement's own, or None if there
    is no such mark or its value is a range.
    """
    for name in fields:
        for link in statement.links(name):
            if not link.is_shared:
                return link.mark.value
    return None


def _name_kinds(chain: Sequence[Statement]) -> Sequence[StepKind | None]:
    """Return what each step of a chain is for: by what it is called, by the words between two
    steps, or else by the amounts.
    """
    kinds = _find_called(chain)
    _add_moves(chain, kinds)
    levels = [_measure(statement) for statement in chain]
    _carry_on(levels, kinds)
    if not any(kinds) and _is_one_unit(chain):
        _name_by_amounts(chain, levels, kinds)
    is_pair = len(chain) == _PAIR
    # of two doses, the one behind a loading dose keeps up what that one reached
    if is_pair and kinds[0] is StepKind.LOADING and kinds[1] is None:
        kinds[1] = StepKind.MAINTENANCE
    return kinds


def _name_by_amounts(
    chain: Sequence[Statement],
    levels: Sequence[float | None],
    kinds: list[StepKind | None],
) -> None:
    """Name the steps of a rise, of a fall, or of a first dose that is larger than the rest. Other
    amounts on other days of a cycle are no rise and no fall.
    """
    # a boost behind a radiotherapy
    if any(level.unit == _RADIATION for level in _list_levels(chain)):
        return
    is_larger = _is_larger_at_first(levels)
    if _has_cycle(chain):
        if is_larger and _is_single(chain[0]):
            kinds[0] = StepKind.LOADING
        return
    if _rises(levels):
        kinds[:] = [StepKind.TITRATION] * len(levels)
    elif len(levels) > _PAIR and _rises(levels[::-1]):
        # the full dose before a fall is none of its steps
        kinds[1:] = [StepKind.TAPER] * (len(levels) - 1)
    elif is_larger:
        kinds[0] = StepKind.LOADING


def _list_levels(chain: Iterable[Statement]) -> Iterator[Amount]:
    for statement in chain:
        for link in statement.amounts:
            yield from link.mark.value


def _find_called(chain: Sequence[Statement]) -> list[StepKind | None]:
    """Return what each step is called: "loading dose", "maintenance"."""
    kinds: list[StepKind | None] = []
    reached = 0
    for statement in chain:
        kind = None
        if is_called(statement, "maintenance_word", reached):
            kind = StepKind.MAINTENANCE
        elif is_called(statement, "loading_word", reached):
            kind = StepKind.LOADING
        kinds.append(kind)
        # the words behind a dose are about this one
        reached = statement.place[1] + _CALLED_BEHIND
    return kinds


def _add_moves(chain: Sequence[Statement], kinds: list[StepKind | None]) -> None:
    """Add what words between two steps say of them: "increased to", "reduced to"."""
    for at, (before, after) in enumerate(pairwise(chain)):
        tokens = before.text.tokens
        between = before.place[1], after.place[0]
        is_rise = rule("rise_word").occurs(tokens, *between)
        is_fall = rule("fall_word").occurs(tokens, *between)
        # what a step is called goes before how its amount moves
        if is_rise and kinds[at] is None:
            kinds[at] = StepKind.TITRATION
        if kinds[at + 1] is not None:
            continue
        if is_rise:
            kinds[at + 1] = StepKind.TITRATION
        elif is_fall:
            kinds[at + 1] = StepKind.TAPER


def _carry_on(levels: Sequence[float | None], kinds: list[StepKind | None]) -> None:
    """Add the steps with which a rise or a fall goes on."""
    for at, (level, following) in enumerate(pairwise(levels)):
        if kinds[at + 1] is not None:
            continue
        # an amount that is not a single one neither rises nor falls
        if level is None or following is None:
            continue
        goes_on = False
        if kinds[at] is StepKind.TITRATION:
            goes_on = following > level
        elif kinds[at] is StepKind.TAPER:
            goes_on = following < level
        if goes_on:
            kinds[at + 1] = kinds[at]


def _rises(levels: Sequence[float | None]) -> bool:
    known = [level for level in levels if level is not None]
    return len(known) == len(levels) and known == sorted(set(known))


def _is_larger_at_first(levels: Sequence[float | None]) -> bool:
    first, second = levels[:2]
    return first is not None and second is not None and first > second


def _has_cycle(chain: Iterable[Statement]) -> bool:
    return any(statement.links("cycle") for statement in chain)


def _measure(statement: Statement) -> float | None:
    """Return the amount of a statement with a single level that is no range."""
    levels = list(_list_levels([statement]))
    if len(levels) != 1:
        return None
    level = levels[0]
    if level.low != level.high:
        return None
    measured: float | None = level.low
    return measured


def _is_one_unit(chain: Iterable[Statement]) -> bool:
    # "3 capsules per week, then 4 capsules"
    units = {_RATE.sub("", level.unit) for level in _list_levels(chain)}
    return len(units) == 1


def _is_single(statement: Statement) -> bool:
    """Return whether a dose is given once."""
    rhythms = [link.mark.value for link in statement.links("frequency")]
    if rhythms:
        return rhythms[0] is Frequency.ONCE
    for link in statement.links("days"):
        days = link.mark.value
        if days and len(days) == 1:
            return True
    return False
