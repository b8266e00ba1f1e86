"""A row for each doubtful value of a run, each doubtful item, and each field that was not read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from extractor.apps.export.columns import Column
from extractor.apps.export.tables import Table
from extractor.apps.pages import name_label
from extractor.apps.pages.view import name_item, name_section
from extractor.apps.pages.words import say
from extractor.apps.report.record import RunRecord, list_meanings, name_absence
from extractor.apps.sheets.places import make_address, name_places
from extractor.language.shown import show_line
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Evidence,
    ExtractedItem,
    FieldRef,
    list_groups,
)
from extractor.schemas.values import Value
from extractor.schemas.vocabulary import SETTLED_ABSENCES

BOUND = 0.85
"""Values that are less sure than this are doubtful."""
DOUBTFUL_VALUE = "doubtful_value"
DOUBTFUL_ITEM = "doubtful_item"
OPEN_REASONS = tuple(
    reason.value for reason in AbsenceReason if reason not in SETTLED_ABSENCES
)
REASONS = (DOUBTFUL_VALUE, DOUBTFUL_ITEM, *OPEN_REASONS)
"""Why a row stands in the sheet."""
_MEANINGS = {
    DOUBTFUL_VALUE: "the value may be wrong",
    DOUBTFUL_ITEM: "the item as a whole may be wrong, or one of its empty fields",
    **list_meanings(),
}
_ALIKE = 0.005
"""Confidences that differ by at most so much are the same in percent."""
_WHOLE = "the item as a whole"
_PARTS = {
    "of": "what it limits",
    "anchor": "from when it counts",
    "condition": "for whom it holds",
    "arms": "in which arms",
}
"""The parts of a value that have evidence of their own."""
_WORDS = ("quote", "measure")
"""Fields with the words that an item is."""
_TIMES = frozenset({"time_points", "time_kind"})
"""Fields of an endpoint that are read from its time frame."""
_LISTS = {"criteria": "criteria", "dosing": "regimens", "endpoints": "endpoints"}
"""Labels of lists of items, which may be empty as a whole."""


class DoubtRow(NamedTuple):
    """The cells of a doubt, by column; ``COLUMNS`` says what they mean."""

    record_id: str
    title: str | None
    item: str
    field: str
    value: str | None
    quote: str | None
    place: str | None
    confidence: float | None
    reason: str
    meaning: str
    address: str


COLUMNS = (
    Column("record_id", "The record: NCT number, or the file's stem."),
    Column("title", "The title of the record; empty if its text is not at hand."),
    Column("item", "The item, as the report names it."),
    Column("field", "The field, or the part of it that is less sure."),
    Column("value", "What was read; empty if nothing was."),
    Column("quote", "The words that the value rests on, or those that were not read."),
    Column("place", "Where these words stand, as the report names the section."),
    Column("confidence", "How sure the value is, from 0 to 1.", "number"),
    Column("reason", "Why the row is here."),
    Column("meaning", "The same in a sentence."),
    Column("address", "The value in the report; put the run's folder before it."),
)
"""The columns of the sheet."""
TABLE = Table("doubts", None, (), COLUMNS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which doubts are listed.

    Attributes:
        below: Values with a lower confidence are doubtful; from 0 to 1.
        fields: Names of fields, as ``time_windows``; empty for all. The doubt of a whole item is of
            no field.
        reasons: Some of ``REASONS``; empty for all.
    """

    below: float = BOUND
    fields: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()

    def has(self, field: str, reason: str) -> bool:
        """Return whether doubts of this field, for this reason, are listed."""
        if self.fields and field not in self.fields:
            return False
        return not self.reasons or reason in self.reasons


def list_field_names() -> list[str]:
    """Return the names of the fields in which there may be doubts, without a user's own.

    >>> "time_windows" in list_field_names()
    True
    """
    names = [field.name for group in list_groups() for field in group.fields]
    return list(dict.fromkeys([*names, *_LISTS]))


def label_field(name: str) -> str:
    """Return the label of a field in the sheet.

    >>> label_field("time_windows"), label_field("dosing")
    ('time windows', 'regimens')
    """
    return _LISTS.get(name) or name_label(name)


def list_doubts(result: RunRecord, wanted: Wanted) -> Iterator[DoubtRow]:
    """Yield a row for each doubt of a record, in the order of its items. Of each item, the doubt of
    the whole comes first, then its values, then its fields that were not read.
    """
    record = _Record(result)
    absences = record.sort_open_absences()
    for path, item, values in result.items:
        yield from _list_of_item(record, path, item, values, wanted)
        for absence in absences.pop(path, ()):
            yield from _list_of_absence(record, path, item, absence, wanted)
    # Those of lists without items, such as "dosing", and of the record's own fields.
    for rest in absences.values():
        for absence in rest:
            yield from _list_of_absence(record, "", None, absence, wanted)


