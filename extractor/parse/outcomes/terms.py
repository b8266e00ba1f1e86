"""Fast look-up of a large vocabulary: words by a table, patterns by expressions."""

import re
from collections.abc import Iterator

from extractor.parse.vocabulary import Entry, Match, Vocabulary

__all__ = ["TermIndex"]

_TOKEN = re.compile(r"\w+|[^\w\s-]")
_SHORT = 4


class TermIndex:
    """The entries of a vocabulary by their words, so that a search is linear in the text alone.

    Terms match as ``Vocabulary`` says; a hyphen and a space are the same everywhere.

    >>> from extractor.parse.vocabulary import load_vocabulary
    >>> [(m.value, m.start) for m in TermIndex(load_vocabulary("time_units")).find("2 wks or 3 months")]
    [('week', 2), ('month', 11)]
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._terms: dict[tuple[str, ...], tuple[Entry, bool]] = {}
        for entry in vocabulary.entries:
            for term in entry.terms:
                capitals = term.isupper() and len(re.sub(r"\W", "", term)) <= _SHORT
                self._terms.setdefault(tuple(_TOKEN.findall(term.lower())), (entry, capitals))
        self._longest = max(map(len, self._terms), default=0)
        self._first_words = {words[0] for words in self._terms}
        self._patterns = [
            (re.compile(pattern, re.IGNORECASE), entry) for entry in vocabulary.entries for pattern in entry.patterns
        ]

    def find(self, text: str) -> Iterator[Match]:
        """All matches from left to right, the longest of those that begin together, without overlaps."""
        found = [*self._find_terms(text), *self._find_patterns(text)]
        done = 0
        for match in sorted(found, key=lambda match: (match.start, -match.end)):
            if match.start >= done:
                yield match
                done = match.end

    def _find_terms(self, text: str) -> Iterator[Match]:
        tokens = [(token[0].lower(), token.start(), token.end()) for token in _TOKEN.finditer(text)]
        words = [word for word, _, _ in tokens]
        for i, word in enumerate(words):
            if word not in self._first_words:
                continue
            for length in range(min(self._longest, len(words) - i), 0, -1):
                entry, capitals = self._terms.get(tuple(words[i : i + length]), (None, False))
                start, end = tokens[i][1], tokens[i + length - 1][2]
                if entry and (not capitals or text[start:end].isupper()):
                    yield Match(entry, start, end)
                    break

    def _find_patterns(self, text: str) -> Iterator[Match]:
        for pattern, entry in self._patterns:
            for found in pattern.finditer(text):
                yield Match(entry, found.start(), found.end())
