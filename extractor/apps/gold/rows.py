"""Convert gold to rows, one per value, and convert rows to gold.

A row consists of a path, such as ``eligibility.criteria[3].constraints[0]``, and texts, keyed by
column: the parts of the value, or the value itself. A row without texts means that the record does
not state a value.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, get_origin

from pydantic import BaseModel, ValidationError

from extractor.apps.evaluation.gold_check import check_annotation
from extractor.apps.review.gold import derive_window
from extractor.apps.values import RowKind, ValueRow, list_values, split_path
from extractor.face import CLASSES, CustomField, first_window, parse_json
from extractor.schemas import (
    Constraint,
    FieldRef,
    TrialExtraction,
    TrialRecord,
    list_groups,
)
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel, JsonObject
from extractor.schemas.paths import Step, read_path, write_path

Location = tuple[Step, ...]

VALUE = "value"
ITEM_GROUPS = tuple(group.path for group in list_groups())
"""The paths of eligibility and of the groups of items: criteria, regimens and endpoints."""
PEOPLE, *_LISTS = ITEM_GROUPS
_FIELDS = {field.path: field for group in list_groups() for field in group.fields}
_NESTED = "dosing.amounts.limits"
"""The path of the limits in the condition of an amount, which are a list in a value."""
_LISTS += [path for path, field in _FIELDS.items() if field.many]
_LISTS += [_NESTED]
"""The paths whose values are lists: the groups of items, and fields with several values."""
_TYPES = {path: field.type for path, field in _FIELDS.items()} | {_NESTED: Constraint}
_PARTS = {
    path: tuple(
        name
        for name, part in kind.model_fields.items()
        if get_origin(part.annotation) is not tuple
    )
    for path, kind in _TYPES.items()
    if issubclass(kind, BaseModel)
}
"""The value parts that have their own columns. Lists, such as the arms of an amount, have
separate rows instead.
"""
_FIRST_COLUMNS = ("quantity", "comparator", VALUE, "value_high", "unit")
# a name that several types of values share has one column
PART_COLUMNS = tuple(dict.fromkeys([*_FIRST_COLUMNS, *chain(*_PARTS.values())]))
_KNOWN = {*_TYPES, *ITEM_GROUPS, "dosing.amounts.arms", "scored"}
_CUSTOM = "custom."
_ADDED = 1_000_000
"""The first position for list members whose paths have no position; it is high enough that they
follow all other members.
"""
_REMEDIES = {
    "enum": "write one of these words",
    "missing": "add a row for this field to the item",
    "tuple_type": "give each member its position, such as dosing[0]",
}


class RowProblem(NamedTuple):
    """A problem at a location, with a remedy."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def is_known(path: str) -> bool:
    """Return whether a path can occur in gold.

    >>> is_known("dosing[0].route"), is_known("dosing[0].rout")
    (True, False)
    """
    ref = FieldRef(path)
    is_path = FieldRef.parse(path) == path
    return is_path and (path.startswith(_CUSTOM) or ref.path in _KNOWN)


def list_gold_rows(extraction: TrialExtraction) -> Iterator[ValueRow]:
    """Yield the rows of gold, or of an extraction, in schema order, with their supporting words.
    Only fields that gold contains are listed. The value of an empty field is None or an empty list.
    ``time_window`` is omitted if it can be derived from ``time_windows``.

    >>> gold = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": None}, "dosing": []}
    ... )
    >>> [(row.path, row.value) for row in list_gold_rows(gold)]
    [('eligibility.sex', None), ('dosing', [])]
    """
    row_by_path = {row.path: row for row in list_values(extraction)}
    gold = extraction.to_gold(exclude_unset=True)
    del gold["record_id"]
    criteria = extraction.eligibility.criteria
    for criterion, written in zip(
        criteria, gold[PEOPLE].get("criteria", ()), strict=True
    ):
        window = criterion.time_window
        if window and window == first_window(criterion.time_windows):
            del written["time_window"]
    for path, value in _flatten("", gold):
        # an empty field, or a group, has no supporting words
        without_words = ValueRow(RowKind.VALUE, extraction.record_id, *split_path(path))
        yield row_by_path.get(path, without_words)._replace(value=value)


