"""Find the words of a record that an error concerns: spans to mark, for gold and for the
prediction.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from extractor.apps.evaluation.standoff import find_places, name_home
from extractor.evidence.drafts import Span
from extractor.evidence.quotes import locate_quote
from extractor.language.clean import CleanText, clean_text
from extractor.schemas import Endpoint, FieldRef, TrialRecord

_OUTCOME = ("measure", "description", "time_frame")
_DEFAULT_SECTIONS = ("eligibility", "brief_summary")


class Clue(NamedTuple):
    """Words expected in a section, at ``start`` if that is known."""

    section: str
    quote: str
    start: int | None = None


Clues = Sequence[Sequence[Clue]]
"""Sets of words to mark together, the most specific first; the first set found is used."""


def list_clues(item: Any, attribute: str | None, value: Any) -> Clues:
    """List what to mark for one side of an error: the value's evidence, the value's own words, or
    the item's.

    ``item`` is None if this side has no item, ``attribute`` is None if the error is the whole item.

    >>> from extractor.schemas import Category, Criterion
    >>> item = Criterion(kind="inclusion", section="eligibility", quote="Weight over 40 kg")
    >>> [[clue.quote for clue in clues] for clues in list_clues(item, "category", Category.AGE)]
    [['Weight over 40 kg']]
    """
    if item is None:
        return []
    names = {attribute} if attribute else {"quote", *_OUTCOME}  # "values.cutoff" of a custom field
    values = item.value_of(name_field(attribute)) if attribute else None
    member = (
        f"{attribute}[{values.index(value)}]"
        if isinstance(values, tuple) and value in values
        else None
    )
    proof = [one for one in item.evidence if one.field == member] or [
        one
        for one in item.evidence
        if not names.isdisjoint((name_field(one.field), FieldRef(one.field).path))
    ]
    # The value's own words: a choice is not quoted.
    parts = [
        one for one in (value if isinstance(value, list) else [value]) if not isinstance(one, Enum)
    ]
    said = [
        text
        for one in parts
        for text in (one, getattr(one, "quote", None), getattr(one, "name", None))
    ]
    whole: tuple[str, ...] = ("quote",)
    if isinstance(item, Endpoint):
        is_time = attribute in {"time_points", "time_kind"}
        if attribute is None:
            whole = _OUTCOME
        elif is_time:
            whole = ("time_frame",)
        else:
            whole = ("measure",)
    home = name_home(item)
    own = (said, [getattr(item, part, None) for part in whole]) if home else ()
    quoted = (
        [Clue(home or "", text) for text in texts if isinstance(text, str) and text]
        for texts in own
    )
    return [
        clues
        for clues in ([Clue(one.section, one.quote, one.start) for one in proof], *quoted)
        if clues
    ]


def name_field(path: str) -> str:
    """Return the field at a path in an item, without an index; of a user's own field, the
    attribute.
    """
    return FieldRef(path.removeprefix("values.")).names[0]


class RecordText:
    """Looks up quotes in one record."""

    def __init__(self, record: TrialRecord) -> None:
        self.record = record

    def highlight(self, gold: Clues, predicted: Clues) -> tuple[list[str], list[Span], list[Span]]:
        """Return the sections to show, and the raw spans found for gold and for the prediction.

        If gold's quote occurs several times, the place that the prediction names is used. If no
        words are found, the section is the first one that the clues name, else eligibility.
        """
        theirs = self._find_first(predicted, ())
        ours = self._find_first(gold, theirs)
        names = list(dict.fromkeys(span.section for span in (*ours, *theirs)))
        if not names:
            clues = (clue.section for clues in (*gold, *predicted) for clue in clues)
            places = (self.places.get(name) for name in (*clues, *_DEFAULT_SECTIONS))
            names = [place.section for place in places if place][:1]
        return names, ours, theirs

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
        return next(
            (span for span in spans if any(map(span.overlaps, near))), spans[0] if spans else None
        )

    def _find_first(self, sets: Clues, near: Sequence[Span]) -> list[Span]:
        found = (
            list(dict.fromkeys(span for clue in clues if (span := self.locate(clue, near))))
            for clues in sets
        )
        return next((spans for spans in found if spans), [])

    def _find_all(self, quote: str, place: Span) -> Iterator[Span]:
        cleaned = self._cleaned[place.section]
        position = cleaned.clean_position(place.start)
        end = cleaned.clean_position(place.end)
        found = locate_quote(quote, cleaned, position, end)
        start = (self.record.raw_text(place.section) or "").find(quote, place.start, place.end)
        if found is None and start >= 0:
            # verbatim, although it ends inside a word or a number
            yield Span(place.section, start, start + len(quote))
        while found:
            yield Span(place.section, *cleaned.raw_span(*found))
            found = locate_quote(quote, cleaned, max(found[1], found[0] + 1), end)

    @cached_property
    def _cleaned(self) -> dict[str, CleanText]:
        return {section.name: clean_text(section.text) for section in self.record.sections}
