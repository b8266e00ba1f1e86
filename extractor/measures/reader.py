"""Read a line once: its limits, with their parts and what is left over."""

from collections.abc import Iterator, Sequence
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
from extractor.measures.makers import MAKERS, Bounds
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
        turned: The words of a comparator whose direction depends on the scale: "or better".
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
) -> Iterator[Limit]:
    """Yield the limits of a chosen span. ``last`` is the limit before it, whose quantity it has if
    its clause names none.
    """
    bounds: Bounds = span.value
    owner = find_owner(chart, tokens, clause, span, follows=last is not None)
    named = last if last and owner.quantity is None else owner
    is_of_time = last is not None and last.time_unit and not last.is_known
    # as in "smoker in the last year or >= 1 pack-year"
    if named is last and is_of_time and not bounds[0].amount.time:
        named = owner
    explained = [place for place in (owner.condition, (span.first, span.end)) if place]
    left = list_unexplained(chart, tokens, clause, explained)
    unexplained = _count_left(left, span, named.quantity)
    for at, bound in enumerate(bounds):
        is_one = len(bounds) == 1
        amount = bound.amount
        yield Limit(
            bound.comparator,
            amount.low,
            amount.high,
            span.first if is_one else bound.first,
            span.end if is_one else bound.end,
            named.quantity,
            amount.unit,
            amount.time.value if amount.time else None,
            _find_condition(tokens, span, at, owner.condition),
            sure=bound.sure,
            turned=bound.turned,
            number=(bound.first, bound.end),
            is_known=named.is_known,
            rule=span.rule,
            unexplained=unexplained,
            clause=_divide(clause, bounds, at),
            inherits=named is last,
        )


def _find_condition(
    tokens: Tokens, span: Span, at: int, condition: Range | None
) -> Range | None:
    """Return the condition of one of the limits of a span, of which ``condition`` is that of all.
    The one behind "<= 3 x ULN (5 x ULN if liver metastases)" is only that of the last one.
    """
    own = span.value[at].condition
    if own:
        return strip_bracket(tokens, (own.first, own.end))
    units = {bound.amount.unit for bound in span.value}
    is_last = at + 1 == len(span.value)
    is_of_last = span.rule == "restated" and len(units) == 1
    return None if is_of_last and not is_last else condition


def _divide(clause: Range, bounds: Bounds, at: int) -> Range:
    """Return the part of a clause that is that of one of its bounds."""
    start, stop = clause
    if at:
        before = bounds[at - 1]
        start = before.condition.end if before.condition else before.end
    if at + 1 < len(bounds):
        stop = bounds[at + 1].first
    return (start, stop) if start < stop else clause


def _count_left(
    left: Sequence[int], span: Span, name: Range | None
) -> tuple[int, int, int]:
    """Return how many unexplained words are before a limit, in its name and behind it."""
    first, end = name or (0, 0)
    named = [at for at in left if first <= at < end]
    before = [at for at in left if at < span.first and at not in named]
    return len(before), len(named), len(left) - len(before) - len(named)
