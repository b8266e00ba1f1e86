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
        predicted = self._find(error.predicted, ())
        gold = self._find(error.gold, predicted)
        names = list(dict.fromkeys(span.section for span in (*gold, *predicted)))
        if not names:
            homes = [
                side.section
                for side in (error.gold, error.predicted)
                if side and side.section
            ]
            known = [
                self.places[name]
                for name in (*homes, *_DEFAULT_SECTIONS)
                if name in self.places
            ]
            names = [place.section for place in known[:1]]
        return Marks(names, gold, predicted)

    def _find(self, side: ErrorSide | None, near: Sequence[Span]) -> list[Span]:
        if side is None:
            return []
        cited = [Clue(one.section, one.quote, one.start) for one in side.evidence]
        found = self._locate_all(cited, near)
        if not found and side.section and side.quote:
            found = self._locate_all([Clue(side.section, side.quote)], near)
        return found

    def _locate_all(self, clues: Sequence[Clue], near: Sequence[Span]) -> list[Span]:
        found = dict.fromkeys(self.locate(clue, near) for clue in clues)
        return [span for span in found if span]

    @cached_property
    def places(self) -> Mapping[str, Span]:
        """All places by name: sections, outcomes, and items of a section that is a list in one
        cell.
        """
        return find_places(self.record).spans

    def locate(self, clue: Clue, near: Sequence[Span]) -> Span | None:
        """Locate the words: at their offset if possible, else by search, preferably beside
        ``near``.
        """
        section = self.record.section(clue.section)
        if section and clue.start is not None:
            end = clue.start + len(clue.quote)
            if section.text[clue.start : end] == clue.quote:
                return Span(section.name, clue.start, end)
        place = self.places.get(clue.section)
        spans = list(self._find_all(clue.quote, place)) if place else []
        beside = [span for span in spans if any(map(span.overlaps, near))]
        return next(iter(beside or spans), None)

    def _find_all(self, quote: str, place: Span) -> Iterator[Span]:
        cleaned = self._cleaned[place.section]
        end = cleaned.clean_position(place.end)
        found = locate_quote(quote, cleaned, cleaned.clean_position(place.start), end)
        if found is None:
            # Verbatim, although it ends inside a word or a number.
            start = (self.record.raw_text(place.section) or "").find(
                quote, place.start, place.end
            )
            if start >= 0:
                yield Span(place.section, start, start + len(quote))
        while found:
            yield Span(place.section, *cleaned.raw_span(*found))
            found = locate_quote(quote, cleaned, max(found[1], found[0] + 1), end)

    @cached_property
    def _cleaned(self) -> dict[str, CleanText]:
        return {
            section.name: clean_text(section.text) for section in self.record.sections
        }
