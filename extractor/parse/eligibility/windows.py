"""Time limits of a criterion: "within 4 weeks before enrolment"."""

import re
from collections.abc import Iterator, Sequence

from extractor.parse.durations import Duration, find_durations
from extractor.parse.parsed import Reading
from extractor.parse.passage import Passage
from extractor.parse.requirements import Guarded
from extractor.parse.values import value
from extractor.parse.words import find_starts, find_words
from extractor.schemas import Comparator, CriterionKind, Support, TimeUnit, TimeWindow

from .alternatives import any_of, set_of
from .lifetimes import is_age, is_lifetime
from .limit import Limit
from .limit_grammar import COMPARATOR, read_comparator
from .measured import share

__all__ = ["MEASURED", "read_window"]

_SPAN_WORDS = "within in during over throughout beginning"
_ONWARD_WORDS = "for until till through plus later lasting between from duration"
_FILLERS = any_of(
    """
    a an about approximately period of the last past previous preceding prior first next consecutive recent most
    least at
    """
)
_LEFT = re.compile(
    rf"(?P<preposition>\b{any_of(f'{_SPAN_WORDS} {_ONWARD_WORDS} and after of every')}\b\s*)?"
    rf"(?P<comparator>{COMPARATOR}\s*)?(?:\b{_FILLERS}\b\s*)*$",
    re.IGNORECASE,
)
_REACH = 60
"""How many characters in front of a length of time are looked at."""
_BESIDE = 200
"""How many on either side tell whether it stands alone."""
_RELATIONS = any_of(
    """
    before prior_to prior of preceding after post since from following previous_to earlier_than ago to until
    later at apart duration history immediately_prior_to
    """
)
_ENDS_ANCHOR = any_of(
    """
    and or unless if except excluding with without but for while when were was are is will must may that which
    """
)
_ANCHOR = re.compile(
    rf"\s*\)?\s*(?:\b{_RELATIONS}\b(?:\s+(?!{_ENDS_ANCHOR}\b)[^\s,.;:()]+(?:\s\d+)?){{0,9}})?", re.IGNORECASE
)
_BACK = any_of("last past previous preceding prior next")
_BACK_WORDS = set_of("last past previous preceding prior next")
_IMPLIED = Guarded(
    rf"\b(?:within|in|during|over|for)\s+(?:the\s+)?(?:immediate\s+)?{_BACK}\s+(?P<unit>year|month|week|day|hour)\b"
    r"|\b(?:last|past)\s+(?P<bare>year|month|week)\b"
)
_COURSE = re.compile(
    r"\s*(?:per|/|a|each)\s?(?:day|week|month|year)\b|\s*(?:cycles?|course|period\s+of\s+treatment|regimen|infusion|follow)",
    re.IGNORECASE,
)
_OR_MORE = re.compile(r"\s*(?:(?:or|and)\s+(?:more|longer|greater)|minimum)\b", re.IGNORECASE)
_MORE_INSIDE = re.compile(r"\bor\s+(?:more|greater)\b", re.IGNORECASE)
_AT_LEAST = re.compile(r"\bat\s+least\b", re.IGNORECASE)
_STOPS = re.compile(
    r"\b(?:stop\w*|discontinu\w+|withh[eo]ld\w*|abstain\w*|refrain\w*|avoid\w*|suspend\w*|wash-?\s?out|contracepti\w+)\b[^.;]*$",
    re.IGNORECASE,
)
"""Words of giving up: what is stopped a week before stays stopped for at least that week."""

_OR_LESS = re.compile(r"\s*(?:or\s+(?:less|fewer|shorter)|maximum)\b", re.IGNORECASE)
_BEFORE_IT = re.compile(r"\s*(?:\w+\s+)?(?:before|prior|preceding|ago|previous)\b", re.IGNORECASE)
_AFTER_IT = re.compile(r"\s*(?:\w+\s+)?(?:after|following|post|since|from|wash-?out)\b", re.IGNORECASE)
_AND_AFTER = re.compile(r"\s*(?:after|following|post|later|thereafter|from)\b", re.IGNORECASE)
_NO_WINDOW = re.compile(r"\b(?:age|life|survival)\b", re.IGNORECASE)


