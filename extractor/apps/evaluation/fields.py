"""The scored fields, derived from the schemas: comparison and weight of each come from
its metadata.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from extractor.apps.evaluation.comparers import (
    COMPARERS,
    EXTENT,
    TEXT,
    WINDOWS,
    Comparer,
)
from extractor.concepts.own.declaration import CustomField
from extractor.errors import ArgumentError
from extractor.schemas import (
    Comparison,
    ExtractedItem,
    FieldInfo,
    FieldRef,
    ItemGroup,
    TrialExtraction,
    list_groups,
)
from extractor.schemas.arguments import suggest
from extractor.schemas.fields import list_model

_WHOLE_ITEMS = {
    "eligibility.criteria": "eligibility.criteria",
    "dosing": "dosing.regimens",
    "endpoints": "endpoints.outcomes",
}
"""The name of the field that is the item itself, by the path of the items."""
_KEYS = {
    "dosing.regimens": "dosing",
    "endpoints.outcomes": "endpoints",
    "eligibility.criteria.group": "eligibility.groups",
    "eligibility.criteria.constraints.condition": "eligibility.criteria.time_windows",
    "dosing.amounts.arms": "dosing.arms",
}
"""The key that shows that gold was read for a field, where it is another one: an annotator of
guideline 1.5 writes it even if it is empty.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    Attributes:
        name: Its path, such as ``dosing.route``.
        attribute: The place in the item; None for the item itself, which is right if it has a
            counterpart.
        comparer: How two values are compared.
        weight: The factor on the harm of an error.
        counts: Whether it may be part of the means.
        whole: Of a part of a value, such as ``time_windows.of``: the attribute of the list. A part
            is judged in the values that both extractions have.
        only_stated: Whether only the values count in which gold states the part.
    """

    name: str
    attribute: str | None
    comparer: Comparer
    weight: float = 1.0
    counts: bool = True
    whole: str | None = None
    only_stated: bool = False

    @property
    def task(self) -> str:
        """The task; ``custom`` for a field of the user's own."""
        return self.name.partition(".")[0]

    @property
    def part(self) -> str:
        """The last name in the attribute."""
        return str(self.attribute).rpartition(".")[2]

    @property
    def is_words(self) -> bool:
        """Whether the values are words of the record."""
        return self.comparer in (TEXT, EXTENT)

    @property
    def in_total(self) -> bool:
        """Whether it is part of the means: quotes that only prove other fields are not."""
        return self.counts and (not self.comparer.is_extent or self.task == "custom")

    @property
    def key(self) -> str:
        """The path of the key that gold has if it was read for the field.

        >>> [field.key for field in DOSING.fields if not field.counts]
        ['dosing.arms', 'dosing.arms']
        """
        if self.task == "custom":
            return ".".join(self.name.split(".")[:2])
        name = self.name.removesuffix(".stated")
        if name in _KEYS:
            return _KEYS[name]
        return name.removesuffix(f".{self.part}") if self.whole else name

    def is_named(self, names: Iterable[str]) -> bool:
        """Return whether one of the names is in its path: ``constraints``, ``dosing``."""
        return any(f".{name}." in f".{self.name}." for name in names)

    def read(self, item: ExtractedItem) -> Any:
        """Return the value of an item; for a part, the list of values that have it."""
        return item.value_of(self.whole or self.part)


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind with their fields, at ``path`` in an extraction.

    Those of a user's field belong to the items at ``of``, which may have ``many``.
    """

    path: str
    fields: tuple[Field, ...]
    items: Callable[[TrialExtraction], tuple[Any, ...]]
    of: str | None = None
    many: bool = True

    @property
    def is_own(self) -> bool:
        """Whether these are values of a user's field."""
        return self.path.startswith("custom.")


