"""The stated values of an item, each with its evidence."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from extractor.schemas.evidence import Evidence, ExtractedItem
from extractor.schemas.extraction import Constraint, TimeWindow, TrialExtraction

PARTS: Mapping[type, tuple[str, ...]] = {
    Constraint: ("condition",),
    TimeWindow: ("of", "anchor"),
}
"""The quotes that are parts of a value: for whom a limit holds, what a window limits, since
when.
"""

_UNPROVEN = frozenset(
    {"section", "rank", "index", "criteria", "turned", "demanded", "has_exception"}
)
"""Places, items of their own, and facts about how to read a criterion."""


class Value(NamedTuple):
    """One stated value, or one member of it if the field ``name`` is a list, with its evidence."""

    path: str
    name: str
    value: Any
    evidence: Sequence[Evidence]


def list_values(path: str, item: ExtractedItem) -> Iterator[Value]:
    """Yield the values of the item at ``path``, in schema order. Places, such as an endpoint's
    rank, are left out.

    >>> from extractor.schemas import Criterion
    >>> item = Criterion(
    ...     kind="inclusion", section="eligibility", quote="Weight over 40 kg"
    ... )
    >>> [(one.path, one.value) for one in list_values("eligibility.criteria[0]", item)][
    ...     1
    ... ]
    ('eligibility.criteria[0].quote', 'Weight over 40 kg')
    """
    if isinstance(said := getattr(item, "values", None), dict):  # of a user's own field
        held = {f"values.{name}": value for name, value in said.items()}
    else:
        held = {name: getattr(item, name) for name in _name_attributes(type(item))}
    for field, value in held.items():
        name = field.removeprefix("values.")
        if isinstance(value, tuple):
            whole = [one for one in item.evidence if one.field == field]
            for number, one in enumerate(value):
                member = f"{field}[{number}]"
                yield Value(
                    f"{path}.{member}", name, one, item.evidence_for(member) or whole
                )
        elif value is not None:
            yield Value(f"{path}.{field}", name, value, item.evidence_for(field))


def list_all_values(
    extraction: TrialExtraction,
) -> Iterator[tuple[Value, ExtractedItem]]:
    """Yield all values of an extraction, each once, with their items.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> [(value.path, value.value.value) for value, _ in list_all_values(extraction)]
    [('eligibility.sex', 'male')]
    """
    for path, item in extraction.list_items():
        # the first of the time windows stands in their list, too
        repeats_window = bool(getattr(item, "time_windows", False))
        for value in list_values(path, item):
            if not (repeats_window and value.name == "time_window"):
                yield value, item


@cache
def _name_attributes(kind: type[ExtractedItem]) -> tuple[str, ...]:
    return tuple(
        name
        for name in kind.model_fields
        if name not in ExtractedItem.model_fields and name not in _UNPROVEN
    )