class _Record:
    """A record whose doubts are listed."""

    def __init__(self, result: RunRecord) -> None:
        self.record_id = result.extraction.record_id
        self.title = result.title or None
        self.items = {path: item for path, item, _ in result.items}
        self._groups = {
            group.id: group for group in result.extraction.eligibility.groups
        }
        self._absences = result.absences

    def sort_open_absences(self) -> dict[str, list[Absence]]:
        """Return the fields that were not read, by the path of their item; "" without one."""
        by_item: dict[str, list[Absence]] = {}
        for absence in self._absences:
            if absence.reason in SETTLED_ABSENCES:
                continue
            parents = FieldRef(absence.field).parents
            owner = next((path for path in parents if path in self.items), "")
            by_item.setdefault(owner, []).append(absence)
        return by_item

    def name_item(self, path: str, item: ExtractedItem | None) -> str:
        """Return the name of an item in the report. A value of a user's own field is named with the
        item that has it.
        """
        if item is None:
            return "The record"
        name = name_item(path, item)
        home = getattr(item, "of", None)
        if home in self.items:
            name = f"{name} of {name_item(home, self.items[home])}"
        return name[:1].upper() + name[1:]

    def say(self, value: Value) -> str:
        """Return a value in words. A group has its rule in the place of its id."""
        if value.name == "group" and value.value in self._groups:
            return say(self._groups[value.value])
        return say(value.value, [piece.quote for piece in value.evidence])


def _list_of_item(
    record: _Record,
    path: str,
    item: ExtractedItem,
    values: list[Value],
    wanted: Wanted,
) -> Iterator[DoubtRow]:
    """Yield the doubt of an item as a whole, if it is less sure than each of its values, and those
    of its values.
    """
    name = record.name_item(path, item)
    least = min(map(_find_least, values), default=1.0)
    whole = item.confidence
    is_doubtful = whole is not None and whole < wanted.below
    is_less_sure = whole is not None and whole < least - _ALIKE
    if is_doubtful and is_less_sure and wanted.has("", DOUBTFUL_ITEM):
        words, place = _quote_item(item)
        yield DoubtRow(
            record_id=record.record_id,
            title=record.title,
            item=name,
            field=_WHOLE,
            value=None,
            quote=words,
            place=place,
            confidence=whole,
            reason=DOUBTFUL_ITEM,
            meaning=_MEANINGS[DOUBTFUL_ITEM],
            address=make_address(record.record_id, path),
        )
    for value in values:
        if not wanted.has(_name_field(path, value), DOUBTFUL_VALUE):
            continue
        for piece, confidence in _list_doubtful(value, wanted.below):
            yield DoubtRow(
                record_id=record.record_id,
                title=record.title,
                item=name,
                field=_name_part(path, item, value, piece),
                value=record.say(value),
                quote=show_line(piece.quote) or None,
                place=name_section(piece.section),
                confidence=confidence,
                reason=DOUBTFUL_VALUE,
                meaning=_MEANINGS[DOUBTFUL_VALUE],
                address=make_address(record.record_id, value.path),
            )


def _list_of_absence(
    record: _Record,
    path: str,
    item: ExtractedItem | None,
    absence: Absence,
    wanted: Wanted,
) -> Iterator[DoubtRow]:
    """Yield the row of a field that was not read, if it is wanted. Without an item it is a field of
    the record, or a list of items that is empty.
    """
    reason = absence.reason.value
    name = FieldRef(name_absence(absence.field)).names[-1]
    if not wanted.has(name, reason):
        return
    words: str | None = None
    place: str | None = None
    if item is not None:
        words, place = _quote_item(item, name)
    yield DoubtRow(
        record_id=record.record_id,
        title=record.title,
        item=record.name_item(path, item),
        field=label_field(name),
        value=None,
        quote=words,
        place=place or name_places(absence.sections) or None,
        confidence=None,
        reason=reason,
        meaning=_MEANINGS[reason],
        address=make_address(record.record_id, absence.field),
    )


def _find_least(value: Value) -> float:
    """Return how sure a value is: as its least sure evidence. It is 1 without a confidence."""
    return min(
        (piece.confidence for piece in value.evidence if piece.confidence is not None),
        default=1.0,
    )


def _list_doubtful(value: Value, below: float) -> Iterator[tuple[Evidence, float]]:
    """Yield the evidence of a value that is less sure than ``below``, with its confidence: the
    least sure piece of the value itself, and that of each of its parts.
    """
    least: dict[str, tuple[Evidence, float]] = {}
    for piece in value.evidence:
        if piece.confidence is None or piece.confidence >= below:
            continue
        before = least.get(piece.field)
        if before is None or piece.confidence < before[1]:
            least[piece.field] = (piece, piece.confidence)
    yield from least.values()


def _name_field(path: str, value: Value) -> str:
    """Return the name of the field of a value, by which it is wanted: all values of a user's own
    field have its name.
    """
    names = FieldRef(path).names
    return names[1] if names[0] == "custom" else value.name


def _name_part(path: str, item: ExtractedItem, value: Value, piece: Evidence) -> str:
    """Return the label of a value's field, and that of the part of it that a piece of evidence is
    about: "time windows: what it limits".
    """
    label = name_label(value.name)
    # The one value of custom.assay is "assay" to a reader, not "value".
    if value.name == "value":
        label = name_item(path, item)
    part = FieldRef(piece.field).names[-1]
    if part in _PARTS and part != value.name:
        return f"{label}: {_PARTS[part]}"
    return label


def _quote_item(item: ExtractedItem, field: str = "") -> tuple[str | None, str | None]:
    """Return the words of an item from which a field is read, and the name of their section; None
    for what it does not have.
    """
    names: tuple[str, ...] = _WORDS
    if field in _TIMES:
        names = ("time_frame", *_WORDS)
    for name in names:
        words = getattr(item, name, None)
        if not isinstance(words, str):
            continue
        sections = [piece.section for piece in item.evidence_for(name)]
        section = next(iter(sections), None) or getattr(item, "section", None)
        place = name_section(section) if section else None
        return show_line(words), place
    return None, None
