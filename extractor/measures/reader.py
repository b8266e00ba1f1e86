"""Read the limits of a line with their parts, and count the unexplained words."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens, keep
from extractor.language.numbers import ROMAN, read_number, read_time_unit
from extractor.language.units import read_unit
from extractor.language.values import value_class
from extractor.measures.grammar import (
    Chart,
    Expression,
    Production,
    compose,
    read_productions,
)
from extractor.measures.makers import MAKERS, Bounds
from extractor.measures.owners import find_owner, list_unexplained, strip_bracket
from extractor.measures.terminals import (
    PRODUCED,
    TIMES,
    find_quantities,
    read_terminals,
)
from extractor.schemas.vocabulary import Comparator


def find_unit_apart(tokens: Tokens, limit: Limit) -> Limit:
    """Add the unit written between the quantity and the number of a limit, in brackets or after a
    comma or "in". A limit that already has a unit is returned unchanged.
    """
    if limit.unit:
        return limit
    if not limit.quantity:
        return limit
    if limit.quantity[0] >= limit.first:
        return limit
    first = limit.quantity[0]
    for opening in rule("unit_apart_opening").find(tokens, first + 1, limit.first):
        # the "(s)" in "platelet(s)" is not the unit of seconds
        is_suffix = opening.text == "(" and tokens.joined(opening.first)
        # the "(F)" in "Hb >= 12 (F) / 13 (M)"
        if rule("value_people").starts(tokens, opening.first):
            continue
        completed = None
        if not is_suffix:
            completed = _take_unit(tokens, limit, opening.end, limit.first)
        if completed:
            return replace(completed, quantity=(first, opening.first))
    return limit


def share_stated_unit(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits, adding a unit that the line states for all of them: "WBC >= 3, platelets
    >= 100 (both x 10^9/L)". Limits with a unit, ages and grades are returned unchanged.
    """
    for opening in rule("unit_of_all").find(tokens):
        shared = [
            limit
            if limit.unit or limit.rule.startswith("grades") or limit.qualifies
            else _take_unit(tokens, limit, opening.end, len(tokens)) or limit
            for limit in limits
        ]
        if shared != list(limits):
            return shared
    return list(limits)


def _take_unit(tokens: Tokens, limit: Limit, at: int, end: int) -> Limit | None:
    """Return a limit with the unit that begins at token ``at`` and ends before token ``end``, or
    None if no unit begins there.
    """
    power = rule("power_of_ten").starts(tokens, at, end)
    start = at
    if power:
        start = power.end
    unit = rule("limit_unit").starts(tokens, start, end)
    if unit is None:
        return None
    time = read_time_unit(unit.text)
    if time:
        return replace(limit, unit=unit.text, time_unit=time.value)
    if read_unit(unit.text) is None:
        return None
    # without the "x" of "x 10^9"
    raised = limit
    if power:
        raised = _raise(limit, power.text.lstrip("x×* "))
    return replace(raised, unit=unit.text)


def _raise(limit: Limit, power: str) -> Limit:
    """Return a limit with its numbers multiplied by a power of ten."""
    low = read_number(f"{limit.value:g} x {power}") or limit.value
    high = limit.value_high
    if high is not None:
        high = read_number(f"{high:g} x {power}")
    return replace(limit, value=low, value_high=high)


_WORD_WEIGHT = 0.5
"""The score for each token, which ensures that a longer reading is preferred."""
_NEAR = 8
"""Maximum number of tokens from the beginning of a quantity's name to the limit that follows it."""
_UNITLESS_PENALTY = 2.0
"""The penalty for a plain range without a unit, because the range may be a list or a date:
"3-5".
"""


@value_class()
class Candidate:
    """A span that can be read as limits, with its score."""

    span: Expression
    score: float


class _Link(NamedTuple):
    """A chosen candidate, and the link of the one before it."""

    candidate: Candidate
    before: _Link | None


def choose(chart: Chart, tokens: Tokens, introduced: Set[str]) -> list[Candidate]:
    """Return the chosen candidates from left to right. ``introduced`` contains the known quantities
    that are named in the line above.
    """
    weighed = [_weigh(span, chart, tokens, introduced) for span in chart.all("bounds")]
    return _pick([candidate for candidate in weighed if candidate])


