"""Find the time windows of a criterion: lengths of time with their sense, counted from a moment."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from extractor.concepts.limits.bounds import LOWER, UPPER, Limit, read_comparator
from extractor.concepts.people.ages import is_age, is_lifetime
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS, Duration, find_durations, read_number
from extractor.language.patterns import Found
from extractor.schemas import Comparator, CriterionKind, TimeUnit, TimeWindow

_WITHIN = frozenset({"within", "in", "during"})
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
_LENGTH_CONTEXT = 14
"""How many tokens before a length of time are examined."""

Time = tuple[Found, Duration]
"""A length of time with the words before it, and the length alone."""
_PAIRED = frozenset({"and", "or"})
"""Words between two lengths of time that may be one each."""
_RELATED = (_WITHIN | BACK | {"for", "since"}) - {"in"}
_MANY_YEARS = 12
_MOST_HOURS = 500
_SAME_LENGTH = 0.1
"""By which share two lengths may differ that are the same in two units: a month has 28 to 31
days.
"""


class Window(NamedTuple):
    """``tokens.words[first:end]`` is a time window.

    ``aside``: it only explains a word in brackets, or belongs to an exception. ``either``: its
    direction is not stated. ``other_end``: that of a range. ``borrowed``: its direction is that of
    the window beside it. ``washout``: it stands alone.
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
    """Return a window as an entry of ``time_windows``: a range has both of its ends."""
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
    with one bound.

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
    first = next((one for one in windows if one.unit not in NO_UNITS), None)
    if first is None:
        return None
    comparator = (
        Comparator.AT_LEAST
        if first.comparator is Comparator.BETWEEN
        else first.comparator
    )
    return TimeWindow(
        quote=first.quote, comparator=comparator, value=first.value, unit=first.unit
    )


def stands_aside(tokens: Tokens, window: Window) -> bool:
    """Return whether a window is none of the criterion itself: in brackets, in an exception, in
    a definition.
    """
    if window.aside:
        return True
    return tokens.codes[: window.first].count("(") > tokens.codes[: window.first].count(
        ")"
    )


def find_times(tokens: Tokens) -> list[Time]:
    """Return the lengths of time of a criterion, each with the words before it."""
    lengths = {duration.first: duration for duration in find_durations(tokens)}
    fronts = rule("window").find(tokens) if lengths else ()
    return [
        (front, lengths[at])
        for front in fronts
        if (at := front.place("duration")[0]) in lengths
    ]


def find_windows(tokens: Tokens, times: Sequence[Time]) -> Iterator[Window]:
    """Yield the time windows among the lengths of time, and those without a number: "in the last
    year".
    """
    for front, duration in (*times, *_find_half_lives(tokens)):
        words = _list_words(front, duration)
        is_usual = duration.unit not in NO_UNITS
        if is_usual:
            # "in the last" is never said of an age
            back = bool(_WITHIN & words and BACK & words)
            related = back or (
                _is_window(tokens, duration, front.first)
                and not _is_unrelated(front, duration)
            )
            possible = related and not _is_course(tokens, front, duration)
        else:
            counted = "within" in words or rule("before_suffix").starts(
                tokens, duration.end
            )
            possible = duration.unit is TimeUnit.HALF_LIFE or (
                duration.unit is TimeUnit.MINUTE and bool(counted)
            )
        if possible and (sense := _read_sense(front, duration)):
            comparator, sure, either, first = sense
            aside = is_usual and _explains(tokens, first, duration.end)
            exempt = (
                is_usual
                and rule("exception_before").ends(
                    tokens, first, first - _EXCEPTION_REACH
                )
                is not None
            )
            sure = (
                sure and not aside and (duration.low == duration.high or not is_usual)
            )
            bound, other = _bound(duration, comparator)
            aside = aside or exempt  # "unless cured for 5 years"
            window = Window(
                first,
                duration.end,
                comparator,
                bound,
                duration.unit,
                sure,
                aside,
                either,
                other,
            )
            yield from _divide(tokens, window, duration)
    for found in rule("last_unit").find(tokens):
        unit = TimeUnit((found.read("unit") or "").lower())
        yield Window(found.first, found.end, Comparator.AT_MOST, 1, unit, sure=True)


