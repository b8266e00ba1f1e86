"""Count on a user's own gold how often a model's values of their fields are right."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.apps.evaluation.fields import GROUPS, add_groups, list_judged
from extractor.apps.evaluation.gold_files import (
    ExtractionSource,
    open_extractions,
    restore_values,
)
from extractor.apps.evaluation.judge import judge
from extractor.apps.evaluation.judged import Verdict
from extractor.concepts.own.declaration import CustomField
from extractor.schemas import CustomItem, FieldRef, Origin, Support, TrialExtraction

LEAST_VALUES = 50
"""Values of a field from which on their shares are used as confidences."""


class SupportShare(NamedTuple):
    """How many values of a field with one kind of support are right."""

    field: str
    support: Support
    right: int
    total: int

    @property
    def confidence(self) -> float:
        """The share right, with one right and one wrong value added, so that few values claim
        little.
        """
        return round((self.right + 1) / (self.total + 2), 3)


def count_support(
    gold: ExtractionSource, predicted: ExtractionSource, fields: Sequence[CustomField]
) -> tuple[SupportShare, ...]:
    """Count how many values of a model are right, by field and support. A value that gold lacks
    is wrong.
    """
    annotations = open_extractions(gold, "gold")
    predictions = open_extractions(predicted, "predicted")
    right = Counter[tuple[str, Support]]()
    total = Counter[tuple[str, Support]]()
    for record_id in annotations.record_ids:
        prediction = predictions.get(record_id)
        if prediction is None:
            continue
        ours = restore_values(annotations.read(record_id), fields)
        theirs = restore_values(prediction, fields)
        for field, support, is_right in _judge_values(ours, theirs, fields):
            total[field, support] += 1
            if is_right:
                right[field, support] += 1
    return tuple(
        SupportShare(field, support, right[field, support], count)
        for (field, support), count in sorted(total.items())
    )


def _judge_values(
    gold: TrialExtraction, predicted: TrialExtraction, fields: Sequence[CustomField]
) -> Iterator[tuple[str, Support, bool]]:
    """Yield field and support of each value of a model, and whether all of its attributes are
    right.
    """
    own = add_groups(fields)[len(GROUPS) :]
    items: dict[str, CustomItem] = {}
    wrong: set[str] = set()
    for row in judge(gold, predicted, list_judged(own, gold)):
        path = row.predicted_item.path
        if path is None or row.predicted is None:
            continue
        items[path] = row.predicted_item.item
        # One wrong attribute makes the value wrong.
        if row.verdict is not Verdict.RIGHT:
            wrong.add(path)
    for path, item in items.items():
        if not item.support or item.origin is not Origin.MODEL:
            continue
        field = FieldRef(path).path.removeprefix("custom.")
        yield field, item.support, path not in wrong
