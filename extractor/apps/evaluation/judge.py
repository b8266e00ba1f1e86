"""Compare an extraction with gold: one row for each value in gold, in the prediction, or
in both.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from extractor.apps.evaluation.alignment import (
    NOWHERE,
    PairSide,
    align,
    match_values,
)
from extractor.apps.evaluation.comparers import HARM, LABEL, NOTHING, ErrorKind, Verdict
from extractor.apps.evaluation.fields import FIELDS, Field, FieldGroup
from extractor.apps.evaluation.grouping import describe_groups
from extractor.apps.evaluation.report import ErrorExample, ErrorSide
from extractor.apps.evaluation.text import measure_overlap
from extractor.apps.values import find_words, name_home
from extractor.face import list_members
from extractor.schemas import CustomItem, ExtractedItem, FieldRef, TrialExtraction

_LEAST_NESTED = 0.5
"""Nested objects in a list are not paired if they are less similar."""
_LONGEST_RANKED = 500
"""Length of the text by which equally harmful errors of a field are sorted."""
_AGREES = 1.0
"""The similarity of values that agree, to which the overlap of their words is added. Values that
disagree have 0.
"""

_Pairs = Iterator[tuple[object, object]]
"""Values in gold and in the prediction."""


class JudgedValue(NamedTuple):
    """A value in gold and its counterpart in the prediction. A missing side is None.

    Attributes:
        field: The field.
        gold: The value in gold: the item's words if the field represents the item itself, or a list
            if there are several parts.
        predicted: The value in the prediction.
        verdict: Whether the values agree.
        error: The kind of error; None if the values agree or if an error in the whole item
            explains the difference.
        gold_item: The item in gold.
        predicted_item: The item in the prediction.
    """

    field: Field
    gold: object
    predicted: object
    verdict: Verdict
    error: ErrorKind | None = None
    gold_item: PairSide = NOWHERE
    predicted_item: PairSide = NOWHERE

    @property
    def rank(self) -> tuple[object, ...]:
        """The key for sorting the errors of a record: the harm of the error, the field, and the
        paths and values of both sides, as text.
        """
        words: list[str] = []
        for side, value in self._sides:
            if side.item:
                words.append(f"{side.path} {_to_json(value)!r}"[:_LONGEST_RANKED])
            else:
                words.append("")
        return -self._harm, self.field.name, *words

    @property
    def _harm(self) -> float:
        assert self.error
        return HARM[self.error] * self.field.weight

    @property
    def _sides(self) -> Sequence[tuple[PairSide, object]]:
        return (self.gold_item, self.gold), (self.predicted_item, self.predicted)

    def describe_error(self, record_id: str, *, with_sides: bool) -> ErrorExample:
        """Return the error as an entry of the report, with the locations of both sides. Without
        them, it can only be counted.
        """
        assert self.error
        gold = None
        predicted = None
        if with_sides:
            gold, predicted = (_describe(self.field, *side) for side in self._sides)
        return ErrorExample(
            kind=self.error,
            harm=self._harm,
            record_id=record_id,
            field=self.field.name,
            gold=gold,
            predicted=predicted,
        )


def _describe(field: Field, side: PairSide, value: object) -> ErrorSide | None:
    """Return one side of an error for the report, or None if the extraction lacks the item."""
    item = side.item
    if item is None:
        return None
    # the field of the item itself is supported by the item's words
    attribute = field.attribute or "quote"
    evidence = item.evidence_for(attribute)
    # the paths of values in nested lists have positions
    if not evidence and isinstance(item, CustomItem):
        ref = FieldRef(attribute)
        pieces = item.evidence
        evidence = tuple(p for p in pieces if ref.covers(FieldRef(p.field).path))
    return ErrorSide(
        path=".".join(filter(None, (side.path, field.attribute))),
        value=_to_json(value),
        section=name_home(item),
        quote=find_words(item),
        evidence=tuple(dict.fromkeys(piece.cite() for piece in evidence)),
        confidence=item.confidence,
    )


def _to_json(value: object) -> Any:
    """Return a value as JSON; a missing part of a value is null."""
    if value != NOTHING:
        return to_jsonable_python(value)
    return None


def judge(
    gold: TrialExtraction,
    predicted: TrialExtraction | None,
    groups: Iterable[FieldGroup],
    *,
    only_given: bool = False,
) -> list[JudgedValue]:
    """Return the rows for a record: one for every value of the fields in ``groups``.

    If there is no prediction, all gold values count as missed. Unpaired predicted items count as
    invented. With ``only_given``, they are ignored if gold contains items of the same group.

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
    gold = describe_groups(gold)
    predicted = predicted and describe_groups(predicted)
    for group in groups:
        gold_items = group.items(gold)
        predicted_items: Sequence[ExtractedItem] = ()
        if predicted:
            predicted_items = group.items(predicted)
        # an empty list in gold states that there is no item, so all items are invented
        ignores_others = only_given and bool(gold_items)
        for gold_side, predicted_side in align(group, gold_items, predicted_items):
            if ignores_others and gold_side.item is None:
                continue
            rows += _judge_items(group, gold_side, predicted_side)
    return rows


