"""The JSON Schema of extractions with the user's own fields."""

from collections.abc import Iterable
from typing import Any

from .attributes import Attribute
from .declaration import CustomField


def add_fields(schema: dict[str, Any], fields: Iterable[CustomField]) -> dict[str, Any]:
    """The schema of an extraction in which ``custom`` has these fields, with the types of their values.

    >>> from extractor.fields import read_fields
    >>> from extractor.schemas import TrialExtraction
    >>> whole = add_fields(TrialExtraction.model_json_schema(mode="serialization"), read_fields("blinding"))
    >>> list(whole["properties"]["custom"]["properties"])
    ['blinding']
    """
    definitions = dict(schema["$defs"])
    item = definitions["CustomItem"]
    listed: dict[str, Any] = {}
    for field in fields:
        values: dict[str, Any] = {one.name: _describe(one, definitions) for one in field.attributes}
        required = [one.name for one in field.attributes if one.required]
        shape = {"type": "object", "properties": values, "required": required, "additionalProperties": False}
        own = item | {"description": field.definition, "properties": item["properties"] | {"values": shape}}
        listed[field.name] = {"type": "array", "items": own}
    custom = schema["properties"]["custom"] | {"properties": listed, "additionalProperties": False}
    return schema | {"$defs": definitions, "properties": schema["properties"] | {"custom": custom}}


def _describe(attribute: Attribute, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of an attribute's value; those of its parts are added to the definitions."""
    made = attribute.value_schema()
    definitions |= made.pop("$defs", {})
    if attribute.definition:
        made = made | {"description": attribute.definition}
    return {"type": "array", "items": made} if attribute.many else made
