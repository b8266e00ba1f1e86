"""The versions of trials that are compared, and their changes.

A version is a run, a file of extractions, or records to be read with the rules.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rapidfuzz import fuzz

from extractor.apps.evaluation.alignment import align, match_values
from extractor.apps.evaluation.fields import GROUPS
from extractor.apps.pages.view import show_texts
from extractor.apps.pages.words import say_value
from extractor.apps.values import RowKind, ValueRow, drop_same, list_values
from extractor.errors import ArgumentError
from extractor.face import (
    ExtractionOptions,
    JoinedRuns,
    extract_by_rules,
    find_run,
    group_pairs,
    read_records,
)
from extractor.schemas import FieldRef, TrialExtraction, TrialRecord

_HEADLINES = ("quote", "agent", "measure")
"""Fields that identify an item as a whole."""
_REGISTERED = ("title", "conditions")
"""Sections that are compared like registered fields."""
_SIMILAR = 0.01
"""The lowest similarity that two values can have; it is enough to pair them."""
_CELLS = ("value", "quote", "section", "start", "end")
_OF_SIDES = [f"{side}_{name}" for side in ("old", "new") for name in _CELLS]
COLUMNS = ("record_id", "change", "field", *_OF_SIDES)
_START_BYTES = 4_000
"""The number of bytes needed to recognise a file of extractions."""
_EXTRACTION = re.compile(rb'"record_id".*"(?:eligibility|dosing)":\s*[\[{]', re.DOTALL)
"""Matches the start of a file of extractions."""


class Change(NamedTuple):
    """A value that is missing from one version, or that differs between the versions.

    Attributes:
        record_id: The record.
        field: The path of the field or item, without positions, such as ``dosing.amounts``.
        old: The value in the old version, or None if it was added.
        new: The value in the new version, or None if it was removed.
    """

    record_id: str
    field: str
    old: ValueRow | None
    new: ValueRow | None

    @property
    def kind(self) -> str:
        """The type of change: "added", "removed" or "changed"."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        return "changed"

    @property
    def cells(self) -> dict[str, object]:
        """The cells of the change, keyed by column."""
        cells: list[object] = [self.record_id, self.kind, self.field]
        for row in (self.old, self.new):
            # the first of _CELLS, the value, in words; a missing row has None in each cell
            cells.append(read_row_words(row))
            cells += (getattr(row, name, None) for name in _CELLS[1:])
        return dict(zip(COLUMNS, cells, strict=True))


def read_row_words(row: ValueRow | None) -> str | None:
    """Return the value of a row, with numbers as written in its quote."""
    return row and say_value(row.value, [row.quote or ""])


def diff_trials(old: TrialExtraction, new: TrialExtraction) -> list[Change]:
    """Return the changes between two extractions of a trial, in schema order.

    >>> old = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> new = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "all"}}
    ... )
    >>> [(change.kind, change.field) for change in diff_trials(old, new)]
    [('changed', 'eligibility.sex')]
    """
    old_rows = _group_rows(old)
    new_rows = _group_rows(new)
    changes: list[Change] = []
    for group in GROUPS:
        for ours, theirs in align(group, group.items(old), group.items(new)):
            # none for the missing counterpart of an unpaired item
            before = old_rows[ours.path]
            after = new_rows[theirs.path]
            if ours.item and theirs.item:
                changes += _compare_fields(new.record_id, before, after)
            else:
                changes.append(_describe_item(new.record_id, before, after))
    # custom values have no similarity measure, and are compared by field
    custom = old_rows["custom"], new_rows["custom"]
    changes += _compare_fields(new.record_id, *custom)
    return changes


def _group_rows(extraction: TrialExtraction) -> defaultdict[str, list[ValueRow]]:
    """Return the values of an extraction, keyed by the path of their item. The values of all custom
    fields have the key "custom".
    """
    # a group's id is meaningless to a reader
    return group_pairs(
        ("custom" if row.item.startswith("custom.") else row.item, row)
        for row in list_values(extraction)
        if row.field != "group"
    )


def _describe_item(
    record_id: str, old: Sequence[ValueRow], new: Sequence[ValueRow]
) -> Change:
    """Return the change for an item that is missing from one version. The item is described by its
    headline.
    """
    rows = old or new
    # an endpoint may lack its measure, and is then described by its first value
    headlines = [row for row in rows if row.field in _HEADLINES] or [rows[0]]
    # the agent of a regimen is omitted if the words of its dose contain it
    words = [say_value(row.value) for row in headlines]
    if words[0] in words[-1]:
        words = words[-1:]
    headline = headlines[0]._replace(value=" ".join(words))
    field = FieldRef(headline.item).path
    if old:
        return Change(record_id, field, headline, None)
    return Change(record_id, field, None, headline)


