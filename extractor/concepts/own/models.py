"""Declare fields as pydantic models, in the way that users of instructor write them."""

import inspect
import re
from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from extractor.concepts.own.attributes import CLASSES, AttributeType
from extractor.concepts.own.declaration import CustomField, read_declaration
from extractor.errors import FieldError
from extractor.schemas import Period, TrialExtraction


class _FieldModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    _settings: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__()
        cls._settings = {
            name: value for name, value in cls._settings.items() if name != "name"
        } | settings

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Accept the settings of the class statement: pydantic hands them on here, too."""

    @classmethod
    def find_in(cls, extraction: TrialExtraction) -> tuple[Self, ...]:
        """Return the values of this field in an extraction, in order. Their evidence is in
        ``extraction.custom``.
        """
        field = declare(cls)
        nothing = {one.name: () if one.many else None for one in field.attributes}
        return tuple(
            cls.model_validate(
                nothing | {n: field.attribute(n).read_all(v) for n, v in item.values.items()}
            )
            for item in extraction.custom.get(field.name, ())
        )


class RecordField(_FieldModel, of="record"):
    """A field of the whole record. See ``docs/how-to/your-own-fields.md``."""


class CriterionField(_FieldModel, of="criterion"):
    """A field of each criterion."""


class RegimenField(_FieldModel, of="regimen"):
    """A field of each regimen."""


class OutcomeField(_FieldModel, of="outcome"):
    """A field of each outcome."""


_BASES = (RecordField, CriterionField, RegimenField, OutcomeField)


def declare(model: type[BaseModel]) -> CustomField:
    """Return the declaration of a pydantic model. Raises ``FieldError`` with what is wrong, and how
    to write it.

    >>> from typing import Literal
    >>> from pydantic import Field
    >>> class BrainMetastases(RecordField):
    ...     "May participants with brain metastases take part?"
    ...
    ...     status: Literal["allowed", "excluded"] = Field(description="What holds for them.")
    >>> declare(BrainMetastases).name, declare(BrainMetastases).attributes[0].type.value
    ('brain_metastases', 'choice')
    """
    if not (isinstance(model, type) and issubclass(model, _FieldModel) and model not in _BASES):
        bases = ", ".join(base.__name__ for base in _BASES)
        shown = model.__name__ if isinstance(model, type) else f"{type(model).__name__}(...)"
        raise FieldError(f"{shown}: give a class, and write it as a subclass of one of {bases}")
    table = {
        "name": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower(),
        **model._settings,
        "definition": inspect.cleandoc(vars(model).get("__doc__") or ""),
        "attributes": {
            n: _describe(f"{model.__name__}.{n}", info) for n, info in model.model_fields.items()
        },
    }
    return read_declaration(table, model.__name__)


def _describe(where: str, info: FieldInfo) -> dict[str, Any]:
    """Return the attribute that a field of a model declares, as a table of TOML has it."""
    if info.alias or info.validation_alias:
        raise FieldError(
            f"{where}: an alias would be a second name of the attribute; rename the attribute "
            "itself"
        )
    if not info.is_required() and info.get_default(
        call_default_factory=True, validated_data={}
    ) not in (None, (), []):
        raise FieldError(
            f"{where}: the default {info.default!r} would stand where the text says nothing; use "
            "None, or none at all"
        )
    if limits := [one for one in info.metadata if one is not None]:
        raise FieldError(
            f"{where}: {limits[0]!r} is not checked against a text; say it in the description"
        )
    options = _list_options(info.annotation)
    stated = [one for one in options if one is not NoneType]
    if len(stated) != 1:
        shown = " | ".join(map(_show, stated))
        raise FieldError(
            f"{where}: of {shown} nothing says which one to check; give it one type, or two "
            "attributes"
        )
    held = stated[0]
    many = get_origin(stated[0]) in (list, tuple)
    if many:
        inner = [one for one in get_args(held) if one is not Ellipsis]
        if len(inner) != 1:
            raise FieldError(
                f"{where}: write a list as list[str] or tuple[Quantity, ...], with one type"
            )
        held = inner[0]
    if get_origin(held) is Literal:
        words = [str(word) for word in get_args(held) if word is not None]
    else:
        words = (
            [str(one.value) for one in held]
            if isinstance(held, type) and issubclass(held, Enum)
            else []
        )
    if not words and held not in CLASSES:
        known = ", ".join(sorted({*map(_show, CLASSES), "Literal[...]", "list[...]"}))
        raise FieldError(
            f"{where}: {_show(held)} is no type that can be checked against a text; use one of "
            f"{known}"
        )
    return {
        "type": AttributeType.CHOICE if words else CLASSES[held],
        "definition": info.description or "",
        "many": many,
        "required": info.is_required() and {None, NoneType}.isdisjoint((*options, *get_args(held))),
        "choices": words,
    }


def _list_options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _show(annotation: Any) -> str:
    if annotation is Period:
        return "Duration"
    return (
        annotation.__name__
        if isinstance(annotation, type)
        else str(annotation).replace("typing.", "")
    )
