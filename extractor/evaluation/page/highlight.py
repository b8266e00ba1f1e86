"""Where the words of an error stand in its record: spans to mark, for gold and for the prediction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from extractor.evaluation.places import Places, find_places
from extractor.ground.quotes import locate_quote
from extractor.parse.parsed import Span
from extractor.schemas import Section, TrialRecord
from extractor.text.clean import CleanText, clean_text

from .clues import Clue, Clues
from .collect import ShownError

__all__ = ["Highlights", "RecordText", "highlight_error"]

_DEFAULT = ("eligibility", "brief_summary")


@dataclass(frozen=True, slots=True)
class Highlights:
    """Raw spans of either side, and the sections to show. A side that has words but no span was not found."""

    sections: tuple[str, ...]
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]


def highlight_error(error: ShownError, record: "RecordText") -> Highlights:
    """Find the words of both sides. Where a quote stands several times, gold's is the one that the prediction names.

    Without any, the text on eligibility is shown, or the summary.
    """
    predicted = _find_first(record, error.predicted, ())
    gold = _find_first(record, error.gold, predicted)
    named = [span.section for span in (*gold, *predicted)]
    names = list(dict.fromkeys(named)) or _name_sections(error, record)
    return Highlights(tuple(names), gold, predicted)


def _name_sections(error: ShownError, record: "RecordText") -> list[str]:
    clues = (clue for clues in (*error.gold, *error.predicted) for clue in clues)
    places = [place.section for clue in clues if (place := record.find_place(clue.section))]
    return [*places, *(name for name in _DEFAULT if record.find_place(name))][:1]


def _find_first(record: "RecordText", sets: Clues, near: Sequence[Span]) -> tuple[Span, ...]:
    for clues in sets:
        spans = dict.fromkeys(span for clue in clues if (span := record.locate(clue, near)))
        if spans:
            return tuple(spans)
    return ()


class RecordText:
    """One record, in which quotes are looked up."""

    def __init__(self, record: TrialRecord) -> None:
        self.record = record
        self._cleaned: dict[str, CleanText] = {}

    def find_place(self, name: str) -> Span | None:
        """A section, an outcome, or an item of a section that is a list in one cell: "arms[1]". None if not there."""
        section = self.record.section(name)
        return Span(name, 0, len(section.text)) if section else self._places.spans.get(name)

    def list_places(self) -> Mapping[str, Span]:
        """All places by their names: sections, outcomes, and items of a section that is a list in one cell."""
        return self._places.spans

    def locate(self, clue: Clue, near: Sequence[Span]) -> Span | None:
        """Where the words stand: at their offset if they are there, else where they are found, best beside ``near``."""
        section = self.record.section(clue.section)
        if section and clue.start is not None:
            end = clue.start + len(clue.quote)
            if section.text[clue.start : end] == clue.quote:
                return Span(section.name, clue.start, end)
        place = self.find_place(clue.section)
        spans = list(self._find_all(clue.quote, place)) if place else []
        return next((span for span in spans if _touches(span, near)), spans[0] if spans else None)

    def _find_all(self, quote: str, place: Span) -> Iterator[Span]:
        section = self.record.section(place.section)
        assert section is not None
        cleaned = self._clean(section)
        position, end = cleaned.clean_position(place.start), cleaned.clean_position(place.end)
        found = locate_quote(quote, cleaned, position, end)
        if found is None and (start := section.text.find(quote, place.start, place.end)) >= 0:
            # Verbatim, though it ends inside a word or a number.
            yield Span(section.name, start, start + len(quote))
        while found:
            yield Span(section.name, *cleaned.raw_span(*found))
            found = locate_quote(quote, cleaned, max(found[1], found[0] + 1), end)

    def _clean(self, section: Section) -> CleanText:
        if section.name not in self._cleaned:
            self._cleaned[section.name] = clean_text(section.text)
        return self._cleaned[section.name]

    @cached_property
    def _places(self) -> Places:
        return find_places(self.record)


def _touches(span: Span, others: Sequence[Span]) -> bool:
    return any(span.section == one.section and span.start < one.end and one.start < span.end for one in others)
