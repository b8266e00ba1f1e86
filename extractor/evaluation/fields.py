"""The scored fields, derived from the schemas: the type of a field decides how its values are compared.

A field that is added to a schema is scored without a change here: with weight 1, compared by its type.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas import (
    Amount,
    Constraint,
    Criterion,
    CriterionKind,
    Eligibility,
    Endpoint,
    Frequency,
    Instrument,
    Item,
    Rank,
    Regimen,
    Task,
    TimeWindow,
    TrialExtraction,
)

from .comparers import (
    Amounts,
    Choices,
    Comparer,
    ErrorKind,
    Frequencies,
    Instruments,
    Limits,
    Models,
    Quantities,
    Texts,
    TimeWindows,
)


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    ``attribute`` is None for the item itself, which is right if it has a counterpart. ``family`` names the fields
    whose values a reader could confuse: a right value on a wrong item is looked for within it. ``weight`` multiplies
    the harm of an error.
    """

    name: str
    attribute: str | None
    comparer: Comparer
    family: str | None = None
    weight: float = 1.0

    @property
    def task(self) -> Task:
        """The task that the field belongs to."""
        return Task(self.name.split(".", 1)[0])


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind with their fields. ``path`` leads to them in an extraction."""

    path: str
    model: type[Item]
    fields: tuple[Field, ...]

    def items(self, extraction: TrialExtraction) -> tuple[Any, ...]:
        """The items of this kind in an extraction."""
        found: Any = extraction
        for name in self.path.split("."):
            found = getattr(found, name)
        return found if isinstance(found, tuple) else (found,)


_BY_TYPE: dict[Any, Comparer] = {
    bool: Choices(ErrorKind.POLARITY),
    str: Texts(),
    CriterionKind: Choices(ErrorKind.POLARITY),
    Rank: Choices(ErrorKind.WRONG_SECTION),
    Frequency: Frequencies(),
    Instrument: Instruments(),
    Constraint: Limits(),
    TimeWindow: TimeWindows(),
    Amount: Amounts(),
}
_SECTION = Choices(ErrorKind.WRONG_SECTION)
_FAMILIES: dict[str, str | None] = {
    **dict.fromkeys(("minimum_age", "maximum_age"), "age"),
    **dict.fromkeys(("start_event", "end_events"), "event"),
    "timing": "timing",
}
"""Families of fields that are not known by their type. Lists and groups of values are a family of their own."""
_WEIGHTS = {
    **dict.fromkeys(("eligibility.criteria.quote", "eligibility.criteria.lead_in"), 0.5),
    **dict.fromkeys(("eligibility.criteria.category", "endpoints.category", "dosing.role", "dosing.timing"), 0.5),
    **dict.fromkeys(("endpoints.measure", "endpoints.time_frame", "endpoints.time_kind"), 0.5),
    **dict.fromkeys(("endpoints.instrument", "endpoints.start_event", "endpoints.end_events"), 0.5),
    **dict.fromkeys(("dosing.quote", "dosing.section", "endpoints.description", "endpoints.censored"), 0.25),
    **dict.fromkeys(("endpoints.specimens", "endpoints.methods"), 0.25),
}
"""Fields whose errors harm less than others."""
_FIRST = ("agent", "quote", "kind", "section")
"""What identifies an item, in the order of reports; all other fields follow in the order of the schema."""
_NO_QUOTES = frozenset({"section", "unit", "quantity", "name", "version"})
"""Texts that are not copied from the record, or not always."""


def find_type(annotation: Any) -> tuple[Any, bool, bool]:
    """The type of a field's values, whether there may be several, and whether the field may be empty.

    >>> find_type(Regimen.model_fields["amounts"].annotation)
    (<class 'extractor.schemas.dosing.Amount'>, True, True)
    """
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        return find_type(arguments[0])[0], True, True
    if hasattr(annotation, "__metadata__"):
        return find_type(arguments[0])
    if arguments:
        inner, many, _ = find_type(next(one for one in arguments if one is not NoneType))
        return inner, many, NoneType in arguments
    return annotation, False, False


def list_names(model: type[BaseModel]) -> list[str]:
    """The fields that an annotator fills in, without lists of other items.

    >>> list_names(Eligibility)
    ['minimum_age', 'maximum_age', 'sex', 'healthy_volunteers']
    """
    types = {name: find_type(field.annotation)[0] for name, field in model.model_fields.items()}
    in_gold = model.list_gold_fields() if issubclass(model, Item) else types
    own = (name for name in types if name in in_gold)
    return [name for name in own if not (isinstance(types[name], type) and issubclass(types[name], Item))]


def is_quoted(name: str, kind: Any = str) -> bool:
    """Whether a field of this name and type holds words of the record."""
    return kind is str and name not in _NO_QUOTES


def list_quotes(item: BaseModel) -> Iterator[tuple[str, str | None]]:
    """The quotes of an item, or of what stands within it, with the path to each.

    >>> list(list_quotes(Endpoint(rank="primary", index=0, measure="Pain", methods=("MRI",))))[-1]
    ('methods[0]', 'MRI')
    """
    for name in _sort(list_names(type(item))):
        kind, many, _ = find_type(type(item).model_fields[name].annotation)
        value = getattr(item, name)
        if is_quoted(name, kind):
            yield from ((f"{name}[{number}]", one) for number, one in enumerate(value)) if many else ((name, value),)
        elif isinstance(value, BaseModel):
            yield from ((f"{name}.{path}", quote) for path, quote in list_quotes(value))


def _sort(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))


def _make_comparer(name: str, kind: Any) -> Comparer:
    if name == "section":
        return _SECTION
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return Quantities() if {"value", "unit"} == set(kind.model_fields) else Models()
    return Choices() if isinstance(kind, type) and issubclass(kind, StrEnum) else Choices(ErrorKind.NUMBER)


def _make_field(path: str, name: str, model: type[Item]) -> Field:
    kind, many, _ = find_type(model.model_fields[name].annotation)
    grouped = many or (isinstance(kind, type) and issubclass(kind, BaseModel))
    family = _FAMILIES.get(name, name if grouped else None)
    full = f"{path}.{name}"
    return Field(full, name, _make_comparer(name, kind), family, _WEIGHTS.get(full, 1.0))


def _make_group(path: str, model: type[Item], whole: str | None) -> Group:
    names = [name for name in _sort(list_names(model)) if name != "index"]
    head = (Field(whole, None, Texts()),) if whole else ()
    return Group(path, model, (*head, *(_make_field(path, name, model) for name in names)))


ELIGIBILITY = _make_group("eligibility", Eligibility, None)
CRITERIA = _make_group("eligibility.criteria", Criterion, "eligibility.criteria")
DOSING = _make_group("dosing", Regimen, "dosing.regimens")
ENDPOINTS = _make_group("endpoints", Endpoint, "endpoints.outcomes")
GROUPS = (ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS)
INDEX = Field("endpoints.index", "index", Choices(ErrorKind.WRONG_PAIRING), weight=0.5)
"""Which outcome of its rank an endpoint is. Another one is reported as an error and not scored: it is not read."""

FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
"""All scored fields, in the order of reports."""
