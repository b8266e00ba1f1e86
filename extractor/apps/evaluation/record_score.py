"""Score one record: count what its comparison with gold finds, and name every disagreement."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from extractor.apps.evaluation.alignment import Side
from extractor.apps.evaluation.comparers import NOTHING, ErrorKind, Level
from extractor.apps.evaluation.differences import compare
from extractor.apps.evaluation.fields import Field, Group, list_judged
from extractor.apps.evaluation.report import ErrorExample, ErrorScore
from extractor.schemas import TrialExtraction


class Count(IntEnum):
    """Counts kept for each field. Each member of a list counts as one value."""

    EXACT = 0
    NORMALISED = 1
    RELAXED = 2
    EMPTY = 3  # fields that gold leaves empty, of items that have a counterpart
    LEFT_EMPTY = 4  # of these, fields also empty in the prediction
    GOLD = 5
    PREDICTED = 6
    MISSED = 7
    INVENTED = 8


class ScoredRecord(NamedTuple):
    """A record, and the place of each of its extractions, such as "run.jsonl, line 3".

    ``source`` is the file that the prediction names as its source.
    """

    record_id: str
    gold_place: str
    predicted_place: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A value or an item that differs from gold. The value that one side lacks is None.

    ``belongs_to`` is gold's path of a value that is on a wrong item.
    """

    kind: ErrorKind
    field: Field
    record: ScoredRecord
    gold: Any
    predicted: Any
    gold_side: Side
    predicted_side: Side
    belongs_to: str | None = None

    @property
    def harm(self) -> float:
        """Return the harm of the kind times the weight of the field."""
        return self.kind.harm * self.field.weight

    @property
    def rank(self) -> tuple[Any, ...]:
        """Return the key that sorts errors: by harm, then by record, field and values."""
        return (
            -self.harm,
            self.record.record_id,
            self.field.name,
            repr(self.gold),
            repr(self.predicted),
        )

    @property
    def is_remark(self) -> bool:
        """Return whether the values agree, but something else about them is wrong."""
        key = self.field.comparer.key
        return (
            self.gold is not None
            and self.predicted is not None
            and key(self.gold) == key(self.predicted)
        )

    def path(self, side: Side) -> str | None:
        """Return the path of the value on one side, such as ``dosing[1].route``."""
        return (
            f"{side.path}.{self.field.attribute}"
            if side.path and self.field.attribute
            else side.path
        )

    def export(self) -> ErrorExample:
        """Return the error in the form used by reports."""
        items = self.gold_side.item, self.predicted_side.item
        gold_quote, predicted_quote = (_find_quote(item, self.field.attribute) for item in items)
        return ErrorExample(
            kind=self.kind,
            harm=self.harm,
            record_id=self.record.record_id,
            field=self.field.name,
            gold_path=self.path(self.gold_side),
            predicted_path=self.path(self.predicted_side),
            gold=to_jsonable_python(self.gold),
            predicted=to_jsonable_python(self.predicted),
            section=next(filter(None, (getattr(item, "section", None) for item in items)), None),
            gold_quote=gold_quote,
            predicted_quote=predicted_quote,
            belongs_to=self.belongs_to,
        )


def _find_quote(item: Any, attribute: str | None) -> str | None:
    """Return the words of an item: its quote, the measure of an outcome, or the evidence of the
    field.
    """
    whole: str | None = getattr(item, "quote", None) or getattr(item, "measure", None)
    proof = (one.quote for one in item.evidence_for(attribute)) if item and attribute else ()
    return whole or next(iter(proof), None)


def score_record(
    record: ScoredRecord,
    gold: TrialExtraction,
    predicted: TrialExtraction | None,
    groups: Sequence[Group],
) -> tuple[Mapping[str, list[int]], list[Disagreement]]:
    """Compare a prediction with gold in the groups that gold judges. Without a prediction, all of
    gold is missed.

    Returns the counts by the name of a field, one number for each ``Count``, and the errors.
    """
    counts = defaultdict[str, list[int]](lambda: [0] * len(Count))
    errors = list[Disagreement]()
    for one in compare(gold, predicted, list_judged(groups, gold)):
        row = counts[one.field.name]
        field = one.field
        for value in one.values:
            # a level includes all lower ones
            for column in range(Level.EXACT - value.level, Level.EXACT):
                row[column] += 1
            row[Count.GOLD] += value.old is not None
            row[Count.PREDICTED] += value.new is not None
            row[Count.MISSED] += value.new is None
            row[Count.INVENTED] += value.old is None
            if value.error:
                was, now = (None if said == NOTHING else said for said in (value.old, value.new))
                errors.append(
                    Disagreement(value.error, field, record, was, now, one.old_side, one.new_side)
                )
        if one.is_paired and all(value.old is None for value in one.values):
            row[Count.EMPTY] += 1
            row[Count.LEFT_EMPTY] += not one.values
    return counts, find_wrong_pairings(errors)


def find_wrong_pairings(found: Sequence[Disagreement]) -> list[Disagreement]:
    """Return the disagreements of one record, with values on a wrong item recognised.

    A predicted value is on the wrong item if gold has it at another place of the same family, where
    it was not predicted. The matching ``missed`` error is the other half of that error, and left
    out.
    """
    lost: dict[tuple[str | None, Any], list[int]] = defaultdict(list)
    moved: dict[int, str | None] = {}
    halves: set[int] = set()
    candidates = [
        (at, one) for at, one in enumerate(found) if one.field.family and not one.is_remark
    ]
    for position, one in candidates:
        if one.gold is not None:
            lost[one.field.family, one.field.comparer.key(one.gold)].append(position)
    for position, one in candidates:
        key = (
            (one.field.family, one.field.comparer.key(one.predicted))
            if one.predicted is not None
            else None
        )
        if key and lost[key]:
            origin = lost[key].pop(0)
            moved[position] = found[origin].path(found[origin].gold_side)
            halves |= {origin} if found[origin].predicted is None else set()
    return [
        replace(one, kind=ErrorKind.WRONG_PAIRING, belongs_to=moved[at]) if at in moved else one
        for at, one in enumerate(found)
        if at in moved or at not in halves
    ]


class WorstErrors:
    """Keeps the ``limit`` most harmful errors, so that memory is bounded. ``count`` and ``harm``
    are of all errors.

    Pass its ``add`` to ``evaluate`` as ``on_record``.
    """

    def __init__(self, limit: int) -> None:
        self.count, self.harm, self.fields = 0, 0.0, Counter[str]()
        self._limit = limit
        self._kept: list[Disagreement] = []

    def add(self, errors: Sequence[Disagreement]) -> None:
        """Add the errors of one record."""
        for error in errors:
            self.count += 1
            self.harm += error.harm
            self.fields[error.field.name] += 1
        self._kept += errors
        if len(self._kept) > 2 * self._limit:
            self.list_errors()

    def summarise(self, kind: ErrorKind) -> ErrorScore:
        """Return the errors in the form used by reports. All of them are of this kind."""
        examples = tuple(error.export() for error in self.list_errors())
        fields = dict(sorted(self.fields.items()))
        return ErrorScore(
            kind=kind, count=self.count, harm=self.harm, fields=fields, examples=examples
        )

    def list_errors(self) -> list[Disagreement]:
        """Return the kept errors: by harm, then by record, field and values."""
        self._kept = heapq.nsmallest(self._limit, self._kept, key=lambda error: error.rank)
        return list(self._kept)
