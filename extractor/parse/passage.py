"""A stretch of cleaned text that knows where its characters stand in the raw text."""

from dataclasses import dataclass, field

from extractor.parse.parsed import Span
from extractor.text.clean import CleanText, clean_text

__all__ = ["Passage", "passage_of", "read_passage"]

_ONE_LINE = str.maketrans("\n\t\r", "   ")


@dataclass(frozen=True, slots=True)
class Passage:
    """``text`` is cleaned and in one line; ``span`` and ``quote`` lead back to the raw text of ``section``."""

    section: str
    raw: str
    cleaned: CleanText
    start: int
    end: int
    text: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", self.cleaned.text[self.start : self.end].translate(_ONE_LINE))

    def span(self, start: int, end: int) -> Span:
        """Raw offsets of ``text[start:end]``, without white space at its ends."""
        return Span(self.section, *self.cleaned.match_span(self.start + start, self.start + end))

    def quote(self, start: int, end: int) -> str:
        """The raw characters behind ``text[start:end]``."""
        span = self.span(start, end)
        return self.raw[span.start : span.end]

    @property
    def whole(self) -> Span:
        return self.span(0, len(self.text))


def read_passage(section: str, raw: str, cleaned: CleanText, start: int, end: int) -> Passage:
    """The passage ``raw[start:end]`` of a section whose cleaned text is known."""
    return Passage(section, raw, cleaned, cleaned.clean_position(start), cleaned.clean_position(end))


def passage_of(text: str, section: str = "eligibility") -> Passage:
    r"""A whole text as one passage.

    >>> passage = passage_of(r"HbA1c \> 7%")
    >>> passage.text, passage.quote(6, 7)
    ('HbA1c > 7%', '\\>')
    """
    cleaned = clean_text(text)
    return Passage(section, text, cleaned, 0, len(cleaned.text))
