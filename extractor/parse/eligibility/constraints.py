"""The constraints of a criterion: its limits without the lengths of time that are windows."""

from collections.abc import Iterator, Sequence

from extractor.parse.parsed import Reading, Span, share
from extractor.schemas import Constraint, Support
from extractor.text.book import rule
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.passage import Passage
from extractor.text.times import find_durations

from .limits import Limit
from .windows import is_age, is_lifetime

__all__ = ["MEASURED", "read_constraints"]

_Place = tuple[int, int]
_RATIOS = frozenset({"ULN", "UNL", "normal", "Normal"})
_NEAR = 12


def read_constraints(
    passage: Passage, limits: Sequence[Limit], topic: str = ""
) -> Reading[tuple[Constraint, ...] | None]:
    """The constraints among the limits of a criterion, and how sure it is that these are all and that they are right.

    ``passage`` stands alone (``Passage.alone``), ``topic`` is the heading or lead-in, which may name what the criterion
    limits ("Life expectancy").

    >>> from extractor.text.passage import read_passage
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
        spans.append(Span(passage.section.name, *place.raw_span))
        last = named or last
    return Reading(tuple(constraints), _confidence(tokens, limits, kept), tuple(spans), Support.PARSED)


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


def _confidence(tokens: Tokens, found: Sequence[Limit], limits: Sequence[Limit]) -> float:
    """How sure the list of constraints is: by the numbers that no rule has read, and by guessed comparators."""
    return max(0.5, share(MEASURED[_shape(tokens, limits, list(_unread(tokens, found)))]))


def _shape(tokens: Tokens, limits: Sequence[Limit], unread: Sequence[str]) -> str:
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
