"""Which codes every match of a rule contains, so that a rule is compiled and asked only where a
text has them.

>>> shapes = ShapeReader()
>>> for codes in ("a", "bc"):
...     shapes.add(Shape.of(codes))
>>> shapes.read("?")
>>> shape = shapes.close()
>>> sorted(shape.firsts), sorted(shape.lasts), [*map(sorted, shape.needs)]
(['a'], ['a', 'b', 'c'], [['a']])
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

Codes = frozenset[str] | None
"""A set of codes; None if any code is possible."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_COMMON_SIGN = 40
"""The weight of a sign or a number, beside 1 for a word: most lines contain them."""
_MOST_NEEDS = 3
"""Number of sets of codes that a text is compared with before a rule is asked; a fourth would skip
hardly any further rule.
"""


@dataclass(eq=False, slots=True)
class Shape:
    """The codes of an expression over tokens.

    Args:
        firsts: The codes with which a match can begin.
        lasts: The codes with which a match can end.
        needs: Sets of codes, the rarest first: every match contains a code of each.
        can_be_empty: Whether the expression matches no token.
    """

    firsts: Codes
    lasts: Codes
    needs: Sequence[frozenset[str]]
    can_be_empty: bool

    @classmethod
    @cache
    def of(cls, codes: str) -> "Shape":
        """Return the shape of one token with any of these codes."""
        listed = frozenset(codes)
        return cls(listed, listed, (listed,), can_be_empty=False)


ANY_TOKEN = Shape(None, None, (), can_be_empty=False)
_NO_TOKEN = Shape(frozenset(), frozenset(), (), can_be_empty=True)


class ShapeReader:
    """Reads the shape of a pattern from its parts, in order."""

    def __init__(self) -> None:
        self._openings: list[str] = [""]
        self._sequences: list[list[Shape]] = [[]]
        self._choices: list[list[Shape]] = [[]]

    @property
    def is_open(self) -> bool:
        """Whether a bracket is not closed yet."""
        return len(self._openings) > 1

    def add(self, shape: Shape) -> None:
        """Add the shape of a token or of another rule."""
        self._sequences[-1].append(shape)

    def read(self, syntax: str) -> None:
        """Add a bracket, a bar, an anchor, or a number of repetitions."""
        if syntax.startswith("("):
            self._openings.append(syntax)
            self._sequences.append([])
            self._choices.append([])
        elif syntax == ")":
            self.add(self.close())
        elif syntax == "|":
            self._end_choice()
        # what may be missing; anchors and other repetitions change nothing
        elif syntax[0] in "?*" or syntax.startswith(("{0", "{,")):
            repeated = self._sequences[-1].pop()
            self.add(Shape(repeated.firsts, repeated.lasts, (), can_be_empty=True))

    def close(self) -> Shape:
        """Return the shape of the group that was opened last."""
        self._end_choice()
        self._sequences.pop()
        shape = _choose(self._choices.pop())
        opening = self._openings.pop()
        if opening in {"", "("}:
            return shape
        if opening == "(?=":
            return Shape(frozenset(), frozenset(), shape.needs, can_be_empty=True)
        return _NO_TOKEN

    def _end_choice(self) -> None:
        self._choices[-1].append(_join(self._sequences[-1]))
        self._sequences[-1] = []


def _join(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a sequence."""
    if len(shapes) == 1:
        return shapes[0]
    # a match needs a code of each of these sets; only the rarest sets are kept
    needs: list[frozenset[str]] = []
    for shape in shapes:
        needs += shape.needs
    needs.sort(key=_weigh)
    return Shape(
        _unite(shape.firsts for shape in _list_openings(shapes)),
        _unite(shape.lasts for shape in _list_openings(shapes[::-1])),
        needs[:_MOST_NEEDS],
        all(shape.can_be_empty for shape in shapes),
    )


def _list_openings(shapes: Sequence[Shape]) -> Iterable[Shape]:
    """Yield the shapes with which a sequence can begin."""
    for shape in shapes:
        yield shape
        if not shape.can_be_empty:
            return


def _choose(shapes: Sequence[Shape]) -> Shape:
    """Return the shape of alternatives."""
    if len(shapes) == 1:
        return shapes[0]
    return Shape(
        _unite(shape.firsts for shape in shapes),
        _unite(shape.lasts for shape in shapes),
        [*map(_unite_all, zip(*(shape.needs for shape in shapes), strict=False))],
        any(shape.can_be_empty for shape in shapes),
    )


def _unite_all(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _unite(sets: Iterable[Codes]) -> Codes:
    listed: list[frozenset[str]] = []
    for codes in sets:
        if codes is None:
            return None
        listed.append(codes)
    return _unite_all(listed)


def _weigh(codes: frozenset[str]) -> int:
    """Return a weight that is lower for codes that fewer texts contain."""
    return sum(1 if code > "\u4e00" else _COMMON_SIGN for code in codes)
