"""Text in the form in which quotes are compared: all that is harmless is made alike, and nothing else.

Words keep their letters, numbers their digits, comparators their meaning. White space stays only where it parts two
words or two numbers, so that "5mg" is "5 mg" and "0 - 2" is "0-2", but "10 5" is never "105".
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from extractor.text.clean import CleanText, clean_text

__all__ = ["FoldedText", "fold_clean", "fold_text"]

_PLAIN = {"tolerance": "±", "unequal": "≠", "dashes": "-", "quote": "'", "trademark": ""}
_CHANGES = re.compile(
    r"""
      (?P<comparator>[<>]\s?(?:/\s?|[oO][rR]\s?)?=|=\s?[<>])
    | (?P<tolerance>\+\s?/\s?-)
    | (?P<unequal>!\s?=)
    | (?P<dashes>-{2,3})
    | (?P<quote>(?<![\s(]\d)(?<![\s(]\d\d)"|''|`{1,2}|\s[\u0300\u0301])
    | (?P<power>(?<=\d)[⁻⁺]?[⁰¹²³⁴-⁹]+)
    | (?P<trademark>(?<=[A-Za-z]{3})TM(?!\w)|\s?[®™©℠])
    | (?P<space>\s+)
    | (?P<other>[^\x00-\x7f])
    """,
    re.VERBOSE,
)
# What Unicode would fold into something else than what is meant, or would not fold.
_OTHERS = dict.fromkeys("®™©℠\ufe0f", "") | dict.fromkeys("«»‹›", "'") | dict.fromkeys("∙⋅•‧", "·")
_OTHERS |= {"\u03bc": "u", "\u00b5": "u", "º": "°", "˚": "°", "≈": "~"}
_NEGATING = frozenset("\u0337\u0338\u20d2")
"""Combining strokes turn a sign into its opposite: they are no accents."""


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A folded text, the cleaned text it comes from, and how both lead back to the raw text."""

    folded: CleanText
    cleaned: CleanText

    def clean_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the cleaned text of ``folded.text[start:end]``."""
        return self.folded.raw_span(start, end)

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the raw text of ``folded.text[start:end]``."""
        return self.cleaned.raw_span(*self.folded.raw_span(start, end))


@lru_cache(maxsize=8)
def fold_text(text: str) -> FoldedText:
    r"""A raw text, folded. The last few are kept: many quotes are held against one text.

    >>> fold_text("Hb \\>= 8 g / dL").folded.text
    'hb≥8g/dl'
    """
    cleaned = clean_text(text)
    return FoldedText(fold_clean(cleaned.text), cleaned)


@lru_cache(maxsize=64)
def fold_clean(text: str) -> CleanText:
    """Cleaned text, folded, with a map to the cleaned text.

    >>> fold_clean("Within 4 weeks, naïve; 1½ ± ≠").text
    'within4weeks,naive;1 1/2±≠'
    """
    pieces: list[str] = []
    starts, ends, clean_starts, clean_ends = [], [], [], []
    length = done = 0
    for found in _CHANGES.finditer(text):
        start, end = found.span()
        new = _replacement(found, text)
        if new == found[0]:
            continue
        pieces += (text[done:start], new)
        starts.append(length + start - done)
        length = starts[-1] + len(new)
        ends.append(length)
        clean_starts.append(start)
        clean_ends.append(end)
        done = end
    pieces.append(text[done:])
    return CleanText(_lower("".join(pieces)), tuple(starts), tuple(ends), tuple(clean_starts), tuple(clean_ends))


def _replacement(found: re.Match[str], text: str) -> str:
    kind = found.lastgroup or ""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "comparator":
        return "≤" if "<" in found[0] else "≥"
    if kind == "power":
        return "^" + unicodedata.normalize("NFKC", found[0]).replace("\u2212", "-").lstrip("+")
    if kind == "space":
        return " " if _parts_tokens(_shown_before(text, found.start()), text[found.end() : found.end() + 1]) else ""
    return _fold_character(found[0], text[found.start() - 1 : found.start()])


def _shown_before(text: str, position: int) -> str:
    """The character that stands before a position when accents and signs of a trade mark are gone."""
    while position > 1 and (text[position - 1].isspace() or _vanishes(text[position - 1])):
        position -= 1
    return text[position - 1 : position]


def _vanishes(character: str) -> bool:
    return not character.isascii() and not _fold_character(character, "")


def _parts_tokens(before: str, after: str) -> bool:
    """Whether white space between two characters keeps two words or two numbers apart."""
    if not before or not after:
        return False
    if not (before + after).isascii():
        before, after = _fold_character(before, "")[-1:], _fold_character(after, "")[:1]
    return (before.isalpha() and after.isalpha()) or (_in_number(before) and _in_number(after))


def _in_number(character: str) -> bool:
    return character.isdigit() or character in (".", ",")


def _fold_character(character: str, before: str) -> str:
    if character in _OTHERS:
        return _OTHERS[character]
    decomposed = unicodedata.normalize("NFKD", character)
    if _NEGATING.intersection(decomposed):
        return character
    folded = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().replace("\u2044", "/")
    apart = before.isdigit() and folded[:1].isdigit()
    return f" {folded}" if apart else folded


def _lower(text: str) -> str:
    """In lower case, character by character: what is left beside ASCII has been folded."""
    return text.lower() if text.isascii() else "".join(c.lower() if c.isascii() else c for c in text)
