"""The JSON Schema of extractions with the user's own fields."""

from collections.abc import Iterable
from typing import Any

from .declaration import CustomField, make_model


def add_fields(schema: dict[str, Any], fields: Iterable[CustomField]) -> dict[str, Any]:
    """The schema of an extraction in which ``custom`` has these fields, with the types of their values.

    >>> from extractor.fields import read_fields
    >>> from extractor.schemas import TrialExtraction
    >>> whole = add_fields(TrialExtraction.model_json_schema(mode="serialization"), read_fields("blinding"))
    >>> list(whole["properties"]["custom"]["properties"])
    ['blinding']
    """
    definitions, listed = dict(schema["$defs"]), {}
    item = definitions["CustomItem"]
    for field in fields:
        values = make_model(field).model_json_schema(mode="serialization")
        definitions |= values.pop("$defs", {})
        own = item | {"description": field.definition, "properties": item["properties"] | {"values": values}}
        listed[field.name] = {"type": "array", "items": own}
    custom = schema["properties"]["custom"] | {"properties": listed, "additionalProperties": False}
    return schema | {"$defs": definitions, "properties": schema["properties"] | {"custom": custom}}
