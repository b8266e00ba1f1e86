"""Count on a user's own gold how often a model's values of their fields are right."""

from collections import Counter, defaultdict
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
    annotated = open_extractions(gold, "gold")
    found = open_extractions(predicted, "predicted")
    counts = defaultdict[tuple[str, Support], Counter[bool]](Counter)
    for record_id in annotated.record_ids:
        extraction = found.get(record_id)
        if extraction is None:
            continue
        ours = restore_values(annotated.read(record_id), fields)
        theirs = restore_values(extraction, fields)
        for field, support, is_right in _judge_values(ours, theirs, fields):
            counts[field, support][is_right] += 1
    return tuple(
        SupportShare(*key, count[True], count.total())
        for key, count in sorted(counts.items())
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
        if row.verdict is not Verdict.RIGHT:
            wrong.add(path)
    for path, item in items.items():
        if item.support and item.origin is Origin.MODEL:
            yield (
                FieldRef(path).path.removeprefix("custom."),
                item.support,
                path not in wrong,
            )
