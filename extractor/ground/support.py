"""Find where the text states a value, and how the value follows from the words, by deriving it again from tokens."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from extractor.parse.dosing.schedule import find_frequencies
from extractor.parse.eligibility.windows import read_window
from extractor.parse.parsed import Span
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    Frequency,
    Instrument,
    Period,
    Route,
    Support,
    TimePoint,
    TimeUnit,
    TimeWindow,
)
from extractor.text.aliases import find_entry, find_instrument, list_names, split_version
from extractor.text.book import Entry, find_terms, rule
from extractor.text.lexer import NUMBER, Range, Tokens, lex
from extractor.text.numbers import is_two_ways, list_readings, read_number, read_time_unit
from extractor.text.passage import LexedSection, Passage
from extractor.text.quantities import find_quantity_lists
from extractor.text.quantity_names import choose_reading
from extractor.text.units import find_unit

from .number_units import borrows_unit, has_unit, stands_bare
from .places import cut, find_quote, find_quotes, is_clean, span_of
from .values import (
    encloses,
    find_comparator,
    find_numbers,
    find_open_end,
    find_time,
    find_together,
    find_turned,
    is_denied,
    is_of_another,
    is_said_of,
)

_REACH = 300
"""The most tokens of a line to either side of a quote that may say what it means."""


@dataclass(frozen=True, slots=True)
class Supported:
    """A value with the characters that support it."""

    value: Any
    span: Span
    support: Support


@dataclass(frozen=True, slots=True)
class Derived:
    """Tokens that state a value. ``support`` is inferred if any part of the value is a conclusion."""

    first: int
    end: int
    support: Support = Support.PARSED


def find_support(value: Any, passage: Passage) -> Supported | None:
    """The support for ``value`` in ``passage``, or None.

    The passage must contain a quote, and every number of a value. A code that the rules read from the same words is
    parsed. Any other member of a closed set is supported by the whole passage.
    """
    match value:
        case str() if type(value) is str:
            span = find_quote(passage, value)
            return Supported(passage.section.raw[span.start : span.end], span, Support.LITERAL) if span else None
        case Constraint():
            return _find_constraint(value, passage)
        case Instrument():
            return _find_instrument(value, passage)
        case TimeWindow():
            return _find_window(value, passage)
    tokens = cut(passage)
    find = _FINDERS.get(type(value))
    if find and (place := find(tokens, value)):
        support = Support.INFERRED if has_other_reading(tokens, place) else place.support
        return Supported(value, span_of(passage, tokens, place.first, place.end), support)
    whole = Supported(value, Span(passage.section.name, *passage.raw_span), Support.INFERRED)
    return whole if find is None or isinstance(value, StrEnum) else None


def derive_support(value: Any, span: Span, section: LexedSection) -> Support | None:
    """How a value follows from its quote ``section.raw[span.start:span.end]``, or None.

    A quote is read in its line: the unit of "30" may be elsewhere, as in "days 30, 60 and 90". A value that needs
    other words of that line is inferred.

    >>> from extractor.schemas import Amount
    >>> from extractor.text.passage import read_section
    >>> section = read_section("arms[0]", "Examplumab 5 mg/kg daily")
    >>> whole, part = Span("arms[0]", 11, 18), Span("arms[0]", 11, 15)
    >>> derive_support(Amount(low=5, high=5, unit="mg/kg"), whole, section).value
    'parsed'
    >>> derive_support(Amount(low=5, high=5, unit="mg"), part, section)
    """
    if value == section.raw[span.start : span.end]:
        return Support.LITERAL
    if isinstance(value, bool) or (isinstance(value, StrEnum) and type(value) not in _FINDERS):
        return Support.INFERRED
    quote = section.between(span.start, span.end)
    if (alone := find_support(value, quote)) and is_clean(quote):
        return alone.support
    codes, near, far = quote.tokens.codes, max(0, quote.first - _REACH), quote.end + _REACH
    first, end = codes.rfind("\n", near, quote.first), codes.find("\n", quote.end, far)
    within = find_support(value, quote.part(first + 1 or near, end if end >= 0 else min(far, len(codes))))
    if within is None:
        return None
    return within.support if within.span.overlaps(span) else Support.INFERRED


def find_window(quote: str, passage: Passage) -> Supported | None:
    """The time window that the rules read from a quote of the passage, or None."""
    span = find_quote(passage, quote)
    if span is None:
        return None
    # Context tells a window from an age, but the first window of the passage may be another one.
    around = read_window(passage.alone())
    is_there = around.value is not None and all(one.overlaps(span) for one in around.spans)
    window = around.value if is_there else read_window(passage.section.between(span.start, span.end).alone()).value
    words = passage.section.raw[span.start : span.end]
    return Supported(window.model_copy(update={"quote": words}), span, Support.PARSED) if window else None


def _find_window(value: TimeWindow, passage: Passage) -> Supported | None:
    """A window whose quote states its length of time, and no other sense than its own.

    A reader may conclude the sense of "for 2 weeks prior to injection" from what else the line says.
    """
    found = find_window(value.quote, passage)
    if found and _outline(found.value) == _outline(value):  # "for more than 7 days" says ">", and supports ">=" too
        return found
    span = find_quote(passage, value.quote)
    if span is None:
        return None
    tokens = passage.section.between(span.start, span.end).alone().tokens
    place = find_time(tokens, value.value, value.unit)
    if place is None:
        return None
    stated = None if rule("over_some_time").search(tokens) else find_comparator(tokens, place)
    # "No pregnancy within 3 months after the study" asks to wait for at least as long.
    waits = value.comparator is Comparator.AT_LEAST and rule("wait_after").starts(tokens, place[1])
    differs = (stated and _SENSES[stated] != _SENSES[value.comparator]) or "within" in map(str.lower, tokens.words)
    if differs and not waits:
        return None
    quote = passage.section.raw[span.start : span.end]
    comparator = value.comparator if waits else stated or value.comparator
    return Supported(value.model_copy(update={"quote": quote, "comparator": comparator}), span, Support.INFERRED)


def _outline(window: TimeWindow) -> tuple[object, ...]:
    return window.value, window.unit, _SENSES[window.comparator]


_SENSES = {sign: sign.value.removesuffix("=") or "=" for sign in Comparator}
"""The direction of each comparator: "<" and "<=" have one."""


def _find_constraint(value: Constraint, passage: Passage, *, is_named: bool = False) -> Supported | None:
    """A limit whose quantity the passage names; ``is_named``: that is known. An age needs no name: "2 to 18 years"."""
    tokens = cut(passage)
    wanted = [word.lower() for word in lex(value.quantity).words]
    named = _find_subjects(tokens, wanted)
    quantity = find_quote(passage, value.quantity)
    if quantity is None and not named and not is_named and value.quantity.lower() != "age":
        bare = {word for word in wanted if word.isalnum()}
        if rule("pressure_pair").search(tokens):
            bare -= _PRESSURES
        if not bare or not bare <= set(map(str.lower, tokens.words)):  # in any order
            return _find_renamed(value, passage)
    place = find_limit(tokens, value.comparator, (value.value, value.value_high), value.unit, wanted)
    if place is None or _reads_otherwise(tokens, place, value):
        return None
    number = place.first, place.end
    nearest = sorted(named, key=lambda subject: abs(subject[0] - number[0]))[:2]
    is_own = not nearest or any(is_said_of(tokens, subject, number) for subject in nearest)
    span = span_of(passage, tokens, *number)
    if quantity:
        span = Span(span.section, min(span.start, quantity.start), max(span.end, quantity.end))
    sure = is_own and not has_other_reading(tokens, place)
    return Supported(value, span, place.support if sure else Support.INFERRED)


def has_other_reading(tokens: Tokens, place: Derived) -> bool:
    """Whether a number there may mean another value as well: "100.000" proves neither 100 nor 100000.

    A comma before three digits marks thousands, as in English.
    """
    return any(is_two_ways(word) and "," not in word for word in tokens.words[place.first : place.end])


def _reads_otherwise(tokens: Tokens, place: Derived, value: Constraint) -> bool:
    """Whether a number with two readings is usual for the quantity only as the other one."""
    bounds = {value.value, value.value_high}
    for word in filter(is_two_ways, tokens.words[place.first : place.end]):
        meant, sure = choose_reading(word, value.quantity, value.unit, tokens.text)
        if sure and meant not in bounds and not bounds.isdisjoint(list_readings(word)):
            return True
    return False


def _find_subjects(tokens: Tokens, wanted: Sequence[str]) -> list[Range]:
    """The places of a quantity's words, in lower case. "FEV1" beside "FEV1/FVC" is a quantity of its own."""
    words, size = [word.lower() for word in tokens.words], len(wanted)
    places = [(at, at + size) for at in range(len(words) - size + 1) if wanted and words[at : at + size] == wanted]
    alone = [(at, end) for at, end in places if "/" not in (*words[max(0, at - 1) : at], *words[end : end + 1])]
    return alone or places


