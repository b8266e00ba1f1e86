"""The score of one record: its items paired, their fields compared, every disagreement named."""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

from extractor.schemas import AbsenceReason, TrialExtraction

from .alignment import KINDS, Pairing, pair_items, pair_values, place_items
from .comparers import Choices, ErrorKind, Level
from .fields import ELIGIBILITY, ENDPOINTS, FIELDS, GROUPS, INDEX, Field, Group
from .report import ErrorExample, to_json_value

Shown = TypeVar("Shown")


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
_LEVELS = ((Level.EXACT, Column.EXACT), (Level.NORMALISED, Column.NORMALISED), (Level.RELAXED, Column.RELAXED))


class JudgedAbsence(NamedTuple):
    """One explained gap: the field by its scored name, the reason, and whether gold is empty there, too."""

    field: str
    reason: AbsenceReason
    right: bool


Confused = tuple[str, str | None, str | None]
"""A field of a closed set, gold's choice and the predicted one. None is an empty field."""


class Side(NamedTuple):
    """An item and its path in the extraction. Both are None on a side that has no such item."""

    item: Any = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One value, or one item, that is not as gold has it. An absent value is None.

    ``belongs_to`` is where gold has the value that stands on a wrong item.
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
        """Harm of the kind, times the weight of the field."""
        return self.kind.harm * self.field.weight

    @property
    def rank(self) -> tuple[float, str, str, str, str]:
        """The key that sorts the most harmful errors first, then by record, field and values."""
        return (-self.harm, self.record_id, self.field.name, repr(self.gold), repr(self.predicted))

    def path(self, side: Side) -> str | None:
        """The path of the value on one side, such as ``dosing[1].route``."""
        return f"{side.path}.{self.field.attribute}" if side.path and self.field.attribute else side.path

    @property
    def is_remark(self) -> bool:
        """Whether the values agree, and something else about them is wrong."""
        if self.gold is None or self.predicted is None:
            return False
        key = self.field.comparer.key
        return key(self.gold) == key(self.predicted)


@dataclass(slots=True)
class RecordScore:
    """One record's counts (a row for each of ``FIELDS``, a column for each ``Column``), errors, choices and gaps.

    ``reasons`` say why fields of the prediction are empty, by path.
    """

    record_id: str
    counts: list[list[int]] = field(default_factory=lambda: [[0] * len(Column) for _ in FIELDS])
    errors: list[Disagreement] = field(default_factory=list)
    choices: list[Confused] = field(default_factory=list)
    reasons: Mapping[str, AbsenceReason] = field(default_factory=dict)
    absences: list[JudgedAbsence] = field(default_factory=list)

    def add(self, one: Field, number: int, *columns: Column) -> None:
        """Count values of a field."""
        for column in columns:
            self.counts[_ROWS[one.name]][column] += number

    def add_paired(self, one: Field, gold: int, predicted: int) -> None:
        """Count the values of a field of two items that correspond."""
        self.add(one, gold, Column.GOLD, Column.GOLD_PAIRED)
        self.add(one, predicted, Column.PREDICTED, Column.PREDICTED_PAIRED)

    def add_right(self, one: Field, level: Level, number: int = 1) -> None:
        """Count values that agree at a level, and so at all lower ones."""
        self.add(one, number, *(column for least, column in _LEVELS if level >= least))

    def report(self, kind: ErrorKind, one: Field, values: tuple[Any, Any], sides: tuple[Side, Side]) -> None:
        """Note an error: the values of gold and prediction, and the items that hold them."""
        self.errors.append(Disagreement(kind, one, self.record_id, *values, *sides))


def score_record(gold: TrialExtraction, predicted: TrialExtraction | None) -> RecordScore:
    """Compare a prediction with gold. None is a record that is missing: all of gold is missed."""
    score = RecordScore(gold.record_id)
    if predicted:
        score.reasons = {absence.field: absence.reason for absence in predicted.absences}
        score.absences += _judge_lists(gold, predicted, score.reasons)
    for group in GROUPS:
        _score_group(score, group, group.items(gold), group.items(predicted) if predicted else ())
    score.errors = find_wrong_pairings(score.errors)
    return score


