"""Find the words of a record that an error concerns: spans to mark, for gold and for the
prediction.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from extractor.apps.evaluation.places import find_places
from extractor.apps.evaluation.report import ErrorExample, ErrorSide
from extractor.evidence.drafts import Span
from extractor.evidence.quotes import locate_quote
from extractor.language.clean import CleanText, clean_text
from extractor.schemas import TrialRecord

_DEFAULT_SECTIONS = ("eligibility", "brief_summary")


class Clue(NamedTuple):
    """Words expected in a section, at ``start`` if that is known."""

    section: str
    quote: str
    start: int | None = None


class Marks(NamedTuple):
    """What to show of an error: sections, and the spans of gold and of the prediction in them."""

    sections: list[str]
    gold: list[Span]
    predicted: list[Span]


class RecordText:
    """Looks up quotes in one record."""

    def __init__(self, record: TrialRecord) -> None:
        self.record = record

    def mark(self, error: ErrorExample) -> Marks:
        """Return the sections to show, and the spans of both sides: their evidence, or else the
        quotes of their items.

        If gold's quote occurs several times, the place that the prediction names is used. If no
        words are found, the section is that of the items, else eligibility.
        """
        # The prediction has evidence with offsets, which gold has not: it is looked up first.
        predicted = self._find(error.predicted, ())
        gold = self._find(error.gold, predicted)
        names = list(dict.fromkeys(span.section for span in (*gold, *predicted)))
        if not names:
            names = self._list_homes(error)[:1]
        return Marks(names, gold, predicted)

    def _list_homes(self, error: ErrorExample) -> list[str]:
        """Return the sections of both sides, and then the default ones, as far as the record has
        them.
        """
        sides = (error.gold, error.predicted)
        own = [side.section for side in sides if side and side.section]
        names = (*own, *_DEFAULT_SECTIONS)
        return [self.places[name].section for name in names if name in self.places]

    def _find(self, side: ErrorSide | None, near: Sequence[Span]) -> list[Span]:
        """Return the spans of one side: of its evidence, else of its quote; none if they are not
        found. Of several places, those that overlap a span in ``near`` are preferred.
        """
        if side is None:
            return []
        cited = [
            Clue(citation.section, citation.quote, citation.start)
            for citation in side.evidence
        ]
        spans = self._locate_all(cited, near)
        if spans or not side.section or not side.quote:
            return spans
        return self._locate_all([Clue(side.section, side.quote)], near)

    def _locate_all(self, clues: Sequence[Clue], near: Sequence[Span]) -> list[Span]:
        """Return the spans of the clues that were found, each of them once."""
        spans: dict[Span, None] = {}
        for clue in clues:
            span = self.locate(clue, near)
            if span:
                spans[span] = None
        return list(spans)

    @cached_property
    def places(self) -> Mapping[str, Span]:
        """All places by name: sections, outcomes, and items of a section that is a list in one
        cell.
        """
        return find_places(self.record).spans

    def locate(self, clue: Clue, near: Sequence[Span]) -> Span | None:
        """Return where the words of a clue stand; None if they are not found. Words that stand at
        the clue's offset are there. Else they are looked for in its section: the first place that
        overlaps a span in ``near`` counts, else the first place.
        """
        section = self.record.section(clue.section)
        if section and clue.start is not None:
            end = clue.start + len(clue.quote)
            if section.text[clue.start : end] == clue.quote:
                return Span(section.name, clue.start, end)
        # Gold names the section without offsets.
        place = self.places.get(clue.section)
        if place is None:
            return None
        first = None
        for span in self._find_all(clue.quote, place):
            if any(map(span.overlaps, near)):
                return span
            first = first or span
        return first

    def _find_all(self, quote: str, place: Span) -> Iterator[Span]:
        """Yield the spans of a quote in a place of the record, in order. Signs and case may differ;
        a quote that is found in no other way is looked for as it is written.
        """
        cleaned = self._cleaned[place.section]
        start = cleaned.clean_position(place.start)
        end = cleaned.clean_position(place.end)
        match = locate_quote(quote, cleaned, start, end)
        if match is None:
            # Verbatim, although it ends inside a word or a number.
            raw = self.record.raw_text(place.section) or ""
            raw_start = raw.find(quote, place.start, place.end)
            if raw_start >= 0:
                yield Span(place.section, raw_start, raw_start + len(quote))
        while match:
            yield Span(place.section, *cleaned.raw_span(*match))
            match_start, match_end = match
            behind = max(match_end, match_start + 1)
            match = locate_quote(quote, cleaned, behind, end)

    @cached_property
    def _cleaned(self) -> dict[str, CleanText]:
        return {
            section.name: clean_text(section.text) for section in self.record.sections
        }
