"""Build the gold of a record from marks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.apps.evaluation.fields import add_groups, list_scored_groups
from extractor.apps.evaluation.gold_check import check_annotation
from extractor.apps.gold.collector import Collector, MarkedItem
from extractor.apps.gold.completeness import warn_of_few
from extractor.apps.gold.homes import Homes, derive_window
from extractor.apps.gold.joining import join_marks
from extractor.apps.gold.marks import (
    CRITERIA,
    DOSING,
    ENDPOINTS,
    PEOPLE,
    SCORED,
    WHOLE,
    Labels,
    Lost,
    Mark,
    Problem,
)
from extractor.schemas import FieldRef, TrialExtraction, TrialRecord

_DERIVED_FROM = {
    "eligibility.criteria.time_window": "eligibility.criteria.time_windows",
}
"""Fields of gold that follow from another one, and are as whole as that."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The gold of a record, None if it says nothing, and what could not be taken over. ``few``
    warns of lists that seem to be only a part of the record's.
    """

    gold: dict[str, Any] | None
    problems: tuple[Problem, ...]
    few: tuple[Problem, ...] = ()


def build_gold(
    record: TrialRecord,
    marks: Sequence[Mark],
    labels: Labels | None = None,
    lost: Iterable[Lost] = (),
) -> Imported:
    """Return the gold that marks say of a record, with every mark that cannot be read.

    Gold is of the fields that marks name, and names them itself (``scored``) where an item needs
    keys of others. A field with a value that cannot be read, or that was ``lost`` before, is not
    scored.

    >>> from extractor import read_records
    >>> record = next(read_records("seeds/records"))
    >>> mark = Mark(record.record_id, "row 2", "minimum_age", says=("18 year",))
    >>> build_gold(record, [mark]).gold["eligibility"]
    {'minimum_age': {'value': 18, 'unit': 'year'}}
    """
    labels = labels or Labels()
    collector = Collector(Homes(record), labels)
    spelt = [replace(mark, label=labels.spell(mark.label)) for mark in marks]
    joined = join_marks(spelt, labels)
    collector.problems += joined.unused
    for loss in lost:
        collector.lose(loss)
    for mark, problem in joined.unclear:
        collector.refuse(mark, problem)
    for mark in sorted(joined.marks, key=collector.rank):
        try:
            collector.add(mark)
        except ValueError as error:
            collector.refuse(mark, str(error))
    collector.break_unsaid()
    return _Shaper(collector).shape()


@dataclass(slots=True)
class _Shaper:
    """Shapes what was collected to the JSON of gold."""

    collected: Collector

    def shape(self) -> Imported:
        """Return the gold, checked against the record, with all problems; no gold if none of its
        fields is scored. An item without what the schema demands is left out, so that the rest can
        be written.
        """
        kept = [item for item in self.collected.items if self._is_complete(item)]
        for item in kept:
            if item.group == CRITERIA and "time_window" not in item.given:
                item.values |= derive_window(item.values)
        paths = dict(_number(kept))
        gold = self._join(kept)
        self._add_own(gold, kept, paths)
        self._name_given(gold)
        self._name_scored(gold)
        if gold.get(SCORED) != []:
            broken = set(self.collected.broken)
            self._check(gold, kept, paths)
            # A field that the check refused is not scored either.
            if self.collected.broken != broken:
                gold.pop(SCORED, None)
                self._name_scored(gold)
        problems = tuple(self.collected.problems)
        if gold.get(SCORED) == []:
            return Imported(None, problems)
        few = warn_of_few(gold, self.collected.homes.by_rules)
        return Imported(gold, problems, tuple(few))

    def _join(self, kept: Sequence[MarkedItem]) -> dict[str, Any]:
        """Return the JSON of who may take part and of all items. A list that nothing was said of is
        left out, so that gold says nothing of it.
        """
        people = dict(self.collected.people.values)
        gold: dict[str, Any] = {
            "record_id": self.collected.homes.record.record_id,
            PEOPLE: people,
        }
        for group in (CRITERIA, DOSING, ENDPOINTS):
            listed = [item.values for item in kept if item.group == group]
            # An empty list says that the record has no such item.
            is_read = group in self.collected.named or self.collected.is_whole
            if not listed and not is_read:
                continue
            if group == CRITERIA:
                people["criteria"] = listed
            else:
                gold[group] = listed
        return gold

    def _name_given(self, gold: dict[str, Any]) -> None:
        """Add what the marks themselves say that gold was read for: all fields, which then are in
        ``gold``, if only empty, or the named ones, as ``scored``.
        """
        scored = self.collected.said_scored
        if self.collected.is_whole:
            _complete(gold, self.collected.labels, later=scored == WHOLE)
        elif scored:
            gold[SCORED] = [name.strip() for name in scored.split(",")]

    def _is_complete(self, item: MarkedItem) -> bool:
        """Return whether an item has what the schema demands, of a regimen the agent. If not, add
        the problem, and note that the regimens are not whole.
        """
        if item.group != DOSING or item.values.get("agent"):
            return True
        remedy = item.tool.how_to_add_agent
        problem = Problem(item.places[0], "the regimen has no agent", remedy)
        self.collected.problems.append(problem)
        self.collected.broken.add(DOSING)
        return False

    def _add_own(
        self, gold: dict[str, Any], kept: Sequence[MarkedItem], paths: Mapping[int, str]
    ) -> None:
        """Add the items of the user's own fields, each with the path of the item it belongs to.
        A field that was named, or all if gold is whole, has a list, if only an empty one.
        """
        custom: dict[str, list[Any]] = {}
        for path in self.collected.named:
            if path.startswith("custom."):
                custom.setdefault(path.split(".")[1], [])
        if self.collected.is_whole:
            for field in self.collected.labels.fields:
                custom.setdefault(field, [])
        for item in kept:
            if not item.group.startswith("custom."):
                continue
            values = {
                name: value
                for name, value in item.values.items()
                if value not in (None, [])
            }
            if not values:
                continue
            of = None
            host_id = self.collected.hosts.get(id(item), "")
            host = self.collected.by_id.get(host_id)
            if host:
                of = paths.get(id(host))
            field = item.group.removeprefix("custom.")
            custom[field].append({"of": of, "values": values})
        if custom:
            gold["custom"] = custom

    def _check(
        self, gold: dict[str, Any], kept: Sequence[MarkedItem], paths: Mapping[int, str]
    ) -> None:
        """Check gold, and add what is wrong with it to the problems, with the places of the
        item's marks, or the record's id. A field with an error, not a warning, is noted as broken,
        so that it is not scored.
        """
        record = self.collected.homes.record
        fields = [*self.collected.labels.fields.values()]
        places = {paths[id(item)]: item.places for item in kept}
        for flaw in check_annotation(gold, record, fields):
            marks = [record.record_id]
            for path, of_item in places.items():
                if FieldRef(path).covers(flaw.path):
                    marks = of_item
                    break
            where = ", ".join(dict.fromkeys(marks))
            problem = f"{flaw.path}: {flaw.problem}"
            self.collected.problems.append(
                Problem(where, problem, flaw.remedy, flaw.warns)
            )
            if not flaw.warns:
                self.collected.broken.add(FieldRef(flaw.path).path)

    def _name_scored(self, gold: dict[str, Any]) -> None:
        """Name the fields that gold was read for (``scored``), where its keys would say more than
        the marks do: if a value could not be read, or has no mark of its item. Else nothing is
        named, and names that the marks said stay.
        """
        is_less = bool(self.collected.broken or self.collected.unsaid)
        is_named = SCORED in gold
        if not is_less and (is_named or not self._has_partial_items()):
            return
        without_scored = {name: value for name, value in gold.items() if name != SCORED}
        keys = TrialExtraction.model_validate(without_scored)
        # Whole gold was read for all fields, also those that it has no line of.
        if self.collected.is_whole:
            self.collected.named |= {PEOPLE, DOSING, ENDPOINTS, "custom"}
        groups = add_groups(self.collected.labels.fields.values())
        scored: list[str] = []
        for group in list_scored_groups(groups, keys):
            names = [field.name for field in group.fields]
            scored += filter(self._is_read, names)
        gold[SCORED] = scored

    def _has_partial_items(self) -> bool:
        """Return whether a value has no mark of its item: it says nothing of the item's other
        fields.
        """
        for item in self.collected.items:
            if item.is_marked:
                continue
            if item.group in (CRITERIA, DOSING, ENDPOINTS):
                return True
        return False

    def _is_read(self, name: str) -> bool:
        """Return whether marks say all of a scored field, and what they say could be read: also
        what it is derived from.
        """
        if self._is_broken(name) or self._is_broken(_DERIVED_FROM.get(name, "")):
            return False
        if name in self.collected.unsaid:
            return False
        dotted = f"{name}."
        return any(dotted.startswith(f"{named}.") for named in self.collected.named)

    def _is_broken(self, name: str) -> bool:
        """Return whether a value of a field, or of a part or the whole of it, could not be read."""
        if not name:
            return False
        dotted = f"{name}."
        for broken in self.collected.broken:
            if dotted.startswith(f"{broken}.") or broken.startswith(dotted):
                return True
        return False


def _number(items: Iterable[MarkedItem]) -> Iterator[tuple[int, str]]:
    """Yield the path of each item in gold, with the identity (``id``) of the item."""
    counts: dict[str, int] = {}
    for item in items:
        number = counts.setdefault(item.group, 0)
        counts[item.group] += 1
        yield id(item), f"{item.group}[{number}]"


def _complete(gold: dict[str, Any], labels: Labels, *, later: bool) -> None:
    """Add the empty fields of gold that was read for all, in the order of the schema; those of
    guideline 1.5 only with ``later``.
    """

    def fill(group: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values of an item with all fields that gold was read for."""
        filled: dict[str, Any] = {}
        for name, info in labels.list_infos(group).items():
            if name in values:
                filled[name] = values[name]
            elif later or info.metadata.in_total:
                filled[name] = [] if info.many else None
        # What is no field of the schema, such as the criteria of a record, stands last.
        return filled | values

    people = fill(PEOPLE, gold["eligibility"])
    criteria = [fill(CRITERIA, values) for values in people.pop("criteria", [])]
    gold["eligibility"] = people | {"criteria": criteria}
    for task in (DOSING, ENDPOINTS):
        gold[task] = [fill(task, values) for values in gold.get(task, [])]
