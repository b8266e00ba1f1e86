"""Merge the gold annotations of two annotators: a record's draft starts with the first annotator's
gold, and the differences in the second annotator's gold are listed.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.evaluation.alignment import align
from extractor.apps.evaluation.fields import add_groups
from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.review.draft import (
    find_list,
    list_draft_items,
    read_field,
    start_draft,
)
from extractor.apps.review.forms import Form, list_forms
from extractor.apps.review.queue import Doubt
from extractor.face import CustomField, counted
from extractor.schemas import TrialExtraction
from extractor.schemas.base import JsonObject


class Difference(NamedTuple):
    """A difference between two annotators' gold in one ``field`` of an ``item`` or, if ``field``
    is empty, an item that only one annotator recorded. ``by`` is the name of the annotator with a
    different ``value``, or with the extra item.
    """

    item: str
    field: str
    by: str
    value: object = None


def pair_paths(
    first: TrialExtraction, second: TrialExtraction, fields: Sequence[CustomField]
) -> dict[str, str]:
    """Return a mapping from the paths of the first extraction's items to the paths of their
    counterparts in the second extraction.
    """
    paths = {}
    for group in add_groups(fields):
        for entry, counterpart in align(group, group.items(first), group.items(second)):
            if not entry.item:
                continue
            if not counterpart.item:
                continue
            paths[entry.path] = counterpart.path
    return paths


class Adjudication:
    """The gold annotations of two annotators.

    Args:
        first: The folder of the gold that a draft starts with.
        second: The folder of the gold to compare the first gold with.
        fields: The run's custom fields.
    """

    def __init__(
        self, first: Path, second: Path, fields: Sequence[CustomField]
    ) -> None:
        self._first = open_extractions(first, name="first")
        self._second = open_extractions(second, name="second")
        self._fields = tuple(fields)
        self._forms = list_forms(fields)
        # for `gold/anna` and `gold/ben`, the names of the folders are the annotators' names;
        # `a/gold` and `b/gold` have the same name
        self.names = first.name, second.name
        if first.name == second.name:
            self.names = str(first), str(second)

    def list_doubts(self, record_ids: Iterable[str]) -> dict[str, Doubt]:
        """Return the records that at least one annotator has annotated, each with its number of
        differences.
        """
        return {
            record_id: self._count_differences(record_id)
            for record_id in record_ids
            if self._first.get(record_id) or self._second.get(record_id)
        }

    def _count_differences(self, record_id: str) -> Doubt:
        """Return the number of differences in a record, with a phrase for it. A record that only
        one annotator has annotated counts as 0, with the name of that annotator's folder.
        """
        # if one annotator's gold is missing, the record is only in the other annotator's folder
        for golds, name in zip((self._second, self._first), self.names, strict=True):
            if golds.get(record_id) is None:
                return Doubt(0, (f"only in {name}",))
        _, differences = self.start_record(record_id)
        return Doubt(len(differences), (counted(len(differences), "difference"),))

    def start_record(self, record_id: str) -> tuple[JsonObject, list[Difference]]:
        """Return the JSON that a record's draft starts with, and its differences, group by group:
        those of the first annotator's items, then the items that only the second annotator has.
        The latter are added to the draft.

        If only one annotator has annotated the record, the draft starts with that annotator's
        gold, without differences.
        """
        first = self._first.get(record_id)
        second = self._second.get(record_id)
        if first is None or second is None:
            (only,) = filter(None, (first, second))
            return start_draft(only), []
        pairs = pair_paths(first, second, self._fields)
        draft = start_draft(first)
        # as a draft, too, so that fields of both are compared in the same form
        second_gold = start_draft(second)
        differences: list[Difference] = []
        # maps paths in the second gold to paths in the draft
        draft_paths = {second_path: path for path, second_path in pairs.items()}
        for group, form in self._forms.items():
            # of the second annotator; items with a counterpart are removed below
            unpaired = dict(list_draft_items(second_gold, group))
            for path, item in list_draft_items(draft, group):
                if path in pairs:
                    counterpart = unpaired.pop(pairs[path])
                    differences += self._compare(path, item, counterpart, form)
                else:
                    # no field: only this annotator has the item
                    extra = Difference(path, field="", by=self.names[0])
                    differences.append(extra)
            for path, item in unpaired.items():
                items = find_list(draft, group)
                draft_paths[path] = f"{group}[{len(items)}]"
                # an item of a custom field belongs to a host, such as a criterion
                if "of" in item:
                    item["of"] = draft_paths.get(item["of"])
                items.append(item)
                extra = Difference(draft_paths[path], field="", by=self.names[1])
                differences.append(extra)
        return draft, differences

    def _compare(
        self, path: str, item: JsonObject, counterpart: JsonObject, form: Form
    ) -> list[Difference]:
        """Return the fields in which the first annotator's item at ``path`` differs from the second
        annotator's counterpart, each with the second annotator's value.
        """
        differences = []
        for name in form.fields:
            value = read_field(counterpart, name)
            if _normalise(read_field(item, name)) != _normalise(value):
                differences.append(Difference(path, name, self.names[1], value))
        return differences


def _normalise(value: object) -> object:
    """Return a form of the value in which lists are sorted and empty parts are removed, so that
    equal values compare equal.
    """
    if isinstance(value, list):
        return sorted(map(_normalise, value), key=repr) or None
    if isinstance(value, dict):
        parts = {name: _normalise(part) for name, part in sorted(value.items())}
        return {name: part for name, part in parts.items() if part is not None}
    return value
