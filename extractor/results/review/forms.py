"""The forms of items: the fields of the guideline and of the user, and their values as a person writes them."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType, NoneType
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from extractor.fields import CustomField
from extractor.fields.attributes import Attribute
from extractor.fields.value_forms import show_value
from extractor.pages import name_label
from extractor.pages.view import Json
from extractor.pages.words import write_number
from extractor.schemas import Comparison, CustomItem, EvidenceKind, ExtractedItem, FieldInfo, Instrument, list_groups
from extractor.text.clean import clean_text
from extractor.text.numbers import read_number

Fields = Mapping[str, CustomField]
"""The run's own fields by name. Gold may have others; their values stay as they are."""
_NUMBERS = frozenset({"value", "value_high", "low", "high", "index"})


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that a reviewer fills in. A value of a user's own field is written as its ``attribute`` reads it."""

    info: FieldInfo
    attribute: Attribute | None = None

    @property
    def is_words(self) -> bool:
        """Whether the values are words of the record."""
        return self.info.metadata.comparison in (Comparison.TEXT, Comparison.EXTENT)

    @property
    def is_typed(self) -> bool:
        """Whether a person writes the values as a model does: "< 40 %"."""
        return self.attribute is not None and not self.attribute.type.is_concluded

    def write(self, value: Any) -> Any:
        """Return a value of an extraction or gold as a person writes it."""
        if isinstance(value, tuple):
            return [self.write(one) for one in value]
        if value is None or not self.is_typed:
            return [] if value is None and self.info.many else to_jsonable_python(value)
        if isinstance(value, Instrument) and value.version:
            return f"{value.name} | {value.version}"
        return show_value(value)

    def read(self, written: Any) -> Any:
        """Return a written value for gold. What cannot be read stays as it is; the gold check says why."""
        try:
            return to_jsonable_python(self.attribute.read_all(written)) if self.attribute else written
        except ValueError:
            return written

    def describe(self) -> Json:
        """Return what the page needs to know of the field."""
        info = self.info
        words = {one.word: one.meaning for one in self.attribute.choices} if self.attribute else {}
        shape = {"widget": "text"} if self.is_typed else _describe_type(info.type, words)
        is_place = info.metadata.evidence is EvidenceKind.NONE
        if is_place and info.type is str:
            shape = {"widget": "section"}
        form = self.attribute.describe().partition(": ")[2] if self.attribute and self.is_typed else None
        known = _read_definitions()["fields"].get(info.group, {})
        meaning = self.attribute.definition if self.attribute else known.get(info.name, "")
        return shape | {
            "name": info.name,
            "label": info.label,
            "help": form or meaning,
            "many": info.many,
            "optional": info.many or not info.required,
            "fixed": is_place and info.type is not str,
            "marked": info.group != "eligibility" and shape["widget"] in {"text", "group"},
        }


Form = Mapping[str, FormField]
"""The fields of an item by name, in schema order."""
FIELDS: dict[str, Form] = {
    group.path: {one.name: FormField(one) for one in group.fields if one.metadata.in_gold} for group in list_groups()
}
"""The forms of the guideline's items, by the path of their group, such as ``dosing``."""


def list_forms(fields: Fields) -> dict[str, Form]:
    """Return the forms of the guideline's items, and those of the user's own fields as ``custom.<name>``."""
    return {**FIELDS, **{field.group.path: make_form(field) for field in fields.values()}}


@cache
def make_form(field: CustomField) -> Form:
    """Return the form of a user's own field."""
    attributes = (one.model_copy(update={"definition": one.definition or field.definition}) for one in field.attributes)
    return {info.name: FormField(info, one) for info, one in zip(field.group.fields, attributes, strict=True)}


