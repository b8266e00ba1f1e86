"""Vocabularies: terms of the field as data, all terms of one found in one pass over the tokens of a text.

A vocabulary is a file ``rulebook/terms/<name>.toml`` made of entries::

    [[entry]]
    value = "intravenous"                     # what the terms mean: a member of a closed set, or a name
    terms = ["intravenous", "IV", "i.v."]
    rules = ["into ( a | the ) vein"]         # optional: rules over tokens, as in ``patterns``
    confidence = 0.98                         # optional, 1.0 if not given: how sure a match decides
    example = "30 mg/m2 IV over 30 minutes"

Terms match whole words, in any case, with white space or a hyphen between them or without ("CD 19", "CD-19", "CD19").
A word of at most four letters in capitals ("IV", "OS") matches in capitals alone.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import ahocorasick

from .lexer import LEXICON, NAME_NUMBER, NUMBER, Lexicon, Tokens, lex

__all__ = ["Entry", "Term", "TermFinder", "drop_overlaps", "read_entries", "word_set"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One meaning and the words for it."""

    vocabulary: str
    value: str
    terms: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    confidence: float = 1.0
    example: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """Where a text uses an entry: ``tokens.words[first:end]``."""

    entry: Entry
    first: int
    end: int

    @property
    def value(self) -> str:
        return self.entry.value


class TermFinder:
    """Finds the terms of a vocabulary in one pass.

    >>> words = Lexicon()
    >>> finder = TermFinder([Entry("markers", "CD19", ("CD19",)), Entry("markers", "BCMA", ("BCMA",))], words)
    >>> tokens = lex("CD-19 and CD20, or BCMA", words)
    >>> [(term.value, term.first, term.end) for term in finder.find(tokens, 0, len(tokens))]
    [('CD19', 0, 2), ('BCMA', 7, 8)]
    """

    def __init__(self, entries: Sequence[Entry], lexicon: Lexicon = LEXICON) -> None:
        self._lexicon = lexicon
        self._entries = entries
        for entry in entries:
            for term in entry.terms:
                words = lex(term, lexicon).words
                for word, behind in zip(words, [*words[1:], ""], strict=True):
                    code = lexicon.add(word) if word[0].isalpha() else ""
                    if code and behind[:1].isdigit():
                        lexicon.named.add(code)

    @cached_property
    def _automaton(self) -> Any:
        known: dict[str, list[tuple[tuple[tuple[int, str], ...], Entry]]] = {}
        for entry in self._entries:
            for term in entry.terms:
                tokens = lex(term, self._lexicon)
                numbers = tuple(
                    (at, tokens.words[at].lower()) for at, code in enumerate(tokens.codes) if code in _NUMBERS
                )
                choices = [
                    self._lexicon.find(word) if word[0].isalpha() else code
                    for word, code in zip(tokens.words, tokens.codes, strict=True)
                ]
                for codes in product(*(_either(codes) for codes in choices)):
                    known.setdefault("".join(codes), []).append((numbers, entry))
        automaton = ahocorasick.Automaton()
        for spelled, meanings in known.items():
            automaton.add_word(spelled, (len(spelled), meanings))
        automaton.make_automaton()
        return automaton

    def find(self, tokens: Tokens, first: int, end: int) -> list[Term]:
        """The terms from left to right, the longest of those that begin together, without overlaps."""
        found = []
        if not self._automaton:  # a vocabulary of rules alone
            return []
        for last, (length, meanings) in self._automaton.iter(tokens.codes, first, end):
            start = last + 1 - length
            for numbers, entry in meanings:
                if all(tokens.words[start + at].lower() == number for at, number in numbers):
                    found.append(Term(entry, start, last + 1))
        return list(drop_overlaps(found)) if len(found) > 1 else found


_NUMBERS = NUMBER + NAME_NUMBER


def _either(codes: str) -> str:
    return _NUMBERS if codes in _NUMBERS else codes


def word_set(words: str) -> frozenset[str]:
    """Words that white space parts, as a set.

    >>> sorted(word_set("CR PR"))
    ['CR', 'PR']
    """
    return frozenset(words.split())


def drop_overlaps(terms: list[Term]) -> Iterator[Term]:
    """From left to right, the longest of those that begin together."""
    done = 0
    for term in sorted(terms, key=lambda term: (term.first, -term.end)):
        if term.first >= done:
            yield term
            done = term.end


def read_entries(vocabulary: str, text: str) -> tuple[Entry, ...]:
    """The entries of one file."""
    return tuple(
        Entry(
            vocabulary,
            value=entry["value"],
            terms=tuple(entry.get("terms", ())),
            rules=tuple(entry.get("rules", ())),
            confidence=entry.get("confidence", 1.0),
            example=entry["example"],
        )
        for entry in tomllib.loads(text)["entry"]
    )
