"""Describe the errors among judged values: both sides with their places."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import to_jsonable_python

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.comparers import NOTHING
from extractor.apps.evaluation.judged import JudgedValue
from extractor.apps.evaluation.places import name_home
from extractor.apps.evaluation.report import ErrorExample, ErrorSide
from extractor.schemas import Endpoint, Evidence, ExtractedItem

_OF_TIME = frozenset({"time_points", "time_kind"})
"""Fields of an outcome that its time frame states."""


def list_errors(record_id: str, rows: Iterable[JudgedValue]) -> Iterator[ErrorExample]:
    """Yield the errors among the rows of a record."""
    for row in rows:
        if row.error:
            yield ErrorExample(
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
    attribute = row.field.attribute
    evidence = _find_evidence(item, attribute, value)
    return ErrorSide(
        path=path,
        value=None if value == NOTHING else to_jsonable_python(value),
        section=name_home(item),
        quote=_find_quote(item, attribute),
        evidence=tuple(dict.fromkeys(one.cite() for one in evidence)),
        confidence=item.confidence,
        origin=item.origin,
        support=item.support,
    )


def _find_quote(item: ExtractedItem, attribute: str | None) -> str | None:
    """Return the words of an item that state a value."""
    if isinstance(item, Endpoint):
        return item.time_frame if attribute in _OF_TIME else item.measure
    quote: str | None = getattr(item, "quote", None)
    if quote is None and attribute:
        return next((one.quote for one in item.evidence_for(attribute)), None)
    return quote


def _find_evidence(
    item: ExtractedItem, attribute: str | None, value: Any
) -> Iterable[Evidence]:
    """Return the evidence for a value: of a member of a list its own, if it has any."""
    if attribute is None:
        return item.evidence_for("quote") or item.evidence_for("measure")
    members = getattr(item, attribute, None)
    if isinstance(members, tuple) and value in members:
        of_member = item.evidence_for(f"{attribute}[{members.index(value)}]")
        if of_member:
            return of_member
    return item.evidence_for(attribute)
