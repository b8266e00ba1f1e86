"""Describe the errors among judged values: both sides with their places."""

from collections.abc import Iterable
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.comparers import NOTHING
from extractor.apps.evaluation.judged import JudgedValue
from extractor.apps.evaluation.places import name_home
from extractor.apps.evaluation.report import ErrorExample, ErrorSide
from extractor.schemas import Evidence, ExtractedItem


def describe_error(record_id: str, row: JudgedValue) -> ErrorExample:
    """Describe the error of a row."""
    assert row.error
    return ErrorExample(
        kind=row.error,
        harm=row.error.harm * row.field.weight,
        record_id=record_id,
        field=row.field.name,
        gold=_describe(row, row.gold_item, row.gold),
        predicted=_describe(row, row.predicted_item, row.predicted),
    )


def rank_error(error: ErrorExample) -> tuple[Any, ...]:
    """Return the key that sorts errors: by harm, then by record, field and values."""
    values = [repr(side and side.value) for side in (error.gold, error.predicted)]
    return -error.harm, error.record_id, error.field, values


def _describe(row: JudgedValue, side: Side, value: Any) -> ErrorSide | None:
    path = row.locate(side)
    if path is None:
        return None
    item: ExtractedItem = side.item
    evidence = _find_evidence(item, row.field.attribute or "quote", value)
    return ErrorSide(
        path=path,
        value=None if value == NOTHING else to_jsonable_python(value),
        section=name_home(item),
        quote=getattr(item, "quote", None) or getattr(item, "measure", None),
        evidence=tuple(dict.fromkeys(one.cite() for one in evidence)),
        confidence=item.confidence,
    )


def _find_evidence(
    item: ExtractedItem, attribute: str, value: Any
) -> Iterable[Evidence]:
    """Return the evidence for a value: of a member of a list its own, if it has any."""
    members = getattr(item, attribute, None)
    if isinstance(members, tuple) and value in members:
        of_member = item.evidence_for(f"{attribute}[{members.index(value)}]")
        if of_member:
            return of_member
    return item.evidence_for(attribute)
