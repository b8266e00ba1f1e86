"""A flattened outcome and the commas at which it may be cut."""

import re
from collections import Counter

from extractor.parse.values import value

__all__ = ["NUMBER_END", "Item", "choose_cuts", "find_commas"]

_MOST_STARTS, _MOST_ENDS = 18, 14
NUMBER_END = re.compile(r"\b\d+\s*$")
_BARE_NUMBER = re.compile(r"\s*(?:and |or )?\d+\s*$")


@value(frozen=True, slots=True)
class Item:
    """One flattened outcome: its cleaned text, where it may be cut, and what its neighbours in the cell share.

    ``tails`` counts, over the whole cell, how many items end with a text; ``plain_share`` is the share
    of the other items that hold at most one comma, so that they can have no description.
    """

    text: str
    commas: tuple[tuple[int, int], ...]
    depths: tuple[bool, ...]
    tails: Counter[str]
    plain_share: float

    def before(self, cut: int) -> str:
        return self.text[: self.commas[cut][0]]

    def after(self, cut: int) -> str:
        return self.text[self.commas[cut][1] :]

    def between(self, first: int, last: int) -> str:
        """The text from one cut to another; ``last`` equal to the number of commas is the end."""
        end = self.commas[last][0] if last < len(self.commas) else len(self.text)
        return self.text[self.commas[first][1] : end]

    def segment(self, number: int) -> str:
        """The text between two neighbouring commas; segment 0 stands before the first."""
        start = self.commas[number - 1][1] if number else 0
        return self.text[start : self.commas[number][0] if number < len(self.commas) else len(self.text)]


def find_commas(text: str) -> tuple[tuple[tuple[int, int], ...], tuple[bool, ...]]:
    """Spans of the commas at which a text can be cut, and whether each stands inside brackets or quotes.

    >>> find_commas("Response (CR, PR), at 2 years")
    (((12, 14), (17, 19)), (True, False))
    """
    spans, inside = [], []
    depth = position = 0
    for found in re.finditer(r", ", text):
        piece = text[position : found.start()]
        depth = max(0, depth + sum(piece.count(c) for c in "([{") - sum(piece.count(c) for c in ")]}"))
        position = found.start()
        spans.append((found.start(), found.end()))
        inside.append(depth > 0)
    return tuple(spans), tuple(inside)


def choose_cuts(item: Item) -> tuple[list[int], list[int]]:
    """The commas that may begin a description (the first ones) and a time frame (the last ones).

    Commas inside of a list of numbers ("weeks 4, 8, 12") are no candidates; the limits keep the work
    linear in the length of the text.
    """
    count = len(item.commas)
    ends: list[int] = []
    for cut in range(count - 1, -1, -1):
        listed = _BARE_NUMBER.match(item.segment(cut + 1)) and NUMBER_END.search(item.segment(cut))
        if not listed or cut == count - 1:
            ends.append(cut)
        if len(ends) == _MOST_ENDS:
            break
    return list(range(min(count, _MOST_STARTS))), ends
