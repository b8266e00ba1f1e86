"""The arms of a trial as every export lists them, and which of them get a regimen or one of its
amounts.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.language.clean import fold_label
from extractor.schemas import Regimen, TrialExtraction, TrialRecord
from extractor.schemas.registered_words import unify_word


class Arm(NamedTuple):
    """An arm with the registered words, and the section in which they stand; None for what is
    not known.
    """

    label: str | None
    type: str | None = None
    description: str | None = None
    section: str | None = None


class ArmLink(NamedTuple):
    """That an arm gets an amount of a regimen, by their positions. An amount that the arm does
    not get has no entry.
    """

    amount_index: int | None
    arm_index: int
    confidence: float | None = None


def read_arms(record: TrialRecord) -> list[Arm]:
    """Return the registered arms of a record."""
    arms = []
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = section.part("label")
        kind = section.part("type")
        if kind:
            kind = unify_word("arm_type", kind)
        description = section.part("description") or None
        # Some formats keep an arm as one text.
        if description is None and not label:
            description = section.text
        arms.append(Arm(label, kind, description, section.name))
    return arms


def list_arms(extraction: TrialExtraction, registered: Sequence[Arm] = ()) -> list[Arm]:
    """Return the registered arms and, after them, those that only a regimen or an amount names.
    Labels that differ in case or white space name one arm.

    >>> from extractor.schemas import Eligibility
    >>> given = Regimen(
    ...     agent="drugamide",
    ...     section="arms[0]",
    ...     quote="drugamide",
    ...     arms=("active arm", "Open label"),
    ... )
    >>> said = TrialExtraction(
    ...     record_id="A", eligibility=Eligibility(), dosing=(given,)
    ... )
    >>> [arm.label for arm in list_arms(said, [Arm("Active Arm"), Arm("Placebo")])]
    ['Active Arm', 'Placebo', 'Open label']
    """
    registered_labels = {fold_label(arm.label or "") for arm in registered}
    named: dict[str, str] = {}
    for regimen in extraction.dosing:
        for label in _list_labels(regimen):
            named[fold_label(label)] = label
    arms = list(registered)
    for folded, label in named.items():
        if folded not in registered_labels:
            arms.append(Arm(label))
    return arms


def link_arms(regimen: Regimen, arms: Sequence[Arm]) -> Iterator[ArmLink]:
    """Yield which of the arms get which amounts of a regimen. An amount that names no arms is for
    all of its regimen. An arm that gets none of the amounts is linked to the regimen alone, with
    an ``amount_index`` of None. A label that no arm has gives nothing.

    >>> amounts = [
    ...     {"low": 10, "high": 10, "unit": "mg", "arms": ["High"]},
    ...     {"low": 5, "high": 5, "unit": "mg"},
    ... ]
    >>> said = {
    ...     "agent": "drugamide",
    ...     "section": "arms[0]",
    ...     "quote": "drugamide",
    ...     "arms": ["High", "Low"],
    ... }
    >>> regimen = Regimen.model_validate(said | {"amounts": amounts})
    >>> [
    ...     (link.amount_index, link.arm_index)
    ...     for link in link_arms(regimen, [Arm("Placebo"), Arm("Low"), Arm("High")])
    ... ]
    [(0, 2), (1, 2), (1, 1)]
    """
    of_amounts = [set(map(fold_label, amount.arms)) for amount in regimen.amounts]
    places = defaultdict[str, list[int]](list)
    for place, arm in enumerate(arms):
        places[fold_label(arm.label or "")].append(place)
    for number, label in enumerate(map(fold_label, _list_labels(regimen))):
        amounts: list[int | None] = []
        for at, labels in enumerate(of_amounts):
            if not labels or label in labels:
                amounts.append(at)
        # An arm may get the regimen, and none of its amounts.
        if not amounts:
            amounts = [None]
        for amount_index in amounts:
            confidence = _find_confidence(regimen, number, amount_index)
            for place in places[label]:
                yield ArmLink(amount_index, place, confidence)


def _find_confidence(
    regimen: Regimen, arm_number: int, amount_index: int | None
) -> float | None:
    """Return the least confidence of the evidence that gives a regimen to an arm, and with an
    ``amount_index`` that gives this amount to its arms; None without any.
    """
    proofs = regimen.evidence_for(f"arms[{arm_number}]")
    if amount_index is not None and regimen.amounts[amount_index].arms:
        proofs += regimen.evidence_for(f"amounts[{amount_index}].arms")
    least = None
    for proof in proofs:
        if proof.confidence is None:
            continue
        if least is None or proof.confidence < least:
            least = proof.confidence
    return least


def _list_labels(regimen: Regimen) -> list[str]:
    """Return the arms that a regimen names, then those that only its amounts name."""
    labels = list(regimen.arms)
    for amount in regimen.amounts:
        labels += amount.arms
    return list(dict.fromkeys(labels))
