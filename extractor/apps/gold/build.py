"""Build the gold of a record from marks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.apps.evaluation.fields import add_groups, list_judged
from extractor.apps.evaluation.gold_check import check_annotation
from extractor.apps.gold.collector import Collector, MarkedItem
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


@dataclass(frozen=True, slots=True)
class Imported:
    """The gold of a record, None if it says nothing, and what could not be taken over."""

    gold: dict[str, Any] | None
    problems: tuple[Problem, ...]


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
    for one in lost:
        collector.lose(one)
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
        """Return the gold, checked against the record."""
        kept = [one for one in self.collected.items if self._is_complete(one)]
        for one in kept:
            if one.group == CRITERIA and "time_window" not in one.given:
                one.values |= derive_window(one.values)
        paths = dict(_number(kept))
        gold = self._join(kept)
        self._add_own(gold, kept, paths)
        self._name_given(gold)
        self._name_scored(gold)
        if gold.get(SCORED) != []:
            broken = set(self.collected.broken)
            self._check(gold, kept, paths)
            if self.collected.broken != broken:
                gold.pop(SCORED, None)
                self._name_scored(gold)
        says_nothing = gold.get(SCORED) == []
        problems = tuple(self.collected.problems)
        return Imported(None if says_nothing else gold, problems)

    def _join(self, kept: Sequence[MarkedItem]) -> dict[str, Any]:
        people = dict(self.collected.people.values)
        gold: dict[str, Any] = {
            "record_id": self.collected.homes.record.record_id,
            PEOPLE: people,
        }
        for group in (CRITERIA, DOSING, ENDPOINTS):
            listed = [one.values for one in kept if one.group == group]
            is_said = group in self.collected.named or self.collected.is_whole
            if listed or is_said:
                holder = people if group == CRITERIA else gold
                holder[group.removeprefix("eligibility.")] = listed
        return gold

    def _name_given(self, gold: dict[str, Any]) -> None:
        """Add what the marks themselves say that gold was read for."""
        said = self.collected.said_scored
        if self.collected.is_whole:
            _complete(gold, self.collected.labels, later=said == WHOLE)
        elif said:
            gold[SCORED] = [one.strip() for one in said.split(",")]

    def _is_complete(self, item: MarkedItem) -> bool:
        """Return whether an item has what the schema demands; refuse it if not."""
        if item.group != DOSING or item.values.get("agent"):
            return True
        problem = "the regimen has no agent"
        self.collected.problems.append(
            Problem(item.places[0], problem, item.tool.how_to_add_agent)
        )
        self.collected.broken.add(DOSING)
        return False

    def _add_own(
        self, gold: dict[str, Any], kept: Sequence[MarkedItem], paths: Mapping[int, str]
    ) -> None:
        """Add the items of the user's own fields, each with the path of the item it belongs to.
        A field that was named, or all if gold is whole, has a list, if only an empty one.
        """
        custom: dict[str, list[Any]] = {}
        for name in self.collected.named:
            if name.startswith("custom."):
                custom.setdefault(name.split(".")[1], [])
        if self.collected.is_whole:
            for field in self.collected.labels.fields:
                custom.setdefault(field, [])
        for item in kept:
            if not item.group.startswith("custom."):
                continue
            said = {
                name: value
                for name, value in item.values.items()
                if value not in (None, [])
            }
            if not said:
                continue
            host = self.collected.by_id.get(self.collected.hosts.get(id(item), ""))
            of = paths.get(id(host)) if host else None
            field = item.group.removeprefix("custom.")
            custom[field].append({"of": of, "values": said})
        if custom:
            gold["custom"] = custom

    def _check(
        self, gold: dict[str, Any], kept: Sequence[MarkedItem], paths: Mapping[int, str]
    ) -> None:
        """Add what the check of gold finds, with the places of the marks."""
        places = {paths[id(one)]: one.places for one in kept}
        for flaw in check_annotation(
            gold, self.collected.homes.record, [*self.collected.labels.fields.values()]
        ):
            fitting = [path for path in places if FieldRef(path).covers(flaw.path)]
            marks = (
                places[fitting[0]]
                if fitting
                else [self.collected.homes.record.record_id]
            )
            where = ", ".join(dict.fromkeys(marks))
            problem = f"{flaw.path}: {flaw.problem}"
            self.collected.problems.append(
                Problem(where, problem, flaw.remedy, flaw.warns)
            )
            if not flaw.warns:
                self.collected.broken.add(FieldRef(flaw.path).path)

    def _name_scored(self, gold: dict[str, Any]) -> None:
        """Name the fields that gold was read for, if its keys would say more."""
        broken = bool(self.collected.broken)
        # a value without a mark of its item says nothing of the item's other fields
        is_partial = any(
            item.group in (CRITERIA, DOSING, ENDPOINTS)
            for item in self.collected.items
            if not item.is_marked
        )
        is_named = SCORED in gold
        if not broken and (is_named or not is_partial):
            return
        keys = TrialExtraction.model_validate(
            {name: one for name, one in gold.items() if name != SCORED}
        )
        if self.collected.is_whole:
            self.collected.named |= {PEOPLE, DOSING, ENDPOINTS, "custom"}
        groups = add_groups(self.collected.labels.fields.values())
        judged = [
            one.name for group in list_judged(groups, keys) for one in group.fields
        ]
        gold[SCORED] = [name for name in judged if self._is_read(name)]

    def _is_read(self, name: str) -> bool:
        """Return whether marks say all of a scored field, and what they say could be read."""
        dotted = f"{name}."
        for one in self.collected.broken:
            if dotted.startswith(f"{one}.") or one.startswith(dotted):
                return False
        return any(dotted.startswith(f"{one}.") for one in self.collected.named)


def _number(items: Iterable[MarkedItem]) -> Iterator[tuple[int, str]]:
    """Yield the path of each item in gold."""
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
        empty: dict[str, Any] = {
            name: [] if info.many else None
            for name, info in labels.list_infos(group).items()
            if later or info.metadata.in_total or name in values
        }
        return empty | values

    people = fill(PEOPLE, gold["eligibility"])
    criteria = [fill(CRITERIA, one) for one in people.pop("criteria", [])]
    gold["eligibility"] = people | {"criteria": criteria}
    for task in (DOSING, ENDPOINTS):
        gold[task] = [fill(task, one) for one in gold.get(task, [])]
