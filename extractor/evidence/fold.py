"""Fold text for comparing quotes: remove only differences that do not change the meaning.

Words keep their letters, numbers keep their digits and comparators keep their meaning. White space
and hyphens inside words are ignored, so "5mg" matches "5 mg" and "0 - 2" matches "0-2", but "10 5"
never matches "105". A power of ten is a single word, and so is "2,4".
"""

import re
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from extractor.language.book import read_text, rule
from extractor.language.clean import CleanText, apply_changes, clean_text
from extractor.language.lexer import Range, Tokens

_BY_KIND = {
    "tolerance": "±",
    "unequal": "≠",
    "dashes": "-",
    "quote": "'",
    "trademark": "",
    # Two spaces, because a number never continues on the next line.
    "line_end": "  ",
}
"""What replaces a symbol, by its kind: the name of a group of ``_CHANGES``."""
# Symbols that are replaced before the text is split into tokens.
_CHANGES = re.compile(
    r"""
      (?P<comparator>[<>]\s?(?:/\s?|[oO][rR]\s?)?=|=\s?[<>])
    | (?P<tolerance>\+\s?/\s?-)
    | (?P<unequal>!\s?=)
    | (?P<dashes>-{2,3})
    | (?P<quote>(?<![\s(]\d)(?<![\s(]\d\d)"|''|`{1,2}|\s[\u0300\u0301])
    | (?P<trademark>(?<=[A-Za-z]{3})TM(?!\w)|\s?[®™©℠])
    | (?P<line_end>\n)
    | (?P<other>[^\x00-\x7f])
    """,
    re.VERBOSE,
)
_BY_CHARACTER = (
    dict.fromkeys("®™©℠\ufe0f", "")
    | dict.fromkeys("«»‹›", "'")
    | dict.fromkeys("∙⋅•‧", "·")
)
_BY_CHARACTER |= {"\u03bc": "u", "\u00b5": "u", "º": "°", "˚": "°", "≈": "~"}
"""What replaces a character that Unicode does not fold, or whose folded form has a different
meaning.
"""
_NEGATING = frozenset("\u0337\u0338\u20d2")
"""Combining strokes, which negate a symbol and must not be treated as accents."""
_IN_SMALL_LETTERS = str.maketrans(ascii_uppercase, ascii_lowercase)
"""ASCII letters to convert to lower case. All other letters have already been folded."""
_FIRST = 0xE000
"""The first character after the surrogates, used as the code of the first word. If a text has more
than a million distinct words, the remaining words share one character.
"""


@dataclass(frozen=True, slots=True, eq=False)
class FoldedText:
    """A cleaned text, its folded form, and the tokens of the folded form.

    Attributes:
        cleaned: The text before it was folded.
        folded: The folded text, with a map from its characters to the cleaned text.
        tokens: The tokens of the folded text.
        inner: The tokens inside each number, except its first token: "x" and "10^9" in "5 x 10^9".
            A quote cannot begin with one of these tokens.
        codes: One character per token. The same word always has the same character, and different
            words have different characters unless the text has more than a million distinct words.
        alphabet: The character of each word.
    """

    cleaned: CleanText
    folded: CleanText
    tokens: Tokens
    inner: frozenset[int]
    codes: str
    alphabet: dict[str, str]

    def clean_span(self, first: int, end: int) -> Range:
        """Return the offsets of the tokens ``first:end`` in the cleaned text."""
        return self.folded.raw_span(*self.tokens.span(first, end))

    def raw_span(self, first: int, end: int) -> Range:
        """Return the offsets of the tokens ``first:end`` in the raw text."""
        return self.cleaned.raw_span(*self.clean_span(first, end))

    def find_words(self, words: list[str], first: int = 0) -> Iterator[int]:
        """Yield the index of every token, from token ``first`` on, at which the sequence ``words``
        begins. Matches may overlap.

        >>> list(fold_raw("5 mg/kg or 5 mg").find_words(["5", "mg"]))
        [0, 5]
        """
        # "\0" for a word that is not in the text
        codes = "".join([self.alphabet.get(word, "\0") for word in words])
        if "\0" in codes:
            return
        at = self.codes.find(codes, first)
        while at >= 0:
            # Words beyond the first million share one character, so compare the words as well.
            if self.tokens.words[at : at + len(words)] == words:
                yield at
            at = self.codes.find(codes, at + 1)


