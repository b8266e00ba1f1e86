"""Compare two extractions, such as gold and a prediction, field by field.

``compare`` is the one stream of what corresponding items say: scores count it, and diff puts it
into words.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from extractor.apps.evaluation.alignment import (
    KINDS,
    Aligned,
    Difference,
    Side,
    ValuePair,
    align,
    match_values,
)
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import Field, Group
from extractor.apps.evaluation.grouping import compare_groups
from extractor.schemas import ExtractedItem, TrialExtraction

_EXPLAINED = {
    ErrorKind.MISSED: {ErrorKind.MISSED},
    ErrorKind.INVENTED: {ErrorKind.INVENTED},
    ErrorKind.SPLIT: {ErrorKind.WORDING, ErrorKind.MISSED},
    ErrorKind.MERGED: {ErrorKind.WORDING, ErrorKind.INVENTED},
}
"""The errors of an item's fields that follow from an error of the item itself."""


def compare(
    old: TrialExtraction, new: TrialExtraction | None, groups: Iterable[Group]
) -> Iterator[Difference]:
    """Yield every field of all corresponding items in two extractions, equal or not. The order of
    lists is ignored.

    Without ``new``, all of ``old`` is missed.

    >>> from .fields import GROUPS
    >>> old, new = (
    ...     TrialExtraction.model_validate({"record_id": "A", "eligibility": {"sex": sex}})
    ...     for sex in ("female", "all")
    ... )
    >>> [
    ...     (one.field.name, one.values[0].error.value)
    ...     for one in compare(old, new, GROUPS)
    ...     if not one.is_equal
    ... ]
    [('eligibility.sex', 'wrong_category')]
    """
    aligned: dict[str, list[Aligned]] = {}
    listed = tuple(groups)
    for group in listed:
        aligned[group.path] = align(group, group.items(old), group.items(new) if new else ())
        for pair in aligned[group.path]:
            yield from compare_items(group, pair)
            parts = [
                *(Aligned([one], []) for one in pair.old[1:]),
                *(Aligned([], [one]) for one in pair.new[1:]),
            ]
            for one in (found for part in parts for found in compare_items(group, part)):
                yield one._replace(values=[value._replace(error=None) for value in one.values])
    fields = {field.name: field for group in listed for field in group.fields}
    if "eligibility.criteria" in aligned:
        yield from compare_groups(fields, old, new, aligned["eligibility.criteria"])


def compare_items(group: Group, pair: Aligned) -> Iterator[Difference]:
    """Yield every field of two corresponding items, or of one without a counterpart: first the item
    itself.

    If one of them was split, its first part is compared.
    """
    old, new = sides = [each[0] if each else Side() for each in pair]
    if len(pair.old) > 1:
        kind = ErrorKind.MERGED
    elif len(pair.new) > 1:
        kind = ErrorKind.SPLIT
    else:
        kind = None
    if not pair.new:
        kind = ErrorKind.MISSED
    elif not pair.old:
        kind = ErrorKind.INVENTED
    explained: set[ErrorKind] = set()
    is_paired = bool(pair.old and pair.new)
    for field in group.fields:
        if field.comparer.of_groups or (field.comparer.of_pairs and not is_paired):
            continue
        if field.whole:
            found = compare_parts(group, field, old.item, new.item) if is_paired else []
            if found:
                yield Difference(field, old, new, field.read(old.item), field.read(new.item), found)
            continue
        if field.attribute is None:
            named = ([KINDS[group.path].label(one.item) for one in each] for each in pair)
            ours, theirs = (
                labels if len(labels) > 1 else next(iter(labels), None) for labels in named
            )
            level = Level.EXACT if pair.old and pair.new else Level.NONE
            values = [ValuePair(ours, theirs, level, kind)]
            explained = _EXPLAINED.get(kind, set()) if kind else set()
        else:
            ours, theirs = (one.item and field.read(one.item) for one in sides)
            values = [
                one._replace(error=None) if one.error in explained else one
                for one in compare_values(field, ours, theirs)
            ]
        yield Difference(field, old, new, ours, theirs, values)


