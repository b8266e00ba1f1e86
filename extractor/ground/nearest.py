"""The passage of a text that a quote comes nearest to, found by alignment of tokens in a band: linear in both.

Tokens that quote and text share vote for where the quote would begin; the best few places are aligned.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .critical import read_meaning

__all__ = ["Difference", "Nearest", "find_nearest"]

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?:\^-?\d+)?|\^-?\d+|[^\W\d_]+|[^\s\w]|_")
_BAND = 6
"""By how many tokens quote and text may drift apart."""
_VOTERS, _PLACES, _CANDIDATES = 32, 256, 4
_ALIKE, _UNLIKE, _ADDED, _LEFT_OUT = 2, 3, 5, 2
"""What it costs that the quote has a token for one of its kind, for one of another kind, has one more, has one less."""
_FAR = 1 << 30
_NOWHERE = (0, 0)

Place = tuple[int, int]
"""Half-open offsets into the folded text, or folded quote."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where quote and text differ by a token; an empty place where one side has none."""

    quoted: Place
    stated: Place


@dataclass(frozen=True, slots=True)
class Nearest:
    """The passage ``text[start:end]``, and how the quote differs from it. ``shared`` counts tokens that agree."""

    start: int
    end: int
    differences: tuple[Difference, ...]
    shared: int
    cost: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    words: Sequence[str]
    places: Sequence[Place]
    positions: Mapping[str, Sequence[int]]


def find_nearest(quote: str, text: str, near: int | None = None) -> Nearest | None:
    """The place in a folded text that a folded quote comes nearest to, or None if they share too little.

    ``near`` is an offset into ``text``: of places equally near in words, the one nearest to it is taken.

    >>> text = "hb≥8g/dl and ecog 0-2"
    >>> found = find_nearest("ecog 0-1", text)
    >>> text[found.start : found.end], [text[slice(*d.stated)] for d in found.differences]
    ('ecog 0-2', ['2'])
    """
    wanted, tokens = _cut(quote), _tokenise(text)
    expected = bisect_left(tokens.places, (near, 0)) if near is not None else None
    starts = _vote(wanted, tokens, expected)
    found = (nearest for start in starts if (nearest := _align(wanted, tokens, start)))
    return min(found, key=lambda nearest: nearest.cost, default=None)


@lru_cache(maxsize=8)
def _tokenise(text: str) -> _Tokens:
    return _cut(text)


def _cut(text: str) -> _Tokens:
    words: list[str] = []
    places: list[Place] = []
    positions: dict[str, list[int]] = {}
    for position, found in enumerate(_TOKEN.finditer(text)):
        words.append(found[0])
        places.append(found.span())
        positions.setdefault(found[0], []).append(position)
    return _Tokens(words, places, positions)


def _vote(wanted: _Tokens, tokens: _Tokens, expected: int | None) -> list[int]:
    """Positions in the text where the quote may begin, the likeliest first."""
    shared = [word for word in wanted.positions if word in tokens.positions]
    voters = sorted(shared, key=lambda word: len(tokens.positions[word]))[:_VOTERS]
    votes: Counter[int] = Counter()
    for word in voters:
        for place in wanted.positions[word][:_BAND]:
            for position in _some(tokens.positions[word], expected):
                votes[position - place] += 2 if word.isalpha() else 1
    scores = {start: sum(votes.get(start + drift, 0) for drift in range(-2, 3)) for start in votes}
    order = sorted(scores, key=lambda s: (-scores[s], -votes[s], abs(s - expected) if expected is not None else s))
    return list(_apart(order))[:_CANDIDATES]


def _some(positions: Sequence[int], expected: int | None) -> Sequence[int]:
    """At most so many positions that time stays linear, around the one that is expected."""
    if len(positions) <= _PLACES:
        return positions
    first = 0 if expected is None else max(0, bisect_left(positions, expected) - _PLACES // 2)
    return positions[first : first + _PLACES]


def _apart(starts: Sequence[int]) -> Iterator[int]:
    kept: set[int] = set()
    for start in starts[: 8 * _BAND]:
        if not any(start + drift in kept for drift in range(-2, 3)):
            kept.add(start)
            yield start


def _align(wanted: _Tokens, tokens: _Tokens, start: int) -> Nearest | None:
    """Align the whole quote with tokens around ``start``; what the text has before and behind costs nothing."""
    low, width = start - _BAND, 2 * _BAND + 1
    rows, moves = [0] * width, list[list[str]]()
    for row, word in enumerate(wanted.words):
        rows, move = _fill(rows, word, [_at(tokens.words, low + row + column) for column in range(width)])
        moves.append(move)
    column = min(range(width), key=lambda c: (rows[c], abs(c - _BAND)))
    return _trace(wanted, tokens, moves, (low, column, rows[column])) if rows[column] < _FAR else None


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


def _trace(wanted: _Tokens, tokens: _Tokens, moves: list[list[str]], end: tuple[int, int, int]) -> Nearest | None:
    low, column, cost = end
    row, pairs, differences = len(moves) - 1, [], []
    while row >= 0:
        position, move = low + row + column, moves[row][column]
        if move == "text":
            differences.append(Difference((wanted.places[row][1],) * 2, tokens.places[position]))
            column -= 1
            continue
        if move == "quote":
            differences.append(Difference(wanted.places[row], _NOWHERE))
            column += 1
        else:
            pairs.append(position)
            if wanted.words[row] != tokens.words[position]:
                differences.append(Difference(wanted.places[row], tokens.places[position]))
        row -= 1
    if not pairs:
        return None
    alike = len(pairs) - sum(d.quoted[0] < d.quoted[1] and d.stated != _NOWHERE for d in differences)
    start, stop = tokens.places[pairs[-1]][0], tokens.places[pairs[0]][1]
    return Nearest(start, stop, tuple(reversed(differences)), alike, cost)
