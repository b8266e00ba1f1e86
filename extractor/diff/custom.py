"""Compare the user's own fields of two versions."""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from extractor.fields.value_forms import show_value
from extractor.pages import name_label
from extractor.schemas import CustomItem, TrialExtraction

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange


def compare_custom(old: TrialExtraction, new: TrialExtraction) -> Iterator[TrialChange]:
    """Yield the values that only one version has. Those of one field stand side by side, in the order of the text.

    >>> one, other = (
    ...     {"record_id": "A", "eligibility": {}, "custom": {"blinding": [{"values": {"value": word}}]}}
    ...     for word in ("open", "double")
    ... )
    >>> [change.message for change in compare_custom(*map(TrialExtraction.model_validate, (one, other)))]
    ['blinding: open -> double']
    """
    for name in sorted(old.custom.keys() | new.custom.keys()):
        before, after = (dict(enumerate(each.custom.get(name, ()))) for each in (old, new))
        for index, item in tuple(before.items()):
            same = next((at for at, other in after.items() if other.values == item.values), None)
            if same is not None:
                del before[index], after[same]
        for was, now in zip_longest(before.items(), after.items()):
            yield _make_change(name, was and _state(name, *was), now and _state(name, *now))


def _state(name: str, index: int, item: CustomItem) -> StatedValue:
    citations = tuple(dict.fromkeys(one.cite() for one in item.evidence))
    return StatedValue(path=f"custom.{name}[{index}]", value=_show(item), citations=citations)


def _show(item: CustomItem) -> str:
    members = (one for value in item.values.values() for one in (value if isinstance(value, tuple) else (value,)))
    return ", ".join(map(show_value, members))


def _make_change(name: str, old: StatedValue | None, new: StatedValue | None) -> TrialChange:
    kind = ChangeKind.CHANGED if old and new else ChangeKind.ADDED if new else ChangeKind.REMOVED
    sides: list[Any] = [one.value for one in (old, new) if one]
    said = " -> ".join(sides) if old and new else f"{sides[0]} {kind.value}"
    return TrialChange(
        item="custom",
        kind=kind,
        severity=ChangeSeverity.MAJOR,
        field=name,
        message=f"{name_label(name)}: {said}",
        old=old,
        new=new,
    )
