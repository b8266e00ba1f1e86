"""Judge an extraction by another one: fill the table of judged values of a record."""

from collections.abc import Iterable, Iterator
from typing import Any

from extractor.apps.evaluation.alignment import (
    NOWHERE,
    Side,
    align,
    match_values,
)
from extractor.apps.evaluation.comparers import LABEL, ErrorKind, Level
from extractor.apps.evaluation.fields import GROUPS, Field, Group
from extractor.apps.evaluation.grouping import name_groups
from extractor.apps.evaluation.judged import JudgedValue
from extractor.schemas import ExtractedItem, TrialExtraction


def judge(
    gold: TrialExtraction,
    predicted: TrialExtraction | None,
    groups: Iterable[Group],
    beside: list[Side] | None = None,
) -> list[JudgedValue]:
    """Return the rows of a record: every value of the fields in ``groups``.

    Without a prediction, all of gold is missed. Predicted items without a counterpart are invented;
    with a list ``beside`` they are added to it instead where gold has items.

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
    gold, predicted = name_groups(gold, predicted)
    for group in groups:
        pairs = align(
            group, group.items(gold), group.items(predicted) if predicted else ()
        )
        # An empty list of gold states that there is no item.
        if beside is not None and group.items(gold):
            beside += [new for old, new in pairs if not old.item]
            pairs = [pair for pair in pairs if pair[0].item]
        for old, new in pairs:
            rows += _judge_items(group, old, new)
    return rows


def _judge_items(group: Group, gold: Side, predicted: Side) -> Iterator[JudgedValue]:
    """Yield the row of two corresponding items, or of one without a counterpart, and the rows of
    its fields, without the errors that the error of the item explains.
    """
    error = None
    if gold is NOWHERE or predicted is NOWHERE:
        error = ErrorKind.INVENTED if gold is NOWHERE else ErrorKind.MISSED
    level = Level.NONE if error else Level.EXACT
    has_item_row = any(field.attribute is None for field in group.fields)
    for field in group.fields:
        rows: list[JudgedValue] = []
        if field.attribute is None:
            labels = _label(gold.item), _label(predicted.item)
            rows = [JudgedValue(field, *labels, level, error)]
        for pair in _pair_values(group, field, gold.item, predicted.item):
            rows += compare_values(field, *pair)
        # The row of all values has the errors of the stated ones.
        is_explained = field.only_stated or (error and has_item_row and field.attribute)
        for row in rows:
            shown = None if is_explained else row.error
            yield row._replace(error=shown, gold_item=gold, predicted_item=predicted)


def _label(item: Any) -> str | None:
    words = getattr(item, "quote", None) or getattr(item, "measure", None)
    agent = getattr(item, "agent", None)
    return f"{agent}: {words}" if agent else words


def _pair_values(
    group: Group,
    field: Field,
    gold: ExtractedItem | None,
    predicted: ExtractedItem | None,
) -> Iterator[tuple[Any, Any]]:
    """Yield the values of two items in a field; of a part, those in the values that the items have
    in common, such as ``of`` in their time windows.
    """
    if field.whole:
        if gold and predicted:
            yield from _pair_parts(group, field, gold, predicted)
        return
    # Whose arms are meant is asked only of items that both have.
    is_asked = field.comparer is not LABEL or (gold and predicted)
    if field.attribute and is_asked:
        yield gold and field.read(gold), predicted and field.read(predicted)


def _pair_parts(
    group: Group, field: Field, gold: ExtractedItem, predicted: ExtractedItem
) -> Iterator[tuple[Any, Any]]:
    for one, other in pair_wholes(group, field, gold, predicted):
        ours = getattr(one, field.part)
        theirs = getattr(other, field.part)
        if field.comparer is LABEL and (ours or theirs):
            # An amount without arms has those of its regimen.
            ours = ours or getattr(gold, field.part)
            theirs = theirs or getattr(predicted, field.part)
        if ours or not field.only_stated:
            yield ours, theirs


_KNOWN = {group.path: group.fields for group in GROUPS}


def pair_wholes(
    group: Group, field: Field, gold: ExtractedItem, predicted: ExtractedItem
) -> list[tuple[Any, Any]]:
    """Return the pairs of values of two items that agree, of which ``field`` is a part. Of several
    that agree, the value with more equal parts is taken.

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
    known = _KNOWN[group.path]
    whole = next(other for other in known if other.attribute == field.whole)
    parts = [one for one in known if one.whole == field.whole and not one.only_stated]

    def count_equal(one: Any, other: Any) -> float:
        if any(row.error for row in compare_values(whole, (one,), (other,))):
            return 0.0
        equal = 1.0
        for part in parts:
            values = getattr(one, part.part), getattr(other, part.part)
            equal += all(row.level for row in compare_values(part, *values))
        return equal

    return match_values(whole.read(gold), whole.read(predicted), count_equal, 1.0)[0]


def compare_values(field: Field, gold: Any, predicted: Any) -> list[JudgedValue]:
    """Pair the values of two items in a field, and return a row for each pair and for each value
    in no pair.

    >>> from .fields import DOSING
    >>> route = next(field for field in DOSING.fields if field.attribute == "route")
    >>> [
    ...     (row.verdict.value, row.error.value)
    ...     for row in compare_values(route, "oral", "topical")
    ... ]
    [('wrong', 'wrong_category')]
    """
    comparer = field.comparer
    # The order of a list must not decide which members are paired.
    ours = sorted(comparer.spread(gold), key=repr)
    theirs = sorted(comparer.spread(predicted), key=repr)
    if ours == theirs:
        return [JudgedValue(field, value, value, Level.EXACT) for value in ours]
    is_list = isinstance(gold, tuple) or max(len(ours), len(theirs)) > 1

    def measure(one: Any, other: Any) -> float:
        # A single value has no choice: it is compared with the other one, however unlike.
        return comparer.measure(one, other) if is_list else 1.0

    pairs, missed, invented = match_values(ours, theirs, measure, comparer.threshold)
    rows = [
        JudgedValue(field, one, other, *comparer.judge(one, other))
        for one, other in pairs
    ]
    rows += [JudgedValue(field, one, None, error=ErrorKind.MISSED) for one in missed]
    return rows + [
        JudgedValue(field, None, other, error=ErrorKind.INVENTED) for other in invented
    ]
