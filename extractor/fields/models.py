"""Custom fields as pydantic models, in the way that users of instructor write them."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from extractor.errors import FieldError
from extractor.schemas import Period, TrialExtraction
from extractor.suggestions import suggest

from .attributes import CLASSES, Attribute, AttributeType, Choice
from .declaration import CustomField, Example, FieldRule, Of

_SETTINGS = frozenset({"name", "when", "many", "judgement", "sections", "mentions", "examples", "rules", "confidence"})


class _FieldModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    _of: ClassVar[Of]
    _settings: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **settings: Any) -> None:
        if unknown := sorted(settings.keys() - _SETTINGS):
            nearest = suggest(unknown[0], _SETTINGS)
            known = ", ".join(sorted(_SETTINGS))
            raise FieldError(f"{cls.__name__}: {unknown[0]} is no setting of a field{nearest}; there are {known}")
        super().__init_subclass__()
        cls._settings = {name: value for name, value in cls._settings.items() if name != "name"} | settings

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Accept the settings of the class statement: pydantic hands them on here, too."""

    @classmethod
    def find_in(cls, extraction: TrialExtraction) -> tuple[Self, ...]:
        """The values of this field in an extraction, in order. Their evidence is in ``extraction.custom``."""
        field = declare(cls)
        nothing = {one.name: () if one.many else None for one in field.attributes}
        return tuple(
            cls.model_validate(nothing | {n: field.attribute(n).restore(v) for n, v in item.values.items()})
            for item in extraction.custom.get(field.name, ())
        )


class RecordField(_FieldModel):
    """A field of the whole record. See ``docs/how-to/your-own-fields.md``."""

    _of = Of.RECORD


class CriterionField(_FieldModel):
    """A field of each criterion."""

    _of = Of.CRITERION


class RegimenField(_FieldModel):
    """A field of each regimen."""

    _of = Of.REGIMEN


class OutcomeField(_FieldModel):
    """A field of each outcome."""

    _of = Of.OUTCOME


_BASES = (RecordField, CriterionField, RegimenField, OutcomeField)


def declare(model: type[BaseModel]) -> CustomField:
    """The declaration of a pydantic model. Raises ``FieldError`` with what is wrong, and how to write it.

    >>> from pydantic import Field
    >>> class BrainMetastases(RecordField):
    ...     "May participants with brain metastases take part?"
    ...     status: Literal["allowed", "excluded"] = Field(description="What holds for them.")
    >>> declare(BrainMetastases).name, declare(BrainMetastases).attributes[0].type.value
    ('brain_metastases', 'choice')
    """
    if not (isinstance(model, type) and issubclass(model, _FieldModel) and model not in _BASES):
        bases = ", ".join(base.__name__ for base in _BASES)
        shown = model.__name__ if isinstance(model, type) else f"{type(model).__name__}(...)"
        raise FieldError(f"{shown}: give a class, and write it as a subclass of one of {bases}")
    definition = inspect.cleandoc(vars(model).get("__doc__") or "")
    if not definition:
        raise FieldError(
            f"{model.__name__}: the class has no docstring; a model is asked with it, so say there what the field is"
        )
    if not model.model_fields:
        raise FieldError(f"{model.__name__}: the class has no attribute; give it at least one, such as value: str")
    settings = dict(model._settings)
    settings.setdefault("name", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower())
    attributes = tuple(_declare_attribute(model.__name__, name, info) for name, info in model.model_fields.items())
    try:
        return CustomField(of=model._of, definition=definition, attributes=attributes, **settings)
    except ValidationError as error:
        raise FieldError(f"{model.__name__}: {describe(error)}") from error


def _declare_attribute(model: str, name: str, info: FieldInfo) -> Attribute:
    where = f"{model}.{name}"
    if info.alias or info.validation_alias:
        raise FieldError(f"{where}: an alias would be a second name of the attribute; rename the attribute itself")
    if not info.is_required() and info.get_default(call_default_factory=True, validated_data={}) not in (None, (), []):
        raise FieldError(
            f"{where}: the default {info.default!r} would stand where the text says nothing; use None, or none at all"
        )
    if limits := [one for one in info.metadata if one is not None]:
        raise FieldError(f"{where}: {limits[0]!r} is not checked against a text; say it in the description")
    options = [one for one in _list_options(info.annotation) if one is not NoneType]
    if len(options) != 1:
        shown = " | ".join(map(_show, options))
        raise FieldError(f"{where}: of {shown} nothing says which one to check; give it one type, or two attributes")
    held, many = options[0], False
    if get_origin(held) in (list, tuple) or held in (list, tuple):
        inner = [one for one in get_args(held) if one is not Ellipsis]
        if len(inner) != 1:
            raise FieldError(f"{where}: write a list as list[str] or tuple[Quantity, ...], with one type")
        held, many = inner[0], True
    try:
        kind, choices = _read_type(where, held)
        return Attribute(
            name=name,
            type=kind,
            definition=info.description or "",
            many=many,
            required=info.is_required()
            and {None, NoneType}.isdisjoint((*_list_options(info.annotation), *get_args(held))),
            choices=choices,
        )
    except ValidationError as error:
        raise FieldError(f"{where}: {describe(error)}") from error


def _list_options(annotation: Any) -> Iterable[Any]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _read_type(where: str, held: Any) -> tuple[AttributeType, tuple[Choice, ...]]:
    if get_origin(held) is Literal:
        return AttributeType.CHOICE, tuple(Choice(word=str(word)) for word in get_args(held) if word is not None)
    if isinstance(held, type) and issubclass(held, Enum):
        return AttributeType.CHOICE, tuple(Choice(word=str(member.value)) for member in held)
    if held in CLASSES:
        return CLASSES[held], ()
    known = ", ".join(sorted({*map(_show, CLASSES), "Literal[...]", "list[...]"}))
    raise FieldError(f"{where}: {_show(held)} is no type that can be checked against a text; use one of {known}")


def _show(annotation: Any) -> str:
    if annotation is Period:
        return "Duration"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")


def describe(error: ValidationError, attributes: Sequence[str] = ()) -> str:
    """What is wrong, each with its place. ``attributes`` are their names, empty for that of a field of one type."""

    def show(place: tuple[int | str, ...]) -> str:
        match place:
            case ("attributes", int(at), *rest) if at < len(attributes):
                place = (attributes[at], *rest)
        return ".".join(str(part) for part in place if part != "")

    def explain(line: ErrorDetails) -> str:
        name = str(line["loc"][-1]) if line["loc"] else ""
        match line["type"]:
            case "extra_forbidden":
                return f"there is no such key{suggest(name, _KEYS)}"
            case "missing":
                return "is missing; write it"
            case "enum":
                kinds = line["ctx"]["expected"].replace("'", "")
                return f"{line['input']!r} is none of {kinds}{suggest(str(line['input']), list(AttributeType))}"
            case "string_pattern_mismatch":
                shown = f"{line['input']!r}: begin with a letter, go on with letters, digits and _"
                return f"{shown}, all small, such as my_field" if name == "name" else shown
        return line["msg"].removeprefix("Value error, ")

    lines = [(show(line["loc"]), explain(line)) for line in error.errors()]
    return "; ".join(f"{place}: {message}" if place else message for place, message in lines)


_KEYS = (*CustomField.model_fields, *Attribute.model_fields, *Example.model_fields, *FieldRule.model_fields)
Declared = CustomField | type[BaseModel] | str | Path
"""A declaration, a pydantic model, the path of a TOML file, or the name of a field of the catalogue."""