def describe_form(fields: Fields = MappingProxyType({})) -> Json:
    """Return the fields of each group of items, and of each of the user's own ``fields``, in schema order.

    ``widget`` is text, number, flag, choice, section (one of the record's) or group. ``many`` means a list,
    ``optional`` that the field may be empty, ``fixed`` that it stays as predicted, and ``marked`` that words marked in
    the text may fill it.

    >>> [field["widget"] for field in describe_form()["eligibility"]]
    ['group', 'group', 'choice', 'flag']
    """
    return {group: [field.describe() for field in form.values()] for group, form in list_forms(fields).items()}


@cache
def _read_definitions() -> Json:
    return tomllib.loads((files(__package__) / "definitions.toml").read_text("utf-8"))


def _describe_type(held: type[Any], words: Mapping[str, str]) -> Json:
    """Return the widget for values of a class; ``words`` are the meanings of a user's own choices."""
    if issubclass(held, BaseModel):
        return {"widget": "group", "fields": [_describe_part(*part) for part in held.model_fields.items()]}
    if issubclass(held, StrEnum):
        meanings = words or _read_definitions()["words"].get(held.__name__, {})
        options = [{"value": word.value, "meaning": meanings.get(word.value, "")} for word in held]
        return {"widget": "choice", "options": options}
    return {"widget": "flag" if held is bool else "text" if held is str else "number"}


def _describe_part(name: str, part: Any) -> Json:
    held = part.annotation
    while arguments := [one for one in get_args(held) if one is not NoneType]:
        held = arguments[0]
    is_optional = NoneType in get_args(part.annotation)
    return {"name": name, "label": name_label(name), "optional": is_optional, **_describe_type(held, {})}


def write_item(item: ExtractedItem, form: Form | None) -> Json:
    """Return the values of an item as a person writes them; those of a field without a form as they are."""
    if form is None:
        assert isinstance(item, CustomItem)
        return dict(to_jsonable_python(item.values))
    return {name: field.write(item.value_of(name)) for name, field in form.items()}


def read_values(written: Json, form: Form | None) -> Json:
    """Return the values of a user's own field for gold, without empty ones."""
    given = {name: value for name, value in written.items() if value not in (None, "", [])}
    return written if form is None else {name: one.read(given[name]) for name, one in form.items() if name in given}


def read_numbers(written: Any, name: str) -> Any:
    """Return a field's value with the numbers that a person wrote; what is no number stays, and the gold check says so.

    >>> read_numbers([{"quantity": "ANC", "value": "1.5 x 10^9"}, {"value": "three"}], "constraints")
    [{'quantity': 'ANC', 'value': 1500000000}, {'value': 'three'}]
    """
    if isinstance(written, list):
        return [read_numbers(one, name) for one in written]
    if isinstance(written, dict):
        return {part: read_numbers(one, part) for part, one in written.items()}
    if name not in _NUMBERS or not isinstance(written, str) or not written.lstrip("-.")[:1].isdigit():
        return written
    number = read_number(written.lstrip("-"))
    return written if number is None else -number if written.startswith("-") else number


def make_empty(form: Form) -> Json:
    """Return the values of an item that says nothing yet."""
    return {name: field.write(None) for name, field in form.items()}


def list_words(written: Json, form: Form) -> Iterator[tuple[str, str]]:
    """Yield the record's words among the values, by field or list member: quotes, and the names of instruments."""
    for name, field in form.items():
        given = written.get(name)
        members = enumerate(given) if isinstance(given, list) else [(None, given)]
        for number, one in members:
            words = one.get("quote") or one.get("name") if isinstance(one, dict) else one if field.is_words else None
            if isinstance(words, str) and words.strip():
                yield name if number is None else f"{name}[{number}]", words


def write_numbers(value: Any, quotes: Sequence[str]) -> Any:
    """Return a value as its form shows it: a number as a quote writes it, with its digits if they differ."""
    if isinstance(value, dict):
        return {name: write_numbers(one, quotes) for name, one in value.items()}
    if isinstance(value, list):
        return [write_numbers(one, quotes) for one in value]
    if isinstance(value, str):
        return clean_text(value).text
    return value if value is None or isinstance(value, bool) else write_number(value, quotes)
