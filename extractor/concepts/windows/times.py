"""Read the time windows of a line: durations with the words that give them a direction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import zip_longest

from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.ages import is_age, is_lifetime
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens, keep
from extractor.language.numbers import DAYS, Numeric
from extractor.measures.grammar import (
    Chart,
    Expression,
    Maker,
    Parts,
    Production,
    compose,
    find_rules,
    read_productions,
)
from extractor.measures.makers import NumberWithUnit
from extractor.measures.terminals import read_terminals
from extractor.schemas import Comparator, CriterionKind, TimeUnit, TimeWindow
from extractor.schemas.vocabulary import UPPER

# Half of it reads "Able and willing to take part in the study for 2 years" otherwise.
_REACH = 12
"""Number of tokens before a window that are searched for words that indicate the type of a
duration.
"""
# A sixth less reads "Steroids within 12 weeks (3 months) of entry" otherwise.
_ROUNDED = 1.25
"""The greatest ratio of one time in two units, of which one is rounded."""
# Chosen by hand; half of it changes 1 of 120 registry records, but no case.
_ASIDE_REACH = 30
_DAYS_OF_WEEK = 7
_NOT_FIRST = (TimeUnit.MINUTE, TimeUnit.CYCLE, TimeUnit.HALF_LIFE)
"""Units that ``time_window`` does not support."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time window: the tokens ``first:end``, which limit how far an event may be from a moment.

    Args:
        first: The index of its first token.
        end: The index after its last token, including the words of a moment.
        comparator: Whether the distance is at most or at least the duration, or between two
            durations.
        value: The number, or the lower number of a range.
        high: The upper number of a range; None otherwise.
        unit: The unit of time.
        rule: The name of the production that created it.
        length: The tokens of the number and its unit.
        sure: False if its own words do not determine the direction.
        is_reversible: Whether the other direction is possible: "over 5 months".
        has_comparator: Whether its words include a comparator.
        takes_direction: Whether it takes its direction from a neighbouring window.
        is_aside: Whether it is in brackets, a definition or an exception.
    """

    first: int
    end: int
    comparator: Comparator
    value: Numeric
    high: Numeric | None
    unit: TimeUnit
    rule: str
    length: Range
    sure: bool = True
    is_reversible: bool = False
    has_comparator: bool = False
    takes_direction: bool = False
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class _Sense:
    """A duration with its direction. ``comparator`` is None if no word indicates the direction."""

    comparator: Comparator | None
    length: Expression
    sure: bool = True
    has_comparator: bool = False


def _read_sense(parts: Parts, otherwise: Comparator | None = None) -> _Sense | None:
    """Return a duration with the direction of its comparator or, if it has no comparator, with the
    direction ``otherwise``. Return None if it is not a duration, or if its comparator is that of a
    range.
    """
    length = parts["length"]
    if length.value.time is None:
        return None
    sign = parts.get("comparator") or parts.get("suffix")
    # "or better" says nothing about time
    if sign is None or sign.rule.startswith("turned"):
        return _Sense(otherwise, length)
    comparator = Comparator(sign.value)
    if comparator is Comparator.BETWEEN:
        return None
    if "measure_negation" in parts:
        comparator = comparator.opposite or comparator
    return _Sense(comparator, length, has_comparator=True)


def _make_back(parts: Parts) -> _Sense | None:
    """Read a duration that reaches back in time. It is treated as an upper limit, even in "within
    a minimum of 30 days"; only after words other than "within" and "in" can a comparator make it a
    lower limit ("during a minimum of 2 years"). Return None if its comparator is that of a range.
    """
    # "within the past month"
    if "last_unit" in parts:
        return _Sense(Comparator.AT_MOST, parts["last_unit"])
    sense = _read_sense(parts, Comparator.AT_MOST)
    if sense is None or sense.comparator in UPPER or "looks_back" not in parts:
        return sense
    if not parts["looks_back"].value.lower().startswith(_WITHIN):
        return sense
    return replace(sense, comparator=Comparator.AT_MOST, sure=False)


def _make_compared(parts: Parts) -> _Sense | None:
    """Read a duration whose direction is stated only by a comparator; return None if there is no
    comparator, or if it is that of a range.
    """
    sense = _read_sense(parts)
    if sense and sense.comparator:
        return sense
    return None


_MAKERS: Mapping[str, Maker] = {
    "back": _make_back,
    # a duration for which something lasts: at least this long without a comparator
    "lasting": partial(_read_sense, otherwise=Comparator.AT_LEAST),
    "compared": _make_compared,
    # a neighbouring window or the list determines the direction
    "alone": _read_sense,
}
_USED = ("time", "duration", "amount", "last_unit", "comparator", "suffix", "gap")
"""The kinds of measures-grammar spans from which windows are built."""
_LENGTHS = ("duration", "half_lives", "last_unit", "acuity")
"""The rules for numbers with units, one of which each window needs."""
_PRODUCED = ("window",)
_BEFORE_FILLER = (
    "looks_back",
    "lasts_for",
    "until_sign",
    "comparator",
    "gap",
    "range_opening",
)
_WITHIN = ("within", "in")
_PLACED = ("placed_before", "placed_after", "kept_before", "up_to_after")
"""Productions whose last span is part of the moment."""


@cache
def _list_productions() -> tuple[Production, ...]:
    return read_productions("windows", _PRODUCED, _MAKERS)


@keep
def find_windows(
    tokens: Tokens, kind: CriterionKind | None, topic: str = "", *, wide: bool = False
) -> tuple[Window, ...]:
    """Return the time windows in a line in text order.

    A window that only repeats the previous window in another unit is omitted: "28 days (4 weeks)".

    Args:
        tokens: The line.
        kind: The kind of list in which it appears, which determines the direction of durations
            without other words ("cetirizine: 3 days"): at most in an exclusion list, otherwise at
            least.
        topic: The line above. Below a line about age or survival, a duration is not treated as a
            window.
        wide: Whether to include durations without a direction (as equalities) and durations that
            state how long something has lasted.

    >>> from extractor.language.book import read_text
    >>> windows = find_windows(
    ...     read_text("within 28 days (4 weeks) or 5 half-lives before the first dose"),
    ...     None,
    ... )
    >>> [
    ...     (window.comparator.value, window.value, window.unit.value)
    ...     for window in windows
    ... ]
    [('<=', 28, 'day'), ('<=', 5, 'half_life')]
    """
    of_life = _find_life(tokens, topic)
    stated: list[Window] = []
    for span in _list_spans(tokens):
        length = span.value.length
        is_free = of_life.isdisjoint(range(*length.place))
        if is_free and not _is_no_window(tokens, span, length):
            stated.append(_read_window(tokens, span, kind))
    return tuple(_assign_directions(tokens, stated, kind, wide=wide))


def _list_spans(tokens: Tokens) -> list[Expression]:
    """Return the non-overlapping spans with the highest weights that the productions in
    ``windows.toml`` read as windows, from left to right.

    The productions combine spans of the measures grammar, the matches of the rules that they name,
    and the filler words between them ("within approximately 3 weeks").
    """
    # most lines do not contain a duration
    if not any(rule(name).occurs(tokens) for name in _LENGTHS):
        return []
    spans = [span for span in read_terminals(tokens) if span.kind in _USED]
    chart = Chart((*spans, *find_rules(tokens, "windows", _PRODUCED)))
    for at in {span.end for span in chart.all(*_BEFORE_FILLER)}:
        filler = rule("window_filler").starts(tokens, at)
        if filler:
            chart.add(
                Expression("filler", at, filler.end, "window_filler", filler.text)
            )
    compose(chart, _list_productions())
    chosen: list[Expression] = []
    covered: set[int] = set()
    for span in sorted(
        chart.all("window"), key=lambda span: (-span.weight, span.first)
    ):
        place = range(*span.place)
        if covered.isdisjoint(place):
            covered.update(place)
            chosen.append(span)
    return sorted(chosen, key=lambda span: span.first)


def _find_life(tokens: Tokens, topic: str) -> set[int]:
    """Return the tokens of ages and lifetimes, which are not windows."""
    of_life: set[int] = set()
    for limit in find_limits(tokens, None, topic):
        # the age of "ALT <= 3 x ULN for age >= 16 years"
        is_of_condition = limit.qualifies and limit.time_unit
        is_of_life = is_age(tokens, limit, topic) or is_lifetime(tokens, limit, topic)
        if is_of_condition or is_of_life:
            of_life.update(range(*limit.number))
    return of_life


def _is_no_window(tokens: Tokens, span: Expression, length: Expression) -> bool:
    """Return True if a duration is not a window but a number of cycles, the length of a course,
    trial, cycle, lifetime or half-life, an age, or the distance between two things other than
    events.
    """
    # "a minimum of 2 cycles" counts courses of treatment: cycles have different lengths
    if length.value.time is TimeUnit.CYCLE:
        return True
    # "34 weeks and 2 days" is one length
    is_rest = length.value.time is TimeUnit.DAY and length.value.low < _DAYS_OF_WEEK
    if is_rest and rule("weeks_before_days").ends(tokens, length.first):
        return True
    near = max(0, span.first - _REACH)
    for at in {length.end, _end_span(span)}:
        if rule("length_of_other").starts(tokens, at):
            return True
    # "two scans at least 4 weeks apart"
    if rule("apart").starts(tokens, length.end):
        return rule("events_apart").ends(tokens, span.first, near) is None
    before = ["life_or_half_life_before"]
    # newborns have ages in hours: "aged less than 72 hours"
    if length.value.time is TimeUnit.HOUR:
        before.append("aged_before")
    if rule("window_anchor").starts(tokens, length.end) is None:
        before.append("course_or_trial_before")
    places = {length.first, span.first}
    return any(rule(name).ends(tokens, at, near) for name in before for at in places)


def _end_span(span: Expression) -> int:
    """Return the token after a span, without the words of a moment that it contains."""
    if span.rule in _PLACED:
        end: int = span.value.length.end
        return end
    return span.end


def _read_window(
    tokens: Tokens, span: Expression, kind: CriterionKind | None
) -> Window:
    """Return the window of a span in a list of the given kind. The window's direction is uncertain
    if no word indicates it.
    """
    sense: _Sense = span.value
    length = sense.length
    amount: NumberWithUnit = length.value
    assert amount.time is not None
    first = span.first
    end = _end_span(span)
    moment = None
    # the moment behind a closing bracket is not that of the window within
    if tokens.code_at(end) != ")":
        moment = rule("window_anchor").starts(tokens, end)
    # the quote begins before the span: "in the" of "in the 4 weeks before"
    lead = rule("whole_quote").ends(tokens, first, first - 2)
    is_reversible = rule("either_direction").starts(tokens, first) is not None
    near = max(0, first - _ASIDE_REACH)
    in_aside = rule("window_of_aside").ends(tokens, first, near) is not None
    window_first = first
    if lead:
        window_first = lead.first
    if moment:
        end = moment.end
    window = Window(
        window_first,
        end,
        sense.comparator or Comparator.EQUAL,
        amount.low,
        amount.high,
        amount.time,
        span.rule,
        length.place,
        sure=sense.sure and not is_reversible,
        is_reversible=is_reversible,
        has_comparator=sense.has_comparator,
        is_aside=in_aside or _is_in_bracket(tokens, first),
    )
    if amount.high is not None:
        # "within 0 to 48 hours"
        if amount.low == 0:
            return replace(
                window, value=amount.high, high=None, comparator=Comparator.AT_MOST
            )
        return replace(window, comparator=Comparator.BETWEEN, sure=False)
    if span.rule == "lasting" and tokens.words[first].lower() == "from":
        return _bound_lead_time(tokens, window, kind)
    return _adjust_direction(tokens, window)


def _bound_lead_time(
    tokens: Tokens, window: Window, kind: CriterionKind | None
) -> Window:
    """Return a window that begins so long before a moment, "from 48 hours before admission", with
    its comparator settled.

    An inclusion keeps its comparator and is sure: something is kept up for at least that long. An
    exclusion becomes "at most", because it forbids what happens within that time, unless the words
    before the window are about stopping. Otherwise, the comparator is kept and may be reversed.
    """
    # "fasting from 8 hours before the dose"
    if kind is CriterionKind.INCLUSION:
        return replace(window, sure=True, is_reversible=False)
    is_stopped = rule("stopping").ends(tokens, window.first) is not None
    if kind is CriterionKind.EXCLUSION and not is_stopped:
        return replace(window, comparator=Comparator.AT_MOST, is_reversible=True)
    return replace(window, sure=False, is_reversible=True)


def _adjust_direction(tokens: Tokens, window: Window) -> Window:
    """Change the direction of a window if the surrounding words require it; other windows are
    returned unchanged.

    A window becomes an upper limit if it is stated as "no later than" a time after a moment ("no
    later than 3 days after surgery"), or if something is absent for that long before a moment. An
    upper limit becomes a lower limit if "or more" is added ("5 or more days"), if "over" means
    "longer than", or if a treatment has been stopped or unchanged for that long ("stopped 5 days
    before", "stable over 3 months").
    """
    first = window.first
    length_end = window.length[1]
    is_after = rule("after_sign").starts(tokens, length_end) is not None
    if is_after and rule("not_late").ends(tokens, window.length[0], first):
        return replace(window, comparator=Comparator.AT_MOST)
    if is_absence(tokens, window):
        window = replace(window, is_reversible=True)
        # "No steroids for 4 weeks before enrollment" forbids them in these weeks
        if rule("before_sign").starts(tokens, length_end):
            return replace(window, comparator=Comparator.AT_MOST)
    if window.comparator is not Comparator.AT_MOST:
        return window
    if rule("or_more").search(tokens, *window.length):
        return replace(window, comparator=Comparator.AT_LEAST)
    is_over = tokens.words[first].lower() == "over"
    if is_over and rule("longer_than").starts(tokens, length_end):
        return replace(window, comparator=Comparator.MORE)
    is_minimum = None
    # "stopped 5 days before": at least so long ago
    if window.rule == "placed_before":
        is_minimum = rule("stopping").ends(tokens, first) or (
            rule("stopped_behind").starts(tokens, window.end)
        )
    # "stable over 3 months": for at least so long
    elif window.is_reversible:
        is_minimum = rule("stays_before").ends(tokens, first)
    if is_minimum:
        return replace(window, comparator=Comparator.AT_LEAST)
    return window


def is_absence(tokens: Tokens, window: Window) -> bool:
    """Return whether a time without a comparator is how long something is absent: "No steroids for
    4 weeks". Annotators read some of these times as a look-back and others as a minimum.
    """
    if window.rule != "lasting" or window.has_comparator:
        return False
    return rule("absent_before").ends(tokens, window.first) is not None


def _is_in_bracket(tokens: Tokens, end: int) -> bool:
    """Return whether a bracket that opens shortly before a token is still open at the token."""
    near = max(0, end - _ASIDE_REACH + 1)
    return next(tokens.list_open_brackets(near, end), None) is not None


def _assign_directions(
    tokens: Tokens,
    stated: Sequence[Window],
    kind: CriterionKind | None,
    *,
    wide: bool,
) -> Iterator[Window]:
    """Yield the windows whose direction is stated or can be taken from a neighbouring window or the
    kind of list. Windows that repeat the previous window are omitted. With ``wide``,
    durations without a direction are also read, as explained in ``find_windows``.
    """
    # in a line with a worded window ("within 4 weeks"), a lone "28 days" is not read as a wash-out
    has_words = any(window.rule not in ("alone", "placed_before") for window in stated)
    last: Window | None = None
    for window, following in zip_longest(stated, stated[1:]):
        assert window is not None
        if last and _repeats(tokens, last, window):
            continue
        directed: Window | None = window
        if window.rule == "alone":
            directed = _borrow(tokens, window, last, following)
            if directed is None and not has_words:
                directed = _read_washout(tokens, window, kind)
            if directed is None and wide:
                directed = _read_lasted(tokens, window)
        if directed:
            last = _turn_end(tokens, directed, last)
            yield last


def _turn_end(tokens: Tokens, window: Window, last: Window | None) -> Window:
    """Return a window after a moment as an upper limit if it is the far end of a time: "between 30
    days before and 7 days after", "girls from 7 years to 5 years after menarche". Other windows
    are returned unchanged.
    """
    first, end = window.length
    # "until 7 days after surgery"
    if not rule("after_sign").starts(tokens, end):
        return window
    is_end = rule("stay_until").ends(tokens, first, first - _REACH)
    if last and last.comparator is Comparator.AT_MOST:
        is_end = is_end or rule("reaches_forward").covers(tokens, last.length[1], first)
    if is_end:
        return replace(window, comparator=Comparator.AT_MOST)
    return window


def _repeats(tokens: Tokens, last: Window, window: Window) -> bool:
    """Return whether a window repeats the previous window in another unit: "28 days (4 weeks)". In
    "14 days (5 weeks for fluoxetine)" and "28 days or 5 half-lives", both count.
    """
    days, more_days = sorted(
        one.value * DAYS.get(one.unit, 0) for one in (last, window)
    )
    # two times in one unit, or of different lengths, are two windows
    if last.unit is window.unit or more_days > _ROUNDED * days:
        return False
    between = last.length[1], window.first
    return rule("restates_window").covers(tokens, *between) is not None


def _borrow(
    tokens: Tokens, window: Window, last: Window | None, following: Window | None
) -> Window | None:
    """Return a duration with the direction of the previous window ("28 days or 5 half-lives") or
    the next window; None if it is not joined to either, or only to a next window that has no
    direction itself.
    """
    joint = rule("window_joint")
    lender: Window | None = None
    if last and joint.covers(tokens, last.length[1], window.first):
        lender = last
    elif following and joint.covers(tokens, window.length[1], following.first):
        lender = following
    if lender is None:
        return None
    # the next window has no direction of its own either
    if lender is following and lender.rule == "alone":
        return None
    return replace(
        window,
        comparator=lender.comparator,
        sure=False,
        is_reversible=lender.is_reversible,
        takes_direction=True,
    )


def _read_washout(
    tokens: Tokens, window: Window, kind: CriterionKind | None
) -> Window | None:
    """Return, as a window, a duration that directly follows the name of a treatment ("cetirizine: 3
    days"): what an exclusion forbids happens within that time, and an inclusion asks for at least
    that time without it. Return None if the words around the duration do not match, or for a range.
    """
    first = window.first
    end = window.length[1]
    if rule("washout_opening").ends(tokens, first, first - _REACH) is None:
        return None
    # the ends of "cetirizine: 3 days" and "cetirizine (3 days), ..."
    if rule("washout_end").starts(tokens, end) is None or window.high is not None:
        return None
    comparator = Comparator.AT_LEAST
    if kind is CriterionKind.EXCLUSION:
        comparator = Comparator.AT_MOST
    return replace(window, comparator=comparator, sure=False, is_reversible=True)


def _read_lasted(tokens: Tokens, window: Window) -> Window:
    """Return a duration without other words, as a lower limit if it states how long something has
    lasted, and otherwise with its direction left open.
    """
    lasted = rule("has_lasted").ends(tokens, window.length[0], window.first - _REACH)
    if lasted:
        return replace(window, comparator=Comparator.AT_LEAST, sure=False)
    return replace(window, sure=False)


def list_possible_firsts(windows: Sequence[Window]) -> list[Window]:
    """Return the windows that can be stored in ``time_window``: windows that are not in minutes,
    cycles or half-lives. Windows without their own direction are included only if no window has
    its own direction.
    """
    possible = [window for window in windows if window.unit not in _NOT_FIRST]
    return [window for window in possible if not window.takes_direction] or possible


def make_window(window: Window, quote: str) -> TimeWindow:
    """Return a window as an entry of ``time_windows`` with its ``quote``, but without its parts."""
    return TimeWindow(
        quote=quote,
        comparator=window.comparator,
        value=window.value,
        value_high=window.high,
        unit=window.unit,
    )


def first_window(windows: Sequence[TimeWindow]) -> TimeWindow | None:
    """Return the first time window that is in hours or longer units, in the form of
    ``time_window``: with a single bound (for a range, the lower bound). Return None if all windows
    are in minutes, cycles or half-lives.

    >>> window = TimeWindow(
    ...     quote="3-5 days before",
    ...     comparator="between",
    ...     value=3,
    ...     value_high=5,
    ...     unit="day",
    ... )
    >>> first_window([window]).model_dump(mode="json")
    {'quote': '3-5 days before', 'comparator': '>=', 'value': 3, 'unit': 'day'}
    """
    for window in windows:
        # the simple form does not support these units
        if window.unit in _NOT_FIRST:
            continue
        plain: dict[str, object] = {"of": None, "anchor": None, "value_high": None}
        # and it has only one bound
        if window.value_high is not None:
            plain["comparator"] = Comparator.AT_LEAST
        return window.model_copy(update=plain)
    return None
