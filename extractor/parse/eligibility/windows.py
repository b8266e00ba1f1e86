"""Lengths of time in a criterion: windows ("within 4 weeks before enrolment"), and ages and the like.

Ages, life expectancy, gestation and intervals of the heart are limits themselves. All other lengths of time say when
something happened, and are windows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.parse.parsed import Reading, Span, share
from extractor.schemas import Comparator, CriterionKind, Support, TimeUnit, TimeWindow
from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens
from extractor.text.passage import Passage
from extractor.text.patterns import Found
from extractor.text.times import Duration, find_durations

from .limits import UPPER, Limit, read_comparator

__all__ = ["MEASURED", "is_age", "is_lifetime", "names_persons", "read_window"]

_WITHIN = frozenset({"within", "in", "during"})
_SPANS = _WITHIN | {"over", "throughout", "beginning"}
_ONWARD = frozenset({"for", "until", "till", "through", "plus", "later", "lasting", "between", "from", "duration"})
_BACK = frozenset({"last", "past", "previous", "preceding", "prior", "former", "next"})
_NO_WINDOW = frozenset({"age", "life", "survival"})


@dataclass(frozen=True, slots=True)
class _Window:
    first: int
    end: int
    comparator: Comparator
    value: int | float
    unit: TimeUnit
    sure: bool


def read_window(passage: Passage, kind: CriterionKind | None = None, topic: str = "") -> Reading[TimeWindow | None]:
    """The first time limit of a criterion, None if it has none.

    ``passage`` stands alone (``Passage.alone``). ``topic`` is the heading or lead-in: a length of time under "Life
    expectancy" is no window.

    >>> from extractor.text.passage import read_passage
    >>> read_window(read_passage("No chemotherapy within 4 weeks before enrolment")).value.quote
    'within 4 weeks before enrolment'
    """
    tokens = passage.tokens
    lengths = {duration.first: duration for duration in find_durations(tokens)}
    windows = rule("window").find(tokens) if lengths else ()
    times = [(front, lengths[at]) for front in windows if (at := (front.part("duration") or (-1,))[0]) in lengths]
    found = _find_first(tokens, times, kind)
    if found and topic and not _NO_WINDOW.isdisjoint(word.lower() for word in read_text(topic).words):
        found = None
    confidence = share(MEASURED[_shape(tokens, found, times)])
    if not found:
        return Reading(None, confidence)
    place = passage.part(found.first, found.end)
    window = TimeWindow(quote=place.raw, comparator=found.comparator, value=found.value, unit=found.unit)
    return Reading(window, confidence, (Span(passage.section.name, *place.raw_span),), Support.PARSED)


MEASURED = {
    "no length of time": (403, 405),
    "only ages and the like": (109, 111),
    "length of time not read": (7, 15),
    "the only length of time": (292, 295),
    "one of several": (45, 47),
    "sense implied": (22, 27),
}
"""How often the window of a criterion was right, of how many, by what its text holds.

