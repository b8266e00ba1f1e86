"""Locate a quote in a text, allowing only differences that do not change its meaning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from extractor.evidence.conflicts import Nearest, compare_tokens, find_nearest_words
from extractor.evidence.drafts import ConflictKind, TokenConflict
from extractor.evidence.fold import FoldedText, fold_clean, fold_raw
from extractor.language.book import rule
from extractor.language.clean import CleanText
from extractor.language.lexer import NAME_NUMBER, NUMBER, Range, Tokens
from extractor.language.numbers import is_signed, joins_words

_WRAPPING_BEFORE = frozenset("'\"*·.-")
_WRAPPING_AFTER = frozenset("'\"*·.;:,")
"""Quotation marks, bullets and punctuation that a quote may add at its start or end."""
_MOST_COMPARED = 1_000_000
"""Maximum number of words compared across all matching places of a quote, so that a text such as
"5-5-5-..." does not take quadratic time.
"""
_CASED_UNIT = re.compile(r"(?<=\d)[\s-]*([mM][mMuU])\b")
_CASED_UNITS = {"mm", "mM", "mU", "MU"}
"""Units that, after a number, are distinguished only by case: millimetre and millimolar, or
milli-units and mega-units. Another spelling, such as "MM", is ambiguous.
"""
_SIGNS = "<>=≤≥!"
_KINDS_OF_CUTS = {"/": ConflictKind.UNIT} | dict.fromkeys(
    "<>=≤≥", ConflictKind.COMPARATOR
)
"""The kind of token that a truncated quote lacks, keyed by the first character that was cut off: a
unit in "5 mg|/kg", a comparator in "<|= 5". For any other character, it is a number.
"""
_NUMBERS = NUMBER + NAME_NUMBER


class QuoteStatus(StrEnum):
    """How well a quote matches the text.

    - ``exact``: the characters are the same.
    - ``folded``: the text is the same except for case, white space, hyphens inside words, escapes,
      damaged encoding, dashes, quotation marks, ligatures and character variants.
    - ``conflict``: the text has nearly the same words, but a different number, unit, comparator,
      negation or conjunction.
    - ``absent``: the text does not contain the quote.
    """

    EXACT = "exact"
    FOLDED = "folded"
    CONFLICT = "conflict"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """The result of checking a quote.

    Args:
        status: How well the quote matches the text.
        start: The offset of the first character in the searched text; None for an absent quote.
        end: One past the last character. For a conflict, ``start`` and ``end`` delimit the passage
            most similar to the quote.
        conflicts: The tokens that differ, if there is a conflict.
    """

    status: QuoteStatus
    start: int | None = None
    end: int | None = None
    conflicts: tuple[TokenConflict, ...] = ()


def verify_quote(quote: str, text: str, near: int | None = None) -> QuoteCheck:
    r"""Check whether ``text`` contains ``quote``, and where.

    The quote is searched for as written, then without enclosing quotation marks, bullets and
    closing punctuation. The result is a conflict if the matching words immediately follow "no" or
    "not" and the quote omits that negation, or if a unit differs in case ("mM", "mm"). If the text
    does not contain the words, the most similar place is checked: if a number, unit or other
    critical word differs there, the result is a conflict; otherwise the quote is absent. Any text
    is valid.

    Args:
        quote: The words to search for.
        text: The text to search.
        near: An offset into ``text``. The match nearest to ``near`` wins. If matches are equally
            near, or if ``near`` is None, an exact match wins; failing that, the first match wins.

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

    # the lowest rank wins: no conflict, then near, then exact
    def rank(check: QuoteCheck) -> tuple[bool, int, bool]:
        is_conflict = check.status is QuoteStatus.CONFLICT
        distance = 0 if near is None else abs((check.start or 0) - near)
        return is_conflict, distance, check.status is not QuoteStatus.EXACT

    for words in _list_forms(wanted.tokens):
        checks = [
            _check_place(quote, text, wanted, folded, place)
            for place in _find_places(folded, words)
            if not find_cut(folded, *place)
        ]
        if checks:
            return min(checks, key=rank)
    return _report_nearest(wanted, folded, near)


def _check_place(
    quote: str, text: str, wanted: FoldedText, folded: FoldedText, place: Range
) -> QuoteCheck:
    """Return the result for a place that contains the words of a quote. If a negation precedes the
    words, the place includes the negation.
    """
    conflict = _find_contradiction(wanted, folded, place)
    first, end = place
    if conflict is None:
        start, stop = folded.raw_span(*place)
        is_exact = text[start:stop] == quote
        status = QuoteStatus.FOLDED
        if is_exact:
            status = QuoteStatus.EXACT
        return QuoteCheck(status, start, stop)
    # the conflict shows the "no" or "not" before the words
    if conflict.kind is ConflictKind.NEGATION:
        first -= 1
    span = folded.raw_span(first, end)
    return QuoteCheck(QuoteStatus.CONFLICT, *span, (conflict,))


