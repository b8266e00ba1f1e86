"""Count on a user's own gold how often a model's values of their fields are right."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from extractor.apps.evaluation.comparers import Level
from extractor.apps.evaluation.differences import compare
from extractor.apps.evaluation.fields import GROUPS, add_groups, list_judged
from extractor.apps.evaluation.gold_files import ExtractionSource, open_extractions, restore_values
from extractor.concepts.own.declaration import CustomField
from extractor.schemas import FieldRef, Origin, Support

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
    ours = open_extractions(gold, "gold")
    theirs = open_extractions(predicted, "predicted")
    groups = add_groups(fields)[len(GROUPS) :]
    counts = defaultdict[tuple[str, Support], Counter[bool]](Counter)
    for record_id in ours.record_ids:
        annotated = ours.get(record_id)
        extraction = theirs.get(record_id)
        if annotated is None or extraction is None:
            continue
        old, new = (restore_values(one, fields) for one in (annotated, extraction))
        stream = compare(old, new, list_judged(groups, old))
        for path, fields_of in groupby(stream, lambda one: one.new_side.path or ""):
            differences = list(fields_of)
            item = differences[0].new_side.item
            if item and item.support and item.origin is Origin.MODEL:
                pairs = (pair for one in differences for pair in one.values if pair.new is not None)
                is_right = all(pair.level >= Level.NORMALISED for pair in pairs)
                counts[FieldRef(path).path.removeprefix("custom."), item.support][is_right] += 1
    return tuple(
        SupportShare(*key, count[True], count.total()) for key, count in sorted(counts.items())
    )
