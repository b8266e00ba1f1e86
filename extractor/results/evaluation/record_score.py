"""Score one record: pair its items, compare their fields, and name every disagreement."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from extractor.schemas import TrialExtraction

from .alignment import KINDS, Side, pair_field, pair_items
from .comparers import ErrorKind, Level
from .fields import ENDPOINTS, INDEX, Field, Group, list_judged
from .report import ErrorExample


class Count(IntEnum):
    """Counts kept for each field. Each member of a list counts as one value."""

    EXACT = 0
    NORMALISED = 1
    RELAXED = 2
    EMPTY = 3  # fields that gold leaves empty, of items that have a counterpart
    LEFT_EMPTY = 4  # of these, fields also empty in the prediction
    GOLD = 5
    PREDICTED = 6
    GOLD_PAIRED = 7  # of items that have a counterpart
    PREDICTED_PAIRED = 8
    MISSED = 9
    INVENTED = 10


Confused = tuple[str, str | None, str | None]
"""A field with a closed set, gold's choice and the predicted one. None is an empty field."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A value or an item that differs from gold. The value that one side lacks is None.

    ``belongs_to`` is gold's path of a value that is on a wrong item.
    """

    kind: ErrorKind
    field: Field
    record_id: str
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
    def is_remark(self) -> bool:
        """Whether the values agree, but something else about them is wrong."""
        key = self.field.comparer.key
        return self.gold is not None and self.predicted is not None and key(self.gold) == key(self.predicted)

    def path(self, side: Side) -> str | None:
        """Return the path of the value on one side, such as ``dosing[1].route``."""
        return f"{side.path}.{self.field.attribute}" if side.path and self.field.attribute else side.path

    def export(self) -> ErrorExample:
        """Return the error in the form used by reports."""
        items = self.gold_side.item, self.predicted_side.item
        gold_quote, predicted_quote = (_find_quote(item, self.field.attribute) for item in items)
        return ErrorExample(
            kind=self.kind,
            harm=self.harm,
            record_id=self.record_id,
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
    """Return the words of an item: its quote, the measure of an outcome, or the evidence of the field."""
    whole: str | None = getattr(item, "quote", None) or getattr(item, "measure", None)
    proof = (one.quote for one in item.evidence if one.field.partition("[")[0] == attribute) if item else ()
    return whole or next(iter(proof), None)


@dataclass(slots=True)
class RecordScore:
    """One record's counts (by the name of a field, one number for each ``Count``), errors and choices."""

    record_id: str
    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(Count)))
    errors: list[Disagreement] = field(default_factory=list)
    choices: list[Confused] = field(default_factory=list)

    def add(self, one: Field, number: int, *columns: Count) -> None:
        """Count values of a field."""
        for column in columns:
            self.counts[one.name][column] += number

    def add_right(self, one: Field, level: Level) -> None:
        """Count a value that agrees at a level, and at all lower ones."""
        self.add(one, 1, *list(Count)[Level.EXACT - level : Level.EXACT])

    def report(self, kind: ErrorKind, one: Field, gold: Any, predicted: Any, sides: tuple[Side, Side]) -> None:
        """Record an error with the values of gold and prediction, and their items."""
        self.errors.append(Disagreement(kind, one, self.record_id, gold, predicted, *sides))


def score_record(gold: TrialExtraction, predicted: TrialExtraction | None, groups: Sequence[Group]) -> RecordScore:
    """Compare a prediction with gold in the groups that gold judges. Without a prediction, all of gold is missed."""
    score = RecordScore(gold.record_id)
    for group in list_judged(groups, gold):
        pairs = pair_items(group, group.items(gold), group.items(predicted) if predicted else ())
        for old, new in pairs:
            if old and new:
                _score_pair(score, group, old, new)
        for at, kind in enumerate((ErrorKind.MISSED, ErrorKind.INVENTED)):
            for pair in pairs:
                is_paired = bool(pair.old and pair.new)  # then all but the first one are parts, and reported
                for side in pair[at][is_paired:]:
                    _count_alone(score, group, side, kind, is_reported=is_paired)
    score.errors = find_wrong_pairings(score.errors)
    return score


def _score_pair(score: RecordScore, group: Group, old: Sequence[Side], new: Sequence[Side]) -> None:
    sides, (first, second) = (old[0], new[0]), (old[0].item, new[0].item)
    labels = [[_label(group, one) for one in each] for each in (old, new)]
    follow_ups: set[ErrorKind] = set()  # consequences of a split or a merge, which are not reported
    if len(new) > 1:
        score.report(ErrorKind.SPLIT, group.fields[0], labels[0][0], labels[1], sides)
        follow_ups = {ErrorKind.WORDING, ErrorKind.MISSED}
    if len(old) > 1:
        score.report(ErrorKind.MERGED, group.fields[0], labels[0], labels[1][0], sides)
        follow_ups = {ErrorKind.WORDING, ErrorKind.INVENTED}
    for one in group.fields:
        for kind, *values in _score_field(score, one, first, second):
            if kind not in follow_ups:
                score.report(kind, one, values[0], values[1], sides)
    # If the rank differs, comparing positions in it is meaningless.
    if group is ENDPOINTS and first.rank == second.rank and first.index != second.index:
        score.report(ErrorKind.WRONG_PAIRING, INDEX, first.index, second.index, sides)


