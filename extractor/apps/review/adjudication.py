"""Merge two annotators' golds of a record into one draft: the first one, plus the differences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.evaluation.alignment import align
from extractor.apps.evaluation.fields import add_groups
from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.review.draft import (
    find_list,
    list_items,
    read_field,
    start_draft,
)
from extractor.apps.review.forms import Form, Json, list_forms
from extractor.apps.review.queue import Doubt
from extractor.concepts.own.declaration import CustomField
from extractor.plurals import counted
from extractor.schemas import TrialExtraction


class Difference(NamedTuple):
    """A difference in an item's field or, if ``field`` is empty, an item that only the annotator
    ``by`` has. ``value`` is the second annotator's value.
    """

    item: str
    field: str
    by: str
    value: object = None


def pair_paths(
    one: TrialExtraction, other: TrialExtraction, fields: Sequence[CustomField]
) -> dict[str, str]:
    """Return a mapping from the paths of one extraction's items to their counterparts' paths."""
    paths = {}
    for group in add_groups(fields):
        for ours, theirs in align(group, group.items(one), group.items(other)):
            if ours.item and theirs.item:
                paths[ours.path] = theirs.path
    return paths


class Adjudication:
    """The golds of two annotators.

    Args:
        one: The gold that a draft starts with.
        other: The gold to compare it with.
        fields: The run's custom fields.
    """

    def __init__(self, one: Path, other: Path, fields: Sequence[CustomField]) -> None:
        self._one = open_extractions(one, "one")
        self._other = open_extractions(other, "other")
        self._fields = tuple(fields)
        self._forms = list_forms(fields)
        # For `gold/anna` and `gold/ben`, the folders' names are the annotators' names.
        self.names = one.name, other.name
        if one.name == other.name:
            self.names = str(one), str(other)

    def list_doubts(self, record_ids: Iterable[str]) -> dict[str, Doubt]:
        """Return the records that are in a gold set, each with its number of differences, sorted
        by most differences first.
        """
        doubts = {}
        for record_id in record_ids:
            if self._one.get(record_id) or self._other.get(record_id):
                doubts[record_id] = self._weigh(record_id)
        by_number = sorted(doubts.items(), key=lambda pair: -pair[1].expected)
        return dict(by_number)

    def _weigh(self, record_id: str) -> Doubt:
        for golds, name in zip((self._other, self._one), self.names, strict=True):
            if golds.get(record_id) is None:
                return Doubt(0, (f"only in {name}",))
        _, differences = self.begin(record_id)
        return Doubt(len(differences), (counted(len(differences), "difference"),))

    def begin(self, record_id: str) -> tuple[Json, list[Difference]]:
        """Return the JSON that a record's draft starts with, and its differences: first those in
        fields, then items that only one annotator has. The second annotator's items are added to
        the draft.

        A record that only one annotator has starts with that gold, without differences.
        """
        ours = self._one.get(record_id)
        theirs = self._other.get(record_id)
        if ours is None or theirs is None:
            (known,) = filter(None, (ours, theirs))
            return start_draft(known), []
        pairs = pair_paths(ours, theirs, self._fields)
        start = start_draft(ours)
        second = start_draft(theirs)
        differences: list[Difference] = []
        # Maps the second gold's paths to the draft's.
        places = {theirs: ours for ours, theirs in pairs.items()}
        for group, form in self._forms.items():
            counterparts = dict(list_items(second, group))
            for path, item in list(list_items(start, group)):
                if path in pairs:
                    counterpart = counterparts.pop(pairs[path])
                    differences += self._compare(path, item, counterpart, form)
                else:
                    differences.append(Difference(path, "", self.names[0]))
            for path, item in counterparts.items():
                items = find_list(start, group)
                places[path] = f"{group}[{len(items)}]"
                if "of" in item:
                    item["of"] = places.get(item["of"])
                items.append(item)
                differences.append(Difference(places[path], "", self.names[1]))
        return start, differences

    def _compare(
        self, path: str, ours: Json, theirs: Json, form: Form
    ) -> list[Difference]:
        differences = []
        for name in form.fields:
            value = read_field(theirs, name)
            if _normalise(read_field(ours, name)) != _normalise(value):
                differences.append(Difference(path, name, self.names[1], value))
        return differences


def _normalise(value: object) -> object:
    """Return a value for comparison, ignoring the order of lists and empty parts."""
    if isinstance(value, list):
        return sorted(map(_normalise, value), key=repr) or None
    if isinstance(value, dict):
        parts = {name: _normalise(part) for name, part in sorted(value.items())}
        return {name: part for name, part in parts.items() if part is not None}
    return value