_PRESSURES = frozenset({"systolic", "diastolic"})


def _find_renamed(value: Constraint, passage: Passage) -> Supported | None:
    """A limit whose quantity has another name in the passage: "ANC" for "absolute neutrophil count"."""
    entries = (find_entry(value.quantity, vocabulary) for vocabulary in ("measures", "instruments"))
    span = next((span for entry in entries if entry for span in _find_names(entry, passage)), None)
    if span is None:
        return None
    named = value.model_copy(update={"quantity": passage.section.raw[span.start : span.end]})
    return _find_constraint(named, passage, is_named=True)


def find_limit(
    tokens: Tokens,
    comparator: Comparator,
    values: tuple[float | None, ...],
    unit: str | None,
    subject: Sequence[str] = (),
) -> Derived | None:
    """Find a limit's numbers with its unit, and with a comparator that does not contradict it.

    A number without a comparator takes its meaning from its list, so the comparator is inferred. ``subject`` holds
    the words of the limit's quantity, in lower case.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Hemoglobin >= 8 g/dL and ECOG <= 2")
    >>> find_limit(tokens, Comparator.AT_MOST, (2, None), None)
    Derived(first=11, end=12, support=<Support.PARSED: 'parsed'>)
    >>> find_limit(tokens, Comparator.AT_LEAST, (2, None), None) is None
    True
    """
    if comparator is Comparator.BETWEEN and None in values:
        return None
    implied = None
    others = {
        pair.place(name)[0]
        for pair in rule("pressure_pair").find(tokens)
        for name in _PRESSURES
        if name not in subject and not _PRESSURES.isdisjoint(subject)
    }
    named = _find_subjects(tokens, subject)
    for place in find_together(tokens, values):
        own = stands_bare(tokens, place, subject) if unit is None else has_unit(tokens, place, unit)
        if chain := rule("chained_limit").starts(tokens, place[0]):  # "145 mmHg ≤ SBP ≤ 190"
            own = own or (chain.end >= place[1] and chain.read("low_unit") == unit)
        borrowed = not own and unit is not None and borrows_unit(tokens, place, unit, {*subject, *_PRESSURES})
        if place[0] in others or not (own or borrowed) or is_of_another(tokens, place, named):
            continue
        shown = tokens.cut(0, place[1]) if unit == "+" else tokens  # the plus of "IHC 3+" is no "or more"
        stated = find_comparator(shown, place) or find_turned(tokens, place, " ".join(subject), unit)
        if comparator is Comparator.BETWEEN and not encloses(tokens, place, values):
            continue
        if comparator is not Comparator.BETWEEN and stated in (None, Comparator.BETWEEN):
            end = find_open_end(tokens, place, values[0] or 0, "range_joint" if stated else "through")
            if end not in (None, comparator) and not is_denied(tokens, place, end, comparator):
                continue
        signs = {stated, *(term.value for term in find_terms(tokens, "comparators", *place))}
        # ">= 18 and < 65" is no range from 18 to 65: an end of it does not count.
        whole = comparator is Comparator.BETWEEN and signs.isdisjoint((Comparator.LESS, Comparator.MORE))
        if own and (whole or (stated is comparator and comparator is not Comparator.BETWEEN)):
            return Derived(*place)
        is_open = stated in (None, comparator, Comparator.BETWEEN) or comparator is Comparator.BETWEEN
        is_open = is_open or is_denied(tokens, place, stated, comparator)
        if is_open and implied is None:
            implied = Derived(*place, Support.INFERRED)
    return implied


