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
    """Yield the change of a regimen's arms; if they are the same, the changed arms of its amounts.

    Without arms in a version, the record or an earlier program does not say, and nothing is
    compared. An arm that one version lacks is a change of the list of arms, reported elsewhere. An
    amount without arms is given in all arms of its regimen.

    Args:
        pair: The regimen in both versions.
        severity: The severity of its changes.
        renamed: The new labels of the old arms.
    """
    before = pair.old[0].item
    after = pair.new[0].item
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
        old_arms = was.arms or before.arms
        new_arms = now.arms or after.arms
        said = _describe(old_arms, new_arms, renamed)
        if not said:
            continue
        dose = say(now.model_copy(update={"arms": ()}))
        message = f"{after.agent}, {dose}: {said}"
        yield make_change(
            "regimen", ChangeKind.CHANGED, severity, message, pair, "amounts"
        )


def _describe(old: Sequence[str], new: Sequence[str], renamed: Renamed) -> str:
    """Say which arms are only in one of two lists of labels; empty if the arms are the same.

    An arm that was renamed is the same arm. An arm that a version does not have is reported as an
    added or removed arm, and left out here.

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
    # by the folded label that the arm has in the new version, None if it is gone
    was: dict[str | None, str] = {}
    for label in old:
        folded = fold_label(label)
        was[renamed.get(folded, folded)] = label
    now = {fold_label(label): label for label in new}
    in_both_versions = {label for label in renamed.values() if label} or now.keys()
    removed = []
    for folded_new, label in was.items():
        if folded_new is None or folded_new in now:
            continue
        removed.append(label)
    added = []
    for folded, label in now.items():
        if folded in was or folded not in in_both_versions:
            continue
        added.append(label)
    if removed and added:
        return f"now in {_name_arms(added)} instead of {', '.join(removed)}"
    if added:
        return f"now also in {_name_arms(added)}"
    if removed:
        return f"no longer in {_name_arms(removed)}"
    return ""


def _name_arms(labels: Sequence[str]) -> str:
    """Name arms by their labels, as "arm Low" or "arms Low, High"."""
    noun = "arm" if len(labels) == 1 else "arms"
    return f"{noun} {', '.join(map(show_line, labels))}"
