"""A row for each doubtful value of a run, each doubtful item, and all that was not read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from extractor.apps.export.columns import Column, Table
from extractor.apps.pages import name_label
from extractor.apps.pages.view import name_item, name_section
from extractor.apps.pages.words import say
from extractor.apps.report.record import RunRecord, list_meanings, name_absence
from extractor.apps.sheets.places import REPORT, make_address, name_places
from extractor.concepts.own.declaration import CustomField
from extractor.language.shown import show_line
from extractor.plurals import counted
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Category,
    Evidence,
    ExtractedItem,
    FieldRef,
    Finding,
    FindingKind,
    list_groups,
)
from extractor.schemas.values import Value
from extractor.schemas.vocabulary import DOUBTFUL_BELOW, SETTLED_ABSENCES, UNREAD

DOUBTFUL_VALUE = "doubtful_value"
DOUBTFUL_ITEM = "doubtful_item"
OPEN_REASONS = tuple(
    reason.value for reason in AbsenceReason if reason not in SETTLED_ABSENCES
)
_OF_FINDINGS = {kind: kind.value for kind in FindingKind if kind in UNREAD} | {
    # The same is said of a number whether a finding or an empty field tells of it.
    FindingKind.NUMBER_UNREAD: AbsenceReason.UNREAD_NUMBER.value
}
"""The reason of the row of a finding."""
UNREAD_REASONS = tuple(dict.fromkeys([*OPEN_REASONS, *_OF_FINDINGS.values()]))
"""Reasons of rows on what was not read."""
REASONS = (DOUBTFUL_VALUE, DOUBTFUL_ITEM, *UNREAD_REASONS)
"""Why a row stands in the sheet."""
MEANINGS = {
    **list_meanings(),
    DOUBTFUL_VALUE: "the value may be wrong",
    DOUBTFUL_ITEM: "it may not belong here, or a value of it may have been missed",
}
"""What the reasons say."""
_MOST_LINES = 20
"""Most lines of a record that are shown for one field."""
_ALIKE = 0.005
"""Confidences that differ by at most so much are the same in percent."""
_STATED_BY = {
    "minimum_age": Category.AGE,
    "maximum_age": Category.AGE,
    "sex": Category.SEX,
}
"""Fields of the people who may take part, and the category of the criteria that state them."""
_ITEM = "item"
"""The field of a doubt of a whole item."""
_TEXT = "text"
"""The field of what is said of a text as a whole."""
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
_LABELS = {
    "criteria": "criteria",
    "dosing": "regimens",
    "endpoints": "endpoints",
    _ITEM: "whether it belongs here and is complete",
    _TEXT: "the text",
}
"""Labels of lists of items, which may be empty as a whole, and of what is no field."""
_NOUNS = {"eligibility.criteria": "criterion", "dosing": "regimen"}
"""What the words of an item are said to be."""
_ROOTS = frozenset({"eligibility", "dosing", "endpoints", "custom"})


class DoubtRow(NamedTuple):
    """The cells of a doubt, by column; ``COLUMNS`` says what they mean."""

    record_id: str
    title: str | None
    item: str
    item_index: int | None
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
    Column("item", "The item, as the report names it. Its number counts from 1."),
    Column(
        "item_index",
        "Its position in the tables, from 0: criterion_index, regimen_index or endpoint_index.",
        "integer",
    ),
    Column("field", "The field, or the part of it that is less sure."),
    Column("value", "What was read; empty if nothing was."),
    Column("quote", "The words that the value rests on, or those that were not read."),
    Column("place", "Where these words stand, as the report names the section."),
    Column("confidence", "How sure the value is, from 0 to 1.", "number"),
    Column("reason", "Why the row is here."),
    Column("meaning", "The same in a sentence."),
    Column(
        "address",
        "The value in the report, as seen from the folder of the sheet. Numbers in it count "
        "from 0.",
        is_link=True,
    ),
)
"""The columns of the sheet."""
TABLE = Table("doubts", None, (), COLUMNS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which doubts are listed.

    Attributes:
        below: Values with a lower confidence are doubtful; from 0 to 1.
        fields: Names of fields, as ``time_windows``; empty for all. The doubt of a whole item has
            the field ``item``, that of a text as a whole the field ``text``.
        reasons: Some of ``REASONS``; empty for all.
        without: Names of fields that are left out.
        report: Where the report is, as seen by who follows an address.
        own: The user's own fields, by name. Of one that a record does not have, the lines with one
            of its ``mentions`` are shown.
    """

    below: float = DOUBTFUL_BELOW
    fields: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    report: str = REPORT
    own: Mapping[str, CustomField] = field(default_factory=dict)

    def has(self, field: str, reason: str) -> bool:
        """Return whether doubts of this field, for this reason, are listed."""
        if field in self.without:
            return False
        if self.fields and field not in self.fields:
            return False
        return not self.reasons or reason in self.reasons