def _compare_fields(
    record_id: str, old: Sequence[ValueRow], new: Sequence[ValueRow]
) -> Iterator[Change]:
    """Yield the changes in the values of one item, field by field."""
    old_by_field = _group_by_field(old)
    new_by_field = _group_by_field(new)
    for field in old_by_field | new_by_field:
        before = old_by_field[field]
        after = new_by_field[field]
        # most fields of most items; their words need not be written
        if [row.value for row in before] == [row.value for row in after]:
            continue
        pairs, removed, added = match_values(
            drop_same(before, after, _fold_words),
            drop_same(after, before, _fold_words),
            _rate_similarity,
            _SIMILAR,
        )
        for pair in pairs:
            yield Change(record_id, field, *pair)
        for row in removed:
            yield Change(record_id, field, row, None)
        for row in added:
            yield Change(record_id, field, None, row)


def _group_by_field(rows: Sequence[ValueRow]) -> defaultdict[str, list[ValueRow]]:
    return group_pairs((FieldRef(row.path).path, row) for row in rows)


def _fold_words(row: ValueRow) -> str:
    """Return the value in words, with case folded; values with the same words are treated as
    equal.
    """
    return say_value(row.value).casefold()


def _rate_similarity(old: ValueRow, new: ValueRow) -> float:
    """Return the similarity of two values. Even values that share no words are treated as one
    value that has changed.
    """
    return max(_SIMILAR, fuzz.ratio(_fold_words(old), _fold_words(new)) / 100)


def diff_records(old: TrialRecord, new: TrialRecord) -> list[Change]:
    """Return the changes in titles, conditions and registered fields between two records."""
    before = _list_registered(old, new.record_id)
    after = _list_registered(new, new.record_id)
    changes = []
    for name in dict.fromkeys([*before, *after]):
        change = Change(new.record_id, name, before.get(name), after.get(name))
        if read_row_words(change.old) != read_row_words(change.new):
            changes.append(change)
    return changes


def _list_registered(record: TrialRecord, record_id: str) -> dict[str, ValueRow]:
    """Return the title, conditions and registered fields of a record, keyed by section."""
    rows = {}
    for section, shown in show_texts(record).items():
        if section not in _REGISTERED and not section.startswith("registry."):
            continue
        rows[section] = ValueRow(
            RowKind.VALUE,
            record_id,
            item="",
            field=section,
            value=shown.text,
            quote=shown.raw,
            section=section,
            start=0,
            end=len(shown.raw),
        )
    return rows


class Side:
    """A version of the trials.

    Attributes:
        record_ids: The records that have a result, in order, as keys.
        records: The available records, by id.
        failed: The errors of records that could not be read.

    ``columns`` contains the user's names of the columns in records.

    Raises ``ArgumentError`` if there is no result, and ``StoreError`` if a run cannot be read.
    """

    def __init__(self, path: Path, columns: Mapping[str, str] | None = None) -> None:
        self.failed: list[Exception] = []
        self._run: JoinedRuns | None = None
        if find_run(path) or _has_extractions(path):
            self._run = JoinedRuns([path])
            self.record_ids = dict.fromkeys(self._run.record_ids)
            self.records = {
                reread.record_id: reread.record
                for reread in self._run.reread()
                if reread.record
            }
        else:
            self.records = {
                record.record_id: record
                for record in read_records(
                    path, on_error=self.failed.append, columns=columns
                )
            }
            self.record_ids = dict.fromkeys(self.records)
        if not self.record_ids:
            raise ArgumentError(
                "; ".join(
                    [f"{path}: no record could be read", *map(str, self.failed[:1])]
                )
            )

    def read(self, record_id: str) -> TrialExtraction:
        """Return a record's extraction."""
        if self._run:
            return self._run.read(record_id)
        return extract_by_rules(self.records[record_id], ExtractionOptions())


def _has_extractions(path: Path) -> bool:
    """Return whether a file, or the first file in a folder, contains extractions."""
    first = min(path.glob("*.json"), default=path) if path.is_dir() else path
    if not first.is_file():
        return False
    with first.open("rb") as file:
        return _EXTRACTION.search(file.read(_START_BYTES)) is not None


class ComparedTrial(NamedTuple):
    """A trial that is in both versions: its changes, and its records, which are None if they are
    not available.
    """

    record_id: str
    changes: Sequence[Change]
    old: TrialRecord | None
    new: TrialRecord | None


def compare(old: Side, new: Side) -> Iterator[ComparedTrial]:
    """Yield the trials that are in both versions, with their changes. If each version has only one
    record, the two are compared regardless of their ids.
    """
    pairs = [(name, name) for name in new.record_ids if name in old.record_ids]
    # A trial's draft may be a text file, whose name is not the id of the registered record.
    if len(old.record_ids) == len(new.record_ids) == 1:
        pairs = list(zip(old.record_ids, new.record_ids, strict=True))
    for old_id, new_id in pairs:
        changes = diff_trials(old.read(old_id), new.read(new_id))
        before = old.records.get(old_id)
        after = new.records.get(new_id)
        if before and after:
            changes += diff_records(before, after)
        yield ComparedTrial(new_id, changes, before, after)
