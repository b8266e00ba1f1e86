"""Prove time windows: each one by itself, in its direction, and which of them is the first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, NamedTuple

from extractor.concepts.limits.bounds import LOWER
from extractor.concepts.people.ages import is_lifetime
from extractor.concepts.places import Supported, cut, find_quotes
from extractor.concepts.windows.parts import Parts, find_parts
from extractor.concepts.windows.prove_times import is_same_length
from extractor.concepts.windows.read import (
    Window,
    first_window,
    list_possible_firsts,
    list_windows,
    make_window,
    stands_aside,
)
from extractor.evidence.drafts import Reading, Span
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Comparator, Support, TimeWindow


def find_window(
    value: TimeWindow | str, passage: Passage, topic: str = ""
) -> Supported | None:
    """Return a time window with its place if its quote states its length in its direction; None if
    it does not. For a quote alone (a text as ``value``), it is the window that the quote states.

    The text decides whether the limit itself counts: "for more than 7 days" supports ">= 7 days" as
    "> 7 days". Of several places of the quote, the first one counts whose words name what the
    window limits, else the first one. ``topic`` is the line that introduces the passage: a length
    below "Life expectancy:" is no window.
    """
    tokens = cut(passage)
    supported = list[tuple[Supported, Window]]()
    for place, window in _find_all(value, passage, topic):
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
    """Return whether the length of a window is how long somebody lives, by the words around it and
    by the ``topic``.
    """
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
    value: TimeWindow | str, passage: Passage, topic: str
) -> Iterator[tuple[Supported, Window]]:
    """Yield each place of the quote that states the window, with the window of the text there: at
    each place one, of several one with a stated direction.

    The value is yielded with the words of the place and, unless it is a range, with the text's
    comparator if both look the same way. It is inferred if the text's direction is not sure, or its
    window is an aside.
    """
    stated_windows = list_windows(cut(passage), None, wide=True, topic=topic)
    if not stated_windows:
        return
    windows = sorted(stated_windows, key=lambda window: window.either)
    quote = value if isinstance(value, str) else value.quote
    for span in find_quotes(passage, quote):
        for window in _list_overlapping(windows, span, passage):
            answer = make_window(window, quote) if isinstance(value, str) else value
            support = _compare(window, answer)
            if support is None:
                continue
            is_range = answer.comparator is Comparator.BETWEEN
            comparator = answer.comparator
            if not is_range and _has_same_direction(window, answer):
                comparator = window.comparator
            words = passage.section.raw[span.start : span.end]
            update = {"quote": words, "comparator": comparator}
            stated = answer.model_copy(update=update)
            is_direction_sure = window.sure or is_range
            if window.aside or not is_direction_sure:
                support = Support.INFERRED
            yield Supported(stated, span, support), window
            break


class _Rank(NamedTuple):
    """In which order time windows count, the lowest rank first: those of the criterion before those
    of the line above it, plain ones before asides, then in the order of the text.
    """

    is_elsewhere: bool
    is_aside: bool
    start: int


def list_stated(span: Span, passage: Passage) -> list[tuple[Window, Parts, bool]]:
    """Return the windows of a passage with their parts, and whether each shares words with a
    span.
    """
    tokens = cut(passage)
    windows = list_windows(tokens, None, wide=True)
    at_span = {*_list_overlapping(windows, span, passage)}
    stated = []
    for window, parts in zip(windows, find_parts(tokens, windows), strict=True):
        stated.append((window, parts, window in at_span))
    return stated


def _list_overlapping(
    windows: Sequence[Window], span: Span, passage: Passage
) -> list[Window]:
    """Return the windows of a passage that share words with a span of its section."""
    tokens = cut(passage)
    clean = passage.section.cleaned.clean_position
    first = tokens.at(clean(span.start))
    end = tokens.before(clean(span.end))
    return [window for window in windows if window.first < end and first < window.end]


def take_first(answered: Reading[Any], here: Passage) -> Reading[Any] | None:
    """Return the reading of the first of the time windows that a model answered, as ``time_window``
    has it. The value of the reading is None if no window is in hours or longer units.

    Windows of the criterion ``here`` count before those of the line above it, and those in
    brackets, exceptions and definitions behind the others of their line. The model may have left
    the first one out: None if the text has a sure one, in hours or longer units, that counts before
    all that were answered.
    """
    in_text = list_windows(cut(here), None)
    supports = answered.list_supports()
    ranked = []
    for at, window in enumerate(answered.value or ()):
        rank = _rank(answered.spans[at], in_text, here)
        ranked.append((rank, at, first_window([window])))
    for rank, at, first in sorted(ranked, key=itemgetter(0)):
        # "smoking within 30 minutes": in minutes, no first window
        if first is None:
            continue
        span = answered.spans[at]
        if _has_earlier(span, rank, in_text, here):
            return None
        return replace(
            answered,
            value=first,
            spans=(span,),
            support=supports[at],
            supports=(supports[at],),
        )
    return replace(answered, value=None, spans=(), supports=())


def _rank(span: Span, in_text: Sequence[Window], here: Passage) -> _Rank:
    """Return the rank of the window at a span. ``in_text`` are the windows of the criterion
    ``here``: the span is aside if all of them that it shares words with are.
    """
    start, end = here.raw_span
    is_here = span.section == here.section.name and start <= span.start < end
    if not is_here:
        return _Rank(is_elsewhere=True, is_aside=False, start=span.start)
    tokens = cut(here)
    at_span = _list_overlapping(in_text, span, here)
    is_aside = all(stands_aside(tokens, window) for window in at_span)
    return _Rank(is_elsewhere=False, is_aside=is_aside, start=span.start)


def _has_earlier(
    span: Span, rank: _Rank, in_text: Sequence[Window], here: Passage
) -> bool:
    """Return whether the text has a window that ``time_window`` can have and that counts before the
    one at a span, whose ``rank`` is given. Only sure windows that are no aside are looked at.
    """
    tokens = cut(here)
    sure = [
        window
        for window in list_possible_firsts(in_text)
        if window.sure and not stands_aside(tokens, window)
    ]
    if not sure:
        return False
    if rank.is_elsewhere or rank.is_aside:
        return True
    at_span = _list_overlapping(in_text, span, here)
    return bool(at_span) and at_span[0].first > sure[0].first


def _compare(window: Window, value: TimeWindow) -> Support | None:
    """Return how surely a window of the text states a value; None if it does not.

    A range must have the same ends and the same unit. Another value must be as long as the window
    or as one of its ends, in any unit, and look the same way, unless the window may have either
    direction. It is sure if direction, number and unit are those of the text.
    """
    lengths = {window.value}
    if window.other_end is not None:
        lengths.add(window.other_end)
    ends = sorted(lengths)
    if value.comparator is Comparator.BETWEEN:
        is_same = window.unit is value.unit and ends == [value.value, value.value_high]
        return Support.PARSED if is_same else None
    same_direction = _has_same_direction(window, value)
    if not (same_direction or window.either):
        return None
    if not any(is_same_length(end, window.unit, value) for end in ends):
        return None
    as_written = (window.value, window.unit) == (value.value, value.unit)
    is_single = len(ends) == 1
    is_sure = same_direction and is_single and as_written
    return Support.PARSED if is_sure else Support.INFERRED


def _has_same_direction(window: Window, value: TimeWindow) -> bool:
    """Return whether a window and a value are both lower limits, or neither is."""
    return (window.comparator in LOWER) is (value.comparator in LOWER)
