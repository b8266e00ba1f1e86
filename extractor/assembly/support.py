"""Find where the text states a value, and how the value follows from the words, by deriving it
again from tokens.
"""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from typing import Any

from extractor.concepts.doses.loose_amounts import find_loosely
from extractor.concepts.doses.marks import Mark
from extractor.concepts.doses.rhythms import find_frequencies
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
from extractor.language.book import Term, find_terms, rule
from extractor.language.lexer import NUMBER, Range, Tokens, lex
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
    TimeUnit,
    TimeWindow,
)

_COMPARATOR_REACH = 14
"""How many tokens before a number may compare it."""
_RHYTHMS = {
    TimeUnit.DAY: "daily",
    TimeUnit.WEEK: "weekly",
    TimeUnit.MONTH: "monthly",
    TimeUnit.YEAR: "yearly",
}
"""The adverb that counts a length of time by its givings: "3 daily doses" last 3 days."""
_VOLUME = re.compile(r"/\s?(\d+(?:\.\d+)?)(?=\s?[^\W\d])")
"""The number of a volume that a dose is in: the 5 of "mg/5 mL"."""


def find_support(value: Any, passage: Passage) -> Supported | None:
    """Return the support for ``value`` in ``passage``, or None.

    The passage must contain a quote, and every number of a value. A code that the rules read from
    the same words is parsed. Any other member of a closed set, and any value of a type that has no
    finder, such as a truth value, is inferred from the whole passage.
    """
    match value:
        case str() if type(value) is str:
            span = find_quote(passage, value)
            if span is None:
                return None
            quote = passage.section.raw[span.start : span.end]
            return Supported(quote, span, Support.LITERAL)
        case Constraint():
            return find_constraint(value, passage)
        case Instrument():
            return find_named_instrument(value, passage)
        case TimeWindow():
            return find_window(value, passage)
    find = _FINDERS.get(type(value))
    if find:
        tokens = cut(passage)
        place = find(tokens, value)
        if place:
            if isinstance(value, TimePoint):
                value = read_point(tokens, value, place)
            return support_at(place, value, passage)
        # a route or a frequency may follow from words that no rule reads
        if not isinstance(value, StrEnum):
            return None
    whole = Span(passage.section.name, *passage.raw_span)
    return Supported(value, whole, Support.INFERRED)


def support_at(place: Derived, value: Any, passage: Passage) -> Supported:
    """Return a value with the words of the passage that state it.

    It is inferred if the words have another reading, whatever ``place`` says; else it follows from
    them as ``place`` says.
    """
    tokens = cut(passage)
    support = Support.INFERRED if has_other_reading(tokens, place) else place.support
    return Supported(value, locate(passage, place.first, place.end), support)


def find_amount(tokens: Tokens, amount: Amount) -> Derived | None:
    """Find an amount's numbers with its unit, or None.

    It is looked for as a quantity that the rules read, then as its numbers with its unit, then with
    the same unit per day or per dose, last in loosely written doses. Whether an amount is per dose
    or per day is a conclusion: "mg" supports "mg/day" as inferred, and vice versa. Numbers in names
    ("IL-6", "arm 2") are amounts only in the last search.
    """
    named: set[int] = set()
    for at, code in enumerate(tokens.codes):
        if code == NUMBER and _is_named(tokens, at):
            named.add(at)
    place = _find_quantity(tokens, amount, named)
    if place:
        return place
    rows = _list_rows(tokens, amount)
    counted = [row for row in rows if row[0] not in named]
    for row in counted:
        if has_unit(tokens, row, amount.unit):
            return Derived(*row, Support.PARSED)
    if amount.unit.endswith("/day"):
        other_rate = amount.unit.removesuffix("/day")
    else:
        other_rate = f"{amount.unit}/day"
    for row in counted:
        if rule("seldom_given").starts(tokens, row[1]):
            continue
        if has_unit(tokens, row, other_rate):
            return Derived(*row, Support.INFERRED)
    return find_loosely(tokens, amount, rows)


def _is_named(tokens: Tokens, at: int) -> bool:
    """Return whether a number is a part of a name, or that of a place: "IL-6", "arm 2"."""
    if tokens.in_name(at):
        return True
    return rule("counts_a_place").ends(tokens, at, at - 1) is not None


