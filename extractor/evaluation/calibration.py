"""Count on gold of the user's own how often a model's values of their fields are right."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from extractor.fields.declaration import CustomField
from extractor.schemas import Origin, Support

from .alignment import align
from .fields import GROUPS, add_groups, list_judged
from .gold_files import ExtractionSource, open_extractions, restore_values
from .record_score import Count, RecordScore, compare_values

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
        """The share right, with one right and one wrong value added, so that few values claim little."""
        return round((self.right + 1) / (self.total + 2), 3)


def count_support(
    gold: ExtractionSource, predicted: ExtractionSource, fields: Sequence[CustomField]
) -> tuple[SupportShare, ...]:
    """How many values of a model are right, by field and support. A value that gold lacks is wrong."""
    ours, theirs = open_extractions(gold, "gold"), open_extractions(predicted, "predicted")
    groups, counts = add_groups(fields)[len(GROUPS) :], defaultdict[tuple[str, Support], Counter[bool]](Counter)
    for record_id in ours.record_ids:
        both = [restore_values(found, fields) for one in (ours, theirs) if (found := one.get(record_id))]
        for group in list_judged(groups, both[0]) if len(both) == 2 else ():
            for old, new in align(group, *both):
                item = new[0].item if new else None
                if item and item.support and item.origin is Origin.MODEL:
                    score = RecordScore(record_id)
                    for one in group.fields:
                        compare_values(score, one, one.read(old[0].item) if old else None, one.read(item))
                    is_right = all(one[Count.NORMALISED] == one[Count.PREDICTED] for one in score.counts.values())
                    counts[group.path.removeprefix("custom."), item.support][is_right] += 1
    return tuple(SupportShare(*key, count[True], count.total()) for key, count in sorted(counts.items()))
