"""The arms of a trial, as listed in every export, and the links from arms to the regimens and
amounts that they receive.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extractor.apps.values import find_least
from extractor.language.clean import fold_label
from extractor.schemas import Regimen, TrialExtraction, TrialRecord
from extractor.schemas.registered_words import unify_word


class Arm(NamedTuple):
    """A registered arm with its section. Unknown attributes are None."""

    label: str | None
    type: str | None = None
    description: str | None = None
    section: str | None = None

    @property
    def key(self) -> str:
        """The label in a form that is equal for labels of the same arm."""
        return fold_label(self.label or "")


class ArmLink(NamedTuple):
    """A link, by position, between an arm and an amount in a regimen that the arm receives."""

    amount_index: int | None
    arm_index: int
    confidence: float | None = None


def read_arms(record: TrialRecord) -> list[Arm]:
    """Return a record's registered arms."""
    arms = []
    for section in record.sections:
        if not section.name.startswith("arms["):
            continue
        label = section.part("label")
        kind = unify_word("arm_type", section.part("type") or "") or None
        description = section.part("description") or None
        # in some formats, an arm is a single text
        if description is None and not label:
            description = section.text
        arms.append(Arm(label, kind, description, section.name))
    return arms


def list_arms(extraction: TrialExtraction, registered: Sequence[Arm] = ()) -> list[Arm]:
    """Return the registered arms, followed by the arms that are named only by a regimen or an
    amount.

    Labels that differ only in case or whitespace refer to the same arm.

    >>> trial = TrialExtraction.model_validate(
    ...     {
    ...         "record_id": "A",
    ...         "eligibility": {},
    ...         "dosing": [
    ...             {
    ...                 "agent": "drugamide",
    ...                 "section": "arms[0]",
    ...                 "quote": "drugamide",
    ...                 "arms": ["active arm", "Open label"],
    ...             }
    ...         ],
    ...     }
    ... )
    >>> [arm.label for arm in list_arms(trial, [Arm("Active Arm"), Arm("Placebo")])]
    ['Active Arm', 'Placebo', 'Open label']
    """
    labels = [label for regimen in extraction.dosing for label in _list_labels(regimen)]
    by_key = {fold_label(label): label for label in labels}
    known = {arm.key for arm in registered}
    added = [Arm(label) for key, label in by_key.items() if key not in known]
    return [*registered, *added]


def link_arms(regimen: Regimen, arms: Sequence[Arm]) -> Iterator[ArmLink]:
    """Yield the links between the arms and the amounts in a regimen that the arms receive. An
    amount without arms applies to all arms of its regimen. If none of the regimen's amounts
    applies to an arm of the regimen, the arm is linked to the regimen with an ``amount_index`` of
    None.
    """
    labels = list(map(fold_label, _list_labels(regimen)))
    for place, arm in enumerate(arms):
        if arm.key not in labels:
            continue
        amounts: list[int | None] = []
        for index, amount in enumerate(regimen.amounts):
            if not amount.arms or arm.key in map(fold_label, amount.arms):
                amounts.append(index)
        for amount_index in amounts or [None]:
            # The labels begin with the regimen's own, so the positions agree.
            fields = (f"arms[{labels.index(arm.key)}]", f"amounts[{amount_index}].arms")
            confidence = find_least(
                piece for piece in regimen.evidence if piece.field.startswith(fields)
            )
            yield ArmLink(amount_index, place, confidence)


def _list_labels(regimen: Regimen) -> list[str]:
    """Return the arms that a regimen names, followed by the arms that are named only by its
    amounts.
    """
    labels = list(regimen.arms)
    for amount in regimen.amounts:
        labels += amount.arms
    return list(dict.fromkeys(labels))
