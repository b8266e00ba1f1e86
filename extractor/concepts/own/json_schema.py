"""Read the declaration of a field from its JSON Schema, as ``model_json_schema()`` writes it.

The schema may come from a stranger. It has one level: a property is a plain value, a closed set, a
class of ``extractor.schemas``, or a list of these.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from extractor.concepts.own.attributes import CLASSES, Attribute, AttributeType
from extractor.concepts.own.declaration import CustomField
from extractor.errors import FieldError
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel

KindT = TypeVar("KindT", bound=BaseModel)
Json = Mapping[str, Any]

_PLAIN = {
    ("string", ""): AttributeType.QUOTE,
    ("boolean", ""): AttributeType.BOOLEAN,
    ("integer", ""): AttributeType.INTEGER,
    ("number", ""): AttributeType.NUMBER,
}
"""The type of an attribute by the type and the format in its schema."""
_KEYS = {
    kind.held.__name__: (kind, kind.held.model_fields.keys())
    for kind in CLASSES.values()
    if issubclass(kind.held, FrozenModel)
}
"""The type of an attribute, and the keys of its values, by the name of a class of this package."""
_OF_A_SCHEMA = {"title", "description", "type", "properties", "required", "$defs"} | {
    "additionalProperties",
    "$schema",
}
_LONGEST_SHOWN = 100


def read_json_schema(schema: Json) -> CustomField:
    """Return the declaration of a field.

    Raises ``FieldError`` with the place of a fault, what is wrong, and what to write.

    >>> field = read_json_schema(
    ...     {
    ...         "title": "PriorLines",
    ...         "description": "Prior lines of therapy.",
    ...         "properties": {"count": {"type": "integer"}},
    ...     }
    ... )
    >>> field.name, field.attributes[0].type.value
    ('prior_lines', 'integer')
    """
    definitions = schema.get("$defs") or {}
    title = str(schema.get("title", "the JSON Schema"))[:_LONGEST_SHOWN]
    # a model that holds itself is a definition, and no schema of its own
    definition = " ".join(str(schema.get("description", "")).split())
    properties = schema.get("properties")
    if "$ref" in schema:
        raise FieldError(f"{title}: {_NESTED}")
    if not definition:
        raise FieldError(
            f"{title}: say what the field is, in the docstring of the class (the description of a "
            "JSON Schema)"
        )
    if not isinstance(properties, Mapping) or not properties:
        raise FieldError(f"{title}: has no attribute; add one, such as name: str")
    required = schema.get("required", ())
    attributes = []
    for name, given in properties.items():
        where = f"{title}.{name}"[:_LONGEST_SHOWN]
        table = _read_property(where, given, definitions)
        is_required = not table.pop("is_optional") and name in required
        table |= {"name": name, "required": is_required}
        attributes.append(_validate(where, Attribute, table))
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower()
    extra = {key: value for key, value in schema.items() if key not in _OF_A_SCHEMA}
    table = {"name": name, "definition": definition, "attributes": attributes}
    return _validate(title, CustomField, table | extra)


_NESTED = (
    "is a model within a field, which is not read; write its attributes into the field itself, "
    "with many: True for several values"
)


def _read_property(where: str, given: Any, definitions: Json) -> dict[str, Any]:
    """Return what a property declares, all but its name. Raises ``FieldError``."""
    if not isinstance(given, Mapping):
        raise FieldError(f"{where}: is no object; write its type")
    options = given.get("anyOf")
    if not isinstance(options, list):
        options = [given]
    stated = [option for option in options if option != {"type": "null"}]
    if len(stated) != 1 or not isinstance(stated[0], Mapping):
        raise FieldError(
            f"{where}: nothing says which of several types to check; give it one type, or write "
            "two attributes"
        )
    schema = stated[0]
    many = schema.get("type") == "array"
    if many:
        schema = schema.get("items", {})
    return {
        "definition": " ".join(str(given.get("description", "")).split()),
        "many": many,
        "is_optional": len(options) > 1,
        "patterns": _list_patterns(given.get("pattern", {})),
        **_read_type(where, schema, definitions),
    }


def _read_type(where: str, schema: Json, definitions: Json) -> dict[str, Any]:
    """Return the type of a value with its words. Raises ``FieldError`` for one that cannot be
    checked against a text.
    """
    reference = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if reference:
        schema = definitions.get(reference, {})
    words = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if words:
        return {"type": AttributeType.CHOICE, "choices": list(map(str, words))}
    plain = _PLAIN.get((str(schema.get("type")), str(schema.get("format", ""))))
    if plain:
        return {"type": plain}
    keys = schema.get("properties")
    kind, known = _KEYS.get(str(schema.get("title")), (None, ()))
    if kind and isinstance(keys, Mapping) and keys.keys() == known:
        return {"type": kind}
    if keys:
        raise FieldError(f"{where}: {_NESTED}")
    shown = schema.get("format") or schema.get("type") or "this"
    types = ", ".join(sorted(held.__name__ for held in CLASSES))
    raise FieldError(
        f"{where}: {str(shown)[:_LONGEST_SHOWN]} is no type that can be checked against a text; "
        f"use one of {types}, Literal[...], an Enum, or a list of one of these"
    )


def _list_patterns(given: Any) -> dict[str, Any]:
    """Return the patterns of an attribute by what they give."""
    by_word = given if isinstance(given, Mapping) else {"": given}
    return {str(word): texts for word, texts in by_word.items()}


def _validate(where: str, kind: type[KindT], table: Json) -> KindT:
    """Make a part of a declaration. Raises ``FieldError`` with the first fault."""
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    place = [str(part)[:_LONGEST_SHOWN] for part in fault["loc"]]
    problem = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        guess = suggest(place[-1], kind.model_fields)
        problem = f"there is no such key{guess}"
    raise FieldError(f"{'.'.join([where, *place])}: {problem}")
