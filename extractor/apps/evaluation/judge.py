"""Judge an extraction by another one, such as a prediction by gold: fill the table of judged
values of a record.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from extractor.apps.evaluation.alignment import (
    NOWHERE,
    Aligned,
    Side,
    align,
    match_values,
)
from extractor.apps.evaluation.comparers import NOTHING, Comparer, ErrorKind, Level
from extractor.apps.evaluation.fields import Field, Group, list_known
from extractor.apps.evaluation.grouping import judge_groups
from extractor.apps.evaluation.judged import JudgedValue, Verdict
from extractor.apps.evaluation.likeness import KINDS
from extractor.schemas import ExtractedItem, TrialExtraction

_EXPLAINED = {
    ErrorKind.MISSED: {ErrorKind.MISSED},
    ErrorKind.INVENTED: {ErrorKind.INVENTED},
    ErrorKind.SPLIT: {ErrorKind.WORDING, ErrorKind.MISSED},
    ErrorKind.MERGED: {ErrorKind.WORDING, ErrorKind.INVENTED},
}
"""The errors of an item's fields that follow from an error of the item itself."""


def judge(
    gold: TrialExtraction,
    predicted: TrialExtraction | None,
    groups: Iterable[Group],
    beside: list[Side] | None = None,
) -> list[JudgedValue]:
    """Return the rows of a record: every value of every field in ``groups``. The order of lists is
    ignored.

    Without a prediction, all of gold is missed. Predicted items that match none of gold are
    invented; with a list ``beside`` they are added to it, and not judged, where gold has items.

    >>> from .fields import GROUPS
    >>> gold, predicted = (
    ...     TrialExtraction.model_validate(
    ...         {"record_id": "A", "eligibility": {"sex": sex}}
    ...     )
    ...     for sex in ("female", "all")
    ... )
    >>> [
    ...     (row.field.name, row.error.value)
    ...     for row in judge(gold, predicted, GROUPS)
    ...     if row.error
    ... ]
    [('eligibility.sex', 'wrong_category')]
    """
    rows: list[JudgedValue] = []
    criteria: list[Aligned] | None = None
    fields: dict[str, Field] = {}
    for group in groups:
        fields |= {field.name: field for field in group.fields}
        predicted_items = group.items(predicted) if predicted else ()
        pairs = align(group, group.items(gold), predicted_items)
        judged = pairs
        # an empty list of gold says that there is no item
        if beside is not None and group.items(gold):
            judged = [pair for pair in pairs if pair.old]
            for pair in pairs:
                if not pair.old:
                    beside += pair.new
        for pair in judged:
            rows += _judge_items(group, pair)
            rows += _judge_other_parts(group, pair)
        if group.path == "eligibility.criteria":
            criteria = pairs
    if criteria is not None:
        of_groups = judge_groups(fields, gold, predicted, criteria)
        if beside:
            of_groups = filter(_is_given, of_groups)
        rows += of_groups
    return _find_wrong_pairings(rows)


def _is_given(row: JudgedValue) -> bool:
    """Return whether gold has what a row about groups judges: the criterion, or the group."""
    if row.field.name == "eligibility.criteria.group":
        return row.gold_item is not NOWHERE
    return row.gold is not None


def _judge_other_parts(group: Group, pair: Aligned) -> Iterator[JudgedValue]:
    """Yield the values of all parts of a split item but the first. The error of the item
    explains theirs.
    """
    parts = [Aligned([side], []) for side in pair.old[1:]]
    parts += [Aligned([], [side]) for side in pair.new[1:]]
    for part in parts:
        for row in _judge_items(group, part):
            yield row._replace(error=None)


def _judge_items(group: Group, pair: Aligned) -> Iterator[JudgedValue]:
    """Yield the row of two corresponding items, or of an item without a counterpart, and the rows
    of its fields. If one side has the item in parts, its first part is compared.

    Errors of plain fields that follow from an error of the item itself, such as the fields of a
    missed item, are taken out of their rows, if ``group`` has a row for the item. A plain field is
    neither the item itself nor a part of a list's values, such as ``time_windows.of``.
    """
    # The old side is gold, the new one the prediction.
    gold = pair.old[0] if pair.old else NOWHERE
    predicted = pair.new[0] if pair.new else NOWHERE
    item_error = _find_item_error(pair)
    # The fields of a missed item are missed because the item is: one error, not one for each.
    explained: set[ErrorKind] = set()
    if item_error and any(field.attribute is None for field in group.fields):
        explained = _EXPLAINED[item_error]
    for field in group.fields:
        # The field without an attribute is the item itself.
        if field.attribute is None:
            rows = [_judge_item(group, field, pair, item_error)]
        elif field.whole:
            rows = _judge_part(group, field, gold, predicted)
        else:
            rows = _judge_field(field, gold, predicted)
        for row in rows:
            error = row.error
            is_plain_field = field.attribute is not None and not field.whole
            if is_plain_field and error in explained:
                error = None
            yield row._replace(error=error, gold_item=gold, predicted_item=predicted)


