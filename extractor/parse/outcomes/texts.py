"""An outcome's text and its place in the record."""

from collections.abc import Iterable, Sequence

from extractor.parse.parsed import Reading, Span
from extractor.parse.values import value
from extractor.schemas import Section, Support
from extractor.text.clean import CleanText

__all__ = ["OutcomeText", "Place"]

Place = tuple[int, int]
"""Half-open offsets into the cleaned text of an outcome's section."""


@value(frozen=True, slots=True)
class OutcomeText:
    """An outcome's place: the section, its cleaned text, and where the three parts stand in it.

    ``record`` is the cleaned text of all sections: one may give the short form of a name that another spells out.
    """

    section: Section
    clean: CleanText
    measure: Place
    description: Place | None
    time_frame: Place | None
    record: Iterable[CleanText] = ()

    def part(self, span: Place | None) -> str:
        return self.clean.text[slice(*span)] if span else ""

    def span(self, start: int, end: int) -> Span:
        """The raw place of a cleaned span, without white space at its ends."""
        return Span(self.section.name, *self.clean.match_span(start, end))

    def raw(self, span: Span) -> str:
        return self.section.text[span.start : span.end]

    def quote(self, places: Sequence[Place], confidence: float) -> Reading[tuple[str, ...]]:
        """The raw characters at cleaned places, with their spans."""
        spans = tuple(self.span(start, end) for start, end in places)
        return Reading(tuple(self.raw(span) for span in spans), confidence, spans, Support.LITERAL)