def _divide(tokens: Tokens, window: Window, duration: Duration) -> Iterator[Window]:
    """Yield a window, or two of "3 and 10 days, respectively", which is no range."""
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
    tokens: Tokens, kind: CriterionKind | None, *, wide: bool = False
) -> tuple[Window, ...]:
    """Return all time windows of a criterion in the order of the text, one for each limit.

    Wash-outs count if no others have words of their own in front. ``wide``: they always count, and
    so do the lengths that can only be windows.

    >>> from extractor.language.book import read_text
    >>> found = list_windows(
    ...     read_text("within 28 days (4 weeks) or 5 half-lives before the first dose"),
    ...     None,
    ... )
    >>> [(one.comparator.value, one.value, one.unit.value) for one in found]
    [('<=', 28, 'day'), ('<=', 5, 'half_life')]
    """
    times = find_times(tokens)
    stated = list(find_windows(tokens, times))
    # "steroids: 4 weeks; biologics: 12 weeks before baseline" has two wash-outs, of which one has
    # its moment
    bare = {duration.first for _, duration in times}
    are_alone = all(one.either and one.first in bare for one in stated)
    more = [
        *(find_washouts(tokens, times, kind) if wide or are_alone else ()),
        *(_find_lasted(tokens, times) if wide else ()),
    ]
    ends = {one.end for one in stated}
    stated += [one for one in more if one.end not in ends]
    found = sorted(stated, key=lambda one: one.first)
    known = {one.end for one in found}
    open_lengths = [
        time for time in (*times, *_find_half_lives(tokens)) if time[1].end not in known
    ]
    found = sorted(
        [*found, *_borrow_sense(tokens, open_lengths, found)],
        key=lambda one: (one.first, one.end),
    )
    found = list(_close_ranges(tokens, found))
    return tuple(
        one
        for at, one in enumerate(found)
        if not at or not _is_restated(tokens, found[at - 1], one)
    )


def _close_ranges(tokens: Tokens, windows: Sequence[Window]) -> Iterator[Window]:
    """Yield the windows, of which the later end of a range with two units is an upper limit:
    "between 3 days and 4 weeks".
    """
    last: Window | None = None
    for one in windows:
        start = one.first + (tokens.words[one.first].lower() == "and")
        opens = last is not None and (
            rule("between_opening").search(tokens, last.first, last.end)
            or rule("between_opening").ends(tokens, last.first, last.first - 1)
        )
        ends_range = (
            last is not None
            and opens
            and last.comparator is Comparator.AT_LEAST
            and last.other_end is None
            and tokens.read(last.end, start).lower() in ("and", "to", "-")
        )
        last = one
        if ends_range:
            yield one._replace(
                first=start, comparator=Comparator.AT_MOST, borrowed=False, sure=False
            )
        else:
            yield one


def _find_lasted(tokens: Tokens, times: Sequence[Time]) -> Iterator[Window]:
    """Yield the lengths that something has lasted, which are lower limits: "completed four
    months of treatment".
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
    """Yield the lengths in half-lives, each with the words before it."""
    for front in rule("half_life_window").find(tokens):
        low = read_number(front.read("low") or "")
        high = read_number(front.read("high") or front.read("low") or "")
        if low is not None and high is not None:
            first, end = front.place("duration")
            yield front, Duration(low, high, TimeUnit.HALF_LIFE, first, end)


def _bound(duration: Duration, comparator: Comparator) -> tuple[float, float | None]:
    """Return the end of a length of time that counts, and the other one of a range; one from 0
    has only its end.
    """
    bound = duration.high if comparator in UPPER else duration.low
    other = duration.low if bound == duration.high else duration.high
    return bound, other or None if other != bound else None


def _borrow_sense(
    tokens: Tokens, lengths: Sequence[Time], windows: Sequence[Window]
) -> Iterator[Window]:
    """Yield the lengths without words of their own, in the direction of the window beside them.

    "within 14 days or 5 half-lives", "no relapse for 2 years, or 5 years if steroids were given".
    """
    firsts = [one.first for one in windows]
    for front, duration in lengths:
        is_half_life = duration.unit is TimeUnit.HALF_LIFE
        if not is_half_life and (
            duration.unit in NO_UNITS or not may_be_window(tokens, (front, duration))
        ):
            continue
        if front.has("comparator") and not is_half_life:
            continue
        place = bisect_left(firsts, duration.first)
        last = (
            windows[place - 1]
            if place and windows[place - 1].end <= duration.first
            else None
        )
        following = windows[place] if place < len(windows) else None
        if following and not (is_half_life or following.first <= duration.end + 2):
            following = None  # only "10-20 days or 5 half-lives before"
        if last and rule("window_joint").covers(tokens, last.end, duration.first):
            beside = last
        else:
            beside = None
        if (
            beside is None
            and following
            and rule("window_joint").covers(tokens, duration.end, following.first)
        ):
            beside = following
        if beside:
            bound, other = _bound(duration, beside.comparator)
            like = beside._replace(
                first=duration.first, end=duration.end, value=bound, unit=duration.unit
            )
            yield like._replace(sure=False, other_end=other, borrowed=True)


def _is_restated(tokens: Tokens, last: Window, one: Window) -> bool:
    """Return whether a window only says the one before it in another unit: "4 weeks (28 days)"."""
    if last.unit is one.unit or not {last.unit, one.unit} <= DAYS.keys():
        return False
    days = [each.value * DAYS[each.unit] for each in (last, one)]
    same = abs(days[0] - days[1]) <= _SAME_LENGTH * max(days)
    return (
        same and rule("restates_window").covers(tokens, last.end, one.first) is not None
    )


def _explains(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a window belongs to a definition, or explains a word in brackets."""
    names = ("bracketed_before", "defined_before")
    if any(
        rule(name).ends(tokens, first, first - 2 * _LENGTH_CONTEXT) is not None
        for name in names
    ):
        return True
    return _is_aside(tokens, first, end)


