"""The texts of a record in which dosing stands, and the way from places in cleaned text to raw text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from extractor.parse.parsed import Chunk, Span
from extractor.text.clean import CleanText

from .facts import Fact
from .passages import Passage

__all__ = ["RecordText", "join_texts"]

_BETWEEN = "\n\n\x1e\n\n"
"""Between two passages: nothing is read across it."""


@dataclass(frozen=True, slots=True)
class RecordText:
    """The passages of a record by section, and the way from cleaned to raw text.

    ``whole`` is the text of all of them, ``described`` that of those which are no arm and no intervention: what is
    asked of the record is asked once, not of each passage for each regimen.
    """

    passages: Mapping[str, Passage]
    cleaned: Mapping[str, CleanText]
    whole: str
    described: str

    def span(self, section: str, start: int, end: int) -> Span:
        """The raw span of ``start:end`` in the cleaned text of a section, without white space at its ends."""
        return Span(section, *self.cleaned[section].match_span(start, end))

    def fact_span(self, fact: Fact) -> Span:
        """The raw span of a fact's words."""
        return self.span(fact.section, fact.mark.start, fact.mark.end)

    def chunk(self, number: int, section: str, start: int, end: int) -> Chunk:
        """The numbered chunk of a section's ``start:end``."""
        passage = self.passages[section]
        return Chunk(number, passage.chunk_kind, self.span(section, start, end), passage.text[start:end])


def join_texts(passages: Iterable[Passage]) -> str:
    """The texts of passages as one."""
    return _BETWEEN.join(passage.text for passage in passages)