def _make_fields(info: FieldInfo) -> Iterator[Field]:
    """Yield a field, then the parts of the values in its list; a rare part a second time, for the
    values of which gold states it.
    """
    metadata = info.metadata
    comparer = COMPARERS[metadata.comparison]
    if info.many and metadata.comparison is Comparison.WINDOW:
        comparer = WINDOWS
    is_own = info.group.startswith("custom.")
    whole = Field(
        info.path,
        f"values.{info.name}" if is_own else info.name,
        comparer,
        metadata.weight,
        metadata.in_total,
    )
    yield whole
    if is_own or not info.many or not issubclass(info.type, BaseModel):
        return
    for part in list_model(info.path, info.type):
        field = Field(
            part.path,
            f"{info.name}.{part.name}",
            COMPARERS[part.metadata.comparison],
            part.metadata.weight,
            part.metadata.in_total,
            whole=info.name,
        )
        yield field
        if part.metadata.rare:
            yield replace(field, name=f"{field.name}.stated", only_stated=True)


def _make_group(group: ItemGroup, *, many: bool = True) -> Group:
    fields: list[Field] = []
    if group.path in _WHOLE_ITEMS:
        fields.append(Field(_WHOLE_ITEMS[group.path], None, TEXT))
    for info in group.fields:
        # The index of an endpoint is not read in the text.
        if info.metadata.in_gold and info.path != "endpoints.index":
            fields += _make_fields(info)
    return Group(group.path, tuple(fields), group.list_items, group.of, many)


GROUPS = ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS = tuple(
    map(_make_group, list_groups())
)
FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
"""The guideline's fields, in the order of a report."""


def add_groups(fields: Iterable[CustomField]) -> tuple[Group, ...]:
    """Return the guideline's groups, and those of a user's fields.

    >>> from extractor.concepts.own.models import read_fields
    >>> groups = add_groups(read_fields("extractor.catalogue:Blinding"))
    >>> [field.name for field in groups[-1].fields]
    ['custom.blinding.level']
    """
    return (*GROUPS, *(_make_group(field.group, many=field.many) for field in fields))


def list_scored_groups(
    groups: Iterable[Group],
    gold: TrialExtraction,
    chosen: Collection[str] | None = None,
) -> Iterator[Group]:
    """Yield the groups that are scored, each with its scored fields.

    A field is scored if gold has its key, in one item at least: null and an empty list state that
    the record has no value. If gold names what it was read for (``scored``), other fields are left
    out, and with ``chosen`` those of other names.

    >>> gold = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": None}}
    ... )
    >>> [group.fields[0].name for group in list_scored_groups(GROUPS, gold)]
    ['eligibility.sex']
    """
    keys = _list_keys(gold)
    for group in groups:
        # An empty list answers nothing about the fields that guideline 1.5 added.
        is_empty = group.path in keys and not group.items(gold)
        fields = [
            field
            for field in group.fields
            if field.key in keys or (is_empty and field.counts)
        ]
        if gold.scored:
            fields = [field for field in fields if _is_read_for(field, gold.scored)]
        if chosen is not None:
            fields = [field for field in fields if field.name in chosen]
        if fields:
            yield replace(group, fields=tuple(fields))


def _is_read_for(field: Field, scored: Collection[str]) -> bool:
    """Return whether gold was read for a field. If it names a list by its whole path, it names the
    parts of the values, too.
    """
    if field.whole and field.key in scored:
        return field.name in scored
    return field.is_named(scored)


def _list_keys(gold: TrialExtraction) -> set[str]:
    """Return the paths of the keys that gold has, such as ``dosing`` and ``dosing.route``."""
    keys = {f"custom.{name}" for name in gold.custom}
    keys |= gold.model_fields_set & {"dosing", "endpoints"}
    for path, item in gold.list_items():
        group = FieldRef(path).path
        keys |= {f"{group}.{name}" for name in item.model_fields_set}
    return keys


def choose_fields(names: Iterable[str], groups: Iterable[Group]) -> frozenset[str]:
    """Return the fields with a name in their path: ``minimum_age``, ``constraints``, ``dosing``.
    Raises ``ArgumentError`` for a name that no field has.

    >>> sorted(choose_fields(["minimum_age", "constraints"], GROUPS))[:2]
    ['eligibility.criteria.constraints', 'eligibility.criteria.constraints.condition']
    """
    fields = [field for group in groups for field in group.fields]
    chosen = set[str]()
    for name in names:
        found = {field.name for field in fields if field.is_named([name])}
        if not found:
            known = {part for field in fields for part in field.name.split(".")}
            raise ArgumentError(f"{name}: no such field{suggest(name, known)}")
        chosen |= found
    return frozenset(chosen)
