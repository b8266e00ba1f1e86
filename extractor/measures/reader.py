"""Read a line once: its limits, with their parts and what is left over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise

from extractor.language.book import read_table, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import ROMAN
from extractor.measures.choice import Candidate, choose
from extractor.measures.grammar import (
    Chart,
    Production,
    Span,
    compose,
    read_productions,
)
from extractor.measures.makers import MAKERS, Bound, Bounds
from extractor.measures.owners import (
    find_owner,
    list_unexplained,
    strip_bracket,
)
from extractor.measures.terminals import TIMES, find_quantities, read_terminals
from extractor.measures.units_apart import find_unit_apart
from extractor.schemas.vocabulary import Comparator


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit: ``tokens.words[first:end]`` limit ``quantity``.

    Args:
        comparator: How the value compares.
        value: The number; of a range, the lower one.
        value_high: The upper number of a range.
        first: Its first token.
        end: The token behind it.
        quantity: The tokens of the quantity's name, None if the line has none.
        unit: The unit as written, None for counts and grades.
        time_unit: The unit if it is one of time: the limit is an age or another length of time.
        condition: The tokens that say to whom or when it applies.
        sure: False if no word gives the comparator.
        settled: False if the number has another reading ("1.500") that is as likely.
        turned: The words of a comparator whose direction is that of the scale: "or better".
        number: The tokens of its numbers, with their unit.
        is_known: Whether the vocabulary has the quantity.
        rule: The production that made it.
        unexplained: The content words of its clause that nothing explains: before
            it, in the name of its quantity, behind it.
        clause: The tokens around it that belong to no other limit.
        qualifies: Whether it is a part of the condition of the limit before it.
        inherits: Whether its quantity is that of the limit before it.
    """

    comparator: Comparator
    value: int | float
    value_high: int | float | None
    first: int
    end: int
    quantity: Range | None = None
    unit: str | None = None
    time_unit: str | None = None
    condition: Range | None = None
    sure: bool = True
    settled: bool = True
    turned: str | None = None
    number: Range = (0, 0)
    is_known: bool = False
    rule: str = ""
    unexplained: tuple[int, int, int] = (0, 0, 0)
    clause: Range = (0, 0)
    inherits: bool = False
    qualifies: bool = False


_VALUE_WORDS = frozenset({*TIMES, *map(str.lower, ROMAN)})


@cache
def _list_productions() -> tuple[Production, ...]:
    return read_productions(read_table("measures")["production"], MAKERS)


@lru_cache(maxsize=256)
def read_line(tokens: Tokens, topic: Tokens | None = None) -> tuple[Limit, ...]:
    """Return the limits of a line from left to right, ages and other lengths of time included.

    ``topic`` is the line above, which may name the quantity.
    """
    has_words = not _VALUE_WORDS.isdisjoint(map(str.lower, tokens.words))
    has_number = NUMBER in tokens.codes or has_words
    if not has_number and not rule("at_normal_bound").search(tokens):
        return ()
    chart = Chart(read_terminals(tokens))
    compose(chart, _list_productions())
    introduced = frozenset[str]()
    if topic:
        introduced = frozenset(span.value for span in find_quantities(topic))
    chosen = choose(chart, tokens, introduced)
    limits: list[Limit] = []
    for index, candidate in enumerate(chosen):
        last = limits[-1] if limits else None
        clause = _find_clause(chart, tokens, chosen, index, last)
        limits += _read_limits(chart, tokens, candidate.span, clause, last)
    limits = [find_unit_apart(tokens, limit) for limit in limits]
    return tuple(_join_conditions(_share_units(tokens, limits)))