@lru_cache(maxsize=8)
def fold_raw(text: str) -> FoldedText:
    r"""Fold a raw text. Recent results are cached, since many quotes are compared with the same
    text.

    >>> fold_raw("Hb \\>= 8 g / dL, 10⁹").tokens.words
    ['hb', '≥', '8', 'g', '/', 'dl', ',', '10^9']
    """
    return fold_clean(clean_text(text))


@lru_cache(maxsize=64)
def fold_clean(cleaned: CleanText) -> FoldedText:
    """Fold a cleaned text: convert symbols and letters to their plain lower-case forms, and merge
    a power of ten or "2,4" into one token. Recent results are cached.

    >>> fold_clean(clean_text("Within 4 weeks, naïve; 1½ ± ≠")).folded.text
    'within 4 weeks, naive; 1 1/2 ± ≠'
    """
    text = cleaned.text
    changes = [
        (symbol.start(), symbol.end(), _replace_symbol(symbol, text))
        for symbol in _CHANGES.finditer(text)
    ]
    folded = apply_changes(text, changes)
    folded = replace(folded, text=folded.text.translate(_IN_SMALL_LETTERS))
    tokens = read_text(folded.text)
    numbers = list(rule("number").find(tokens))
    firsts = _list_joined_firsts(tokens)
    tokens = _join_tokens(tokens, firsts)
    inner: set[int] = set()
    for number in numbers:
        # all joined tokens of the number except the first: ``bisect_right`` counts those up to one
        first = bisect_right(firsts, number.first)
        inner.update(range(first, bisect_right(firsts, number.end - 1)))
    alphabet: dict[str, str] = {}
    codes: list[str] = []
    for word in tokens.words:
        new_code = chr(min(_FIRST + len(alphabet), sys.maxunicode))
        codes.append(alphabet.setdefault(word, new_code))
    return FoldedText(
        cleaned, folded, tokens, frozenset(inner), "".join(codes), alphabet
    )


def _list_joined_firsts(tokens: Tokens) -> list[int]:
    """Return the indexes of the tokens that begin a word of the folded text. "10^9" and "2,4,6" are
    one word each, but "2, 4" is two numbers.
    """
    joined: set[int] = set()
    # "10^9" is compared as a whole, so that "10" alone is another number
    for power in rule("raised").find(tokens):
        joined.update(range(power.first + 1, power.end))
    for digits in rule("joined_digits").find(tokens):
        for comma in range(digits.first + 1, digits.end, 2):
            if tokens.joined(comma) and tokens.joined(comma + 1):
                joined.update((comma, comma + 1))
    return [at for at in range(len(tokens)) if at not in joined]


def _join_tokens(tokens: Tokens, firsts: list[int]) -> Tokens:
    """Return the tokens, merging each token in ``firsts`` with the tokens between it and the next
    token in ``firsts``.
    """
    if len(firsts) == len(tokens):
        return tokens
    stops = [*firsts[1:], len(tokens)]
    return Tokens(
        tokens.text,
        [
            "".join(tokens.words[at:stop])
            for at, stop in zip(firsts, stops, strict=True)
        ],
        [tokens.starts[at] for at in firsts],
        [tokens.ends[stop - 1] for stop in stops],
        "".join(tokens.codes[at] for at in firsts),
    )


def _replace_symbol(symbol: re.Match[str], text: str) -> str:
    """Return the folded text that replaces a symbol. A comparator with an equals sign becomes a
    single character, and a letter loses its accents and becomes small. A symbol with a combining
    stroke, such as "≠", is left unchanged, because without the stroke it would mean the opposite.
    A fraction after a digit gets a space before it.

    Args:
        symbol: A match for ``_CHANGES``, whose group name is the kind of symbol.
        text: The whole text that contains the symbol.
    """
    kind = symbol.lastgroup or ""
    written = symbol[0]
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind == "comparator":
        # always with "=", as in "< or =": "<" alone is no match of ``_CHANGES``
        if "<" in written:
            return "≤"
        return "≥"
    if written in _BY_CHARACTER:
        return _BY_CHARACTER[written]
    decomposed = unicodedata.normalize("NFKD", written)
    if _NEGATING.intersection(decomposed):
        return written
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    folded = plain.casefold().replace("\u2044", "/")
    follows_digit = text[symbol.start() - 1 : symbol.start()].isdigit()
    # "1½" is "1 1/2", not "11/2"
    if follows_digit and folded[:1].isdigit():
        return f" {folded}"
    return folded
