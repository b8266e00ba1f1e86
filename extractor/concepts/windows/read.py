"""Find the time windows of a criterion: lengths of time with their sense, counted from a moment."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from extractor.concepts.limits.bounds import LOWER, UPPER, read_comparator
from extractor.concepts.people.ages import is_age, is_lifetime
from extractor.concepts.people.subjects import Subject, read_subject
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.numbers import (
    DAYS,
    Duration,
    find_durations,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import Found
from extractor.measures import Limit
from extractor.schemas import Comparator, CriterionKind, TimeUnit, TimeWindow

_WITHIN = frozenset({"within", "in", "during"})
"""Prepositions of an upper limit."""
_SPANS = _WITHIN | {"over", "throughout", "beginning"}
_ONWARD = word_set(
    "for until till through plus later lasting between from duration since x"
)
BACK = frozenset(
    {"coming", "last", "past", "previous", "preceding", "prior", "former", "next"}
)
NO_UNITS = (TimeUnit.CYCLE, TimeUnit.MINUTE, TimeUnit.HALF_LIFE)
"""Units that ``time_window`` does not have."""
_EXCEPTION_REACH = 40
"""How many tokens before a window an exception may begin."""
_FEW_WORDS = 6
"""The most tokens before a length of time that ends a line and needs no sign in front:
"cetirizine 3 days".
"""
_JOINT = 3
"""The most tokens between a length in half-lives and the same in days."""
_OPENING = 6
"""How many tokens before a length of time may open it."""
_STOPPING_REACH = 16
"""How many tokens before a length of time something may be stopped."""
_LENGTH_CONTEXT = 14
"""How many tokens before a length of time are examined."""

Time = tuple[Found, Duration]
"""A length of time: the match of its words with those in front of it, called ``front``, and the
length alone.
"""
_PAIRED = frozenset({"and", "or"})
"""Words between two lengths of time that may be one each."""
_REPEATS = ("every", "each", "per", "/")
"""Words before a length of time after which something is done again."""
_RELATED = (_WITHIN | BACK | {"for", "since"}) - {"in"}
_MANY_YEARS = 12
_MOST_HOURS = 500
_SAME_LENGTH = 0.1
"""By which share two lengths may differ that are the same in two units: a month has 28 to 31
days.
"""


class Window(NamedTuple):
    """A time window: ``tokens.words[first:end]`` say that ``comparator``, ``value`` and ``unit``
    limit how far something is from a moment.

    ``sure``: its own words state the direction, at most or at least. ``either``: the other
    direction is possible too. ``borrowed``: its direction is that of the window beside it.
    ``other_end``: the other end of a range. ``aside``: it is part of a definition, an exception or
    an explanation in brackets. ``washout``: a length alone behind the name of a treatment.
    """

    first: int
    end: int
    comparator: Comparator
    value: int | float
    unit: TimeUnit
    sure: bool
    aside: bool = False
    either: bool = False
    other_end: float | None = None
    borrowed: bool = False
    washout: bool = False


def make_window(window: Window, quote: str) -> TimeWindow:
    """Return a window with its ``quote`` as an entry of ``time_windows``, without what it limits
    and its moment. A range has both of its ends.
    """
    if window.other_end is None:
        return TimeWindow(
            quote=quote,
            comparator=window.comparator,
            value=window.value,
            unit=window.unit,
        )
    low, high = sorted((window.value, window.other_end))
    return TimeWindow(
        quote=quote,
        comparator=Comparator.BETWEEN,
        value=low,
        value_high=high,
        unit=window.unit,
    )


def first_window(windows: Sequence[TimeWindow]) -> TimeWindow | None:
    """Return the first of several time windows as ``time_window`` has it: in hours or longer units,
    and with one bound, of a range the lower one. None if all are in minutes, cycles or half-lives.

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
        if window.unit in NO_UNITS:
            continue
        comparator = window.comparator
        if comparator is Comparator.BETWEEN:
            comparator = Comparator.AT_LEAST
        return TimeWindow(
            quote=window.quote,
            comparator=comparator,
            value=window.value,
            unit=window.unit,
        )
    return None


