"""Compare the values of the user's own fields."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import Aligned, Side, match_values
from extractor.apps.pages import name_label
from extractor.apps.pages.words import say
from extractor.schemas import TrialExtraction


def compare_own(
    pair: Aligned, old: TrialExtraction, new: TrialExtraction
) -> Iterator[TrialChange]:
    """Yield the values of the user's own fields that only one version has, of a pair of items or,
    without, the record.

    They stand side by side in the order of the text.

    >>> blinding = (
    ...     {"blinding": [{"values": {"value": word}}]} for word in ("open", "double")
    ... )
    >>> versions = [
    ...     TrialExtraction(record_id="A", eligibility={}, custom=custom)
    ...     for custom in blinding
    ... ]
    >>> [change.message for change in compare_own(Aligned([], []), *versions)]
    ['blinding: open -> double']
    """
    for name in sorted(old.custom.keys() | new.custom.keys()):
        old_values = _list_values(name, old, pair.old)
        new_values = _list_values(name, new, pair.new)
        _, removed, added = match_values(old_values, new_values, _is_equal, threshold=1)
        label = name_label(name)
        for was, now in zip_longest(removed, added):
            if was and now:
                kind = ChangeKind.CHANGED
                message = f"{label}: {say(was.item.values)} -> {say(now.item.values)}"
            elif now:
                kind = ChangeKind.ADDED
                message = f"{label}: {say(now.item.values)} added"
            else:
                kind = ChangeKind.REMOVED
                message = f"{label}: {say(was.item.values)} removed"
            sides = ([was] if was else (), [now] if now else ())
            yield make_change(
                "custom", kind, ChangeSeverity.MAJOR, message, sides, name
            )


def _list_values(
    name: str, version: TrialExtraction, items: Sequence[Side]
) -> list[Side]:
    """Return the values of an own field that belong to these items; without items, to the
    record.
    """
    owners = {item.path for item in items} or {None}
    values = []
    for number, value in enumerate(version.custom.get(name, ())):
        if value.of not in owners:
            continue
        values.append(Side(value, f"custom.{name}[{number}]"))
    return values


def _is_equal(was: Side, now: Side) -> float:
    """Return 1 if two values of an own field are equal, else 0."""
    return float(was.item.values == now.item.values)
