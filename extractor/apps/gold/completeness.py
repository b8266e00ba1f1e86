"""Warn of gold that seems to have only some items of a record: a run's others would be invented."""

from collections.abc import Iterator
from typing import Any

from extractor.apps.evaluation.fields import GROUPS, Field, Group, list_scored_groups
from extractor.apps.gold.marks import Problem
from extractor.schemas import TrialExtraction

_FEW = 0.6
"""The share of what the rules read below which gold seems to have only some. Judged: above it,
reader and rules may have cut a list differently.
"""
_FEWEST_OTHERS = 3
"""The fewest others that the rules read for a warning."""
_NOUNS = {
    "eligibility.criteria": "criteria",
    "dosing": "regimens",
    "endpoints": "endpoints",
}
_OF_EACH = (None, "quote", "agent", "measure")
"""Fields that each item has: the item itself, and what names it."""
_REMEDY = (
    "all others will count as invented: add them, or evaluate with --only-given, which scores the "
    "given items alone"
)


def warn_of_few(gold: dict[str, Any], by_rules: TrialExtraction) -> Iterator[Problem]:
    """Yield a warning for each list of gold that is much shorter than what the rules read in the
    record: of items if the list itself is scored, else of the values of each scored field.

    An empty list says that the record has none, and is no such list.
    """
    given = TrialExtraction.model_validate(gold)
    for group in list_scored_groups(GROUPS, given):
        if group.path not in _NOUNS or not group.items(given):
            continue
        is_whole_list = any(field.attribute in _OF_EACH for field in group.fields)
        if is_whole_list:
            noun = _NOUNS[group.path]
            counts = [(noun, len(group.items(given)), len(group.items(by_rules)))]
        else:
            counts = [
                (
                    f"values of {field.name}",
                    _count_values(field, group, given),
                    _count_values(field, group, by_rules),
                )
                for field in group.fields
                if field.whole is None
            ]
        for noun, ours, theirs in counts:
            if 0 < ours < _FEW * theirs and theirs - ours >= _FEWEST_OTHERS:
                problem = f"{ours} of about {theirs} {noun} that the rules read"
                yield Problem(given.record_id, problem, _REMEDY, warns=True)


def _count_values(field: Field, group: Group, extraction: TrialExtraction) -> int:
    """Return how many values the items of a group have in a field."""
    count = 0
    for item in group.items(extraction):
        value = field.read(item)
        if isinstance(value, tuple):
            count += len(value)
        elif value is not None:
            count += 1
    return count