def list_possible_firsts(windows: Sequence[Window]) -> list[Window]:
    """Return the windows that ``time_window`` can have: none in minutes, cycles or half-lives, and
    none that borrows its direction.
    """
    possible = []
    for window in windows:
        has_usual_unit = window.unit not in NO_UNITS
        if has_usual_unit and not window.borrowed:
            possible.append(window)
    return possible


def stands_aside(tokens: Tokens, window: Window) -> bool:
    """Return whether a window is none of the criterion itself: it is in brackets, in an exception
    or in a definition.
    """
    if window.aside:
        return True
    front = tokens.codes[: window.first]
    return front.count("(") > front.count(")")


def find_times(tokens: Tokens) -> list[Time]:
    """Return the lengths of time of a criterion, each with the words in front of it. Those in
    half-lives are not among them.
    """
    lengths = {duration.first: duration for duration in find_durations(tokens)}
    if not lengths:
        return []
    times = []
    for front in rule("window").find(tokens):
        first = front.place("duration")[0]
        if first in lengths:
            times.append((front, lengths[first]))
    return times


def find_windows(
    tokens: Tokens, times: Sequence[Time], topic: str = ""
) -> Iterator[Window]:
    """Yield the time windows among the lengths of time and the half-lives of a line, then those
    without a number: "in the last year". A length that counts from no moment, or without words that
    say how it counts, is none. ``topic`` is the line above.
    """
    for front, duration in (*times, *_find_half_lives(tokens)):
        # the years of "women >= 18 years" count from no moment
        if not _counts_time(tokens, front, duration, topic):
            continue
        sense = _read_sense(front, duration)
        if sense is None:
            continue
        first = sense.first
        is_usual = duration.unit not in NO_UNITS
        explains = is_usual and _explains(tokens, first, duration.end)
        # "cancer unless cured for 5 years"
        is_exempt = is_usual and _is_exempt(tokens, first)
        is_range = is_usual and duration.low != duration.high
        is_doubtful = explains or is_range
        bound, other = _choose_bound(duration, sense.comparator)
        window = Window(
            first,
            duration.end,
            sense.comparator,
            bound,
            duration.unit,
            sure=sense.sure and not is_doubtful,
            aside=explains or is_exempt,
            either=sense.either,
            other_end=other,
        )
        yield from _split_pair(tokens, window, duration)
    for last_unit in rule("last_unit").find(tokens):
        unit = read_time_unit(last_unit.read("unit") or "")
        if unit:
            yield Window(
                last_unit.first, last_unit.end, Comparator.AT_MOST, 1, unit, sure=True
            )


def _is_exempt(tokens: Tokens, first: int) -> bool:
    """Return whether the window that begins at token ``first`` belongs to an exception that begins
    before it.
    """
    reach = first - _EXCEPTION_REACH
    return rule("exception_before").ends(tokens, first, reach) is not None


def _counts_time(tokens: Tokens, front: Found, duration: Duration, topic: str) -> bool:
    """Return whether a length of time may count from a moment. ``topic`` is the line above.

    Half-lives always do, minutes only with "within" or before "before", cycles never. Other lengths
    do unless they are an age, a lifetime, many years without a relation to a moment, or how long a
    treatment or trial takes.
    """
    words = _list_words(front, duration)
    if duration.unit is TimeUnit.HALF_LIFE:
        return True
    # "within 30 minutes of dosing", but not "rest for 5 minutes"
    if duration.unit is TimeUnit.MINUTE:
        before = rule("before_suffix").starts(tokens, duration.end)
        return "within" in words or before is not None
    if duration.unit in NO_UNITS:
        return False
    # "in the last" is never said of an age
    looks_back = bool(_WITHIN & words) and bool(BACK & words)
    if not looks_back:
        if not _is_window(tokens, duration, front.first, topic):
            return False
        # below "Duration of diabetes:", 20 years are related to its beginning
        is_below_course = read_subject(topic) is Subject.COURSE
        if not is_below_course and _is_unrelated(front, duration):
            return False
    return not _is_course(tokens, front, duration)


