"""Vocabularies: terms of the field as data, each with a tested example.

A vocabulary is a TOML file in ``vocabularies/`` made of entries::

    [[entry]]
    value = "intravenous"                  # what the terms mean: a member of a closed set, or a name
    terms = ["intravenous", "intravenously", "IV", "i.v."]
    patterns = ['into (?:a|the) vein']     # optional: regular expressions
    confidence = 0.98                      # optional, 1.0 if not given: how sure a match decides
    example = "30 mg/m2 IV over 30 minutes"

Terms match as whole words, in any case, with any white space or hyphen where the term has a space.
A term of at most four letters in capitals ("IV", "OS") matches in capitals only.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

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
    """Entries compiled to one expression.

    >>> [(m.value, m.start) for m in load_vocabulary("time_units").find("for 2 wks, then 3 months")]
    [('week', 6), ('month', 18)]
    """

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries = entries
        # Longer terms first, so that "progression free survival" wins over "survival".
        expressions = [(len(t), _term_expression(t), e) for e in entries for t in e.terms]
        expressions += [(len(p), p, e) for e in entries for p in e.patterns]
        expressions.sort(key=lambda found: -found[0])
        self._by_group = {f"g{i}": entry for i, (_, _, entry) in enumerate(expressions)}
        self._expression = re.compile(_join([expression for _, expression, _ in expressions]), re.IGNORECASE)

    def find(self, text: str, start: int = 0) -> Iterator[Match]:
        """All matches from left to right, the longest term first, without overlaps."""
        for found in self._expression.finditer(text, start):
            yield Match(self._by_group[found.lastgroup or ""], found.start(), found.end())

    def first(self, text: str) -> Match | None:
        """The first match, or None."""
        return next(self.find(text), None)

    @property
    def pattern(self) -> str:
        """All terms as one expression without named groups, to build grammars from."""
        return re.sub(r"\(\?P<g\d+>", "(?:", self._expression.pattern)


@cache
def load_vocabulary(name: str) -> Vocabulary:
    """The vocabulary in ``vocabularies/<name>.toml``, read once.

    Raises ``FileNotFoundError`` for an unknown name.
    """
    text = (files(__package__) / "vocabularies" / f"{name}.toml").read_text("utf-8")
    return Vocabulary(
        tuple(
            Entry(
                value=raw["value"],
                terms=tuple(raw.get("terms", ())),
                patterns=tuple(raw.get("patterns", ())),
                confidence=raw.get("confidence", 1.0),
                example=raw["example"],
            )
            for raw in tomllib.loads(text)["entry"]
        )
    )


_WORD = re.compile(re.escape(_WORD_START) + r"(?P<body>(?:\(\?-i:)?(?P<letter>[A-Za-z]).*)", re.DOTALL)


def _join(expressions: list[str]) -> str:
    """One alternation with a group for each.

    Neighbours that begin with a word share that test, and are parted by their first letter: both fail fast.
    """
    runs = []
    words = [_WORD.fullmatch(expression) for expression in expressions]
    for is_word, run in groupby(enumerate(words), key=lambda item: item[1] is not None):
        if not is_word:
            runs += [f"(?P<g{i}>{expressions[i]})" for i, _ in run]
            continue
        letters: dict[str, list[str]] = {}
        for i, word in run:
            if word:
                letters.setdefault(word["letter"].lower(), []).append(f"(?P<g{i}>{word['body']})")
        parts = "|".join(f"(?=[{letter}])(?:{'|'.join(bodies)})" for letter, bodies in letters.items())
        runs.append(f"{_WORD_START}(?:{parts})")
    return "|".join(runs) or r"(?!)"


def _term_expression(term: str) -> str:
    body = r"[\s-]+".join(re.escape(word) for word in term.split())
    if term.isupper() and len(re.sub(r"\W", "", term)) <= 4:
        body = f"(?-i:{body})"
    before = r"(?<!\w)" if term[0].isdigit() else _WORD_START if term[0].isalpha() else ""
    after = r"(?!\w)" if term[-1].isalnum() else ""
    return f"{before}{body}{after}"
