"""The values of an extraction one by one, and names of fields."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from extractor.ground.rederive import list_items
from extractor.schemas import Evidence, Item, Task, TrialExtraction

__all__ = ["RECORD", "ItemValues", "Value", "list_values", "name_field", "name_task"]

RECORD = "record"
"""The field of what is said of a record as a whole."""

_PATH = re.compile(r"(?:eligibility|dosing|endpoints)(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*")
_ROOT = re.compile(r"[.\[]")
_TASKS = {task.value: task for task in Task}
_PLACES = frozenset({"section", "rank", "index", "criteria"})


@dataclass(frozen=True, slots=True)
class Value:
    """One stated value: one member where the field is a list. ``evidence`` is what supports it."""

    path: str
    name: str
    value: Any
    evidence: tuple[Evidence, ...]


ItemValues = tuple[str, Item, list[Value]]
"""An item's path, the item, and its values."""


def list_values(extraction: TrialExtraction) -> list[ItemValues]:
    """Every item with its path and its values, in the order of the guideline."""
    return [(path, item, list(_list_of_item(path, item))) for path, item in list_items(extraction)]


@lru_cache(maxsize=4096)
def name_field(path: str) -> str:
    """The field that a path leads to, without numbers. A finding's words around a path are left out.

    >>> name_field("endpoints[2].time_points[0]"), name_field("dosing: dosing.route of arms[1][0:9]"), name_field("")
    ('endpoints.time_points', 'dosing', 'record')
    """
    found = _PATH.match(path)
    return re.sub(r"\[\d+\]", "", found[0]) if found else RECORD


def name_task(field: str) -> Task | None:
    """The task of a field; None for what is said of the record as a whole.

    >>> name_task("endpoints.time_points").value
    'endpoints'
    """
    return _TASKS.get(field.partition(".")[0])


def _list_of_item(path: str, item: Item) -> Iterator[Value]:
    proof: dict[str, list[Evidence]] = defaultdict(list)
    for one in item.evidence:
        proof[_ROOT.split(one.field, maxsplit=1)[0]].append(one)
    for name in _name_attributes(type(item)):
        value = getattr(item, name)
        if value is None or value == ():
            continue
        if not isinstance(value, tuple):
            yield Value(f"{path}.{name}", name, value, tuple(proof[name]))
            continue
        for number, one in enumerate(value):
            member = f"{name}[{number}]"
            yield Value(f"{path}.{member}", name, one, _find_evidence(proof[name], member, name))


@cache
def _name_attributes(kind: type[Item]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name not in Item.model_fields and name not in _PLACES)


def _find_evidence(proof: list[Evidence], member: str, name: str) -> tuple[Evidence, ...]:
    """Of the member itself or its parts, else of the list as a whole."""
    own = tuple(one for one in proof if one.field == member or one.field.startswith((f"{member}.", f"{member}[")))
    return own or tuple(one for one in proof if one.field == name)
