"""A draft, which is gold JSON under review, and the changes made to it.

Paths never change: new items are appended, and ``None`` replaces deleted items.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import Field

from extractor.apps.review.forms import Form
from extractor.schemas import FieldRef, TrialExtraction
from extractor.schemas.base import FrozenModel, JsonObject

CHECKED = "@checked"
"""The key that marks an item as checked by the reviewer. It is not written to gold."""
_MAX_DEPTH = 12
"""Maximum nesting depth of a value. The schema needs five levels."""


class Patch(FrozenModel):
    """A change: new values for the fields of the item at ``path``, or None to delete the item. If
    ``path`` is the path of a group, the change adds an item with these values.

    ``typed`` marks text that was saved automatically because the reviewer left the page while
    typing.
    """

    path: str = Field(max_length=300)
    value: JsonObject | None = None
    typed: bool = False
    time: str = ""


class ReviewedRecord:
    """A record under review.

    Attributes:
        start: The gold JSON with which the review of the record started.
        patches: (version, change) pairs of all later changes that were not undone.
        version: A counter that increases with each change and each undo.
        gold_digest: The digest of the gold file when it was last read or written, or None if the
            file does not exist.
        is_finished: Whether the gold file matches the draft.
        is_in_journal: Whether the draft is in a journal.
    """

    def __init__(self, start: JsonObject, gold_digest: str | None) -> None:
        self.start = start
        self.patches: list[tuple[int, Patch]] = []
        self.version = 0
        self.gold_digest = gold_digest
        self.is_finished = gold_digest is not None
        self.is_in_journal = False

    def build(self) -> JsonObject:
        """Return the JSON with all changes applied."""
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
        """Remove the last change, if any."""
        if self.patches:
            self.version += 1
            self.is_finished = False
            self.patches.pop()

    def finish(self, digest: str) -> None:
        """Record that the draft was written to the gold file with this digest."""
        self.gold_digest = digest
        self.is_finished = True

    def list_changed(self, since: int = 0) -> dict[tuple[str, str], Patch]:
        """Return the last change made to each field after a version, keyed by (item, field)."""
        changed: dict[tuple[str, str], Patch] = {}
        for version, patch in self.patches:
            if version > since:
                names = patch.value or {}
                changed |= {(patch.path, name): patch for name in names}
        return changed


def start_draft(extraction: TrialExtraction) -> JsonObject:
    """Return an extraction or gold as the JSON with which a draft starts. A single time window, as
    in gold that follows guideline 1.4, becomes a list.
    """
    start = extraction.to_gold()
    for _, criterion in list_draft_items(start, "eligibility.criteria"):
        window = criterion.get("time_window")
        if not window:
            continue
        if "time_windows" in criterion:
            continue
        criterion["time_windows"] = [window]
    return start


def list_draft_items(data: JsonObject, group: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield (path, item) pairs for the items of a group, except deleted items."""
    if group == "eligibility":
        yield group, data[group]
        return
    for position, item in enumerate(find_list(data, group)):
        if item is not None:
            yield f"{group}[{position}]", item


def find_list(data: JsonObject, group: str) -> list[JsonObject | None]:
    """Return the list of a group's items. For a custom field without items, the list is created."""
    container = data
    *parents, name = group.split(".")
    for key in parents:
        container = container.setdefault(key, {})
    items: list[JsonObject | None] = container.setdefault(name, [])
    return items


def read_field(item: JsonObject, name: str) -> Any:
    """Return the value of a field, such as ``route`` or ``values.cutoff``."""
    attribute = name.removeprefix("values.")
    if attribute == name:
        return item.get(name)
    return item["values"].get(attribute)


def check_patch(patch: Patch, data: JsonObject, forms: Mapping[str, Form]) -> None:
    """Raise ``ValueError`` if a change refers to an item or field that does not exist, or if its
    value is not valid JSON.
    """
    group = FieldRef(patch.path).path
    form = forms.get(group)
    if form is None:
        raise ValueError(f"{patch.path[:80]!r} is not an item")
    # the path of a group adds an item to it; eligibility is its own only item
    if patch.path == group:
        if patch.value is None:
            raise ValueError(f"{form.noun}: cannot be deleted")
    elif patch.path not in dict(list_draft_items(data, group)):
        raise ValueError(f"{patch.path[:80]!r} does not exist, or was deleted")
    field_names = {CHECKED, *form.fields}
    if group.startswith("custom."):
        field_names.add("of")
    for name, value in (patch.value or {}).items():
        if name not in field_names:
            raise ValueError(f"{name[:80]!r} is not a field of a {form.noun}")
        is_list = form.fields.get(name, {}).get("many")
        if is_list and not isinstance(value, list | None):
            raise ValueError(f"{name}: a list is expected")
    if _exceeds_depth(patch.value, _MAX_DEPTH):
        raise ValueError("the value is nested too deeply")
    # a page could not display a lone surrogate or an infinite number
    json.dumps(patch.value, ensure_ascii=False, allow_nan=False).encode()


def _exceeds_depth(value: object, depth: int) -> bool:
    """Return whether dictionaries and lists are nested more deeply than ``depth``.

    >>> _exceeds_depth({"a": [1]}, 2), _exceeds_depth({"a": [1]}, 1)
    (False, True)
    """
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    if depth == 0:
        return True
    return any(_exceeds_depth(member, depth - 1) for member in value)


def _apply(data: JsonObject, patch: Patch) -> None:
    """Delete the item at the path of a change, add an item to the group at that path, or change the
    item's fields.
    """
    group = FieldRef(patch.path).path
    position = FieldRef(patch.path).position
    if position is not None and patch.value is None:
        # keeps its place, so that the paths of the other items stay valid
        find_list(data, group)[position] = None
        return
    # the path of a group; eligibility is its own only item
    if position is None and group != "eligibility":
        item: JsonObject = {}
        if group.startswith("custom."):
            item = {"of": None, "values": {}}
        find_list(data, group).append(item)
    else:
        item = dict(list_draft_items(data, group))[patch.path]
    for name, value in (patch.value or {}).items():
        attribute = name.removeprefix("values.")
        if attribute == name:
            item[name] = value
        else:
            item["values"][attribute] = value
