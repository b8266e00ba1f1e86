"""The golds of two annotators as one record to review: what both say is decided, where they differ
is open.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from extractor.apps.evaluation.agreement import (
    ITEM,
    Agreement,
    compare_annotators,
    name_sides,
)
from extractor.apps.evaluation.errors import name_field
from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.evaluation.report import ErrorExample
from extractor.apps.pages.view import Json
from extractor.apps.pages.words import say
from extractor.apps.review.draft import (
    WHOLE,
    ReviewItem,
    list_items,
    pair_items,
)
from extractor.apps.review.forms import Fields
from extractor.apps.review.gold import insert_by_text
from extractor.apps.review.queue import Doubt
from extractor.plurals import counted
from extractor.schemas import TrialExtraction, TrialRecord

_OF_GROUPS = frozenset({"groups", "group"})
"""Fields whose values name groups of criteria by ids, which two annotators give differently."""


class Adjudication:
    """Two annotators' golds, of which a third person makes one.

    Args:
        one: The gold of one annotator, whose values stand until another is chosen.
        other: The gold of the other one.
        fields: The user's own fields of the run, by name.
    """

    def __init__(self, one: Path, other: Path, fields: Fields) -> None:
        self._one = open_extractions(one, "one")
        self._other = open_extractions(other, "other")
        self._fields = fields
        self.names = name_sides(self._one.name, self._other.name)

    def list_doubts(self, record_ids: Iterable[str]) -> dict[str, Doubt]:
        """Return the records that an annotator has, those with the most differences first, each
        with the number of its differences in the place of expected errors.
        """
        doubts = {}
        for record_id in record_ids:
            ours = self._one.get(record_id)
            theirs = self._other.get(record_id)
            known = ours or theirs
            if known is None:
                continue
            count = len(list(known.list_items()))
            if ours is None or theirs is None:
                name = self.names[0] if ours else self.names[1]
                doubts[record_id] = Doubt(count, 0, (f"only in {name}",))
                continue
            compared = self._compare(ours, theirs)
            number = len(compared.errors)
            said = [counted(number, "difference") if number else "no difference"]
            alike = len(compared.alike)
            if alike:
                said.append(f"{counted(alike, 'value')} in other words")
            doubts[record_id] = Doubt(count, number, tuple(said))
        return dict(sorted(doubts.items(), key=lambda pair: -pair[1].expected))

    def make_items(self, record: TrialRecord) -> tuple[ReviewItem, ...]:
        """Return the items of a record: those of the first annotator, accepted if the second says
        the same, perhaps in other words, else open with what that one says; then those that the
        second alone has, open.

        The items of a record that one annotator alone has are open; there are none if neither
        has it.
        """
        ours = self._one.get(record.record_id)
        theirs = self._other.get(record.record_id)
        if ours is None or theirs is None:
            known = ours or theirs
            return list_items(known, "open", self._fields) if known else ()
        items = {item.path: item for item in list_items(ours, "accepted", self._fields)}
        others = {
            item.path: item for item in list_items(theirs, "accepted", self._fields)
        }
        first, second = self.names
        added = []
        compared = self._compare(ours, theirs)
        for variant in compared.alike:
            self._note_variant(variant, items, others)
        for error in compared.errors:
            if error.gold is None:
                assert error.predicted is not None
                path = _find_item(error.predicted.path)
                told = {"by": second, "said": f"only in {second}", "may_take": False}
                added.append(_open(others[path], {WHOLE: told}))
                continue
            path = _find_item(error.gold.path)
            if error.predicted is None:
                told = {"by": second, "said": f"only in {first}", "may_take": False}
                items[path] = _open(items[path], {WHOLE: told})
                continue
            theirs_path = _find_item(error.predicted.path)
            name = _find_field(error, path)
            other = others[theirs_path].value
            note = self._describe(name, other, others["eligibility"].value)
            items[path] = _open(items[path], {name: note})
        pairs = pair_items(list(items.values()), list(others.values()))
        return _join(items, added, pairs, record)

    def _note_variant(
        self,
        variant: ErrorExample,
        items: dict[str, ReviewItem],
        others: Mapping[str, ReviewItem],
    ) -> None:
        """Note beside a field that the second annotator says the same in other words. The item
        stays accepted.
        """
        assert variant.gold is not None
        assert variant.predicted is not None
        path = _find_item(variant.gold.path)
        name = _find_field(variant, path)
        other = others[_find_item(variant.predicted.path)].value
        note = self._describe(name, other, others["eligibility"].value)
        notes = {**items[path].others, name: note | {"is_same": True}}
        items[path] = items[path].model_copy(update={"others": notes})

    def _compare(self, ours: TrialExtraction, theirs: TrialExtraction) -> Agreement:
        return compare_annotators(
            [ours], [theirs], resamples=0, fields=tuple(self._fields.values())
        )

    def _describe(
        self, name: str, value: Mapping[str, Any], people: Mapping[str, Any]
    ) -> Json:
        """Return what the second annotator says in a field: in words, and as the form has it."""
        said = value.get(name)
        shown = say(said)
        if name == "group" and said:
            for group in people.get("groups") or []:
                if group.get("id") == said:
                    shown = say(group)
        return {
            "by": self.names[1],
            "said": shown,
            "value": said,
            "may_take": name in value and name not in _OF_GROUPS,
        }


def _find_item(path: str) -> str:
    """Return the path of the item at or around a path."""
    item = ITEM.match(path)
    return item[0] if item else "eligibility"


def _find_field(error: ErrorExample, item: str) -> str:
    """Return the field of the form in which two golds differ."""
    assert error.gold is not None
    within = error.gold.path[len(item) :].lstrip(".")
    if not within:
        return WHOLE
    name = name_field(within)
    return "time_windows" if name == "time_window" else name


def _open(item: ReviewItem, notes: Json) -> ReviewItem:
    """Return an item that is to be decided, with further notes of the other annotator."""
    others = {**item.others, **notes}
    return item.model_copy(update={"state": "open", "others": others})


def _join(
    items: Mapping[str, ReviewItem],
    added: Sequence[ReviewItem],
    pairs: Mapping[str | None, str | None],
    record: TrialRecord,
) -> tuple[ReviewItem, ...]:
    """Return the items of one annotator with those ``added`` that the other alone has, each where
    it stands in the text. ``pairs`` has the first one's path of each item that both have.
    """
    numbers = Counter(item.group for item in items.values())
    moved: dict[str | None, str | None] = dict(pairs)
    renamed = []
    for item in added:
        path = f"{item.group}[{numbers[item.group]}]"
        numbers[item.group] += 1
        moved[item.path] = path
        renamed.append(item.model_copy(update={"path": path}))
    joined = list(items.values())
    for item in renamed:
        # Groups of criteria have other ids in the other gold.
        value = item.value
        if value.get("group"):
            value = value | {"group": None}
        of = moved.get(item.of)
        if item.of is not None and of is None:
            continue
        placed = item.model_copy(update={"value": value, "of": of})
        alike = [one for one in joined if one.group == item.group]
        before = insert_by_text(alike, placed, record)
        at = _find_start(joined, item)
        if before:
            at = joined.index(alike[before - 1]) + 1
        joined.insert(at, placed)
    return tuple(joined)


def _find_start(items: Sequence[ReviewItem], item: ReviewItem) -> int:
    """Return where the first item of a group is, or would be."""
    for at, other in enumerate(items):
        if other.group == item.group:
            return at
    return len(items)
