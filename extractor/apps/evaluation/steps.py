"""Compare steps of a treatment with gold that has none: before guideline 1.7, steps given in one
way were several amounts of one regimen.
"""

from extractor.apps.evaluation.text import fold_agent
from extractor.schemas import Frequency, Regimen, TrialExtraction

_WAY = ("route", "frequency", "cycle", "timing")
"""The fields in which the regimens of an agent differed in such gold, beside the length."""


def match_form(
    gold: TrialExtraction, predicted: TrialExtraction | None
) -> TrialExtraction | None:
    """Return a prediction in the form of the gold: its steps are joined if gold was annotated
    without steps, so that no step counts as an invented regimen.
    """
    if predicted is None or has_steps(gold):
        return predicted
    joined: list[Regimen] = []
    for regimen in map(_hide_rhythm, predicted.dosing):
        last = joined[-1] if joined else None
        if last and last.step and regimen.step and _is_one_way(last, regimen):
            joined[-1] = _join(last, regimen)
        else:
            joined.append(regimen)
    return predicted.model_copy(update={"dosing": tuple(map(_end, joined))})


def _hide_rhythm(regimen: Regimen) -> Regimen:
    """Return a regimen that is given on demand without its rhythm, as such gold has it."""
    if not regimen.as_needed:
        return regimen
    return regimen.model_copy(update={"frequency": Frequency.PRN})


def has_steps(gold: TrialExtraction) -> bool:
    """Return whether the regimens of gold were annotated with steps, of which one may have none."""
    return any("step" in regimen.model_fields_set for regimen in gold.dosing)


def _is_one_way(before: Regimen, after: Regimen) -> bool:
    """Return whether two steps do not differ in how the agent is given."""
    if fold_agent(before.agent) != fold_agent(after.agent):
        return False
    for name in (*_WAY, "duration"):
        values = {getattr(before, name), getattr(after, name)} - {None}
        if len(values) > 1:
            return False
    return True


def _join(before: Regimen, after: Regimen) -> Regimen:
    """Return two steps as one regimen. The length of a step is no length of the whole."""
    fields: dict[str, object] = {
        name: getattr(before, name) or getattr(after, name) for name in _WAY
    }
    known = before.amounts
    further = [amount for amount in after.amounts if amount not in known]
    arms = dict.fromkeys((*before.arms, *after.arms))
    fields |= {
        "amounts": (*known, *further),
        "arms": tuple(arms),
        "duration": None,
    }
    return before.model_copy(update=fields)


def _end(regimen: Regimen) -> Regimen:
    """Return a regimen with the length of all steps, if it is stated, as its length."""
    if regimen.total_duration is None:
        return regimen
    return regimen.model_copy(update={"duration": regimen.total_duration})