def locate_quote(
    quote: str, cleaned: CleanText, start: int = 0, end: int | None = None
) -> Range | None:
    """Return the offsets of the first match of ``quote`` in ``cleaned.text[start:end]``, or None.
    The offsets are relative to ``cleaned.text``.

    A match for the whole quote is preferred to a match that ignores enclosing quotation marks,
    bullets or closing punctuation. A quote never matches part of a word, number, comparator or
    unit: "5 mg" is not found in "15 mg", "-5 mg" or "5 mg/kg", and "= 5" is not found in ">= 5". A
    preceding negation is not checked.
    """
    folded = fold_clean(cleaned)
    if end is None:
        end = len(cleaned.text)
    for words in _list_forms(fold_raw(quote).tokens):
        for place in _find_places(folded, words, start):
            span = folded.clean_span(*place)
            # the places are in the order of the text, so all others end later
            if span[1] > end:
                break
            if span[0] >= start and not find_cut(folded, *place):
                return span
    return None


def _list_forms(tokens: Tokens) -> Iterator[list[str]]:
    """Yield the words of a quote and then, if it has enclosing quotation marks, bullets or closing
    punctuation, the words without them.
    """
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
    """Return whether a token at the start of a quote may be a bullet or quotation mark."""
    word = tokens.words[at]
    is_last = at + 1 == len(tokens)
    is_apart = is_last or not tokens.joined(at + 1)
    # word processors use the letter "o" as a bullet: "o Pregnancy"
    if word == "o":
        if not is_apart:
            return False
        if is_last:
            return False
        return tokens.words[at + 1][0].isalpha()
    if word == "-":
        return is_apart
    return word in _WRAPPING_BEFORE


def _find_places(
    folded: FoldedText, words: list[str], start: int = 0
) -> Iterator[Range]:
    """Yield the token range of each match of these words, starting at the offset ``start`` in the
    cleaned text. Frequent words yield only their first matches; words without a letter or digit
    yield nothing.
    """
    # a lone sign would be found everywhere
    if not any(map(str.isalnum, "".join(words))):
        return
    first = 0
    if start:
        first = folded.tokens.at(folded.folded.clean_position(start))
    most_places = _MOST_COMPARED // len(words)
    for at in islice(folded.find_words(words, first), most_places):
        yield at, at + len(words)


def _find_contradiction(
    quote: FoldedText, text: FoldedText, place: Range
) -> TokenConflict | None:
    """Return the token that contradicts the quote even though the text has the quote's words at
    ``place``: a negation immediately before the words, or a unit that differs only in case. Return
    None if nothing contradicts the quote.
    """
    first, _ = place
    if rule("denial").ends(text.tokens, first, first - 1):
        denial = text.tokens.words[first - 1]
        return TokenConflict(ConflictKind.NEGATION, "", denial)
    start, end = text.clean_span(*place)
    # The words differ only in case, so the units appear in the same order.
    units_quoted = _CASED_UNIT.findall(quote.cleaned.text)
    units_stated = _CASED_UNIT.findall(text.cleaned.text, start, end)
    for quoted, stated in zip(units_quoted, units_stated, strict=False):
        if quoted != stated and {quoted, stated} <= _CASED_UNITS:
            return TokenConflict(ConflictKind.UNIT, quoted, stated)
    return None


def _report_nearest(
    quote: FoldedText, text: FoldedText, near: int | None
) -> QuoteCheck:
    """Compare a quote with the most similar place in a text that does not contain the quote.

    The result is a conflict if a word at that place contradicts the quote. The quote is absent if
    more of its tokens differ than match, or if the differences do not change the meaning. ``near``
    is the expected offset in the raw text, or None.
    """
    expected: int | None = None
    if near is not None:
        cleaned = text.cleaned.clean_position(near)
        expected = text.tokens.at(text.folded.clean_position(cleaned))
    nearest = find_nearest_words(quote.tokens.words, text, expected)
    # a place that shares few words is not what the quote was taken from
    if nearest is None or nearest.shared < len(nearest.differences):
        return QuoteCheck(QuoteStatus.ABSENT)
    conflicts = tuple(_list_conflicts(text, nearest))
    if not conflicts:
        return QuoteCheck(QuoteStatus.ABSENT)
    span = text.raw_span(nearest.first, nearest.end)
    return QuoteCheck(QuoteStatus.CONFLICT, *span, conflicts)