def _judge_items(
    group: FieldGroup, gold: PairSide, predicted: PairSide
) -> Iterator[JudgedValue]:
    """Yield the row for two paired items, or for an unpaired item, followed by the rows for their
    fields. If the item is unpaired, the errors of its fields are omitted.
    """
    is_pair = bool(gold.item and predicted.item)
    has_item_row = any(field.attribute is None for field in group.fields)
    # the row of a missed or invented item already counts as an error
    is_explained = has_item_row and not is_pair
    for field in group.fields:
        for ours, theirs in _pair_values(field, gold.item, predicted.item):
            for row in compare_values(field, ours, theirs):
                error = row.error
                if field.attribute and is_explained:
                    error = None
                yield row._replace(
                    error=error, gold_item=gold, predicted_item=predicted
                )


def _pair_values(
    field: Field, gold: ExtractedItem | None, predicted: ExtractedItem | None
) -> _Pairs:
    """Yield (gold, predicted) pairs of a field's values in two items. If one of the items is None,
    its values are None. Arms, and a part of a value, such as ``of`` in time windows, are compared
    only in items that both have; for a part, several pairs or none may be yielded.
    """
    if field.attribute is None:
        yield _label(gold), _label(predicted)
        return
    is_nested = field.task == "custom" and len(field.steps) > 1
    if is_nested:
        sides = (getattr(item, "values", None) for item in (gold, predicted))
        yield from _pair_nested(field.steps, *sides)
        return
    if gold and predicted and field.whole:
        yield from _pair_parts(field, gold, predicted)
        return
    is_unpaired = gold is None or predicted is None
    needs_both = field.whole or field.comparer is LABEL
    if is_unpaired and needs_both:
        return
    # the value of a missing item is None, like the item
    yield gold and field.read(gold), predicted and field.read(predicted)


def _read_member(value: object, name: str) -> Any:
    """Return the member of an object, or None if there is none."""
    if isinstance(value, Mapping):
        return value.get(name)
    return None


def _pair_nested(names: Sequence[str], gold: object, predicted: object) -> _Pairs:
    """Yield (gold, predicted) pairs of an attribute's values in nested objects. ``names`` lead to
    the attribute. The objects of a list are paired by their words, so that a value is compared only
    with that of its own counterpart; the values of an object without a counterpart are paired with
    None.
    """
    name, *rest = names
    gold_value = _read_member(gold, name)
    predicted_value = _read_member(predicted, name)
    if not rest:
        yield gold_value, predicted_value
        return
    are_lists = isinstance(gold_value, tuple) or isinstance(predicted_value, tuple)
    if not are_lists:
        yield from _pair_nested(rest, gold_value, predicted_value)
        return
    paired, missed, invented = match_values(
        gold_value or (), predicted_value or (), _compare_objects, _LEAST_NESTED
    )
    for gold_member, predicted_member in paired:
        yield from _pair_nested(rest, gold_member, predicted_member)
    for member in missed:
        yield from _pair_nested(rest, member, None)
    for member in invented:
        yield from _pair_nested(rest, None, member)


def _compare_objects(
    gold: Mapping[str, object], predicted: Mapping[str, object]
) -> float:
    """Return the similarity of two nested objects, from 0 to 2 (equal): that of gold's first
    attribute, which usually names the object, and that of all their attributes together.
    """
    first = next(iter(gold), "")
    names = measure_overlap(str(gold.get(first)), str(predicted.get(first)))
    words = (" ".join(map(str, side.values())) for side in (gold, predicted))
    return names + measure_overlap(*words)


