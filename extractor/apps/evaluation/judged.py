"""The table of judged values: a row for each value of gold, of the prediction, or of both."""

from enum import StrEnum
from typing import Any, NamedTuple

from extractor.apps.evaluation.alignment import NOWHERE, Side
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import Field

Verdict = StrEnum("Verdict", "RIGHT WRONG MISSED INVENTED")
Verdict.__doc__ = """The result for a value.

- ``right``: both agree, also in another unit or under another name.
- ``wrong``: both have a value, and these differ.
- ``missed``: only gold has it.
- ``invented``: only the prediction has it.
"""


class JudgedValue(NamedTuple):
    """A value of an item in gold and its counterpart in the prediction; None if one has none.

    Attributes:
        field: The field.
        gold: The value in gold. That of an item itself is its label; of several parts, a list.
        predicted: The value in the prediction.
        level: How far they agree.
        error: The kind of error; None if they agree, or if an error of the whole item explains
            the difference.
        gold_item: The item in gold.
        predicted_item: The item in the prediction.
    """

    field: Field
    gold: Any
    predicted: Any
    level: Level = Level.NONE
    error: ErrorKind | None = None
    gold_item: Side = NOWHERE
    predicted_item: Side = NOWHERE

    @property
    def verdict(self) -> Verdict:
        """The result for the value."""
        if self.gold is None:
            return Verdict.INVENTED
        if self.predicted is None:
            return Verdict.MISSED
        return Verdict.RIGHT if self.level else Verdict.WRONG

    def locate(self, side: Side) -> str | None:
        """Return the value's path in an extraction; None if that lacks the item."""
        if side.path is None or self.field.attribute is None:
            return side.path
        return f"{side.path}.{self.field.attribute}"
