"""The free text of a record, ready to be searched."""

from dataclasses import dataclass

from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.patterns import Found

__all__ = ["Prose"]

_STOPS = frozenset(".;!?")
_REACH = 80
"""How many tokens a sentence is followed; what is longer is a list or a damaged text."""


@dataclass(frozen=True, slots=True)
class Prose:
    """The tokens of a section."""

    section: str
    tokens: Tokens

    @property
    def text(self) -> str:
        return self.tokens.text

    @property
    def is_title(self) -> bool:
        return self.section in {"title", "official_title"}

    def sentence(self, first: int, end: int) -> tuple[int, int]:
        """The sentence that holds some tokens, at most ``_REACH`` to either side.

        >>> from extractor.text.book import read_text
        >>> prose = Prose("title", read_text("It is open. We will enroll 12 adults. All are seen twice."))
        >>> prose.tokens.read(*prose.sentence(6, 7))
        'We will enroll 12 adults.'
        """
        low, high = max(0, first - _REACH), min(len(self.tokens), end + _REACH)
        first = next((at + 1 for at in range(first - 1, low - 1, -1) if self._stops(at)), low)
        return first, next((at + 1 for at in range(end, high) if self._stops(at)), high)

    def clause(self, at: int, reach: int) -> int:
        """Where the clause of a token begins, at most ``reach`` tokens before it."""
        low = max(0, at - reach)
        return next((one + 1 for one in range(at - 1, low - 1, -1) if self._parts_clauses(one)), low)

    def clause_end(self, at: int, end: int) -> int:
        """Where the clause of a token ends."""
        return next((one for one in range(at, end) if self._parts_clauses(one)), end)

    def paragraph_end(self, at: int, end: int) -> int | None:
        """The next full stop or blank line; None if there is none."""
        tokens = self.tokens
        stops = (one for one in range(at, end) if tokens.words[one] == "." and self._stops(one))
        blank = tokens.codes.find("\n\n", at, end)
        return next(stops, None) if blank < 0 else min(next(stops, blank), blank)

    def _parts_clauses(self, at: int) -> bool:
        return self.tokens.words[at] == ";" or (self.tokens.words[at] in ".\n" and self._stops(at))

    def has(self, name: str, first: int, end: int) -> Found | None:
        """The first place of a rule between two tokens."""
        return rule(name).search(self.tokens, first, end)

    def _stops(self, at: int) -> bool:
        word = self.tokens.words[at]
        return word == "\n" or (word in _STOPS and (at + 1 == len(self.tokens) or not self.tokens.joined(at + 1)))
