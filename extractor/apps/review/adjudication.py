"""Two golds of a record as one draft: the first one, with the differences of the second."""

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
    """A difference of a draft: in an item's field, or, if ``field`` is empty, an item that only the
    annotator ``by`` has. ``value`` is the value of the second annotator.
    """

    item: str
    field: str
    by: str
    value: object = None


def pair_paths(
    one: TrialExtraction, other: TrialExtraction, fields: Sequence[CustomField]
) -> dict[str, str]:
    """Return the paths of items of one extraction, each with that of its counterpart in another."""
    paths = {}
    for group in add_groups(fields):
        for ours, theirs in align(group, group.items(one), group.items(other)):
            if ours.item and theirs.item:
                paths[ours.path] = theirs.path
    return paths


class Adjudication:
    """The golds of two annotators.

    Args:
        one: The gold with which a draft begins.
        other: The gold that is compared with it.
        fields: The user's own fields of the run.
    """

    def __init__(self, one: Path, other: Path, fields: Sequence[CustomField]) -> None:
        self._one = open_extractions(one, "one")
        self._other = open_extractions(other, "other")
        self._fields = tuple(fields)
        self._forms = list_forms(fields)
        # The folders of `gold/anna` and `gold/ben` have the annotators' names.
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
        """Return the JSON with which the draft of a record begins, and its differences: those of
        fields, then items that one annotator has alone. Those of the second are in the draft, too.

        A record that one annotator alone has begins with that gold, without differences.
        """
        ours = self._one.get(record_id)
        theirs = self._other.get(record_id)
        if ours is None or theirs is None:
            (known,) = filter(None, (ours, theirs))
            return start_draft(known), []
        pairs = pair_paths(ours, theirs, self._fields)
        start = start_draft(ours)
        other = start_draft(theirs)
        differences: list[Difference] = []
        # From the paths of the second gold to those of the draft.
        places = {theirs: ours for ours, theirs in pairs.items()}
        for group, form in self._forms.items():
            counterparts = dict(list_items(other, group))
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
    """Return a value for comparison: the order of a list does not count, nor whether an empty part
    is written.
    """
    if isinstance(value, list):
        return sorted(map(_normalise, value), key=repr) or None
    if isinstance(value, dict):
        parts = {name: _normalise(part) for name, part in sorted(value.items())}
        return {name: part for name, part in parts.items() if part is not None}
    return value
