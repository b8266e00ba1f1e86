"""The constraints of a criterion: its limits without the lengths of time that are windows."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from extractor.parse.durations import find_durations
from extractor.parse.numbers import NUMBER, number_places
from extractor.parse.parsed import Reading, Span
from extractor.parse.passage import Passage
from extractor.parse.requirements import Guarded
from extractor.schemas import Constraint, CriterionKind, Support

from .lifetimes import AGE_WORD, is_age, is_lifetime
from .limit import Limit
from .limits import find_limits
from .measured import share

__all__ = ["MEASURED", "read_constraints"]

_CONSENT = Guarded(r"\b(?:consent|assent)\b")
_SIGNERS = re.compile(
    r"\b(?:for|if|when|where|in\s+case|minors?|consent|assent|guardians?|parents?|representatives?)\b[^.;]{0,70}$",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\b(?:if|unless|when)\s+(?:(?:the|they|patients?|subjects?|child|children|is|are|aged?)\s+){0,3}$", re.IGNORECASE
)
_RATIO = re.compile(r"ULN|UNL|normal")
_QUALIFIER = re.compile(
    r"\b(?:with|without|with\s+known|known|concurrent|no|for|in|if|have|has|presence\s+of|documented)\s+$",
    re.IGNORECASE,
)
_MARKER = re.compile(r"\s(?:of\s+)?([A-Z]+[A-Za-z]*-?\d\w*|[A-Z]{3,})\b")
_WORDS = re.compile(r"\W*(?:[\w/-]+\s?){1,4}")
_NUMBER = re.compile(NUMBER, re.IGNORECASE)
_IN_NAME = re.compile(
    r"[A-Za-z]-?\d|\d(?:st|nd|rd|th)\b|\b(?:day|visit|version|type|phase|part|cohort|v)\s?\d", re.IGNORECASE
)
_OF_PARTS = re.compile(r"\s*(?:\(\d\)\s*)?(?:or\s+more\s+)?(?:of|following)\b", re.IGNORECASE)
"""How many of the parts that follow must hold."""

_Place = tuple[int, int]


def read_constraints(
    passage: Passage, kind: CriterionKind | None, topic: str = ""
) -> Reading[tuple[Constraint, ...] | None]:
    """The constraints of one criterion, and how sure it is that these are all and that they are right.

    ``topic`` is the heading or lead-in, which may name what the criterion limits ("Life expectancy").

    >>> from extractor.parse.passage import passage_of
    >>> found = read_constraints(passage_of("ANC > 1.5 x 10^9/L within 7 days"), None).value
    >>> [(c.quantity, c.comparator.value, c.value, c.unit) for c in found]
    [('ANC', '>', 1500000000, '/L')]
    """
    text = passage.text
    found = find_limits(text, kind)
    limits = [limit for limit in found if _is_constraint(text, limit, topic)]
    constraints: list[Constraint] = []
    spans: list[Span] = []
    last: _Place | None = None
    for limit in limits:
        named = _name(text, limit, last, topic)
        constraints.append(_constraint(passage, limit, named, topic))
        shown = named or (limit.start, limit.end)
        spans.append(passage.span(min(limit.start, shown[0]), max(limit.end, shown[1])))
        last = named or last
    return Reading(tuple(constraints), _confidence(text, found, limits), tuple(spans), Support.PARSED)


def _is_constraint(text: str, limit: Limit, topic: str) -> bool:
    if is_age(text, limit):
        # "... for those under 18, assent": an age that only says who signs, or for whom the rest holds
        signs = _CONSENT.search(text) and _SIGNERS.search(text, max(0, limit.start - 80), limit.start)
        return not signs and not _IF.search(text, max(0, limit.start - 40), limit.start)
    return not limit.time_unit or is_lifetime(text, limit, topic)


def _name(text: str, limit: Limit, last: _Place | None, topic: str) -> _Place | None:
    """Where the quantity of a limit is named; that of the limit before it, if it has none of its own."""
    if limit.time_unit and is_age(text, limit):
        named = list(AGE_WORD.finditer(text, max(0, limit.start - 60), min(len(text), limit.end + 10)))
        return named[-1].span() if named else None
    own = limit.quantity
    if last and own and _qualifies(text, limit, own):
        own = last
    quantity = _marker_behind(text, limit) or own or last
    if quantity or topic or is_age(text, limit):
        return quantity
    words = _WORDS.match(text, limit.end)
    return words.span() if words else None


def _qualifies(text: str, limit: Limit, quantity: _Place) -> bool:
    """Whether the words in front of a further limit only say for whom it holds ("<= 5 x ULN with liver metastases")."""
    ratio = limit.unit is not None and _RATIO.search(text, *limit.unit)
    return bool(ratio and _QUALIFIER.search(text, max(0, quantity[0] - 16), quantity[0]))


def _marker_behind(text: str, limit: Limit) -> _Place | None:
    """The marker of which a share is named in front (">95% CD19")."""
    if not limit.unit or text[slice(*limit.unit)] != "%":
        return None
    found = _MARKER.match(text, limit.end)
    return found.span(1) if found else None


def _constraint(passage: Passage, limit: Limit, named: _Place | None, topic: str) -> Constraint:
    quantity = " ".join(passage.quote(*named).split()).strip(" ,;:") if named else topic.strip(" :.")
    unit = " ".join(passage.quote(*limit.unit).split()) if limit.unit else None
    if unit and limit.rate:
        rate = passage.quote(*limit.rate)
        unit += rate if rate.startswith("/") else f" {rate}"
    return Constraint(
        quantity=quantity or ("age" if limit.time_unit else passage.quote(limit.start, limit.end)),
        comparator=limit.comparator,
        value=limit.value,
        value_high=limit.value_high,
        unit=limit.time_unit or unit,
    )


MEASURED = {
    "no limit": (326, 332),
    "one limit": (256, 262),
    "one limit, unit with a slash": (47, 51),
    "several limits": (67, 76),
    "other digits, no limit": (83, 93),
    "other number words, no limit": (8, 17),
    "other numbers beside limits": (44, 61),
    "comparator guessed": (4, 8),
}
"""How often all bounds of a criterion were right, of how many, by what its text holds besides lengths of time.