def list_field_names() -> list[str]:
    """Return the names of the fields in which there may be doubts, without a user's own.

    >>> "time_windows" in list_field_names()
    True
    """
    names = [field.name for group in list_groups() for field in group.fields]
    return list(dict.fromkeys([*names, *_LABELS]))


def label_field(name: str) -> str:
    """Return the label of a field in the sheet.

    >>> label_field("time_windows"), label_field("dosing")
    ('time windows', 'regimens')
    """
    return _LABELS.get(name) or name_label(name)


def list_doubts(result: RunRecord, wanted: Wanted) -> Iterator[DoubtRow]:
    """Yield a row for each doubt of a record, in the order of its items. Of each item, the doubt of
    the whole comes first, then its values, then what was not read: each word that a finding cites,
    and fields that are empty for another reason. What is of no item comes last.
    """
    record = _Record(result)
    findings = record.sort_findings()
    absences = record.sort_open_absences()
    for path, item, values in result.items:
        yield from _list_of_item(record, path, item, values, wanted)
        for position, finding in findings.pop(path, ()):
            yield from _list_of_finding(record, path, item, position, finding, wanted)
        for absence in absences.pop(path, ()):
            yield from _list_of_absence(record, path, item, absence, wanted)
    for left in findings.values():
        for position, finding in left:
            yield from _list_of_finding(record, "", None, position, finding, wanted)
    # Those of lists without items, such as "dosing", and of the record's own fields.
    for rest in absences.values():
        for absence in rest:
            yield from _list_of_absence(record, "", None, absence, wanted)


class _Record:
    """A record whose doubts are listed."""

    def __init__(self, result: RunRecord) -> None:
        self.record_id = result.extraction.record_id
        self.title = result.title or None
        self._text = result.record
        self.items = {path: item for path, item, _ in result.items}
        self._groups = {
            group.id: group for group in result.extraction.eligibility.groups
        }
        self._criteria = result.extraction.eligibility.criteria
        self._absences = result.absences
        self._findings = []
        for position, finding in enumerate(result.extraction.findings):
            if finding.kind in UNREAD:
                self._findings.append((position, finding))

    def sort_findings(self) -> dict[str, list[tuple[int, Finding]]]:
        """Return the findings on text that was not read, each with its position among all findings,
        by the path of their item; "" without one.
        """
        by_item: dict[str, list[tuple[int, Finding]]] = {}
        for position, finding in self._findings:
            owner = self._find_owner(finding.field)
            if finding.field == "eligibility.criteria":
                # A line that is no criterion belongs to the record.
                owner = ""
            by_item.setdefault(owner, []).append((position, finding))
        return by_item

    def sort_open_absences(self) -> dict[str, list[Absence]]:
        """Return the fields that were not read, by the path of their item; "" without one. A field
        whose numbers a finding cites is left out: the finding has the words.
        """
        cited = set()
        for _, finding in self._findings:
            if finding.kind is FindingKind.NUMBER_UNREAD:
                cited.add(finding.field)
        by_item: dict[str, list[Absence]] = {}
        for absence in self._absences:
            if absence.reason in SETTLED_ABSENCES:
                continue
            is_number = absence.reason is AbsenceReason.UNREAD_NUMBER
            if is_number and absence.field in cited:
                continue
            owner = self._find_owner(absence.field)
            by_item.setdefault(owner, []).append(absence)
        return by_item

    def _find_owner(self, field: str) -> str:
        """Return the path of the item that has a field; "" if there is none."""
        parents = FieldRef(field).parents
        return next((path for path in parents if path in self.items), "")

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

    def quote_lines(self, own: CustomField) -> tuple[str | None, str | None]:
        """Return the lines that have one of the words that a field of the record mentions, and the
        names of their sections; None without such words, and if the text is not at hand.
        """
        if self._text is None or not own.mentions:
            return None, None
        lines: list[str] = []
        sections: dict[str, None] = {}
        for section in self._text.sections:
            if not own.may_stand_in(section.name):
                continue
            for line in section.text.splitlines():
                if own.may_be_in(line):
                    lines.append(show_line(line.strip()))
                    sections[section.name] = None
        shown = lines[:_MOST_LINES]
        left = len(lines) - len(shown)
        if left:
            shown.append(f"and {counted(left, 'line')} more")
        return " | ".join(shown) or None, name_places(tuple(sections)) or None

    def quote_people(self, name: str) -> tuple[str | None, str | None]:
        """Return the criteria that state an age or a sex, and the names of their sections; None for
        another field, and if there are none.
        """
        category = _STATED_BY.get(name)
        stated = []
        if category:
            stated = [item for item in self._criteria if item.category is category]
        sections = dict.fromkeys(item.section for item in stated)
        quotes = [show_line(item.quote) for item in stated]
        return " | ".join(quotes) or None, name_places(tuple(sections)) or None

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
    if is_doubtful and is_less_sure and wanted.has(_ITEM, DOUBTFUL_ITEM):
        words, place = _quote_item(item)
        yield DoubtRow(
            record_id=record.record_id,
            title=record.title,
            item=name,
            item_index=FieldRef(path).position,
            field=label_field(_ITEM),
            value=None,
            quote=words,
            place=place,
            confidence=whole,
            reason=DOUBTFUL_ITEM,
            meaning=MEANINGS[DOUBTFUL_ITEM],
            address=make_address(record.record_id, path, wanted.report),
        )
    for value in values:
        if not wanted.has(_name_field(path, value), DOUBTFUL_VALUE):
            continue
        noun = _NOUNS.get(FieldRef(path).path) if value.name == "quote" else None
        for piece, confidence in _list_doubtful(value, wanted.below):
            field = _name_part(path, item, value, piece)
            said: str | None = record.say(value)
            meaning = MEANINGS[DOUBTFUL_VALUE]
            if noun:
                # The value would be the quote itself.
                field = f"whether it is a {noun}"
                said = None
                meaning = f"these words may be no {noun} of their own"
            yield DoubtRow(
                record_id=record.record_id,
                title=record.title,
                item=name,
                item_index=FieldRef(path).position,
                field=field,
                value=said,
                quote=show_line(piece.quote) or None,
                place=name_section(piece.section),
                confidence=confidence,
                reason=DOUBTFUL_VALUE,
                meaning=meaning,
                address=make_address(record.record_id, value.path, wanted.report),
            )


