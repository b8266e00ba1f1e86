"""The passage of a text that a quote comes nearest to, found by alignment of tokens in a band: linear in both.

Tokens that quote and text share vote for where the quote would begin; the best few places are aligned.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from .critical import read_meaning
from .fold import FoldedText

__all__ = ["Difference", "Nearest", "find_nearest"]

_BAND = 6
"""By how many tokens quote and text may drift apart."""
_VOTERS, _PLACES, _CANDIDATES = 32, 256, 4
_ALIKE, _UNLIKE, _ADDED, _LEFT_OUT = 2, 3, 5, 2
"""What it costs that the quote has a token for one of its kind, for one of another kind, has one more, has one less."""
_FAR = 1 << 30


@dataclass(frozen=True, slots=True)
class Difference:
    """Where quote and text differ by a word: its token in the quote and in the text; None where one side has none."""

    quoted: int | None
    stated: int | None


@dataclass(frozen=True, slots=True)
class Nearest:
    """The tokens ``first:end``, and how the quote differs from them. ``shared`` counts words that agree."""

    first: int
    end: int
    differences: tuple[Difference, ...]
    shared: int
    cost: int


def find_nearest(quote: Sequence[str], text: FoldedText, near: int | None = None) -> Nearest | None:
    """The place in a folded text that the words of a quote come nearest to, or None if they share too little.

    ``near`` is a token of the text: of places equally near in words, the one nearest to it is taken.

    >>> from .fold import fold_text
    >>> text = fold_text("hb ≥ 8 g/dl and ecog 0-2")
    >>> found = find_nearest(["ecog", "0", "-", "1"], text)
    >>> text.tokens.words[found.first : found.end], [text.tokens.words[d.stated] for d in found.differences]
    (['ecog', '0', '-', '2'], ['2'])
    """
    starts = _vote(quote, text, near)
    found = (nearest for start in starts if (nearest := _align(quote, text.tokens.words, start)))
    return min(found, key=lambda nearest: nearest.cost, default=None)


def _vote(quote: Sequence[str], text: FoldedText, expected: int | None) -> list[int]:
    """Tokens of the text where the quote may begin, the likeliest first."""
    shared = {word: text.codes.count(text.alphabet[word]) for word in quote if word in text.alphabet}
    votes: Counter[int] = Counter()
    for word in sorted(shared, key=lambda word: shared[word])[:_VOTERS]:
        positions = list(_some(text, word, expected or 0))
        for place in [at for at, other in enumerate(quote) if other == word][:_BAND]:
            for position in positions:
                votes[position - place] += 2 if word.isalpha() else 1
    scores = {start: sum(votes.get(start + drift, 0) for drift in range(-2, 3)) for start in votes}
    order = sorted(scores, key=lambda s: (-scores[s], -votes[s], abs(s - expected) if expected is not None else s))
    return list(_apart(order))[:_CANDIDATES]


def _some(text: FoldedText, word: str, expected: int) -> Iterator[int]:
    """At most so many tokens that are the word that time stays linear: those around the one that is expected."""
    yield from islice(text.find([word], expected), _PLACES)
    place = text.codes.rfind(text.alphabet[word], 0, expected)
    for _ in range(_PLACES):
        if place < 0:
            return
        yield place
        place = text.codes.rfind(text.alphabet[word], 0, place)


def _apart(starts: Sequence[int]) -> Iterator[int]:
    kept: set[int] = set()
    for start in starts[: 8 * _BAND]:
        if not any(start + drift in kept for drift in range(-2, 3)):
            kept.add(start)
            yield start


def _align(quote: Sequence[str], words: Sequence[str], start: int) -> Nearest | None:
    """Align the whole quote with the words around ``start``; what the text has before and behind costs nothing."""
    low, width = start - _BAND, 2 * _BAND + 1
    rows, moves = [0] * width, list[list[str]]()
    for row, word in enumerate(quote):
        rows, move = _fill(rows, word, [_at(words, low + row + column) for column in range(width)])
        moves.append(move)
    column = min(range(width), key=lambda c: (rows[c], abs(c - _BAND)))
    return _trace(quote, words, moves, (low, column, rows[column])) if rows[column] < _FAR else None


def _at(words: Sequence[str], position: int) -> str:
    return words[position] if 0 <= position < len(words) else ""


def _fill(before: list[int], word: str, others: list[str]) -> tuple[list[int], list[str]]:
    """One row: what it costs to have aligned the quote up to ``word`` with the text up to each column."""
    costs: list[int] = []
    moves: list[str] = []
    for column, other in enumerate(others):
        paired = before[column] + _cost(word, other) if other else _FAR
        added = before[column + 1] + _ADDED if column + 1 < len(before) else _FAR
        left_out = costs[-1] + _LEFT_OUT if costs and other else _FAR
        least = min(paired, added, left_out)
        costs.append(least)
        moves.append("pair" if least == paired else "quote" if least == added else "text")
    return costs, moves


def _cost(word: str, other: str) -> int:
    if word == other:
        return 0
    if word.isalnum() != other.isalnum():
        return _ADDED + _LEFT_OUT
    meanings = read_meaning(word), read_meaning(other)
    kinds = [meaning and meaning.kind for meaning in meanings]
    return _ALIKE if kinds[0] == kinds[1] else _UNLIKE


def _trace(
    quote: Sequence[str], words: Sequence[str], moves: list[list[str]], end: tuple[int, int, int]
) -> Nearest | None:
    low, column, cost = end
    row, pairs, differences = len(moves) - 1, [], []
    while row >= 0:
        position, move = low + row + column, moves[row][column]
        if move == "text":
            differences.append(Difference(None, position))
            column -= 1
            continue
        if move == "quote":
            differences.append(Difference(row, None))
            column += 1
        else:
            pairs.append(position)
            if quote[row] != words[position]:
                differences.append(Difference(row, position))
        row -= 1
    if not pairs:
        return None
    alike = len(pairs) - sum(d.quoted is not None and d.stated is not None for d in differences)
    return Nearest(pairs[-1], pairs[0] + 1, tuple(reversed(differences)), alike, cost)
