"""The scored fields, derived from the schemas: a field's metadata sets how its values are compared and weighted."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pydantic import BaseModel

from extractor.schemas import (
    Criterion,
    Eligibility,
    Endpoint,
    ExtractedItem,
    FieldInfo,
    Regimen,
    Task,
    TimeWindow,
    TrialExtraction,
    list_fields,
)

from .comparers import COMPARERS, EXTENT, TEXT, Comparer

_FIRST = ("agent", "quote", "kind", "section")
"""Identifying fields of items, in report order; all other fields follow in schema order."""


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    ``attribute`` is None for the item itself, which is right if it has a counterpart. Fields of one ``family`` have
    values that a reader could confuse; a right value on a wrong item is searched within it. ``weight`` multiplies the
    harm of an error.
    """

    name: str
    attribute: str | None
    comparer: Comparer
    family: str | None = None
    weight: float = 1.0

    @property
    def in_total(self) -> bool:
        """Whether the field is part of the scores of its task and of all fields; extents of quotes are not."""
        return not self.comparer.is_extent

    @property
    def is_words(self) -> bool:
        """Whether the values are words of the record."""
        return self.comparer in (TEXT, EXTENT)

    @property
    def task(self) -> Task:
        """The task of the field."""
        return Task(self.name.split(".", 1)[0])


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind with their fields, at ``path`` in an extraction."""

    path: str
    model: type[ExtractedItem]
    fields: tuple[Field, ...]

    def items(self, extraction: TrialExtraction) -> tuple[Any, ...]:
        """Return the items of this kind in an extraction."""
        found: Any = reduce(getattr, self.path.split("."), extraction)
        return found if isinstance(found, tuple) else (found,)


def _make_field(info: FieldInfo) -> Field:
    known = info.metadata
    return Field(info.path, info.name, COMPARERS[known.comparison], known.family, known.weight)


def _make_group(path: str, model: type[ExtractedItem], whole: str | None = None) -> Group:
    known = [info for info in list_fields(Task(path.partition(".")[0])) if info.group == path]
    infos = [info for info in known if info.metadata.in_gold and info.name != "index"]
    infos.sort(key=lambda info: _FIRST.index(info.name) if info.name in _FIRST else len(_FIRST))
    return Group(path, model, (*([Field(whole, None, TEXT)] if whole else ()), *map(_make_field, infos)))


ELIGIBILITY = _make_group("eligibility", Eligibility)
CRITERIA = _make_group("eligibility.criteria", Criterion, "eligibility.criteria")
DOSING = _make_group("dosing", Regimen, "dosing.regimens")
ENDPOINTS = _make_group("endpoints", Endpoint, "endpoints.outcomes")
GROUPS = (ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS)
INDEX = next(_make_field(info) for info in list_fields(Task.ENDPOINTS) if info.name == "index")
"""An endpoint's index in its rank. A wrong one is reported but not scored, since it is not read from text."""

FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
"""All scored fields, in report order."""


def list_quotes(item: BaseModel) -> Iterator[tuple[str, str | None]]:
    """Yield the quotes of an item, including that of its time window, with their paths.

    >>> list(list_quotes(Endpoint(rank="primary", index=0, measure="Pain", methods=("MRI",))))[-1]
    ('methods[0]', 'MRI')
    """
    group = next(group for group in GROUPS if group.model is type(item))
    for field in group.fields:
        value = getattr(item, field.attribute) if field.attribute else None
        if isinstance(value, TimeWindow):
            yield f"{field.attribute}.quote", value.quote
        elif field.is_words and isinstance(value, tuple):
            yield from ((f"{field.attribute}[{number}]", one) for number, one in enumerate(value))
        elif field.is_words and field.attribute:
            yield field.attribute, value
