"""The table of judged values: one row for each value of gold, of the prediction, or of both.

Scores, errors, calibration and pages are groupings of these rows.
"""

from enum import StrEnum
from typing import Any, NamedTuple

from extractor.apps.evaluation.alignment import NOWHERE, Side
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import Field


class Verdict(StrEnum):
    """What became of a value.

    - ``right``: gold and prediction agree, also in another unit or under another name.
    - ``wrong``: both have a value, and these differ.
    - ``missed``: only gold has it.
    - ``invented``: only the prediction has it.
    - ``empty``: both leave the field of an item empty. Such rows are in no F1.
    """

    RIGHT = "right"
    WRONG = "wrong"
    MISSED = "missed"
    INVENTED = "invented"
    EMPTY = "empty"


class JudgedValue(NamedTuple):
    """A row: a value that an item has in a field in gold, its counterpart in the prediction, and
    how far they agree.

    A value without a counterpart is beside None. The value of an item itself is its label; of
    several parts of an item, the list of their labels. ``error`` is None if the values agree, or if
    an error of the whole item explains the difference. ``belongs_to`` is gold's path of a value
    that is on a wrong item.
    """

    field: Field
    gold: Any
    predicted: Any
    level: Level = Level.NONE
    error: ErrorKind | None = None
    gold_item: Side = NOWHERE
    predicted_item: Side = NOWHERE
    belongs_to: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What became of the value."""
        if self.gold is None and self.predicted is None:
            return Verdict.EMPTY
        if self.gold is None:
            return Verdict.INVENTED
        if self.predicted is None:
            return Verdict.MISSED
        if self.level < Level.NORMALISED:
            return Verdict.WRONG
        return Verdict.RIGHT

    @property
    def is_paired(self) -> bool:
        """Whether both extractions have the item."""
        return self.gold_item.item is not None and self.predicted_item.item is not None

    @property
    def gold_path(self) -> str | None:
        """The value's path in gold, such as ``dosing[1].route``; None if gold lacks the item."""
        return self._join_path(self.gold_item)

    @property
    def predicted_path(self) -> str | None:
        """The value's path in the prediction; None if that lacks the item."""
        return self._join_path(self.predicted_item)

    def _join_path(self, side: Side) -> str | None:
        if side.path is None or self.field.attribute is None:
            return side.path
        return f"{side.path}.{self.field.attribute}"
