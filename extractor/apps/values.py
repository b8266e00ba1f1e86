"""All values and empty fields of an extraction as rows, with their location and confidence.

Lists, the counts of the report and of the review, comparisons, gold spreadsheets, and the
``values``, ``absences`` and ``findings`` tables of an export are views of this table. The viewer
and the evaluation read the items directly.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from extractor.face import counted, show_line, show_some
from extractor.schemas import (
    Citation,
    Endpoint,
    Evidence,
    ExtractedItem,
    FieldRef,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.base import JsonObject
from extractor.schemas.values import Value, list_absences, list_item_values
from extractor.schemas.vocabulary import DOUBTFUL_BELOW, SETTLED_ABSENCES

T = TypeVar("T")
RowKind = StrEnum("RowKind", "VALUE ITEM ABSENCE FINDING FAILURE")
RowKind.__doc__ = (
    "A value, an item from which a value may be missing, the reason for an empty field, a finding, "
    "or a record without a result."
)
DOUBTS = {RowKind.VALUE: "value", RowKind.ITEM: "item", RowKind.ABSENCE: "empty field"}
"""What can be a doubt, in words."""

_ITEM = re.compile(
    r"eligibility\.criteria\[\d+\]|(?:dosing|endpoints)\[\d+\]"
    r"|custom\.[^.\[]+\[\d+\]|eligibility"
)
"""Matches the path of an item at the start of a value's path."""
_MAY_BE_INCOMPLETE = "a value may be missing from an empty field or from a list"
_BETWEEN_QUOTES = " … "
"""Joins quotes or sections that are not adjacent."""
_BETWEEN_DOUBTS = "; "


class ValueRow(NamedTuple):
    """One value, absence or finding.

    Attributes:
        kind: What the row represents.
        record_id: The record.
        item: The path of the item, such as ``dosing[0]``. It is empty if the row is about the whole
            record.
        field: The field's path in its item, such as ``amounts[0]``, or ``item`` for an item from
            which a value may be missing.
        value: The value as in the schema, or the message of a finding. It is None for an absence.
        quote: The supporting words on one line; … joins separate passages.
        section: The section of the first passage or, for an absence, the sections that were
            searched. For a failure, or a row read from a sheet, the location in the file.
        start: The offset of the first passage in the raw text of the section.
        end: The offset after the last character of the first passage.
        confidence: The lowest of the probabilities that the individual pieces of evidence are
            correct.
        origin: The source of the value: rule, model or both.
        support: How the value follows from the words.
        reason: Why a field is empty, or the kind of a finding.
        severity: The severity of a finding: warning or info.
        doubts: What speaks most against a doubtful value.
        address: In a list, the address of the row in the report.
        change: In a comparison with an older run, whether the row was added ("new") or removed
            ("gone").
    """

    kind: RowKind
    record_id: str
    item: str
    field: str
    value: Any = None
    quote: str | None = None
    section: str | None = None
    start: int | None = None
    end: int | None = None
    confidence: float | None = None
    origin: str | None = None
    support: str | None = None
    reason: str | None = None
    severity: str | None = None
    doubts: str | None = None
    address: str = ""
    change: str = ""

    @property
    def path(self) -> str:
        """The field's path in the extraction, such as ``dosing[0].amounts[0]``."""
        return ".".join(filter(None, (self.item, self.field)))

    @property
    def label(self) -> str:
        """The field without positions, such as ``amounts``."""
        return self.field.partition("[")[0]

    @property
    def text(self) -> str:
        """The value on one line, such as ``4 week`` or ``true``, or an empty string for an
        absence.
        """
        if self.value is None:
            return ""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        return show_line(str(self.value))


def list_values(extraction: TrialExtraction) -> Iterator[ValueRow]:
    """Yield a row for each value, in schema order."""
    for path, item in extraction.list_items():
        for value in list_item_values(path, item):
            yield _describe_value(extraction.record_id, value, item)


