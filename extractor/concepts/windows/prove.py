"""Prove time windows: each one by itself, in its direction, and which of them is the first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.limits.bounds import LOWER, Limit
from extractor.concepts.people.ages import is_lifetime
from extractor.concepts.places import Supported, cut, find_quotes
from extractor.concepts.windows.parts import Parts, find_parts
from extractor.concepts.windows.prove_times import is_same_length
from extractor.concepts.windows.read import (
    Window,
    first_window,
    list_windows,
    make_window,
    stands_aside,
)
from extractor.evidence.drafts import Reading, Span
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.schemas import Comparator, Support, TimeWindow


def find_window(
    value: TimeWindow | str, passage: Passage, topic: str = ""
) -> Supported | None:
    """Return a time window whose quote states its length in its direction; of a quote alone, the
    window that it states. ``topic`` is the line that introduces the passage: a length below "Life
    expectancy:" is no window.

    The text decides whether the limit itself counts: "for more than 7 days" supports ">= 7 days" as
    "> 7 days". Of several places of the quote, one whose words name what the window limits counts
    before the first one.
    """
    found = [
        (place, window)
        for place, window in _find_all(value, passage)
        if not (topic and _is_lifetime(cut(passage), window, topic))
    ]
    of = None if isinstance(value, str) else value.of
    if len(found) > 1 and of:
        places = {
            one: parts.of for one, parts, _ in list_stated(found[0][0].span, passage)
        }
        limited = {
            one: cut(passage).read(*place) for one, place in places.items() if place
        }
        found.sort(key=lambda one: of.lower() not in limited.get(one[1], "").lower())
    return found[0][0] if found else None


def _is_lifetime(tokens: Tokens, window: Window, topic: str) -> bool:
    limit = Limit(
        window.comparator,
        window.value,
        window.other_end,
        window.first,
        window.end,
        time_unit=window.unit.value,
    )
    return is_lifetime(tokens, limit, topic)


def _find_all(
    value: TimeWindow | str, passage: Passage
) -> Iterator[tuple[Supported, Window]]:
    tokens = cut(passage)
    windows = sorted(list_windows(tokens, None, wide=True), key=lambda one: one.either)
    quote = value if isinstance(value, str) else value.quote
    for span in find_quotes(passage, quote) if windows else ():
        for one in _overlapping(windows, span, passage):
            said = make_window(one, quote) if isinstance(value, str) else value
            support = _compare(one, said)
            if support:
                words = passage.section.raw[span.start : span.end]
                alike = said.comparator is Comparator.BETWEEN or _looks_alike(one, said)
                if said.comparator is Comparator.BETWEEN or not alike:
                    stated = said.comparator
                else:
                    stated = one.comparator
                found = said.model_copy(update={"quote": words, "comparator": stated})
                sure = not one.aside and (
                    one.sure or said.comparator is Comparator.BETWEEN
                )
                yield Supported(found, span, support if sure else Support.INFERRED), one
                break


def list_stated(span: Span, passage: Passage) -> list[tuple[Window, Parts, bool]]:
    """Return the windows of a passage with their parts, and whether each stands at a span."""
    tokens = cut(passage)
    windows = list_windows(tokens, None, wide=True)
    here = {*_overlapping(windows, span, passage)}
    return [
        (one, parts, one in here)
        for one, parts in zip(windows, find_parts(tokens, windows), strict=True)
    ]


def _overlapping(
    windows: Sequence[Window], span: Span, passage: Passage
) -> list[Window]:
    tokens = cut(passage)
    clean = passage.section.cleaned.clean_position
    first = tokens.at(clean(span.start))
    end = tokens.before(clean(span.end))
    return [one for one in windows if one.first < end and first < one.end]


def take_first(windows: Reading[Any], here: Passage) -> Reading[Any] | None:
    """Return the first of several time windows, as ``time_window`` has it; None if the text has an
    earlier one.

    Those of the criterion count before those of its introducing line, and those in brackets,
    exceptions and definitions last.
    """
    stated = list_windows(cut(here), None)
    asides = [stands_aside(cut(here), one) for one in stated]
    plain = [
        one for one, aside in zip(stated, asides, strict=True) if one.sure and not aside
    ][:1]

    def rank(at: int) -> tuple[bool, bool, int]:
        span = windows.spans[at]
        start, end = here.raw_span
        elsewhere = span.section != here.section.name or not start <= span.start < end
        said = [] if elsewhere else _overlapping(stated, span, here)
        aside = not elsewhere and all(asides[stated.index(one)] for one in said)
        return elsewhere, aside, span.start

    for at in sorted(range(len(windows.value or ())), key=rank):
        first = first_window(windows.value[at : at + 1])
        if first:
            elsewhere, aside, _ = rank(at)
            said = [] if elsewhere else _overlapping(stated, windows.spans[at], here)
            if plain and (
                elsewhere or aside or (said and said[0].first > plain[0].first)
            ):
                return None
            supports = windows.list_supports()[at : at + 1]
            return replace(
                windows,
                value=first,
                spans=windows.spans[at : at + 1],
                support=supports[0],
                supports=supports,
            )
    return replace(windows, value=None, spans=(), supports=())


def _compare(window: Window, value: TimeWindow) -> Support | None:
    """Return how a window supports a value: by its length, and by its direction if it states
    one.
    """
    ends = sorted(
        {window.value, window.value if window.other_end is None else window.other_end}
    )
    if value.comparator is Comparator.BETWEEN:
        same = window.unit is value.unit and ends == [value.value, value.value_high]
        return Support.PARSED if same else None
    alike = _looks_alike(window, value)
    if not (alike or window.either):
        return None
    if not any(is_same_length(end, window.unit, value) for end in ends):
        return None
    is_whole = len(ends) == 1 and (window.value, window.unit) == (
        value.value,
        value.unit,
    )
    return Support.PARSED if alike and is_whole else Support.INFERRED


def _looks_alike(window: Window, value: TimeWindow) -> bool:
    return (window.comparator in LOWER) is (value.comparator in LOWER)
