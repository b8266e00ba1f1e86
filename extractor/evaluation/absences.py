"""Reasons for empty fields held against gold: where gold has a value, the reason explains away what is there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from extractor.schemas import AbsenceReason, TrialExtraction

from .fields import CRITERIA, DOSING, ENDPOINTS, Group

__all__ = ["JudgedAbsence", "Reasons", "judge_item", "judge_lists"]

Reasons = Mapping[str, AbsenceReason]
"""Why fields of an extraction are empty, by their paths."""


@dataclass(frozen=True, slots=True)
class JudgedAbsence:
    """One explained gap: the field by its scored name, the reason, and whether gold is empty there, too."""

    field: str
    reason: AbsenceReason
    right: bool


def judge_lists(gold: TrialExtraction, predicted: TrialExtraction, reasons: Reasons) -> Iterator[JudgedAbsence]:
    """The gaps that are whole lists: no criteria, no regimens, no endpoints."""
    for group, ours, theirs in (
        (CRITERIA, gold.eligibility.criteria, predicted.eligibility.criteria),
        (DOSING, gold.dosing, predicted.dosing),
        (ENDPOINTS, gold.endpoints, predicted.endpoints),
    ):
        reason = reasons.get(group.path)
        if reason and not theirs:
            yield JudgedAbsence(group.fields[0].name, reason, not ours)


def judge_item(group: Group, gold: Any, predicted: Any, path: str, reasons: Reasons) -> Iterator[JudgedAbsence]:
    """The gaps of a predicted item at ``path`` beside its counterpart in gold."""
    for one in group.fields:
        reason = reasons.get(f"{path}.{one.attribute}")
        if one.attribute and reason and not one.shape.spread(getattr(predicted, one.attribute)):
            yield JudgedAbsence(one.name, reason, not one.shape.spread(getattr(gold, one.attribute)))