def find_amount(tokens: Tokens, amount: Amount) -> Derived | None:
    """Find an amount's numbers with its unit.

    Whether an amount is per dose or per day is a conclusion: "mg" supports "mg/day" as inferred, and vice versa.
    """
    unit = find_unit(lex(amount.unit), 0, loose=True)
    units = {amount.unit, unit.dose if unit and unit.is_dose else None} - {None}
    below = _BELOW.findall(amount.unit)  # the 5 of "125 mg/5 mL"
    named = {at for at, code in enumerate(tokens.codes) if code == NUMBER and _counts_a_place(tokens, at)}
    for stated in chain.from_iterable(find_quantity_lists(tokens, skipped=named)):
        is_same = (stated.low, stated.high) == (amount.low, amount.high) and stated.unit.dose in units
        if is_same and _has_volume(tokens, stated.first, below):
            return Derived(stated.first, stated.end)
    bounds = (amount.low, amount.high if amount.high != amount.low else None)
    others = _FLOORS if amount.low is None else _CEILINGS if amount.high is None else set()
    places = [
        place
        for place in find_together(tokens, bounds)
        if place[0] not in named
        and _has_volume(tokens, place[0], below)
        and not (others and find_comparator(tokens, place) in others)
    ]
    other_rate = amount.unit.removesuffix("/day") if amount.unit.endswith("/day") else f"{amount.unit}/day"
    for wanted, support in ((amount.unit, Support.PARSED), (other_rate, Support.INFERRED)):
        for place in places:
            is_daily = wanted is not other_rate or not rule("seldom_given").starts(tokens, place[1])
            if is_daily and has_unit(tokens, place, wanted):
                return Derived(*place, support)
    return None


