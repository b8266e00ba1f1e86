"""A user's own fields under review: their values as a person writes them, read back for gold, and their form."""

from collections.abc import Iterator, Mapping
from typing import Any

from extractor.fields import CustomField
from extractor.fields.attributes import Attribute, AttributeType
from extractor.fields.value_forms import show_value
from extractor.pages import name_label
from extractor.schemas import CustomItem, Instrument

Json = dict[str, Any]
Fields = Mapping[str, CustomField]
"""The run's own fields by name. Gold may have others; their values stay as they are."""

_WIDGETS = {AttributeType.CHOICE: "choice", AttributeType.BOOLEAN: "flag"}


def write_values(field: CustomField | None, item: CustomItem) -> Json:
    """The values of an item by attribute, in the form that ``Attribute.read_all`` reads; empty ones too."""
    if field is None:
        return dict(item.model_dump(mode="json")["values"])
    return make_empty(field) | {name: _write(value) for name, value in item.values.items()}


def make_empty(field: CustomField) -> Json:
    """The values of an item that says nothing yet."""
    return {one.name: [] if one.many else None for one in field.attributes}


def _write(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_write(one) for one in value]
    if isinstance(value, Instrument) and value.version:
        return f"{value.name} | {value.version}"
    return value if isinstance(value, bool) else show_value(value)


def read_values(field: CustomField | None, written: Json) -> Json:
    """The values for gold. What cannot be read stays as it is written; the gold check says why."""
    if field is None:
        return written
    values: Json = {}
    for one in field.attributes:
        if (given := written.get(one.name)) not in (None, "", []):
            try:
                values[one.name] = one.read_all(given)
            except ValueError:
                values[one.name] = given
    return dict(CustomItem(values=values).model_dump(mode="json")["values"])


def list_words(field: CustomField | None, written: Json) -> Iterator[tuple[str, str]]:
    """Yield the words of the record among the values, with their attributes."""
    for one in field.attributes if field else ():
        if one.type is AttributeType.QUOTE:
            given = written.get(one.name) or []
            yield from ((one.name, words) for words in (given if one.many else [given]) if isinstance(words, str))


def fill_attribute(attribute: Attribute, written: Any, words: str) -> Any:
    """The new value of an attribute from marked words: lists grow, other values are replaced."""
    try:
        found = _write(attribute.read(words))
    except ValueError:  # the reviewer sees the words, and what is wrong with them
        found = words
    return [*(written or []), found] if attribute.many else found


def describe_fields(fields: Fields) -> Json:
    """The form of each own field, as ``describe_form`` describes those of the guideline."""
    return {f"custom.{field.name}": [_describe(field, one) for one in field.attributes] for field in fields.values()}


def _describe(field: CustomField, attribute: Attribute) -> Json:
    named = attribute.model_copy(update={"definition": attribute.definition or field.definition})
    widget = _WIDGETS.get(attribute.type, "text")
    return {
        "name": attribute.name,
        "label": name_label(field.name if field.is_plain else attribute.name),
        "help": named.describe().partition(": ")[2] if widget == "text" else named.definition,
        "many": attribute.many,
        "optional": True,
        "widget": widget,
        "options": [{"value": one.word, "meaning": one.meaning} for one in attribute.choices],
        "fixed": False,
        "marked": widget == "text",
    }
