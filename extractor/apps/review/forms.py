"""The forms of items: the fields of the guideline and of the user, and their values as a person
writes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType, NoneType
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo as PydanticField
from pydantic_core import to_jsonable_python

from extractor.apps.pages import name_label
from extractor.apps.pages.definitions import read_definitions
from extractor.apps.pages.view import Json
from extractor.apps.pages.words import write_number
from extractor.concepts.own.attributes import Attribute
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.windows.read import first_window
from extractor.language.numbers import read_number
from extractor.language.shown import show_text
from extractor.schemas import (
    Age,
    Comparison,
    Criterion,
    CriterionGroup,
    CustomItem,
    ExtractedItem,
    FieldInfo,
    Instrument,
    TimeWindow,
    list_groups,
)

Fields = Mapping[str, CustomField]
"""The run's own fields by name. Gold may have others; their values stay as they are."""
_NUMBERS = frozenset({"value", "value_high", "low", "high", "index", "n", "n_high"})
_LISTED = {"section": "section", "arms": "arm", "group": "member", "parent": "member"}
"""Fields and parts with values that the record, or its item "who may take part", lists; the
widget for each.
"""
_UNITS_OF_AGE = frozenset({"day", "week", "month", "year"})
_QUOTED = frozenset({"quote", "name", "condition", "of", "anchor", "lead_in"})
"""Parts that are words of the record."""
_DERIVED = "eligibility.criteria.time_window"
"""It follows from ``time_windows``, so no reviewer changes it alone."""


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that a reviewer fills in. A value of a user's own field is written as its
    ``attribute`` reads it.
    """

    info: FieldInfo
    attribute: Attribute | None = None

    @property
    def is_words(self) -> bool:
        """Whether the values are words of the record."""
        return self.info.metadata.comparison in (Comparison.TEXT, Comparison.EXTENT)

    @property
    def is_derived(self) -> bool:
        """Whether the value follows from that of another field."""
        return self.info.path == _DERIVED

    @property
    def is_typed(self) -> bool:
        """Whether a person writes the values as a model does: "< 40 %"."""
        return self.attribute is not None and self.attribute.type.is_written

    def write(self, value: Any) -> Any:
        """Return a value of an extraction or gold as a person writes it: a list of these for
        several; an empty list or None for none.
        """
        if isinstance(value, tuple):
            return [self.write(member) for member in value]
        if value is None:
            return [] if self.info.many else None
        if not self.is_typed:
            return to_jsonable_python(value)
        if isinstance(value, Instrument) and value.version:
            return f"{value.name} | {value.version}"
        return show_value(value)

    def read(self, written: Any) -> Any:
        """Return a written value for gold. What cannot be read stays as it is; the gold check
        says why.
        """
        if not self.attribute:
            return written
        try:
            return to_jsonable_python(self.attribute.read_all(written))
        except ValueError:
            return written

    def take(self, written: Any) -> Any:
        """Return a value of the page as an extraction has it: numbers read, empty parts left
        out, new groups named.
        """
        if self.attribute:
            return written
        value = _leave_out(read_numbers(written, self.info.name), self.info.type)
        if self.info.type is CriterionGroup and isinstance(value, list):
            return _name_groups(value)
        return value

    def describe(self) -> Json:
        """Return what the page needs to know of the field."""
        info = self.info
        shape = _describe_type(info.type)
        if self.attribute is None and info.name in _LISTED:
            shape = {"widget": _LISTED[info.name]}
        elif self.is_typed:
            shape = {"widget": "text"}
        has_words = shape["widget"] in {"text", "group"}
        is_of_person = info.group == "eligibility" and not info.many
        is_place = info.metadata.comparison is Comparison.PLACE
        return shape | {
            "name": info.name,
            "label": info.label,
            "help": self._explain(),
            "many": info.many,
            "optional": info.many or not info.required,
            "fixed": is_place and info.type is not str,
            "marked": has_words and not is_of_person,
        }

    def _explain(self) -> str:
        """Return how a value is written, else what the field means."""
        info = self.info
        if self.attribute is None:
            meanings = read_definitions()["fields"].get(info.group, {})
            return str(meanings.get(info.name, ""))
        form = ""
        if self.is_typed:
            form = self.attribute.describe().partition(": ")[2]
        return form or self.attribute.definition


Form = Mapping[str, FormField]
"""The fields of an item by name, in schema order."""
FIELDS: dict[str, Form] = {
    group.path: {
        info.name: FormField(info) for info in group.fields if info.metadata.in_gold
    }
    for group in list_groups()
}
"""The forms of the guideline's items, by the path of their group, such as ``dosing``."""


