"""Where a quote stands in a text, allowing only differences that change nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from extractor.text.clean import CleanText
from extractor.text.lexer import NUMBER, Tokens

from .critical import ConflictKind, TokenConflict, compare_tokens
from .edges import find_denial, is_clean_cut, name_cut
from .fold import FoldedText, fold_clean, fold_text
from .nearest import Nearest, find_nearest

__all__ = ["QuoteCheck", "QuoteStatus", "locate_quote", "verify_quote"]


class QuoteStatus(StrEnum):
    """How a quote agrees with the text.

    - ``exact``: the same characters.
    - ``folded``: the same but for case, white space, hyphens inside words, escapes, damaged encoding, dashes,
      quotation marks, ligatures, other forms of a character.
    - ``conflict``: it nearly stands there, with another number, unit, comparator, negation, or other "and".
    - ``absent``: it does not stand there.
    """

    EXACT = "exact"
    FOLDED = "folded"
    CONFLICT = "conflict"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """The verdict on a quote; ``start:end`` are offsets into the text that was searched.

    Of a conflict, they are the passage that comes nearest to the quote, and ``conflicts`` are the tokens that differ.
    """

    status: QuoteStatus
    start: int | None = None
    end: int | None = None
    conflicts: tuple[TokenConflict, ...] = ()


_Place = tuple[int, int]
"""Half-open: tokens of a folded text, or offsets."""


def verify_quote(quote: str, text: str, near: int | None = None) -> QuoteCheck:
    r"""Say whether ``quote`` stands in ``text``, and where.

    Of several places, the one nearest to the offset ``near`` is given, or else the first, an exact one
    before others. A quote never begins right behind the "no" or "not" that the text puts before it.

    >>> verify_quote("ECOG 0-2", "Adults with ECOG\n 0–2.")
    QuoteCheck(status=<QuoteStatus.FOLDED: 'folded'>, start=12, end=21, conflicts=())
    >>> check = verify_quote("ECOG 0-1", "Adults with ECOG 0-2.")
    >>> check.status.value, (check.start, check.end), [(c.kind.value, c.quoted, c.stated) for c in check.conflicts]
    ('conflict', (12, 20), [('number', '1', '2')])
    """
    folded, wanted = fold_text(text), fold_text(quote)
    expected = None if near is None else folded.cleaned.clean_position(near)
    for words in _forms(wanted.tokens):
        places = [place for place in _find_places(folded, words) if is_clean_cut(folded, *place)]
        plain = [place for place in places if _contradict(wanted, folded, place) is None]
        if plain:
            return _choose([_raw_span(folded, place) for place in plain], quote, text, near)
        if places:
            place = min(places, key=lambda place: abs(folded.clean_span(*place)[0] - (expected or 0)))
            return _report(wanted, folded, place)
    return _report_nearest(wanted, folded, expected)


def locate_quote(quote: str, cleaned: CleanText, start: int = 0, end: int | None = None) -> _Place | None:
    """First place of ``quote`` in ``cleaned.text[start:end]``, as offsets into ``cleaned.text``, or None.

    A quote never stands for a part of a word, a number, a comparator or a unit: "5 mg" does not stand in
    "15 mg", "-5 mg" or "5 mg/kg", and "= 5" not in ">= 5". It may be the name of what the text denies.
    """
    folded = fold_clean(cleaned)
    limit = len(cleaned.text) if end is None else end
    for words in _forms(fold_text(quote).tokens):
        for place in _find_places(folded, words, start):
            clean = folded.clean_span(*place)
            if clean[1] > limit:
                break
            if clean[0] >= start and is_clean_cut(folded, *place):
                return clean
    return None


_WRAPPING_BEFORE = frozenset("'\"*·.-")
_WRAPPING_BEHIND = frozenset("'\"*·.;:,")
"""What a quote may be wrapped in, and the bullet that it may have kept or got."""


def _forms(tokens: Tokens) -> Iterator[list[str]]:
    """The words of a quote, and the same without wrapping and closing punctuation."""
    words, first, end = tokens.words, 0, len(tokens)
    yield words
    while first < end and _is_wrapping(tokens, first):
        first += 1
    while first < end and words[end - 1] in _WRAPPING_BEHIND:
        end -= 1
    if end - first < len(words):
        yield words[first:end]


def _is_wrapping(tokens: Tokens, at: int) -> bool:
    word, apart = tokens.words[at], not tokens.joined(at + 1) if at + 1 < len(tokens) else True
    if word == "o":
        return apart and tokens.words[at + 1 : at + 2] != [] and tokens.words[at + 1][0].isalpha()
    return word in _WRAPPING_BEFORE and (word != "-" or apart)


def _find_places(folded: FoldedText, words: list[str], start: int = 0) -> Iterator[_Place]:
    """Every place of these words in the text from an offset into the cleaned text on."""
    if any(character.isalnum() for word in words for character in word):
        first = folded.tokens.at(folded.folded.clean_position(start)) if start else 0
        yield from ((at, at + len(words)) for at in folded.find(words, first))


def _raw_span(folded: FoldedText, place: _Place) -> _Place:
    return folded.cleaned.raw_span(*folded.clean_span(*place))


def _choose(places: list[_Place], quote: str, text: str, near: int | None) -> QuoteCheck:
    def rank(place: _Place) -> tuple[int, bool]:
        return abs(place[0] - near) if near is not None else 0, text[place[0] : place[1]] != quote

    start, end = min(places, key=rank)
    status = QuoteStatus.EXACT if text[start:end] == quote else QuoteStatus.FOLDED
    return QuoteCheck(status, start, end)


_CASED = frozenset({"mm", "mu"})
"""Units that are another unit in the other case: millimolar and millimetre, a million units and a thousandth."""


def _contradict(quote: FoldedText, text: FoldedText, place: _Place) -> TokenConflict | None:
    """What belies the quote though its words stand at a place of the text, or None."""
    if (denial := find_denial(text.tokens, place[0])) is not None:
        return TokenConflict(ConflictKind.NEGATION, "", text.tokens.words[denial])
    if text.alphabet.keys().isdisjoint(_CASED):
        return None
    pairs = zip(_list_cased(quote, (0, len(quote.tokens))), _list_cased(text, place), strict=False)
    return next((TokenConflict(ConflictKind.UNIT, *pair) for pair in pairs if pair[0] != pair[1]), None)


def _list_cased(text: FoldedText, place: _Place) -> list[str]:
    """Such units behind numbers, as they were written."""
    words, codes = text.tokens.words, text.tokens.codes
    found = [at for at in range(place[0] + 1, place[1]) if words[at] in _CASED and codes[at - 1] == NUMBER]
    written = [text.cleaned.text[slice(*text.clean_span(at, at + 1))] for at in found]
    return [word for word in written if word in ("mm", "mM", "mU", "MU")]


def _report(quote: FoldedText, text: FoldedText, place: _Place) -> QuoteCheck:
    """The conflict at a place where all words of the quote stand."""
    conflict, denial = _contradict(quote, text, place), find_denial(text.tokens, place[0])
    start, end = _raw_span(text, (place[0] if denial is None else denial, place[1]))
    return QuoteCheck(QuoteStatus.CONFLICT, start, end, (conflict,) if conflict else ())


def _report_nearest(quote: FoldedText, text: FoldedText, expected: int | None) -> QuoteCheck:
    near = None if expected is None else text.tokens.at(text.folded.clean_position(expected))
    nearest = find_nearest(quote.tokens.words, text, near)
    if nearest is None or nearest.shared < len(nearest.differences):
        return QuoteCheck(QuoteStatus.ABSENT)
    conflicts = tuple(_list_conflicts(nearest, quote.tokens, text))
    if not conflicts:
        return QuoteCheck(QuoteStatus.ABSENT)
    return QuoteCheck(QuoteStatus.CONFLICT, *_raw_span(text, (nearest.first, nearest.end)), conflicts)


def _list_conflicts(nearest: Nearest, quote: Tokens, text: FoldedText) -> Iterator[TokenConflict]:
    for difference in nearest.differences:
        quoted, stated = _read(quote, difference.quoted), _read(text.tokens, difference.stated)
        if kind := compare_tokens(quoted, stated):
            yield TokenConflict(kind, quoted, stated)
    if not nearest.differences and (cut := name_cut(text, nearest.first, nearest.end)):
        kinds = {"/": ConflictKind.UNIT} | dict.fromkeys("<>=≤≥", ConflictKind.COMPARATOR)
        yield TokenConflict(kinds.get(cut[0], ConflictKind.NUMBER), "", cut)


def _read(tokens: Tokens, at: int | None) -> str:
    return "" if at is None else tokens.read(at, at + 1)
