"""Compare in which arms two versions give an agent, and each of its amounts."""

from collections.abc import Iterator, Mapping, Sequence

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import Aligned
from extractor.apps.evaluation.fields import DOSING
from extractor.apps.evaluation.judge import pair_wholes
from extractor.apps.pages.words import say
from extractor.language.clean import fold_label
from extractor.language.shown import show_line

Renamed = Mapping[str, str | None]
"""The new label of each arm that has one, else None; both without letter case and white space."""


def compare_given(
    pair: Aligned, severity: ChangeSeverity, renamed: Renamed
) -> Iterator[TrialChange]:
    """Yield changed arms of a regimen and its amounts. An arm of one version alone is a change
    of the list of arms.
    """
    one = pair.old[0].item
    other = pair.new[0].item
    # the record, or an earlier program, does not say
    if not one.arms or not other.arms:
        return
    if said := _describe(one.arms, other.arms, renamed):
        message = f"{other.agent}, {said}"
        yield make_change(
            "regimen", ChangeKind.CHANGED, severity, message, pair, "arms"
        )
        return
    field = next(field for field in DOSING.fields if field.attribute == "amounts.arms")
    for was, now in pair_wholes(DOSING, field, one, other):
        if said := _describe(was.arms or one.arms, now.arms or other.arms, renamed):
            dose = say(now.model_copy(update={"arms": ()}))
            message = f"{other.agent}, {dose}: {said}"
            yield make_change(
                "regimen", ChangeKind.CHANGED, severity, message, pair, "amounts"
            )


def _describe(old: Sequence[str], new: Sequence[str], renamed: Renamed) -> str:
    """Say which arms are only in one of two lists; empty if the arms are the same.

    >>> (
    ...     _describe(["High"], ["High", "Low"], {}),
    ...     _describe(["High", "Low"], ["Low"], {}),
    ...     _describe(["A"], ["a "], {}),
    ... )
    ('now also in arm Low', 'no longer in arm High', '')
    >>> (
    ...     _describe(["High"], ["Low"], {}),
    ...     _describe(["High", "Old"], ["Tall"], {"high": "tall", "old": None}),
    ... )
    ('now in arm Low instead of High', '')
    """
    was = {renamed.get(fold_label(label), fold_label(label)): label for label in old}
    now = {fold_label(label): label for label in new}
    known = {label for label in renamed.values() if label} or now.keys()
    gone = [label for key, label in was.items() if key is not None and key not in now]
    come = [label for key, label in now.items() if key not in was and key in known]
    if gone and come:
        return f"now in {_name(come)} instead of {', '.join(gone)}"
    if come:
        return f"now also in {_name(come)}"
    if gone:
        return f"no longer in {_name(gone)}"
    return ""


def _name(labels: Sequence[str]) -> str:
    return f"arm{'s' * (len(labels) > 1)} {', '.join(map(show_line, labels))}"
