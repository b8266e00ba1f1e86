"""Prove a model's time window: it is kept if its words contain an equal length with the same
direction.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from extractor.concepts.limits.bounds import LOWER, UPPER
from extractor.concepts.places import Supported, cut, find_quotes, locate
from extractor.concepts.windows.lengths import is_same_length
from extractor.concepts.windows.parts import Parts, find_parts
from extractor.concepts.windows.times import (
    Window,
    find_windows,
    first_window,
    list_possible_firsts,
    make_window,
)
from extractor.evidence.drafts import Reading, Span, span_of
from extractor.language.passage import Passage
from extractor.schemas import Comparator, Support, TimeWindow


def find_window(
    value: TimeWindow | str, passage: Passage, topic: str = ""
) -> Supported | None:
    """Return a time window with its place if its quote states its length in its direction; None if
    it does not. For a quote alone (a text as ``value``), it is the window that the quote states.

    The text decides whether the limit itself counts: "for more than 7 days" supports ">= 7 days" as
    "> 7 days". Of several places of the quote, the first one counts whose words name what the
    window limits, else the first one. ``topic`` is the line that introduces the passage: a length
    below "Life expectancy:" is not a window.
    """
    found = list(_find_all(value, passage, topic))
    if not found:
        return None
    of = None if isinstance(value, str) else value.of
    if of:
        tokens = cut(passage)
        for supported, parts in found:
            if parts.of and of.lower() in tokens.read(*parts.of).lower():
                return supported
    return found[0][0]


def _find_all(
    value: TimeWindow | str, passage: Passage, topic: str
) -> Iterator[tuple[Supported, Parts]]:
    """Yield the window at each place of its quote that states it."""
    quote = value if isinstance(value, str) else value.quote
    windows = find_windows(cut(passage), None, topic, wide=True)
    parts = find_parts(cut(passage), windows)
    lengths = [locate(passage, *window.length) for window in windows]
    ends = [length.end for length in lengths]
    for span in find_quotes(passage, quote):
        for at in range(bisect_right(ends, span.start), len(windows)):
            if not lengths[at].overlaps(span):
                break
            window = windows[at]
            words = passage.section.raw[span.start : span.end]
            if isinstance(value, str):
                stated = make_window(window, words)
                support = Support.PARSED if window.sure else Support.INFERRED
            else:
                compared = _compare(window, value)
                if compared is None:
                    continue
                support = compared
                stated = value.model_copy(update={"quote": words})
                if window.sure:
                    update = {"comparator": window.comparator}
                    stated = stated.model_copy(update=update)
            yield Supported(stated, span, support), parts[at]


def _compare(window: Window, value: TimeWindow) -> Support | None:
    """Return how a window of the text supports a value; None if it is another one."""
    is_low = is_same_length(window.value, window.unit, value)
    if window.high is not None:
        return _compare_range(window, value, is_low=is_low)
    if not is_low or value.value_high is not None:
        return None
    in_same_unit = window.unit is value.unit
    if _side(window.comparator) == _side(value.comparator):
        return Support.PARSED if window.sure and in_same_unit else Support.INFERRED
    may_be_either = window.comparator is Comparator.EQUAL or window.either
    return Support.INFERRED if may_be_either else None


def _compare_range(
    window: Window, value: TimeWindow, *, is_low: bool
) -> Support | None:
    """Return how a range supports a value: the range itself, or one of its ends in the direction of
    that end.
    """
    assert window.high is not None
    if value.value_high is not None:
        high = value.model_copy(update={"value": value.value_high})
        is_range = is_low and is_same_length(window.high, window.unit, high)
        return Support.PARSED if is_range else None
    if is_low and value.comparator in LOWER:
        return Support.INFERRED
    is_high = is_same_length(window.high, window.unit, value)
    return Support.INFERRED if is_high and value.comparator in UPPER else None


def _side(comparator: Comparator) -> str:
    if comparator in LOWER:
        return "lower"
    return "upper" if comparator in UPPER else "none"


def list_stated(span: Span, passage: Passage) -> list[tuple[Window, Parts, bool]]:
    """Return the windows of a passage with their parts, and whether each shares words with a
    span.
    """
    tokens = cut(passage)
    windows = find_windows(tokens, None, wide=True)
    return [
        (window, parts, locate(passage, *window.length).overlaps(span))
        for window, parts in zip(windows, find_parts(tokens, windows), strict=True)
    ]


def take_first(answered: Reading[Any], here: Passage) -> Reading[Any] | None:
    """Return the reading of the first of the time windows that a model answered, as ``time_window``
    has it. The value of the reading is None if no window is in hours or longer units.

    Windows of the criterion ``here`` count before those of the line above it, and those in
    brackets, exceptions and definitions after the others of their line. The model may have left
    the first one out: None if the text has a sure one, in hours or longer units, that counts before
    all that were answered.
    """
    windows = find_windows(cut(here), None)
    possible = [
        index
        for index, window in enumerate(answered.list_values())
        if first_window([window])
    ]
    if not possible:
        return replace(answered, value=None, spans=(), supports=())
    ranks = {index: _rank(answered.spans[index], windows, here) for index in possible}
    best = min(possible, key=lambda index: ranks[index])
    for window in list_possible_firsts(windows):
        span = locate(here, window.first, window.end)
        is_sure = window.sure and not window.aside
        if is_sure and (False, False, span.start) < ranks[best]:
            return (
                None
                if not span.overlaps(answered.spans[best])
                else _take(answered, best)
            )
    return _take(answered, best)


def _take(answered: Reading[Any], index: int) -> Reading[Any]:
    return replace(
        answered,
        value=first_window([answered.value[index]]),
        spans=(answered.spans[index],),
        supports=answered.list_supports()[index : index + 1],
    )


def _rank(
    span: Span, windows: Sequence[Window], here: Passage
) -> tuple[bool, bool, int]:
    """Return a key that sorts answered windows: those of another line last, those that explain or
    borrow their direction after others of their line.
    """
    is_elsewhere = not span_of(here).contains(span)
    later = False
    for window in windows:
        if locate(here, *window.length).overlaps(span):
            later = window.aside or window.borrowed
            break
    return is_elsewhere, later, span.start
