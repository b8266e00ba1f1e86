"""Read a criterion's time window, and tell it from ages and lifetimes."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.parse.parsed import Reading, span_of
from extractor.parse.scoring import measured
from extractor.schemas import Comparator, CriterionKind, Support, TimeUnit, TimeWindow
from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import Duration, find_durations
from extractor.text.passage import Passage
from extractor.text.patterns import Found

from .limit import UPPER, Limit, read_comparator

_WITHIN = frozenset({"within", "in", "during"})
_SPANS = _WITHIN | {"over", "throughout", "beginning"}
_ONWARD = frozenset({"for", "until", "till", "through", "plus", "later", "lasting", "between", "from", "duration"})
_BACK = frozenset({"coming", "last", "past", "previous", "preceding", "prior", "former", "next"})
_NO_WINDOW = frozenset({"age", "life", "survival"})
_NO_UNITS = (TimeUnit.CYCLE, TimeUnit.MINUTE)
"""Units that a window does not have: a length in minutes is a constraint."""
_FRONT = 14
"""How many tokens before a length of time are examined."""
_AGE_FRONT = 32
"""How many tokens before an age may name it."""
_ADDED = frozenset(",;:-()")

_Time = tuple[Found, Duration]
"""A length of time with the words before it, and the length alone."""


class _Window(NamedTuple):
    first: int
    end: int
    comparator: Comparator
    value: int | float
    unit: TimeUnit
    sure: bool
    defines: bool = False


def read_window(passage: Passage, kind: CriterionKind | None = None, topic: str = "") -> Reading[TimeWindow | None]:
    """The first time window of a criterion; one that defines a word in brackets only if there is no other.

    ``passage`` stands alone (``Passage.alone``). ``topic`` is the heading or parent line: a length of time under
    "Life expectancy" is not a window.

    >>> read_window(read_passage("No chemotherapy within 4 weeks before enrolment")).value.quote
    'within 4 weeks before enrolment'
    """
    tokens = passage.tokens
    lengths = {duration.first: duration for duration in find_durations(tokens)}
    fronts = rule("window").find(tokens) if lengths else ()
    times = [(front, lengths[at]) for front in fronts if (at := front.place("duration")[0]) in lengths]
    windows = list(_find_windows(tokens, times))
    found = min(
        windows or _find_washouts(tokens, times, kind), key=lambda window: (window.defines, window.first), default=None
    )
    if found and topic and not _NO_WINDOW.isdisjoint(word.lower() for word in read_text(topic).words):
        found = None
    confidence = measured("time_window", _shape(tokens, found, times))
    if not found:
        return Reading(None, confidence)
    anchor = rule("window_anchor").starts(tokens, found.end) if windows else None  # nothing follows a wash-out
    end = anchor.end if anchor else found.end
    place = passage.part(found.first, end - (tokens.codes[end - 1] == ")"))
    window = TimeWindow(quote=place.raw, comparator=found.comparator, value=found.value, unit=found.unit)
    return Reading(window, confidence, (span_of(place),), Support.PARSED)


def _shape(tokens: Tokens, found: _Window | None, times: Sequence[_Time]) -> str:
    if found:
        several = sum(duration.unit is not TimeUnit.CYCLE for _, duration in times) > 1
        return ("one of several" if several else "the only length of time") if found.sure else "sense implied"
    if not times:
        return "no length of time"
    unread = any(_is_window(tokens, one, one.first) and not _is_course(tokens, front, one) for front, one in times)
    return "length of time not read" if unread else "only ages and the like"


def _find_windows(tokens: Tokens, times: Sequence[_Time]) -> Iterator[_Window]:
    for front, duration in times:
        words = _list_words(front, duration)
        back = _WITHIN & words and _BACK & words  # "in the last" is never said of an age
        possible = back or (_is_window(tokens, duration, front.first) and not _is_unrelated(front, duration))
        sense = _read_sense(front, duration) if possible else None
        if sense and not _is_course(tokens, front, duration):
            comparator, sure, first = sense
            bracketed = rule("bracketed_before").ends(tokens, first, first - 2 * _FRONT) is not None
            defines = bracketed or _is_aside(tokens, first, duration.end)
            defined = defines or rule("defined_before").ends(tokens, first, first - 2 * _FRONT)
            sure = sure and not defined and duration.low == duration.high
            bound, unit = duration.high if comparator in UPPER else duration.low, duration.unit
            yield _Window(first, duration.end, comparator, bound, unit, sure, defines)
    for found in rule("last_unit").find(tokens):
        unit = TimeUnit((found.read("unit") or "").lower())
        yield _Window(found.first, found.end, Comparator.AT_MOST, 1, unit, sure=True)


def _is_aside(tokens: Tokens, first: int, end: int) -> bool:
    """Whether a window in brackets dates a test, one member of a list, or other words in the brackets.

    That in "recent stroke (within 3 months)" dates the stroke, and so the criterion.
    """
    brackets = (at for at in range(first) if tokens.codes[at] == "(")
    opened = next((at for at in brackets if _is_open(tokens.codes[at:first])), -1)
    closed = tokens.codes.find(")", end)
    if opened < 0 or closed < 0:
        return False
    alone = first == opened + 1 or rule("bracket_opening").covers(tokens, opened + 1, first)
    listed = "," in tokens.codes[:opened] or tokens.codes[closed + 1 : closed + 2] == ","
    return not alone or listed or rule("finding").ends(tokens, opened, opened - 1) is not None


def _is_open(codes: str) -> bool:
    return codes.count("(") > codes.count(")")


def _is_unrelated(front: Found, duration: Duration) -> bool:
    """Whether many years have no relation to a moment, as those of an age or a school ("women >= 18 years").

    Neither has an hour of the day ("before 2200h").
    """
    tokens, end = front.tokens, duration.end
    if duration.unit is TimeUnit.HOUR:
        return duration.high > _MOST_HOURS
    if rule("schooling").starts(tokens, end):
        return True
    related = _RELATED & _list_words(front, duration) or rule("relation_after").starts(tokens, end)
    return duration.unit is TimeUnit.YEAR and duration.high >= _MANY_YEARS and not related


_RELATED = (_WITHIN | _BACK | {"for", "since"}) - {"in"}
_MANY_YEARS, _MOST_HOURS = 12, 500


def _is_course(tokens: Tokens, front: Found, duration: Duration) -> bool:
    """Whether it is a rate, or the length of a treatment or trial, which is counted from no moment."""
    if rule("course_after").starts(tokens, duration.end):
        return True
    if "within" in _list_words(front, duration):
        return False
    if rule("of_trial_after").starts(tokens, duration.end):
        return True
    anchored = rule("window_anchor").starts(tokens, duration.end)
    return not anchored and rule("trial_before").ends(tokens, front.first, front.first - _FRONT) is not None


def _list_words(front: Found, duration: Duration) -> set[str]:
    return {word.lower() for word in front.tokens.words[front.first : duration.first]}


def _is_window(tokens: Tokens, duration: Duration, first: int) -> bool:
    high = duration.high if duration.high > duration.low else None
    limit = Limit(Comparator.EQUAL, duration.low, high, first, duration.end, time_unit=duration.unit.value)
    if rule("time_unit").ends(tokens, duration.first, duration.first - 2):  # "17 years 11 months"
        return False
    return duration.unit not in _NO_UNITS and not is_age(tokens, limit) and not is_lifetime(tokens, limit)


def _read_sense(front: Found, duration: Duration) -> tuple[Comparator, bool, int] | None:
    """The comparator of a length of time, whether it is sure, and the start of the window.

    A comparator beside the length decides, else a preposition, else a word such as "before" after it.
    """
    tokens, first, end = front.tokens, duration.first, duration.end
    words, preposition = _list_words(front, duration), (front.read("preposition") or "").lower()
    stated = read_comparator("comparators", front, "comparator")
    start = front.first
    if stated and rule("negated_front").ends(tokens, start, start - 1):  # "not shorter than"
        stated, start = stated.opposite or stated, start - 1
    before, after = (rule(name).starts(tokens, end) for name in ("before_suffix", "after_suffix"))
    more = rule("or_more").search(tokens, first, end) or rule("or_more").starts(tokens, end)
    onward = preposition in _ONWARD or (preposition == "and" and after)
    senses = (
        # "contraception for up to 6 months after the last dose"
        (stated is Comparator.AT_MOST and "up" in words and after, Comparator.AT_LEAST, True, front.first),
        (stated not in (None, Comparator.EQUAL, Comparator.BETWEEN), stated, True, start),
        (more, Comparator.AT_LEAST, True, front.first),
        (rule("or_less").starts(tokens, end), Comparator.AT_MOST, True, front.first),
        ("least" in words, Comparator.AT_LEAST, True, front.first),
        (preposition in _SPANS or _BACK & words, Comparator.AT_MOST, preposition in _WITHIN, front.first),
        (onward, Comparator.AT_LEAST, preposition in ("for", "until"), front.first),
        (before and rule("stopping").ends(tokens, first, first - 16), Comparator.AT_LEAST, False, first),
        (before, Comparator.AT_MOST, False, first),
        (after, Comparator.AT_LEAST, False, first),
    )
    return next((sense for holds, *sense in senses if holds), None)  # type: ignore[return-value]


def _find_washouts(tokens: Tokens, times: Sequence[_Time], kind: CriterionKind | None) -> Iterator[_Window]:
    """Wash-outs: a length of time alone after the name of a treatment ("cetirizine: 3 days")."""
    sense = Comparator.AT_MOST if kind is CriterionKind.EXCLUSION else Comparator.AT_LEAST
    for front, duration in times:
        before, after = tokens.codes[: duration.first], tokens.codes[duration.end :].strip(".;,")
        bracketed = before.endswith(("(", ":", "-")) and (not after or after.startswith(")"))
        repeated = duration.first and tokens.words[duration.first - 1].lower() in ("every", "each")
        alone = bracketed or (not after and len(before) <= 6)
        if (
            alone
            and not repeated
            and not (_is_course(tokens, front, duration) or _is_unrelated(front, duration))
            and _is_window(tokens, duration, front.first)
        ):
            yield _Window(duration.first, duration.end, sense, duration.high, duration.unit, sure=False)


def is_age(tokens: Tokens, limit: Limit) -> bool:
    """Whether a limit bounds an age.

    >>> from .limits import find_limits
    >>> tokens = read_text("Smokers aged 18 to 65 years who smoked for at least 10 years")
    >>> [is_age(tokens, limit) for limit in find_limits(tokens, None)]
    [True, False]
    """
    first, end, floor = limit.first, limit.end, max(0, limit.first - _FRONT)
    other_unit = (limit.unit and not limit.time_unit) or limit.time_unit in ("hour", "minute")
    if other_unit or rule("within_front").ends(tokens, first, floor):
        return False
    if not limit.time_unit and (within := limit.quantity) and first <= within[0] < end:
        return rule("said_age").search(tokens, *within) is not None  # "18 < age < 65", but not "ECOG 0-1"
    if rule("old").search(tokens, first, end) or rule("old_after").starts(tokens, end):
        return not (rule("old_thing").ends(tokens, first, floor) or rule("thing_after").starts(tokens, end))
    named = rule("aged_before" if limit.time_unit else "bare_aged_before").ends(tokens, first, first - _AGE_FRONT)
    if (named or rule("said_age").search(tokens, first, end)) and (limit.time_unit or not _counts(tokens, limit)):
        return limit.value_high is not None or not rule("relation_after").starts(tokens, end)
    return _is_age_unnamed(tokens, limit, floor)


def _counts(tokens: Tokens, limit: Limit) -> bool:
    named = rule("said_age").ends(tokens, limit.first, limit.first - 1)
    return not named and rule("counted").starts(tokens, limit.end) is not None


def _is_age_unnamed(tokens: Tokens, limit: Limit, floor: int) -> bool:
    """Whether a limit bounds an age although no word for age is near."""
    first, end = limit.first, limit.end
    behind = any(rule(name).starts(tokens, end) for name in ("relation_after", "of_other"))
    before = any(rule(name).ends(tokens, first, floor) for name in ("course_before", "lifetime_before"))
    if limit.time_unit is None or behind or (before and not rule("people_in_before").ends(tokens, first, floor)):
        return False
    start = 1 if tokens.words[0] in ("Are", "Is", "Be") else 0  # below "patients are eligible if they"
    alone = _ADDED.issuperset(tokens.codes[start:first]) and _ADDED.issuperset(tokens.codes[end:].strip("."))
    in_years = limit.time_unit == "year" or rule("months_of_years").search(tokens, first, end)
    if in_years and (limit.value_high is not None or alone):
        return True
    persons = rule("persons_before").ends(tokens, first, floor)
    # "patients with more than 18 years", but not "patients with 2 years of asthma"
    return persons is not None and (tokens.words[first - 1] != "with" or bool(rule("age_end").starts(tokens, end)))


def is_lifetime(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Whether a length of time is itself limited: life expectancy, gestational age, a QT interval.

    ``topic`` is the heading of a line that begins with the limit.
    """
    first, floor = limit.first, max(0, limit.first - _FRONT)
    if limit.quantity and first < limit.quantity[1] <= limit.end:  # "minimum life expectancy of 3 months"
        first = limit.quantity[1]
    if rule("within_front").ends(tokens, first, floor):
        return False
    behind = rule("pregnant_after").starts(tokens, limit.end) or rule("lifetime_after").starts(tokens, limit.end)
    named = rule("lifetime_before").ends(tokens, first, floor) or behind
    if topic and not first and not named:
        heading = read_text(topic)
        named = rule("lifetime_before").ends(heading, len(heading))
    return named is not None
