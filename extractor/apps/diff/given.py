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
(_AMOUNTS_ARMS,) = (
    field for field in DOSING.fields if field.attribute == "amounts.arms"
)


def compare_given(
    pair: Aligned, severity: ChangeSeverity, renamed: Renamed
) -> Iterator[TrialChange]:
    """Yield changed arms of a regimen and its amounts. An arm of one version alone is a change
    of the list of arms.
    """
    before = pair.old[0].item
    after = pair.new[0].item
    # The record, or an earlier program, does not say.
    if not before.arms or not after.arms:
        return
    said = _describe(before.arms, after.arms, renamed)
    if said:
        message = f"{after.agent}, {said}"
        yield make_change(
            "regimen", ChangeKind.CHANGED, severity, message, pair, "arms"
        )
        return
    for was, now in pair_wholes(DOSING, _AMOUNTS_ARMS, before, after):
        # An amount without arms is given in all arms of its regimen.
        said = _describe(was.arms or before.arms, now.arms or after.arms, renamed)
        if said:
            dose = say(now.model_copy(update={"arms": ()}))
            message = f"{after.agent}, {dose}: {said}"
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
    was: dict[str | None, str] = {}
    for label in old:
        folded = fold_label(label)
        was[renamed.get(folded, folded)] = label
    now = {fold_label(label): label for label in new}
    # An arm that the old version lacks is reported as an added arm.
    in_both_versions = {label for label in renamed.values() if label} or now.keys()
    gone = [label for key, label in was.items() if key is not None and key not in now]
    come = [
        label
        for key, label in now.items()
        if key not in was and key in in_both_versions
    ]
    if gone and come:
        return f"now in {_name_arms(come)} instead of {', '.join(gone)}"
    if come:
        return f"now also in {_name_arms(come)}"
    if gone:
        return f"no longer in {_name_arms(gone)}"
    return ""


def _name_arms(labels: Sequence[str]) -> str:
    noun = "arm" if len(labels) == 1 else "arms"
    return f"{noun} {', '.join(map(show_line, labels))}"
