"""Vocabularies: terms of the field as data, each with a tested example.

A vocabulary is a TOML file in ``vocabularies/`` made of entries::

    [[entry]]
    value = "intravenous"                  # what the terms mean: a member of a closed set, or a name
    terms = ["intravenous", "intravenously", "IV", "i.v."]
    patterns = ['into (?:a|the) vein']     # optional: regular expressions
    confidence = 0.98                      # optional, 1.0 if not given: how sure a match decides
    example = "30 mg/m2 IV over 30 minutes"

Two more keys, ``prior`` and ``by_hand``, are for those who estimate confidences, and ignored here.
Terms match as whole words, in any case, with any white space or hyphens where the term has a space or a hyphen,
or beside a sign.
A term of at most four letters in capitals ("IV", "OS") matches in capitals only.
With ``split_digits = true`` in front of the entries, letters and digits are words of their own:
"T1" then stands in "T1c", and "type 2" in "type2".
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby, pairwise
from operator import itemgetter

from .words import find_words

__all__ = ["Entry", "Match", "Vocabulary", "load_vocabulary"]


_WORD_START = r"(?<![^\W\d])"  # a letter may follow a digit: "14days", "5mg"


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning and the words for it."""

    value: str
    terms: tuple[str, ...]
    patterns: tuple[str, ...]
    confidence: float
    example: str


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text uses an entry. ``start:end`` is half-open in the text that was searched."""

    entry: Entry
    start: int
    end: int

    @property
    def value(self) -> str:
        return self.entry.value


class Vocabulary:
    """Entries with a table of the words that their terms begin with: a search costs what the text's length costs.

    >>> [(m.value, m.start) for m in load_vocabulary("time_units").find("for 2 wks, then 3 months")]
    [('week', 6), ('month', 18)]
    """

    def __init__(self, entries: tuple[Entry, ...], *, split_digits: bool = False) -> None:
        self.entries = entries
        self._split_digits = split_digits
        # Longer terms first, so that "progression free survival" wins over "survival".
        terms = sorted(((term, entry) for entry in entries for term in entry.terms), key=lambda pair: -len(pair[0]))
        self._by_word: dict[str, list[tuple[str, Entry]]] = {}
        for term, entry in terms:
            self._by_word.setdefault(_first_word(term), []).append((term, entry))
        self._compiled: dict[str, tuple[re.Pattern[str], list[Entry]]] = {}

    def find(self, text: str) -> Iterator[Match]:
        """All matches from left to right, the longest of those that begin together, without overlaps."""
        for start, end, entry in _drop_overlaps([*self._find_terms(text), *self._find_patterns(text)]):
            yield Match(entry, start, end)

    def find_all(self, text: str) -> list[Match]:
        """As ``find``, but a pattern may lie over terms and over other patterns: all that a text has to say."""
        found = [*_drop_overlaps(self._find_terms(text)), *self._find_patterns(text)]
        found.sort(key=itemgetter(0, 1))
        return [Match(entry, start, end) for start, end, entry in found]

    def first(self, text: str) -> Match | None:
        """The first match, or None."""
        return next(self.find(text), None)

    @property
    def pattern(self) -> str:
        """All terms and patterns as one expression without groups, to build grammars from."""
        expressions = [(len(term), _term_expression(term)) for entry in self.entries for term in entry.terms]
        expressions += [(len(pattern), pattern) for entry in self.entries for pattern in entry.patterns]
        return _join([expression for _, expression in sorted(expressions, key=lambda found: -found[0])])

    def _find_terms(self, text: str) -> list["_Found"]:
        words = find_words(text)
        found: list[_Found] = []
        for word in self._by_word.keys() & words.keys():
            expression, entries = self._alternatives(word)
            matches = (expression.match(text, place) for place in words[word])
            found += [(m.start(), m.end(), entries[(m.lastindex or 1) - 1]) for m in matches if m]
        if "" in self._by_word:  # terms that begin with a sign
            expression, entries = self._alternatives("")
            found += [(m.start(), m.end(), entries[(m.lastindex or 1) - 1]) for m in expression.finditer(text)]
        return found

    def _alternatives(self, word: str) -> tuple[re.Pattern[str], list[Entry]]:
        """The terms that begin with a word. Compiled when a text has that word: most texts have few of them."""
        if word not in self._compiled:
            terms = self._by_word[word]
            expressions = (f"({_term_expression(term, split_digits=self._split_digits)})" for term, _ in terms)
            self._compiled[word] = re.compile("|".join(expressions), re.IGNORECASE), [entry for _, entry in terms]
        return self._compiled[word]

    def _find_patterns(self, text: str) -> list["_Found"]:
        folded, has_digit = text.lower(), _DIGIT.search(text) is not None
        return [
            (match.start(), match.end(), entry)
            for pattern, entry in self._patterns
            if pattern.letters in folded and (has_digit or not pattern.digit)
            for match in pattern.expression.finditer(text)
        ]

    @cached_property
    def _patterns(self) -> list[tuple["_Pattern", Entry]]:
        return [(_compile_pattern(pattern), entry) for entry in self.entries for pattern in entry.patterns]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """An expression, and what no match can lack, which is much cheaper to ask: some letters, and perhaps a digit."""

    expression: re.Pattern[str]
    letters: str
    digit: bool


def _compile_pattern(pattern: str) -> _Pattern:
    plain = re.sub(r"\\.", " ", pattern.replace(r"\d", "0"))
    plain = re.sub(r"\(\?-i:([^()|]*)\)", r"\1", plain)
    plain = re.sub(r"\[[^\]]*\]", " ", plain)
    while (inner := re.sub(r"\([^()]*\)", "()", plain).replace("()", "  ")) != plain:
        plain = inner
    certain = "" if "|" in plain else re.sub(r".(?:[?*]|\{\d*,?\d*\})", " ", plain).lower()
    letters = max(re.findall(r"[a-z]+", certain), key=len, default="")
    return _Pattern(re.compile(pattern, re.IGNORECASE), letters, re.search(r"\d", certain) is not None)


_DIGIT = re.compile(r"\d")
_Found = tuple[int, int, Entry]
"""Start and end of a match, and its entry."""


def _drop_overlaps(found: list[_Found]) -> Iterator[_Found]:
    done = 0
    for match in sorted(found, key=lambda match: (match[0], -match[1])):
        if match[0] >= done:
            yield match
            done = match[1]


@cache
def load_vocabulary(name: str) -> Vocabulary:
    """The vocabulary in ``vocabularies/<name>.toml``, read once.

    Raises ``FileNotFoundError`` for an unknown name.
    """
    text = (files(__package__) / "vocabularies" / f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    return Vocabulary(
        tuple(
            Entry(
                value=raw["value"],
                terms=tuple(raw.get("terms", ())),
                patterns=tuple(raw.get("patterns", ())),
                confidence=raw.get("confidence", 1.0),
                example=raw["example"],
            )
            for raw in table["entry"]
        ),
        split_digits=table.get("split_digits", False),
    )


_WORD = re.compile(re.escape(_WORD_START) + r"(?P<body>(?:\(\?-i:)?(?P<letter>[A-Za-z]).*)", re.DOTALL)


def _join(expressions: list[str]) -> str:
    """One alternation.

    Neighbours that begin with a word share that test, and are parted by their first letter: both fail fast.
    """
    runs = []
    words = [(_WORD.fullmatch(expression), expression) for expression in expressions]
    for is_word, run in groupby(words, key=lambda item: item[0] is not None):
        if not is_word:
            runs += [f"(?:{expression})" for _, expression in run]
            continue
        letters: dict[str, list[str]] = {}
        for word, _ in run:
            if word:
                letters.setdefault(word["letter"].lower(), []).append(word["body"])
        parts = "|".join(f"(?=[{letter}])(?:{'|'.join(bodies)})" for letter, bodies in letters.items())
        runs.append(f"{_WORD_START}(?:{parts})")
    return "|".join(runs) or r"(?!)"


def _first_word(term: str) -> str:
    """The key of a term in the table: its first letters or digits, "" if it begins with a sign."""
    return next((word for word, places in find_words(term).items() if places[0] == 0), "")


_PIECES = re.compile(r"\w+|[^\w\s-]+")
_RUNS = re.compile(r"[^\W\d_]+|\d+|[^\w\s-]+")


def _term_expression(term: str, *, split_digits: bool = False) -> str:
    pieces: list[str] = (_RUNS if split_digits else _PIECES).findall(term)
    body = re.escape(pieces[0])
    for before, piece in pairwise(pieces):
        are_words = before.isalnum() and piece.isalnum() and not (split_digits and before.isdigit() != piece.isdigit())
        body += (r"[\s-]+" if are_words else r"[\s-]*") + re.escape(piece)
    if term.isupper() and len(re.sub(r"\W", "", term)) <= 4:
        body = f"(?-i:{body})"
    edges = _SPLIT_EDGES if split_digits else _EDGES
    return edges[_kind(term[0])][0] + body + edges[_kind(term[-1])][1]


def _kind(character: str) -> str:
    return "digit" if character.isdigit() else "letter" if character.isalpha() else "sign"


# What may not stand in front of a term, and behind it, by the kind of its first, and its last, character.
_EDGES: dict[str, tuple[str, str]] = {
    "digit": (r"(?<!\w)", r"(?!\w)"),
    "letter": (_WORD_START, r"(?!\w)"),
    "sign": ("", ""),
}
_SPLIT_EDGES: dict[str, tuple[str, str]] = {
    "digit": (r"(?<!\d)", r"(?!\d)"),
    "letter": (r"(?<![^\W\d_])", r"(?![^\W\d_]|'[a-z])"),  # "investigator's" is one word
    "sign": ("", ""),
}
