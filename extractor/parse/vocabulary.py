"""Vocabularies: terms of the field as data, each with a tested example.

A vocabulary is a TOML file in ``extractor/rulebook/terms/`` made of entries::

    [[entry]]
    value = "intravenous"                  # what the terms mean: a member of a closed set, or a name
    terms = ["intravenous", "intravenously", "IV", "i.v."]
    patterns = ['into (?:a|the) vein']     # optional: regular expressions
    confidence = 0.98                      # optional, 1.0 if not given: how sure a match decides
    example = "30 mg/m2 IV over 30 minutes"

Terms match as whole words, in any case, with any white space or hyphens where the term has a space or a hyphen,
or beside a sign.
A term of at most four letters in capitals ("IV", "OS") matches in capitals only.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import groupby
from typing import NamedTuple

from .requirements import Requirement, find_requirement
from .terms import WORD_START, TermTable, write_expression
from .words import PlainTwin

__all__ = ["Entry", "Match", "Vocabulary", "load_vocabulary"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning and the words for it."""

    value: str
    terms: tuple[str, ...]
    patterns: tuple[str, ...]
    confidence: float
    example: str


class Match(NamedTuple):
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

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        self._terms = TermTable((term, entry) for entry in entries for term in entry.terms)

    def find(self, text: str) -> Iterator[Match]:
        """All matches from left to right, the longest of those that begin together, without overlaps."""
        for start, end, entry in _drop_overlaps([*self._terms.find(text), *self._find_patterns(text)]):
            yield Match(entry, start, end)

    def first(self, text: str) -> Match | None:
        """The first match, or None."""
        return next(self.find(text), None)

    @property
    def pattern(self) -> str:
        """All terms and patterns as one expression without groups, to build grammars from."""
        expressions = [(len(term), write_expression(term)) for entry in self.entries for term in entry.terms]
        expressions += [(len(pattern), pattern) for entry in self.entries for pattern in entry.patterns]
        return _join([expression for _, expression in sorted(expressions, key=lambda found: -found[0])])

    def _find_patterns(self, text: str) -> list["_Found"]:
        return [
            (match.start(), match.end(), entry)
            for _, expression, entry in self._list_usable(text)
            for match in expression.finditer(text)
        ]

    def _list_usable(self, text: str) -> list["_Pattern"]:
        """The patterns that can match in a text: all that they need is there."""
        if not self._patterns:
            return []
        folded = text.lower()
        has, has_digit = folded.__contains__, _DIGIT.of(text).search(text) is not None
        return [
            (needed, expression, entry)
            for needed, expression, entry in self._patterns
            if (has_digit or not needed.digit) and needed.letters in folded
            if not needed.choices or any(map(has, needed.choices))
        ]

    @cached_property
    def _patterns(self) -> list["_Pattern"]:
        return [
            (find_requirement(pattern), re.compile(pattern, re.IGNORECASE), entry)
            for entry in self.entries
            for pattern in entry.patterns
        ]


_DIGIT = PlainTwin(r"\d", "[0-9]")
_Pattern = tuple[Requirement, re.Pattern[str], Entry]
"""What a text needs for a match, the expression, and its entry."""
_Found = tuple[int, int, Entry]
"""Start and end of a match, and its entry."""


def _drop_overlaps(found: list[_Found]) -> Iterator[_Found]:
    done = 0
    for match in sorted(found, key=_order) if len(found) > 1 else found:
        if match[0] >= done:
            yield match
            done = match[1]


def _order(found: _Found) -> tuple[int, int]:
    return found[0], -found[1]


@cache
def load_vocabulary(name: str) -> Vocabulary:
    """The vocabulary in ``rulebook/terms/<name>.toml``, read once.

    Raises ``FileNotFoundError`` for an unknown name.
    """
    text = (files("extractor") / "rulebook" / "terms" / f"{name}.toml").read_text("utf-8")
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
        )
    )


_WORD = re.compile(re.escape(WORD_START) + r"(?P<body>(?:\(\?-i:)?(?P<letter>[A-Za-z]).*)", re.DOTALL)


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
        runs.append(f"{WORD_START}(?:{parts})")
    return "|".join(runs) or r"(?!)"
