"""Locate a quote in a text, allowing only differences that do not change its meaning."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from extractor.evidence.conflicts import compare_tokens, find_nearest
from extractor.evidence.drafts import ConflictKind, TokenConflict
from extractor.evidence.fold import FoldedText, fold_clean, fold_raw
from extractor.language.book import rule
from extractor.language.clean import CleanText
from extractor.language.lexer import NAME_NUMBER, NUMBER, Range, Tokens
from extractor.language.numbers import is_signed, joins_words

_WRAPPING_BEFORE = frozenset("'\"*·.-")
_WRAPPING_AFTER = frozenset("'\"*·.;:,")
"""Signs that may wrap a quote, and bullets that it may have kept or gained."""
_MOST_COMPARED = 1_000_000
"""The most words of one quote that are compared at all its places, so that no text "5-5-5-..."
takes the square.
"""
_CASED = frozenset({"mm", "mu"})
"""Units that case tells apart: millimolar and millimetre, mega-units and milli-units."""
_SIGNS = "<>=≤≥!"
_NUMBERS = NUMBER + NAME_NUMBER


class QuoteStatus(StrEnum):
    """How well a quote agrees with the text.

    - ``exact``: the same characters.
    - ``folded``: the same except for case, white space, hyphens inside words, escapes, damaged
      encoding, dashes, quotation marks, ligatures, and variants of a character.
    - ``conflict``: the text has nearly the same words, but another number, unit, comparator,
      negation or conjunction.
    - ``absent``: the text does not contain the quote.
    """

    EXACT = "exact"
    FOLDED = "folded"
    CONFLICT = "conflict"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """The result for a quote.

    Args:
        status: How well the quote agrees with the text.
        start: The first character in the searched text; None for an absent quote.
        end: One past the last character. For a conflict, both give the passage nearest to the
            quote.
        conflicts: The tokens that differ, for a conflict.
    """

    status: QuoteStatus
    start: int | None = None
    end: int | None = None
    conflicts: tuple[TokenConflict, ...] = ()


def verify_quote(quote: str, text: str, near: int | None = None) -> QuoteCheck:
    r"""Check whether ``text`` contains ``quote``, and where.

    A passage directly after "no" or "not" does not count, because the quote would lose the
    negation. Any text is valid.

    Args:
        quote: The words to look for.
        text: The text to search.
        near: An offset into ``text``. Exact places win over others; of several, the one nearest to
            ``near`` wins, or the first.

    >>> verify_quote("ECOG 0-2", "Adults with ECOG\n 0–2.")
    QuoteCheck(status=<QuoteStatus.FOLDED: 'folded'>, start=12, end=21, conflicts=())
    >>> check = verify_quote("ECOG 0-1", "Adults with ECOG 0-2.")
    >>> (
    ...     check.status.value,
    ...     (check.start, check.end),
    ...     [(c.kind.value, c.quoted, c.stated) for c in check.conflicts],
    ... )
    ('conflict', (12, 20), [('number', '1', '2')])
    """
    folded = fold_raw(text)
    wanted = fold_raw(quote)
    expected = None if near is None else folded.cleaned.clean_position(near)
    for words in _forms(wanted.tokens):
        places = [
            place
            for place in _find_places(folded, words)
            if is_clean_cut(folded, *place)
        ]
        plain = [
            place for place in places if _contradict(wanted, folded, place) is None
        ]
        if plain:
            spans = [_raw_span(folded, place) for place in plain]
            start, end = min(
                spans,
                key=lambda span: (
                    near is not None and abs(span[0] - near),
                    text[slice(*span)] != quote,
                ),
            )
            status = (
                QuoteStatus.EXACT if text[start:end] == quote else QuoteStatus.FOLDED
            )
            return QuoteCheck(status, start, end)
        if places:
            place = min(
                places,
                key=lambda place: abs(folded.clean_span(*place)[0] - (expected or 0)),
            )
            conflict = _contradict(wanted, folded, place)
            denial = _find_denial(folded.tokens, place[0])
            span = _raw_span(folded, (place[0] if denial is None else denial, place[1]))
            return QuoteCheck(
                QuoteStatus.CONFLICT, *span, (conflict,) if conflict else ()
            )
    return _report_nearest(wanted, folded, expected)


def locate_quote(
    quote: str, cleaned: CleanText, start: int = 0, end: int | None = None
) -> Range | None:
    """Return the first place of ``quote`` in ``cleaned.text[start:end]``, as offsets into
    ``cleaned.text``, or None.

    A quote never matches a part of a word, a number, a comparator or a unit: "5 mg" is not found in
    "15 mg", "-5 mg" or "5 mg/kg", nor "= 5" in ">= 5". It may name something that the text denies.
    """
    folded = fold_clean(cleaned)
    limit = len(cleaned.text) if end is None else end
    for words in _forms(fold_raw(quote).tokens):
        for place in _find_places(folded, words, start):
            clean = folded.clean_span(*place)
            if clean[1] > limit:
                break
            if clean[0] >= start and is_clean_cut(folded, *place):
                return clean
    return None


def _forms(tokens: Tokens) -> Iterator[list[str]]:
    """Yield the words of a quote, with and without its wrapping and closing punctuation."""
    words = tokens.words
    first = 0
    end = len(tokens)
    yield words
    while first < end and _is_wrapping(tokens, first):
        first += 1
    while first < end and words[end - 1] in _WRAPPING_AFTER:
        end -= 1
    if end - first < len(words):
        yield words[first:end]


def _is_wrapping(tokens: Tokens, at: int) -> bool:
    word = tokens.words[at]
    apart = not tokens.joined(at + 1) if at + 1 < len(tokens) else True
    if word == "o":
        return (
            apart
            and tokens.words[at + 1 : at + 2] != []
            and tokens.words[at + 1][0].isalpha()
        )
    return word in _WRAPPING_BEFORE and (word != "-" or apart)


def _find_places(
    folded: FoldedText, words: list[str], start: int = 0
) -> Iterator[Range]:
    """Yield the places of these words in the text, starting at an offset into the cleaned text."""
    if any(character.isalnum() for word in words for character in word):
        first = folded.tokens.at(folded.folded.clean_position(start)) if start else 0
        most = _MOST_COMPARED // len(words)
        yield from (
            (at, at + len(words))
            for at in islice(folded.find_words(words, first), most)
        )


def _raw_span(folded: FoldedText, place: Range) -> Range:
    return folded.cleaned.raw_span(*folded.clean_span(*place))


def _contradict(
    quote: FoldedText, text: FoldedText, place: Range
) -> TokenConflict | None:
    """What contradicts the quote although the text has its words at ``place``, or None."""
    denial = _find_denial(text.tokens, place[0])
    if denial is not None:
        return TokenConflict(ConflictKind.NEGATION, "", text.tokens.words[denial])
    if text.alphabet.keys().isdisjoint(_CASED):
        return None
    pairs = zip(
        _list_cased(quote, (0, len(quote.tokens))),
        _list_cased(text, place),
        strict=False,
    )
    return next(
        (
            TokenConflict(ConflictKind.UNIT, *pair)
            for pair in pairs
            if pair[0] != pair[1]
        ),
        None,
    )


def _list_cased(text: FoldedText, place: Range) -> list[str]:
    """Return the units of ``_CASED`` after numbers, as written."""
    words = text.tokens.words
    codes = text.tokens.codes
    found = [
        at
        for at in range(place[0] + 1, place[1])
        if words[at] in _CASED and codes[at - 1] == NUMBER
    ]
    written = [text.cleaned.text[slice(*text.clean_span(at, at + 1))] for at in found]
    return [word for word in written if word in ("mm", "mM", "mU", "MU")]


def _report_nearest(
    quote: FoldedText, text: FoldedText, expected: int | None
) -> QuoteCheck:
    near = (
        None
        if expected is None
        else text.tokens.at(text.folded.clean_position(expected))
    )
    nearest = find_nearest(quote.tokens.words, text, near)
    if nearest is None or nearest.shared < len(nearest.differences):
        return QuoteCheck(QuoteStatus.ABSENT)
    conflicts = []
    for quoted_at, stated_at in nearest.differences:
        quoted = (
            "" if quoted_at is None else quote.tokens.read(quoted_at, quoted_at + 1)
        )
        stated = "" if stated_at is None else text.tokens.read(stated_at, stated_at + 1)
        kind = compare_tokens(quoted, stated)
        if kind:
            conflicts.append(TokenConflict(kind, quoted, stated))
    if not nearest.differences and (cut := _name_cut(text, nearest.first, nearest.end)):
        kinds = {"/": ConflictKind.UNIT} | dict.fromkeys(
            "<>=≤≥", ConflictKind.COMPARATOR
        )
        conflicts = [TokenConflict(kinds.get(cut[0], ConflictKind.NUMBER), "", cut)]
    if not conflicts:
        return QuoteCheck(QuoteStatus.ABSENT)
    return QuoteCheck(
        QuoteStatus.CONFLICT,
        *_raw_span(text, (nearest.first, nearest.end)),
        tuple(conflicts),
    )


def is_clean_cut(text: FoldedText, first: int, end: int) -> bool:
    """Return whether the words ``first:end`` mean the same alone as in the text, judging by their
    two ends.

    >>> from .fold import fold_raw
    >>> text = fold_raw("platelets > 5 mg/kg at -5 degrees")
    >>> text.tokens.words
    ['platelets', '>', '5', 'mg', '/', 'kg', 'at', '-', '5', 'degrees']
    >>> [
    ...     is_clean_cut(text, *place)
    ...     for place in ((1, 3), (2, 4), (2, 6), (8, 10), (7, 10))
    ... ]
    [True, False, True, False, True]
    """
    return _begins_clean(text, first) and _ends_clean(text, end)


def _name_cut(text: FoldedText, first: int, end: int) -> str:
    """The text that the cut ``first:end`` separates from its first or last word, without white
    space; "" if none.
    """
    tokens = text.tokens
    if not _ends_clean(text, end):
        return tokens.read(end, min(end + 2, len(tokens)))
    return "" if _begins_clean(text, first) else tokens.words[first - 1]


def _find_denial(tokens: Tokens, first: int) -> int | None:
    """Return the token directly before ``first`` that denies what follows, or None."""
    found = rule("denial").ends(tokens, first, first - 1)
    return found.first if found else None


def _begins_clean(text: FoldedText, first: int) -> bool:
    tokens = text.tokens
    if not first:
        return True
    if first in text.inner or _is_inside_word(text, first):
        return False
    codes = tokens.codes
    before = codes[first - 1]
    if codes[first] in _NUMBERS:
        return before != "^" and (
            not is_signed(tokens, first) or _is_bullet(text, first - 1)
        )
    if (
        codes[first] == "-"
        and tokens.joined(first + 1)
        and codes[first + 1] in _NUMBERS
    ):
        if before == "^":
            return False
        if before in _NUMBERS:
            return False
        return not (tokens.joined(first) and joins_words(tokens, first - 1))
    return codes[first] not in _SIGNS or not rule("comparing_front").ends(
        tokens, first, first - 2
    )


def _ends_clean(text: FoldedText, end: int) -> bool:
    tokens = text.tokens
    codes = tokens.codes
    if end >= len(tokens):
        return True
    last = codes[end - 1]
    behind = codes[end]
    if last in _SIGNS:
        return not rule("comparing_after").starts(tokens, end)
    if end in text.inner:
        return False
    if _is_inside_word(text, end):
        return False
    if behind == "^" and (last in _NUMBERS or tokens.joined(end)):
        return False
    if behind != "/" or not tokens.words[end - 1].isalnum():
        return True
    if rule("rate_goes_on").starts(tokens, end):
        return False
    return not rule("measured").ends(tokens, end, end - 6)


def _is_inside_word(text: FoldedText, at: int) -> bool:
    """Return whether a token begins inside a word: "CD|19", "5|mg", half of a "½"."""
    before = text.tokens.words[at - 1][-1]
    behind = text.tokens.words[at][0]
    end = text.clean_span(at - 1, at)[1]
    start = text.clean_span(at, at + 1)[0]
    apart = not (before.isalnum() or before == "_") or not (
        behind.isalnum() or behind == "_"
    )
    return end > start or (end == start and not apart)


def _is_bullet(text: FoldedText, at: int) -> bool:
    """Return whether a hyphen begins its line."""
    clean = text.cleaned.text
    start = text.clean_span(at, at + 1)[0]
    return not clean[max(clean.rfind("\n", 0, start), 0) : start].strip()