def _flatten(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (path, value) pairs. Lists that are part of a value have separate paths. An empty
    list or object is a value.
    """
    if not value or not isinstance(value, dict | list):
        yield path, value
        return
    if isinstance(value, list):
        for position, member in enumerate(value):
            yield from _flatten(f"{path}[{position}]", member)
        return
    separate = value
    # a limit is one value, but the arms of an amount have their own rows
    if FieldRef(path).path in _PARTS:
        separate = {name: part for name, part in value.items() if type(part) is list}
        yield path, {name: value[name] for name in value if name not in separate}
    for name, part in separate.items():
        yield from _flatten(f"{path}.{name}".lstrip("."), part)


def write_cells(row: ValueRow) -> dict[str, str]:
    """Return the texts of a row, keyed by column. If the record does not state a value, there are
    no texts. A custom value is written as JSON if its plain text would be read as a different
    value.
    """
    value = row.value
    if row.path.startswith(_CUSTOM):
        is_plain = bool(value) and _read_custom(value) == value
        if not is_plain:
            return {VALUE: json.dumps(value, ensure_ascii=False)}
    parts = value if isinstance(value, dict) else {VALUE: value}
    cells: dict[str, str] = {}
    for name, part in parts.items():
        if part in (None, []):
            continue
        cells[name] = part if isinstance(part, str) else json.dumps(part)
    return cells


def _read_custom(text: object) -> object:
    """Return a custom value: the parsed JSON, or else the text itself."""
    if not isinstance(text, str):
        return text
    try:
        return parse_json(text)
    except ValueError:
        return text


def build_gold(
    rows: Sequence[ValueRow],
    record: TrialRecord | None = None,
    fields: Sequence[CustomField] = (),
) -> tuple[dict[str, object] | None, list[RowProblem]]:
    """Return (gold of one record, all problems). The gold is None if a row is invalid. The rows
    are those of a sheet, as read by ``read_sheet``.

    Positions in paths identify and order the members of a list. Gaps are closed, and a row whose
    path names a list without a position adds a member. If ``record`` is not None, quotes are
    checked against it. ``fields`` are custom fields.

    >>> place = ("eligibility", "minimum_age", {"value": "18 years"})
    >>> build_gold([ValueRow(RowKind.VALUE, "A", *place)])[0]["eligibility"]
    {'minimum_age': {'value': 18, 'unit': 'year'}}
    """
    builder = _Builder(rows[0])
    # Rows without a value come last, so that an empty list applies only if no row adds a member.
    for number, row in enumerate(sorted(rows, key=lambda row: not row.value), _ADDED):
        builder.add(row, number)
    gold = builder.finish()
    if gold and record:
        for flaw in check_annotation(gold, record, fields):
            builder.report_at(read_path(flaw.path), flaw.problem)
    if builder.problems:
        gold = None
    return gold, builder.problems


class _Builder:
    """Builds the gold of one record from its rows. ``problems`` contains the problems found so
    far. ``finish`` also records the row of each value, by its location, for ``report_at``.
    """

    def __init__(self, first: ValueRow) -> None:
        self.problems: list[RowProblem] = []
        self._first = first
        self._tree: dict[str | int, object] = {}
        self._sources: dict[Location, ValueRow] = {}

    def add(self, row: ValueRow, number: int) -> None:
        """Add the values of a row, or report its problems. ``number`` is the position for a list
        member whose path has no position.
        """
        # without positions, such as "dosing.amounts" for "dosing[0].amounts[1]"
        path = FieldRef(row.path).path
        location = read_path(row.path)
        if not is_known(row.path):
            text = f"there is no {row.path!r}{suggest(path, _KNOWN)}; correct field or item"
            self._report(row, "field", text)
            return
        is_member = row.path.endswith("]")
        if row.value and path in _LISTS and not is_member:
            location += (number,)
        # a value with parts may also be written in the column "value" alone, such as "18 years"
        for column in row.value.keys() - {*_PARTS.get(path, (VALUE,))}:
            if len(row.value) > 1 or column != VALUE:
                self._report(row, column, f"{path} has no {column}; clear it")
        try:
            for name, value in _read_row(path, row.value).items():
                self._set((*location, *name), row, value)
        except ValueError as error:
            self._report(row, VALUE, str(error))

    def _set(self, location: Location, row: ValueRow, value: Any) -> None:
        """Set a value of a row in the tree, in which lists are represented by dictionaries keyed by
        position, and values by (row, value) pairs.

        A value that another row has set is kept:

        - at the beginning of ``location``, it contradicts this row, which is reported;
        - at ``location``, this row repeats it, which is reported if this row has a value.
        """
        node: Any = self._tree
        *beginning, last = location
        for step in beginning:
            node = node.setdefault(step, {})
            # "dosing" and "dosing[0].route", both without a value
            if isinstance(node, tuple):
                earlier_row, _ = node
                text = f"contradicts {earlier_row.section}; remove one of them"
                self._report(row, "field", text)
                return
        # rows without a value come last and only give way, such as "[]" to members of the list
        if row.value and last in node:
            self._report(row, "field", f"repeats {row.path}; give it another position")
        node.setdefault(last, (row, value))

    def finish(self) -> JsonObject | None:
        """Return the gold; None if no row has set a value, or if the values violate the schema,
        which is reported. Rows that were reported earlier do not count here.
        """
        if not self._tree:
            return None
        tree = self._close_gaps_and_keep_sources(self._tree, ())
        tree["record_id"] = self._first.record_id
        # the schema requires this key
        tree[PEOPLE] = tree.get(PEOPLE) or {}
        try:
            extraction = TrialExtraction.model_validate(tree)
        except ValidationError as error:
            self._report_violations(error)
            return None
        gold = extraction.to_gold(exclude_unset=True)
        self._move_references(gold)
        for criterion in gold[PEOPLE].get("criteria", ()):
            windows = criterion.get("time_windows")
            if windows:
                criterion.setdefault("time_window", derive_window(windows))
        return gold

    def _report_violations(self, error: ValidationError) -> None:
        """Report each violation of the schema at its row, with a remedy."""
        for violation in error.errors(include_url=False):
            # an invalid number is reported twice, as an integer and as a float
            if violation["loc"][-1] == "int":
                continue
            remedy = _REMEDIES.get(violation["type"], "correct it")
            text = f"{violation['msg'].replace('Input', 'it')}; {remedy}"
            self.report_at(violation["loc"], text)

    def _move_references(self, gold: JsonObject) -> None:
        """Change the references of custom values ("of") to the paths that items have in the gold,
        where gaps in positions are closed. A reference to an item without rows is unchanged.
        """
        new_paths = {}
        for location, row in self._sources.items():
            old_item, _ = split_path(row.path)
            new_item, _ = split_path(write_path(location))
            new_paths[old_item] = new_item
        for items in gold.get("custom", {}).values():
            for item in items:
                if item.get("of") in new_paths:
                    item["of"] = new_paths[item["of"]]

    def _close_gaps_and_keep_sources(self, node: Any, location: Location) -> Any:
        """Convert the dictionaries keyed by position in a subtree to lists, and return the result.
        Keep the row of each value in ``_sources``, by the location that the value has now.
        """
        if isinstance(node, tuple):
            row, value = node
            self._sources[location] = row
            return value
        if all(isinstance(step, int) for step in node):
            return [
                self._close_gaps_and_keep_sources(node[step], (*location, position))
                for position, step in enumerate(sorted(node))
            ]
        return {
            step: self._close_gaps_and_keep_sources(member, (*location, step))
            for step, member in node.items()
        }

    def report_at(self, location: Location, text: str) -> None:
        """Report a problem at the row for a location or, if there is no such row, at the row with
        the most similar location.
        """
        # the row whose location has the longest beginning in common with this one, as lists are
        # compared from the left
        near = max(
            self._sources,
            key=lambda known: [a == b for a, b in zip(known, location, strict=False)],
        )
        row = self._sources[near]
        column: str | int = VALUE
        # the problem concerns another field of the item, such as a missing quote
        if near != location[: len(near)]:
            column = "record"
            if location:
                column = location[-1]
        # the parts of a value have their own columns
        elif FieldRef(row.path).path in _PARTS:
            column = near[-1]
        self._report(row, str(column), text)

    def _report(self, row: ValueRow, column: str, text: str) -> None:
        """Add a problem in a column of a row."""
        self.problems.append(RowProblem(f"{row.section}, {column}", text))


def _read_row(path: str, cells: Mapping[str, object]) -> dict[Location, Any]:
    """Return the value of a row, keyed by its location below ``path``: the whole value under
    ``()``, or each part under its name. Raises ``ValueError`` if a text is invalid.
    """
    if not cells:
        if path in _LISTS:
            return {(): []}
        return {(): None}
    if path.startswith(_CUSTOM):
        return {(): _read_custom(cells.get(VALUE))}
    if path not in _PARTS:
        return {(): cells.get(VALUE)}
    parts = _PARTS[path]
    model = _TYPES[path]
    # the whole value in one cell, such as "platelets: >= 50 /L", rather than one part per column
    whole = str(cells.get(VALUE))
    is_number = VALUE in parts and re.fullmatch(r"[\d.\s]+", whole)
    if model in CLASSES and cells.keys() == {VALUE} and not is_number:
        parsed = CLASSES[model].read(whole)
        if isinstance(parsed, FrozenModel):
            cells = parsed.model_dump(mode="json", exclude={"arms"})
    return {(part,): cells.get(part) for part in parts}