Measured on labelled limits; calibration turns it into the share on whole records.
"""


def _confidence(text: str, found: Sequence[Limit], limits: Sequence[Limit]) -> float:
    """How sure the list of constraints is: by the numbers that no rule has read, and by guessed comparators."""
    return max(0.5, share(MEASURED[_shape(text, limits, list(_unread(text, found)))]))


def _shape(text: str, limits: Sequence[Limit], unread: Sequence[str]) -> str:
    if not all(limit.sure for limit in limits):
        return "comparator guessed"
    if unread:
        digits = any(number[0].isdigit() for number in unread)
        return "other numbers beside limits" if limits else f"other {'digits' if digits else 'number words'}, no limit"
    if len(limits) == 1:
        unit = limits[0].unit
        return "one limit, unit with a slash" if unit and "/" in text[slice(*unit)] else "one limit"
    return "several limits" if limits else "no limit"


def _unread(text: str, found: Sequence[Limit]) -> Iterator[str]:
    """The numbers that are in no limit, no name and no length of time."""
    places = number_places(text)
    if not places:
        return
    starts = [limit.start for limit in found]
    furthest = list(accumulate((limit.end for limit in found), max, initial=0))
    times = [(duration.start, duration.end) for duration in find_durations(text)]
    done = 0
    for place in places:
        if place < done or furthest[bisect_right(starts, place)] > place:
            continue
        if any(start <= place < end for start, end in times) or not (number := _NUMBER.match(text, place)):
            continue
        done = number.end()
        named = _IN_NAME.search(text, max(0, place - 8), done + 2)
        if not named and not _OF_PARTS.match(text, done):
            yield number[0]
