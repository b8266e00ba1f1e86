"""Text as the words in which quotes are compared: all that is harmless is made alike, and nothing else.

Words keep their letters, numbers their digits, comparators their meaning. White space and the hyphens inside words do
not count: "5mg" is "5 mg", "0 - 2" is "0-2"; but "10 5" is never "105". A power of ten is one word, and so is "2,4".
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from extractor.text.book import load_book, rule
from extractor.text.clean import CleanText, clean_text
from extractor.text.lexer import Tokens, lex

_PLAIN = {"tolerance": "±", "unequal": "≠", "dashes": "-", "quote": "'", "trademark": "", "line_end": " "}
# Signs of several characters, which must be one before the text is cut into tokens.
_CHANGES = re.compile(
    r"""
      (?P<comparator>[<>]\s?(?:/\s?|[oO][rR]\s?)?=|=\s?[<>])
    | (?P<tolerance>\+\s?/\s?-)
    | (?P<unequal>!\s?=)
    | (?P<dashes>-{2,3})
    | (?P<quote>(?<![\s(]\d)(?<![\s(]\d\d)"|''|`{1,2}|\s[\u0300\u0301])
    | (?P<power>(?<=\d)[⁻⁺]?[⁰¹²³⁴-⁹]+)
    | (?P<trademark>(?<=[A-Za-z]{3})TM(?!\w)|\s?[®™©℠])
    | (?P<line_end>\n)
    | (?P<other>[^\x00-\x7f])
    """,
    re.VERBOSE,
)
# What Unicode would fold into something else than what is meant, or would not fold.
_OTHERS = dict.fromkeys("®™©℠\ufe0f", "") | dict.fromkeys("«»‹›", "'") | dict.fromkeys("∙⋅•‧", "·")
_OTHERS |= {"\u03bc": "u", "\u00b5": "u", "º": "°", "˚": "°", "≈": "~"}
_NEGATING = frozenset("\u0337\u0338\u20d2")
"""Combining strokes turn a sign into its opposite: they are no accents."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldedText:
    """A cleaned text, the same folded, and the tokens of the folded text.

    ``codes`` has a character for each word; ``inner`` are tokens inside a number, which no quote may begin with.
    """

    cleaned: CleanText
    folded: CleanText
    tokens: Tokens
    inner: frozenset[int]
    codes: str
    alphabet: dict[str, str]

    def clean_span(self, first: int, end: int) -> tuple[int, int]:
        """Offsets into the cleaned text of ``tokens.words[first:end]``."""
        return self.folded.raw_span(self.tokens.starts[first], self.tokens.ends[end - 1])

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the raw text of ``folded.text[start:end]``."""
        return self.cleaned.raw_span(*self.folded.raw_span(start, end))

    def find(self, words: list[str], first: int = 0) -> Iterator[int]:
        """The tokens at which these words begin.

        >>> list(fold_text("5 mg/kg or 5 mg").find(["5", "mg"]))
        [0, 5]
        """
        wanted = "".join([self.alphabet.get(word, "\0") for word in words])
        place = self.codes.find(wanted, first) if "\0" not in wanted else -1
        while place >= 0:
            if self.tokens.words[place : place + len(words)] == words:
                yield place
            place = self.codes.find(wanted, place + 1)


@lru_cache(maxsize=8)
def fold_text(text: str) -> FoldedText:
    r"""A raw text, folded. The last few are kept: many quotes are held against one text.

    >>> fold_text("Hb \\>= 8 g / dL, 10⁹").tokens.words
    ['hb', '≥', '8', 'g', '/', 'dl', ',', '10^9']
    """
    return fold_clean(clean_text(text))


@lru_cache(maxsize=64)
def fold_clean(cleaned: CleanText) -> FoldedText:
    """A cleaned text, folded.

    >>> fold_clean(clean_text("Within 4 weeks, naïve; 1½ ± ≠")).folded.text
    'within 4 weeks, naive; 1 1/2 ± ≠'
    """
    folded = _fold(cleaned.text)
    load_book()  # all its words must be known before a text is read
    tokens = lex(folded.text)
    numbers = [(found.first, found.end) for found in rule("number").find(tokens) if found.end > found.first + 1]
    tokens, places = _join_digits(tokens)
    inner = frozenset(place for first, end in numbers for place in range(places[first] + 1, places[end - 1] + 1))
    alphabet: dict[str, str] = {}
    codes = [alphabet.setdefault(word, chr(min(_FIRST + len(alphabet), sys.maxunicode))) for word in tokens.words]
    return FoldedText(cleaned, folded, tokens, inner, "".join(codes), alphabet)


_FIRST = 0xE000
"""Behind the surrogates. A text of more than a million different words gives the last ones the same character."""


def _join_digits(tokens: Tokens) -> tuple[Tokens, list[int]]:
    """The tokens with "10^9" and "2,4,6" as one, and which of them each old one is. "2, 4" are two numbers."""
    words, codes = list[str](), list[str]()
    starts, ends, places = list[int](), list[int](), list[int]()
    joined = {at for found in rule("raised").find(tokens) for at in range(found.first + 1, found.end)}
    signs = [at for found in rule("joined_digits").find(tokens) for at in range(found.first + 1, found.end, 2)]
    joined |= {at + step for at in signs if tokens.joined(at) and tokens.joined(at + 1) for step in (0, 1)}
    for at, word in enumerate(tokens.words):
        if at in joined:
            words[-1] += word
            ends[-1] = tokens.ends[at]
        else:
            words.append(word)
            starts.append(tokens.starts[at])
            ends.append(tokens.ends[at])
            codes.append(tokens.codes[at])
        places.append(len(words) - 1)
    return Tokens(tokens.text, words, starts, ends, "".join(codes)), places


def _fold(text: str) -> CleanText:
    """Cleaned text, folded, with a map to the cleaned text."""
    pieces: list[str] = []
    starts, ends, clean_starts, clean_ends = [], [], [], []
    length = done = 0
    for found in _CHANGES.finditer(text):
        start, end = found.span()
        new = _replacement(found, text)
        if new == found[0]:
            continue
        pieces += (text[done:start], new)
        length += start - done
        starts.append(length)
        length += len(new)
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
    return _fold_character(found[0], text[found.start() - 1 : found.start()])


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