def _pair_parts(field: Field, gold: ExtractedItem, predicted: ExtractedItem) -> _Pairs:
    """Yield (gold, predicted) pairs of a part, such as ``of``, in agreeing values of two items."""
    read_part = attrgetter(field.part)
    for pair in pair_wholes(field, gold, predicted):
        ours, theirs = map(read_part, pair)
        # an amount without arms applies to its regimen's arms
        if field.comparer is LABEL and (ours or theirs):
            ours, theirs = ours or read_part(gold), theirs or read_part(predicted)
        yield ours, theirs


def _label(item: ExtractedItem | None) -> str | None:
    """Return the words that stand for an item in the report: "zinc: zinc 5 mg daily"."""
    agent = getattr(item, "agent", None)
    words = find_words(item)
    if agent:
        return f"{agent}: {words}"
    return words


def pair_wholes(
    field: Field, gold: ExtractedItem, predicted: ExtractedItem
) -> list[tuple[object, object]]:
    """Return (gold, predicted) pairs of the values that contain the part ``field`` and agree in
    what identifies them. Their parts may differ: the two windows below are both of 2 weeks, but of
    different treatments. If a value agrees with several values, the most similar value is chosen.
    A value that agrees with none is left out.

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
    >>> [(one.of, other.of) for one, other in pair_wholes(of, gold, predicted)]
    [('aspirin', 'warfarin')]
    """
    name_of_whole, _, _ = field.name.rpartition(".")
    whole = _BY_NAME[name_of_whole]

    def compare(gold_value: object, predicted_value: object) -> float:
        rows = compare_values(whole, (gold_value,), (predicted_value,))
        if any(row.error for row in rows):
            return 0.0
        return _AGREES + measure_overlap(repr(gold_value), repr(predicted_value))

    gold_values, predicted_values = (
        list_members(whole.read(item)) for item in (gold, predicted)
    )
    pairs, _, _ = match_values(gold_values, predicted_values, compare, _AGREES)
    return pairs


_BY_NAME = {field.name: field for field in FIELDS}


def _rate_alike(gold: object, predicted: object) -> float:  # noqa: ARG001 - as other measures
    """Rate any two values as alike."""
    return 1.0


def compare_values(field: Field, gold: object, predicted: object) -> list[JudgedValue]:
    """Pair the values of a field in two items. Return a row for each pair and for each unpaired
    value; the list is empty if neither item has a value. ``gold`` and ``predicted`` are each a
    value, a tuple (for a list), or None.

    >>> from .fields import DOSING
    >>> route = next(field for field in DOSING.fields if field.attribute == "route")
    >>> [
    ...     (row.verdict.value, row.error.value)
    ...     for row in compare_values(route, "oral", "topical")
    ... ]
    [('wrong', 'wrong_category')]
    """
    # that both lack a text is no value in the totals, such as the condition of a limit; it is one
    # beside the totals, such as the treatment that a window belongs to
    if gold is None and predicted is None and field.in_total:
        return []
    comparer = field.comparer
    # The order of a list must not affect which members are paired.
    gold_values = sorted(comparer.spread(gold), key=repr)
    predicted_values = sorted(comparer.spread(predicted), key=repr)
    if gold_values == predicted_values:
        return [
            JudgedValue(field, value, value, Verdict.RIGHT) for value in gold_values
        ]
    longest = max(len(gold_values), len(predicted_values))
    is_list = isinstance(gold, tuple) or longest > 1
    measure: Callable[[Any, Any], float] = comparer.measure
    # a single value is always compared with the other one, however different it is
    if not is_list:
        measure = _rate_alike
    pairs, missed, invented = match_values(
        gold_values, predicted_values, measure, comparer.threshold
    )
    rows = [JudgedValue(field, *pair, *comparer.judge(*pair)) for pair in pairs]
    rows += [
        JudgedValue(field, value, None, Verdict.MISSED, ErrorKind.MISSED)
        for value in missed
    ]
    rows += [
        JudgedValue(field, None, value, Verdict.INVENTED, ErrorKind.INVENTED)
        for value in invented
    ]
    return rows
