"""What is lost against gold though every question was answered from it: value by value, each with its cause."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.reliability.records import pair_positions, quote_span
from extractor.ask.wire import WIRE_ITEMS
from extractor.evaluation.counts import RecordScore, compare_values
from extractor.evaluation.fields import CRITERIA, DOSING, ELIGIBILITY, ENDPOINTS, Field, Group
from extractor.evaluation.items import KINDS
from extractor.parse.parsed import Reading
from extractor.schemas import TrialExtraction

from .answering import Asked, Cause, list_items

__all__ = ["Loss", "list_losses"]


@dataclass(frozen=True, slots=True)
class Loss:
    """One value that is lost, wrong or superfluous; an absent side is None. ``item`` is the text of what it is said."""

    record_id: str
    field: str
    cause: Cause
    gold: Any
    found: Any
    item: str

    @property
    def errors(self) -> int:
        """How many values an evaluation counts as wrong: a value of gold, a predicted one, or both."""
        return (self.gold is not None) + (self.found is not None)


def list_losses(asked: Asked, gold: TrialExtraction, final: TrialExtraction) -> Iterator[Loss]:
    """Every value of a record in which ``final`` and gold differ, paired and compared as an evaluation does it."""
    explain = _Explainer(asked, gold, final)
    yield from _compare(explain, ELIGIBILITY, None, None)
    for group in (CRITERIA, DOSING, ENDPOINTS):
        ours, theirs = list_items(gold, group.path), list_items(final, group.path)
        pairs = pair_positions(group.path, ours, theirs)
        for row, column in pairs.items():
            yield from _compare(explain, group, row, column)
        for row in range(len(ours)):
            if row not in pairs:
                yield from _list_values(group, gold.record_id, ours[row], explain.missing(group, row), missed=True)
        for column in set(range(len(theirs))) - set(pairs.values()):
            cause = explain.superfluous(group, column)
            yield from _list_values(group, gold.record_id, theirs[column], cause, missed=False)


def _compare(explain: "_Explainer", group: Group, row: int | None, column: int | None) -> Iterator[Loss]:
    ours, theirs = explain.sides(group, row, column)
    label = KINDS[group.path].label(ours) if group.path in KINDS else ""
    for one in group.fields:
        if one.attribute is None:
            continue
        values = getattr(ours, one.attribute), getattr(theirs, one.attribute)
        for _, wanted, found in compare_values(RecordScore(""), one, *values):
            if not _agree(one, wanted, found):  # else it is a remark, which costs nothing
                cause = explain.value(group, one, (row, column), (wanted, found))
                yield Loss(explain.record_id, one.name, cause, wanted, found, label)


def _agree(one: Field, wanted: Any, found: Any) -> bool:
    return wanted is not None and found is not None and one.shape.key(wanted) == one.shape.key(found)


def _list_values(group: Group, record_id: str, item: Any, cause: Cause, *, missed: bool) -> Iterator[Loss]:
    """The item, which has the cause, and its values, which are lost with it."""
    label = KINDS[group.path].label(item)
    for one in group.fields:
        values = (label,) if one.attribute is None else one.shape.spread(getattr(item, one.attribute))
        of_field = cause if one.attribute is None else Cause.ITEM
        for value in values:
            gold, found = (value, None) if missed else (None, value)
            yield Loss(record_id, one.name, of_field, gold, found, label)


class _Explainer:
    """Says why a record's values are lost."""

    def __init__(self, asked: Asked, gold: TrialExtraction, final: TrialExtraction) -> None:
        self._asked, self._gold, self._final = asked, gold, final
        self.record_id = gold.record_id
        self._criteria = {criterion.chunk.span: criterion for criterion in asked.parsed.eligibility.criteria}

    def sides(self, group: Group, row: int | None, column: int | None) -> tuple[Any, Any]:
        """The item of gold and the one that stands for it."""
        if row is None or column is None:
            return self._gold.eligibility, self._final.eligibility
        return list_items(self._gold, group.path)[row], list_items(self._final, group.path)[column]

    def value(self, group: Group, one: Field, place: tuple[int | None, int | None], values: tuple[Any, Any]) -> Cause:
        """Why a value of paired items differs. ``values`` are that of gold and the one found; either may be None."""
        (row, column), (wanted, found), name = place, values, one.attribute or ""
        given = None if row is None else self._asked.given.get((group.path, row))
        asked_as = "quote" if name == "section" else name
        if given is None or asked_as not in given.fields or (group is CRITERIA and name == "section"):
            reading = self._read_by_rules(group, name, column)
            if name in WIRE_ITEMS[one.task].model_fields and reading is not None and not reading.certain:
                return Cause.UNASKED
            return Cause.SILENT if found is None else Cause.SURE
        kept = given.grounded.readings.get(asked_as) if given.grounded else None
        value = kept.spans[0].section if kept and kept.spans and name == "section" else kept.value if kept else None
        keys = {one.shape.key(member) for member in (() if value is None else one.shape.spread(value))}
        if wanted is not None:
            if one.shape.key(wanted) in keys:
                return Cause.MERGED
            return given.misfits.get(name, Cause.CHECKS)
        return Cause.CHECKS if one.shape.key(found) in keys else Cause.MERGED

    def missing(self, group: Group, row: int) -> Cause:
        """Why an item of gold has no counterpart."""
        given, item = self._asked.given.get((group.path, row)), list_items(self._gold, group.path)[row]
        if group is CRITERIA:
            return self._missing_criterion(row)
        if given is None:
            candidates = self._asked.parsed.dosing.candidates if group is DOSING else ()
            doubted = not self._asked.inquiry.stretches and any(
                chunk.span.section == item.section and item.quote in chunk.text for chunk in candidates
            )
            return Cause.UNASKED if doubted else Cause.SILENT
        if group is DOSING and not _value(given.grounded.readings.get("agent") if given.grounded else None):
            return given.misfits.get("agent", Cause.CHECKS)
        return Cause.MERGED

    def _missing_criterion(self, row: int) -> Cause:
        place = self._asked.criteria.get(row)
        if place is None:  # within another chunk, or in none
            is_part = KINDS["eligibility.criteria"].is_part
            item = self._gold.eligibility.criteria[row]
            cut = any(is_part(item, other) or is_part(other, item) for other in self._final.eligibility.criteria)
            return Cause.SURE if cut else Cause.SILENT
        criterion = self._asked.parsed.eligibility.criteria[place]
        given = self._asked.given.get(("eligibility.criteria", row))
        if given and "stands" in given.fields:
            return Cause.MERGED if given.grounded else Cause.CHECKS
        return Cause.MERGED if criterion.stands.value else Cause.SURE if criterion.stands.certain else Cause.UNASKED

    def superfluous(self, group: Group, column: int) -> Cause:
        """Why an item stands that gold does not have."""
        reading = self._read_by_rules(group, "stands" if group is CRITERIA else "agent", column)
        item = list_items(self._final, group.path)[column]
        if group is CRITERIA:
            number = self._criteria[quote_span(item)].chunk.number
            asked = "stands" in self._asked.inquiry.asked.get(number, ())
        else:
            asked = group is DOSING and bool(self._asked.inquiry.stretches)
        if asked:
            return Cause.MERGED
        return Cause.UNASKED if reading is not None and not reading.certain else Cause.SURE

    def _read_by_rules(self, group: Group, name: str, column: int | None) -> Reading[Any] | None:
        """The reading of the rules of what stands at a place; None if they have none of it."""
        parsed = self._asked.parsed
        item: Any = None
        if column is None:
            item = parsed.eligibility
        elif group is ENDPOINTS:
            item = parsed.outcomes[column]
        elif group is CRITERIA:
            item = self._criteria[quote_span(self._final.eligibility.criteria[column])]
        else:
            regimen = self._final.dosing[column]
            item = next((r for r in parsed.dosing.regimens if _is_from(r, regimen)), None)
        reading = getattr(item, name, None)
        return reading if isinstance(reading, Reading) else None


def _is_from(read: Any, regimen: Any) -> bool:
    return bool(read.quote == quote_span(regimen) and read.agent.value == regimen.agent)


def _value(reading: Reading[Any] | None) -> Any:
    return reading.value if reading else None
