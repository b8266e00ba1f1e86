"""List the values of an item or an extraction, each with its evidence."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from extractor.language.values import group_pairs
from extractor.schemas.evidence import Absence, Evidence, ExtractedItem
from extractor.schemas.extraction import Amount, Constraint, TimeWindow, TrialExtraction
from extractor.schemas.fields import FieldRef
from extractor.schemas.record import TrialRecord

PARTS: Mapping[type, tuple[str, ...]] = {
    Constraint: ("condition",),
    TimeWindow: ("of", "anchor"),
    Amount: ("condition",),
}
"""The quotes that are part of a value: to whom a limit or an amount applies, what a time window
applies to, and the point from which the window is counted.
"""

UNPROVEN = frozenset(
    {"section", "rank", "index", "criteria", "turned", "demanded", "has_exception"}
)
"""Fields without evidence: positions, nested items, and facts about how to read a criterion."""


class Value(NamedTuple):
    """One value of the field ``name``, or one member if the field is a list, with its evidence. The
    name of a nested value is a path, such as ``methods[0].name``.
    """

    path: str
    name: str
    value: Any
    evidence: Sequence[Evidence]


def list_item_values(path: str, item: ExtractedItem) -> Iterator[Value]:
    """Yield the values of the item at ``path`` in schema order, with a separate value for each
    member of a list and each attribute of a nested object. Empty fields are skipped, as are
    positions, such as an endpoint's rank.

    A member that lacks evidence receives the evidence of the whole list.

    >>> from extractor.schemas import Criterion
    >>> item = Criterion(
    ...     kind="inclusion", section="eligibility", quote="Weight over 40 kg"
    ... )
    >>> values = list(list_item_values("eligibility.criteria[0]", item))
    >>> values[1].path, values[1].value
    ('eligibility.criteria[0].quote', 'Weight over 40 kg')
    """
    proofs = index_evidence(item)
    for field, value in _list_attributes(item).items():
        # The first time window is also in the list of time windows.
        if field == "time_window" and getattr(item, "time_windows", None):
            continue
        yield from _list_members(path, field, value, proofs)


def index_evidence(item: ExtractedItem) -> Mapping[str, Sequence[Evidence]]:
    """Return what ``evidence_for`` returns for each field, as lists; for any other, no evidence."""
    return group_pairs(
        (path, piece)
        for piece in item.evidence
        for path in (piece.field, *FieldRef(piece.field).parents)
    )


def _list_members(
    path: str, field: str, value: object, proofs: Mapping[str, Sequence[Evidence]]
) -> Iterator[Value]:
    """Yield the values of a field: those of a nested object or of the members of a list, or the
    single value.
    """
    if value is None:
        return
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _list_members(path, f"{field}.{name}", part, proofs)
        return
    # the attributes of custom fields have this prefix
    name = field.removeprefix("values.")
    if not isinstance(value, tuple):
        yield Value(f"{path}.{field}", name, value, proofs[field])
        return
    of_whole = [evidence for evidence in proofs[field] if evidence.field == field]
    for index, member in enumerate(value):
        place = f"{field}[{index}]"
        if isinstance(member, dict):
            yield from _list_members(path, place, member, proofs)
            continue
        yield Value(f"{path}.{place}", name, member, proofs[place] or of_whole)


def _list_attributes(item: ExtractedItem) -> dict[str, object]:
    """Return the values of an item, keyed by field. Attributes of a custom field are keyed as
    ``values.NAME``.
    """
    custom_values = getattr(item, "values", None)
    if isinstance(custom_values, dict):
        return {f"values.{name}": value for name, value in custom_values.items()}
    return {name: getattr(item, name) for name in _name_attributes(type(item))}


def list_absences(extraction: TrialExtraction) -> list[Absence]:
    """Return the empty fields, except for ``time_window``, which has the same reason as
    ``time_windows``.
    """
    return [
        absence
        for absence in extraction.absences
        if not absence.field.endswith(".time_window")
    ]


@cache
def _name_attributes(kind: type[ExtractedItem]) -> tuple[str, ...]:
    excluded = UNPROVEN.union(ExtractedItem.model_fields)
    return tuple(name for name in kind.model_fields if name not in excluded)


def find_misplaced(extraction: TrialExtraction, record: TrialRecord) -> Evidence | None:
    """Return the first evidence whose quote is not at its place in the record's text, or None if
    the text has not changed since the extraction. Gold has no places.
    """
    for _, item in extraction.list_items():
        for piece in item.evidence:
            text = record.raw_text(piece.section) or ""
            if piece.section and text[piece.start : piece.end] != piece.quote:
                return piece
    return None
