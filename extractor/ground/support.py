"""Where single values are stated: each is derived again from the text, or nothing there supports it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import singledispatch
from itertools import chain
from typing import Any

from extractor.parse.dosing.schedule import find_frequencies
from extractor.parse.eligibility.constraints import read_window
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
    TimeWindow,
)
from extractor.text.book import find_terms, read_text, rule
from extractor.text.clean import CleanText
from extractor.text.lexer import NUMBER, Tokens, lex
from extractor.text.passage import Passage
from extractor.text.quantities import find_quantity_lists
from extractor.text.units import find_unit

from .quotes import locate_quote
from .values import Place, find_comparator, find_time, find_together, has_unit, is_denied, is_said_of, stands_bare


def span_of(passage: Passage, tokens: Tokens, first: int, end: int) -> Span:
    """The raw span of some tokens that were cut from a passage."""
    return Span(passage.section.name, *passage.section.cleaned.raw_span(tokens.starts[first], tokens.ends[end - 1]))


def clean_span(passage: Passage) -> tuple[int, int]:
    """The offsets of a passage in the cleaned text of its section."""
    tokens = passage.tokens
    return (tokens.starts[passage.first], tokens.ends[passage.end - 1]) if passage.end > passage.first else (0, 0)


def cut_lines(passage: Passage) -> tuple[CleanText, int]:
    """The lines of a passage as a text of their own, and where they begin in the section's cleaned text.

    A line is folded once for all that is searched in it; its whole section would be folded for each line.
    """
    (start, end), text = clean_span(passage), passage.tokens.text
    begin, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    return CleanText(text[begin : stop if stop >= 0 else len(text)]), begin


def _find_quotes(passage: Passage, quote: str, position: int | None = None) -> Iterator[Span]:
    """The raw spans of a quote in the passage, left to right, from an offset into the section's cleaned text on."""
    lines, begin = cut_lines(passage)
    start, end = clean_span(passage)
    position = start if position is None else position
    while found := locate_quote(quote, lines, position - begin, end - begin):
        yield Span(passage.section.name, *passage.section.cleaned.raw_span(found[0] + begin, found[1] + begin))
        position = found[1] + begin


def find_quote(passage: Passage, quote: str) -> Span | None:
    """The raw span of a quote in the passage, or None."""
    return next(_find_quotes(passage, quote), None)


def find_parts(passage: Passage, parts: Mapping[str, str | None]) -> dict[str, Span | None]:
    """The raw spans of an outcome's parts, each behind the one before, since the same words may be in several.

    The time frame is the last part, so its last occurrence counts.
    """
    spans: dict[str, Span | None] = {}
    position = clean_span(passage)[0]
    for name, quote in parts.items():
        places = list(_find_quotes(passage, quote, position)) if quote else []
        spans[name] = (places[-1] if name == "time_frame" else places[0]) if places else None
        if found := spans[name]:
            position = passage.section.cleaned.clean_position(found.end)
    return spans


@dataclass(frozen=True, slots=True)
class Supported:
    """A value with the characters that support it."""

    value: Any
    span: Span
    support: Support


@dataclass(frozen=True, slots=True)
class Derived:
    """Tokens that state a value. ``support`` is inferred if a part of the value is the reader's conclusion."""

    first: int
    end: int
    support: Support = Support.PARSED


def _whole(passage: Passage) -> Span:
    return Span(passage.section.name, *passage.raw_span)


def _cut_tokens(passage: Passage) -> Tokens:
    """The tokens of a passage, and none around them."""
    return passage.tokens.cut(passage.first, passage.end)


@singledispatch
def find_support(value: Any, passage: Passage) -> Supported | None:
    """The support for ``value`` in ``passage``, or None.

    A member of a closed set rests on the passage as a whole; a quote must stand in it; every number
    of a value must stand in it.
    """
    return Supported(value, _whole(passage), Support.INFERRED)


@find_support.register
def _quote(value: str, passage: Passage) -> Supported | None:
    if type(value) is not str:  # a member of a StrEnum
        return Supported(value, _whole(passage), Support.INFERRED)
    span = find_quote(passage, value)
    return Supported(passage.section.raw[span.start : span.end], span, Support.LITERAL) if span else None