def _find_quantity(
    tokens: Tokens, amount: Amount, named: Container[int]
) -> Derived | None:
    """Find a quantity that the rules read, with the bounds and the unit of an amount, or None.

    The dose may be a form of the unit: "mcg" for "ug". Numbers at the ``named`` tokens, which are
    parts of names, are left out.
    """
    unit = find_unit(lex(amount.unit), 0, loose=True)
    units = {amount.unit}
    if unit and unit.is_dose and unit.dose:
        units.add(unit.dose)
    wanted = (amount.low, amount.high)
    lists = find_quantity_lists(tokens, skipped=named)
    for quantity in chain.from_iterable(lists):
        first = quantity.first
        end = quantity.end
        if quantity.unit.dose not in units:
            continue
        if not _has_volume(tokens, first, amount.unit):
            continue
        bounds = (quantity.low, quantity.high)
        if bounds == wanted:
            return Derived(first, end)
        # "10e9" is 10^9 to most writers, and 10^10 to some.
        tenfold = tuple(bound and multiply(bound, 10) for bound in bounds)
        if tenfold == wanted and is_ten_e(tokens.read(first, end)):
            return Derived(first, end, Support.INFERRED)
    return None


def _list_rows(tokens: Tokens, amount: Amount) -> list[Range]:
    """Return where the numbers of an amount stand, whatever their unit, as ranges of tokens.

    A number is left out if its comparator says the opposite, or if the volume of the amount's unit
    does not follow it.
    """
    bounds: tuple[float | None, float | None]
    if amount.low is None:
        bounds = (amount.high, None)
    elif amount.low == amount.high:
        bounds = (amount.low, None)
    else:
        bounds = (amount.low, amount.high)
    # "at least 40 mg" is the opposite of the amount "up to 40 mg"
    opposite: tuple[Comparator, ...] = ()
    if amount.low is None:
        opposite = LOWER
    elif amount.high is None:
        opposite = UPPER
    rows: list[Range] = []
    for first, end, stated in find_rows(tokens, find_numbers(tokens)):
        if bounds not in stated or not _has_volume(tokens, first, amount.unit):
            continue
        if opposite and _read_sign(tokens, first) in opposite:
            continue
        rows.append((first, end))
    return rows


def _read_sign(tokens: Tokens, first: int) -> Comparator | None:
    """Return the comparator directly before a number."""
    comparison = rule("comparison").ends(tokens, first, first - _COMPARATOR_REACH)
    if comparison is None:
        return None
    return read_comparator("comparators", comparison, "comparator")


def _has_volume(tokens: Tokens, first: int, unit: str) -> bool:
    """Return whether the numbers below a unit's slash stand behind the number at ``first``.

    The text "125 mg/5 mL" states no "125 mg/10 mL". A unit without such a number needs none.
    """
    volumes = _VOLUME.findall(unit)
    if not volumes:
        return True
    behind: set[float] = set()
    for number in find_numbers(tokens):
        if number.first > first:
            behind.add(number.value)
    return behind.issuperset(map(float, volumes))


def _find_code(tokens: Tokens, value: Frequency | Route) -> Derived | None:
    """Find the first words that the rules read as this frequency or route, or None."""
    stated: Sequence[Term | Mark[Frequency]]
    if isinstance(value, Route):
        stated = find_terms(tokens, "routes")
    else:
        stated = find_frequencies(tokens)
    for term in stated:
        if term.value == value:
            return Derived(term.first, term.end)
    return None


def _find_period(tokens: Tokens, period: Period) -> Derived | None:
    """Find a length of time, or None; "3 daily doses" are 3 days, inferred."""
    length = find_length(tokens, period)
    if length:
        return length
    rhythm = _RHYTHMS.get(period.unit)
    if rhythm is None:
        return None
    wanted = (period.value, None)
    for first, end, stated in find_rows(tokens, find_numbers(tokens)):
        if wanted not in stated or end >= len(tokens):
            continue
        if tokens.words[end].lower() == rhythm:
            return Derived(first, end + 1, Support.INFERRED)
    return None


_FINDERS: Mapping[type, Callable[[Tokens, Any], Derived | None]] = {
    Quantity: find_limit,
    Amount: find_amount,
    Age: find_age,
    Period: _find_period,
    TimePoint: find_point,
    CriterionGroup: find_group_rule,
    Frequency: _find_code,
    Route: _find_code,
}
"""The search over tokens for each type of value."""