def _score_group(score: RecordScore, group: Group, gold: Sequence[Any], predicted: Sequence[Any]) -> None:
    if group is ELIGIBILITY:
        ours, theirs = [Side(item, group.path) for item in gold], [Side(item, group.path) for item in predicted]
        pairing = Pairing(((0, 0),) if theirs else ())
    else:
        placed = place_items(gold), place_items(predicted)
        pairing = pair_items(KINDS[group.path], *placed)
        ours, theirs = ([Side(one.item, f"{group.path}[{one.position}]") for one in side] for side in placed)
    follows = _report_parts(score, group, pairing, ours, theirs)
    for row, column in pairing.pairs:
        sides = ours[row], theirs[column]
        _compare(score, group, sides, follows.get((row, column), frozenset()))
        first, second = sides[0].item, sides[1].item
        # Where the rank differs, positions within it mean nothing.
        if group is ENDPOINTS and first.rank == second.rank and first.index != second.index:
            score.report(ErrorKind.WRONG_PAIRING, INDEX, (first.index, second.index), sides)
    for kind, mine, parts in ((ErrorKind.MISSED, ours, pairing.merges), (ErrorKind.INVENTED, theirs, pairing.splits)):
        paired = {pair[kind is ErrorKind.INVENTED] for pair in pairing.pairs}
        reported = {part for _, found in parts for part in found}
        for position, side in enumerate(mine):
            if position not in paired:
                _count_alone(score, group, side, kind, is_reported=position in reported)


def _report_parts(
    score: RecordScore, group: Group, pairing: Pairing, ours: Sequence[Side], theirs: Sequence[Side]
) -> dict[tuple[int, int], frozenset[ErrorKind]]:
    """Report splits and merges. Returns, by pair, the kinds of errors that follow from them and are not reported."""
    follows: dict[tuple[int, int], frozenset[ErrorKind]] = {}
    there, back = dict(pairing.pairs), {column: row for row, column in pairing.pairs}
    for row, parts in pairing.splits:
        pieces = [theirs[part] for part in (there[row], *parts)]
        values = _label(group, ours[row]), [_label(group, piece) for piece in pieces]
        score.report(ErrorKind.SPLIT, group.fields[0], values, (ours[row], pieces[0]))
        follows[row, there[row]] = frozenset({ErrorKind.WORDING, ErrorKind.MISSED})
    for column, parts in pairing.merges:
        pieces = [ours[part] for part in (back[column], *parts)]
        labels = [_label(group, piece) for piece in pieces]
        score.report(
            ErrorKind.MERGED, group.fields[0], (labels, _label(group, theirs[column])), (pieces[0], theirs[column])
        )
        follows[back[column], column] = frozenset({ErrorKind.WORDING, ErrorKind.INVENTED})
    return follows


def _label(group: Group, side: Side) -> str:
    return KINDS[group.path].label(side.item)


def _count_alone(score: RecordScore, group: Group, side: Side, kind: ErrorKind, *, is_reported: bool) -> None:
    """Count an item without a counterpart: all its values are missed, or invented. One error, for the item."""
    missed = kind is ErrorKind.MISSED
    columns = (Column.GOLD, Column.MISSED) if missed else (Column.PREDICTED, Column.INVENTED)
    for one in group.fields:
        values = (side.item,) if one.attribute is None else one.comparer.spread(getattr(side.item, one.attribute))
        score.add(one, len(values), *columns)
        is_item = one.attribute is None and not is_reported
        if values and (is_item or group is ELIGIBILITY):
            value = _label(group, side) if is_item else values[0]
            both = ((value, None), (side, Side())) if missed else ((None, value), (Side(), side))
            score.report(kind, one, *both)


def _compare(score: RecordScore, group: Group, sides: tuple[Side, Side], ignored: frozenset[ErrorKind]) -> None:
    gold, predicted = sides
    for one in group.fields:
        if one.attribute is None:
            score.add_right(one, Level.EXACT)
            score.add_paired(one, 1, 1)
            continue
        ours, theirs = getattr(gold.item, one.attribute), getattr(predicted.item, one.attribute)
        reason = score.reasons.get(f"{predicted.path}.{one.attribute}")
        if reason and not one.comparer.spread(theirs):
            score.absences.append(JudgedAbsence(one.name, reason, not one.comparer.spread(ours)))
        if isinstance(one.comparer, Choices):
            score.choices.append((one.name, _name_choice(ours), _name_choice(theirs)))
        for kind, *values in compare_values(score, one, ours, theirs):
            if kind not in ignored:
                score.report(kind, one, (values[0], values[1]), sides)


