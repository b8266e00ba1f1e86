"""Name what speaks for or against each limit of a line: how its quantity, its comparator and its
number are stated, and what stands around them.

The names are those of ``evidence/weights/signs.toml``, which says how much each counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.concepts.limits.bounds import Limit
from extractor.concepts.limits.lists import leaves_out
from extractor.concepts.limits.quantity_names import KnownQuantity
from extractor.concepts.people.ages import is_age, is_other_age
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.units import read_unit
from extractor.schemas import Constraint

CUT_LIST = "another quantity in its list"
"""The sign of a limit before whose name another quantity of the same list stands without one."""
_SIGNS = frozenset("<>≤≥=")
_NEAR = 4
"""The most tokens between a quantity and its limit that stand close together."""
_SHORT_NAME = 5
"""The most words of a short name of a quantity."""
_FEW = 4
"""The most limits of a line that are few."""


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit of a line with what was made of it: where its quantity is ``named``, None if another
    line names it; the quantity that is ``known``, if any; whether the limit before it has the same
    name, and where that limit ends.
    """

    limit: Limit
    made: Constraint
    named: Range | None
    known: KnownQuantity | None
    is_shared: bool
    floor: int = 0


def list_signs(
    tokens: Tokens, view: LimitView, count: int, around: Sequence[str]
) -> tuple[str, ...]:
    """Return the signs of one limit.

    ``count`` is how many limits the line has, ``around`` the signs of the line as a whole.
    """
    return (
        *_describe_quantity(tokens, view),
        *_describe_number(tokens, view),
        _describe_count(count),
        *around,
    )


def _describe_quantity(tokens: Tokens, view: LimitView) -> Iterator[str]:
    """Yield what names the quantity, and where that stands."""
    limit = view.limit
    if is_age(tokens, limit):
        is_other = is_other_age(tokens, limit)
        yield "an age of somebody else" if is_other else "an age"
    elif view.known is None:
        yield "no known quantity"
    elif view.known.general:
        yield "only a kind of quantity"
    elif view.known.measured:
        yield "a quantity that needs its unit"
    if len(view.made.quantity.split()) > _SHORT_NAME:
        yield "a long name"
    yield from _describe_place(tokens, view)


def _describe_place(tokens: Tokens, view: LimitView) -> Iterator[str]:
    limit = view.limit
    if view.named is None:
        if not is_age(tokens, limit):
            yield "named in another line, or not at all"
        return
    first, end = view.named
    if rule("names_by_relation").starts(tokens, first, end):
        yield "named by a relation"
    if view.is_shared:
        yield "the quantity of the limit before"
    elif first >= limit.end:
        yield "named behind its number"
    elif limit.first - end > _NEAR:
        yield "far from its name"
    elif "," in tokens.codes[first:end]:
        yield "several things named"
    unit = read_unit(view.made.unit) if view.made.unit else None
    if leaves_out(tokens, view.floor, first, unit):
        yield CUT_LIST


def _describe_number(tokens: Tokens, view: LimitView) -> Iterator[str]:
    """Yield how the comparator, the number and the unit are stated."""
    limit = view.limit
    words = tokens.words[limit.first : limit.end]
    if not limit.settled:
        yield "a number with two readings"
    if not limit.sure:
        yield "a comparator from the kind of list"
    elif limit.value_high is not None:
        yield "a range"
    elif _SIGNS.isdisjoint("".join(words)):
        yield "a comparator in words"
    if limit.rate:
        yield "a unit in two parts"
    if not is_age(tokens, limit):
        yield from _describe_unit(view)


def _describe_unit(view: LimitView) -> Iterator[str]:
    written = view.made.unit
    known = view.known
    if view.limit.time_unit:
        yield "a length of time"
        return
    code = read_unit(written) if written else None
    if not written:
        yield "no unit"
    elif code is None:
        yield "an unknown unit"
    elif "/" in code:
        yield "a unit with a slash"
    if known is None or known.general:
        return
    if not known.fits(code):
        yield "a unit of another quantity"
    elif not known.is_usual(view.made.value, code or known.infer_unit(view.made.value)):
        yield "an unusual value"


def _describe_count(count: int) -> str:
    if count == 1:
        return "the only limit"
    return "one of a few limits" if count <= _FEW else "one of many limits"


def list_around(
    tokens: Tokens, limits: Sequence[Limit], *, has_unread: bool, is_asked: bool
) -> tuple[str, ...]:
    """Return the signs of a line as a whole.

    ``has_unread``: it has numbers that are part of no limit. ``is_asked``: its limits are asked
    for, and do not only say when another holds.
    """
    held = {
        "other numbers in the line": has_unread,
        "a doubtful number in the line": not all(one.settled for one in limits),
        "a guessed comparator in the line": not all(one.sure for one in limits),
        "respectively": "respectively" in tokens.words,
        "only a condition": not is_asked,
        "or": len(limits) > 1 and "or" in tokens.words,
        "if": rule("limit_condition").search(tokens) is not None,
        "a long line": len(tokens) > 60,
    }
    return tuple(name for name, holds in held.items() if holds)
