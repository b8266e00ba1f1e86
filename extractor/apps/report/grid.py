"""What each arm of a trial gets: arms by regimens."""

from collections.abc import Sequence

from extractor.apps.export.arms import Arm, link_arms, list_arms
from extractor.apps.pages.view import Json, list_arm_labels
from extractor.apps.pages.words import say
from extractor.schemas import Amount, Regimen, TrialExtraction, TrialRecord


def lay_out_arms(
    extraction: TrialExtraction, record: TrialRecord | None
) -> Json | None:
    """Return the table of what each arm gets; None if no regimen tells its arms.

    ``arms`` are the labels of the record and those that only regimens have. ``given`` are regimens
    with their ``doses`` by arm, None in an arm that does not get it; ``untold`` those whose arms
    are not told, with one dose.

    >>> from extractor.schemas import Eligibility
    >>> mostly = Regimen(
    ...     agent="testimab", section="arms[0]", quote="testimab", arms=("A", "B")
    ... )
    >>> rescue = Regimen(
    ...     agent="paracetamol", section="brief_summary", quote="paracetamol"
    ... )
    >>> said = TrialExtraction(
    ...     record_id="A", eligibility=Eligibility(), dosing=(mostly, rescue)
    ... )
    >>> grid = lay_out_arms(said, None)
    >>> grid["arms"], grid["given"][0]["doses"], grid["untold"][0]["name"]
    (['A', 'B'], ['given', 'given'], 'paracetamol')
    """
    labels: list[str] = []
    if record:
        labels = list_arm_labels(record)
    arms = list_arms(extraction, [Arm(label) for label in labels])
    given: list[Json] = []
    untold: list[Json] = []
    for number, regimen in enumerate(extraction.dosing):
        words = []
        if regimen.route:
            words.append(say(regimen.route))
        if regimen.frequency:
            words.append(say(regimen.frequency))
        row: Json = {
            "path": f"dosing[{number}]",
            "name": say(regimen.agent),
            "how": ", ".join(words),
        }
        if regimen.arms:
            row["doses"] = _list_doses(regimen, arms)
            given.append(row)
        else:
            row["doses"] = [_say_dose(regimen, regimen.amounts)]
            untold.append(row)
    if not given:
        return None
    return {"arms": [say(arm.label) for arm in arms], "given": given, "untold": untold}


def _list_doses(regimen: Regimen, arms: Sequence[Arm]) -> list[str | None]:
    """Return the dose of a regimen in each arm: "given" if no amount is stated for it, None in an
    arm that does not get it.
    """
    amounts: dict[int, list[Amount]] = {}
    for link in link_arms(regimen, arms):
        in_arm = amounts.setdefault(link.arm_index, [])
        # without an amount, the arm is only named
        if link.amount_index is not None:
            in_arm.append(regimen.amounts[link.amount_index])
    doses: list[str | None] = []
    for number in range(len(arms)):
        if number in amounts:
            doses.append(_say_dose(regimen, amounts[number]) or "given")
        else:
            doses.append(None)
    return doses


def _say_dose(regimen: Regimen, amounts: Sequence[Amount]) -> str | None:
    """Return amounts in words, without their arms: the column of the table is the arm. None if
    there are no amounts.
    """
    if not amounts:
        return None
    alone = [amount.model_copy(update={"arms": ()}) for amount in amounts]
    return say(alone, [regimen.quote])
