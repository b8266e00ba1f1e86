"""What is lost against gold though every question was answered from it: value by value, each with its cause."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.reliability.records import pair_positions, quote_span
from extractor.evaluation.alignment import KINDS
from extractor.evaluation.fields import CRITERIA, DOSING, ELIGIBILITY, ENDPOINTS, Field, Group
from extractor.evaluation.record_score import RecordScore, compare_values
from extractor.llm.reply_models import WIRE_ITEMS
from extractor.parse.parsed import Reading
from extractor.schemas import TrialExtraction

from .answering import Asked, Cause, list_items

__all__ = ["Loss", "list_losses"]


@dataclass(frozen=True, slots=True)
class Loss:
    """One value that is lost, wrong or superfluous; an absent side is None. ``item`` is the text that it is said of."""

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
    for group in (ELIGIBILITY, CRITERIA, DOSING, ENDPOINTS):
        ours, theirs = list_items(gold, group.path), list_items(final, group.path)
        pairs = {0: 0} if group is ELIGIBILITY else pair_positions(group.path, ours, theirs)
        explain = _Explainer(asked, group, theirs)
        for row, column in pairs.items():
            for one, wanted, found in _compare(group, ours[row], theirs[column]):
                cause = explain.value(one, row, theirs[column], (wanted, found))
                yield Loss(gold.record_id, one.name, cause, wanted, found, _label(group, ours[row]))
        for row in range(len(ours)):
            if row not in pairs:
                for name, cause, value in _list_values(group, ours[row], explain.missing(row, ours[row])):
                    yield Loss(gold.record_id, name, cause, value, None, _label(group, ours[row]))
        for column in set(range(len(theirs))) - set(pairs.values()):
            for name, cause, value in _list_values(group, theirs[column], explain.superfluous(theirs[column])):
                yield Loss(gold.record_id, name, cause, None, value, _label(group, theirs[column]))


def _compare(group: Group, ours: Any, theirs: Any) -> Iterator[tuple[Field, Any, Any]]:
    for one in group.fields:
        if one.attribute:
            values = getattr(ours, one.attribute), getattr(theirs, one.attribute)
            for _, wanted, found in compare_values(RecordScore(""), one, *values):
                key = one.comparer.key
                if wanted is None or found is None or key(wanted) != key(found):  # a remark costs nothing
                    yield one, wanted, found


def _list_values(group: Group, item: Any, cause: Cause) -> Iterator[tuple[str, Cause, Any]]:
    """An item that stands alone, with the cause, and its values, which go with it."""
    for one in group.fields:
        if one.attribute is None:
            yield one.name, cause, _label(group, item)
        else:
            yield from ((one.name, Cause.ITEM, value) for value in one.comparer.spread(getattr(item, one.attribute)))


def _label(group: Group, item: Any) -> str:
    return KINDS[group.path].label(item) if group.path in KINDS else ""


class _Explainer:
    """Says why values of one group are lost. ``final`` are the items that were assembled."""

    def __init__(self, asked: Asked, group: Group, final: Any) -> None:
        self._asked, self._group, self._final = asked, group, final
        self._criteria = {criterion.chunk.span: criterion for criterion in asked.parsed.eligibility.criteria}

    def value(self, one: Field, row: int, item: Any, values: tuple[Any, Any]) -> Cause:
        """Why a value of paired items differs. ``values`` are that of gold and the one found; either may be None."""
        (wanted, found), name = values, one.attribute or ""
        given = self._asked.given.get((self._group.path, row))
        if given is None or name not in given.fields:
            reading = self._read_by_rules(item, name)
            if name in WIRE_ITEMS[one.task].model_fields and reading and not reading.certain:
                return Cause.UNASKED
            return Cause.SILENT if found is None else Cause.SURE
        kept = given.grounded.readings.get("quote" if name == "section" else name) if given.grounded else None
        value = kept.value if kept else None
        if kept and name == "section":
            value = kept.spans[0].section
        keys = {one.comparer.key(member) for member in (() if value is None else one.comparer.spread(value))}
        if wanted is None:
            return Cause.CHECKS if one.comparer.key(found) in keys else Cause.MERGED
        return Cause.MERGED if one.comparer.key(wanted) in keys else given.misfits.get(name, Cause.CHECKS)

    def missing(self, row: int, item: Any) -> Cause:
        """Why an item of gold has no counterpart."""
        given = self._asked.given.get((self._group.path, row))
        if self._group is CRITERIA:
            read = self._asked.criteria.get(row)
            if read is None:  # it is a part of what was read, or there is nothing of it
                is_part = KINDS[self._group.path].is_part
                cut = any(is_part(item, other) or is_part(other, item) for other in self._final)
                return Cause.SURE if cut else Cause.SILENT
            if given and "stands" in given.fields:
                return Cause.MERGED if given.grounded else Cause.CHECKS
            stands = read.stands
            return Cause.MERGED if stands.value else Cause.SURE if stands.certain else Cause.UNASKED
        if given is None:
            candidates = () if self._asked.result.reread else self._asked.parsed.dosing.candidates
            doubted = self._group is DOSING and any(item.quote in chunk.text for chunk in candidates)
            return Cause.UNASKED if doubted else Cause.SILENT
        agent = given.grounded.readings.get("agent") if given.grounded else None
        lost = self._group is DOSING and not (agent and agent.value)
        return given.misfits.get("agent", Cause.CHECKS) if lost else Cause.MERGED

    def superfluous(self, item: Any) -> Cause:
        """Why an item stands that gold does not have."""
        reading = self._read_by_rules(item, "stands" if self._group is CRITERIA else "agent")
        if self._group is CRITERIA:
            number = self._criteria[quote_span(item)].chunk.number
            asked = "stands" in self._asked.result.asked.get(number, ())
        else:
            asked = self._group is DOSING and bool(self._asked.result.reread)
        if asked:
            return Cause.MERGED
        return Cause.UNASKED if reading and not reading.certain else Cause.SURE

    def _read_by_rules(self, item: Any, name: str) -> Reading[Any] | None:
        """The rules' reading of a field of an item that was assembled; None if they have none."""
        parsed = self._asked.parsed
        read: Any = parsed.eligibility
        if self._group is ENDPOINTS:
            read = next(one for one in parsed.outcomes if (one.rank, one.index) == (item.rank, item.index))
        elif self._group is CRITERIA:
            read = self._criteria[quote_span(item)]
        elif self._group is DOSING:
            place = quote_span(item)
            of_place = (one for one in parsed.dosing.regimens if one.quote == place and one.agent.value == item.agent)
            read = next(of_place, None)
        reading = getattr(read, name, None)
        return reading if isinstance(reading, Reading) else None