@value(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    comparator: Comparator
    value: int | float
    unit: TimeUnit
    sure: bool


def read_window(passage: Passage, kind: CriterionKind | None = None, topic: str = "") -> Reading[TimeWindow | None]:
    """The first time limit of a criterion, None if it has none.

    ``topic`` is the heading or lead-in: a length of time under "Life expectancy" is no window.

    >>> from extractor.parse.passage import passage_of
    >>> read_window(passage_of("No chemotherapy within 4 weeks before enrolment")).value.quote
    'within 4 weeks before enrolment'
    """
    text = passage.text
    durations = list(find_durations(text))
    found = None if _NO_WINDOW.search(topic) else _find_first(text, durations, kind)
    confidence = share(MEASURED[_shape(text, found, durations)])
    if not found:
        return Reading(None, confidence)
    window = TimeWindow(
        quote=passage.quote(found.start, found.end), comparator=found.comparator, value=found.value, unit=found.unit
    )
    span = passage.span(found.start, found.end)
    return Reading(window, confidence, (span,), Support.PARSED)


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


def _shape(text: str, found: _Found | None, durations: Sequence[Duration]) -> str:
    if found:
        alone = len([duration for duration in durations if duration.unit is not TimeUnit.CYCLE]) <= 1
        return ("the only length of time" if alone else "one of several") if found.sure else "sense implied"
    if not durations:
        return "no length of time"
    unread = any(_is_window(text, duration, duration.start) for duration in durations)
    return "length of time not read" if unread else "only ages and the like"


def _find_first(text: str, durations: Sequence[Duration], kind: CriterionKind | None) -> _Found | None:
    candidates = [window for duration in durations if (window := _read(text, duration))]
    for found in () if _BACK_WORDS.isdisjoint(find_words(text)) else _IMPLIED.finditer(text):
        unit = TimeUnit((found["unit"] or found["bare"]).lower())
        end = _anchor_end(text, found.end())
        candidates.append(_Found(found.start(), end, Comparator.AT_MOST, 1, unit, sure=True))
    return min(candidates or _washouts(text, durations, kind), key=lambda window: window.start, default=None)


def _read(text: str, duration: Duration) -> _Found | None:
    left = _look_left(text, duration.start)
    if not _is_window(text, duration, left.start()) or _COURSE.match(text, duration.end):
        return None
    sense = _stated(left, text, duration) or _implied(left, text, duration)
    if not sense:
        return None
    comparator, sure, start = sense
    upper = comparator in (Comparator.AT_MOST, Comparator.LESS)
    value = duration.high if upper else duration.low
    unit = duration.unit
    if unit is TimeUnit.MINUTE:  # the smallest unit of a window is the hour
        value, unit = value / 60, TimeUnit.HOUR
        value = int(value) if float(value).is_integer() else round(value, 2)
    return _Found(start, _anchor_end(text, duration.end), comparator, value, unit, sure)


def _look_left(text: str, end: int) -> re.Match[str]:
    """The words in front of a length of time that belong to it, from the first of them on; there may be none."""
    for place in (*find_starts(text, max(0, end - _REACH), end), end):
        if found := _LEFT.match(text, place, end):
            return found
    raise AssertionError("the expression matches the empty string at the end")


def _is_window(text: str, duration: Duration, start: int) -> bool:
    high = duration.high if duration.high > duration.low else None
    limit = Limit(Comparator.EQUAL, duration.low, high, start, duration.end, None, None, duration.unit.value)
    return duration.unit is not TimeUnit.CYCLE and not is_age(text, limit) and not is_lifetime(text, limit)


_Sense = tuple[Comparator, bool, int]


def _stated(left: re.Match[str], text: str, duration: Duration) -> _Sense | None:
    """The comparator that stands beside the length of time, whether that is sure, and where the window begins."""
    comparator = read_comparator(left["comparator"])
    if comparator and comparator not in (Comparator.EQUAL, Comparator.BETWEEN):
        return comparator, True, left.start()
    if _OR_MORE.match(text, duration.end) or _MORE_INSIDE.search(text, duration.start, duration.end):
        return Comparator.AT_LEAST, True, left.start()
    if _OR_LESS.match(text, duration.end):
        return Comparator.AT_MOST, True, left.start()
    return None


def _implied(left: re.Match[str], text: str, duration: Duration) -> _Sense | None:
    """The sense that a preposition, or a word such as "before", gives to a length of time."""
    preposition = (left["preposition"] or "").strip().lower()
    words = text[left.start() : duration.start]
    if _AT_LEAST.search(words):
        return Comparator.AT_LEAST, True, left.start()
    if preposition in _SPAN_WORDS.split() or re.search(rf"\b{_BACK}\b", words, re.IGNORECASE):
        return Comparator.AT_MOST, preposition in ("within", "in", "during"), left.start()
    if preposition in _ONWARD_WORDS.split() or (preposition == "and" and _AND_AFTER.match(text, duration.end)):
        return Comparator.AT_LEAST, preposition in ("for", "until"), left.start()
    if _BEFORE_IT.match(text, duration.end):
        stops = _STOPS.search(text, max(0, duration.start - 90), duration.start)
        return Comparator.AT_LEAST if stops else Comparator.AT_MOST, False, duration.start
    if _AFTER_IT.match(text, duration.end):
        return Comparator.AT_LEAST, False, duration.start
    return None


def _washouts(text: str, durations: Sequence[Duration], kind: CriterionKind | None) -> Iterator[_Found]:
    """A length of time alone behind the name of a treatment is its wash-out ("cetirizine: 3 days")."""
    sense = Comparator.AT_MOST if kind is CriterionKind.EXCLUSION else Comparator.AT_LEAST
    for duration in durations:
        before = text[max(0, duration.start - _BESIDE) : duration.start].rstrip()
        after = text[duration.end : duration.end + _BESIDE].strip(" .;,")
        bracketed = before.endswith(("(", ":", "-")) and (not after or after.startswith(")"))
        alone = bracketed or (not after and len(before.split()) <= 6)
        if alone and not before.lower().endswith(("every", "each")) and _is_window(text, duration, duration.start):
            yield _Found(duration.start, duration.end, sense, duration.high, duration.unit, sure=False)


def _anchor_end(text: str, end: int) -> int:
    found = _ANCHOR.match(text, end)
    return end + len(text[end : found.end() if found else end].rstrip(" )"))
