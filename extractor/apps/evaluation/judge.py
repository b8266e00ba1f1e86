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
    gold: TrialExtraction, predicted: TrialExtraction | None, groups: Iterable[Group]
) -> list[JudgedValue]:
    """Return the rows of a record: every value of every field in ``groups``. The order of lists is
    ignored.

    Without a prediction, all of gold is missed.

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
        pairs = align(
            group, group.items(gold), group.items(predicted) if predicted else ()
        )
        for pair in pairs:
            rows += _judge_items(group, pair)
            rows += _judge_other_parts(group, pair)
        if group.path == "eligibility.criteria":
            criteria = pairs
    if criteria is not None:
        rows += judge_groups(fields, gold, predicted, criteria)
    return _find_wrong_pairings(rows)


def _judge_other_parts(group: Group, pair: Aligned) -> Iterator[JudgedValue]:
    """Yield the values of all parts of a split item but the first. The error of the item
    explains theirs.
    """
    alone = [Aligned([one], []) for one in pair.old[1:]]
    alone += [Aligned([], [one]) for one in pair.new[1:]]
    for part in alone:
        for row in _judge_items(group, part):
            yield row._replace(error=None)


def _judge_items(group: Group, pair: Aligned) -> Iterator[JudgedValue]:
    """Yield every field of two corresponding items, or of one without a counterpart: first the item
    itself.

    If one of them was split, its first part is compared.
    """
    gold = pair.old[0] if pair.old else NOWHERE
    predicted = pair.new[0] if pair.new else NOWHERE
    error = _find_item_error(pair)
    is_told = any(field.attribute is None for field in group.fields)
    explained = _EXPLAINED.get(error, set()) if error and is_told else set()
    for field in group.fields:
        if field.attribute is None:
            found = [_judge_item(group, field, pair, error)]
        elif field.whole:
            found = _judge_part(group, field, gold, predicted)
        else:
            found = [
                row._replace(error=None) if row.error in explained else row
                for row in _judge_field(field, gold, predicted)
            ]
        for row in found:
            yield row._replace(gold_item=gold, predicted_item=predicted)


def _find_item_error(pair: Aligned) -> ErrorKind | None:
    if not pair.new:
        return ErrorKind.MISSED
    if not pair.old:
        return ErrorKind.INVENTED
    if len(pair.old) > 1:
        return ErrorKind.MERGED
    return ErrorKind.SPLIT if len(pair.new) > 1 else None


def _judge_item(
    group: Group, field: Field, pair: Aligned, error: ErrorKind | None
) -> JudgedValue:
    """Return the row of an item itself, which is right if it has a counterpart."""

    def name(sides: Sequence[Side]) -> Any:
        labels = [KINDS[group.path].label(one.item) for one in sides]
        return labels if len(labels) > 1 else next(iter(labels), None)

    level = Level.EXACT if pair.old and pair.new else Level.NONE
    return JudgedValue(field, name(pair.old), name(pair.new), level, error)


def _judge_field(field: Field, gold: Side, predicted: Side) -> list[JudgedValue]:
    is_paired = gold is not NOWHERE and predicted is not NOWHERE
    if field.comparer.of_groups or (field.comparer.of_pairs and not is_paired):
        return []
    ours = field.read(gold.item) if gold.item else None
    theirs = field.read(predicted.item) if predicted.item else None
    rows = compare_values(field, ours, theirs)
    if is_paired and not rows:
        return [JudgedValue(field, None, None)]
    return rows


def _judge_part(
    group: Group, field: Field, gold: Side, predicted: Side
) -> list[JudgedValue]:
    """Judge a part of the values that two items have in common, such as what each time window
    limits.
    """
    if field.comparer.of_groups or gold is NOWHERE or predicted is NOWHERE:
        return []
    rows: list[JudgedValue] = []
    for one, other in pair_wholes(group, field, gold.item, predicted.item):
        ours = getattr(one, field.part)
        theirs = getattr(other, field.part)
        if field.only_stated and not ours:
            continue
        if field.comparer.of_pairs:
            if not ours and not theirs:
                continue
            # An amount without arms of its own has those of its regimen.
            ours = ours or getattr(gold.item, field.part)
            theirs = theirs or getattr(predicted.item, field.part)
        rows += compare_values(field, ours, theirs)
    return [row._replace(error=None) for row in rows] if field.only_stated else rows


def pair_wholes(
    group: Group, field: Field, gold: ExtractedItem, predicted: ExtractedItem
) -> list[tuple[Any, Any]]:
    """Pair the values of which ``field`` is a part, such as time windows: those of two items that
    agree.

    Of several equal values, those with equal parts are pairs.

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
    ...     (one.of, other.of)
    ...     for one, other in pair_wholes(CRITERIA, of, gold, predicted)
    ... ]
    [('aspirin', 'warfarin')]
    """
    known = list_known(group)
    whole = next(one for one in known if one.attribute == field.whole)
    parts = [one for one in known if one.whole == field.whole and not one.only_stated]

    def measure(one: Any, other: Any) -> float:
        if not _agree(whole.comparer, one, other):
            return 0.0
        return 1.0 + sum(_have_same(part, one, other) for part in parts)

    pairs, _, _ = match_values(whole.read(gold), whole.read(predicted), measure, 1.0)
    return pairs


def _agree(comparer: Comparer, one: Any, other: Any) -> bool:
    """Return whether two values agree in all of their bounds, and in what they limit."""
    ours = comparer.spread((one,))
    theirs = comparer.spread((other,))
    if len(ours) != len(theirs):
        return False
    judged = map(comparer.judge, ours, theirs)
    return all(level >= Level.NORMALISED and error is None for level, error in judged)


def _have_same(part: Field, one: Any, other: Any) -> bool:
    rows = compare_values(part, getattr(one, part.part), getattr(other, part.part))
    return all(row.level >= Level.NORMALISED for row in rows)


def compare_values(field: Field, gold: Any, predicted: Any) -> list[JudgedValue]:
    """Pair the values that two items have in a field, and say how far they agree.

    >>> from .fields import DOSING
    >>> route = next(field for field in DOSING.fields if field.attribute == "route")
    >>> [
    ...     (row.verdict.value, row.error.value)
    ...     for row in compare_values(route, "oral", "topical")
    ... ]
    [('wrong', 'wrong_category')]
    """
    comparer = field.comparer
    ours = sorted(comparer.spread(gold), key=repr)
    theirs = sorted(comparer.spread(predicted), key=repr)
    if ours == theirs:
        return [JudgedValue(field, value, value, Level.EXACT) for value in ours]
    is_list = isinstance(gold, tuple) or max(len(ours), len(theirs)) > 1

    def measure(one: Any, other: Any) -> float:
        if not is_list:
            return 1.0
        # equal members are a pair
        return comparer.likeness(one, other) + 0.01 * bool(one == other)

    both, missed, invented = match_values(ours, theirs, measure, comparer.threshold)
    rows = [
        JudgedValue(field, one, other, *comparer.judge(one, other))
        for one, other in both
    ]
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
    found = list(rows)
    suspects = [
        (at, _make_key(row.field, row.gold), _make_key(row.field, row.predicted))
        for at, row in enumerate(rows)
        if row.error and row.field.family
    ]
    suspects = [
        (at, gold, predicted) for at, gold, predicted in suspects if gold != predicted
    ]
    lost = defaultdict[Hashable, list[int]](list)
    for at, gold, _ in suspects:
        if gold is not None:
            lost[gold].append(at)
    for at, _, predicted in suspects:
        if predicted is None or not lost[predicted]:
            continue
        origin = lost[predicted].pop(0)
        found[at] = rows[at]._replace(
            error=ErrorKind.WRONG_PAIRING, belongs_to=rows[origin].gold_path
        )
        if rows[origin].verdict is Verdict.MISSED:
            found[origin] = rows[origin]._replace(error=None)
    return found


def _make_key(field: Field, value: Any) -> Hashable:
    """Return a key that is equal for values that agree in fields of one family; None if nothing
    is said.
    """
    if value is None or value == NOTHING:
        return None
    return field.family, field.comparer.key(value)