def list_all_rows(extraction: TrialExtraction) -> Iterator[ValueRow]:
    """Yield a row for each value in schema order, a row for each item from which a value may be
    missing, and a row for each absence and each finding.

    >>> extraction = TrialExtraction.model_validate(
    ...     {
    ...         "record_id": "A",
    ...         "eligibility": {"sex": "male"},
    ...         "absences": [
    ...             {"field": "eligibility.minimum_age", "reason": "not_reported"}
    ...         ],
    ...     }
    ... )
    >>> [(row.path, row.text, row.reason) for row in list_all_rows(extraction)]
    [('eligibility.sex', 'male', None), ('eligibility.minimum_age', '', 'not_reported')]
    """
    record_id = extraction.record_id
    yield from list_values(extraction)
    for path, item in extraction.list_items():
        doubt = doubt_item(item)
        if doubt:
            yield _make_row(
                RowKind.ITEM,
                record_id,
                f"{path}.item",
                quote=find_words(item),
                section=getattr(item, "section", None),
                confidence=item.confidence,
                doubts=doubt,
            )
    for absence in list_absences(extraction):
        yield _make_row(
            RowKind.ABSENCE,
            record_id,
            absence.field,
            section=_BETWEEN_QUOTES.join(absence.sections) or None,
            reason=absence.reason.value,
        )
    for finding in extraction.findings:
        yield _make_row(
            RowKind.FINDING,
            record_id,
            finding.field,
            value=finding.message,
            **_cite_passages(finding.citations),
            reason=finding.kind.value,
            severity=finding.severity.value,
        )


def name_doubt(row: ValueRow) -> str | None:
    """Return what is doubtful in a row, in words: a value or an item below ``DOUBTFUL_BELOW``,
    or an empty field whose text was not understood. Return None for a row without a doubt.
    """
    if row.kind is RowKind.ABSENCE:
        is_doubtful = row.reason not in SETTLED_ABSENCES
    else:
        is_doubtful = row.confidence is not None and row.confidence < DOUBTFUL_BELOW
    return DOUBTS[row.kind] if is_doubtful else None


def describe_counts(
    noun: str, labels: Counter[str], doubts: Counter[str], most: int
) -> str:
    """Return the number of rows, which the ``noun`` names, in words, with the ``most`` frequent
    labels. Of doubts, ``doubts`` has the number of each of ``DOUBTS``.

    >>> doubts = Counter({"value": 5, "empty field": 1})
    >>> describe_counts("doubt", Counter(arms=4, role=2), doubts, 9)
    '6 doubts (5 values, 0 items, 1 empty field): arms 4, role 2'
    """
    total = counted(labels.total(), noun)
    if doubts:
        parts = (counted(doubts[part], part) for part in DOUBTS.values())
        total = f"{total} ({', '.join(parts)})"
    listed = (f"{label} {number:,}" for label, number in labels.most_common())
    return f"{total}: {show_some(listed, most) or 'nothing to list'}"


def drop_same(
    rows: Iterable[T], others: Iterable[T], identify: Callable[[T], Hashable]
) -> list[T]:
    """Return the rows that have no equal row in ``others``. Each row in ``others`` can match only
    one row.

    >>> drop_same(["a", "a", "b"], ["A", "c"], str.lower)
    ['a', 'b']
    """
    unmatched_others = Counter(map(identify, others))
    rest = []
    for row in rows:
        key = identify(row)
        if unmatched_others[key]:
            unmatched_others[key] -= 1
        else:
            rest.append(row)
    return rest


def find_words(item: ExtractedItem | None) -> str | None:
    """Return the words of an item: its quote or, for an endpoint, its measure. Return None for an
    item without words, such as the eligibility as a whole.
    """
    return getattr(item, "quote", None) or getattr(item, "measure", None)


@lru_cache(maxsize=4096)
def split_path(path: str) -> tuple[str, str]:
    """Split the path of a value into (path of the item, field within the item).

    >>> (
    ...     split_path("eligibility.criteria[3].constraints[1]"),
    ...     split_path("eligibility.sex"),
    ... )
    (('eligibility.criteria[3]', 'constraints[1]'), ('eligibility', 'sex'))
    """
    item = _ITEM.match(path)
    if item is None:
        return "", path
    return item[0], path[item.end() :].removeprefix(".")


