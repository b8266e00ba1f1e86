"""Prove the time windows in a model's answer, and the parts of a value. A window is kept if its
quote contains an equal duration with the same direction; a part is kept if its words do not belong
to another value.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.concepts.limits.read import find_limits
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
from extractor.evidence.drafts import Reading, Refusal, Span, Why, span_of
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Comparator, Constraint, Support, TimeWindow
from extractor.schemas.vocabulary import LOWER, UPPER

_Proven = tuple[Supported[object] | None, list[Refusal]]


def find_window(
    value: TimeWindow | str, passage: Passage, topic: str = ""
) -> Supported[TimeWindow] | None:
    """Return a time window with its place if its quote states its duration and direction; None if
    it does not. If ``value`` is only a quote, return the window that the quote states.

    The text determines whether the limit itself is included: "for more than 7 days" supports ">= 7
    days", but the returned value is "> 7 days". If the quote occurs several times, the first place
    with the name of the window is used or, failing that, the first place. ``topic`` is the line
    that introduces the
    passage: a duration below "Life expectancy:" is not a window.
    """
    if isinstance(value, str):
        of = None
    else:
        of = value.of
    first: Supported[TimeWindow] | None = None
    for found, parts in _find_all(value, passage, topic):
        first = first or found
        if not of:
            break
        name = ""
        if parts.of:
            name = cut(passage).read(*parts.of)
        if of.lower() in name.lower():
            return found
    return first


def _find_all(
    value: TimeWindow | str, passage: Passage, topic: str
) -> Iterator[tuple[Supported[TimeWindow], Parts]]:
    """Yield a (window, parts) pair for each place of the quote that states the window."""
    if isinstance(value, str):
        quote = value
    else:
        quote = value.quote
    stated = _list_windows(passage, topic)
    ends = [length.end for _, _, length in stated]
    for span in find_quotes(passage, quote):
        words = passage.section.raw[span.start : span.end]
        for window, parts, length in stated[bisect_right(ends, span.start) :]:
            if not length.overlaps(span):
                break
            if isinstance(value, str):
                if window.sure:
                    quote_support = Support.PARSED
                else:
                    quote_support = Support.INFERRED
                yield Supported(make_window(window, words), span, quote_support), parts
                continue
            support = _compare(window, value)
            if support:
                update: dict[str, object] = {"quote": words}
                if window.sure:
                    update["comparator"] = window.comparator
                proven = value.model_copy(update=update)
                yield Supported(proven, span, support), parts


def _list_windows(
    passage: Passage, topic: str = ""
) -> list[tuple[Window, Parts, Span]]:
    """Return the windows of a passage as (window, parts, span of its duration) tuples."""
    tokens = cut(passage)
    windows = find_windows(tokens, None, topic, wide=True)
    return [
        (window, parts, locate(passage, *window.length))
        for window, parts in zip(windows, find_parts(tokens, windows), strict=True)
    ]


def _compare(window: Window, value: TimeWindow) -> Support | None:
    """Return how a window in the text supports a value; None if it does not. Each bound of the
    value must also be a bound of the window.
    """
    stated = _list_bounds(window.comparator, window.value, window.high)
    if window.is_reversible:
        stated = {"low": window.value, "high": window.value}
    claimed = _list_bounds(value.comparator, value.value, value.value_high)
    for side, number in claimed.items():
        bound = value.model_copy(update={"value": number})
        if side not in stated:
            return None
        if not is_same_length(stated[side], window.unit, bound):
            return None
    is_settled = window.sure or window.high is not None
    is_same = claimed.keys() == stated.keys() and window.unit is value.unit
    if is_settled and is_same:
        return Support.PARSED
    return Support.INFERRED


def _list_bounds(
    comparator: Comparator, low: float, high: float | None
) -> dict[str, float]:
    """Return the shortest and the longest duration that a window allows, with the keys "low" and
    "high".
    """
    bounds = {}
    if comparator not in UPPER:
        bounds["low"] = low
    if comparator not in LOWER:
        bounds["high"] = low if high is None else high
    return bounds


def take_first(answered: Reading[object], here: Passage) -> Reading[object] | None:
    """Return the reading for ``time_window``: the first of the time windows in a model's answer.
    Its value is None if none of the windows is in hours or longer units.

    Windows of the criterion ``here`` take precedence over windows of the line above it, and
    windows in brackets, exceptions and definitions come after the other windows of their line.
    Return None if the text contains an unambiguous window, in hours or longer units, before all
    the windows in the answer, since the model may have missed it.
    """
    windows = find_windows(cut(here), None)

    def rank(index: int) -> tuple[bool, bool, int]:
        span = answered.spans[index]
        later = False
        for window in windows:
            if locate(here, *window.length).overlaps(span):
                later = window.is_aside or window.takes_direction
                break
        return not span_of(here).contains(span), later, span.start

    firsts = [first_window([window]) for window in answered.list_values()]
    possible = [index for index, window in enumerate(firsts) if window]
    if not possible:
        return replace(answered, value=None, spans=(), supports=())
    best = min(possible, key=rank)
    for window in list_possible_firsts(windows):
        span = locate(here, window.first, window.end)
        if not window.sure:
            continue
        if window.is_aside:
            continue
        if span.overlaps(answered.spans[best]):
            continue
        if (False, False, span.start) < rank(best):
            return None
        break
    return replace(
        answered,
        value=firsts[best],
        spans=(answered.spans[best],),
        supports=answered.list_supports()[best : best + 1],
    )


def prove_parts(
    supported: Supported[object],
    places: Sequence[Passage],
    lead_in: Passage | None = None,
) -> _Proven:
    """Return a supported value with only the parts that the text supports, and the refusals of the
    other parts. The parts are the condition of a limit, or the name and the moment of a time
    window.

    A part that is not in the text, or belongs to another time window, is removed. A limit that the
    text states for other people is rejected entirely (None), since without its condition it would
    apply to everybody. A doubtful part is kept, and the value is marked as inferred.

    Args:
        supported: A value that the text states.
        places: The criterion and the line that introduces it, which may contain the parts of a time
            window.
        lead_in: The line that introduces the criterion. A condition in this line applies to all
            the items below the line rather than to a single limit, so it is removed without
            recording a refusal.
    """
    value = supported.value
    if isinstance(value, Constraint) and value.condition:
        return _prove_condition(supported, value, value.condition, places[0], lead_in)
    if not isinstance(value, TimeWindow):
        return supported, []
    refusals = []
    parts: dict[str, str | None] = {}
    for name, quote in (("of", value.of), ("anchor", value.anchor)):
        if quote:
            words, refusal = _prove_part(name, quote, supported.span, places)
            parts[name] = words
            if refusal:
                refusals.append(replace(refusal, part=name, value=quote))
    return replace(supported, value=value.model_copy(update=parts)), refusals


def _prove_part(
    name: str, quote: str, span: Span, places: Sequence[Passage]
) -> tuple[str | None, Refusal | None]:
    """Return a (words, refusal) pair for a window's part. ``words`` is the part as written in the
    text. It is None if the part is rejected, either because the text does not contain it or
    because it belongs to another window or an exception.
    """
    words = {}
    known: list[tuple[Span, bool]] = []
    for place in places:
        known += _list_parts(name, span, place)
        for at in find_quotes(place, quote):
            words[at] = place.section.raw[at.start : at.end]
    if not words:
        return None, Refusal(Why.NOT_STATED)
    own_places = [at for at, is_own in known if is_own]
    other_places = [at for at, is_own in known if not is_own]
    fitting = [at for at in words if _overlaps(at, own_places)]
    fitting = fitting or [at for at in words if not _overlaps(at, other_places)]
    if not fitting:
        return None, Refusal(Why.OTHER_OWNER, next(iter((*own_places, *words))))
    return words[min(fitting, key=lambda place: abs(place.start - span.start))], None


def _list_parts(name: str, span: Span, place: Passage) -> Iterator[tuple[Span, bool]]:
    """Yield the parts of all windows that the rules read, and the exceptions after ``span``, as
    (span, is_own) pairs. ``is_own`` is true for the ``name`` part of the window at ``span``.
    """
    for exception in rule("exception_behind").find(cut(place)):
        excepted = locate(place, exception.first, exception.end)
        if excepted.start > span.start:
            yield excepted, False
    for window, parts, length in _list_windows(place):
        is_own = length.overlaps(span)
        if window.comparator is Comparator.EQUAL and not is_own:
            continue
        if parts.of:
            yield locate(place, *parts.of), is_own and name == "of"
        if parts.anchor:
            yield locate(place, *parts.anchor), is_own and name == "anchor"


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(span.overlaps(other) for other in others)


def _prove_condition(
    supported: Supported[object],
    value: Constraint,
    condition: str,
    here: Passage,
    lead_in: Passage | None,
) -> _Proven:
    """Return the limit and the refusals. The limit keeps its condition if the condition's words
    belong to it, loses the condition if those words are not in the text, and is None if they
    belong to another limit.
    """
    spans = list(find_quotes(here, condition))
    if not spans:
        bare = value.model_copy(update={"condition": None})
        without = replace(supported, value=bare)
        if lead_in and any(find_quotes(lead_in, condition)):
            return without, []
        refusal = Refusal(Why.NOT_STATED, part="condition", value=condition)
        return replace(without, support=Support.INFERRED), [refusal]
    limits = find_limits(cut(here), None)
    own_limits = [
        limit
        for limit in limits
        if value.value in (limit.value, limit.value_high)
        and locate(here, *limit.number).overlaps(supported.span)
    ]
    others = [limit for limit in limits if limit not in own_limits]
    own_conditions = list(_list_conditions(here, own_limits))
    at = min(spans, key=lambda place: abs(place.start - supported.span.start))
    at = next((span for span in spans if _overlaps(span, own_conditions)), at)
    words = here.section.raw[at.start : at.end]
    kept = replace(supported, value=value.model_copy(update={"condition": words}))
    if _overlaps(at, own_conditions):
        return kept, []
    is_of_other = own_conditions or _overlaps(at, _list_conditions(here, others))
    if is_of_other or _is_of_other_clause(here, at, own_limits, others):
        nearest = next(iter(own_conditions), None)
        return None, [Refusal(Why.OTHER_OWNER, nearest, "condition", value=condition)]
    return replace(kept, support=Support.INFERRED), []


def _list_conditions(here: Passage, limits: Sequence[Limit]) -> Iterator[Span]:
    for limit in limits:
        if limit.condition:
            yield locate(here, *limit.condition)


def _is_of_other_clause(
    here: Passage, at: Span, own: Sequence[Limit], others: Sequence[Limit]
) -> bool:
    """Return whether words are in the clause of another limit, or are separated from the limit by a
    clause break.
    """
    cleaned = here.section.cleaned
    tokens = cut(here)
    first = tokens.at(cleaned.clean_position(at.start))
    end = tokens.before(cleaned.clean_position(at.end))
    for limit in own:
        if limit.clause[0] <= first and end <= limit.clause[1]:
            return bool(rule("parts_clause").search(tokens, end, limit.number[0]))
        if first < limit.number[0]:
            return True
    return any(limit.clause[0] <= first < limit.clause[1] for limit in others)
