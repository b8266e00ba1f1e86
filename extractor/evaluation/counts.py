"""What is counted for each field of a record, and the comparison of one field of two paired items."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from extractor.schemas import AbsenceReason, TrialExtraction

from .disagreements import Disagreement
from .fields import CRITERIA, DOSING, ENDPOINTS, FIELDS, Field, Group
from .items import pair_values
from .shapes import ErrorKind, Level

__all__ = [
    "Column",
    "Confused",
    "JudgedAbsence",
    "Reasons",
    "RecordScore",
    "compare_values",
    "count_right",
    "count_stated",
    "judge_item",
    "judge_lists",
]

Reasons = Mapping[str, AbsenceReason]
"""Why fields of an extraction are empty, by their paths."""


@dataclass(frozen=True, slots=True)
class JudgedAbsence:
    """One explained gap: the field by its scored name, the reason, and whether gold is empty there, too."""

    field: str
    reason: AbsenceReason
    right: bool


def judge_lists(gold: TrialExtraction, predicted: TrialExtraction, reasons: Reasons) -> Iterator[JudgedAbsence]:
    """The gaps that are whole lists: no criteria, no regimens, no endpoints."""
    for group, ours, theirs in (
        (CRITERIA, gold.eligibility.criteria, predicted.eligibility.criteria),
        (DOSING, gold.dosing, predicted.dosing),
        (ENDPOINTS, gold.endpoints, predicted.endpoints),
    ):
        reason = reasons.get(group.path)
        if reason and not theirs:
            yield JudgedAbsence(group.fields[0].name, reason, not ours)


def judge_item(group: Group, gold: Any, predicted: Any, path: str, reasons: Reasons) -> Iterator[JudgedAbsence]:
    """The gaps of a predicted item at ``path`` beside its counterpart in gold."""
    for one in group.fields:
        reason = reasons.get(f"{path}.{one.attribute}")
        if one.attribute and reason and not one.shape.spread(getattr(predicted, one.attribute)):
            yield JudgedAbsence(one.name, reason, not one.shape.spread(getattr(gold, one.attribute)))


Confused = tuple[str, str | None, str | None]
"""A field of a closed set, gold's choice and the predicted one. None is an empty field."""


class Column(IntEnum):
    """What is counted for each field. Values of a list count one by one."""

    EXACT = 0
    NORMALISED = 1
    RELAXED = 2
    EMPTY = 3  # fields that gold leaves empty, of items that have a counterpart
    LEFT_EMPTY = 4  # of these, empty in the prediction, too
    GOLD = 5
    PREDICTED = 6
    GOLD_PAIRED = 7  # of items that have a counterpart
    PREDICTED_PAIRED = 8
    MISSED = 9
    INVENTED = 10


_ROWS = {one.name: row for row, one in enumerate(FIELDS)}
_RIGHT = {Level.EXACT: 3, Level.NORMALISED: 2, Level.RELAXED: 1, Level.NONE: 0}


@dataclass(slots=True)
class RecordScore:
    """One record's counts (a row for each of ``FIELDS``, a column for each ``Column``), errors, choices and gaps.

    ``reasons`` say why fields of the prediction are empty.
    """

    record_id: str
    counts: list[list[int]] = field(default_factory=lambda: [[0] * len(Column) for _ in FIELDS])
    errors: list[Disagreement] = field(default_factory=list)
    choices: list[Confused] = field(default_factory=list)
    reasons: Reasons = field(default_factory=dict)
    absences: list[JudgedAbsence] = field(default_factory=list)

    def add(self, one: Field, column: Column, number: int = 1) -> None:
        """Count."""
        self.counts[_ROWS[one.name]][column] += number


def compare_values(score: RecordScore, one: Field, gold: Any, predicted: Any) -> list[tuple[ErrorKind, Any, Any]]:
    """Count the values of one field of a pair of items; returns those that disagree, or are remarked upon."""
    ours, theirs = one.shape.spread(gold), one.shape.spread(predicted)
    if not ours:
        score.add(one, Column.EMPTY)
        if not theirs:
            score.add(one, Column.LEFT_EMPTY)
            return []
    count_stated(score, one, len(ours), len(theirs))
    if ours == theirs:
        count_right(score, one, Level.EXACT, len(ours))
        return []
    ours, theirs = tuple(sorted(ours, key=repr)), tuple(sorted(theirs, key=repr))
    pairs = [(0, 0)] if ours and theirs and not isinstance(gold, tuple) else _pair_members(one, ours, theirs)
    wrong: list[tuple[ErrorKind, Any, Any]] = []
    for row, column in pairs:
        level = one.shape.level(ours[row], theirs[column])
        count_right(score, one, level)
        if level < Level.NORMALISED:
            wrong.append((one.shape.error(ours[row], theirs[column]), ours[row], theirs[column]))
        elif remark := one.shape.remark(ours[row], theirs[column]):
            wrong.append((remark, ours[row], theirs[column]))
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    missed = [(ErrorKind.MISSED, value, None) for place, value in enumerate(ours) if place not in rows]
    invented = [(ErrorKind.INVENTED, None, value) for place, value in enumerate(theirs) if place not in columns]
    score.add(one, Column.MISSED, len(missed))
    score.add(one, Column.INVENTED, len(invented))
    return [*wrong, *missed, *invented]


def _pair_members(one: Field, gold: Sequence[Any], predicted: Sequence[Any]) -> list[tuple[int, int]]:
    def likeness(ours: Any, theirs: Any) -> float:
        return one.shape.likeness(ours, theirs) + (0.01 if ours == theirs else 0.0)

    return pair_values(gold, predicted, likeness, one.shape.threshold)


def count_right(score: RecordScore, one: Field, level: Level, number: int = 1) -> None:
    for column in (Column.RELAXED, Column.NORMALISED, Column.EXACT)[: _RIGHT[level]]:
        score.add(one, column, number)


def count_stated(score: RecordScore, one: Field, gold: int, predicted: int) -> None:
    score.add(one, Column.GOLD, gold)
    score.add(one, Column.GOLD_PAIRED, gold)
    score.add(one, Column.PREDICTED, predicted)
    score.add(one, Column.PREDICTED_PAIRED, predicted)