def _name_choice(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def compare_values(score: RecordScore, one: Field, gold: Any, predicted: Any) -> list[tuple[ErrorKind, Any, Any]]:
    """Count the values of one field of two items that correspond.

    Returns the values that disagree and those that need a remark, as (kind, gold's value, predicted value).
    """
    comparer = one.comparer
    ours, theirs = comparer.spread(gold), comparer.spread(predicted)
    if not ours:
        score.add(one, 1, Column.EMPTY, *(() if theirs else (Column.LEFT_EMPTY,)))
    score.add_paired(one, len(ours), len(theirs))
    if ours == theirs:
        score.add_right(one, Level.EXACT, len(ours))
        return []
    ours, theirs = tuple(sorted(ours, key=repr)), tuple(sorted(theirs, key=repr))
    pairs = [(0, 0)] if ours and theirs and not isinstance(gold, tuple) else _pair_members(one, ours, theirs)
    wrong: list[tuple[ErrorKind, Any, Any]] = []
    for row, column in pairs:
        values = ours[row], theirs[column]
        level = comparer.level(*values)
        score.add_right(one, level)
        kind = comparer.error(*values) if level < Level.NORMALISED else comparer.remark(*values)
        wrong += [(kind, *values)] if kind else []
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    missed = [(ErrorKind.MISSED, value, None) for place, value in enumerate(ours) if place not in rows]
    invented = [(ErrorKind.INVENTED, None, value) for place, value in enumerate(theirs) if place not in columns]
    score.add(one, len(missed), Column.MISSED)
    score.add(one, len(invented), Column.INVENTED)
    return [*wrong, *missed, *invented]


def _pair_members(one: Field, gold: Sequence[Any], predicted: Sequence[Any]) -> list[tuple[int, int]]:
    def likeness(ours: Any, theirs: Any) -> float:
        return one.comparer.likeness(ours, theirs) + (0.01 if ours == theirs else 0.0)

    return pair_values(gold, predicted, likeness, one.comparer.threshold)


def _judge_lists(
    gold: TrialExtraction, predicted: TrialExtraction, reasons: Mapping[str, AbsenceReason]
) -> Iterator[JudgedAbsence]:
    """The gaps that are whole lists: no criteria, no regimens, no endpoints."""
    for group in GROUPS:
        reason = reasons.get(group.path)
        if group is not ELIGIBILITY and reason and not group.items(predicted):
            yield JudgedAbsence(group.fields[0].name, reason, not group.items(gold))


def find_wrong_pairings(found: Sequence[Disagreement]) -> list[Disagreement]:
    """The disagreements of one record, with values on a wrong item recognised.

    A predicted value is on the wrong item if gold has it at another place of the same family where it
    was not predicted. A place that only misses it is the other half of that error, and left out.
    """
    lost: dict[tuple[str, Any], list[int]] = defaultdict(list)
    moved: dict[int, int] = {}
    candidates = [(at, one, one.field.family) for at, one in enumerate(found) if one.field.family and not one.is_remark]
    for position, one, family in candidates:
        if family and one.gold is not None:
            lost[family, one.field.comparer.key(one.gold)].append(position)
    for position, one, family in candidates:
        if family and one.predicted is not None:
            places = lost.get((family, one.field.comparer.key(one.predicted)))
            if places:
                moved[position] = places.pop(0)
    halves = {origin for origin in moved.values() if found[origin].predicted is None}
    result = []
    for position, one in enumerate(found):
        if position in moved:
            origin = found[moved[position]]
            result.append(replace(one, kind=ErrorKind.WRONG_PAIRING, belongs_to=origin.path(origin.gold_side)))
        elif position not in halves:
            result.append(one)
    return result


@dataclass(frozen=True, slots=True)
class RecordErrors:
    """All disagreements of one record, with both extractions and the place of each, such as "run.jsonl, line 3"."""

    gold: TrialExtraction
    predicted: TrialExtraction | None
    gold_place: str
    predicted_place: str | None
    found: tuple[Disagreement, ...]


class WorstFirst(Generic[Shown]):
    """Keeps up to ``limit`` errors, the most harmful first, then by record: memory is bounded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: list[tuple[tuple[float, str, str, str, str], Shown]] = []

    def add(self, error: Disagreement, show: Callable[[Disagreement], Shown]) -> None:
        """Keep what ``show`` makes of an error if it is among the worst."""
        if self._limit and (len(self._kept) < self._limit or error.rank < self._kept[-1][0]):
            insort(self._kept, (error.rank, show(error)), key=lambda pair: pair[0])
            del self._kept[self._limit :]

    def list_errors(self) -> tuple[Shown, ...]:
        """The errors kept, the worst first."""
        return tuple(shown for _, shown in self._kept)


def export_error(error: Disagreement) -> ErrorExample:
    """The error as reports have it."""
    items = error.gold_side.item, error.predicted_side.item
    # An outcome is found by its measure.
    quotes = [getattr(item, "quote", None) or getattr(item, "measure", None) for item in items]
    return ErrorExample(
        kind=error.kind,
        harm=error.harm,
        record_id=error.record_id,
        field=error.field.name,
        gold_path=error.path(error.gold_side),
        predicted_path=error.path(error.predicted_side),
        gold=to_json_value(error.gold),
        predicted=to_json_value(error.predicted),
        section=next(filter(None, (getattr(item, "section", None) for item in items)), None),
        gold_quote=quotes[0],
        predicted_quote=quotes[1],
        belongs_to=error.belongs_to,
    )
