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
    arms = list_arms(
        extraction,
        [Arm(label) for label in (list_arm_labels(record) if record else ())],
    )
    grid: Json = {"arms": [say(arm.label) for arm in arms], "given": [], "untold": []}
    for number, one in enumerate(extraction.dosing):
        given: dict[int, list[Amount]] = {}
        for link in link_arms(one, arms):
            levels = (
                () if link.amount_index is None else (one.amounts[link.amount_index],)
            )
            given.setdefault(link.arm_index, []).extend(levels)
        doses = [
            _say_dose(one, given[at]) or "given" if at in given else None
            for at in range(len(arms))
        ]
        here = {
            "path": f"dosing[{number}]",
            "name": say(one.agent),
            "how": ", ".join(say(word) for word in (one.route, one.frequency) if word),
            "doses": doses if one.arms else [_say_dose(one, one.amounts)],
        }
        grid["given" if one.arms else "untold"].append(here)
    return grid if grid["given"] else None


def _say_dose(regimen: Regimen, amounts: Sequence[Amount]) -> str | None:
    if amounts:
        return say(
            [one.model_copy(update={"arms": ()}) for one in amounts], [regimen.quote]
        )
    return None