def _list_of_finding(
    record: _Record,
    path: str,
    item: ExtractedItem | None,
    position: int,
    finding: Finding,
    wanted: Wanted,
) -> Iterator[DoubtRow]:
    """Yield the row of a finding on text that was not read, if it is wanted. Its words are all that
    it cites.
    """
    reason = _OF_FINDINGS[finding.kind]
    name = _name_field_of_finding(finding.field)
    if not wanted.has(name, reason):
        return
    quotes = [show_line(citation.quote) for citation in finding.citations]
    sections = dict.fromkeys(citation.section for citation in finding.citations)
    yield DoubtRow(
        record_id=record.record_id,
        title=record.title,
        item=record.name_item(path, item),
        item_index=FieldRef(path).position if path else None,
        field=label_field(name),
        value=None,
        quote=" | ".join(quotes) or None,
        place=name_places(tuple(sections)) or None,
        confidence=None,
        reason=reason,
        meaning=show_line(finding.message),
        address=make_address(record.record_id, f"findings[{position}]", wanted.report),
    )


def _name_field_of_finding(field: str) -> str:
    """Return the name of the field that a finding is about; that of a text if it is none.

    >>> _name_field_of_finding("endpoints[3].time_points")
    'time_points'
    >>> _name_field_of_finding("brief_summary")
    'text'
    """
    names = FieldRef(name_absence(field)).names
    # "eligibility" alone is a section.
    if names[0] not in _ROOTS or names == ["eligibility"]:
        return _TEXT
    return names[-1]


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
    is_of_people = absence.field == f"eligibility.{name}"
    if is_of_people and name in _STATED_BY:
        words, place = record.quote_people(name)
    elif item is not None:
        words, place = _quote_item(item, name)
    elif name in wanted.own:
        words, place = record.quote_lines(wanted.own[name])
    yield DoubtRow(
        record_id=record.record_id,
        title=record.title,
        item=record.name_item(path, item),
        item_index=FieldRef(path).position if path else None,
        field=label_field(name),
        value=None,
        quote=words,
        place=place or name_places(absence.sections) or None,
        confidence=None,
        reason=reason,
        meaning=MEANINGS[reason],
        address=make_address(record.record_id, absence.field, wanted.report),
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
