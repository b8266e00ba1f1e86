"""Fold text for the comparison of quotes: remove harmless differences, and nothing else.

Words keep their letters, numbers their digits, comparators their meaning. White space and hyphens
inside words are ignored: "5mg" is "5 mg", "0 - 2" is "0-2"; but "10 5" is never "105". A power of
ten is one word, and so is "2,4".
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from extractor.language.book import read_text, rule
from extractor.language.clean import CleanText, apply_changes, clean_text
from extractor.language.lexer import Tokens

_PLAIN = {
    "tolerance": "±",
    "unequal": "≠",
    "dashes": "-",
    "quote": "'",
    "trademark": "",
    "line_end": "  ",
}
# A number never goes on behind the end of a line, so two spaces stand there.
# Signs of several characters, joined before the text is cut into tokens.
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
# Signs that Unicode does not fold, or folds into another meaning.
_OTHERS = (
    dict.fromkeys("®™©℠\ufe0f", "")
    | dict.fromkeys("«»‹›", "'")
    | dict.fromkeys("∙⋅•‧", "·")
)
_OTHERS |= {"\u03bc": "u", "\u00b5": "u", "º": "°", "˚": "°", "≈": "~"}
_NEGATING = frozenset("\u0337\u0338\u20d2")
"""Combining strokes negate a sign; they are not accents."""
_FIRST = 0xE000
"""The first character after the surrogates. Distinct words beyond a million share one character."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldedText:
    """A cleaned text, its folded form, and the tokens of the folded form.

    ``codes`` has one character per word. ``inner`` holds tokens inside a number; no quote may begin
    with them.
    """

    cleaned: CleanText
    folded: CleanText
    tokens: Tokens
    inner: frozenset[int]
    codes: str
    alphabet: dict[str, str]

    def clean_span(self, first: int, end: int) -> tuple[int, int]:
        """Offsets into the cleaned text of ``tokens.words[first:end]``."""
        return self.folded.raw_span(
            self.tokens.starts[first], self.tokens.ends[end - 1]
        )

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets into the raw text of ``folded.text[start:end]``."""
        return self.cleaned.raw_span(*self.folded.raw_span(start, end))

    def find_words(self, words: list[str], first: int = 0) -> Iterator[int]:
        """Yield the tokens at which ``words`` begin.

        >>> list(fold_raw("5 mg/kg or 5 mg").find_words(["5", "mg"]))
        [0, 5]
        """
        wanted = "".join([self.alphabet.get(word, "\0") for word in words])
        place = self.codes.find(wanted, first) if "\0" not in wanted else -1
        while place >= 0:
            if self.tokens.words[place : place + len(words)] == words:
                yield place
            place = self.codes.find(wanted, place + 1)


@lru_cache(maxsize=8)
def fold_raw(text: str) -> FoldedText:
    r"""Fold a raw text. The last few results are cached, since many quotes are compared with one
    text.

    >>> fold_raw("Hb \\>= 8 g / dL, 10⁹").tokens.words
    ['hb', '≥', '8', 'g', '/', 'dl', ',', '10^9']
    """
    return fold_clean(clean_text(text))


@lru_cache(maxsize=64)
def fold_clean(cleaned: CleanText) -> FoldedText:
    """Fold a cleaned text.

    >>> fold_clean(clean_text("Within 4 weeks, naïve; 1½ ± ≠")).folded.text
    'within 4 weeks, naive; 1 1/2 ± ≠'
    """
    text = cleaned.text
    found = (
        (change.start(), change.end(), _replacement(change, text))
        for change in _CHANGES.finditer(text)
    )
    folded = apply_changes(
        text, [(start, end, new) for start, end, new in found if new != text[start:end]]
    )
    # Only ASCII is lowered: other characters are folded already and must keep their length.
    lower = (c.lower() if c.isascii() else c for c in folded.text)
    folded = replace(
        folded, text=folded.text.lower() if folded.text.isascii() else "".join(lower)
    )
    tokens = read_text(folded.text)
    numbers = [
        (found.first, found.end)
        for found in rule("number").find(tokens)
        if found.end > found.first + 1
    ]
    tokens, places = _join_digits(tokens)
    inner = frozenset(
        place
        for first, end in numbers
        for place in range(places[first] + 1, places[end - 1] + 1)
    )
    alphabet: dict[str, str] = {}
    codes = [
        alphabet.setdefault(word, chr(min(_FIRST + len(alphabet), sys.maxunicode)))
        for word in tokens.words
    ]
    return FoldedText(cleaned, folded, tokens, inner, "".join(codes), alphabet)


def _join_digits(tokens: Tokens) -> tuple[Tokens, list[int]]:
    """Join "10^9" and "2,4,6" into one token, and map old tokens to new ones. "2, 4" stays two
    numbers.
    """
    joined = {
        at
        for found in rule("raised").find(tokens)
        for at in range(found.first + 1, found.end)
    }
    signs = [
        at
        for found in rule("joined_digits").find(tokens)
        for at in range(found.first + 1, found.end, 2)
    ]
    joined |= {
        at + step
        for at in signs
        if tokens.joined(at) and tokens.joined(at + 1)
        for step in (0, 1)
    }
    if not joined:
        return tokens, list(range(len(tokens)))
    firsts = [at for at in range(len(tokens)) if at not in joined]
    groups = list(pairwise([*firsts, len(tokens)]))
    words = ["".join(tokens.words[first:end]) for first, end in groups]
    codes = [tokens.codes[at] for at in firsts]
    starts = [tokens.starts[at] for at in firsts]
    ends = [tokens.ends[end - 1] for _, end in groups]
    places = [
        place for place, (first, end) in enumerate(groups) for _ in range(first, end)
    ]
    return Tokens(tokens.text, words, starts, ends, "".join(codes)), places


def _replacement(found: re.Match[str], text: str) -> str:
    kind = found.lastgroup or ""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "comparator":
        return "≤" if "<" in found[0] else "≥"
    if kind == "power":
        return "^" + unicodedata.normalize("NFKC", found[0]).replace(
            "\u2212", "-"
        ).lstrip("+")
    if found[0] in _OTHERS:
        return _OTHERS[found[0]]
    decomposed = unicodedata.normalize("NFKD", found[0])
    if _NEGATING.intersection(decomposed):
        return found[0]
    folded = (
        "".join(c for c in decomposed if not unicodedata.combining(c))
        .casefold()
        .replace("\u2044", "/")
    )
    apart = text[found.start() - 1 : found.start()].isdigit() and folded[:1].isdigit()
    return f" {folded}" if apart else folded