_BELOW = re.compile(r"/\s?(\d+(?:\.\d+)?)(?=\s?[^\W\d])")
_FLOORS, _CEILINGS = {Comparator.AT_LEAST, Comparator.MORE}, {Comparator.AT_MOST, Comparator.LESS}


def _has_volume(tokens: Tokens, first: int, below: Sequence[str]) -> bool:
    """Whether the numbers below a dose's slash follow it: no "125 mg/10 mL" in "125 mg/5 mL"."""
    behind = {number.value for number in find_numbers(tokens) if number.first > first} if below else set()
    return behind.issuperset(map(float, below))


def _counts_a_place(tokens: Tokens, at: int) -> bool:
    """Whether a number belongs to a name: "IL-6", "Day 1"."""
    behind_word = at > 0 and tokens.words[at - 1].isalpha()
    if behind_word and tokens.text[tokens.ends[at - 1] : tokens.starts[at]] in ("", "-"):
        return True
    return rule("counts_a_place").ends(tokens, at, at - 1) is not None


def _find_time(tokens: Tokens, value: Period | TimePoint | Age) -> Derived | None:
    if place := find_time(tokens, value.value, value.unit):
        return Derived(*place)
    same = None if isinstance(value, TimePoint) else _find_same_length(tokens, value)
    if same or not isinstance(value, Age):
        return same
    # "Age 18-65": years are implied; "<18 or >70 years": the unit is shared.
    places = (
        place
        for place in find_together(tokens, (value.value,))
        if has_unit(tokens, place, value.unit)
        or (
            value.unit is TimeUnit.YEAR
            and stands_bare(tokens, place)
            and (
                rule("before_bare_age").ends(tokens, place[0], place[0] - _NAMED_REACH)
                or rule("after_bare_age").starts(tokens, place[1])
            )
        )
    )
    return next((Derived(*place, Support.INFERRED) for place in places), None)


_NAMED_REACH = 20
"""How far before a number without a unit the word "age" may stand, in tokens."""