def _split_pair(tokens: Tokens, window: Window, duration: Duration) -> Iterator[Window]:
    """Yield a window, or the two windows of "within 3 and 10 days, respectively", which is read as
    a range and is none.
    """
    joint = duration.first + 1
    is_pair = window.other_end is not None and tokens.words[joint].lower() in _PAIRED
    if not is_pair or not rule("each_its_time").starts(tokens, duration.end):
        yield window
        return
    yield window._replace(value=duration.low, other_end=None)
    yield window._replace(
        first=joint + 1, value=duration.high, other_end=None, borrowed=True
    )


@lru_cache(maxsize=64)
def list_windows(
    tokens: Tokens,
    kind: CriterionKind | None,
    *,
    wide: bool = False,
    topic: str = "",
) -> tuple[Window, ...]:
    """Return all time windows of a criterion in the order of the text. A window that only says the
    one before it in another unit is left out: "28 days (4 weeks)".

    ``kind`` is that of the list, and decides the direction of wash-outs ("cetirizine: 3 days").
    These count if no window has words of its own in front. ``wide``: they always count, and so do
    the lengths that something has lasted ("completed four months of treatment"). ``topic`` is the
    line above: "at least 2 years" is a window below "Duration of asthma:", and else an age.

    >>> from extractor.language.book import read_text
    >>> windows = list_windows(
    ...     read_text("within 28 days (4 weeks) or 5 half-lives before the first dose"),
    ...     None,
    ... )
    >>> [
    ...     (window.comparator.value, window.value, window.unit.value)
    ...     for window in windows
    ... ]
    [('<=', 28, 'day'), ('<=', 5, 'half_life')]
    """
    times = find_times(tokens)
    windows = list(find_windows(tokens, times, topic))
    # "steroids: 4 weeks; biologics: 12 weeks before baseline" has two wash-outs, of which one has
    # its moment
    bare_firsts = {duration.first for _, duration in times}
    all_bare = all(window.either and window.first in bare_firsts for window in windows)
    more = list[Window]()
    if wide or all_bare:
        more.extend(find_washouts(tokens, times, kind))
    if wide:
        more.extend(_find_lasted(tokens, times))
    ends = {window.end for window in windows}
    windows.extend(window for window in more if window.end not in ends)
    windows.sort(key=lambda window: window.first)
    ends = {window.end for window in windows}
    open_lengths = list[Time]()
    for time in (*times, *_find_half_lives(tokens)):
        if time[1].end not in ends:
            open_lengths.append(time)
    windows.extend([*_borrow_sense(tokens, open_lengths, windows)])
    windows = _part_ranges(tokens, times, windows)
    windows.sort(key=lambda window: (window.first, window.end))
    closed = list(_close_ranges(tokens, windows))
    distinct = closed[:1]
    for last, window in pairwise(closed):
        if not _is_restated(tokens, last, window):
            distinct.append(window)
    return tuple(distinct)


def _part_ranges(
    tokens: Tokens, times: Sequence[Time], windows: Sequence[Window]
) -> list[Window]:
    """Return the windows, in which a range whose ends have two units is two windows, at least and
    at most: "in the past 6 weeks to 12 months". If no window has either of the ends, the range is
    none: "aged 6 weeks to 12 months".
    """
    parted = list(windows)
    for (_, low), (_, high) in pairwise(times):
        if not _are_ends(tokens, low, high):
            continue
        ends = [
            window
            for window in parted
            if window.first < high.end and low.first < window.end
        ]
        if not ends:
            continue
        parted = [window for window in parted if window not in ends]
        parted += _make_ends(ends[0], low, high)
    return parted


