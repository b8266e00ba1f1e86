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

    def has(self, name: str, first: int, end: int) -> Found | None:
        """The first place of a rule between two tokens."""
        return rule(name).search(self.tokens, first, end)

    def _stops(self, at: int) -> bool:
        word = self.tokens.words[at]
        return word == "\n" or (word in _STOPS and (at + 1 == len(self.tokens) or not self.tokens.joined(at + 1)))
