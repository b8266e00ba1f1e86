"""How a quote contradicts a text: the words that change a statement's meaning, and the passage
nearest to the quote.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from importlib.resources import files
from itertools import zip_longest

from rapidfuzz import fuzz

from extractor.evidence.drafts import ConflictKind
from extractor.evidence.fold import FoldedText
from extractor.language.book import terms_of
from extractor.language.numbers import TIMES, read_number, read_time_unit

_Meaning = tuple[ConflictKind, str | float]
"""The meaning of a token. Two tokens with the same meaning do not contradict each other."""
_RATES = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
_PREFIXES = ("non", "un", "in", "im", "ir", "dis", "anti", "a")
_DRIFTS = (0, 6)
"""How many tokens a quote may have that the text lacks, or lack, so that the words around it are
aligned, too.
"""
_LEFT_OUT = 2
_OTHER = 3
_ADDED = 5
"""What it costs that a quote leaves out a token of the text, has another one, or adds one."""
_LONGEST_SEARCHED = 200
"""How many tokens at the start of a quote are searched for."""


def compare_tokens(quoted: str, stated: str) -> ConflictKind | None:
    """Return the kind of contradiction between two folded tokens, or None. Either token may be
    empty.

    >>> pairs = (
    ...     ("8", "9"),
    ...     ("two", "2"),
    ...     ("", "not"),
    ...     ("stable", "unstable"),
    ...     ("a", "the"),
    ... )
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
    units = [
        (t.lower(), t.lower())
        for entry in terms_of("limit_units")
        for t in entry.terms
        if t.isalpha()
    ]
    units += [
        (t.lower().replace("μ", "u"), entry.value)
        for entry in terms_of("dose_units")
        for t in entry.terms
    ]
    words: dict[str, _Meaning] = {t: (ConflictKind.UNIT, unit) for t, unit in units}
    words |= {t: (ConflictKind.UNIT, t) for t in ("%", "uln", "lln", "x")}
    for kind in tomllib.loads(
        (files(__package__) / "critical_words.toml").read_text("utf-8")
    )["kind"]:
        values = {word: group[0] for group in kind["same"] for word in group}
        words |= {
            word: (ConflictKind(kind["name"]), values.get(word, word))
            for word in kind["words"]
        }
    return words


@dataclass(frozen=True, slots=True)
class Nearest:
    """The tokens ``first:end`` of a text, and how a quote differs from them.

    Attributes:
        differences: Pairs of token indexes, in the quote and in the text. None marks a side without
            the token.
        shared: The number of tokens of the quote that the text has too.
        cost: A lower cost is nearer.
    """

    first: int
    end: int
    differences: tuple[tuple[int | None, int | None], ...]
    shared: int
    cost: int


def find_nearest(
    quote: Sequence[str], text: FoldedText, near: int | None = None
) -> Nearest | None:
    """Return the place in a folded text nearest to the words of a quote, or None if they share
    nothing.

    rapidfuzz finds possible starts, in the whole text and around the token ``near``; difflib aligns
    the tokens there. Only the first words of a very long quote are compared.

    >>> from .fold import fold_raw
    >>> text = fold_raw("hb ≥ 8 g/dl and ecog 0-2")
    >>> found = find_nearest(["ecog", "0", "-", "1"], text)
    >>> (
    ...     text.tokens.words[found.first : found.end],
    ...     [text.tokens.words[stated] for _, stated in found.differences],
    ... )
    (['ecog', '0', '-', '2'], ['2'])
    """
    quote = quote[:_LONGEST_SEARCHED]
    wanted = "".join([text.alphabet.get(word, "\0") for word in quote])
    reach = 2 * len(wanted)
    windows = [] if near is None else [(max(0, near - reach), near + reach)]
    windows += [(0, len(text.codes))]
    alignments = [
        (
            first,
            fuzz.partial_ratio_alignment(wanted, text.codes[first:end], score_cutoff=1),
        )
        for first, end in windows
    ]
    starts = [
        first + place.dest_start - place.src_start
        for first, place in alignments
        if place
    ]
    aligned = (
        _align(quote, text.tokens.words, start, drift)
        for start in starts
        for drift in _DRIFTS
    )
    return min(filter(None, aligned), key=lambda nearest: nearest.cost, default=None)


def _count_cost(quoted: int | None, stated: int | None) -> int:
    """Return how much a difference counts: a word more, a word less, or another word."""
    if stated is None:
        return _ADDED
    return _LEFT_OUT if quoted is None else _OTHER


def _align(
    quote: Sequence[str], words: Sequence[str], start: int, drift: int
) -> Nearest | None:
    """Align a quote with the words around ``start``. Text before and after it is no difference."""
    low = max(0, start - drift)
    near = words[low : start + len(quote) + drift]
    steps = SequenceMatcher(None, quote, near, autojunk=False).get_opcodes()
    pairs: list[tuple[int | None, int | None]] = []
    for kind, first, end, near_first, near_end in steps:
        quoted = range(first, end)
        stated = range(near_first + low, near_end + low)
        if kind != "equal" and first == 0:
            stated = stated[max(0, len(stated) - len(quoted)) :]
        elif kind != "equal" and end == len(quote):
            stated = stated[: len(quoted)]
        for pair in zip_longest(quoted, stated):
            word, other = (
                "" if at is None else side[at]
                for side, at in zip((quote, words), pair, strict=True)
            )
            is_pair = word.isalnum() == other.isalnum()  # no word is written for a sign
            pairs += (
                [pair]
                if is_pair
                else [
                    one
                    for one in ((pair[0], None), (None, pair[1]))
                    if one != (None, None)
                ]
            )
    differences = tuple(
        pair
        for pair in pairs
        if None in pair or quote[pair[0] or 0] != words[pair[1] or 0]
    )
    places = [
        stated for quoted, stated in pairs if stated is not None and quoted is not None
    ]
    if not places:
        return None
    alike = len(places) - sum(None not in pair for pair in differences)
    cost = sum(_count_cost(quoted, stated) for quoted, stated in differences)
    return Nearest(places[0], places[-1] + 1, differences, alike, cost)