def _share_units(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits, of which a blood pressure without a unit has that of the next one, and so
    has the first of two values for two groups of people.
    """
    shared = list(limits)
    for at, (limit, behind) in enumerate(pairwise(limits)):
        if limit.unit or not behind.unit or not limit.quantity or not behind.quantity:
            continue
        names = (limit.quantity, behind.quantity)
        are_pressures = all(
            rule("pressure_word").search(tokens, *name) for name in names
        )
        if behind.time_unit:
            continue
        if are_pressures or (behind.inherits and limit.condition):
            shared[at] = replace(limit, unit=behind.unit)
    return shared


def _join_conditions(limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits, of which those that a condition ends with are a part of it: "clearance >=
    60 mL/min if creatinine > 1.5 x ULN".
    """
    joined = list(limits)
    for at, (limit, behind) in enumerate(pairwise(limits)):
        condition = limit.condition
        if condition is None or not limit.end <= condition[0] < behind.first:
            continue
        if condition[1] == behind.first:
            joined[at] = replace(limit, condition=(condition[0], behind.end))
            joined[at + 1] = replace(behind, qualifies=True)
    return joined


def _find_clause(
    chart: Chart,
    tokens: Tokens,
    chosen: Sequence[Candidate],
    index: int,
    last: Limit | None,
) -> Range:
    """Return the tokens around a chosen span, up to the chosen ones beside it or a break. A
    semicolon behind people is none: "male; 92 cm".
    """
    span = chosen[index].span
    first = chosen[index - 1].span.end if index else 0
    if last and last.condition and last.condition[1] <= span.first:
        first = max(first, last.condition[1])
    is_last = index + 1 == len(chosen)
    end = len(tokens) if is_last else chosen[index + 1].span.first
    for found in rule("sentence_break").find(tokens, first, span.first):
        if not chart.ending("people", found.first):
            first = found.end
    behind = rule("sentence_break").search(tokens, span.end, end)
    return first, behind.first if behind else end


def _read_limits(
    chart: Chart,
    tokens: Tokens,
    span: Span,
    clause: Range,
    last: Limit | None,
) -> list[Limit]:
    """Return the limits of a chosen span."""
    owner = find_owner(chart, tokens, clause, span, follows=last is not None)
    quantity = owner.quantity
    is_known = owner.is_known
    if quantity is None and last:
        quantity = last.quantity
        is_known = last.is_known
    condition = owner.condition
    explained = [place for place in (condition, (span.first, span.end)) if place]
    left = list_unexplained(chart, tokens, clause, explained)
    common = Limit(
        Comparator.EQUAL,
        0,
        None,
        span.first,
        span.end,
        quantity,
        condition=condition,
        is_known=is_known,
        rule=span.rule,
        unexplained=_count_left(left, span, quantity),
        clause=clause,
        inherits=owner.quantity is None and last is not None,
    )
    filled = [_fill(tokens, common, bound) for bound in span.value]
    if len(filled) == 1:
        return filled
    return [_place_bound(span, at, limit) for at, limit in enumerate(filled)]


def _place_bound(span: Span, at: int, limit: Limit) -> Limit:
    """Return one of several limits of a span with its own place and clause. The condition behind
    "<= 3 x ULN (5 x ULN if liver metastases)" is only that of the last one.
    """
    bounds: Bounds = span.value
    bound = bounds[at]
    start, stop = limit.clause
    if at:
        before = bounds[at - 1]
        start = before.condition.end if before.condition else before.end
    limit = replace(limit, first=bound.first, end=bound.end)
    if at + 1 < len(bounds):
        stop = bounds[at + 1].first
        is_same_unit = bound.amount.unit == bounds[at + 1].amount.unit
        if span.rule == "restated" and is_same_unit:
            limit = replace(limit, condition=None)
    return replace(limit, clause=(start, stop)) if start < stop else limit


def _count_left(
    left: Sequence[int], span: Span, name: Range | None
) -> tuple[int, int, int]:
    """Return how many unexplained words are before a limit, in its name and behind it."""
    first, end = name or (0, 0)
    named = [at for at in left if first <= at < end]
    others = [at for at in left if at not in named]
    before = sum(at < span.first for at in others)
    return before, len(named), len(others) - before


def _fill(tokens: Tokens, common: Limit, bound: Bound) -> Limit:
    """Return what the limits of a span have in common, as the limit that a bound is."""
    limit = replace(
        common,
        comparator=bound.comparator,
        value=bound.amount.low,
        value_high=bound.amount.high,
        unit=bound.amount.unit,
        time_unit=bound.amount.time.value if bound.amount.time else None,
        sure=bound.sure,
        turned=bound.turned,
        number=(bound.first, bound.end),
    )
    if bound.condition:
        place = bound.condition.first, bound.condition.end
        limit = replace(limit, condition=strip_bracket(tokens, place))
    return limit
