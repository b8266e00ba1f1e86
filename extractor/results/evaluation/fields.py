"""The scored fields, derived from their groups: a field's metadata sets how its values are compared and weighted."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from extractor.fields.declaration import CustomField
from extractor.schemas import (
    Criterion,
    CustomItem,
    Eligibility,
    Endpoint,
    ExtractedItem,
    FieldInfo,
    ItemGroup,
    Regimen,
    TimeWindow,
    TrialExtraction,
    list_groups,
)

from .comparers import COMPARERS, EXTENT, TEXT, Comparer

_FIRST = ("agent", "quote", "kind", "section")
"""Identifying fields of items, in report order; all other fields follow in schema order."""


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    ``attribute`` is the place in the item, such as ``route`` or ``values.cutoff``; None for the item itself, which is
    right if it has a counterpart. Fields of one ``family`` have values that a reader could confuse; a right value on a
    wrong item is searched within it. ``weight`` multiplies the harm of an error.
    """

    name: str
    attribute: str | None
    comparer: Comparer
    family: str | None = None
    weight: float = 1.0

    @property
    def in_total(self) -> bool:
        """Return whether the field is part of the scores of its task and of all fields.

        Extents of the guideline's quotes are not: they prove other fields. Those of a user's field are what it says.
        """
        return not self.comparer.is_extent or self.task == "custom"

    @property
    def is_words(self) -> bool:
        """Return whether the values are words of the record."""
        return self.comparer in (TEXT, EXTENT)

    @property
    def task(self) -> str:
        """Return the task of the field; ``custom`` for a field of the user's own."""
        return self.name.partition(".")[0]

    def read(self, item: ExtractedItem) -> Any:
        """Return the value that an item has in this field."""
        return item.value_of(self.name.rpartition(".")[2])


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind with their fields, at ``path`` in an extraction; ``items`` lists those of an extraction.

    Those of a user's field are ``of`` the items at that path, which may have ``many``.
    """

    path: str
    model: type[ExtractedItem]
    fields: tuple[Field, ...]
    items: Callable[[TrialExtraction], tuple[Any, ...]]
    of: str | None = None
    many: bool = True


_UNSCORED = {
    "endpoints.index",  # is not read from text
    "eligibility.groups",
    "eligibility.criteria.group",
    "eligibility.criteria.time_windows",
    "dosing.arms",
}
_ITEMS: dict[str, tuple[type[ExtractedItem], str | None]] = {
    "eligibility": (Eligibility, None),
    "eligibility.criteria": (Criterion, "eligibility.criteria"),
    "dosing": (Regimen, "dosing.regimens"),
    "endpoints": (Endpoint, "endpoints.outcomes"),
}
"""The model of the guideline's items, and the name of the field that says whether there is one."""


def _make_field(info: FieldInfo) -> Field:
    place = f"values.{info.name}" if info.group.startswith("custom.") else info.name
    known = info.metadata
    return Field(info.path, place, COMPARERS[known.comparison], known.family, known.weight)


def _make_group(group: ItemGroup, *, many: bool = True) -> Group:
    model, whole = _ITEMS.get(group.path, (CustomItem, None))
    infos = [info for info in group.fields if info.metadata.in_gold and info.path not in _UNSCORED]
    infos.sort(key=lambda info: _FIRST.index(info.name) if info.name in _FIRST else len(_FIRST))
    fields = (*([Field(whole, None, TEXT)] if whole else ()), *map(_make_field, infos))
    return Group(group.path, model, fields, group.list_items, group.of, many)


GROUPS = ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS = tuple(map(_make_group, list_groups()))

FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
"""The guideline's scored fields, in report order."""


def add_groups(fields: Iterable[CustomField]) -> tuple[Group, ...]:
    """Return the guideline's groups, and those of a user's fields.

    >>> from extractor.fields import read_fields
    >>> [field.name for field in add_groups(read_fields("blinding"))[-1].fields]
    ['custom.blinding.value']
    """
    return (*GROUPS, *(_make_group(field.group, many=field.many) for field in fields))


def list_judged(groups: Iterable[Group], gold: TrialExtraction) -> Iterator[Group]:
    """Yield the groups of which gold says something: without a field's key it says nothing of a user's field.

    Gold with values of a user's fields alone was written for these, and says nothing of the guideline's.
    """
    alone = gold.custom and not gold.dosing and not gold.endpoints and gold.eligibility == Eligibility()
    for group in groups:
        name = group.path.removeprefix("custom.")
        if name in gold.custom if group.model is CustomItem else not alone:
            yield group


def list_quotes(group: Group, item: ExtractedItem) -> Iterator[tuple[str, str | None]]:
    """Yield the quotes of an item, including that of its time window, with their paths.

    >>> list(list_quotes(ENDPOINTS, Endpoint(rank="primary", index=0, measure="Pain", methods=("MRI",))))[-1]
    ('methods[0]', 'MRI')
    """
    for field in group.fields:
        value = field.read(item) if field.attribute else None
        if isinstance(value, TimeWindow):
            yield f"{field.attribute}.quote", value.quote
        elif field.is_words and isinstance(value, tuple):
            yield from ((f"{field.attribute}[{number}]", one) for number, one in enumerate(value))
        elif field.is_words and field.attribute:
            yield field.attribute, value