def _make_ends(window: Window, low: Duration, high: Duration) -> tuple[Window, Window]:
    """Return the two windows of a range whose ends have two units, of which ``window`` was read as
    one. Neither is sure.
    """
    unsure = window._replace(
        sure=False, either=False, other_end=None, borrowed=False, washout=False
    )
    at_least = unsure._replace(
        first=min(low.first, window.first),
        end=low.end,
        comparator=Comparator.AT_LEAST,
        value=low.low,
        unit=low.unit,
    )
    at_most = unsure._replace(
        first=high.first,
        end=high.end,
        comparator=Comparator.AT_MOST,
        value=high.high,
        unit=high.unit,
    )
    return at_least, at_most


def _are_ends(tokens: Tokens, low: Duration, high: Duration) -> bool:
    """Return whether two lengths of time are the ends of one range with two units: only "to" or a
    dash stands between, and the second is longer.
    """
    if low.unit not in DAYS or high.unit not in DAYS or low.unit is high.unit:
        return False
    if low.low != low.high or high.low != high.high:
        return False
    upper = rule("upper_end").starts(tokens, low.end)
    if upper is None or upper.place("duration")[0] != high.first:
        return False
    # "infusions every 2 weeks to 3 months"
    if low.first and tokens.words[low.first - 1].lower() in _REPEATS:
        return False
    return low.low * DAYS[low.unit] < high.high * DAYS[high.unit]


def _close_ranges(tokens: Tokens, windows: Sequence[Window]) -> Iterator[Window]:
    """Yield the windows, of which the second end of a range with two units is an upper limit,
    whatever was read: "between 3 days and 4 weeks".
    """
    last: Window | None = None
    for window in windows:
        # "365 days before and 30 days after": the window may begin with the "and"
        start = window.first
        if tokens.words[start].lower() == "and":
            start += 1
        ends_range = last is not None and _is_lower_end(tokens, last, start)
        last = window
        if ends_range:
            yield window._replace(
                first=start, comparator=Comparator.AT_MOST, borrowed=False, sure=False
            )
        else:
            yield window


def _is_lower_end(tokens: Tokens, window: Window, start: int) -> bool:
    """Return whether a window is the lower end of a range whose upper end begins at token
    ``start``: "between" stands in it or directly before it, and only a joint between the two.
    """
    if window.comparator is not Comparator.AT_LEAST or window.other_end is not None:
        return False
    first = window.first
    between = rule("between_opening")
    has_between = between.search(tokens, first, window.end)
    if not has_between and not between.ends(tokens, first, first - 1):
        return False
    return tokens.read(window.end, start).lower() in ("and", "to", "-")


def _find_lasted(tokens: Tokens, times: Sequence[Time]) -> Iterator[Window]:
    """Yield the lengths that something has lasted, as lower limits that are not sure: "completed
    four months of treatment". Cycles and courses are left out.
    """
    for front, duration in times:
        lasted = rule("has_lasted").ends(tokens, duration.first, duration.first - 6)
        is_usual = duration.unit is not TimeUnit.CYCLE
        if lasted and is_usual and not _is_course(tokens, front, duration):
            yield Window(
                duration.first,
                duration.end,
                Comparator.AT_LEAST,
                duration.low,
                duration.unit,
                sure=False,
            )


def _find_half_lives(tokens: Tokens) -> Iterator[Time]:
    """Yield the lengths in half-lives, each with the words in front of it."""
    for front in rule("half_life_window").find(tokens):
        low = read_number(front.read("low") or "")
        high = read_number(front.read("high") or front.read("low") or "")
        if low is not None and high is not None:
            first, end = front.place("duration")
            yield front, Duration(low, high, TimeUnit.HALF_LIFE, first, end)


