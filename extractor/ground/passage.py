"""The part of a record in which an answer must be found."""

from dataclasses import dataclass

from extractor.parse.clean import CleanText
from extractor.parse.parsed import ParsedRecord, Span

from .numerals import find_numbers
from .quotes import locate_quote

__all__ = ["Passage", "passage_of", "passages"]


@dataclass(frozen=True, slots=True)
class Passage:
    """``cleaned.text[start:end]`` of a section, with its raw text."""

    section: str
    raw: str
    cleaned: CleanText
    start: int
    end: int

    @property
    def text(self) -> str:
        """The passage, cleaned."""
        return self.cleaned.text[self.start : self.end]

    @property
    def whole(self) -> Span:
        """The passage's raw span."""
        return Span(self.section, *self.cleaned.raw_span(self.start, self.end))

    def locate(self, quote: str) -> Span | None:
        """The raw span of a quote within the passage, or None."""
        found = locate_quote(quote, self.cleaned, self.start, self.end)
        return Span(self.section, *self.cleaned.raw_span(*found)) if found else None

    def locate_number(self, value: float, near: Span | None = None) -> Span | None:
        """The raw span of that number, the one nearest to ``near`` where it stands several times."""
        spans = [
            Span(self.section, *self.cleaned.raw_span(self.start + start, self.start + end))
            for number, start, end in find_numbers(self.text)
            if number == value
        ]
        anchor = near.end if near else self.whole.start
        return min(spans, key=lambda span: abs(span.start - anchor), default=None)

    def quote(self, span: Span) -> str:
        """The raw characters of a span of this passage's section."""
        return self.raw[span.start : span.end]


def passage_of(parsed: ParsedRecord, span: Span) -> Passage:
    """The passage that a raw span covers. Raises ``ValueError`` if the record has no such section."""
    section = parsed.record.section(span.section)
    if section is None:
        raise ValueError(f"the record has no section {span.section!r}")
    cleaned = parsed.cleaned[section.name]
    start, end = cleaned.clean_position(span.start), cleaned.clean_position(span.end)
    return Passage(section.name, section.text, cleaned, start, end)


def passages(parsed: ParsedRecord) -> tuple[Passage, ...]:
    """Every section of the record as a passage, in reading order."""
    return tuple(passage_of(parsed, Span(s.name, 0, len(s.text))) for s in parsed.record.sections)
