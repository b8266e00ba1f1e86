"""The columns that a model's fields make: plain values as they are, a nested value's fields behind its name."""

from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas import Item

__all__ = ["Column", "Kind", "Listed", "find_columns", "find_lists"]

_RENAMED = {"start": "char_start", "end": "char_end"}
"""``end`` is a word of SQL."""
_BESIDE = frozenset({"evidence", "eligibility"})
"""Fields that are tables, though they are no lists of their own."""
_MANY = 12
"""More words of a closed set are not listed."""
_JOINED = "sections"
"""Lists of section names, which never hold a bar."""


class Kind(StrEnum):
    """What a column holds. ``number`` is whole or not."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: where its value stands in the model, or an empty ``path`` for a key."""

    name: str
    kind: Kind
    meaning: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A field that holds any number of values: of a model, or of text."""

    field: str
    model: type[BaseModel] | None
    meaning: str


def find_columns(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The columns of a model's fields, lists apart.

    >>> from extractor.schemas import TimeWindow
    >>> [(column.name, column.kind.value) for column in find_columns(TimeWindow)]
    [('quote', 'text'), ('comparator', 'text'), ('value', 'number'), ('unit', 'text')]
    """
    found: list[Column] = []
    for name, field in _fields(model):
        inner, listed = _unwrap(field.annotation)
        path = (*prefix, name)
        if listed and not _is_joined(name, inner):
            continue
        if not listed and isinstance(inner, type) and issubclass(inner, BaseModel):
            found += () if name in _BESIDE else find_columns(inner, path)
        else:
            meaning = f"{field.description or ''}{' Joined by |.' if listed else ''}".strip()
            found.append(Column(_name(path), _kind_of(inner), meaning or _tell_choices(inner), path))
    return tuple(found)


def find_lists(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> tuple[tuple[tuple[str, ...], Listed], ...]:
    """The lists in a model, also in a nested value, with the path to each; evidence and joined ones apart.

    >>> from extractor.schemas import Criterion
    >>> [path for path, _ in find_lists(Criterion)]
    [('constraints',)]
    """
    found: list[tuple[tuple[str, ...], Listed]] = []
    for name, field in _fields(model):
        inner, listed = _unwrap(field.annotation)
        nested = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
        if name in _BESIDE or (listed and _is_joined(name, inner)):
            continue
        if listed:
            found.append(((*prefix, name), Listed(name, nested, field.description or "")))
        elif nested:
            found += find_lists(nested, (*prefix, name))
    return tuple(found)


def _fields(model: type[BaseModel]) -> list[tuple[str, Any]]:
    """A model's fields, those that tell of its provenance last."""
    return sorted(model.model_fields.items(), key=lambda pair: pair[0] in Item.model_fields and model is not Item)


def _is_joined(name: str, inner: Any) -> bool:
    return name == _JOINED and inner is str


def _name(path: tuple[str, ...]) -> str:
    return "_".join((*path[:-1], _RENAMED.get(path[-1], path[-1])))


def _unwrap(annotation: Any) -> tuple[Any, bool]:
    """What a type holds without None and annotations, and whether any number of it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return _unwrap(parts[0])[0], True
    if origin in {Union, UnionType}:
        held = [part for part in parts if part is not type(None)]
        return _unwrap(held[0]) if len(held) == 1 else (float, False)  # the only union of the schemas is a number
    if hasattr(annotation, "__metadata__"):
        return _unwrap(annotation.__origin__)
    return annotation, False


def _kind_of(inner: Any) -> Kind:
    if issubclass(inner, bool):
        return Kind.BOOLEAN
    if issubclass(inner, int):
        return Kind.INTEGER
    return Kind.NUMBER if issubclass(inner, float) else Kind.TEXT


def _tell_choices(inner: Any) -> str:
    if not issubclass(inner, StrEnum):
        return ""
    words = [member.value for member in inner]
    told = ", ".join(words) if len(words) <= _MANY else "see `extractor schema`"
    return f"{inner.__name__}: {told}."