def _label(group: Group, side: Side) -> str:
    return KINDS[group.path].label(side.item) if group.path in KINDS else ""


def _count_alone(score: RecordScore, group: Group, side: Side, kind: ErrorKind, *, is_reported: bool) -> None:
    """Count all values of an item without a counterpart as missed or invented.

    One error is reported: that of the item, or, where no field is the item itself, one of each value.
    """
    missed, has_whole = kind is ErrorKind.MISSED, group.fields[0].attribute is None
    columns = (Count.GOLD, Count.MISSED) if missed else (Count.PREDICTED, Count.INVENTED)
    for one in group.fields:
        values = (_label(group, side),) if one.attribute is None else one.comparer.spread(one.read(side.item))
        score.add(one, len(values), *columns)
        for value in () if is_reported or (has_whole and one.attribute) else values:
            both = (value, None, (side, Side())) if missed else (None, value, (Side(), side))
            score.report(kind, one, *both)


def _score_field(score: RecordScore, one: Field, gold: Any, predicted: Any) -> Iterator[tuple[ErrorKind, Any, Any]]:
    """Count the values of one field of two paired items, and yield the errors: kind, gold's value, predicted value."""
    if one.attribute is None:
        score.add_right(one, Level.EXACT)
        score.add(one, 1, Count.GOLD, Count.GOLD_PAIRED, Count.PREDICTED, Count.PREDICTED_PAIRED)
        return
    ours, theirs = one.read(gold), one.read(predicted)
    if one.comparer.is_choice and not isinstance(ours, tuple) and not isinstance(theirs, tuple):
        score.choices.append((one.name, _name_choice(ours), _name_choice(theirs)))
    if not one.comparer.spread(ours):
        score.add(one, 1, Count.EMPTY, *([] if one.comparer.spread(theirs) else [Count.LEFT_EMPTY]))
    for pair in pair_field(one, ours, theirs):
        if pair.old is not None:
            score.add(one, 1, Count.GOLD, Count.GOLD_PAIRED, *([Count.MISSED] if pair.new is None else []))
        if pair.new is not None:
            score.add(one, 1, Count.PREDICTED, Count.PREDICTED_PAIRED, *([Count.INVENTED] if pair.old is None else []))
        score.add_right(one, pair.level)
        if pair.error:
            yield pair.error, pair.old, pair.new


def _name_choice(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def find_wrong_pairings(found: Sequence[Disagreement]) -> list[Disagreement]:
    """Return the disagreements of one record, with values on a wrong item recognised.

    A predicted value is on the wrong item if gold has it at another place of the same family, where it
    was not predicted. The matching ``missed`` error is the other half of that error, and left out.
    """
    lost: dict[tuple[str | None, Any], list[int]] = defaultdict(list)
    moved: dict[int, Disagreement] = {}
    halves: set[int] = set()
    candidates = [(at, one) for at, one in enumerate(found) if one.field.family and not one.is_remark]
    for position, one in candidates:
        if one.gold is not None:
            lost[one.field.family, one.field.comparer.key(one.gold)].append(position)
    for position, one in candidates:
        key = (one.field.family, one.field.comparer.key(one.predicted)) if one.predicted is not None else None
        if key and lost[key]:
            origin = lost[key].pop(0)
            moved[position] = found[origin]
            halves |= {origin} if found[origin].predicted is None else set()
    kept = [(at, one) for at, one in enumerate(found) if at in moved or at not in halves]
    wrong = ErrorKind.WRONG_PAIRING
    belongs = {at: origin.path(origin.gold_side) for at, origin in moved.items()}
    return [replace(one, kind=wrong, belongs_to=belongs[at]) if at in belongs else one for at, one in kept]


class RecordErrors(NamedTuple):
    """All disagreements of one record, and the place of each extraction, such as "run.jsonl, line 3".

    ``source`` is the file that the prediction names as its source.
    """

    gold_place: str
    predicted_place: str | None
    source: str | None
    found: tuple[Disagreement, ...]


class WorstErrors:
    """Keeps the ``limit`` most harmful errors, so that memory is bounded. ``count`` counts all errors.

    Pass its ``add`` to ``evaluate`` as ``on_record``.
    """

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._kept: list[tuple[Any, Disagreement, RecordErrors]] = []

    def add(self, record: RecordErrors) -> None:
        """Add the errors of one record."""
        for one in record.found:
            self.count += 1
            rank = (-one.harm, one.record_id, one.field.name, repr(one.gold), repr(one.predicted))
            self._kept.append((rank, one, record))
        if len(self._kept) > 2 * self._limit:
            self.list_errors()

    def list_errors(self) -> list[tuple[Disagreement, RecordErrors]]:
        """Return the kept errors: by harm, then by record, field and values."""
        self._kept = sorted(self._kept, key=lambda entry: entry[0])[: self._limit]
        return [(error, record) for _, error, record in self._kept]