def list_forms(fields: Fields) -> dict[str, Form]:
    """Return the forms of the guideline's items, and those of the user's own fields as
    ``custom.<name>``.
    """
    own = {field.group.path: make_form(field) for field in fields.values()}
    return {**FIELDS, **own}


@lru_cache(256)  # fields of the user's own have no end
def make_form(field: CustomField) -> Form:
    """Return the form of a user's own field."""
    form = {}
    for info, attribute in zip(field.group.fields, field.attributes, strict=True):
        definition = attribute.definition or field.definition
        defined = attribute.model_copy(update={"definition": definition})
        form[info.name] = FormField(info, defined)
    return form


def describe_form(fields: Fields = MappingProxyType({})) -> Json:
    """Return the fields of each group of items, and of each of the user's own ``fields``, in schema
    order.

    ``widget`` is text, number, flag, choice, group (of parts), or one of what the record has:
    section, arm, or member (a group of criteria). ``many`` means a list, ``optional`` that the
    field may be empty, ``fixed`` that it stays as predicted, and ``marked`` that words marked in
    the text may fill it. A field that follows from another is left out.

    >>> [field["widget"] for field in describe_form()["eligibility"]]
    ['group', 'group', 'choice', 'flag', 'group']
    """
    described = {}
    for group, form in list_forms(fields).items():
        shown = [field for field in form.values() if not field.is_derived]
        described[group] = [field.describe() for field in shown]
    return described


def _describe_type(held: type[Any]) -> Json:
    """Return the widget for values of a class, with the fields of a model or the words of a closed
    set.
    """
    if issubclass(held, BaseModel):
        parts = held.model_fields.items()
        fields = [_describe_part(name, part) for name, part in parts]
        if held is Age:
            fields = [_keep_units_of_age(part) for part in fields]
        return {"widget": "group", "fields": fields}
    if issubclass(held, StrEnum):
        meanings = read_definitions()["words"].get(held.__name__, {})
        options = [
            {"value": word.value, "meaning": meanings.get(word.value, "")}
            for word in held
        ]
        return {"widget": "choice", "options": options}
    if held is bool:
        return {"widget": "flag"}
    if held is str:
        return {"widget": "text"}
    return {"widget": "number"}


def _keep_units_of_age(part: Json) -> Json:
    """Return a part of an age; as its unit, only those of the guideline may be chosen."""
    options = part.get("options")
    if not options:
        return part
    kept = [option for option in options if option["value"] in _UNITS_OF_AGE]
    return part | {"options": kept}


def _describe_part(name: str, part: PydanticField) -> Json:
    """Return what the page needs to know of a part of a value, such as the unit of an amount: its
    name and label, whether it may be empty (``optional``), whether a person may not change it
    (``readonly``), and its widget.

    The widget follows from the class of the part, but for a few parts whose words the record has
    (``_LISTED``).
    """
    if name in _LISTED:
        shape = {"widget": _LISTED[name]}
    else:
        shape = _describe_type(_find_class(part.annotation))
    label = read_definitions()["labels"].get(name) or name_label(name)
    return {
        "name": name,
        "label": label,
        "optional": NoneType in get_args(part.annotation),
        "readonly": name == "id",
        **shape,
    }


def _find_class(annotation: Any) -> Any:
    """Return the class within an annotation such as ``tuple[X, ...]`` or ``X | None``."""
    arguments = [part for part in get_args(annotation) if part is not NoneType]
    if not arguments:
        return annotation
    return _find_class(arguments[0])


def write_item(item: ExtractedItem, form: Form | None) -> Json:
    """Return the values of an item as a person writes them; those of a field without a form as
    they are.
    """
    if form is None:
        assert isinstance(item, CustomItem)
        return dict(to_jsonable_python(item.values))
    value = {name: field.write(item.value_of(name)) for name, field in form.items()}
    if not isinstance(item, Criterion):
        return value
    # Gold of guideline 1.4 has one time window, and no list.
    if value["time_window"] and not value["time_windows"]:
        value["time_windows"] = [value["time_window"]]
    return value


def read_values(written: Json, form: Form | None) -> Json:
    """Return the values of a user's own field for gold, without empty ones; those of a field
    without a form as they are.
    """
    if form is None:
        return written
    values = {}
    for name, field in form.items():
        value = written.get(name)
        if value in (None, "", []):
            continue
        values[name] = field.read(value)
    return values


