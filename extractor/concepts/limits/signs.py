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
_LONG_LINE = 60
"""A long line has more tokens."""


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit of a line with what was made of it.

    ``made`` is its constraint. ``named`` are the tokens that name its quantity, None if no words of
    the line do. ``known`` is the quantity of the vocabulary that they name. ``is_shared``: the
    limit before it has the same name. ``floor``: the token at which that limit ends.
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
    """Return the signs of one limit: of its quantity, of its number, of the count of limits in its
    line, and then those ``around`` it, of the line as a whole.

    ``count`` is how many limits the line has.
    """
    if count == 1:
        counted = "the only limit"
    elif count <= _FEW:
        counted = "one of a few limits"
    else:
        counted = "one of many limits"
    return (
        *_describe_quantity(tokens, view),
        *_describe_number(tokens, view),
        counted,
        *around,
    )


def _describe_quantity(tokens: Tokens, view: LimitView) -> Iterator[str]:
    """Yield the signs of the quantity: whose age it is, or how well it is known; whether its name
    is long; and where the name stands. An age needs no known quantity.
    """
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
    """Yield the signs of the place of a quantity's name: in another line, far from the limit,
    behind it, shared with another limit, or at the end of a list. The name of an age may be missing
    without a sign.
    """
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
    """Yield the signs of how the number, the comparator and the unit are stated. The unit of an age
    has none.
    """
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
    """Yield the signs of how the unit is written, and, for a known quantity, of a unit or a value
    that it does not have. A length of time has one sign only.
    """
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
        return
    value = view.made.value
    if not known.is_usual(value, code or known.infer_unit(value)):
        yield "an unusual value"


def list_around(
    tokens: Tokens, limits: Sequence[Limit], *, has_unread: bool, is_asked: bool
) -> tuple[str, ...]:
    """Return the signs of a line as a whole, which all its limits have.

    ``has_unread``: it has numbers that are part of no limit. ``is_asked``: its limits are asked
    for, and do not only say when another holds.
    """
    signs = []
    if has_unread:
        signs.append("other numbers in the line")
    if not all(limit.settled for limit in limits):
        signs.append("a doubtful number in the line")
    if not all(limit.sure for limit in limits):
        signs.append("a guessed comparator in the line")
    if "respectively" in tokens.words:
        signs.append("respectively")
    if not is_asked:
        signs.append("only a condition")
    if len(limits) > 1 and "or" in tokens.words:
        signs.append("or")
    if rule("limit_condition").search(tokens):
        signs.append("if")
    if len(tokens) > _LONG_LINE:
        signs.append("a long line")
    return tuple(signs)
