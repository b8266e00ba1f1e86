"""The scored fields, derived from the schemas. A field's metadata defines its comparison and
weight.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from extractor.apps.evaluation.comparers import (
    COMPARERS,
    EXTENT,
    ITEM,
    Comparer,
)
from extractor.errors import ArgumentError
from extractor.face import CustomField
from extractor.schemas import (
    ExtractedItem,
    FieldInfo,
    FieldRef,
    ItemGroup,
    TrialExtraction,
    list_groups,
)
from extractor.schemas.arguments import suggest
from extractor.schemas.fields import list_model

_ITEMS = {
    "eligibility.criteria": "eligibility.criteria",
    "dosing": "dosing.regimens",
    "endpoints": "endpoints.outcomes",
}
"""The name of the field that represents the item itself, keyed by the path of the group."""
_KEYS = {
    "eligibility.criteria.group": "eligibility.groups",
    "eligibility.criteria.constraints.condition": "eligibility.criteria.time_windows",
    "dosing.amounts.arms": "dosing.arms",
    "dosing.amounts.condition": "dosing.step",
    "dosing.amounts.limits": "dosing.step",
    "dosing.step_kind": "dosing.step",
    "dosing.maximum": "dosing.step",
    "dosing.total_duration": "dosing.step",
    "dosing.as_needed": "dosing.step",
}
"""For some fields, the key of another field; if gold contains this key, the field in question was
annotated. Annotators who follow guideline 1.5 (1.7 for steps) write this key even if its value is
empty.
"""


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    Attributes:
        name: The field's path, such as ``dosing.route``.
        key: The path of a key that is present in gold if the field was annotated.
        attribute: The attribute of the item, or None for the item itself, which counts as right if
            it is paired.
        comparer: Compares two values.
        weight: The factor applied to the harm of an error.
        counts: Whether the field may be included in the means.
        whole: For a part of a value, such as ``time_windows.of``, the attribute that contains the
            list of values. A part is compared only in values that both extractions have.
    """

    name: str
    key: str
    attribute: str | None
    comparer: Comparer[Any]
    weight: float = 1.0
    counts: bool = True
    whole: str | None = None

    @property
    def task(self) -> str:
        """The task, or ``custom`` for a custom field."""
        return self.name.partition(".")[0]

    @property
    def part(self) -> str:
        """The last name in the attribute, such as ``of``."""
        return str(self.attribute).rpartition(".")[2]

    @property
    def steps(self) -> list[str]:
        """The names that lead from an item to the value; several for an attribute of a nested
        object in a custom field.
        """
        return str(self.attribute).removeprefix("values.").split(".")

    @property
    def in_total(self) -> bool:
        """Whether the field is included in the means. Quotes that only support other fields are not
        included.
        """
        if not self.counts:
            return False
        if self.comparer != EXTENT:
            return True
        return self.task == "custom"

    def read(self, item: ExtractedItem) -> object:
        """Return an item's value or, for a part, the list of values that contain the part. For an
        attribute of nested objects, return the values in all objects.
        """
        return item.value_of(self.whole or ".".join(self.steps))


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """A group of items with their fields, at ``path`` in an extraction.

    The items of a custom field belong to the items at ``of``. If ``many`` is set, each item at
    ``of`` can have several items of the custom field.
    """

    path: str
    fields: tuple[Field, ...]
    items: Callable[[TrialExtraction], tuple[ExtractedItem, ...]]
    of: str | None = None
    many: bool = True


def _make_group(group: ItemGroup, *, many: bool = True) -> FieldGroup:
    fields = _make_fields(group)
    return FieldGroup(group.path, tuple(fields), group.list_items, group.of, many)


def _make_fields(group: ItemGroup) -> Iterator[Field]:
    """Yield the scored fields of items. Each field is followed by the fields for the parts of its
    list members.
    """
    if group.path in _ITEMS:
        yield Field(_ITEMS[group.path], group.path, None, ITEM)
    is_custom = group.path.startswith("custom.")
    for info in group.fields:
        # The index of an endpoint does not come from the text.
        if not info.in_gold:
            continue
        if info.path == "endpoints.index":
            continue
        if is_custom:
            attribute = info.path.removeprefix(f"{group.path}.")
            yield _make_field(info, group.path, f"values.{attribute}")
            continue
        yield _make_field(info, info.path, info.name)
        if not (info.many and issubclass(info.type, BaseModel)):
            continue
        for part in list_model(info.path, info.type):
            yield _make_field(part, info.path, f"{info.name}.{part.name}", info.name)


