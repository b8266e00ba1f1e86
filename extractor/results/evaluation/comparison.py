"""Compare two extractions field by field: the one stream that scores count, and that diff puts into words."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from extractor.schemas import TrialExtraction

from .alignment import KINDS, Aligned, Side, align, match_values
from .comparers import ErrorKind, Level
from .fields import ENDPOINTS, INDEX, Field, Group

_EXPLAINED = {
    ErrorKind.MISSED: {ErrorKind.MISSED},
    ErrorKind.INVENTED: {ErrorKind.INVENTED},
    ErrorKind.SPLIT: {ErrorKind.WORDING, ErrorKind.MISSED},
    ErrorKind.MERGED: {ErrorKind.WORDING, ErrorKind.INVENTED},
}
"""The errors of an item's fields that follow from an error of the item itself."""


class ValuePair(NamedTuple):
    """Two values of a field, and how far they agree. A value without a counterpart is paired with None.

    ``error`` is None if the values agree, or if an error of the whole item explains the difference.
    """

    old: Any
    new: Any
    level: Level
    error: ErrorKind | None


class Difference(NamedTuple):
    """What two corresponding items say in one field, as wholes (``old``, ``new``) and value by value.

    A side is empty if its extraction lacks the item. The values of an item itself are the labels of its parts.
    """

    field: Field
    old_side: Side
    new_side: Side
    old: Any
    new: Any
    values: list[ValuePair]

    @property
    def is_paired(self) -> bool:
        """Whether both extractions have the item."""
        return self.old_side.item is not None and self.new_side.item is not None

    @property
    def is_equal(self) -> bool:
        """Whether both sides say the same, also in another unit or under another name."""
        return all(pair.level >= Level.NORMALISED for pair in self.values)


def compare(old: TrialExtraction, new: TrialExtraction | None, groups: Iterable[Group]) -> Iterator[Difference]:
    """Yield every field of all corresponding items in two extractions, equal or not. The order of lists is ignored.

    Without ``new``, all of ``old`` is missed.

    >>> from .fields import GROUPS
    >>> old, new = (
    ...     TrialExtraction.model_validate({"record_id": "A", "eligibility": {"sex": sex}}) for sex in ("female", "all")
    ... )
    >>> [(one.field.name, one.values[0].error.value) for one in compare(old, new, GROUPS) if not one.is_equal]
    [('eligibility.sex', 'wrong_category')]
    """
    for group in groups:
        for pair in align(group, group.items(old), group.items(new) if new else ()):
            yield from compare_items(group, pair)
            if pair.old and pair.new:
                parts = [*(Aligned([one], []) for one in pair.old[1:]), *(Aligned([], [one]) for one in pair.new[1:])]
                for one in (found for part in parts for found in compare_items(group, part)):
                    yield one._replace(values=[value._replace(error=None) for value in one.values])


def compare_items(group: Group, pair: Aligned) -> Iterator[Difference]:
    """Yield every field of two corresponding items, or of one without a counterpart: first the item itself.

    If one of them was split, its first part is compared.
    """
    old, new = sides = [each[0] if each else Side() for each in pair]
    kind = ErrorKind.MERGED if len(pair.old) > 1 else ErrorKind.SPLIT if len(pair.new) > 1 else None
    kind = ErrorKind.MISSED if not pair.new else ErrorKind.INVENTED if not pair.old else kind
    explained: set[ErrorKind] = set()
    for field in group.fields:
        if field.attribute is None:
            named = ([KINDS[group.path].label(one.item) for one in each] for each in pair)
            ours, theirs = (labels if len(labels) > 1 else next(iter(labels), None) for labels in named)
            level = Level.EXACT if pair.old and pair.new else Level.NONE
            values, explained = [ValuePair(ours, theirs, level, kind)], _EXPLAINED.get(kind, set()) if kind else set()
        else:
            ours, theirs = (one.item and field.read(one.item) for one in sides)
            values = [
                one._replace(error=None) if one.error in explained else one
                for one in compare_values(field, ours, theirs)
            ]
        yield Difference(field, old, new, ours, theirs, values)
    # If the rank differs, comparing positions in it is meaningless.
    if group is ENDPOINTS and pair.old and pair.new and old.item.rank == new.item.rank:
        ours, theirs = (INDEX.read(one.item) for one in sides)
        yield Difference(INDEX, old, new, ours, theirs, compare_values(INDEX, ours, theirs))


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
        return comparer.likeness(one, other) + 0.01 * (one == other) if is_list else 1.0  # equal members are a pair

    both, missed, invented = match_values(ours, theirs, measure, comparer.threshold)
    found = [ValuePair(*values, comparer.level(*values), comparer.find_error(*values)) for values in both]
    found += [ValuePair(value, None, Level.NONE, ErrorKind.MISSED) for value in missed]
    return [*found, *(ValuePair(None, value, Level.NONE, ErrorKind.INVENTED) for value in invented)]