def _is_aside(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a window in brackets dates a test, one member of a list, or other words in the
    brackets.

    That in "recent stroke (within 3 months)" dates the stroke, and so the criterion.
    """
    brackets = (
        (at, tokens.codes[at:first]) for at in range(first) if tokens.codes[at] == "("
    )
    opened = next(
        (at for at, codes in brackets if codes.count("(") > codes.count(")")), -1
    )
    closed = tokens.codes.find(")", end)
    if opened < 0 or closed < 0:
        return False
    alone = first == opened + 1 or rule("bracket_opening").covers(
        tokens, opened + 1, first
    )
    listed = (
        "," in tokens.codes[:opened] or tokens.codes[closed + 1 : closed + 2] == ","
    )
    return (
        not alone
        or listed
        or rule("finding").ends(tokens, opened, opened - 1) is not None
    )


def _is_unrelated(front: Found, duration: Duration) -> bool:
    """Return whether many years have no relation to a moment, as those of an age or a school
    ("women >= 18 years").

    Neither has an hour of the day ("before 2200h"), or the age of a newborn child.
    """
    tokens = front.tokens
    end = duration.end
    if duration.unit is TimeUnit.HOUR:
        return (
            duration.high > _MOST_HOURS or rule("old").starts(tokens, end) is not None
        )
    if rule("schooling").starts(tokens, end):
        return True
    related = _RELATED & _list_words(front, duration) or rule("relation_after").starts(
        tokens, end
    )
    return (
        duration.unit is TimeUnit.YEAR and duration.high >= _MANY_YEARS and not related
    )


def _is_course(tokens: Tokens, front: Found, duration: Duration) -> bool:
    """Return whether it is a rate, or the length of a treatment or trial, which is counted from
    no moment.
    """
    if rule("course_after").starts(tokens, duration.end):
        return True
    # "food and drug at least 2 hours apart" is a schedule
    if rule("apart").starts(tokens, duration.end):
        return (
            rule("events_apart").ends(
                tokens, front.first, front.first - _LENGTH_CONTEXT
            )
            is None
        )
    if "within" in _list_words(front, duration):
        return False
    if rule("of_trial_after").starts(tokens, duration.end):
        return True
    anchored = rule("window_anchor").starts(tokens, duration.end)
    if anchored:
        return False
    reach = front.first - _LENGTH_CONTEXT
    if rule("cycles_lasting").ends(tokens, duration.first, reach):
        return True
    return (
        rule("trial_before").ends(tokens, front.first, front.first - _LENGTH_CONTEXT)
        is not None
    )


def may_be_window(tokens: Tokens, time: Time) -> bool:
    """Return whether a length of time is no age, lifetime or course, so that it may be a window
    that is not read.
    """
    front, duration = time
    return _is_window(tokens, duration, duration.first) and not _is_course(
        tokens, front, duration
    )


def _list_words(front: Found, duration: Duration) -> set[str]:
    return {word.lower() for word in front.tokens.words[front.first : duration.first]}


def _is_window(tokens: Tokens, duration: Duration, first: int) -> bool:
    high = duration.high if duration.high > duration.low else None
    limit = Limit(
        Comparator.EQUAL,
        duration.low,
        high,
        first,
        duration.end,
        time_unit=duration.unit.value,
    )
    # "17 years 11 months"
    if rule("time_unit").ends(tokens, duration.first, duration.first - 2):
        return False
    if duration.unit in NO_UNITS:
        return False
    # "drugs with a half-life of more than 24 hours"
    if rule("half_life_before").ends(tokens, first, first - _OPENING):
        return False
    if is_age(tokens, limit):
        return False
    return not is_lifetime(tokens, limit)


def _read_sense(
    front: Found, duration: Duration
) -> tuple[Comparator, bool, bool, int] | None:
    """The comparator of a length of time, whether it is sure or may be the other one, and the start
    of the window.

    A comparator beside the length decides, else a preposition, else a word such as "before" after
    it.
    """
    tokens = front.tokens
    first = duration.first
    end = duration.end
    words = _list_words(front, duration)
    preposition = (front.read("preposition") or "").lower()
    stated = read_comparator("comparators", front, "comparator")
    start = front.first
    # "not shorter than"
    if stated and rule("negated_front").ends(tokens, start, start - 1):
        stated = stated.opposite or stated
        start = start - 1
    before, after = (
        rule(name).starts(tokens, end) for name in ("before_suffix", "after_suffix")
    )
    lasting = rule("lasting_before").starts(tokens, end)
    more = rule("or_more").search(tokens, first, end) or rule("or_more").starts(
        tokens, end
    )
    onward = preposition in _ONWARD or (preposition == "and" and after)
    # "stable for the 3 months before", "pain over the past 3 months"
    lasts = bool(before) or bool(BACK & words)
    senses = (
        # "contraception for up to 6 months after the last dose"
        (
            stated is Comparator.AT_MOST and "up" in words and after,
            Comparator.AT_LEAST,
            True,
            False,
            front.first,
        ),
        # "stopped no later than 5 days before"
        (
            stated is Comparator.AT_MOST and "later" in words and before,
            Comparator.AT_LEAST,
            True,
            False,
            start,
        ),
        # "within a minimum of 30 days" says both
        (
            stated not in (None, Comparator.EQUAL, Comparator.BETWEEN),
            stated,
            True,
            preposition in _WITHIN and stated in LOWER,
            start,
        ),
        (more, Comparator.AT_LEAST, True, False, front.first),
        # "365 days of enrolment before"
        (
            lasting and not preposition and stated is None,
            Comparator.AT_LEAST,
            False,
            True,
            first,
        ),
        (
            rule("or_less").starts(tokens, end),
            Comparator.AT_MOST,
            True,
            False,
            front.first,
        ),
        ("least" in words, Comparator.AT_LEAST, True, False, front.first),
        (
            preposition in _SPANS or BACK & words,
            Comparator.AT_MOST,
            preposition in _WITHIN,
            preposition not in _WITHIN and lasts,
            front.first,
        ),
        (
            onward,
            Comparator.AT_LEAST,
            preposition in ("for", "until", "since"),
            lasts,
            front.first,
        ),
        (
            before and rule("stopping").ends(tokens, first, first - 16),
            Comparator.AT_LEAST,
            False,
            True,
            first,
        ),
        (before, Comparator.AT_MOST, False, True, first),
        (after, Comparator.AT_LEAST, False, True, first),
    )
    return next((sense for holds, *sense in senses if holds), None)  # type: ignore[return-value]


def find_washouts(
    tokens: Tokens, times: Sequence[Time], kind: CriterionKind | None
) -> Iterator[Window]:
    """Wash-outs: a length of time alone after the name of a treatment ("cetirizine: 3 days"), or
    after that word.
    """
    sense = (
        Comparator.AT_MOST if kind is CriterionKind.EXCLUSION else Comparator.AT_LEAST
    )
    word = rule("washout_word").search(tokens)
    half_lives = {duration.end for _, duration in _find_half_lives(tokens)}
    for front, duration in times:
        repeated = duration.first and tokens.words[duration.first - 1].lower() in (
            "every",
            "each",
            "per",
            "/",
        )
        named = word is not None and word.first < duration.first
        named = named or not half_lives.isdisjoint(
            range(duration.first - _JOINT, duration.first)
        )
        if (
            _stands_alone(tokens, duration, named=named)
            and not repeated
            and not (
                _is_course(tokens, front, duration) or _is_unrelated(front, duration)
            )
            and _is_window(tokens, duration, front.first)
        ):
            yield Window(
                duration.first,
                duration.end,
                sense,
                duration.high,
                duration.unit,
                sure=False,
                either=True,
                washout=True,
            )


def _stands_alone(tokens: Tokens, duration: Duration, *, named: bool) -> bool:
    """Return whether a length of time has no words of its own that say how it counts.

    ``named``: the word for a wash-out stands before it, so that it may be one of a list.
    """
    before = tokens.codes[: duration.first]
    after = tokens.codes[duration.end :].strip(".;,")
    is_whole_line = not after and len(before) <= _FEW_WORDS
    opening = rule("washout_opening").ends(
        tokens, duration.first, duration.first - _OPENING
    )
    closed = not after or rule("washout_end").starts(tokens, duration.end) is not None
    if opening is None:
        return is_whole_line or (named and closed)
    of_list = opening.text[0] in ",;" or opening.text.lower().startswith(("and", "or"))
    if of_list and not named:
        return is_whole_line
    of_what = closed and tokens.words[duration.end : duration.end + 1] == ["for"]
    return is_whole_line or (closed and (named or not of_what))
