"""Read the declaration of a field from its JSON Schema, in the form that ``model_json_schema()``
produces. The schema may be untrusted. Each property must be a plain value, a choice, a class from
``extractor.schemas``, a nested object of such properties, or a list of these.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, Field, ValidationError

from extractor.concepts.own.attributes import CLASSES, Attribute
from extractor.concepts.own.declaration import CustomField
from extractor.errors import FieldError
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel

ModelT = TypeVar("ModelT", bound=BaseModel)

_PLAIN = {
    "string": "quote",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
}
"""The type of an attribute, keyed by the type in its schema."""
_BY_TITLE = {
    value_class.__name__: kind
    for value_class, kind in CLASSES.items()
    if issubclass(value_class, FrozenModel)
}
"""The type of an attribute, keyed by the name of the values' class in this package."""
_CHECKED_KEYS = ("description", "pattern", "enum", "type")
"""The attribute keys that are checked for misspellings."""
_DEEPEST = 3
"""Maximum number of nested objects that contain a value."""
_MOST_ATTRIBUTES = 50
"""Maximum number of attributes of a field, including those of nested objects."""


class _Value(BaseModel, extra="allow"):
    """The parts of a value's schema that are read. Other keys are ignored."""

    title: str = ""
    description: str = ""
    type: str = ""
    format: str = ""
    reference: str = Field("", alias="$ref")
    enum: tuple[str | int | float, ...] = ()
    const: str | int | float | None = None
    any_of: tuple["_Value", ...] = Field((), alias="anyOf")
    items: "_Value | None" = None
    properties: dict[str, "_Value"] = {}
    required: tuple[str, ...] | bool = ()
    pattern: str | tuple[str, ...] | dict[str | bool, Any] = {}


class _Schema(BaseModel, extra="allow"):
    """The parts of a field's schema that are read. Other keys are treated as part of the
    declaration.
    """

    title: str = Field("", max_length=100)
    description: str = ""
    type: str = ""
    reference: str = Field("", alias="$ref")
    properties: dict[str, _Value] = {}
    required: tuple[str, ...] = ()
    definitions: dict[str, _Value] = Field({}, alias="$defs")
    additional: Any = Field(None, alias="additionalProperties")
    dialect: Any = Field(None, alias="$schema")


def read_json_schema(written: Mapping[str, Any]) -> CustomField:
    """Return the declaration of a field. Raises a ``FieldError`` that states the location of the
    problem, the problem itself, and a remedy.

    >>> field = read_json_schema(
    ...     {
    ...         "title": "PriorLines",
    ...         "description": "Prior lines of therapy.",
    ...         "properties": {"count": {"type": "integer"}},
    ...     }
    ... )
    >>> field.name, field.attributes[0].type
    ('prior_lines', 'integer')
    """
    title = str(written.get("title"))[:100]
    schema = _validate(title, _Schema, written)
    # the schema of a recursive model is only a reference to a definition
    if schema.reference:
        _refuse_recursion(title)
    definition = " ".join(schema.description.split())
    if not definition:
        raise FieldError(
            f"{title}: describe the field in the docstring of its class (the description of the "
            "JSON Schema)"
        )
    if not schema.properties:
        raise FieldError(
            f"{title}: the field has no attributes; add one, such as name: str"
        )
    attributes = _read_attributes(
        title, schema.properties, schema.required, schema.definitions, ()
    )
    table = {
        "name": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower(),
        "definition": definition,
        "attributes": attributes,
    }
    return _validate(title, CustomField, table | (schema.model_extra or {}))


def _refuse_recursion(where: str) -> NoReturn:
    raise FieldError(
        f"{where}: the model contains itself, directly or through another model; write a separate "
        "model for each level that you need"
    )