def _list_conflicts(text: FoldedText, nearest: Nearest) -> Iterator[TokenConflict]:
    """Yield those differences between a quote and a place in a text that change the meaning. If the
    place has all the words of the quote, it was rejected because the quote cuts off an adjacent
    token that changes the meaning, such as "/kg" in "5 mg/kg"; this token is then the difference.
    """
    if not nearest.differences:
        cut = find_cut(text, nearest.first, nearest.end)
        if cut:
            lost = _KINDS_OF_CUTS.get(cut[0], ConflictKind.NUMBER)
            yield TokenConflict(lost, "", cut)
    for quoted, stated in nearest.differences:
        kind = compare_tokens(quoted, stated)
        if kind:
            yield TokenConflict(kind, quoted, stated)


def find_cut(text: FoldedText, first: int, end: int) -> str:
    """Return the adjacent text whose omission changes the meaning of the words ``first:end``: at
    most two tokens after the last word, or else the token before the first word. Return "" if the
    words have the same meaning on their own.

    >>> from .fold import fold_raw
    >>> text = fold_raw("platelets > 5 mg/kg at -5 degrees")
    >>> text.tokens.words
    ['platelets', '>', '5', 'mg', '/', 'kg', 'at', '-', '5', 'degrees']
    >>> [find_cut(text, *place) for place in ((1, 3), (2, 4), (2, 6), (8, 10), (7, 10))]
    ['', '/kg', '', '-', '']
    >>> text = fold_raw("per ml^2")
    >>> [find_cut(text, *place) for place in ((0, 2), (3, 4))]
    ['^2', '^']
    """
    tokens = text.tokens
    # "5 mg" of "5 mg/kg": the slash and what follows it
    if not _ends_clean(text, end):
        return tokens.read(end, min(end + 2, len(tokens)))
    if not _begins_clean(text, first):
        return tokens.words[first - 1]
    return ""


def _begins_clean(text: FoldedText, first: int) -> bool:
    """Return whether a quote can begin at token ``first`` without splitting a word, number or
    comparator. The code of a token is its kind; punctuation is its own code.
    """
    tokens = text.tokens
    codes = tokens.codes
    if first == 0:
        return True
    if first in text.inner:
        return False
    if _is_inside_word(text, first):
        return False
    code = codes[first]
    before = codes[first - 1]
    if code in _NUMBERS:
        # "2" of "ml^2"
        if before == "^":
            return False
        # "5" of "at -5"; at the start of a line, the hyphen is a bullet
        return not is_signed(tokens, first) or _is_bullet(text, first - 1)
    is_joined_hyphen = code == "-" and tokens.joined(first + 1)
    if is_joined_hyphen and codes[first + 1] in _NUMBERS:
        # "-2" of "0-2"
        if before == "^" or before in _NUMBERS:
            return False
        # "-2" of "(x)-2"
        return not (tokens.joined(first) and joins_words(tokens, first - 1))
    if code not in _SIGNS:
        return True
    # "> 5" of "< or > 5"
    return rule("comparing_front").ends(tokens, first, first - 2) is None


def _ends_clean(text: FoldedText, end: int) -> bool:
    """Return whether a quote can end before token ``end`` without splitting a word, number,
    comparator or unit.
    """
    tokens = text.tokens
    codes = tokens.codes
    if end >= len(tokens):
        return True
    last = codes[end - 1]
    after = codes[end]
    # "<" of "< or > 5"
    if last in _SIGNS:
        return rule("comparing_after").starts(tokens, end) is None
    if end in text.inner:
        return False
    if _is_inside_word(text, end):
        return False
    # "ml" of "ml^2"
    if after == "^" and (last in _NUMBERS or tokens.joined(end)):
        return False
    if after != "/":
        return True
    if not tokens.words[end - 1].isalnum():
        return True
    # "cells" of "cells/kg"
    if rule("rate_goes_on").starts(tokens, end):
        return False
    # "5 mg" of "5 mg/dose"; a number with its unit has at most six tokens
    return rule("measured").ends(tokens, end, end - 6) is None


def _is_inside_word(text: FoldedText, at: int) -> bool:
    """Return whether a token begins inside a word: "CD|19", "5|mg", or the second half of "½".
    This is the case if this token and the preceding token come from the same character of the
    cleaned text, or if they are adjacent and both have a letter or digit at the boundary.
    """
    _, end_before = text.clean_span(at - 1, at)
    start, _ = text.clean_span(at, at + 1)
    if end_before != start:
        return end_before > start
    boundary = text.tokens.words[at - 1][-1] + text.tokens.words[at][0]
    # an underscore joins words like a letter
    return boundary.replace("_", "x").isalnum()


def _is_bullet(text: FoldedText, at: int) -> bool:
    """Return whether a hyphen is the first character of its line."""
    start, _ = text.clean_span(at, at + 1)
    before = text.cleaned.text[:start].rpartition("\n")[2]
    return not before.strip()