@find_support.register
def _constraint(value: Constraint, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    quantity, named = find_quote(passage, value.quantity), list(_find_words(value.quantity, tokens))
    if quantity is None and not named and not _names_quantity(tokens, value.quantity):
        return None
    place = find_limit(tokens, value.comparator, (value.value, value.value_high), value.unit)
    if place and named and not _is_said_of(tokens, named, (place.first, place.end)):
        place = Derived(place.first, place.end, Support.INFERRED)
    return _supported(value, passage, tokens, place, quantity)


def _is_said_of(tokens: Tokens, named: list[Place], place: Place) -> bool:
    """Whether a number is said of one of the nearest places that name the quantity; an age need not be named."""
    nearest = sorted(named, key=lambda words: abs(words[0] - place[0]))[:2]
    return any(is_said_of(tokens, subject, place) for subject in nearest)


def _find_words(words: str, tokens: Tokens) -> Iterator[Place]:
    """Every place of these words."""
    wanted = [word.lower() for word in lex(words).words]
    folded = [word.lower() for word in tokens.words]
    for at in range(len(folded) - len(wanted) + 1) if wanted else ():
        if folded[at : at + len(wanted)] == wanted:
            yield at, at + len(wanted)


def _names_quantity(tokens: Tokens, quantity: str) -> bool:
    """Whether every word of a quantity stands in the text, in whatever order.

    An age need not be named: "2 to 18 years old".
    """
    words = {word.lower() for word in lex(quantity).words if word.isalnum()}
    return quantity.lower() == "age" or (bool(words) and words <= {word.lower() for word in tokens.words})


def find_limit(
    tokens: Tokens, comparator: Comparator, values: tuple[float | None, ...], unit: str | None
) -> Derived | None:
    """Where a limit's numbers stand with its unit and with a comparator that does not contradict it, or None.

    A number without any comparator takes the sense of its list, so the comparator is inferred then.

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
    for place in find_together(tokens, values):
        if not (stands_bare(tokens, place) if unit is None else has_unit(tokens, place, unit)):
            continue
        stated = find_comparator(tokens, place)
        if stated is comparator or comparator is Comparator.BETWEEN:
            return Derived(*place)
        open_ = stated in (None, Comparator.BETWEEN) or is_denied(tokens, place, stated, comparator)
        if open_ and implied is None:
            implied = Derived(*place, Support.INFERRED)
    return implied


@find_support.register
def _amount(value: Amount, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    return _supported(value, passage, tokens, find_amount(tokens, value))


def find_amount(tokens: Tokens, amount: Amount) -> Derived | None:
    """Where an amount's numbers stand with its unit, or None."""
    unit = find_unit(lex(amount.unit), 0, loose=True)
    units = {amount.unit, unit.dose if unit else None} - {None}
    named = {at for at, code in enumerate(tokens.codes) if code == NUMBER and _counts_a_place(tokens, at)}
    for stated in chain.from_iterable(find_quantity_lists(tokens, skipped=named)):
        if (stated.low, stated.high) == (amount.low, amount.high) and stated.unit.dose in units:
            return Derived(stated.first, stated.end)
    bounds = (amount.low, amount.high if amount.high != amount.low else None)
    together = [place for place in find_together(tokens, bounds) if place[0] not in named]
    for wanted, support in ((amount.unit, Support.PARSED), (_other_rate(amount.unit), Support.INFERRED)):
        for place in together:
            if has_unit(tokens, place, wanted):
                return Derived(*place, support)
    return None


def _counts_a_place(tokens: Tokens, at: int) -> bool:
    """Whether a number belongs to a name: "IL-6", "Day 1"."""
    joined = (
        at > 0 and tokens.words[at - 1].isalpha() and tokens.text[tokens.ends[at - 1] : tokens.starts[at]] in ("", "-")
    )
    return joined or rule("counts_a_place").ends(tokens, at, at - 1) is not None


def _other_rate(unit: str) -> str:
    """The unit of one giving for that of a day, and the other way round: which of them is meant is a conclusion."""
    return unit.removesuffix("/day") if unit.endswith("/day") else f"{unit}/day"


@find_support.register(Period)
@find_support.register(TimePoint)
def _time(value: Period | TimePoint, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    place = find_time(tokens, value.value, value.unit)
    return _supported(value, passage, tokens, Derived(*place) if place else None)


@find_support.register
def _age(value: Age, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    if place := find_time(tokens, value.value, value.unit):
        return _supported(value, passage, tokens, Derived(*place))
    bare = next((Derived(*place, Support.INFERRED) for place in find_together(tokens, (value.value,))), None)
    return _supported(value, passage, tokens, bare)  # "Age 18-65": the unit is understood


def _supported(
    value: Any, passage: Passage, tokens: Tokens, place: Derived | None, also: Span | None = None
) -> Supported | None:
    if place is None:
        return None
    span = span_of(passage, tokens, place.first, place.end)
    if also:
        span = Span(span.section, min(span.start, also.start), max(span.end, also.end))
    return Supported(value, span, place.support)


_VERSION_REACH = 60


@find_support.register
def _instrument(value: Instrument, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    named = list(_find_quotes(passage, value.name))
    spelled = [span_of(passage, tokens, term.first, term.end) for term in find_terms(tokens, "instruments")
               if term.value.lower() == value.name.lower()]  # fmt: skip
    if value.version and (together := find_quote(passage, value.name + value.version)):
        return Supported(value, together, Support.LITERAL)  # "RECIST1.1"
    for span in (*named, *spelled):
        if _states_version(value.version, passage, span):
            return Supported(value, span, Support.LITERAL if span in named else Support.PARSED)
    return None


def _states_version(version: str | None, passage: Passage, name: Span) -> bool:
    """Whether a version stands right behind the instrument's name."""
    end = min(passage.raw_span[1], name.end + _VERSION_REACH)
    near = passage.section.between(name.end, end)
    return version is None or any(find_quote(near, mark + version) for mark in ("", "v", "v.", "version"))


@find_support.register
def _window(value: TimeWindow, passage: Passage) -> Supported | None:
    found = find_window(value.quote, passage)
    if found is None:
        return None
    same = (value.comparator, value.value, value.unit) == (found.value.comparator, found.value.value, found.value.unit)
    return found if same else None


@find_support.register
def _frequency(value: Frequency, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    line = read_text(passage.text.replace("\n", " "))
    shift = tokens.starts[0] if tokens.words else 0
    spans = ((line.span(mark.first, mark.end), mark.value) for mark in find_frequencies(line))
    places = ((tokens.at(shift + start), tokens.before(shift + end), code) for (start, end), code in spans)
    return _read_code(value, passage, tokens, places)


@find_support.register
def _route(value: Route, passage: Passage) -> Supported | None:
    tokens = _cut_tokens(passage)
    terms = ((term.first, term.end, term.value) for term in find_terms(tokens, "routes"))
    return _read_code(value, passage, tokens, terms)


def _read_code(value: str, passage: Passage, tokens: Tokens, read: Iterable[tuple[int, int, str]]) -> Supported | None:
    """A code that the rules read in the same words is parsed; any other is the reader's conclusion."""
    for first, end, code in read:
        if code == value:
            return Supported(value, span_of(passage, tokens, first, end), Support.PARSED)
    return Supported(value, _whole(passage), Support.INFERRED)


def find_window(quote: str, passage: Passage) -> Supported | None:
    """The time window that a quoted part of the passage states, read from the quote by the rules, or None."""
    span = find_quote(passage, quote)
    if span is None:
        return None
    # What stands around a window tells it from an age; but the first window of a passage may be another one.
    around = read_window(passage.alone())
    there = around.value is not None and all(one.overlaps(span) for one in around.spans)
    quoted = passage.section.between(span.start, span.end)
    window = around.value if there else read_window(quoted.alone()).value
    if window is None:
        return None
    words = passage.section.raw[span.start : span.end]
    return Supported(window.model_copy(update={"quote": words}), span, Support.PARSED)
