"""Where a prediction and gold disagree, and which of it is a right value on a wrong item."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.schemas import TrialExtraction

from .fields import Field
from .kinds import HARM, ErrorKind

__all__ = ["Disagreement", "RecordErrors", "find_wrong_pairings"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One value, or one item, that is not as gold has it. An absent side is None.

    ``belongs_to`` is where gold has the value that stands on a wrong item.
    """

    kind: ErrorKind
    field: Field
    record_id: str
    gold: Any = None
    predicted: Any = None
    gold_path: str | None = None
    predicted_path: str | None = None
    gold_item: Any = None
    predicted_item: Any = None
    belongs_to: str | None = None

    @property
    def harm(self) -> float:
        """Harm of the kind, times the weight of the field."""
        return HARM[self.kind] * self.field.weight


@dataclass(frozen=True, slots=True)
class RecordErrors:
    """All disagreements of one record, with both extractions and the place of each, such as "run.jsonl, line 3"."""

    gold: TrialExtraction
    predicted: TrialExtraction | None
    gold_place: str
    predicted_place: str | None
    found: tuple[Disagreement, ...]


def find_wrong_pairings(found: Sequence[Disagreement]) -> list[Disagreement]:
    """The disagreements of one record, with values on a wrong item recognised.

    A predicted value is on the wrong item if gold has it at another place of the same family where it
    was not predicted. A place that only misses it is the other half of that error, and left out.
    """
    lost: dict[tuple[str, Any], list[int]] = defaultdict(list)
    for position, one in enumerate(found):
        if one.field.family and one.gold is not None and not _has_right_value(one):
            lost[one.field.family, one.field.shape.key(one.gold)].append(position)
    moved: dict[int, int] = {}
    for position, one in enumerate(found):
        if one.field.family and one.predicted is not None and not _has_right_value(one):
            places = lost.get((one.field.family, one.field.shape.key(one.predicted)))
            if places:
                moved[position] = places.pop(0)
    halves = {origin for origin in moved.values() if found[origin].predicted is None}
    return [
        replace(one, kind=ErrorKind.WRONG_PAIRING, belongs_to=found[moved[position]].gold_path)
        if position in moved
        else one
        for position, one in enumerate(found)
        if position not in halves
    ]


def _has_right_value(one: Disagreement) -> bool:
    """Whether the values agree, and something else about them was remarked upon."""
    if one.gold is None or one.predicted is None:
        return False
    key = one.field.shape.key
    return key(one.gold) == key(one.predicted)
