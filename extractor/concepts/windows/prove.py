"""Prove the time windows in a model's answer, and the parts of a value. A window is kept if its
quote contains an equal duration with the same direction; a part is kept if its words do not belong
to another value.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from extractor.concepts.limits.prove import overlaps_any, prove_condition
from extractor.concepts.places import find_quote, find_quotes, locate
from extractor.concepts.windows.criterion import take_first
from extractor.concepts.windows.lengths import is_same_length
from extractor.concepts.windows.parts import Parts, find_window_parts
from extractor.concepts.windows.times import (
    Window,
    find_windows,
    first_window,
    list_possible_firsts,
    make_window,
)
from extractor.evidence.drafts import (
    Objection,
    Reading,
    Span,
    Supported,
    ValuePart,
    Why,
    span_of,
)
from extractor.evidence.items import Read
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.schemas import Amount, Comparator, Constraint, Support, TimeWindow
from extractor.schemas.vocabulary import LOWER, UPPER

_NOT_FIRST = "an earlier time window"
"""The feature of a first time window before which the text states another one."""


class _StatedWindow(NamedTuple):
    """A window that a passage states, with its parts and the raw span of its duration."""

    window: Window
    parts: Parts
    length: Span


def find_window(
    value: TimeWindow | str, passage: Passage, topic: str = ""
) -> Supported[TimeWindow] | None:
    """Return a time window with its place if its quote states its duration and direction; None if
    it does not. If ``value`` is only a quote, return the window that the quote states.

    The text determines whether the limit itself is included: "for more than 7 days" supports ">= 7
    days", but the returned value is "> 7 days". If the quote occurs several times, the first place
    with the name of the window is used or, failing that, the first place. ``topic`` is the line
    that introduces the passage: a duration below "Life expectancy:" is not a window.
    """
    of = None
    if isinstance(value, TimeWindow):
        of = value.of
    first: Supported[TimeWindow] | None = None
    for found, parts in _find_all(value, passage, topic):
        first = first or found
        if not of:
            break
        # the same words may state the time of several treatments
        if parts.of and of.lower() in passage.cut().read(*parts.of).lower():
            return found
    return first


def _find_all(
    value: TimeWindow | str, passage: Passage, topic: str
) -> Iterator[tuple[Supported[TimeWindow], Parts]]:
    """Yield the window with its parts for each place of the quote that states the window."""
    quote = value if isinstance(value, str) else value.quote
    stated_windows = _list_windows(passage, topic)
    ends = [stated.length.end for stated in stated_windows]
    for place in find_quotes(passage, quote):
        words = passage.section.raw[place.start : place.end]
        for window, parts, length in stated_windows[bisect_right(ends, place.start) :]:
            if not length.overlaps(place):
                break
            if isinstance(value, str):
                support = Support.INFERRED
                if window.sure:
                    support = Support.PARSED
                yield Supported(make_window(window, words), place, support), parts
                continue
            proof = _compare(window, value)
            if proof is None:
                continue
            update: dict[str, object] = {"quote": words}
            if window.sure:
                update["comparator"] = window.comparator
            yield Supported(value.model_copy(update=update), place, proof), parts


def _list_windows(passage: Passage, topic: str = "") -> list[_StatedWindow]:
    """Return the windows of a passage, and its durations without a direction."""
    tokens = passage.cut()
    windows = find_windows(tokens, None, topic, wide=True)
    return [
        _StatedWindow(window, parts, locate(passage, *window.length))
        for window, parts in zip(
            windows, find_window_parts(tokens, windows), strict=True
        )
    ]


def _compare(window: Window, value: TimeWindow) -> Support | None:
    """Return how a window in the text supports a value; None if it does not. Each bound of the
    value must also be a bound of the window.

    The value is inferred if the window has a further bound or another unit, or if the direction of
    a single bound is not certain.
    """
    stated = _list_bounds(window.comparator, window.value, window.high)
    # the words do not show which bound the number is, so it may be either
    if window.is_reversible:
        stated = {"low": window.value, "high": window.value}
    claimed = _list_bounds(value.comparator, value.value, value.value_high)
    for side, number in claimed.items():
        bound = value.model_copy(update={"value": number})
        if side not in stated or not is_same_length(stated[side], window.unit, bound):
            return None
    is_settled = window.sure or window.high is not None
    if is_settled and claimed.keys() == stated.keys():
        return Support.PARSED
    return Support.INFERRED


def _list_bounds(
    comparator: Comparator, low: float, high: float | None
) -> dict[str, float]:
    """Return the shortest and the longest duration that a window allows, with the keys "low" and
    "high".
    """
    bounds = {}
    # "at least", "exactly" and "between" have a shortest duration
    if comparator not in UPPER:
        bounds["low"] = low
    if comparator not in LOWER:
        bounds["high"] = low
        if high is not None:
            bounds["high"] = high
    return bounds


def prove_first(answered: Reading[object], here: Passage) -> Read[TimeWindow]:
    """Return the reading for ``time_window``: the first of the time windows in a model's answer.
    Its value is None if none of the windows is in hours or longer units.

    Windows of the criterion ``here`` take precedence over windows of the line above it, and
    windows in brackets, exceptions and definitions come after the other windows of their line.
    It is doubted if the text contains an unambiguous window, in hours or longer units, before all
    the windows in the answer, since the model may have missed it.
    """
    windows = find_windows(here.cut(), None)

    def rank(span: Span) -> tuple[bool, bool, int]:
        """Return the order of a window: in the criterion, not subordinate, first in the text."""
        is_subordinate = False
        for window in windows:
            if locate(here, *window.length).overlaps(span):
                is_subordinate = window.is_aside or window.takes_direction
                break
        # False is sorted before True
        return not span_of(here).contains(span), is_subordinate, span.start

    members = answered.members
    possible = [at for at, each in enumerate(members) if first_window([each.value])]
    if not possible:
        return take_first(answered, None)
    best = min(possible, key=lambda at: rank(members[at].span))
    first = take_first(answered, best)
    best_span = members[best].span
    for window in list_possible_firsts(windows):
        span = locate(here, window.first, window.end)
        is_plain = window.sure and not window.is_aside
        if is_plain and not span.overlaps(best_span):
            # The answer skips a sure window that precedes its own: the left side is the rank of a
            # window in the criterion that is not subordinate.
            if (False, False, span.start) < rank(best_span):
                return first.with_features(_NOT_FIRST)
            break
    return first


def prove_parts(
    supported: Supported[object],
    places: Sequence[Passage],
    lead_in: Passage | None = None,
) -> tuple[Supported[object], list[Objection]]:
    """Return a supported value with only the parts that the text supports, and the objections to
    the other parts. The parts are the condition of a limit or an amount, or the name and the moment
    of a time window. Any other value is returned unchanged.

    A part that is not in the text is removed; a part that seems to belong to another limit or
    window is kept and doubted.

    Args:
        supported: A value that the text states.
        places: The criterion and the line that introduces it, which may contain the parts of a time
            window.
        lead_in: The line that introduces the criterion. A condition in this line applies to all
            the items below the line rather than to a single limit, so it is removed without
            recording an objection.
    """
    value = supported.value
    if isinstance(value, Constraint):
        proven, objection = prove_condition(supported, value, places[0], lead_in)
        if objection:
            return proven, [objection]
        return proven, []
    if isinstance(value, Amount):
        return _prove_people(supported, value, places)
    if not isinstance(value, TimeWindow):
        return supported, []
    objections = []
    parts: dict[str, str | None] = {}
    doubts: dict[str, ValuePart] = {}
    for name, quote in (("of", value.of), ("anchor", value.anchor)):
        if not quote:
            continue
        parts[name], objection = _prove_part(name, quote, supported.span, places)
        if objection:
            objections.append(objection)
        if objection and objection.is_kept:
            doubts[name] = ValuePart((objection.why,))
    value = value.model_copy(update=parts)
    return replace(supported, value=value, parts=doubts), objections


def _prove_people(
    supported: Supported[object], amount: Amount, places: Sequence[Passage]
) -> tuple[Supported[object], list[Objection]]:
    """Return an amount with the words of the text that say for whom it is, or without them, and the
    objection to them, if no text has them.
    """
    if not amount.condition:
        return supported, []
    found = (find_quote(place, amount.condition) for place in places)
    place = next(filter(None, found), None)
    if place is None:
        bare = amount.model_copy(update={"condition": None})
        objection = Objection(Why.NOT_STATED, part="condition", value=amount.condition)
        return replace(supported, value=bare), [objection]
    section = next(
        each.section for each in places if each.section.name == place.section
    )
    words = section.raw[place.start : place.end]
    return replace(supported, value=amount.model_copy(update={"condition": words})), []


def _prove_part(
    name: str, quote: str, window: Span, passages: Sequence[Passage]
) -> tuple[str | None, Objection | None]:
    """Return the words of the ``name`` part of a window, as written in the text, or None and the
    objection: no passage contains its ``quote``, or the quote belongs to another window, to the
    window's other part or to an exception.

    Words that the rules read as this part take precedence over other words, and then the words
    nearest to the window.
    """
    written: dict[Span, str] = {}
    own: list[Span] = []
    foreign: list[Span] = []
    for passage in passages:
        for place, is_own in _list_parts(name, window, passage):
            if is_own:
                own.append(place)
            else:
                foreign.append(place)
        for place in find_quotes(passage, quote):
            written[place] = passage.section.raw[place.start : place.end]
    # a model must copy the part from the text
    if not written:
        return None, Objection(Why.NOT_STATED, part=name, value=quote)
    # "steroids" may be stated twice: the place that the rules read is surer
    fitting = [place for place in written if overlaps_any(place, own)]
    if not fitting:
        fitting = [place for place in written if not overlaps_any(place, foreign)]
    objection = None
    # all of its places belong to something else
    if not fitting:
        fitting = [*written]
        # the place of the part itself, if the rules read one
        shown = [*own, *fitting][0]
        objection = Objection(Why.OTHER_OWNER, shown, name, value=quote, is_kept=True)
    best = min(fitting, key=lambda place: abs(place.start - window.start))
    return written[best], objection


def _list_parts(
    name: str, own_window: Span, passage: Passage
) -> Iterator[tuple[Span, bool]]:
    """Yield the parts of all windows in a passage, and the exceptions after ``own_window``, each
    with whether it is the ``name`` part of ``own_window``.
    """
    for exception in rule("exception_behind").find(passage.cut()):
        excepted = locate(passage, exception.first, exception.end)
        if excepted.start > own_window.start:
            yield excepted, False
    for window, parts, length in _list_windows(passage):
        is_own = length.overlaps(own_window)
        # a length without a direction, which has no parts of its own
        if window.comparator is Comparator.EQUAL and not is_own:
            continue
        if parts.of:
            yield locate(passage, *parts.of), is_own and name == "of"
        if parts.anchor:
            yield locate(passage, *parts.anchor), is_own and name == "anchor"