def _find_item_error(pair: Aligned) -> ErrorKind | None:
    """Return the error of an item as a whole, or None. ``old`` is gold, ``new`` the prediction."""
    if not pair.new:
        return ErrorKind.MISSED
    if not pair.old:
        return ErrorKind.INVENTED
    if len(pair.old) > 1:
        return ErrorKind.MERGED
    if len(pair.new) > 1:
        return ErrorKind.SPLIT
    return None


def _judge_item(
    group: Group, field: Field, pair: Aligned, error: ErrorKind | None
) -> JudgedValue:
    """Return the row of an item itself, which is right if it has a counterpart, and has the
    item's ``error``.
    """
    level = Level.NONE
    if pair.old and pair.new:
        level = Level.EXACT
    gold = _label(group, pair.old)
    predicted = _label(group, pair.new)
    return JudgedValue(field, gold, predicted, level, error)


def _label(group: Group, sides: Sequence[Side]) -> Any:
    """Return the label of an item, the list of labels of its parts, or None if it is missing."""
    labels = [KINDS[group.path].label(side.item) for side in sides]
    if not labels:
        return None
    if len(labels) == 1:
        return labels[0]
    return labels


def _judge_field(field: Field, gold: Side, predicted: Side) -> list[JudgedValue]:
    """Return the rows of a field of two items, or of an item without a counterpart. If both items
    leave it empty, that is a row without values.

    There are no rows for a field of groups, which is judged for all criteria at once, and none
    without a counterpart for a field that only pairs have.
    """
    is_paired = gold is not NOWHERE and predicted is not NOWHERE
    if field.comparer.of_groups:
        return []
    if field.comparer.of_pairs and not is_paired:
        return []
    ours = None
    if gold.item:
        ours = field.read(gold.item)
    theirs = None
    if predicted.item:
        theirs = field.read(predicted.item)
    rows = compare_values(field, ours, theirs)
    # A field that both leave empty has a row, which counts for the specificity alone.
    if is_paired and not rows:
        return [JudgedValue(field, None, None)]
    return rows


def _judge_part(
    group: Group, field: Field, gold: Side, predicted: Side
) -> list[JudgedValue]:
    """Return the rows of a part of the values that two items have in common, such as what each
    time window limits; none if an item has no counterpart, and for a field of groups.

    With ``field.only_stated``, values of which gold leaves the part empty are left out, and rows
    have no errors. A part that only pairs have, the arms of an amount, is taken from the item
    where a value lacks it.
    """
    if field.comparer.of_groups:
        return []
    if gold is NOWHERE or predicted is NOWHERE:
        return []
    rows: list[JudgedValue] = []
    pairs = pair_wholes(group, field, gold.item, predicted.item)
    for gold_value, predicted_value in pairs:
        ours = getattr(gold_value, field.part)
        theirs = getattr(predicted_value, field.part)
        if field.only_stated and not ours:
            continue
        if field.comparer.of_pairs:
            if not ours and not theirs:
                continue
            # An amount without arms of its own has those of its regimen.
            ours = ours or getattr(gold.item, field.part)
            theirs = theirs or getattr(predicted.item, field.part)
        rows += compare_values(field, ours, theirs)
    if field.only_stated:
        # The line of all values names these errors already.
        return [row._replace(error=None) for row in rows]
    return rows


def pair_wholes(
    group: Group, field: Field, gold: ExtractedItem, predicted: ExtractedItem
) -> list[tuple[Any, Any]]:
    """Return the pairs of values of two items that agree, of which ``field`` is a part, such as
    the time windows of two criteria.

    Where a value agrees with several, it is paired with the value that has more equal parts.

    >>> from extractor.schemas import Criterion
    >>> from .fields import CRITERIA
    >>> known = {
    ...     "kind": "exclusion",
    ...     "section": "eligibility",
    ...     "quote": "Aspirin within 2 weeks",
    ... }
    >>> window = {
    ...     "quote": "within 2 weeks",
    ...     "comparator": "<=",
    ...     "value": 2,
    ...     "unit": "week",
    ... }
    >>> gold, predicted = (
    ...     Criterion.model_validate(known | {"time_windows": [window | {"of": of}]})
    ...     for of in ("aspirin", "warfarin")
    ... )
    >>> of = next(
    ...     field for field in CRITERIA.fields if field.attribute == "time_windows.of"
    ... )
    >>> [
    ...     (ours.of, theirs.of)
    ...     for ours, theirs in pair_wholes(CRITERIA, of, gold, predicted)
    ... ]
    [('aspirin', 'warfarin')]
    """
    parts = []
    for other in list_known(group):
        if other.attribute == field.whole:
            whole = other
        elif other.whole == field.whole and not other.only_stated:
            parts.append(other)

    def measure(ours: Any, theirs: Any) -> float:
        if not _agree(whole.comparer, ours, theirs):
            return 0.0
        equal_parts = [part for part in parts if _have_same(part, ours, theirs)]
        return 1.0 + len(equal_parts)

    pairs, _, _ = match_values(whole.read(gold), whole.read(predicted), measure, 1.0)
    return pairs


