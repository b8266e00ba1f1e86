"""Where the evidence of a document stands in its text, and on which page."""

from typing import Any, TypeVar

from pydantic import BaseModel

from extractor.schemas import Evidence, TrialExtraction, TrialRecord

_Model = TypeVar("_Model", bound=BaseModel)


def place_evidence(record: TrialRecord, extraction: TrialExtraction) -> TrialExtraction:
    """Return the extraction of a document with the place in the document's text, and the page, at
    each piece of evidence. The extraction of any other record is returned unchanged.
    """
    return _place(record, extraction) if record.document else extraction


def _place(record: TrialRecord, model: _Model) -> _Model:
    """Return a model with places at the evidence in it; the same object if it holds none."""
    if isinstance(model, Evidence):
        return model.model_copy(update=_locate(record, model))
    update: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        placed = _place_value(record, value)
        if placed is not value:
            update[name] = placed
    return model.model_copy(update=update) if update else model


def _place_value(record: TrialRecord, value: Any) -> Any:
    """Return a value with places at the evidence in it; the same object if it holds none, but
    always a new dictionary.
    """
    if isinstance(value, BaseModel):
        return _place(record, value)
    if isinstance(value, dict):
        return {name: _place_value(record, member) for name, member in value.items()}
    if not isinstance(value, tuple):
        return value
    placed = tuple(_place_value(record, member) for member in value)
    for new, old in zip(placed, value, strict=True):
        if new is not old:
            return placed
    return value


def _locate(record: TrialRecord, evidence: Evidence) -> dict[str, int | None]:
    """Return where evidence stands in the text of its document, by the fields of ``Evidence``;
    nothing if its section is not from the document.
    """
    section = record.section(evidence.section)
    document = record.document
    place = section.locate(evidence.start, evidence.end) if section else None
    if place is None or document is None:
        return {}
    start, end = place
    return {
        "document_start": start,
        "document_end": end,
        "page": document.find_page(start),
    }
