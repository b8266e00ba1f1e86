"""Where a quote may not be cut out of a text: not inside a word, a number, a sign, a comparator or a unit."""

from extractor.text.book import rule
from extractor.text.lexer import NAME_NUMBER, NUMBER, Tokens

from .fold import FoldedText

__all__ = ["find_denial", "is_clean_cut", "is_signed", "name_cut"]

_SIGNS = "<>=≤≥!"
_NUMBERS = NUMBER + NAME_NUMBER
_JOINING = NUMBER + NAME_NUMBER + ")]%/"
"""Behind these, as behind a word, a hyphen makes a range or a name: "18-65", "(low)-5"."""


def is_clean_cut(text: FoldedText, first: int, end: int) -> bool:
    """Whether the words ``first:end`` say in the text what they say alone, as far as their two ends show.

    >>> from .fold import fold_text
    >>> text = fold_text("platelets > 5 mg/kg at -5 degrees")
    >>> text.tokens.words
    ['platelets', '>', '5', 'mg', '/', 'kg', 'at', '-', '5', 'degrees']
    >>> [is_clean_cut(text, *place) for place in ((1, 3), (2, 4), (2, 6), (8, 10), (7, 10))]
    [True, False, True, False, True]
    """
    return _begins_clean(text, first) and _ends_clean(text, end)


def is_signed(tokens: Tokens, at: int) -> bool:
    """Whether the number at a token has a minus before it, and no hyphen of a range, a name or a list.

    >>> from extractor.text.clean import clean_text
    >>> from extractor.text.lexer import lex
    >>> [is_signed(lex(text), len(lex(text)) - 1) for text in ("T-score -5", "18-65", "IL-5", "- 5", "at 1 -5")]
    [True, False, False, False, False]
    """
    if at < 1 or tokens.codes[at - 1] != "-" or not tokens.joined(at):
        return False
    if at == 1 or tokens.codes[at - 2] == "\n":
        return True
    before = tokens.codes[at - 2]
    return before not in _NUMBERS and not (tokens.joined(at - 1) and _joins(tokens, at - 2))


def name_cut(text: FoldedText, first: int, end: int) -> str:
    """What the words ``first:end`` cut off from their first or last one, without white space; "" if nothing.

    >>> from .fold import fold_text
    >>> text = fold_text("up to 5 mg / kg, at -5 degrees")
    >>> name_cut(text, 2, 4), name_cut(text, 9, 11), name_cut(text, 0, 6)
    ('/ kg', '-', '')
    """
    tokens = text.tokens
    if not _ends_clean(text, end):
        return tokens.read(end, min(end + 2, len(tokens)))
    return "" if _begins_clean(text, first) else tokens.words[first - 1]


def find_denial(tokens: Tokens, first: int) -> int | None:
    """The token directly in front of ``first`` that denies what follows, or None.

    >>> from .fold import fold_text
    >>> [find_denial(fold_text(t).tokens, at) for t, at in (("is not stable", 2), ("no more stable", 2))]
    [1, None]
    """
    found = rule("denial").ends(tokens, first, first - 1)
    return found.first if found else None


def _joins(tokens: Tokens, at: int) -> bool:
    return tokens.words[at][-1].isalnum() or tokens.codes[at] in _JOINING


def _begins_clean(text: FoldedText, first: int) -> bool:
    tokens = text.tokens
    if not first:
        return True
    if first in text.inner or _is_inside_word(text, first):
        return False
    codes = tokens.codes
    before = codes[first - 1]
    if codes[first] in _NUMBERS:
        return before != "^" and (not is_signed(tokens, first) or _is_bullet(text, first - 1))
    if codes[first] == "-" and tokens.joined(first + 1) and codes[first + 1] in _NUMBERS:
        return before != "^" and before not in _NUMBERS and not (tokens.joined(first) and _joins(tokens, first - 1))
    return codes[first] not in _SIGNS or not rule("comparing_front").ends(tokens, first, first - 2)


def _ends_clean(text: FoldedText, end: int) -> bool:
    tokens = text.tokens
    codes = tokens.codes
    if end >= len(tokens):
        return True
    last, behind = codes[end - 1], codes[end]
    if last in _SIGNS:
        return not rule("comparing_behind").starts(tokens, end)
    if end in text.inner or _is_inside_word(text, end) or (behind == "^" and (last in _NUMBERS or tokens.joined(end))):
        return False
    if behind != "/" or not tokens.words[end - 1].isalnum():
        return True
    return not rule("rate_goes_on").starts(tokens, end) and not rule("measured").ends(tokens, end, end - 6)


def _is_inside_word(text: FoldedText, at: int) -> bool:
    """Whether the characters at both sides of a token's beginning are of one word: "CD|19", "5|mg", half of a "½"."""
    before, behind = text.tokens.words[at - 1][-1], text.tokens.words[at][0]
    if not (before.isalnum() or before == "_") or not (behind.isalnum() or behind == "_"):
        return False
    return text.clean_span(at - 1, at)[1] >= text.clean_span(at, at + 1)[0]


def _is_bullet(text: FoldedText, at: int) -> bool:
    """Whether a hyphen is the first sign of its line."""
    clean, start = text.cleaned.text, text.clean_span(at, at + 1)[0]
    return not clean[max(clean.rfind("\n", 0, start), 0) : start].strip()
