"""The score of one record: its items paired, their fields compared, every disagreement named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractor.schemas import TrialExtraction

from .counts import Column, RecordScore, compare_values, count_right, count_stated, judge_item, judge_lists
from .disagreements import Disagreement, find_wrong_pairings
from .fields import CRITERIA, DOSING, ELIGIBILITY, ENDPOINTS, INDEX, Field, Group
from .items import KINDS, Pairing, Placed, pair_items, place_items
from .shapes import Choice, ErrorKind, Level

__all__ = ["score_record"]


@dataclass(frozen=True, slots=True)
class _Side:
    """An item and the path that leads to it."""

    item: Any
    path: str


def score_record(gold: TrialExtraction, predicted: TrialExtraction | None) -> RecordScore:
    """Compare a prediction with gold. None is a record that is missing: all of gold is missed."""
    score = RecordScore(gold.record_id)
    if predicted:
        score.reasons = {absence.field: absence.reason for absence in predicted.absences}
        score.absences += judge_lists(gold, predicted, score.reasons)
    side = _Side(gold.eligibility, ELIGIBILITY.path)
    if predicted is None:
        _count_alone(score, ELIGIBILITY, side, ErrorKind.MISSED)
    else:
        _compare(score, ELIGIBILITY, side, _Side(predicted.eligibility, ELIGIBILITY.path))
    for group, ours, theirs in (
        (CRITERIA, gold.eligibility.criteria, predicted.eligibility.criteria if predicted else ()),
        (DOSING, gold.dosing, predicted.dosing if predicted else ()),
        (ENDPOINTS, gold.endpoints, predicted.endpoints if predicted else ()),
    ):
        _score_items(score, group, place_items(ours), place_items(theirs))
    score.errors = find_wrong_pairings(score.errors)
    return score


def _score_items(score: RecordScore, group: Group, gold: Sequence[Placed], predicted: Sequence[Placed]) -> None:
    pairing = pair_items(KINDS[group.path], gold, predicted)
    ours, theirs = [_side(group, one) for one in gold], [_side(group, one) for one in predicted]
    quiet = _report_parts(score, group, pairing, ours, theirs)
    for row, column in pairing.pairs:
        _compare(score, group, ours[row], theirs[column], quiet.get((row, column), frozenset()))
        if group is ENDPOINTS:
            _compare_index(score, ours[row], theirs[column])
    named_gold = {part for _, parts in pairing.merges for part in parts}
    named_predicted = {part for _, parts in pairing.splits for part in parts}
    paired_gold, paired_predicted = {row for row, _ in pairing.pairs}, {column for _, column in pairing.pairs}
    for position, side in enumerate(ours):
        if position not in paired_gold:
            _count_alone(score, group, side, ErrorKind.MISSED, named=position in named_gold)
    for position, side in enumerate(theirs):
        if position not in paired_predicted:
            _count_alone(score, group, side, ErrorKind.INVENTED, named=position in named_predicted)


def _report_parts(
    score: RecordScore, group: Group, pairing: Pairing, ours: Sequence[_Side], theirs: Sequence[_Side]
) -> dict[tuple[int, int], frozenset[ErrorKind]]:
    """Name splits and merges; returns what follows from them in their pairs, and is no error of its own."""
    quiet: dict[tuple[int, int], frozenset[ErrorKind]] = {}
    there = dict(pairing.pairs)
    back = {column: row for row, column in pairing.pairs}
    label = KINDS[group.path].label
    for row, parts in pairing.splits:
        pieces = [theirs[part] for part in (there[row], *parts)]
        said = [label(piece.item) for piece in pieces]
        _report(score, ErrorKind.SPLIT, group.fields[0], (label(ours[row].item), said), (ours[row], pieces[0]))
        quiet[row, there[row]] = frozenset({ErrorKind.WORDING, ErrorKind.MISSED})
    for column, parts in pairing.merges:
        pieces = [ours[part] for part in (back[column], *parts)]
        said = [label(piece.item) for piece in pieces]
        _report(
            score, ErrorKind.MERGED, group.fields[0], (said, label(theirs[column].item)), (pieces[0], theirs[column])
        )
        quiet[back[column], column] = frozenset({ErrorKind.WORDING, ErrorKind.INVENTED})
    return quiet


def _count_alone(score: RecordScore, group: Group, side: _Side, kind: ErrorKind, *, named: bool = False) -> None:
    """Count an item without a counterpart: all its values are missed, or invented. One error, for the item."""
    missed = kind is ErrorKind.MISSED
    for one in group.fields:
        values = (side.item,) if one.attribute is None else one.shape.spread(getattr(side.item, one.attribute))
        if not values:
            continue
        score.add(one, Column.GOLD if missed else Column.PREDICTED, len(values))
        score.add(one, Column.MISSED if missed else Column.INVENTED, len(values))
        if one.attribute is None and not named:
            label = KINDS[group.path].label(side.item)
            _report(score, kind, one, (label, None) if missed else (None, label), _sides(side, missed=missed))
        elif group is ELIGIBILITY:
            _report(score, kind, one, (values[0], None) if missed else (None, values[0]), _sides(side, missed=missed))


def _compare(
    score: RecordScore, group: Group, gold: _Side, predicted: _Side, quiet: frozenset[ErrorKind] = frozenset()
) -> None:
    score.absences += judge_item(group, gold.item, predicted.item, predicted.path, score.reasons)
    for one in group.fields:
        if one.attribute is None:
            count_right(score, one, Level.EXACT)
            count_stated(score, one, 1, 1)
            continue
        ours, theirs = getattr(gold.item, one.attribute), getattr(predicted.item, one.attribute)
        if isinstance(one.shape, Choice):
            score.choices.append((one.name, _name(ours), _name(theirs)))
        for kind, *values in compare_values(score, one, ours, theirs):
            if kind not in quiet:
                _report(score, kind, one, (values[0], values[1]), (gold, predicted))


def _compare_index(score: RecordScore, gold: _Side, predicted: _Side) -> None:
    """An outcome that stands for another registered one. Where the rank differs, positions in it tell nothing."""
    ours, theirs = gold.item, predicted.item
    if ours.rank == theirs.rank and ours.index != theirs.index:
        _report(score, ErrorKind.WRONG_PAIRING, INDEX, (ours.index, theirs.index), (gold, predicted))


def _report(
    score: RecordScore,
    kind: ErrorKind,
    one: Field,
    values: tuple[Any, Any],
    sides: tuple[_Side | None, _Side | None],
) -> None:
    (gold, predicted), (ours, theirs) = values, sides
    tail = f".{one.attribute}" if one.attribute else ""
    score.errors.append(
        Disagreement(
            kind,
            one,
            score.record_id,
            gold,
            predicted,
            gold_path=ours.path + tail if ours else None,
            predicted_path=theirs.path + tail if theirs else None,
            gold_item=ours.item if ours else None,
            predicted_item=theirs.item if theirs else None,
        )
    )


def _side(group: Group, placed: Placed) -> _Side:
    return _Side(placed.item, f"{group.path}[{placed.position}]")


def _sides(side: _Side, *, missed: bool) -> tuple[_Side | None, _Side | None]:
    return (side, None) if missed else (None, side)


def _name(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
