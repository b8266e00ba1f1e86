"""The fields of each task, derived from the models: name, kind of value, evidence, comparison,
question to a model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas.base import FieldMetadata
from extractor.schemas.evidence import ExtractedItem
from extractor.schemas.extraction import TrialExtraction
from extractor.schemas.vocabulary import Task

ValueKind = StrEnum("ValueKind", "TEXT CHOICE YES_NO NUMBER DURATION QUANTITY NAME")
ValueKind.__doc__ = """The kind of a field's value, or of each member if the field is a list.

- ``text``: words of the record.
- ``choice``: a member of a closed set.
- ``yes_no``: true or false.
- ``number``: a bare number.
- ``duration``: a number with a unit of time (``Age``, ``Period``, ``TimePoint``).
- ``quantity``: numbers with their units and other parts (``Amount``, ``Constraint``,
  ``TimeWindow``).
- ``name``: a name with a version (``Instrument``).
"""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of the items at ``group``.

    Attributes:
        group: Path of the items: ``eligibility``, ``eligibility.criteria``, ``dosing`` or
            ``endpoints``.
        name: The attribute of the item.
        type: The class of the value, or of each member of a list.
        kind: The kind of such a value.
        many: Whether the field is a list.
        required: Whether every item has a value.
        metadata: How the field is proven, asked for, compared and weighted.
    """

    group: str
    name: str
    type: type[Any]
    kind: ValueKind
    many: bool
    required: bool
    metadata: FieldMetadata

    @property
    def path(self) -> str:
        """The field's path in an extraction, such as ``eligibility.criteria.kind``."""
        return f"{self.group}.{self.name}"

    @property
    def label(self) -> str:
        """A readable name of the field, such as "introductory line"."""
        return self.metadata.label or self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """Items of one kind with their fields: all participants, criteria, regimens, outcomes, or those
    of a user's field.

    Attributes:
        path: Where an extraction has the items: ``eligibility.criteria``, ``custom.blinding``.
        fields: Their fields, in schema order.
        task: The task in which they are read.
        of: The path of the items to which they belong, for a user's field that is not one of the
            record.
    """

    path: str
    fields: tuple[FieldInfo, ...]
    task: Task
    of: str | None = None

    def list_items(self, extraction: TrialExtraction) -> tuple[ExtractedItem, ...]:
        """Return the items of this kind in an extraction.

        >>> from extractor.schemas import Eligibility
        >>> [
        ...     group.list_items(
        ...         TrialExtraction(record_id="A", eligibility=Eligibility())
        ...     )
        ...     for group in list_groups()
        ... ][1:]
        [(), (), ()]
        """
        items: Any = extraction
        for name in self.path.split("."):
            if isinstance(items, dict):  # users' own fields, by name
                items = items.get(name, ())
            else:
                items = getattr(items, name)
        return items if isinstance(items, tuple) else (items,)


@cache
def list_groups() -> tuple[ItemGroup, ...]:
    """List the kinds of items of the guideline.

    >>> [group.path for group in list_groups()]
    ['eligibility', 'eligibility.criteria', 'dosing', 'endpoints']
    """
    groups: list[ItemGroup] = []
    for task in Task:
        by_path: dict[str, list[FieldInfo]] = {}
        for field in list_fields(task):
            by_path.setdefault(field.group, []).append(field)
        groups += [
            ItemGroup(path, tuple(fields), task) for path, fields in by_path.items()
        ]
    return tuple(groups)


@cache
def list_fields(task: Task) -> tuple[FieldInfo, ...]:
    """List all fields of a task's items, in the order of the models.

    >>> [
    ...     field.name
    ...     for field in list_fields(Task.ELIGIBILITY)
    ...     if field.group == "eligibility"
    ... ]
    ['minimum_age', 'maximum_age', 'sex', 'healthy_volunteers', 'groups']
    >>> [
    ...     (field.path, field.kind.value)
    ...     for field in list_fields(Task.DOSING)
    ...     if field.many
    ... ]
    [('dosing.amounts', 'quantity'), ('dosing.arms', 'text')]
    """
    model, _ = _unwrap(TrialExtraction.model_fields[task].annotation)
    return tuple(list_model(task.value, model))


def list_model(group: str, model: type[BaseModel]) -> Iterator[FieldInfo]:
    """Yield the fields of a model of the items at ``group``, and of the models of its own items.
    Fields without metadata, such as the evidence, are left out.
    """
    for name, info in model.model_fields.items():
        value_type, many = _unwrap(info.annotation)
        metadata = [
            extra for extra in info.metadata if isinstance(extra, FieldMetadata)
        ]
        if metadata:
            yield FieldInfo(
                group=group,
                name=name,
                type=value_type,
                kind=_name_kind(value_type),
                many=many,
                required=info.is_required(),
                metadata=metadata[0],
            )
        elif issubclass(value_type, ExtractedItem):
            yield from list_model(f"{group}.{name}", value_type)


def _unwrap(annotation: Any) -> tuple[type[Any], bool]:
    """Return the class in a type such as ``tuple[Amount, ...]`` or ``Role | None``, and whether
    it is a list.
    """
    if isinstance(annotation, type):
        return annotation, False
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        member, _ = _unwrap(arguments[0])
        return member, True
    options = [option for option in arguments if option is not type(None)]
    return _unwrap(options[0])


def _name_kind(value_type: type[Any]) -> ValueKind:
    """Return the kind of a value by its class.

    A model with the fields ``value`` and ``unit`` alone is a duration (``Period``), one with a
    ``name`` is a name (``Instrument``), any other a quantity (``Amount``). A class that is no
    model, closed set, truth value or text is a number.
    """
    if issubclass(value_type, BaseModel):
        if set(value_type.model_fields) == {"value", "unit"}:
            return ValueKind.DURATION
        if "name" in value_type.model_fields:
            return ValueKind.NAME
        return ValueKind.QUANTITY
    # before ``str``, since a StrEnum is a str, too
    if issubclass(value_type, StrEnum):
        return ValueKind.CHOICE
    if issubclass(value_type, bool):
        return ValueKind.YES_NO
    if issubclass(value_type, str):
        return ValueKind.TEXT
    return ValueKind.NUMBER
