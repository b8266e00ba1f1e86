"""Extractions for tables: one with a value in every field, and a small one."""

from enum import StrEnum
from itertools import count
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas import TrialExtraction

_SMALL = Path(__file__).with_name("small.json").read_text("utf-8")
SMALL = TrialExtraction.model_validate_json(_SMALL)


def fill(model: type[BaseModel], numbers: Any = None) -> dict[str, Any]:
    """Fill every field of a model, with distinct texts and numbers."""
    numbers = numbers or count(1)
    filled = {}
    for name, field in model.model_fields.items():
        if name not in ("custom", "declared"):  # no shapes of their own
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