def compare_parts(
    group: Group, field: Field, old: ExtractedItem, new: ExtractedItem
) -> list[ValuePair]:
    """Compare a part of the values that two items have in common, such as what each time window
    limits.

    Of several equal values, those with equal parts are pairs.

    >>> from extractor.schemas import Criterion
    >>> from .fields import CRITERIA
    >>> known = {"kind": "exclusion", "section": "eligibility", "quote": "Aspirin within 2 weeks"}
    >>> window = {"quote": "within 2 weeks", "comparator": "<=", "value": 2, "unit": "week"}
    >>> old, new = (
    ...     Criterion.model_validate(known | {"time_windows": [window | {"of": of}]})
    ...     for of in ("aspirin", "warfarin")
    ... )
    >>> field = next(field for field in CRITERIA.fields if field.attribute == "time_windows.of")
    >>> [
    ...     (pair.old, pair.new, pair.error.value)
    ...     for pair in compare_parts(CRITERIA, field, old, new)
    ... ]
    [('aspirin', 'warfarin', 'wording')]
    """
    whole = next(one for one in group.fields if one.attribute == field.whole)
    parts = [one for one in group.fields if one.whole == field.whole and not one.only_stated]

    def agree(one: Any, other: Any) -> bool:
        sides = [whole.comparer.spread((each,)) for each in (one, other)]
        return len(sides[0]) == len(sides[1]) and not any(
            level < Level.NORMALISED or error for level, error in map(whole.comparer.judge, *sides)
        )

    def is_same(part: Field, *values: Any) -> bool:
        said = (getattr(value, part.part) for value in values)
        return all(pair.level >= Level.NORMALISED for pair in compare_values(part, *said))

    def measure(one: Any, other: Any) -> float:
        return 1.0 + sum(is_same(part, one, other) for part in parts) if agree(one, other) else 0.0

    found: list[ValuePair] = []
    for one, other in match_values(field.read(old), field.read(new), measure, 1.0)[0]:
        was, now = (getattr(each, field.part) for each in (one, other))
        if (field.only_stated and not was) or (field.comparer.of_pairs and not was and not now):
            continue
        if field.comparer.of_pairs:  # without arms of its own, an amount has those of the regimen
            was = was or getattr(old, field.part)
            now = now or getattr(new, field.part)
        found += [pair._replace(wholes=(one, other)) for pair in compare_values(field, was, now)]
    return [pair._replace(error=None) for pair in found] if field.only_stated else found


def compare_values(field: Field, old: Any, new: Any) -> list[ValuePair]:
    """Pair the values that two items have in a field, and say how far they agree.

    >>> from .fields import DOSING
    >>> route = next(field for field in DOSING.fields if field.attribute == "route")
    >>> [(pair.level.name, pair.error.value) for pair in compare_values(route, "oral", "topical")]
    [('NONE', 'wrong_category')]
    """
    comparer = field.comparer
    ours, theirs = (sorted(comparer.spread(value), key=repr) for value in (old, new))
    if ours == theirs:
        return [ValuePair(value, value, Level.EXACT, None) for value in ours]
    is_list = isinstance(old, tuple) or max(len(ours), len(theirs)) > 1

    def measure(one: Any, other: Any) -> float:
        # equal members are a pair
        return comparer.likeness(one, other) + 0.01 * (one == other) if is_list else 1.0

    both, missed, invented = match_values(ours, theirs, measure, comparer.threshold)
    found = [ValuePair(*values, *comparer.judge(*values)) for values in both]
    found += [ValuePair(value, None, Level.NONE, ErrorKind.MISSED) for value in missed]
    return [*found, *(ValuePair(None, value, Level.NONE, ErrorKind.INVENTED) for value in invented)]
