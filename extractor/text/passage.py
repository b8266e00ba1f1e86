"""A run of tokens of a section, which knows where its characters stand in the raw text."""

from collections.abc import Iterator
from dataclasses import dataclass

from .book import read_text
from .clean import CleanText, clean_text
from .lexer import Tokens

__all__ = ["Passage", "Section", "read_passage", "read_section"]


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A section of a record, read once: raw text, cleaned text and tokens."""

    name: str
    raw: str
    cleaned: CleanText
    tokens: Tokens

    @property
    def whole(self) -> "Passage":
        """All of it."""
        return Passage(self, 0, len(self.tokens))

    def lines(self) -> Iterator["Passage"]:
        r"""The lines that are not empty, without their ends.

        >>> [line.text for line in read_section("eligibility", "- Age > 18\n\n- ECOG 0").lines()]
        ['- Age > 18', '- ECOG 0']
        """
        first = 0
        for end in [*(at for at, code in enumerate(self.tokens.codes) if code == "\n"), len(self.tokens)]:
            if end > first:
                yield Passage(self, first, end)
            first = end + 1

    def between(self, start: int, end: int) -> "Passage":
        """The tokens between two raw offsets."""
        tokens = self.tokens
        return Passage(
            self, tokens.at(self.cleaned.clean_position(start)), tokens.before(self.cleaned.clean_position(end))
        )


@dataclass(frozen=True, slots=True)
class Passage:
    r"""``section.tokens.words[first:end]``.

    >>> passage = read_section("eligibility", r"HbA1c \> 7%").whole
    >>> passage.text, passage.raw_span, passage.raw
    ('HbA1c > 7%', (0, 11), 'HbA1c \\> 7%')
    """

    section: Section
    first: int
    end: int

    @property
    def tokens(self) -> Tokens:
        return self.section.tokens

    @property
    def text(self) -> str:
        """The cleaned text."""
        return self.tokens.read(self.first, self.end)

    @property
    def raw_span(self) -> tuple[int, int]:
        """Half-open offsets into the raw text of the section."""
        if self.end <= self.first:
            return 0, 0
        return self.section.cleaned.raw_span(self.tokens.starts[self.first], self.tokens.ends[self.end - 1])

    @property
    def raw(self) -> str:
        """The raw characters."""
        start, end = self.raw_span
        return self.section.raw[start:end]

    def part(self, first: int, end: int) -> "Passage":
        """Other tokens of the same section."""
        return Passage(self.section, first, end)

    def alone(self) -> "Passage":
        r"""The same characters in one line, with no tokens around them: no rule looks beyond them.

        >>> read_section("eligibility", "- Age\n  over 18").whole.part(1, 5).alone().tokens.words
        ['Age', 'over', '18']
        """
        section = self.section
        tokens = self.tokens.cut(self.first, self.end)
        return Passage(Section(section.name, section.raw, section.cleaned, tokens), 0, len(tokens))


def read_passage(raw: str, section: str = "eligibility") -> Passage:
    """A whole text as one passage that stands alone."""
    return read_section(section, raw).whole.alone()


def read_section(name: str, raw: str) -> Section:
    """Clean a section and read its tokens."""
    cleaned = clean_text(raw)
    return Section(name, raw, cleaned, read_text(cleaned.text))