Measured on labelled limits; calibration turns it into the share on whole records.
"""


_Time = tuple[Found, Duration]
"""A length of time, and the same with what belongs to it in front of it."""


def _shape(tokens: Tokens, found: _Window | None, times: Sequence[_Time]) -> str:
    if found:
        alone = len([duration for _, duration in times if duration.unit is not TimeUnit.CYCLE]) <= 1
        return ("the only length of time" if alone else "one of several") if found.sure else "sense implied"
    if not times:
        return "no length of time"
    unread = any(_is_window(tokens, duration, duration.first) for _, duration in times)
    return "length of time not read" if unread else "only ages and the like"


def _find_first(tokens: Tokens, times: Sequence[_Time], kind: CriterionKind | None) -> _Window | None:
    windows = [window for front, duration in times if (window := _read(tokens, front, duration))]
    for found in rule("last_unit").find(tokens):
        unit = TimeUnit((found.read("unit") or "").lower())
        windows.append(_Window(found.first, _find_end(tokens, found.end), Comparator.AT_MOST, 1, unit, sure=True))
    return min(windows or _find_washouts(tokens, times, kind), key=lambda window: window.first, default=None)


def _read(tokens: Tokens, front: Found, duration: Duration) -> _Window | None:
    back = _WITHIN & _list_words(front, duration) and _BACK & _list_words(front, duration)  # no age is "in the last"
    if not (back or _is_window(tokens, duration, front.first)) or rule("course_behind").starts(tokens, duration.end):
        return None
    sense = _read_stated(front, tokens, duration) or _read_implied(front, tokens, duration)
    if not sense:
        return None
    comparator, sure, first = sense
    bound = duration.high if comparator in UPPER else duration.low
    unit = duration.unit
    if unit is TimeUnit.MINUTE:  # the smallest unit of a window is the hour
        bound, unit = round(bound / 60, 2), TimeUnit.HOUR
        bound = int(bound) if bound.is_integer() else bound
    return _Window(first, _find_end(tokens, duration.end), comparator, bound, unit, sure)


def _list_words(front: Found, duration: Duration) -> set[str]:
    return {word.lower() for word in front.tokens.words[front.first : duration.first]}


def _is_window(tokens: Tokens, duration: Duration, first: int) -> bool:
    high = duration.high if duration.high > duration.low else None
    limit = Limit(Comparator.EQUAL, duration.low, high, first, duration.end, None, None, duration.unit.value)
    return duration.unit is not TimeUnit.CYCLE and not is_age(tokens, limit) and not is_lifetime(tokens, limit)


_Sense = tuple[Comparator, bool, int]
"""A comparator, whether it is sure, and where the window begins."""


def _read_stated(front: Found, tokens: Tokens, duration: Duration) -> _Sense | None:
    """The sense that a comparator beside the length of time gives."""
    comparator = read_comparator("comparators", front, "comparator")
    lasting = comparator is Comparator.AT_MOST and "up" in _list_words(front, duration)
    if lasting and rule("after_behind").starts(tokens, duration.end):
        return Comparator.AT_LEAST, True, front.first  # "contraception for up to 6 months after the last dose"
    if comparator and comparator not in (Comparator.EQUAL, Comparator.BETWEEN):
        return comparator, True, front.first
    inside = rule("or_more").search(tokens, duration.first, duration.end)
    if inside or rule("or_more").starts(tokens, duration.end):
        return Comparator.AT_LEAST, True, front.first
    if rule("or_less").starts(tokens, duration.end):
        return Comparator.AT_MOST, True, front.first
    return None


def _read_implied(front: Found, tokens: Tokens, duration: Duration) -> _Sense | None:
    """The sense that a preposition, or a word such as "before", gives to a length of time."""
    preposition = (front.read("preposition") or "").lower()
    words = _list_words(front, duration)
    if "least" in words:
        return Comparator.AT_LEAST, True, front.first
    if preposition in _SPANS or not _BACK.isdisjoint(words):
        return Comparator.AT_MOST, preposition in _WITHIN, front.first
    after = rule("after_behind").starts(tokens, duration.end)
    if preposition in _ONWARD or (preposition == "and" and after):
        return Comparator.AT_LEAST, preposition in ("for", "until"), front.first
    if rule("before_behind").starts(tokens, duration.end):
        stops = rule("stopping").ends(tokens, duration.first, duration.first - 16)
        return Comparator.AT_LEAST if stops else Comparator.AT_MOST, False, duration.first
    return (Comparator.AT_LEAST, False, duration.first) if after else None


def _find_washouts(tokens: Tokens, times: Sequence[_Time], kind: CriterionKind | None) -> Iterator[_Window]:
    """A length of time alone behind the name of a treatment is its wash-out ("cetirizine: 3 days")."""
    sense = Comparator.AT_MOST if kind is CriterionKind.EXCLUSION else Comparator.AT_LEAST
    for front, duration in times:
        before, after = tokens.codes[: duration.first], tokens.codes[duration.end :].strip(".;,")
        bracketed = before.endswith(("(", ":", "-")) and (not after or after.startswith(")"))
        repeated = duration.first and tokens.words[duration.first - 1].lower() in ("every", "each")
        alone = bracketed or (not after and len(before) <= 6)
        if alone and not repeated and _is_window(tokens, duration, front.first):
            yield _Window(duration.first, duration.end, sense, duration.high, duration.unit, sure=False)


def _find_end(tokens: Tokens, end: int) -> int:
    found = rule("window_anchor").starts(tokens, end)
    last = found.end if found else end
    return last - (tokens.codes[last - 1] == ")")


_FRONT = 14
"""How many tokens in front of a limit are looked at."""
_ADDED = frozenset(",;:-()")


def is_age(tokens: Tokens, limit: Limit) -> bool:
    """Whether a limit bounds an age.

    >>> from extractor.text.book import read_text
    >>> from .limits import find_limits
    >>> tokens = read_text("Smokers aged 18 to 65 years who smoked for at least 10 years")
    >>> [is_age(tokens, limit) for limit in find_limits(tokens, None)]
    [True, False]
    """
    if (limit.unit and not limit.time_unit) or limit.time_unit in ("hour", "minute"):
        return False
    first, end, floor = limit.first, limit.end, max(0, limit.first - _FRONT)
    if rule("within_front").ends(tokens, first, floor):
        return False
    if rule("old").search(tokens, first, end) or rule("old_behind").starts(tokens, end):
        return True
    related = rule("relation_behind").starts(tokens, end)
    if rule("aged_in_front").ends(tokens, first, floor) or rule("aged_in_front").search(tokens, first, end):
        return limit.value_high is not None or not related
    if limit.time_unit is None or related or rule("course_in_front").ends(tokens, first, floor):
        return False
    alone = _ADDED.issuperset(tokens.codes[:first]) and _ADDED.issuperset(tokens.codes[end:].strip("."))
    in_years = limit.time_unit == "year" and (limit.value_high is not None or alone)
    return in_years or rule("persons_in_front").ends(tokens, first, floor) is not None


def names_persons(tokens: Tokens, limit: Limit) -> bool:
    """Whether the persons who are so old stand in front of a length of time ("infants between 6 and 36 months")."""
    found = rule("persons_in_front").ends(tokens, limit.first, max(0, limit.first - 8))
    return found is not None and "with" not in tokens.words[max(0, limit.first - 3) : limit.first]


def is_lifetime(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Whether a length of time is itself what is limited: life expectancy, gestational age, a QT interval.

    ``topic`` is the heading of a line that begins with the limit.
    """
    first = limit.first
    if rule("within_front").ends(tokens, first, max(0, first - _FRONT)):
        return False
    heading = read_text(topic) if topic and not first else None
    if heading and rule("lifetime_in_front").ends(heading, len(heading)):
        return True
    named = rule("lifetime_in_front").ends(tokens, first, max(0, first - _FRONT))
    return named is not None or rule("pregnant_behind").starts(tokens, limit.end) is not None
