"""Find how a quote contradicts a text: the passage most similar to the quote, and the words there
that change the meaning of the quote.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from itertools import zip_longest

from rapidfuzz import fuzz

from extractor.evidence.drafts import ConflictKind
from extractor.evidence.fold import FoldedText
from extractor.language.book import read_table, terms_of
from extractor.language.numbers import TIMES, read_number, read_time_unit

_Meaning = tuple[ConflictKind, str | float]
"""The meaning of a token. Two tokens with the same meaning do not contradict each other."""
_Pair = tuple[int | None, int | None]
"""The indexes of two matching tokens in the quote and in the text. An index is None if its side
lacks the token.
"""
_RATES = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
"""The time unit in a word that states a rate."""
_PREFIXES = ("non", "un", "in", "im", "ir", "dis", "anti", "a")
"""Prefixes that negate a word."""
_DRIFTS = (0, 6)
"""The number of tokens that a quote may add or omit without preventing the alignment of the
surrounding words.
"""
_OMITTED = 2
_REPLACED = 3
_ADDED = 5
"""The cost of a token that a quote omits, replaces or adds."""
_LONGEST_SEARCHED = 200
"""The number of tokens from the start of a quote that are used in the search."""


def compare_tokens(quoted: str, stated: str) -> ConflictKind | None:
    """Return the kind of contradiction between two folded tokens, or None.

    Tokens contradict each other if one token is a number, a unit, a negation or another critical
    word, and the other token has a different meaning. Other words contradict each other only if
    they differ by a negating prefix. Pass "" for a token that the quote or the text lacks.

    >>> pairs = (
    ...     ("8", "9"),
    ...     ("two", "2"),
    ...     ("", "not"),
    ...     ("stable", "unstable"),
    ...     ("line", "inline"),
    ...     ("men", "amen"),
    ...     ("a", "the"),
    ... )
    >>> [kind and kind.value for kind in (compare_tokens(*pair) for pair in pairs)]
    ['number', None, 'negation', 'negation', 'negation', None, None]
    """
    meaning_quoted = _read_meaning(quoted)
    meaning_stated = _read_meaning(stated)
    if meaning_quoted == meaning_stated:
        # "stable" and "unstable"; a shorter word may only look alike: "men" and "amen"
        short, long = sorted((quoted, stated), key=len)
        is_negated = len(short) > 3 and long.removesuffix(short) in _PREFIXES
        if is_negated:
            return ConflictKind.NEGATION
        return None
    # if both words are critical, the word of the text says what the quote should have stated
    meaning = meaning_stated or meaning_quoted
    if meaning:
        return meaning[0]
    return None


@lru_cache(maxsize=4096)
def _read_meaning(token: str) -> _Meaning | None:
    """Return the meaning of a folded token: a number, a token with digits such as "cd19", a unit
    or a critical word. Return None for any other word, which cannot cause a contradiction.
    """
    if not token:
        return None
    # "twice" and "two" are the number 2
    number = TIMES.get(token, read_number(token))
    if number is not None:
        return ConflictKind.NUMBER, number
    if any(map(str.isdigit, token)):
        return ConflictKind.NUMBER, token
    # "daily" has the meaning of "day"
    unit = read_time_unit(_RATES.get(token, token))
    if unit:
        return ConflictKind.TIME_UNIT, unit
    return _critical_words().get(token)


@cache
def _critical_words() -> Mapping[str, _Meaning]:
    """Return the words in ``critical_words.toml`` and in unit names, with their meanings."""
    words: dict[str, _Meaning] = {
        written: (ConflictKind.UNIT, unit) for written, unit in _list_units()
    }
    for name, fields in read_table("critical_words").items():
        kind = ConflictKind(name)
        # synonyms have the first word as their meaning
        first_words: dict[str, str] = {}
        for synonyms in fields.get("same", ()):
            first_words |= dict.fromkeys(synonyms, synonyms[0])
        for word in fields["words"]:
            words[word] = kind, first_words.get(word, word)
    return words


def _list_units() -> Iterator[tuple[str, str]]:
    """Yield the spellings of units, each with the unit that it means."""
    for unit in ("%", "uln", "lln", "x"):
        yield unit, unit
    # a word for a unit of limits means itself, since "mmHg" and "cm" differ
    for entry in terms_of("limit_units"):
        for term in entry.terms:
            if term.isalpha():
                yield term.lower(), term.lower()
    # all spellings of a unit of doses mean the unit: "mcg" and "μg"
    for entry in terms_of("dose_units"):
        for term in entry.terms:
            yield term.lower().replace("μ", "u"), entry.value


@dataclass(frozen=True, slots=True)
class Nearest:
    """The tokens ``first:end`` of a text, and how a quote differs from them.

    Attributes:
        differences: (quote token, text token) pairs, with "" for a missing token.
        shared: The number of tokens in the quote that are also in the text.
        cost: The total cost of the differences; a lower cost means a more similar place.
    """

    first: int
    end: int
    differences: tuple[tuple[str, str], ...]
    shared: int
    cost: int


def find_nearest_words(
    quote: Sequence[str], text: FoldedText, near: int | None = None
) -> Nearest | None:
    """Return the place in a folded text that is most similar to the words of a quote, or None if
    the text and the quote have no words in common.

    rapidfuzz finds possible starts in the whole text and around the token ``near``; difflib then
    aligns the tokens. The first alignment with the lowest cost wins, so a place around ``near`` is
    preferred to an equally similar place elsewhere. Only the first words of a very long quote are
    compared.

    >>> from .fold import fold_raw
    >>> text = fold_raw("hb ≥ 8 g/dl and ecog 0-2")
    >>> nearest = find_nearest_words(["ecog", "0", "-", "1"], text)
    >>> (
    ...     text.tokens.words[nearest.first : nearest.end],
    ...     nearest.differences,
    ... )
    (['ecog', '0', '-', '2'], (('1', '2'),))
    >>> text = fold_raw("pain at week 4 or week 8, and pain at week 12")
    >>> [
    ...     find_nearest_words(["pain", "at", "week", "9"], text, near).differences
    ...     for near in (0, 12)
    ... ]
    [(('9', '4'),), (('9', '12'),)]
    """
    quote = quote[:_LONGEST_SEARCHED]
    # one character per token, as in `FoldedText.codes`; "\0" for a word that is not in the text
    codes = "".join([text.alphabet.get(word, "\0") for word in quote])
    windows = [(0, len(text.codes))]
    if near is not None:
        # the quote may be shifted and may omit half of the words
        reach = 2 * len(codes)
        windows.insert(0, (max(0, near - reach), near + reach))
    candidates: list[Nearest] = []
    for first, end in windows:
        alignment = fuzz.partial_ratio_alignment(
            codes, text.codes[first:end], score_cutoff=1
        )
        if alignment is None:
            continue
        # the token of the text at which the first word of the quote would be
        start = first + alignment.dest_start - alignment.src_start
        # aligned at exactly this place, and with room for tokens that the quote adds or omits
        aligned = [_align(quote, text.tokens.words, start, drift) for drift in _DRIFTS]
        candidates += filter(None, aligned)
    return min(candidates, key=lambda place: place.cost, default=None)


def _align(
    quote: Sequence[str], words: Sequence[str], start: int, drift: int
) -> Nearest | None:
    """Align a quote with the words of a text, beginning at most ``drift`` tokens before or after
    the token ``start``. The place extends from the first matched token to the last. Return None if
    no token is matched.
    """
    differences: list[tuple[str, str]] = []
    counterparts: list[int] = []
    cost = 0
    for quoted, stated in _pair_tokens(quote, words, start, drift):
        if stated is None:
            cost += _ADDED
        elif quoted is None:
            cost += _OMITTED
        else:
            counterparts.append(stated)
            if quote[quoted] == words[stated]:
                continue
            cost += _REPLACED
        quoted_word = "" if quoted is None else quote[quoted]
        stated_word = "" if stated is None else words[stated]
        differences.append((quoted_word, stated_word))
    if not counterparts:
        return None
    # a difference without a counterpart has an empty word
    replaced = sum(map(all, differences))
    shared = len(counterparts) - replaced
    place = (counterparts[0], counterparts[-1] + 1)
    return Nearest(*place, tuple(differences), shared, cost)


def _pair_tokens(
    quote: Sequence[str], words: Sequence[str], start: int, drift: int
) -> Iterator[_Pair]:
    """Yield (quote index, text index) pairs of matched tokens around the token ``start``. An index
    is None if the token on the other side has no match. A word is never matched with punctuation.
    """
    low = max(0, start - drift)
    near = words[low : start + len(quote) + drift]
    steps = SequenceMatcher(None, quote, near, autojunk=False).get_opcodes()
    for kind, first, end, near_first, near_end in steps:
        stated = range(low + near_first, low + near_end)
        # Text outside the quote is not a difference. If the first or last words of the quote are
        # replaced, they are compared with the same number of adjacent words in the text.
        if kind != "equal" and first == 0:
            stated = stated[max(0, len(stated) - end) :]
        elif kind != "equal" and end == len(quote):
            stated = stated[: end - first]
        for pair in zip_longest(range(first, end), stated):
            if None in pair or quote[pair[0]].isalnum() == words[pair[1]].isalnum():
                yield pair
            else:
                yield from ((pair[0], None), (None, pair[1]))