def _make_field(
    info: FieldInfo, key: str, attribute: str, whole: str | None = None
) -> Field:
    return Field(
        name=info.path,
        key=_KEYS.get(info.path, key),
        attribute=attribute,
        comparer=COMPARERS[info.comparison],
        weight=info.weight,
        counts=info.in_total,
        whole=whole,
    )


GROUPS = ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS = tuple(
    map(_make_group, list_groups())
)
FIELDS: tuple[Field, ...] = tuple(field for group in GROUPS for field in group.fields)
"""The guideline's fields, in report order."""


def add_groups(fields: Iterable[CustomField]) -> tuple[FieldGroup, ...]:
    """Return the guideline's groups, followed by the groups of custom fields.

    >>> from extractor.concepts.own.models import read_fields
    >>> groups = add_groups(read_fields("extractor.catalogue:Blinding"))
    >>> [field.name for field in groups[-1].fields]
    ['custom.blinding.level']
    """
    return (*GROUPS, *(_make_group(field.group, many=field.many) for field in fields))


def list_scored_groups(
    groups: Sequence[FieldGroup],
    gold: TrialExtraction,
    names: Collection[str] = (),
) -> Iterator[FieldGroup]:
    """Yield the groups to score, each with its scored fields.

    A field is scored if at least one item in gold contains its key; null and an empty list mean
    that the record has no value. If gold lists the fields that were annotated (``scored``), other
    fields are omitted. ``names`` restricts the fields further.

    >>> gold = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": None}}
    ... )
    >>> [group.fields[0].name for group in list_scored_groups(GROUPS, gold)]
    ['eligibility.sex']
    """
    keys = {f"custom.{name}" for name in gold.custom}
    keys |= gold.model_fields_set & {"dosing", "endpoints"}
    for path, item in gold.list_items():
        keys |= {f"{FieldRef(path).path}.{name}" for name in item.model_fields_set}
    scored_names = choose_fields(names, groups)
    # an empty list stands for all fields
    scored_names &= choose_fields(gold.scored, groups, f"{gold.record_id}: scored: ")
    for group in groups:
        has_no_items = group.path in keys and not group.items(gold)
        fields = []
        for field in group.fields:
            was_annotated = field.key in keys
            # An empty list shows that there are no items, but not that gold was annotated for the
            # fields added in guideline 1.5, which do not count.
            if has_no_items and field.counts:
                was_annotated = True
            if was_annotated and field.name in scored_names:
                fields.append(field)
        if fields:
            yield replace(group, fields=tuple(fields))


def choose_fields(
    names: Collection[str], groups: Iterable[FieldGroup], place: str = ""
) -> frozenset[str]:
    """Return the fields whose path contains one of the names, such as ``minimum_age`` or
    ``dosing``. If there are no names, return all fields. Raises ``ArgumentError``, citing
    ``place``, if a name does not match any field.

    >>> sorted(choose_fields(["minimum_age", "constraints"], GROUPS))[:2]
    ['eligibility.criteria.constraints', 'eligibility.criteria.constraints.condition']
    """
    paths: list[str] = []
    for group in groups:
        paths += [field.name for field in group.fields]
    if not names:
        return frozenset(paths)
    chosen = set[str]()
    for name in names:
        # with dots at both ends, so that "of" does not match "profile"
        of_name = [path for path in paths if f".{name}." in f".{path}."]
        if not of_name:
            known: set[str] = set()
            for path in paths:
                known.update(path.split("."))
            remedy = suggest(name, known)
            if not remedy:
                remedy = f"; choose from {', '.join(sorted(known))}"
            raise ArgumentError(f"{place}{name}: no such field{remedy}")
        chosen.update(of_name)
    return frozenset(chosen)