def _choose_bound(
    duration: Duration, comparator: Comparator
) -> tuple[float, float | None]:
    """Return the end of a length of time that a comparator bounds, the higher one for an upper
    limit, and the other end. The other end is None for a single length, and if it is 0.
    """
    bound = duration.high if comparator in UPPER else duration.low
    other = duration.low if bound == duration.high else duration.high
    if other in (0, bound):
        return bound, None
    return bound, other


def _borrow_sense(
    tokens: Tokens, lengths: Sequence[Time], windows: Sequence[Window]
) -> Iterator[Window]:
    """Yield a window for each of the ``lengths`` that stands beside one of the ``windows``, in that
    one's direction: "within 14 days or 5 half-lives", "no relapse for 2 years, or 5 years if
    steroids were given". A length with a comparator, an age, a lifetime or a course has none.
    """
    for front, duration in lengths:
        if duration.unit is not TimeUnit.HALF_LIFE:
            if duration.unit in NO_UNITS or front.has("comparator"):
                continue
            if not may_be_window(tokens, (front, duration)):
                continue
        beside = _find_beside(tokens, duration, windows)
        if beside is None:
            continue
        bound, other = _choose_bound(duration, beside.comparator)
        yield beside._replace(
            first=duration.first,
            end=duration.end,
            value=bound,
            unit=duration.unit,
            sure=False,
            other_end=other,
            borrowed=True,
        )


def _find_beside(
    tokens: Tokens, duration: Duration, windows: Sequence[Window]
) -> Window | None:
    """Return the window that only a joint such as "or" parts from a length of time: the one before
    it, else the one behind it; None if there is neither. A window behind must be at most two tokens
    away, except from half-lives.
    """
    joint = rule("window_joint")
    next_at = bisect_left(windows, duration.first, key=lambda window: window.first)
    if next_at:
        last = windows[next_at - 1]
        is_before = last.end <= duration.first
        if is_before and joint.covers(tokens, last.end, duration.first):
            return last
    if next_at == len(windows):
        return None
    following = windows[next_at]
    # "10-20 days or 5 half-lives before"
    is_near = following.first <= duration.end + 2
    if not is_near and duration.unit is not TimeUnit.HALF_LIFE:
        return None
    if joint.covers(tokens, duration.end, following.first):
        return following
    return None


def _is_restated(tokens: Tokens, last: Window, window: Window) -> bool:
    """Return whether a window only says ``last``, the one before it, in another unit: "4 weeks (28
    days)". The lengths may differ by a tenth, since a month has 28 to 31 days.
    """
    if last.unit is window.unit:
        return False
    if last.unit not in DAYS or window.unit not in DAYS:
        return False
    last_days = last.value * DAYS[last.unit]
    days = window.value * DAYS[window.unit]
    if abs(last_days - days) > _SAME_LENGTH * max(last_days, days):
        return False
    return rule("restates_window").covers(tokens, last.end, window.first) is not None


