"""Which words of a record an error is about, and where they are: spans to mark, for gold and for the prediction."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from extractor.ground.quotes import locate_quote
from extractor.parse.parsed import Span
from extractor.schemas import Endpoint, Evidence, TrialRecord
from extractor.text.clean import CleanText, clean_text

from .standoff import find_places, name_home

_TIMES = ("time_points", "time_kind")
_OUTCOME = ("measure", "description", "time_frame")
_DEFAULT_SECTIONS = ("eligibility", "brief_summary")


@dataclass(frozen=True, slots=True)
class Clue:
    """Words that should be in a section; at ``start`` if that is known."""

    section: str
    quote: str
    start: int | None = None


Clues = tuple[tuple[Clue, ...], ...]
"""Sets of words to mark together, the most specific first; the first set that is found counts."""


def list_clues(item: Any, attribute: str | None, value: Any) -> Clues:
    """What to mark for one side of an error: proof of the value, the value's own words, or the item's.

    ``item`` is None on a side that has nothing, ``attribute`` is None if the whole item is the error.

    >>> from extractor.schemas import Category, Criterion
    >>> item = Criterion(kind="inclusion", section="eligibility", quote="Weight over 40 kg")
    >>> [[clue.quote for clue in clues] for clues in list_clues(item, "category", Category.AGE)]
    [['Weight over 40 kg']]
    """
    if item is None:
        return ()
    home = name_home(item)
    words = [*_read_words(value)], [*_read_item_words(item, attribute)]
    own = ([Clue(home, quote) for quote in quotes] for quotes in words) if home else ()
    return tuple(tuple(clues) for clues in (_list_proof(item, attribute, value), *own) if clues)


def _list_proof(item: Any, attribute: str | None, value: Any) -> list[Clue]:
    """The evidence of the value: of one member of a list, where the value is one."""
    names = {attribute} if attribute else {"quote", *_OUTCOME}
    values = getattr(item, attribute, None) if attribute else None
    member = f"{attribute}[{values.index(value)}]" if isinstance(values, tuple) and value in values else None
    proof = [one for one in item.evidence if one.field == member]
    proof = proof or [one for one in item.evidence if name_field(one) in names]
    return [Clue(one.section, one.quote, one.start) for one in proof]


def name_field(evidence: Evidence) -> str:
    """The field of the item that evidence supports, without a position in it."""
    return evidence.field.partition("[")[0].partition(".")[0]


def _read_words(value: Any) -> Iterator[str]:
    """The texts in a value that are quoted from the record. A choice is not."""
    for part in value if isinstance(value, list) else [value]:
        for words in (part, getattr(part, "quote", None), getattr(part, "name", None)):
            if isinstance(words, str) and words and not isinstance(part, Enum):
                yield words


def _read_item_words(item: Any, attribute: str | None) -> Iterator[str]:
    """The item's quote. An outcome's is the part that the field is read from."""
    parts: tuple[str, ...] = ("quote",)
    if isinstance(item, Endpoint):
        parts = _OUTCOME if attribute is None else ("time_frame",) if attribute in _TIMES else ("measure",)
    yield from filter(None, (getattr(item, part, None) for part in parts))


@dataclass(frozen=True, slots=True)
class Highlights:
    """Raw spans of either side, and the sections to show. A side that has words but no span was not found."""

    sections: tuple[str, ...]
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]


class RecordText:
    """One record, in which quotes are looked up."""

    def __init__(self, record: TrialRecord) -> None:
        self.record = record

    def highlight(self, gold: Clues, predicted: Clues) -> Highlights:
        """Find the words of both sides. Of several places of a quote, gold's is the one that the prediction names.

        If no words are found, the first section that the clues name is shown, else the text on eligibility.
        """
        theirs = self._find_first(predicted, ())
        ours = self._find_first(gold, theirs)
        names = list(dict.fromkeys(span.section for span in (*ours, *theirs)))
        if not names:
            clues = (clue.section for clues in (*gold, *predicted) for clue in clues)
            places = (self.find_place(name) for name in (*clues, *_DEFAULT_SECTIONS))
            names = [place.section for place in places if place][:1]
        return Highlights(tuple(names), ours, theirs)

    def find_place(self, name: str) -> Span | None:
        """A section, an outcome, or an item of a section that is a list in one cell: "arms[1]". None if not there."""
        section = self.record.section(name)
        return Span(name, 0, len(section.text)) if section else self.places.get(name)

    @cached_property
    def places(self) -> Mapping[str, Span]:
        """All places by their names: sections, outcomes, and items of a section that is a list in one cell."""
        return find_places(self.record).spans

    def locate(self, clue: Clue, near: Sequence[Span]) -> Span | None:
        """Where the words are: at their offset if possible, else where they are found, best beside ``near``."""
        section = self.record.section(clue.section)
        if section and clue.start is not None:
            end = clue.start + len(clue.quote)
            if section.text[clue.start : end] == clue.quote:
                return Span(section.name, clue.start, end)
        place = self.find_place(clue.section)
        spans = list(self._find_all(clue.quote, place)) if place else []
        return next((span for span in spans if _touches(span, near)), spans[0] if spans else None)

    def _find_first(self, sets: Clues, near: Sequence[Span]) -> tuple[Span, ...]:
        found = (dict.fromkeys(span for clue in clues if (span := self.locate(clue, near))) for clues in sets)
        return next((tuple(spans) for spans in found if spans), ())

    def _find_all(self, quote: str, place: Span) -> Iterator[Span]:
        section = self.record.section(place.section)
        assert section is not None
        cleaned = self._cleaned[section.name]
        position, end = cleaned.clean_position(place.start), cleaned.clean_position(place.end)
        found = locate_quote(quote, cleaned, position, end)
        if found is None and (start := section.text.find(quote, place.start, place.end)) >= 0:
            yield Span(section.name, start, start + len(quote))  # verbatim, though it ends inside a word or a number
        while found:
            yield Span(section.name, *cleaned.raw_span(*found))
            found = locate_quote(quote, cleaned, max(found[1], found[0] + 1), end)

    @cached_property
    def _cleaned(self) -> dict[str, CleanText]:
        return {section.name: clean_text(section.text) for section in self.record.sections}


def _touches(span: Span, others: Sequence[Span]) -> bool:
    return any(span.section == one.section and span.start < one.end and one.start < span.end for one in others)
