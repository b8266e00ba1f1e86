"""How a quote contradicts a text: the words that change a statement's meaning, and the passage nearest to the quote."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from rapidfuzz import fuzz

from extractor.stages.parse.drafts import ConflictKind
from extractor.text.book import terms_of
from extractor.text.numbers import TIMES, read_number, read_time_unit

from .fold import FoldedText

_Meaning = tuple[ConflictKind, str | float]
"""The meaning of a token. Two tokens with the same meaning do not contradict each other."""
_RATES = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_PREFIXES = ("non", "un", "in", "im", "ir", "dis", "anti", "a")
_MOST_DRIFT = 6
"""The greatest drift between quote and text in an alignment, in tokens."""
_LONGEST_SEARCHED = 200
"""How many tokens at the start of a quote are searched for."""
_ALIKE, _UNLIKE, _ADDED, _LEFT_OUT = 2, 3, 5, 2
"""Costs: a token of the same kind, a token of another kind, a token only in the quote, a token only in the text."""
_FAR = 1 << 30


def compare_tokens(quoted: str, stated: str) -> ConflictKind | None:
    """Return the kind of contradiction between two folded tokens, or None. Either token may be empty.

    >>> pairs = ("8", "9"), ("two", "2"), ("", "not"), ("stable", "unstable"), ("a", "the")
    >>> [kind and kind.value for kind in (compare_tokens(*pair) for pair in pairs)]
    ['number', None, 'negation', 'negation', None]
    """
    meanings = _read_meaning(quoted), _read_meaning(stated)
    if meanings[0] == meanings[1]:
        short, long = sorted((quoted, stated), key=len)
        negated = len(short) > 3 and any(long == prefix + short for prefix in _PREFIXES)
        return ConflictKind.NEGATION if negated else None
    return next((meaning[0] for meaning in reversed(meanings) if meaning), None)


@lru_cache(maxsize=4096)
def _read_meaning(token: str) -> _Meaning | None:
    """Return the meaning of a folded token, or None if it cannot cause a contradiction."""
    number = TIMES.get(token, read_number(token)) if token else None
    if number is not None or any(map(str.isdigit, token)):
        return ConflictKind.NUMBER, token if number is None else number
    unit = read_time_unit(_RATES.get(token, token))
    return (ConflictKind.TIME_UNIT, unit) if unit else _critical_words().get(token)


@cache
def _critical_words() -> Mapping[str, _Meaning]:
    """Return the words of units, and those of ``critical_words.toml``, with their meanings."""
    units = [(t.lower(), t.lower()) for entry in terms_of("limit_units") for t in entry.terms if t.isalpha()]
    units += [(t.lower().replace("μ", "u"), entry.value) for entry in terms_of("dose_units") for t in entry.terms]
    words: dict[str, _Meaning] = {t: (ConflictKind.UNIT, unit) for t, unit in units}
    words |= {t: (ConflictKind.UNIT, t) for t in ("%", "uln", "lln", "x")}
    for kind in tomllib.loads((files(__package__) / "critical_words.toml").read_text("utf-8"))["kind"]:
        values = {word: group[0] for group in kind["same"] for word in group}
        words |= {word: (ConflictKind(kind["name"]), values.get(word, word)) for word in kind["words"]}
    return words


@dataclass(frozen=True, slots=True)
class Nearest:
    """The tokens ``first:end`` of a text, and how a quote differs from them.

    Attributes:
        differences: Pairs of token indexes, in the quote and in the text. None marks a side without the token.
        shared: The number of equal tokens.
        cost: The cost of the alignment. A lower cost is nearer.
    """

    first: int
    end: int
    differences: tuple[tuple[int | None, int | None], ...]
    shared: int
    cost: int


def find_nearest(quote: Sequence[str], text: FoldedText, near: int | None = None) -> Nearest | None:
    """Return the place in a folded text nearest to the words of a quote, or None if they share nothing.

    rapidfuzz finds possible starts, in the whole text and around the token ``near``; the tokens there are aligned.
    The time is linear in the lengths of quote and text.

    >>> from .fold import fold_text
    >>> text = fold_text("hb ≥ 8 g/dl and ecog 0-2")
    >>> found = find_nearest(["ecog", "0", "-", "1"], text)
    >>> text.tokens.words[found.first : found.end], [text.tokens.words[stated] for _, stated in found.differences]
    (['ecog', '0', '-', '2'], ['2'])
    """
    wanted = "".join([text.alphabet.get(word, "\0") for word in quote[:_LONGEST_SEARCHED]])
    reach = 2 * len(wanted)
    windows = [] if near is None else [(max(0, near - reach), near + reach)]
    windows += [(0, len(text.codes))]
    found = [
        (first, fuzz.partial_ratio_alignment(wanted, text.codes[first:end], score_cutoff=1)) for first, end in windows
    ]
    starts = [first + one.dest_start - one.src_start for first, one in found if one]
    aligned = (_align(quote, text.tokens.words, start) for start in starts)
    return min(filter(None, aligned), key=lambda nearest: nearest.cost, default=None)


def _align(quote: Sequence[str], words: Sequence[str], start: int) -> Nearest | None:
    """Align the whole quote with the words around ``start``; text before and after it costs nothing."""
    low, width = start - _MOST_DRIFT, 2 * _MOST_DRIFT + 1
    costs, moves = [0] * width, list[list[str]]()
    for row, word in enumerate(quote):
        before, costs, moved = costs, list[int](), list[str]()
        for column in range(width):
            other = words[low + row + column] if 0 <= low + row + column < len(words) else ""
            paired = before[column] + _cost(word, other) if other else _FAR
            added = before[column + 1] + _ADDED if column + 1 < width else _FAR
            left_out = costs[-1] + _LEFT_OUT if costs and other else _FAR
            costs.append(min(paired, added, left_out))
            moved.append("pair" if costs[-1] == paired else "quote" if costs[-1] == added else "text")
        moves.append(moved)
    column = min(range(width), key=lambda c: (costs[c], abs(c - _MOST_DRIFT)))
    return _trace(quote, words, moves, (low, column, costs[column])) if costs[column] < _FAR else None


def _cost(word: str, other: str) -> int:
    if word == other:
        return 0
    if word.isalnum() != other.isalnum():
        return _ADDED + _LEFT_OUT
    kinds = [meaning and meaning[0] for meaning in (_read_meaning(word), _read_meaning(other))]
    return _ALIKE if kinds[0] == kinds[1] else _UNLIKE


def _trace(
    quote: Sequence[str], words: Sequence[str], moves: list[list[str]], end: tuple[int, int, int]
) -> Nearest | None:
    low, column, cost = end
    row, pairs = len(moves) - 1, list[int]()
    differences: list[tuple[int | None, int | None]] = []
    while row >= 0:
        position, move = low + row + column, moves[row][column]
        if move == "text":
            differences.append((None, position))
            column -= 1
            continue
        if move == "quote":
            differences.append((row, None))
            column += 1
        else:
            pairs.append(position)
            if quote[row] != words[position]:
                differences.append((row, position))
        row -= 1
    if not pairs:
        return None
    alike = len(pairs) - sum(None not in difference for difference in differences)
    return Nearest(pairs[-1], pairs[0] + 1, tuple(reversed(differences)), alike, cost)
