"""Prove time windows: each one by itself, in its direction, and which of them is the first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

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
    tokens = cut(passage)
    supported = list[tuple[Supported, Window]]()
    for place, window in _find_all(value, passage):
        if topic and _is_lifetime(tokens, window, topic):
            continue
        supported.append((place, window))
    if not supported:
        return None
    first = supported[0][0]
    of = None if isinstance(value, str) else value.of
    if len(supported) == 1 or not of:
        return first
    limited = dict[Window, str]()
    for window, parts, _ in list_stated(first.span, passage):
        if parts.of:
            limited[window] = tokens.read(*parts.of).lower()
    for place, window in supported:
        if of.lower() in limited.get(window, ""):
            return place
    return first


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
    """Yield each place of the quote that states the window, with the window of the text there.

    A window whose direction is stated counts before one that may have either.
    """
    tokens = cut(passage)
    windows = sorted(
        list_windows(tokens, None, wide=True), key=lambda window: window.either
    )
    if not windows:
        return
    quote = value if isinstance(value, str) else value.quote
    for span in find_quotes(passage, quote):
        for window in _overlapping(windows, span, passage):
            said = make_window(window, quote) if isinstance(value, str) else value
            support = _compare(window, said)
            if support is None:
                continue
            is_range = said.comparator is Comparator.BETWEEN
            comparator = said.comparator
            if not is_range and _looks_alike(window, said):
                comparator = window.comparator
            words = passage.section.raw[span.start : span.end]
            stated = said.model_copy(update={"quote": words, "comparator": comparator})
            is_direction_sure = window.sure or is_range
            if window.aside or not is_direction_sure:
                support = Support.INFERRED
            yield Supported(stated, span, support), window
            break


class _Rank(NamedTuple):
    """In which order time windows count: the lowest one first, field by field."""

    is_elsewhere: bool
    is_aside: bool
    start: int


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
    count = len(windows.value or ())
    ranks = [_rank(windows.spans[at], stated, here) for at in range(count)]
    for at in sorted(range(count), key=ranks.__getitem__):
        first = first_window(windows.value[at : at + 1])
        if first is None:
            continue
        if _has_earlier(windows.spans[at], ranks[at], stated, here):
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


def _rank(span: Span, stated: Sequence[Window], here: Passage) -> _Rank:
    """Return the rank of the window at a span, among the windows that a criterion states."""
    start, end = here.raw_span
    is_here = span.section == here.section.name and start <= span.start < end
    if not is_here:
        return _Rank(is_elsewhere=True, is_aside=False, start=span.start)
    tokens = cut(here)
    is_aside = all(
        stands_aside(tokens, window) for window in _overlapping(stated, span, here)
    )
    return _Rank(is_elsewhere=False, is_aside=is_aside, start=span.start)


def _has_earlier(
    span: Span, rank: _Rank, stated: Sequence[Window], here: Passage
) -> bool:
    """Return whether a criterion states a plain window that counts before the one at a span."""
    tokens = cut(here)
    for plain in stated:
        if not plain.sure or stands_aside(tokens, plain):
            continue
        if rank.is_elsewhere or rank.is_aside:
            return True
        at_span = _overlapping(stated, span, here)
        return bool(at_span) and at_span[0].first > plain.first
    return False


def _compare(window: Window, value: TimeWindow) -> Support | None:
    """Return how a window supports a value: by its length, and by its direction if it states
    one.
    """
    lengths = {window.value}
    if window.other_end is not None:
        lengths.add(window.other_end)
    ends = sorted(lengths)
    if value.comparator is Comparator.BETWEEN:
        is_same = window.unit is value.unit and ends == [value.value, value.value_high]
        return Support.PARSED if is_same else None
    alike = _looks_alike(window, value)
    if not (alike or window.either):
        return None
    if not any(is_same_length(end, window.unit, value) for end in ends):
        return None
    as_written = (window.value, window.unit) == (value.value, value.unit)
    is_whole = len(ends) == 1 and as_written
    return Support.PARSED if alike and is_whole else Support.INFERRED


def _looks_alike(window: Window, value: TimeWindow) -> bool:
    return (window.comparator in LOWER) is (value.comparator in LOWER)
