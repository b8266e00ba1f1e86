"""The form of each type of item, derived from the JSON schema of its model."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import TypeAdapter

from extractor.apps.pages import name_label
from extractor.face import Attribute, CustomField
from extractor.schemas import Criterion, Eligibility, Endpoint, ExtractedItem, Regimen
from extractor.schemas.base import JsonObject

_ITEMS: Mapping[str, tuple[str, type[ExtractedItem]]] = {
    "eligibility": ("who can take part", Eligibility),
    "eligibility.criteria": ("criterion", Criterion),
    "dosing": ("regimen", Regimen),
    "endpoints": ("endpoint", Endpoint),
}
"""The noun for the items of each group in an extraction, and the model of these items, keyed by
group.
"""
# criteria are separate items, and time_window is derived from the list of windows
_WITHOUT_FORM = frozenset({"criteria", "time_window"})
_SCALARS = {"boolean": "yes_no", "integer": "number", "number": "number"}


class Form(NamedTuple):
    """The form of a group's items.

    Attributes:
        noun: The name of an item.
        of: The group of the host items, or None if the items belong to the record.
        fields: A description of each field, keyed by name, such as ``constraints`` or
            ``values.cutoff``: the ``label``, the ``kind`` (text, number, yes_no, choice or object),
            whether the value is a list (``many``), the ``choices``, and the ``parts`` of an object,
            which are described in the same way.
    """

    noun: str
    of: str | None
    fields: Mapping[str, JsonObject]


def list_forms(custom_fields: Iterable[CustomField] = ()) -> dict[str, Form]:
    """Return the forms by group. The forms of custom fields come last.

    >>> forms = list_forms()
    >>> list(forms), forms["dosing"].fields["cycle"]["parts"][0]["kind"]
    (['eligibility', 'eligibility.criteria', 'dosing', 'endpoints'], 'number')
    """
    forms = {
        group: Form(noun, None, _list_built_in(model))
        for group, (noun, model) in _ITEMS.items()
    }
    for field in custom_fields:
        noun = name_label(field.name)
        fields = list(map(_describe_own, field.attributes))
        if len(fields) == 1:
            fields[0]["label"] = noun
        forms[field.group.path] = Form(
            noun,
            field.group.of,
            {f"values.{part['name']}": part for part in fields},
        )
    return forms


def _list_built_in(model: type[ExtractedItem]) -> dict[str, JsonObject]:
    schema = model.model_json_schema()
    described = _describe(schema, schema.get("$defs", {}))
    parts = {part["name"]: part for part in described["parts"]}
    names = [name for name in model.list_gold_fields() if name not in _WITHOUT_FORM]
    return {name: parts[name] for name in names}


def _describe_own(attribute: Attribute) -> JsonObject:
    """Return the description of an attribute of a custom field, as in ``Form.fields``."""
    value: JsonObject = {"kind": "object"}
    if attribute.choices:
        value = {"kind": "choice", "choices": [*attribute.choices]}
    elif attribute.attributes:
        value["parts"] = list(map(_describe_own, attribute.attributes))
    else:
        schema = TypeAdapter(attribute.kind.value_class).json_schema()
        value = _describe(schema, schema.get("$defs", {}))
    if attribute.many:
        value["many"] = True
    named = {"name": attribute.name, "label": name_label(attribute.name)}
    return {**named, "help": attribute.definition, **value}


def _describe(schema: JsonObject, definitions: JsonObject) -> JsonObject:
    """Return the description of a field from its JSON schema, as in ``Form.fields``."""
    if "$ref" in schema:
        return _describe(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        return _describe(options[0], definitions)
    if "enum" in schema or "const" in schema:
        return {
            "kind": "choice",
            "choices": schema.get("enum") or [schema["const"]],
        }
    kind = schema.get("type")
    if kind == "array":
        return _describe(schema["items"], definitions) | {"many": True}
    if kind == "object":
        parts = [
            {
                "name": name,
                "label": name_label(name),
                "help": part.get("description", ""),
                **_describe(part, definitions),
            }
            for name, part in schema.get("properties", {}).items()
        ]
        return {"kind": "object", "parts": parts}
    return {"kind": _SCALARS.get(str(kind), "text")}