def read_numbers(written: Any, name: str) -> Any:
    """Return a field's value with the numbers that a person wrote; what is no number stays, and the
    gold check says so.

    >>> read_numbers(
    ...     [{"quantity": "ANC", "value": "1.5 x 10^9"}, {"value": "three"}],
    ...     "constraints",
    ... )
    [{'quantity': 'ANC', 'value': 1500000000}, {'value': 'three'}]
    """
    if isinstance(written, list):
        return [read_numbers(member, name) for member in written]
    if isinstance(written, dict):
        return {part: read_numbers(value, part) for part, value in written.items()}
    if name not in _NUMBERS:
        return written
    if not isinstance(written, str):
        return written
    # Words such as "two" stay: the gold check says that they are no number.
    if not written.lstrip("-.")[:1].isdigit():
        return written
    number = read_number(written.lstrip("-"))
    if number is None:
        return written
    if written.startswith("-"):
        return -number
    return number


def _leave_out(value: Any, held: type[Any]) -> Any:
    """Return a value without the empty parts that the JSON of an extraction leaves out."""
    if isinstance(value, list):
        return [_leave_out(member, held) for member in value]
    if not isinstance(value, dict) or not issubclass(held, BaseModel):
        return value
    absent = set()
    for name, part in held.model_fields.items():
        if part.exclude_if and part.exclude_if(value.get(name)):
            absent.add(name)
    return {name: part for name, part in value.items() if name not in absent}


def _name_groups(groups: list[Any]) -> list[Any]:
    """Return groups of criteria with a name for each new one.

    >>> [one["id"] for one in _name_groups([{"id": "g2"}, {"id": ""}, {"id": ""}])]
    ['g2', 'g1', 'g3']
    """
    used = {
        group["id"] for group in groups if isinstance(group, dict) and group.get("id")
    }
    number = 0
    named = []
    for group in groups:
        # A request may have anything in the list; the gold check refuses it.
        if not isinstance(group, dict):
            named.append(group)
            continue
        name = group.get("id")
        while not name:
            number += 1
            if f"g{number}" not in used:
                name = f"g{number}"
        named.append(group | {"id": name})
    return named


def derive_window(windows: Any) -> Json | None:
    """Return the first of the time windows that a reviewer wrote as ``time_window`` has it; None if
    one is unfinished.

    >>> derive_window(
    ...     [
    ...         {
    ...             "quote": "5 half-lives",
    ...             "comparator": ">=",
    ...             "value": 5,
    ...             "unit": "half_life",
    ...             "of": "warfarin",
    ...         },
    ...         {
    ...             "quote": "for 4 weeks",
    ...             "comparator": ">=",
    ...             "value": 4,
    ...             "unit": "week",
    ...             "of": "warfarin",
    ...         },
    ...     ]
    ... )
    {'quote': 'for 4 weeks', 'comparator': '>=', 'value': 4, 'unit': 'week'}
    """
    try:
        first = first_window(
            TypeAdapter(tuple[TimeWindow, ...]).validate_python(windows)
        )
    except ValidationError:
        return None
    if first is None:
        return None
    return first.model_dump(mode="json")


def make_empty(form: Form) -> Json:
    """Return the values of an item that says nothing yet."""
    return {name: field.write(None) for name, field in form.items()}


def list_words(written: Json, form: Form) -> Iterator[tuple[str, str]]:
    """Yield the record's words among the values (quotes, conditions, names of instruments), each
    with its place: the field, the member of a list, or a part of one.
    """
    for name, field in form.items():
        for place, value in _list_members(name, written.get(name)):
            # Text, such as a quote, or an object with words among its parts, such as a limit.
            if not isinstance(value, dict):
                if field.is_words and _has_words(value):
                    yield place, value
                continue
            for part, words in value.items():
                if part not in _QUOTED or not _has_words(words):
                    continue
                # A value is marked at its quote or name; its other words are parts of it.
                is_whole = part in {"quote", "name"}
                yield place if is_whole else f"{place}.{part}", words


def _list_members(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return the members of a list with their places, or another value with its own."""
    if not isinstance(value, list):
        return [(name, value)]
    return [(f"{name}[{number}]", member) for number, member in enumerate(value)]


def _has_words(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def write_numbers(value: Any, quotes: Sequence[str]) -> Any:
    """Return a value as its form shows it: a number as a quote writes it, with its digits if
    they differ.
    """
    if isinstance(value, dict):
        return {name: write_numbers(part, quotes) for name, part in value.items()}
    if isinstance(value, list):
        return [write_numbers(member, quotes) for member in value]
    if isinstance(value, str):
        return show_text(value).text
    if value is None or isinstance(value, bool):
        return value
    return write_number(value, quotes)
