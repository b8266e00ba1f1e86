"""A draft: the JSON of gold under review, and the changes that led to it.

Paths never change: a new item is appended, and ``None`` takes the place of a deleted one.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import Field

from extractor.apps.review.forms import Form, Json
from extractor.schemas import FieldRef, TrialExtraction
from extractor.schemas.base import FrozenModel

CHECKED = "@checked"
"""The key of an item that the reviewer has ticked; gold has no such key."""
_DEEPEST = 12
"""Maximum number of levels in a value. The schema has five."""


class Patch(FrozenModel):
    """A change: new values of the fields of the item at ``path``; None deletes the item. If the
    path is that of a group, the values are those of a new item.

    ``typed`` marks a text that was saved because the page was left while it was being typed.
    """

    path: str = Field(max_length=300)
    value: dict[str, Any] | None = None
    typed: bool = False
    time: str = ""


class Draft:
    """A record under review.

    Attributes:
        start: The JSON of gold with which the review of the record began.
        patches: All changes since then that are not undone.
        version: Counts changes and undone changes.
        written: The digest of the gold file that was last seen or written; None without one.
        is_finished: Whether that file is the draft as it is.
        is_kept: Whether a journal has the draft.
    """

    def __init__(self, start: Json, written: str | None) -> None:
        self.start = start
        self.patches: list[tuple[int, Patch]] = []
        self.version = 0
        self.written = written
        self.is_finished = written is not None
        self.is_kept = False

    def build(self) -> Json:
        """Return the JSON with all changes."""
        data = deepcopy(self.start)
        for _, patch in self.patches:
            _apply(data, patch)
        return data

    def add(self, patch: Patch) -> None:
        """Add a change."""
        self.version += 1
        self.is_finished = False
        self.patches.append((self.version, patch))

    def undo(self) -> None:
        """Remove the last change, if there is one."""
        if self.patches:
            self.version += 1
            self.is_finished = False
            self.patches.pop()

    def finish(self, digest: str) -> None:
        """Note that the draft became the gold file with this digest."""
        self.written = digest
        self.is_finished = True

    def list_changed(self, since: int = 0) -> dict[tuple[str, str], Patch]:
        """Return the last change of each field after a version, by item and field."""
        changed: dict[tuple[str, str], Patch] = {}
        for version, patch in self.patches:
            if version > since:
                names = patch.value or {}
                changed |= {(patch.path, name): patch for name in names}
        return changed


def start_draft(extraction: TrialExtraction) -> Json:
    """Return the JSON of an extraction or of gold with which a draft begins. Gold of guideline
    1.4, which has a single time window, gets a list that contains it.
    """
    start = extraction.to_gold()
    for _, criterion in list_items(start, "eligibility.criteria"):
        window = criterion.get("time_window")
        if window and "time_windows" not in criterion:
            criterion["time_windows"] = [window]
    return start


def list_items(data: Json, group: str) -> Iterator[tuple[str, Json]]:
    """Yield the items of a group with their paths, without deleted ones."""
    if group == "eligibility":
        yield group, data[group]
        return
    for position, item in enumerate(find_list(data, group)):
        if item is not None:
            yield f"{group}[{position}]", item


def find_list(data: Json, group: str) -> list[Json | None]:
    """Return the list of a group's items; an own field that no item states yet gets one."""
    parent = data
    *around, name = group.split(".")
    for key in around:
        parent = parent.setdefault(key, {})
    items: list[Json | None] = parent.setdefault(name, [])
    return items


def read_field(item: Json, name: str) -> Any:
    """Return the value of a field, such as ``route`` or ``values.cutoff``."""
    own = name.removeprefix("values.")
    return item.get(name) if own == name else item["values"].get(own)


def check_patch(patch: Patch, data: Json, forms: Mapping[str, Form]) -> None:
    """Raise ``ValueError`` for a change to something that does not exist, or one that is not
    JSON.
    """
    group = FieldRef(patch.path).path
    form = forms.get(group)
    if form is None:
        raise ValueError(f"{patch.path[:80]!r} is not an item")
    is_new = patch.path == group and group != "eligibility"
    if not is_new and patch.path not in dict(list_items(data, group)):
        raise ValueError(f"{patch.path[:80]!r} does not exist, or was deleted")
    if patch.value is None and patch.path == group:
        raise ValueError(f"{form.noun}: cannot be deleted")
    known = {CHECKED, *form.fields}
    if group.startswith("custom."):
        known.add("of")
    for name, value in (patch.value or {}).items():
        if name not in known:
            raise ValueError(f"{name[:80]!r} is not a field of a {form.noun}")
        is_list = form.fields.get(name, {}).get("many")
        if is_list and not isinstance(value, list | None):
            raise ValueError(f"{name}: a list is expected")
    if _count_levels(patch.value) > _DEEPEST:
        raise ValueError("the value has too many levels")
    # A page could not show half a character or an infinite number again.
    json.dumps(patch.value, ensure_ascii=False, allow_nan=False).encode()


def _count_levels(value: Any) -> int:
    """Return the number of levels of a value; those beyond the allowed ones are not counted."""
    levels = 0
    members = [value]
    while members and levels <= _DEEPEST:
        levels += 1
        inner: list[Any] = []
        for member in members:
            if isinstance(member, dict):
                inner += member.values()
            elif isinstance(member, list):
                inner += member
        members = inner
    return levels


def _apply(data: Json, patch: Patch) -> None:
    group = FieldRef(patch.path).path
    position = FieldRef(patch.path).position
    if position is not None and patch.value is None:
        find_list(data, group)[position] = None
        return
    if position is None and group != "eligibility":
        item: Json = {"of": None, "values": {}} if group.startswith("custom.") else {}
        find_list(data, group).append(item)
    else:
        item = dict(list_items(data, group))[patch.path]
    for name, value in (patch.value or {}).items():
        own = name.removeprefix("values.")
        if own == name:
            item[name] = value
        else:
            item["values"][own] = value