def _agree(comparer: Comparer, gold: Any, predicted: Any) -> bool:
    """Return whether two values agree in all that they are compared by, such as each bound of a
    limit and its quantity: at the level ``NORMALISED`` or above, and without an error.
    """
    ours = comparer.spread((gold,))
    theirs = comparer.spread((predicted,))
    if len(ours) != len(theirs):
        return False
    for our_bound, their_bound in zip(ours, theirs, strict=True):
        level, error = comparer.judge(our_bound, their_bound)
        if level < Level.NORMALISED or error is not None:
            return False
    return True


def _have_same(part: Field, gold: Any, predicted: Any) -> bool:
    """Return whether two values agree in one of their parts."""
    ours = getattr(gold, part.part)
    theirs = getattr(predicted, part.part)
    rows = compare_values(part, ours, theirs)
    return all(row.level >= Level.NORMALISED for row in rows)


def compare_values(field: Field, gold: Any, predicted: Any) -> list[JudgedValue]:
    """Pair the values that two items have in a field, and return a row for each pair, which says
    how far it agrees, and for each value in no pair: missed or invented.

    >>> from .fields import DOSING
    >>> route = next(field for field in DOSING.fields if field.attribute == "route")
    >>> [
    ...     (row.verdict.value, row.error.value)
    ...     for row in compare_values(route, "oral", "topical")
    ... ]
    [('wrong', 'wrong_category')]
    """
    comparer = field.comparer
    # The order of a list does not count, so it must not decide which members are paired.
    ours = sorted(comparer.spread(gold), key=repr)
    theirs = sorted(comparer.spread(predicted), key=repr)
    if ours == theirs:
        return [JudgedValue(field, value, value, Level.EXACT) for value in ours]
    longest = max(len(ours), len(theirs))
    is_list = isinstance(gold, tuple) or longest > 1

    def measure(our_value: Any, their_value: Any) -> float:
        # A single value has no choice: however unlike, it is compared with the other one.
        if not is_list:
            return 1.0
        likeness = comparer.likeness(our_value, their_value)
        # Of members that are equally alike, equal ones are a pair.
        if our_value == their_value:
            likeness += 0.01
        return likeness

    pairs, missed, invented = match_values(ours, theirs, measure, comparer.threshold)
    rows: list[JudgedValue] = []
    for our_value, their_value in pairs:
        level, error = comparer.judge(our_value, their_value)
        rows.append(JudgedValue(field, our_value, their_value, level, error))
    rows += [
        JudgedValue(field, value, None, error=ErrorKind.MISSED) for value in missed
    ]
    rows += [
        JudgedValue(field, None, value, error=ErrorKind.INVENTED) for value in invented
    ]
    return rows


def _find_wrong_pairings(rows: list[JudgedValue]) -> list[JudgedValue]:
    """Return the rows of a record, with right values on a wrong item recognised.

    A predicted value is on the wrong item if gold has it at another place of the same family, where
    it was not predicted. If nothing was predicted there, that is the other half of the same error,
    and no error of its own.
    """
    recognised = list(rows)
    predictions: list[tuple[int, Hashable]] = []
    lost = defaultdict[Hashable, list[int]](list)
    for at, row in enumerate(rows):
        if not row.error or not row.field.family:
            continue
        gold = _make_key(row.field, row.gold)
        predicted = _make_key(row.field, row.predicted)
        # The same value on both sides stands on the right item.
        if gold == predicted:
            continue
        if gold is not None:
            lost[gold].append(at)
        if predicted is not None:
            predictions.append((at, predicted))
    for at, predicted in predictions:
        if not lost[predicted]:
            continue
        # Each lost value explains one prediction only.
        origin = lost[predicted].pop(0)
        recognised[at] = rows[at]._replace(
            error=ErrorKind.WRONG_PAIRING, belongs_to=rows[origin].gold_path
        )
        if rows[origin].verdict is Verdict.MISSED:
            recognised[origin] = rows[origin]._replace(error=None)
    return recognised


def _make_key(field: Field, value: Any) -> Hashable:
    """Return a key that is equal for values that agree in fields of one family, such as the lowest
    and the highest age; None if nothing is said.
    """
    if value is None or value == NOTHING:
        return None
    return field.family, field.comparer.key(value)
