"""The form, made from the schemas: a widget for each field, menus with what their words mean."""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from extractor.pages import name_label

from .items import MODELS, ItemKind, Json, list_fields

__all__ = ["describe_form"]


@cache
def describe_form() -> Json:
    """The fields of each kind of item, in the order of the schema.

    ``widget`` is text, number, flag, choice or group; ``many`` says that it is a list of these, ``optional`` that
    it may be left empty.

    >>> [field["widget"] for field in describe_form()["people"]]
    ['group', 'group', 'choice', 'flag']
    """
    return {kind.value: _describe_fields(model, kind, list_fields(kind)) for kind, model in MODELS.items()}


def _describe_fields(model: type[BaseModel], kind: ItemKind, names: list[str]) -> list[Json]:
    return [_describe_field(model, kind, name) for name in names]


def _describe_field(model: type[BaseModel], kind: ItemKind, name: str) -> Json:
    field = model.model_fields[name]
    inner, many, optional = _unwrap(field.annotation)
    meanings = _definitions()["fields"][kind]
    told = meanings.get(name) or field.description or ""
    described = {"name": name, "label": name_label(name), "help": told, "many": many, "optional": optional}
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return described | {"widget": "group", "fields": _describe_fields(inner, kind, list(inner.model_fields))}
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        return described | {"widget": "choice", "options": _describe_options(inner)}
    return described | {"widget": "flag" if inner is bool else "text" if inner is str else "number"}


def _describe_options(words: type[StrEnum]) -> list[Json]:
    meanings = _definitions()["words"].get(words.__name__, {})
    return [{"value": word.value, "meaning": meanings.get(word.value, "")} for word in words]


def _unwrap(annotation: Any) -> tuple[Any, bool, bool]:
    """The type that is filled in, whether there may be many of it, and whether it may be left empty."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _unwrap(arguments[0])
    if origin is tuple:
        inner, _, _ = _unwrap(arguments[0])
        return inner, True, True
    if origin in {Union, UnionType}:
        kept = [one for one in arguments if one is not NoneType]
        inner, many, _ = _unwrap(kept[0])
        return inner, many, NoneType in arguments
    return annotation, False, False


@cache
def _definitions() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "definitions.toml").read_text("utf-8"))
