"""Sections, and passages: ranges of a section's tokens, with their offsets in the raw text."""

import re
from collections.abc import Iterator, Mapping

from extractor.language.book import read_text, rule
from extractor.language.clean import CleanText, clean_text
from extractor.language.lexer import Range, Tokens, TokenSpan
from extractor.language.patterns import RuleMatch
from extractor.language.values import value_class

_COMPARED = frozenset("<>=≤≥%")
# Full stops that do not end a sentence: abbreviations, initials, list numbers.
_ABBREVIATION = re.compile(
    r"(?:(?<!/)\b(?:e\.g|i\.e|approx|vs|dr|prof|fig|no|nos|cf|incl|resp|st|inc|ltd|co|max|min|ver|wk|hr"
    r"|i\.v|s\.c|i\.m|p\.o"
    r"|et al|spp)|\b[A-Za-z]|(?:^|\n)\s{0,9}\d{1,2})\.$",
    re.IGNORECASE,
)
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_LONGEST_ABBREVIATION = 12
"""Number of characters to search for an abbreviation. It exceeds the length of any abbreviation
plus the characters that precede it.
"""
# Each run of full stops is matched only from its start, so that long rows of dots take linear time.
_END = re.compile(
    r"[.!?\n](?:(?<=[.!?])(?<![.!?]{2})[.!?]*+[\"')\]]*+(?:(?=\s+[\"'(\[]?[A-Z0-9])|(?=\s*$))"
    r"|(?<=\n)(?:[ \t]*\n|(?=\s*(?:[-*•]|\d{1,2}[.)])\s)))"
)


@value_class(eq=False)
class LexedSection:
    """A section of a record: its raw text, cleaned text and tokens."""

    name: str
    raw: str
    cleaned: CleanText
    tokens: Tokens

    @property
    def whole(self) -> "Passage":
        """The whole section as one passage."""
        return Passage(self, 0, len(self.tokens))

    def lines(self) -> Iterator["Passage"]:
        r"""Yield the lines that are not empty, without line breaks.

        >>> [
        ...     line.text
        ...     for line in read_section(
        ...         "eligibility", "- Age > 18\n\n- ECOG 0"
        ...     ).lines()
        ... ]
        ['- Age > 18', '- ECOG 0']
        """
        first = 0
        for index, code in enumerate(self.tokens.codes + "\n"):
            if code != "\n":
                continue
            if index > first:
                yield Passage(self, first, index)
            first = index + 1

    def between(self, start: int, end: int) -> "Passage":
        """Return the tokens between two raw offsets."""
        first = self.tokens.at(self.cleaned.clean_position(start))
        stop = self.tokens.before(self.cleaned.clean_position(end))
        return Passage(self, first, stop)


LexedSections = Mapping[str, LexedSection]
"""The sections of a record by name."""


@value_class()
class Passage:
    r"""The tokens ``first:end`` of a section.

    >>> passage = read_section("eligibility", r"HbA1c \> 7%").whole
    >>> passage.text, passage.raw_span, passage.raw
    ('HbA1c > 7%', (0, 11), 'HbA1c \\> 7%')
    """

    section: LexedSection
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
    def clean_span(self) -> Range:
        """Half-open offsets into the cleaned text of the section."""
        return self.tokens.span(self.first, self.end)

    @property
    def raw_span(self) -> Range:
        """Half-open offsets into the raw text of the section."""
        if self.end <= self.first:
            return 0, 0
        return self.section.cleaned.raw_span(*self.clean_span)

    @property
    def raw(self) -> str:
        """The raw characters."""
        return self.section.raw[slice(*self.raw_span)]

    def search(self, name: str) -> RuleMatch | None:
        """Return the first match of a rule in the passage."""
        return rule(name).search(self.tokens, self.first, self.end)

    def part(self, first: int, end: int) -> "Passage":
        """Return the passage that consists of the tokens ``first:end`` in the same section."""
        return Passage(self.section, first, end)

    def part_at(self, place: TokenSpan) -> "Passage":
        """Return the part that a place covers."""
        return self.part(place.first, place.end)

    def cut(self) -> Tokens:
        """Return the tokens of the passage on one line, without surrounding tokens."""
        return self.tokens.cut(self.first, self.end)

    def alone(self) -> "Passage":
        r"""Return the same characters on one line, without surrounding tokens, so that rules
        cannot look beyond the passage.

        >>> read_section("eligibility", "- Age\n  over 18").whole.part(
        ...     1, 5
        ... ).alone().tokens.words
        ['Age', 'over', '18']
        """
        tokens = self.cut()
        section = self.section
        alone = LexedSection(section.name, section.raw, section.cleaned, tokens)
        return Passage(alone, 0, len(tokens))


def read_passage(raw: str) -> Passage:
    """Read a text as a passage that is a whole eligibility section, on one line."""
    return read_section("eligibility", raw).whole.alone()


def read_section(name: str, raw: str) -> LexedSection:
    """Clean and tokenise a section."""
    cleaned = clean_text(raw)
    return LexedSection(name, raw, cleaned, read_text(cleaned.text))


def list_word_places(passage: Passage) -> list[int]:
    """Return the indexes of a passage's tokens that are words, numbers or comparison operators."""
    words = passage.tokens.words
    return [
        at
        for at in range(passage.first, passage.end)
        if words[at][-1].isalnum() or words[at] in _COMPARED
    ]


def split_sentences(text: str) -> list[Range]:
    """Return the (start, end) spans of the sentences in ``text``, without surrounding white space.
    Blank lines and list bullets also end a sentence.

    >>> text = "Response (e.g. CR) by NCCN v. 2.0. Survival at 2.5 years."
    >>> [text[start:end] for start, end in split_sentences(text)]
    ['Response (e.g. CR) by NCCN v. 2.0.', 'Survival at 2.5 years.']
    """
    spans = []
    start = 0
    for stop in _END.finditer(text):
        end = stop.end()
        before = max(start, end - _LONGEST_ABBREVIATION)
        if stop[0].startswith(".") and _ABBREVIATION.search(text, before, end):
            continue
        spans.append(strip_span(text, start, end))
        start = end
    spans.append(strip_span(text, start, len(text)))
    return [(start, end) for start, end in spans if start < end]


def strip_span(text: str, start: int, end: int, characters: str | None = None) -> Range:
    """Return the span ``start:end`` of a text, with white space or the given ``characters`` removed
    from its ends.

    >>> strip_span("a  bc ", 1, 6)
    (3, 5)
    """
    run = text[start:end]
    first = start + len(run) - len(run.lstrip(characters))
    return first, first + len(run.strip(characters))
