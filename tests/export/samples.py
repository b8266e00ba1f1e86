"""Extractions for tables: one with a value in every field, and a small one."""

from enum import StrEnum
from itertools import count
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas import TrialExtraction

_CRITERION = {
    "kind": "inclusion",
    "section": "eligibility",
    "quote": "=HYPERLINK(1)",
    "category": "other",
    "constraints": [
        {"quantity": "z-score", "comparator": ">", "value": -2.5},
        {"quantity": "ECOG", "comparator": "between", "value": 0, "value_high": 2},
    ],
}
_PROOF = {
    "field": "amounts[0]",
    "section": "arms[0]",
    "start": 10,
    "end": 16,
    "quote": "400 mg",
}
_REGIMEN = {
    "agent": "ibuprofen",
    "section": "arms[0]",
    "quote": "ibuprofen 400 mg",
    "amounts": [{"low": 400, "high": 400, "unit": "mg"}],
    "evidence": [_PROOF | {"origin": "rule", "support": "parsed"}],
}
_ENDPOINT = {
    "rank": "primary",
    "index": 0,
    "measure": "Pain\nat rest",
    "time_points": [{"value": 2, "unit": "week"}],
}
SMALL = TrialExtraction.model_validate(
    {
        "record_id": "NCT90000001",
        "eligibility": {
            "minimum_age": {"value": 18, "unit": "year"},
            "criteria": [_CRITERION],
        },
        "dosing": [_REGIMEN],
        "endpoints": [_ENDPOINT],
        "absences": [
            {
                "field": "endpoints[0].concept",
                "reason": "not_asked",
                "sections": ["a", "b"],
            }
        ],
    }
)


def fill(model: type[BaseModel], numbers: Any = None) -> dict[str, Any]:
    """Fill every field of a model, with distinct texts and numbers."""
    numbers = numbers or count(1)
    filled = {}
    for name, field in model.model_fields.items():
        if name != "custom":  # no shape of its own
            filled[name] = _fill(field.annotation, numbers)
    return filled


def _fill(annotation: Any, numbers: Any) -> Any:
    origin = get_origin(annotation)
    parts = get_args(annotation)
    if origin is tuple:
        return [_fill(parts[0], numbers) for _ in range(2)]
    if origin in {Union, UnionType}:
        stated = [part for part in parts if part is not type(None)]
        return _fill(stated[0], numbers)
    if hasattr(annotation, "__metadata__"):
        return _fill(annotation.__origin__, numbers)
    if issubclass(annotation, BaseModel):
        return fill(annotation, numbers)
    if issubclass(annotation, StrEnum):
        return next(iter(annotation)).value
    number = next(numbers)
    if annotation is bool:
        return True
    if annotation is float:
        return number / 10_000
    if annotation is int:
        return number
    return f"text {number}"
