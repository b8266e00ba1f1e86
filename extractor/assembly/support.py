"""Find the words that state a value, and determine how the value follows from them by deriving it
again from tokens.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import Any

from extractor.assembly.grounding import list_numbers
from extractor.concepts.criteria.groups import find_group_rule
from extractor.concepts.doses.amounts import find_loosely
from extractor.concepts.doses.marks import Mark
from extractor.concepts.doses.rhythms import find_frequencies
from extractor.concepts.limits.prove import (
    find_constraint,
    find_limit,
    has_other_reading,
)
from extractor.concepts.limits.written_numbers import (
    find_number_rows,
    find_numbers,
    has_unit,
)
from extractor.concepts.places import (
    Derived,
    Found,
    find_named_instrument,
    find_quote,
    locate,
    support_quote,
)
from extractor.concepts.windows.lengths import (
    find_age,
    find_length,
    find_point,
    read_point,
)
from extractor.concepts.windows.prove import find_window
from extractor.evidence.drafts import Span, Supported
from extractor.language.book import Term, find_terms, read_term, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.passage import Passage
from extractor.language.quantities import find_quantity_lists
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    CriterionGroup,
    Frequency,
    Instrument,
    Maximum,
    Period,
    Quantity,
    Route,
    Support,
    TimePoint,
    TimeWindow,
)
from extractor.schemas.vocabulary import LOWER, UPPER

# Chosen by hand.
_COMPARATOR_REACH = 14
"""Maximum number of tokens between a comparator and its number."""
_VOLUME = re.compile(r"/\s?(\d+(?:\.\d+)?)(?=\s?[^\W\d])")
"""The number that states the volume containing a dose, such as 5 in "mg/5 mL"."""


def find_support(value: object, passage: Passage) -> Found:
    """Return the support for a value in a passage, or None if the passage does not support it.

    If the value is a quote, the passage must contain it; otherwise, the passage must contain every
    number in the value. A code is treated as parsed if the rules read it from the passage. Any
    other member of a closed set, and any value of a type without a finder, such as a Boolean, is
    inferred from the whole passage.
    """
    match value:
        case str() if type(value) is str:
            return support_quote(passage, find_quote(passage, value))
        case Constraint():
            return find_constraint(value, passage)
        case Instrument():
            return find_named_instrument(value, passage)
        case TimeWindow():
            return find_window(value, passage)
    find = _FINDERS.get(type(value))
    if find:
        tokens = passage.cut()
        place = find(tokens, value)
        if place:
            if isinstance(value, TimePoint):
                value = read_point(tokens, value, place)
            return support_at(place, value, passage)
        # a route or a frequency may follow from words that the rules do not recognise
        if not isinstance(value, StrEnum):
            return None
    whole = Span(passage.section.name, *passage.raw_span)
    return Supported(value, whole, Support.INFERRED)


def support_at(place: Derived, value: object, passage: Passage) -> Supported[object]:
    """Return a value with the span of the words that state it.

    The value is treated as inferred if the words have another reading; otherwise, its support is
    that of ``place``.
    """
    tokens = passage.cut()
    support = place.support
    if has_other_reading(tokens, place):
        support = Support.INFERRED
    return Supported(value, locate(passage, place.first, place.end), support)


def find_amount(tokens: Tokens, amount: Amount) -> Derived | None:
    """Find an amount's numbers together with its unit, or return None.

    A quantity that the grammar reads takes precedence over a row of numbers next to the unit, and
    both take precedence over loosely written doses. Whether an amount is per dose or per day is
    treated as a conclusion: "mg" supports "mg/day" as inferred, and vice versa. Numbers in names
    ("IL-6", "arm 2") are not amounts, unless they are the only ones with a loosely written unit.
    """
    in_names = frozenset(at for at in range(len(tokens)) if _is_in_name(tokens, at))
    volume = _find_volume(tokens, amount.unit)
    wanted = (amount.low, amount.high, amount.unit)
    quantity_lists = find_quantity_lists(tokens, skipped=in_names)
    for quantity in chain.from_iterable(quantity_lists):
        levels = (quantity.low, quantity.high, quantity.unit.dose)
        # "125 mg/5 mL" does not support "125 mg/10 mL"
        if levels == wanted and quantity.end <= volume:
            return Derived(quantity.first, quantity.end)
    rows = _list_rows(tokens, amount, volume)
    counted = [row for row in rows if row[0] not in in_names]
    for row in counted:
        if has_unit(tokens, row, amount.unit):
            return Derived(*row)
    other_rate = f"{amount.unit}/day"
    if amount.unit.endswith("/day"):
        other_rate = amount.unit.removesuffix("/day")
    for row in counted:
        # "10 mg once a week" does not state 10 mg/day
        if rule("seldom_given").starts(tokens, row[1]):
            continue
        if has_unit(tokens, row, other_rate):
            return Derived(*row, Support.INFERRED)
    loose = find_loosely(tokens, amount, rows)
    if loose:
        return loose
    return _find_titration(tokens, amount)


def _find_titration(tokens: Tokens, amount: Amount) -> Derived | None:
    """Find the first and the highest dose of a titration, which an answer gives as a range: "12.5
    mg, increased to a maximum of 300 mg".
    """
    # a single dose is no titration
    if amount.low in (None, amount.high):
        return None
    lowest = Amount(low=amount.low, high=amount.low, unit=amount.unit)
    start = find_amount(tokens, lowest)
    if start is None:
        return None
    highest = Amount(low=amount.high, high=amount.high, unit=amount.unit)
    top = find_amount(tokens, highest)
    if top is None:
        return None
    if rule("raised_to").covers(tokens, start.end, top.first):
        return Derived(start.first, top.end, Support.INFERRED)
    return None


def _is_in_name(tokens: Tokens, at: int) -> bool:
    """Return True if a token is a number in a name ("IL-6") or the number of an arm, period or
    similar unit ("arm 2").
    """
    if tokens.codes[at] != NUMBER:
        return False
    if tokens.in_name(at):
        return True
    # "Day 1", "Group 2"
    return rule("counts_a_place").ends(tokens, at, at - 1) is not None


def _find_volume(tokens: Tokens, unit: str) -> int:
    """Return the position before which an amount must end: the position of the volume in its unit
    ("mg/5 mL"), so that "125 mg/5 mL" does not support "125 mg/10 mL". Returns -1 if the volume is
    missing, and the number of tokens if the unit does not contain a volume.
    """
    last = {number.value: number.first for number in find_numbers(tokens)}
    volumes = map(float, _VOLUME.findall(unit))
    return min((last.get(volume, -1) for volume in volumes), default=len(tokens))


def _list_rows(tokens: Tokens, amount: Amount, volume_at: int) -> list[Range]:
    """Return the token ranges of an amount's numbers, regardless of their unit. A range is skipped
    if its comparator contradicts the amount, as "at least" does for "up to 40 mg", or if it begins
    at or after token ``volume_at``, the volume in the unit.
    """
    bounds = list_numbers(amount)
    opposite = list_opposites(amount)
    rows: list[Range] = []
    for first, end, bounds_of_row in find_number_rows(tokens, find_numbers(tokens)):
        if bounds not in bounds_of_row:
            continue
        # the 0.5 of "5 mg/0.5 mL"
        if first >= volume_at:
            continue
        comparison = rule("comparison").ends(tokens, first, first - _COMPARATOR_REACH)
        part = comparison and comparison.part("comparator")
        comparator = part and read_term("comparators", tokens, *part)
        if comparator and comparator.value in opposite:
            continue
        rows.append((first, end))
    return rows


def list_opposites(amount: Amount) -> tuple[Comparator, ...]:
    """Return the comparators that contradict an amount with an open end: "at least 40 mg" does not
    support "up to 40 mg".
    """
    if amount.low is None:
        return LOWER
    if amount.high is None:
        return UPPER
    return ()


def _find_code(tokens: Tokens, value: Frequency | Route) -> Derived | None:
    """Find the first words that the rules read as this frequency or route, or return None."""
    mentions: Sequence[Term | Mark] = find_frequencies(tokens)
    if isinstance(value, Route):
        mentions = find_terms(tokens, "routes")
    for mention in mentions:
        if mention.value == value:
            return Derived(mention.first, mention.end)
    return None


def _find_cap(tokens: Tokens, cap: Maximum) -> Derived | None:
    """Find the number of a cap together with its unit, or return None."""
    return find_amount(tokens, Amount(low=cap.value, high=cap.value, unit=cap.unit))


_FINDERS: Mapping[type, Callable[[Tokens, Any], Derived | None]] = {
    Quantity: find_limit,
    Amount: find_amount,
    Maximum: _find_cap,
    Age: find_age,
    Period: find_length,
    TimePoint: find_point,
    CriterionGroup: find_group_rule,
    Frequency: _find_code,
    Route: _find_code,
}
"""For each type of value, the function that finds it in tokens."""