def _pick(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the non-overlapping candidates with the highest total score."""
    by_end = sorted(
        candidates, key=lambda candidate: (candidate.span.end, candidate.span.first)
    )
    ends = [option.span.end for option in by_end]
    # best[n] is the highest total score of the first n candidates, with the chosen candidates, each
    # linked to the previous one: a list for each candidate would take quadratic time
    best: list[tuple[float, _Link | None]] = [(0.0, None)]
    for index, candidate in enumerate(by_end):
        # the number of candidates that end before this one begins
        before = bisect_right(ends, candidate.span.first, hi=index)
        total, chosen = best[before]
        taken = total + candidate.score, _Link(candidate, chosen)
        best.append(max(best[-1], taken, key=itemgetter(0)))
    picked = deque[Candidate]()
    link = best[-1][1]
    while link:
        picked.appendleft(link.candidate)
        link = link.before
    return [*picked]


def _weigh(
    span: Expression, chart: Chart, tokens: Tokens, introduced: Set[str]
) -> Candidate | None:
    """Return a candidate with the span's score, or None if the span is not a limit. The score of a
    span increases by one for each of its bounds if a known quantity is named nearby.
    """
    score = span.weight + _WORD_WEIGHT * (span.end - span.first)
    last = span.value[-1]
    # "> 1 mg/dL" before "above baseline"
    if rule("relative_after").starts(tokens, last.end):
        return None
    # "above the ULN" after "10 mg"
    if span.rule == "at_bound" and chart.ending("amount", span.first):
        return None
    if last.amount.time:
        return Candidate(span, score)
    # the name follows directly or after one token: "> 30 of BMI"
    near = chart.between(span.first - _NEAR, span.end + 2, "quantity")
    is_named = bool(near or introduced)
    if last.amount.unit is None:
        if _is_no_count(chart, tokens, last.end):
            return None
        if _lacks_sign(span):
            if is_named:
                return Candidate(span, score - _UNITLESS_PENALTY)
            return None
    return Candidate(span, score + len(span.value) * is_named)


def _is_no_count(chart: Chart, tokens: Tokens, end: int) -> bool:
    """Return True if a number without a unit cannot be a count: its unit was recognised
    separately, a list follows ("one of the following"), or a multiplied value follows ("half of
    their usual").
    """
    if chart.at("unit", end):
        return True
    return any(
        rule(name).starts(tokens, end) for name in ("no_limit_after", "share_after")
    )


def _lacks_sign(span: Expression) -> bool:
    """Return whether a span is only a range of numbers, without a comparator or a scale."""
    if span.rule != "range":
        return False
    return span.parts[0].kind != "range_opening"


@value_class()
class Limit:
    """A limit that ``tokens.words[first:end]`` sets on ``quantity``.

    Args:
        comparator: How the value is compared.
        value: The number, or the lower number of a range.
        value_high: The upper number of a range.
        first: The index of the limit's first token.
        end: The index after the limit's last token.
        quantity: The tokens that name the quantity; None if the line does not name it.
        unit: The words of the unit; the words of a rate need not be adjacent. None for counts and
            most grades.
        time_unit: The canonical unit if the unit is a time; the limit is then an age or a duration.
        condition: The tokens that state to whom or when the limit applies.
        sure: False if the comparator is implied rather than stated.
        scale_words: The words of a comparator whose direction depends on the scale: "or better".
        number: The tokens of the limit's numbers and unit.
        is_known: Whether the vocabulary contains the quantity.
        rule: The name of the production that created the limit.
        unexplained: The numbers of unexplained content words in the limit's clause: before the
            limit, in the name of its quantity, and after the limit.
        clause: The surrounding tokens that do not belong to another limit.
        inherits: Whether the limit takes its quantity from the previous limit.
        qualifies: Whether the limit is part of the condition of the previous limit.
        is_unambiguous: False if another reading of the number is equally likely ("1.500").
    """

    comparator: Comparator
    value: int | float
    value_high: int | float | None
    first: int
    end: int
    quantity: Range | None
    unit: str | None
    time_unit: str | None
    condition: Range | None
    sure: bool
    scale_words: str | None
    number: Range
    is_known: bool
    rule: str
    unexplained: tuple[int, int, int]
    clause: Range
    inherits: bool
    qualifies: bool = False
    is_unambiguous: bool = True

    @property
    def descends(self) -> bool:
        """Whether its range is written from the upper number to the lower: "65 to 18 years"."""
        if self.value_high is None:
            return False
        return self.value > self.value_high


_VALUE_WORDS = frozenset({*TIMES, *map(str.lower, ROMAN)})


@cache
def _list_productions() -> tuple[Production, ...]:
    return read_productions("measures", PRODUCED, MAKERS)


def read_line(tokens: Tokens, topic: Tokens | None = None) -> tuple[Limit, ...]:
    """Return the limits of a line from left to right, including ages and durations.

    ``topic`` is the line above, which may name the quantity.
    """
    introduced = frozenset[str]()
    if topic:
        introduced = frozenset(span.value for span in find_quantities(topic))
    return _read_line(tokens, introduced)


@keep
def _read_line(tokens: Tokens, introduced: frozenset[str]) -> tuple[Limit, ...]:
    """Return the limits of a line below one that names the ``introduced`` quantities."""
    has_words = not _VALUE_WORDS.isdisjoint(map(str.lower, tokens.words))
    has_number = NUMBER in tokens.codes or has_words
    if not has_number and not rule("at_normal_bound").search(tokens):
        return ()
    chart = Chart(read_terminals(tokens))
    compose(chart, _list_productions())
    chosen = choose(chart, tokens, introduced)
    limits: list[Limit] = []
    cases = _find_cases(tokens, chosen)
    for index, candidate in enumerate(chosen):
        last = None
        if limits:
            last = limits[-1]
        clause = _find_clause(chart, tokens, chosen, index, last)
        limits += _read_limits(
            chart, tokens, candidate.span, clause, last, is_case=index in cases
        )
    limits = [find_unit_apart(tokens, limit) for limit in limits]
    limits = _join_conditions(tokens, share_stated_unit(tokens, limits))
    limits = _spread_conditions(tokens, limits)
    return tuple(_share_units(limits))


def _share_units(limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits with shared units filled in: the first of two values for different groups
    of people takes the unit of the second.
    """
    shared = list(limits)
    for at, (limit, following) in enumerate(pairwise(limits)):
        if limit.unit or not following.unit or following.time_unit:
            continue
        # as in "in men >= 13, in women >= 12 g/dL", not in "Hb >= 9 if creatinine > 2 mg/dL"
        is_case = following.inherits and not following.qualifies
        if not is_case:
            continue
        if not limit.quantity:
            continue
        if not limit.condition:
            continue
        shared[at] = replace(limit, unit=following.unit)
    return shared


def _join_conditions(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """If a limit ends another limit's condition, mark it as part of that condition, and return all
    limits: "clearance >= 60 mL/min if creatinine > 1.5 x ULN", "ALT <= 3 x ULN for age >= 16".
    """
    joined = list(limits)
    for at, (limit, following) in enumerate(pairwise(limits)):
        condition = limit.condition
        of_age = rule("condition_of_age").starts(tokens, limit.end)
        is_age = of_age is not None and of_age.end >= following.first
        if is_age and limit.is_known and condition is None:
            # an age has no unit but its own
            unit = None
            if following.time_unit:
                unit = following.unit
            joined[at] = replace(limit, condition=(limit.end, following.end))
            joined[at + 1] = replace(following, qualifies=True, unit=unit)
            continue
        if condition is None:
            continue
        if not limit.end <= condition[0] < following.first:
            continue
        if condition[1] == following.first:
            joined[at] = replace(limit, condition=(condition[0], following.end))
            joined[at + 1] = replace(following, qualifies=True)
    return joined


def _spread_conditions(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits, each with the condition that a colon puts above it: "In case of liver
    metastases: ALT <= 5 x ULN, and bilirubin <= 3 x ULN". Such a condition ends with its sentence.
    """
    spread = list(limits)
    for at, following in enumerate(limits[1:], 1):
        before = spread[at - 1]
        if before.condition is None:
            continue
        if following.condition is not None:
            continue
        is_heading = tokens.codes.startswith(":", before.condition[1])
        if not is_heading:
            continue
        if rule("sentence_break").search(tokens, before.end, following.first):
            continue
        spread[at] = replace(following, condition=before.condition)
    return spread


def _find_clause(
    chart: Chart,
    tokens: Tokens,
    chosen: Sequence[Candidate],
    index: int,
    last: Limit | None,
) -> Range:
    """Return the tokens around the span at ``index``, up to the neighbouring chosen spans or a
    sentence break. A semicolon after a mention of people is not treated as a break: "male; 92 cm".

    The clause begins after the condition of the previous limit, ``last``: in "Hb > 9 g/dL unless
    transfused, INR < 1.5", the INR's clause does not include "unless transfused".
    """
    span = chosen[index].span
    first = 0
    if index:
        first = chosen[index - 1].span.end
    if last and last.condition and last.condition[1] <= span.first:
        first = max(first, last.condition[1])
    is_last = index + 1 == len(chosen)
    if is_last:
        end = len(tokens)
    else:
        end = chosen[index + 1].span.first
    for match in rule("sentence_break").find(tokens, first, span.first):
        if not chart.ending("value_people", match.first):
            first = match.end
    sentence_end = rule("sentence_break").search(tokens, span.end, end)
    return first, sentence_end.first if sentence_end else end


def _find_cases(tokens: Tokens, chosen: Sequence[Candidate]) -> set[int]:
    """Return the indexes of chosen limits that are for two cases of one quantity, so that the words
    behind each are its condition: ">= 9 g/dL without transfusion, >= 10 g/dL after transfusion",
    "INR < 1.5 (2 to 3.5 on warfarin)".
    """
    cases = set[int]()
    for at, (limit, following) in enumerate(pairwise(chosen)):
        if _are_cases(tokens, limit.span, following.span):
            cases |= {at, at + 1}
    return cases


def _are_cases(tokens: Tokens, span: Expression, following: Expression) -> bool:
    """Return whether two limits in a row, which are no grades or times, have one unit, and the
    second directly follows the first in brackets, or has the same comparator and no name of its
    own directly before it.
    """
    one = span.value[-1]
    other = following.value[0]
    is_grade = span.rule.startswith("grades")
    if is_grade:
        return False
    if one.amount.time:
        return False
    if one.amount.unit != other.amount.unit:
        return False
    if tokens.codes[span.end : following.first] == "(":
        return True
    is_joined = rule("case_link").ends(tokens, following.first, span.end) is not None
    if not is_joined:
        return False
    return one.comparator is other.comparator


def _read_limits(
    chart: Chart,
    tokens: Tokens,
    span: Expression,
    clause: Range,
    last: Limit | None,
    *,
    is_case: bool,
) -> Iterator[Limit]:
    """Yield the limits of a chosen span. ``last`` is the previous limit, whose quantity these
    limits inherit if their clause does not name one. ``is_case`` is passed to ``find_owner``.
    """
    bounds: Bounds = span.value
    follows = last is not None
    owner = find_owner(chart, tokens, clause, span, follows=follows, is_case=is_case)
    # whichever of the two names the quantity
    namer = last if last and owner.quantity is None else owner
    is_of_time = last is not None and last.time_unit and not last.is_known
    # in "smoker in the last year or >= 1 pack-year", the first limit is not of pack-years
    if namer is last and is_of_time and not bounds[0].amount.time:
        namer = owner
    explained = [place for place in (owner.condition, (span.first, span.end)) if place]
    unexplained_words = list_unexplained(chart, tokens, clause, explained)
    unexplained = _count_left(unexplained_words, span, namer.quantity)
    for at, bound in enumerate(bounds):
        is_one = len(bounds) == 1
        amount = bound.amount
        yield Limit(
            bound.comparator,
            amount.low,
            amount.high,
            span.first if is_one else bound.first,
            span.end if is_one else bound.end,
            namer.quantity,
            amount.unit,
            amount.time.value if amount.time else None,
            _find_condition(tokens, span, at, owner.condition),
            sure=bound.sure,
            scale_words=bound.scale_words,
            number=(bound.first, bound.end),
            is_known=namer.is_known,
            rule=span.rule,
            unexplained=unexplained,
            clause=_divide(clause, bounds, at),
            inherits=namer is last,
        )


def _find_condition(
    tokens: Tokens, span: Expression, at: int, condition: Range | None
) -> Range | None:
    """Return the condition of the limit at index ``at`` of a span. ``condition`` is the condition
    of the whole span, but in "<= 3 x ULN (5 x ULN if liver metastases)" it applies only to the last
    limit.
    """
    # "in women" of the second limit in ">= 13 g/dL in men and 12 in women"
    people = span.value[at].condition
    if people:
        return strip_bracket(tokens, (people.first, people.end))
    # Bounds in two units are one limit: "<= 3 x ULN (<= 120 U/L) if liver metastases".
    units = {read_unit(bound.amount.unit or "") for bound in span.value}
    is_last = at + 1 == len(span.value)
    applies_to_last = span.rule == "restated" and len(units) == 1
    if not applies_to_last:
        return condition
    if is_last:
        return condition
    return None


def _divide(clause: Range, bounds: Bounds, at: int) -> Range:
    """Return the part of a clause that belongs to the bound at index ``at``: the tokens from the
    previous bound to the next one.
    """
    start, stop = clause
    if at:
        before = bounds[at - 1]
        if before.condition:
            start = before.condition.end
        else:
            start = before.end
    if at + 1 < len(bounds):
        stop = bounds[at + 1].first
    if start < stop:
        return (start, stop)
    return clause


def _count_left(
    unexplained_words: Sequence[int], span: Expression, name: Range | None
) -> tuple[int, int, int]:
    """Return the numbers of unexplained words before a limit, in the name of its quantity, and
    after the limit.
    """
    first, end = name or (0, 0)
    in_name = [at for at in unexplained_words if first <= at < end]
    before = [at for at in unexplained_words if at < span.first and at not in in_name]
    return (
        len(before),
        len(in_name),
        len(unexplained_words) - len(before) - len(in_name),
    )