def _find_same_length(tokens: Tokens, value: Period | Age) -> Derived | None:
    """A length of time in another unit of exactly the same length ("3-week" for 21 days), or in a code ("Q3W")."""
    same = {(value.value, value.unit)}
    for small, count, large in _EXACT:
        if value.unit is small and value.value % count == 0:
            same.add((value.value / count, large))
        if value.unit is large:
            same.add((value.value * count, small))
    codes = rule("every_code").find(tokens)
    stated = [
        (found, read_number(found.read("number") or ""), read_time_unit(found.read("unit") or "")) for found in codes
    ]
    if code := next((found for found, number, unit in stated if (number, unit) in same), None):
        return Derived(code.first, code.end)
    places = (find_time(tokens, number, unit) for number, unit in same)
    return next((Derived(*place, Support.INFERRED) for place in places if place), None)


_EXACT = (
    (TimeUnit.HOUR, 24, TimeUnit.DAY),
    (TimeUnit.DAY, 7, TimeUnit.WEEK),
    (TimeUnit.MONTH, 12, TimeUnit.YEAR),
)
"""Units that are a whole number of others."""


def _find_code(tokens: Tokens, value: Frequency | Route) -> Derived | None:
    stated = find_terms(tokens, "routes") if isinstance(value, Route) else find_frequencies(tokens)
    return next((Derived(one.first, one.end) for one in stated if one.value == value), None)


_FINDERS: Mapping[type, Callable[[Tokens, Any], Derived | None]] = {
    Amount: find_amount,
    Age: _find_time,
    Period: _find_time,
    TimePoint: _find_time,
    Frequency: _find_code,
    Route: _find_code,
}
"""The search over tokens for each type of value."""
_VERSION_REACH = 60  # the greatest distance between an instrument's name and its version, in characters
_SHORTEST_NAME = 3
"""The least characters of an abbreviation that stands for a full name: "LV" has too many meanings."""


def _find_instrument(value: Instrument, passage: Passage) -> Supported | None:
    """An instrument by any of its names, with its version directly after it, as in "RECIST1.1"."""
    for mark in ("", "v") if value.version else ():  # "RECIST1.1", "SF-36v2"
        if together := find_quote(passage, f"{value.name}{mark}{value.version}"):
            return Supported(value, together, Support.LITERAL)
    name, version = split_version(value.name)
    if version and value.version in (None, version):
        value = Instrument(name=name, version=version)
    for span, support in list_mentions(value.name, passage):
        near = passage.section.between(span.end, min(passage.raw_span[1], span.end + _VERSION_REACH))
        marks = (mark + (value.version or "") for mark in ("", "v", "v.", "version"))
        if value.version is None or any(find_quote(near, mark) for mark in marks):
            return Supported(value, span, support)
    return None


def list_mentions(instrument: str, passage: Passage) -> Iterator[tuple[Span, Support]]:
    """The places of an instrument's name in the passage, those as written first, then those of its other names."""
    for span in find_quotes(passage, instrument):
        yield span, Support.LITERAL
    if entry := find_instrument(instrument):
        tokens = cut(passage)
        terms = (term for term in find_terms(tokens, "instruments") if term.value == entry.value)
        spans = (span_of(passage, tokens, term.first, term.end) for term in terms)
        yield from ((span, Support.PARSED) for span in chain(spans, _find_names(entry, passage)))


def find_agent(agent: str, passage: Passage) -> Supported | None:
    """Another name of an agent in the passage, as the passage writes it: "MTX" for "methotrexate"."""
    entry = find_entry(agent, "agent_abbreviations")
    span = next(_find_names(entry, passage), None) if entry else None
    return Supported(passage.section.raw[span.start : span.end], span, Support.LITERAL) if span else None


def _find_names(entry: Entry, passage: Passage) -> Iterator[Span]:
    """The places of an entry's names. An abbreviation counts only in its own case, and if no letter is added to it."""
    first, end = passage.raw_span
    for name in list_names(entry):
        if " " in name or not any(map(str.isupper, name[1:])):
            yield from find_quotes(passage, name)
        elif len(name) >= _SHORTEST_NAME:
            written = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
            found = written.finditer(passage.section.raw, first, end)
            yield from (Span(passage.section.name, *each.span()) for each in found)
