"""The fields of each task, derived from the models: name, kind of value, evidence, comparison, and
the question for a model.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas.base import FieldInfo
from extractor.schemas.evidence import ExtractedItem
from extractor.schemas.extraction import TrialExtraction
from extractor.schemas.paths import read_path
from extractor.schemas.vocabulary import Task

_STEP = r"[^.\[\]:\s]+(?:\[\+?\d+\])?"
"""A field and, for a list, the position of the member. Members that a reviewer adds have positions
such as ``+7``.
"""
_PATH = re.compile(rf"(?:{_STEP}(?:\.{_STEP})*)?")
_POSITION = re.compile(r"\[\+?\d+\]")


class FieldRef(str):
    """A path in an extraction, such as ``eligibility.criteria[3].constraints[1]``, or in an item,
    such as ``constraints[1]``.

    Section names, such as ``arms[0]``, have the same form.

    >>> ref = FieldRef.parse("eligibility.criteria[3].constraints[1]: unread")
    >>> ref.path, ref.names, ref.position
    ('eligibility.criteria.constraints', ['eligibility', 'criteria', 'constraints'], 1)
    >>> (
    ...     FieldRef("constraints").covers("constraints[1]"),
    ...     FieldRef("constraints[1]").covers("constraints[10]"),
    ... )
    (True, False)
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "FieldRef":
        """Return the path at the beginning of a text, or an empty path if the text does not begin
        with one.
        """
        path = _PATH.match(text)
        return cls(path[0] if path else "")

    @property
    def path(self) -> str:
        """The path without positions."""
        return _POSITION.sub("", self)

    @property
    def names(self) -> list[str]:
        """The field names in the path, without positions."""
        return self.path.split(".")

    @property
    def position(self) -> int | None:
        """The last position, or None if the path ends with a name or with a member that a reviewer
        added.
        """
        last = read_path(self)[-1]
        if isinstance(last, int):
            return last
        return None

    def covers(self, path: str) -> bool:
        """Return True if a path is equal to this path, or is the path of one of its members
        or parts.
        """
        if path == self:
            return True
        return path.startswith((f"{self}.", f"{self}["))

    @property
    def parents(self) -> Iterator[str]:
        """The paths that contain this path, innermost first: for ``a[1].b``, these are ``a[1]`` and
        ``a``.
        """
        path = str(self)
        while True:
            end = max(path.rfind("."), path.rfind("["))
            if end <= 0:
                return
            path = path[:end]
            yield path


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """Items of one kind with their fields: the facts about all participants, criteria, regimens,
    endpoints, or values of a custom field.

    Attributes:
        path: The path of the items in an extraction, such as ``eligibility.criteria`` or
            ``custom.blinding``.
        fields: The fields of the items, in schema order.
        task: The task that reads the items.
        of: For a custom field, the path of the items that its values belong to; None if they belong
            to the record.
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
            # custom fields are keyed by name
            if isinstance(items, dict):  # noqa: SIM108 - longer than a line
                items = items.get(name, ())
            else:
                items = getattr(items, name)
        if isinstance(items, tuple):
            return items
        return (items,)


@cache
def list_groups() -> tuple[ItemGroup, ...]:
    """List the groups of items that the guideline defines.

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
    """List all fields of a task's items, in schema order.

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
    [('dosing.amounts', 'quantity'), ('dosing.maximum', 'quantity'), ('dosing.arms', 'text')]
    """
    model, _ = _unwrap(TrialExtraction.model_fields[task].annotation)
    return tuple(list_model(task.value, model))


def list_model(group: str, model: type[BaseModel]) -> Iterator[FieldInfo]:
    """Yield the fields of a model whose items are at the path ``group``, and the fields of the
    items and objects nested in that model. Fields without a specification, such as the evidence,
    are skipped.
    """
    for name, info in model.model_fields.items():
        value_type, many = _unwrap(info.annotation)
        fields = [extra for extra in info.metadata if isinstance(extra, FieldInfo)]
        if fields:
            required = info.is_required()
            yield fields[0].of(
                group, name, type=value_type, many=many, required=required
            )
        elif issubclass(value_type, BaseModel):
            yield from list_model(f"{group}.{name}", value_type)


def _unwrap(annotation: Any) -> tuple[type[Any], bool]:
    """Return the class in a type such as ``tuple[Amount, ...]`` or ``Role | None``, and whether the
    type is a list.
    """
    if isinstance(annotation, type):
        return annotation, False
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        member, _ = _unwrap(arguments[0])
        return member, True
    options = [option for option in arguments if option is not type(None)]
    return _unwrap(options[0])
