"""Find where the text states a value, and how the value follows from the words, by deriving it
again from tokens.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import Any

from extractor.concepts.doses.loose_amounts import find_loosely
from extractor.concepts.doses.schedule import find_frequencies
from extractor.concepts.groups.prove import find_group_rule
from extractor.concepts.limits.bounds import LOWER, UPPER, read_comparator
from extractor.concepts.limits.number_units import has_unit
from extractor.concepts.limits.prove import (
    find_constraint,
    find_limit,
    has_other_reading,
)
from extractor.concepts.limits.rows import find_numbers, find_rows
from extractor.concepts.places import (
    Derived,
    Supported,
    cut,
    find_named_instrument,
    find_quote,
    locate,
)
from extractor.concepts.windows.prove import find_window
from extractor.concepts.windows.prove_times import (
    find_age,
    find_length,
    find_point,
    read_point,
)
from extractor.evidence.drafts import Span
from extractor.language.book import find_terms, rule
from extractor.language.lexer import NUMBER, Tokens, lex
from extractor.language.numbers import is_ten_e, multiply
from extractor.language.passage import Passage
from extractor.language.quantities import find_quantity_lists
from extractor.language.units import find_unit
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    CriterionGroup,
    Frequency,
    Instrument,
    Period,
    Quantity,
    Route,
    Support,
    TimePoint,
    TimeWindow,
)

_COMPARATOR_REACH = 14
"""How many tokens before a number may compare it."""
_BELOW = re.compile(r"/\s?(\d+(?:\.\d+)?)(?=\s?[^\W\d])")


def find_support(value: Any, passage: Passage) -> Supported | None:
    """Return the support for ``value`` in ``passage``, or None.

    The passage must contain a quote, and every number of a value. A code that the rules read from
    the same words is parsed. Any other member of a closed set is supported by the whole passage.
    """
    match value:
        case str() if type(value) is str:
            span = find_quote(passage, value)
            if span:
                return Supported(
                    passage.section.raw[span.start : span.end], span, Support.LITERAL
                )
            return None
        case Constraint():
            return find_constraint(value, passage)
        case Instrument():
            return find_named_instrument(value, passage)
        case TimeWindow():
            return find_window(value, passage)
    tokens = cut(passage)
    find = _FINDERS.get(type(value))
    if find and (place := find(tokens, value)):
        if isinstance(value, TimePoint):
            value = read_point(tokens, value, place)
        return support_at(place, value, passage)
    whole = Supported(
        value, Span(passage.section.name, *passage.raw_span), Support.INFERRED
    )
    return whole if find is None or isinstance(value, StrEnum) else None


def support_at(place: Derived, value: Any, passage: Passage) -> Supported:
    """Return a value with the tokens of the passage that state it. It is inferred if they have
    another reading.
    """
    tokens = cut(passage)
    support = Support.INFERRED if has_other_reading(tokens, place) else place.support
    return Supported(value, locate(passage, place.first, place.end), support)


def find_amount(tokens: Tokens, amount: Amount) -> Derived | None:
    """Find an amount's numbers with its unit.

    Whether an amount is per dose or per day is a conclusion: "mg" supports "mg/day" as inferred,
    and vice versa.
    """
    unit = find_unit(lex(amount.unit), 0, loose=True)
    units = {amount.unit, unit.dose if unit and unit.is_dose else None} - {None}
    below = _BELOW.findall(amount.unit)  # the 5 of "125 mg/5 mL"
    numbers = [at for at, code in enumerate(tokens.codes) if code == NUMBER]
    named = {
        at
        for at in numbers
        if tokens.in_name(at) or rule("counts_a_place").ends(tokens, at, at - 1)
    }
    for stated in chain.from_iterable(find_quantity_lists(tokens, skipped=named)):
        if stated.unit.dose not in units or not _has_volume(
            tokens, stated.first, below
        ):
            continue
        bounds = (stated.low, stated.high)
        wanted = (amount.low, amount.high)
        if bounds == wanted:
            return Derived(stated.first, stated.end)
        tenfold = tuple(bound and multiply(bound, 10) for bound in bounds)
        if tenfold == wanted and is_ten_e(tokens.read(stated.first, stated.end)):
            return Derived(stated.first, stated.end, Support.INFERRED)
    bounds = (amount.low, None if amount.high == amount.low else amount.high)
    sought = (amount.high, None) if amount.low is None else bounds
    opposite = _list_opposites(amount)
    anywhere = [
        (first, end)
        for first, end, stated in find_rows(tokens, find_numbers(tokens))
        if sought in stated and _has_volume(tokens, first, below)
        if not (opposite and _read_sign(tokens, first) in opposite)
    ]
    places = [place for place in anywhere if place[0] not in named]
    if amount.unit.endswith("/day"):
        other_rate = amount.unit.removesuffix("/day")
    else:
        other_rate = f"{amount.unit}/day"
    for unit_of_it, support in (
        (amount.unit, Support.PARSED),
        (other_rate, Support.INFERRED),
    ):
        for place in places:
            is_daily = unit_of_it is not other_rate or not rule("seldom_given").starts(
                tokens, place[1]
            )
            if is_daily and has_unit(tokens, place, unit_of_it):
                return Derived(*place, support)
    return find_loosely(tokens, amount, anywhere)


def _list_opposites(amount: Amount) -> tuple[Comparator, ...]:
    """Return the comparators that say the opposite of an open end: "at least" of "up to 40 mg"."""
    if amount.low is None:
        return LOWER
    return UPPER if amount.high is None else ()


def _read_sign(tokens: Tokens, first: int) -> Comparator | None:
    """Return the comparator directly before a number."""
    found = rule("comparison").ends(tokens, first, first - _COMPARATOR_REACH)
    return read_comparator("comparators", found, "comparator") if found else None


def _has_volume(tokens: Tokens, first: int, below: Sequence[str]) -> bool:
    """Return whether the numbers below a dose's slash follow it: no "125 mg/10 mL" in "125 mg/5
    mL".
    """
    if below:
        behind = {
            number.value for number in find_numbers(tokens) if number.first > first
        }
    else:
        behind = set()
    return behind.issuperset(map(float, below))


def _find_code(tokens: Tokens, value: Frequency | Route) -> Derived | None:
    stated = (
        find_terms(tokens, "routes")
        if isinstance(value, Route)
        else find_frequencies(tokens)
    )
    return next(
        (Derived(one.first, one.end) for one in stated if one.value == value), None
    )


_FINDERS: Mapping[type, Callable[[Tokens, Any], Derived | None]] = {
    Quantity: find_limit,
    Amount: find_amount,
    Age: find_age,
    Period: find_length,
    TimePoint: find_point,
    CriterionGroup: find_group_rule,
    Frequency: _find_code,
    Route: _find_code,
}
"""The search over tokens for each type of value."""
