"""The constraints of a criterion: its limits without the lengths of time that are windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.parse.parsed import Reading, Span, span_of
from extractor.parse.scoring import measured
from extractor.schemas import Comparator, Constraint, CriterionKind, Support, TimeUnit, TimeWindow
from extractor.text.book import read_text, rule
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.numbers import Duration, find_durations
from extractor.text.passage import Passage
from extractor.text.patterns import Found

from .limits import UPPER, Limit, read_comparator

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

    ``passage`` stands alone (``Passage.alone``). ``topic`` is the heading or parent line: a length of time under "Life
    expectancy" is no window.

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
    confidence = measured("time_window", _shape(tokens, found, times))
    if not found:
        return Reading(None, confidence)
    place = passage.part(found.first, found.end)
    window = TimeWindow(quote=place.raw, comparator=found.comparator, value=found.value, unit=found.unit)
    return Reading(window, confidence, (span_of(place),), Support.PARSED)


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


_Place = tuple[int, int]
_RATIOS = frozenset({"ULN", "UNL", "normal", "Normal"})
_NEAR = 12


def read_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str = ""
) -> Reading[tuple[Constraint, ...] | None]:
    """The constraints among the limits of a criterion, and how sure it is that these are all and that they are right.

    ``passage`` stands alone (``Passage.alone``), ``topic`` is its heading or parent line, which may name what it
    limits ("Life expectancy").

    >>> from .limits import find_limits
    >>> passage = read_passage("ANC > 1.5 x 10^9/L within 7 days")
    >>> found = read_constraints(passage, find_limits(passage.tokens, None)).value
    >>> [(c.quantity, c.comparator.value, c.value, c.unit) for c in found]
    [('ANC', '>', 1500000000, '/L')]
    """
    tokens = passage.tokens
    kept = [limit for limit in limits if _is_constraint(tokens, limit, topic)]
    constraints: list[Constraint] = []
    spans: list[Span] = []
    last: _Place | None = None
    for limit in kept:
        named = _name(tokens, limit, last, topic)
        constraints.append(_constraint(passage, limit, named, topic))
        shown = named or (limit.first, limit.end)
        place = passage.part(min(limit.first, shown[0]), max(limit.end, shown[1]))
        spans.append(span_of(place))
        last = named or last
    sure = measured("constraints", _shape_constraints(tokens, kept, list(_unread(tokens, limits))))
    return Reading(tuple(constraints), max(0.5, sure), tuple(spans), Support.PARSED)


def _is_constraint(tokens: Tokens, limit: Limit, topic: str) -> bool:
    if is_age(tokens, limit):
        # "... for those under 18, assent": an age that only says who signs, or for whom the rest holds
        consents = any(word.lower() in ("consent", "assent") for word in tokens.words)
        signs = consents and rule("signer").ends(tokens, limit.first, limit.first - _NEAR)
        return not signs and not rule("condition_in_front").ends(tokens, limit.first, limit.first - 6)
    return not limit.time_unit or is_lifetime(tokens, limit, topic)


def _name(tokens: Tokens, limit: Limit, last: _Place | None, topic: str) -> _Place | None:
    """Where the quantity of a limit is named; that of the limit before it, if it has none of its own."""
    aged = is_age(tokens, limit)
    if limit.time_unit and aged:
        near = range(max(0, limit.first - _NEAR), min(len(tokens), limit.end + 2))
        named = [at for at in near if tokens.words[at].lower() in ("age", "ages", "aged")]
        return (named[-1], named[-1] + 1) if named else None
    own = limit.quantity
    if last and own and _qualifies(tokens, limit, own):
        own = last
    quantity = _marker_behind(tokens, limit) or own or last
    if quantity or topic or aged:
        return quantity
    words = min(len(tokens), limit.end + 4)
    return (limit.end, words) if words > limit.end else None


def _qualifies(tokens: Tokens, limit: Limit, quantity: _Place) -> bool:
    """Whether the words in front of a further limit only say for whom it holds ("<= 5 x ULN with liver metastases")."""
    ratio = limit.unit and not _RATIOS.isdisjoint(tokens.words[slice(*limit.unit)])
    return bool(ratio and rule("qualifier").ends(tokens, quantity[0], max(0, quantity[0] - 3)))


def _marker_behind(tokens: Tokens, limit: Limit) -> _Place | None:
    """The marker of which a share is named in front (">95% CD19")."""
    if not limit.unit or tokens.read(*limit.unit) != "%":
        return None
    first = limit.end + (tokens.words[limit.end : limit.end + 1] == ["of"])
    word = tokens.words[first] if first < len(tokens) else ""
    numbered = first + 1 < len(tokens) and tokens.joined(first + 1) and tokens.words[first + 1][0].isdigit()
    if word[:1].isupper() and (numbered or (word.isupper() and len(word) > 2)):
        return first, first + 1 + numbered
    return None


def _constraint(passage: Passage, limit: Limit, named: _Place | None, topic: str) -> Constraint:
    quantity = _quote(passage, named).strip(" ,;:") if named else topic.strip(" :.")
    unit = _quote(passage, limit.unit) if limit.unit else None
    if unit and limit.rate:
        rate = _quote(passage, limit.rate)
        unit += rate if rate.startswith("/") else f" {rate}"
    return Constraint(
        quantity=quantity or ("age" if limit.time_unit else _quote(passage, (limit.first, limit.end))),
        comparator=limit.comparator,
        value=limit.value,
        value_high=limit.value_high,
        unit=limit.time_unit or unit,
    )


def _quote(passage: Passage, place: _Place) -> str:
    return " ".join(passage.part(*place).raw.split())


def _shape_constraints(tokens: Tokens, limits: Sequence[Limit], unread: Sequence[str]) -> str:
    if not all(limit.sure for limit in limits):
        return "comparator guessed"
    if unread:
        digits = any(number[0].isdigit() for number in unread)
        return "other numbers beside limits" if limits else f"other {'digits' if digits else 'number words'}, no limit"
    if len(limits) == 1:
        unit = limits[0].unit
        return "one limit, unit with a slash" if unit and "/" in tokens.codes[slice(*unit)] else "one limit"
    return "several limits" if limits else "no limit"


def _unread(tokens: Tokens, found: Sequence[Limit]) -> Iterator[str]:
    """The numbers that are in no limit, no name and no length of time."""
    if NUMBER not in tokens.codes:
        return
    places = [(limit.first, limit.end) for limit in found]
    places += [(duration.first, duration.end) for duration in find_durations(tokens)]
    places += [(each.first, each.end) for each in rule("part_of_name").find(tokens)]
    read = {at for first, end in places for at in range(first, end)}
    yield from (tokens.words[at] for at, code in enumerate(tokens.codes) if code == NUMBER and at not in read)
