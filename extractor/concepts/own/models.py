"""Declare fields by plain pydantic models, as users of instructor write them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from extractor.concepts.own.attributes import CLASSES, Attribute, AttributeType
from extractor.concepts.own.declaration import TAKEN, CustomField, Declared, Example
from extractor.concepts.own.loading import load_models
from extractor.concepts.own.patterns import NESTED, check_patterns
from extractor.errors import FieldError
from extractor.schemas import TrialExtraction
from extractor.schemas.arguments import suggest

KindT = TypeVar("KindT", bound=BaseModel)
ModelT = TypeVar("ModelT", bound=BaseModel)
_LISTS = (list, tuple, set, frozenset)


def read_fields(given: Iterable[Declared] | Declared) -> tuple[CustomField, ...]:
    """Return the declarations of fields, in order, with their patterns checked.

    Args:
        given: Pydantic models, or where they are: ``my_fields.py:Washout`` or
            ``my_package.fields:Washout,Visits``; without names all models of the file; or JSON
            Schemas, as ``model_json_schema()`` writes them. One, or several.

    Raises:
        FieldError: A field is wrong, or two have one name. Each line of the message says where,
            and how to write it.

    >>> from extractor.catalogue import Blinding
    >>> [field.name for field in read_fields(["extractor.catalogue:Washout", Blinding])]
    ['washout', 'blinding']
    """
    declarations: Any = given
    if isinstance(given, BaseModel | str | Path | type | Mapping):
        declarations = [given]
    if not isinstance(declarations, Iterable):
        raise FieldError(
            f"{given!r}: give pydantic models, or where they are, such as my_fields.py:Washout"
        )
    fields: dict[str, CustomField] = {}
    for declaration in declarations:
        for field in _declare_all(declaration):
            if field.name in TAKEN:
                raise FieldError(
                    f"{field.name}: the guideline has a field or key of that name; rename the "
                    "class, or give another name in its json_schema_extra"
                )
            if field.name in fields:
                raise FieldError(
                    f"{field.name}: two fields have this name; rename one of them"
                )
            check_patterns(field)
            fields[field.name] = field
    return tuple(fields.values())


def _declare_all(given: Declared) -> Iterator[CustomField]:
    if isinstance(given, str | Path):
        yield from map(declare, load_models(str(given)))
    elif isinstance(given, CustomField):
        yield given
    elif isinstance(given, Mapping):
        from extractor.concepts.own.json_schema import read_json_schema  # noqa: PLC0415 - few fields come so

        yield read_json_schema(given)
    else:
        yield declare(given)


def declare(model: type[BaseModel]) -> CustomField:
    """Return the declaration of a pydantic model.

    Raises ``FieldError`` with the place of a fault, what is wrong, and what to write.

    >>> class BrainMetastases(BaseModel):
    ...     "May participants with brain metastases take part?"
    ...
    ...     status: Literal["allowed", "excluded"]
    >>> declare(BrainMetastases).name, declare(BrainMetastases).attributes[0].type.value
    ('brain_metastases', 'choice')
    """
    given: Any = model
    problem = "give a class, and write it as a subclass of pydantic.BaseModel"
    if not isinstance(given, type):
        raise FieldError(f"{type(given).__name__}(...): {problem}")
    if not issubclass(given, BaseModel) or given is BaseModel:
        raise FieldError(f"{given.__name__}: {problem}")
    # that of the class itself, not one that it inherits
    definition = " ".join((vars(model).get("__doc__") or "").split())
    if not definition:
        raise FieldError(
            f"{model.__name__}: say what the field is, in the docstring of the class"
        )
    if not model.model_fields:
        raise FieldError(
            f"{model.__name__}: has no attribute; add one, such as name: str"
        )
    try:
        attributes = _list_attributes(model)
    except RecursionError:
        raise FieldError(
            f"{model.__name__}: a model that holds itself has no end; leave that attribute out"
        ) from None
    table: dict[str, Any] = {
        "name": name_field(model),
        "definition": definition,
        "attributes": attributes,
    }
    extra = model.model_config.get("json_schema_extra")
    if isinstance(extra, dict):
        table |= extra
    return _validate(model.__name__, CustomField, table)


def _validate(where: str, kind: type[KindT], table: Mapping[str, Any]) -> KindT:
    """Make a part of a declaration. Raises ``FieldError`` with the first fault."""
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        fault = error.errors()[0]
    place: list[str] = [str(part) for part in fault["loc"]]
    problem = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        keys = (*kind.model_fields, *Example.model_fields)
        problem = f"there is no such key{suggest(place[-1], keys)}"
    elif fault["type"] == "missing":
        problem = 'is missing; write an example as {"text": "...", "value": {...}}'
    elif fault["type"] == "bool_type":
        problem = f"{fault['input']!r}: write True or False"
    elif fault["type"] == "string_pattern_mismatch":
        problem = (
            f"{fault['input']!r} must have 2 to 40 characters: small letters, digits and _, a "
            "letter first; choose another name"
        )
    raise FieldError(f"{'.'.join([where, *place])}: {problem}")


def find_values(extraction: TrialExtraction, model: type[ModelT]) -> tuple[ModelT, ...]:
    """Return the values of a field in an extraction as objects of its model, in order.

    Their evidence is in ``extraction.custom``. Defaults, limits and validators of the model apply
    here, so a value that the text states and the model forbids raises pydantic's
    ``ValidationError``.

    >>> from extractor import Extractor
    >>> from extractor.catalogue import Blinding
    >>> extraction = Extractor(fields=Blinding).extract_text(
    ...     "A double-blind trial of examplumab in 40 adults."
    ... )
    >>> find_values(extraction, Blinding)
    (Blinding(level='double'),)
    """
    field = declare(model)
    nothing: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if info.is_required():
            nothing[name] = None
    values: list[ModelT] = []
    for item in extraction.custom.get(field.name, ()):
        table = nothing | item.model_dump(mode="json")["values"]
        values.append(model.model_validate(table, by_alias=False, by_name=True))
    return tuple(values)


def name_field(model: type[BaseModel]) -> str:
    """Return the key of a model's values.

    >>> class PriorLines(BaseModel):
    ...     pass
    >>> name_field(PriorLines)
    'prior_lines'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower()


