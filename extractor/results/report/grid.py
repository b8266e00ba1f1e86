"""What each arm of a trial gets: arms by regimens."""

from collections.abc import Sequence

from extractor.pages.view import Json, list_arm_labels
from extractor.pages.words import say
from extractor.schemas import Regimen, TrialRecord


def lay_out_arms(regimens: Sequence[Regimen], record: TrialRecord | None) -> Json | None:
    """Return the table of what each arm gets; None if no regimen tells its arms.

    ``arms`` are the labels of the record, or without one those of the regimens. ``given`` are regimens with their
    ``doses`` by arm, None in an arm that does not get it; ``untold`` those whose arms are not told, with one dose.

    >>> mostly = Regimen(agent="testimab", section="arms[0]", quote="testimab", arms=("A", "B"))
    >>> rescue = Regimen(agent="paracetamol", section="brief_summary", quote="paracetamol")
    >>> grid = lay_out_arms([mostly, rescue], None)
    >>> grid["arms"], grid["given"][0]["doses"], grid["untold"][0]["name"]
    (['A', 'B'], ['given', 'given'], 'paracetamol')
    """
    named = [arm for one in regimens for arm in one.arms]
    arms = list(dict.fromkeys(say(label) for label in (*(list_arm_labels(record) if record else ()), *named)))
    grid: Json = {"arms": arms, "given": [], "untold": []}
    for number, one in enumerate(regimens):
        here = {
            "path": f"dosing[{number}]",
            "name": say(one.agent),
            "how": ", ".join(say(word) for word in (one.route, one.frequency) if word),
            "doses": [_say_dose(one, arm) for arm in arms] if one.arms else [_say_dose(one, None)],
        }
        grid["given" if one.arms else "untold"].append(here)
    return grid if named else None


def _say_dose(regimen: Regimen, arm: str | None) -> str | None:
    """Return what an arm gets of a regimen; for an ``arm`` of None, all of it."""
    if arm is not None and arm not in map(say, regimen.arms):
        return None
    levels = [one for one in regimen.amounts if arm is None or not one.arms or arm in map(say, one.arms)]
    return say([one.model_copy(update={"arms": ()}) for one in levels], [regimen.quote]) if levels else arm and "given"