def _explains(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the window at the tokens ``first:end`` belongs to a definition, or only
    explains or dates something in brackets.
    """
    reach = first - 2 * _LENGTH_CONTEXT
    for name in ("bracketed_before", "defined_before"):
        if rule(name).ends(tokens, first, reach):
            return True
    return _is_aside(tokens, first, end)


def _is_aside(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the window at the tokens ``first:end`` stands in brackets and dates a test,
    one member of a list, or other words in the brackets.

    In "recent stroke (within 3 months)" it dates the stroke, and so the criterion.
    """
    opened = _find_open_bracket(tokens, first)
    closed = tokens.codes.find(")", end)
    if opened is None or closed < 0:
        return False
    # "positive test (stroke within 3 months)": it dates the words in the brackets
    inside = opened + 1
    if first > inside and not rule("bracket_opening").covers(tokens, inside, first):
        return True
    # "asthma, stroke (within 3 months)": it dates one member of a list
    behind = tokens.codes[closed + 1 : closed + 2]
    if "," in tokens.codes[:opened] or behind == ",":
        return True
    return rule("finding").ends(tokens, opened, opened - 1) is not None


def _find_open_bracket(tokens: Tokens, end: int) -> int | None:
    """Return the token of the innermost bracket that is open before token ``end``; None if none
    is.
    """
    closed = 0
    for at in range(end - 1, -1, -1):
        if tokens.codes[at] == ")":
            closed += 1
        elif tokens.codes[at] == "(":
            if closed == 0:
                return at
            closed -= 1
    return None


class _Sense(NamedTuple):
    """In which direction a length of time counts: at most or at least so far from the moment.

    ``sure``: its own words say so. ``either``: the other direction is possible too. ``first``: the
    token at which the window begins, with the words that give the direction.
    """

    comparator: Comparator
    sure: bool
    either: bool
    first: int


def _is_unrelated(front: Found, duration: Duration) -> bool:
    """Return whether a length of time has no relation to a moment: twelve years or more without a
    word for one ("women >= 18 years"), years of a school, an hour of the day ("before 2200h"), or
    the age of a newborn child in hours.
    """
    tokens = front.tokens
    end = duration.end
    if duration.unit is TimeUnit.HOUR:
        if duration.high > _MOST_HOURS:
            return True
        return rule("old").starts(tokens, end) is not None
    # years of school
    if rule("schooling").starts(tokens, end):
        return True
    if duration.unit is not TimeUnit.YEAR or duration.high < _MANY_YEARS:
        return False
    if not _RELATED.isdisjoint(_list_words(front, duration)):
        return False
    return rule("relation_after").starts(tokens, end) is None


def _is_course(tokens: Tokens, front: Found, duration: Duration) -> bool:
    """Return whether a length of time is counted from no moment: it is a rate, a distance in a
    schedule ("food and drug at least 2 hours apart"), or how long a treatment or a trial takes. A
    length with "within" in front, or with a moment behind, is none of these.
    """
    if rule("course_after").starts(tokens, duration.end):
        return True
    reach = front.first - _LENGTH_CONTEXT
    if rule("apart").starts(tokens, duration.end):
        return rule("events_apart").ends(tokens, front.first, reach) is None
    if "within" in _list_words(front, duration):
        return False
    # "stable dose for 12 weeks of the study"
    if rule("of_trial_after").starts(tokens, duration.end):
        return True
    if rule("window_anchor").starts(tokens, duration.end):
        return False
    if rule("cycles_lasting").ends(tokens, duration.first, reach):
        return True
    return rule("trial_before").ends(tokens, front.first, reach) is not None


def may_be_window(tokens: Tokens, time: Time) -> bool:
    """Return whether a length of time is no age, lifetime or course, so that it may be a window
    that is not read.
    """
    front, duration = time
    if not _is_window(tokens, duration, duration.first):
        return False
    return not _is_course(tokens, front, duration)


def _list_words(front: Found, duration: Duration) -> set[str]:
    """Return the words in front of a length of time that belong to it, in lower case."""
    return {word.lower() for word in front.tokens.words[front.first : duration.first]}


def _is_window(tokens: Tokens, duration: Duration, first: int, topic: str = "") -> bool:
    """Return whether a length of time is no age, no lifetime and no half-life of a drug, is in
    hours or longer units, and is no second part of a length ("17 years 11 months"). ``first`` is
    the token at which it begins, with its comparator. ``topic`` is the line above.
    """
    high = duration.high if duration.high > duration.low else None
    limit = Limit(
        Comparator.EQUAL,
        duration.low,
        high,
        first,
        duration.end,
        time_unit=duration.unit.value,
    )
    if rule("time_unit").ends(tokens, duration.first, duration.first - 2):
        return False
    if duration.unit in NO_UNITS:
        return False
    # "drugs with a half-life of more than 24 hours"
    if rule("half_life_before").ends(tokens, first, first - _OPENING):
        return False
    # a newborn's "age below 72 hours"
    in_hours = duration.unit is TimeUnit.HOUR
    if in_hours and rule("aged_before").ends(tokens, first, first - _OPENING):
        return False
    if is_age(tokens, limit, topic):
        return False
    return not is_lifetime(tokens, limit)


def _read_sense(front: Found, duration: Duration) -> _Sense | None:
    """Return the sense of a length of time; None if no words say how it counts.

    The first of these decides: a comparator in front of the length ("at most"), "or more" or "or
    less" behind it, a preposition or a word such as "past" in front, "before" or "after" behind.
    """
    tokens = front.tokens
    end = duration.end
    stated = read_comparator("comparators", front, "comparator")
    sense = _read_stated_sense(front, duration, stated) if stated else None
    if sense:
        return sense
    # "28 days or more before surgery"
    or_more = rule("or_more")
    if or_more.search(tokens, duration.first, end) or or_more.starts(tokens, end):
        return _Sense(Comparator.AT_LEAST, sure=True, either=False, first=front.first)
    # "365 days of enrolment before"
    is_bare = stated is None and not front.read("preposition")
    if is_bare and rule("lasting_before").starts(tokens, end):
        return _Sense(
            Comparator.AT_LEAST, sure=False, either=True, first=duration.first
        )
    # "28 days or less before surgery"
    if rule("or_less").starts(tokens, end):
        return _Sense(Comparator.AT_MOST, sure=True, either=False, first=front.first)
    if "least" in _list_words(front, duration):
        return _Sense(Comparator.AT_LEAST, sure=True, either=False, first=front.first)
    return _read_preposition(front, duration) or _read_suffix(front, duration)


def _read_stated_sense(
    front: Found, duration: Duration, stated: Comparator
) -> _Sense | None:
    """Return the sense of a length of time with the comparator ``stated`` in front; None if that is
    an equality or a range, which have no direction.

    "Up to 6 months after" and "no later than 5 days before" are lower limits: what they tell goes
    on to the moment that is so far away.
    """
    tokens = front.tokens
    start = front.first
    # "not shorter than"
    if rule("negated_front").ends(tokens, start, start - 1):
        stated = stated.opposite or stated
        start -= 1
    if stated in (Comparator.EQUAL, Comparator.BETWEEN):
        return None
    words = _list_words(front, duration)
    if stated is Comparator.AT_MOST:
        # "contraception for up to 6 months after the last dose"
        if "up" in words and rule("after_suffix").starts(tokens, duration.end):
            return _Sense(
                Comparator.AT_LEAST, sure=True, either=False, first=front.first
            )
        # "stopped no later than 5 days before"
        if "later" in words and rule("before_suffix").starts(tokens, duration.end):
            return _Sense(Comparator.AT_LEAST, sure=True, either=False, first=start)
    # "within a minimum of 30 days" says both
    says_both = _read_word_before(front) in _WITHIN and stated in LOWER
    return _Sense(stated, sure=True, either=says_both, first=start)


def _read_preposition(front: Found, duration: Duration) -> _Sense | None:
    """Return the sense that a preposition or a word such as "past" in front gives a length of time;
    None if it has neither.

    "Within" and "over", and every word that looks back, make it an upper limit; "for", "since" and
    the like a lower one. ``either`` is true if something may have lasted for the whole length:
    "stable for the 3 months before", "pain over the past 3 months".
    """
    tokens = front.tokens
    preposition = _read_word_before(front)
    looks_back = not BACK.isdisjoint(_list_words(front, duration))
    before = rule("before_suffix").starts(tokens, duration.end)
    may_last = looks_back or before is not None
    if preposition in _SPANS or looks_back:
        is_within = preposition in _WITHIN
        return _Sense(
            Comparator.AT_MOST,
            sure=is_within,
            either=may_last and not is_within,
            first=front.first,
        )
    is_onward = preposition in _ONWARD
    # "365 days before and 30 days after surgery"
    if preposition == "and":
        is_onward = rule("after_suffix").starts(tokens, duration.end) is not None
    if not is_onward:
        return None
    return _Sense(
        Comparator.AT_LEAST,
        sure=preposition in ("for", "until", "since"),
        either=may_last,
        first=front.first,
    )


def _read_suffix(front: Found, duration: Duration) -> _Sense | None:
    """Return the sense that "before" or "after" behind a length of time gives it, which is not
    sure; None if neither follows.

    "Aspirin 5 days before surgery" is an upper limit, "stopped aspirin 5 days before surgery" a
    lower one, since what is stopped stays so at least that long. "After" makes a lower limit.
    """
    tokens = front.tokens
    first = duration.first
    if rule("before_suffix").starts(tokens, duration.end):
        stops = rule("stopping").ends(tokens, first, first - _STOPPING_REACH)
        comparator = Comparator.AT_LEAST if stops else Comparator.AT_MOST
        return _Sense(comparator, sure=False, either=True, first=first)
    if rule("after_suffix").starts(tokens, duration.end):
        return _Sense(Comparator.AT_LEAST, sure=False, either=True, first=first)
    return None


def _read_word_before(front: Found) -> str:
    """Return the preposition before a length of time in lower case, empty if there is none."""
    return (front.read("preposition") or "").lower()


def find_washouts(
    tokens: Tokens, times: Sequence[Time], kind: CriterionKind | None
) -> Iterator[Window]:
    """Yield the wash-outs: lengths of time alone behind the name of a treatment ("cetirizine: 3
    days") or behind the word itself ("wash-out of 4 weeks").

    They are lower limits, as the treatment has been stopped so long, and among exclusions upper
    ones. ``kind`` is that of the list. Lengths behind "every" and the like, ages, courses and
    lengths without a relation to a moment are none.
    """
    comparator = Comparator.AT_LEAST
    if kind is CriterionKind.EXCLUSION:
        comparator = Comparator.AT_MOST
    word = rule("washout_word").search(tokens)
    half_lives = {duration.end for _, duration in _find_half_lives(tokens)}
    for front, duration in times:
        first = duration.first
        if first and tokens.words[first - 1].lower() in _REPEATS:
            continue
        # "pubic hair prior to 8 years" is before an age
        if rule("before_an_age").ends(tokens, first, first - 2):
            continue
        behind_word = word is not None and word.first < first
        behind_half_lives = not half_lives.isdisjoint(range(first - _JOINT, first))
        is_named = behind_word or behind_half_lives
        if not _stands_alone(tokens, duration, is_named=is_named):
            continue
        if _is_course(tokens, front, duration) or _is_unrelated(front, duration):
            continue
        if not _is_window(tokens, duration, front.first):
            continue
        yield Window(
            first,
            duration.end,
            comparator,
            duration.high,
            duration.unit,
            sure=False,
            either=True,
            washout=True,
        )


def _stands_alone(tokens: Tokens, duration: Duration, *, is_named: bool) -> bool:
    """Return whether a length of time has no words of its own that say how it counts: it ends a
    short line, or an end of a wash-out follows it and an opening, such as a colon, precedes it.

    ``is_named``: the word "wash-out" or a length in half-lives stands before it, so that it needs
    no opening and may be one of a list.
    """
    first = duration.first
    end = duration.end
    words_follow = bool(tokens.codes[end:].strip(".;,"))
    # "cetirizine 3 days"
    if not words_follow and first <= _FEW_WORDS:
        return True
    if words_follow and rule("washout_end").starts(tokens, end) is None:
        return False
    if is_named:
        return True
    opening = rule("washout_opening").ends(tokens, first, first - _OPENING)
    if opening is None:
        return False
    opening_text = opening.text.lower()
    if opening_text[0] in ",;" or opening_text.startswith(("and", "or")):
        return False
    return tokens.words[end : end + 1] != ["for"]