def doubt_item(item: ExtractedItem) -> str | None:
    """Return what speaks against a doubtful item that is less sure than all its evidence, or None
    for any other item.
    """
    # the confidence of an item is the lowest of all its fields, including empty ones and lists as
    # a whole
    least = find_least(item.evidence)
    bound = DOUBTFUL_BELOW if least is None else min(least, DOUBTFUL_BELOW)
    if item.confidence is None or item.confidence >= bound:
        return None
    return _MAY_BE_INCOMPLETE


def _make_row(kind: RowKind, record_id: str, path: str, **cells: Any) -> ValueRow:
    """Return the row of a value or another fact at a path, with the given cells."""
    return ValueRow(kind, record_id, *split_path(path), **cells)


def _describe_value(record_id: str, value: Value, item: ExtractedItem) -> ValueRow:
    """Return the row of a value. Its confidence is the lowest of all its pieces of evidence,
    because the value is right only if each of them is. Origin and support, like the location, are
    those of the first piece: a row has room for one.
    """
    # Gold has no evidence.
    first = next(iter(value.evidence), None)
    least = find_least(value.evidence)
    return _make_row(
        RowKind.VALUE,
        record_id,
        value.path,
        value=value.value,
        **_cite_passages(value.evidence),
        confidence=item.confidence if least is None else least,
        origin=first and first.origin.value,
        support=first and first.support.value,
        doubts=_BETWEEN_DOUBTS.join(list_doubts(value.evidence)) or None,
    )


def name_home(item: object) -> str | None:
    """Return the location of an item: its section or, for an endpoint, the section of its outcome,
    such as ``primary_outcomes[0]``. Ages and sex do not have a location.
    """
    if isinstance(item, Endpoint):
        return f"{item.rank}_outcomes[{item.index}]"
    return getattr(item, "section", None)


def find_section(record: TrialRecord, place: str | None) -> str | None:
    """Return the section that contains the text of a location, or None if the record has no such
    section. In flat formats, one section contains all arms, or all outcomes of a rank.

    >>> from extractor.schemas import Section, Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(
    ...     record_id="A", source=Source(path="a", format="flat"), sections=(cell,)
    ... )
    >>> find_section(record, "arms[1]"), find_section(record, "title")
    ('arms', None)
    """
    names = (place, FieldRef(place or "").path)
    existing = (name for name in names if name and record.raw_text(name) is not None)
    return next(existing, None)


def weigh_evidence(pieces: Iterable[Evidence]) -> JsonObject:
    """Return how sure a value is, as pages show it: the lowest confidence of its evidence, its
    doubts, and the pages of the document that contain it.
    """
    evidence = list(pieces)
    return {
        "confidence": find_least(evidence),
        "doubts": list_doubts(evidence),
        "pages": sorted({piece.page for piece in evidence if piece.page}),
    }


def list_doubts(pieces: Iterable[Evidence]) -> list[str]:
    """Return what speaks against a value, in words, without repetitions."""
    return list(dict.fromkeys(doubt for piece in pieces for doubt in piece.doubts))


def find_least(pieces: Iterable[Evidence]) -> float | None:
    """Return the lowest confidence of several pieces of evidence, or None if none of them has a
    confidence.
    """
    confidences = [piece.confidence for piece in pieces if piece.confidence is not None]
    return min(confidences, default=None)


def _cite_passages(pieces: Sequence[Citation | Evidence]) -> dict[str, Any]:
    """Return the cells of a row for the passages that support it: the words of all passages, and
    the section, start and end of the first one. Without passages, there are no cells.
    """
    if not pieces:
        return {}
    first = pieces[0]
    words = _BETWEEN_QUOTES.join(dict.fromkeys(piece.quote for piece in pieces))
    return {
        "quote": show_line(words),
        "section": first.section,
        "start": first.start,
        "end": first.end,
    }
