"""The table of judged values: a row for each value of gold, of the prediction, or of both."""

from enum import StrEnum
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python

from extractor.apps.evaluation.alignment import NOWHERE, Side
from extractor.apps.evaluation.comparers import NOTHING, ErrorKind, Level
from extractor.apps.evaluation.fields import Field
from extractor.apps.evaluation.places import name_home
from extractor.apps.evaluation.report import ErrorExample, ErrorSide

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

    def describe_error(self, record_id: str) -> ErrorExample:
        """Return the error as a report has it: both sides with their places."""
        assert self.error
        return ErrorExample(
            kind=self.error,
            harm=self.error.harm * self.field.weight,
            record_id=record_id,
            field=self.field.name,
            gold=_describe(self.field, self.gold_item, self.gold),
            predicted=_describe(self.field, self.predicted_item, self.predicted),
        )


def _describe(field: Field, side: Side, value: Any) -> ErrorSide | None:
    item = side.item
    if item is None:
        return None
    place = f".{field.attribute}" if field.attribute else ""
    evidence = item.evidence_for(field.attribute or "quote")
    return ErrorSide(
        path=f"{side.path}{place}",
        value=None if value == NOTHING else to_jsonable_python(value),
        section=name_home(item),
        quote=getattr(item, "quote", None) or getattr(item, "measure", None),
        evidence=tuple(dict.fromkeys(one.cite() for one in evidence)),
        confidence=item.confidence,
    )