def _list_attributes(model: type[BaseModel]) -> list[Attribute]:
    attributes = []
    for name, info in model.model_fields.items():
        where = f"{model.__name__}.{name}"
        attributes.append(_read_attribute(where, name, info))
    return attributes


def _read_attribute(where: str, name: str, info: FieldInfo) -> Attribute:
    """Return the attribute that a field of a model declares. Raises ``FieldError`` if it cannot
    be checked.
    """
    held, is_optional = _drop_none(where, info.annotation)
    many = get_origin(held) in _LISTS
    if many:
        held = _find_member_type(where, held)
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    if not extra.keys() <= {"pattern"}:
        raise FieldError(
            f"{where}: json_schema_extra has {', '.join(extra)}; an attribute has only pattern "
            "there"
        )
    table = {
        "name": name,
        "definition": " ".join((info.description or "").split()),
        "many": many,
        "required": info.is_required() and not is_optional,
        "examples": info.examples or (),
        "patterns": list(_list_patterns(extra.get("pattern", []))),
    }
    declared = table | _describe_type(where, held)
    if declared["type"] is AttributeType.OBJECT and table["patterns"]:
        raise FieldError(f"{where}: {NESTED}")
    return _validate(where, Attribute, declared)


def _find_member_type(where: str, listed: Any) -> Any:
    """Return the type of the members of a list. Raises ``FieldError`` if it has several."""
    # tuple[str, ...] is a list of one type
    types = [part for part in get_args(listed) if part is not Ellipsis]
    member, *others = map(_drop_limits, types)
    if others:
        raise FieldError(
            f"{where}: write a list as list[str] or list[Quantity], with one type"
        )
    return member


def _drop_limits(annotation: Any) -> Any:
    """Return the type in an ``Annotated``, whose limits ``find_values`` checks."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    return annotation


def _drop_none(where: str, annotation: Any) -> tuple[Any, bool]:
    """Return the type of an attribute, and whether it may be None."""
    if get_origin(annotation) in (Union, UnionType):
        options = get_args(annotation)
    else:
        options = (annotation,)
    stated = [_drop_limits(option) for option in options if option is not NoneType]
    if len(stated) != 1:
        shown = " | ".join(map(_show, stated))
        raise FieldError(
            f"{where}: of {shown} nothing says which one to check; give it one type, or two "
            "attributes"
        )
    return stated[0], len(options) > 1


def _describe_type(where: str, held: Any) -> dict[str, Any]:
    """Return the type of an attribute with its words or parts. Raises ``FieldError`` for a type
    that cannot be checked against a text.
    """
    if held in CLASSES:
        return {"type": CLASSES[held]}
    if get_origin(held) is Literal:
        words = [str(word) for word in get_args(held)]
        return {"type": AttributeType.CHOICE, "choices": words}
    if isinstance(held, type) and issubclass(held, Enum):
        words = [str(member.value) for member in held]
        return {"type": AttributeType.CHOICE, "choices": words}
    if isinstance(held, type) and issubclass(held, BaseModel):
        parts = _list_attributes(held)
        if any(part.patterns for part in parts):
            raise FieldError(f"{where}: {NESTED}")
        return {"type": AttributeType.OBJECT, "parts": parts}
    names = {"Literal[...]", "list[...]", "an Enum", "a pydantic model"}
    names.update(map(_show, CLASSES))
    raise FieldError(
        f"{where}: {_show(held)} is no type that can be checked against a text; use one of "
        f"{', '.join(sorted(names))}"
    )


def _list_patterns(given: Any) -> Iterator[dict[str, Any]]:
    """Yield the patterns of an attribute: one, several, or those that give each word of a
    choice.
    """
    by_word = given if isinstance(given, dict) else {None: given}
    for word, patterns in by_word.items():
        gives = None if word is None else str(word)
        texts = patterns if isinstance(patterns, list | tuple) else [patterns]
        for text in texts:
            yield {"text": text, "gives": gives}


def _show(annotation: Any) -> str:
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