def _read_attributes(
    where: str,
    properties: Mapping[str, _Value],
    required: Collection[str],
    definitions: Mapping[str, _Value],
    outer: tuple[str, ...],
) -> tuple[Attribute, ...]:
    """Return the attributes of a field or of a nested object. ``outer`` contains the names of the
    nested models that enclose the attributes. Raises ``FieldError``.
    """
    attributes: list[Attribute] = []
    size = 0
    for name, value in properties.items():
        place = f"{where}.{name}"
        table = _read_property(place, value, definitions, outer)
        table["required"] &= name in required  # it has no default
        attribute = _validate(place, Attribute, {"name": name, **table})
        if outer and attribute.patterns:
            raise FieldError(
                f"{place}: a pattern inside a nested model is not searched; write it at the "
                "attribute of the field that contains the model, with a group for each attribute"
            )
        attributes.append(attribute)
        size += 1 + attribute.size
        if size > _MOST_ATTRIBUTES:
            raise FieldError(
                f"{where}: has more than {_MOST_ATTRIBUTES} attributes, including nested ones; "
                "declare several fields"
            )
    return tuple(attributes)


def _read_property(
    where: str,
    written: _Value,
    definitions: Mapping[str, _Value],
    outer: tuple[str, ...],
) -> dict[str, Any]:
    """Return the declaration of a property, except for its name. Raises ``FieldError``."""
    for key in written.model_extra or {}:
        # JSON Schema has many other keys, such as "minimum", which are ignored
        nearest = suggest(key, _CHECKED_KEYS)
        if nearest:
            raise FieldError(f"{where}.{key}: no such key{nearest}")
    # "Period | None" has two options, and the value is not required
    options = written.any_of or (written,)
    types = [option for option in options if option.type != "null"]
    if len(types) != 1:
        raise FieldError(
            f"{where}: it is unclear which of several types to check; give it one type, or write "
            "two attributes"
        )
    value = types[0]
    many = value.type == "array"
    if many:
        value = value.items or _Value.model_validate({})
    reference = value.reference.removeprefix("#/$defs/")
    value = definitions.get(reference, value)
    patterns = (
        written.pattern if isinstance(written.pattern, dict) else {"": written.pattern}
    )
    words = value.enum if value.const is None else (value.const,)
    kind = "choice" if words else _find_type(where, value)
    attributes: tuple[Attribute, ...] = ()
    description = written.description
    if kind == "object":
        attributes = _read_object(where, value, reference, definitions, outer)
        description = description or value.description
    return {
        "definition": " ".join(description.split()),
        "attributes": attributes,
        "many": many,
        "required": len(options) == 1,
        "patterns": {str(word): texts for word, texts in patterns.items()},
        "choices": tuple(map(str, words)),
        "type": kind,
    }


def _read_object(
    where: str,
    value: _Value,
    reference: str,
    definitions: Mapping[str, _Value],
    outer: tuple[str, ...],
) -> tuple[Attribute, ...]:
    """Return the attributes of a nested model, whose definition has the name ``reference``. Raises
    ``FieldError``.
    """
    if reference and reference in outer:
        _refuse_recursion(where)
    if len(outer) == _DEEPEST:
        raise FieldError(
            f"{where}: is inside more than {_DEEPEST} nested models; move its attributes into the "
            "model that contains it"
        )
    required = () if isinstance(value.required, bool) else value.required
    return _read_attributes(
        where, value.properties, required, definitions, (*outer, reference)
    )


def _find_type(where: str, value: _Value) -> str:
    """Return the attribute type for a value's schema. Raises ``FieldError`` if values of this type
    cannot be checked against a text.
    """
    if value.type in _PLAIN and not value.format:  # a date is a string with a format
        return _PLAIN[value.type]
    kind = _BY_TITLE.get(value.title)
    # a user's own class may have the same name as a class of this package
    if kind and value.properties.keys() == kind.value_class.model_fields.keys():
        return kind.name
    if value.properties:
        return "object"
    types = ", ".join(sorted(value_class.__name__ for value_class in CLASSES))
    raise FieldError(
        f"{where}: {value.format or value.type or 'this'} is not a type that can be checked "
        f"against a text; use one of {types}, Literal[...], an Enum, a nested model, or a list of "
        "one of these"
    )


def _validate(where: str, model: type[ModelT], table: Mapping[str, Any]) -> ModelT:
    """Create a schema, a field or an attribute from its declaration. Raises ``FieldError`` with the
    first problem, preceded by its location: ``where``, the name of the declaration, and the keys
    that lead to the problem.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    place = ".".join([where, *map(str, fault["loc"])])
    problem = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        problem = f"no such key{suggest(str(fault['loc'][-1]), model.model_fields)}"
    raise FieldError(" ".join(f"{place}: {problem}".split()))
