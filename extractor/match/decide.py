"""Decide what each criterion of a trial means for a patient, and what the trial answers."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from extractor.match.facts import Facts, Patient, read_facts
from extractor.match.plan import Group, Plan, Rule, Test, plan_trial
from extractor.schemas import TrialExtraction

_PLACE = ("index", "kind", "quote", "section", "start", "end")
"""The names of the first six fields of a rule."""
Decision = Literal["met", "not_met", "depends", "doubtful", "not_stated"]


class Verdict(NamedTuple):
    """What a criterion, or a part of it, means for a patient: whether it lets them in (``met``),
    keeps them out (``not_met``) or neither; why; and what would decide it.
    """

    verdict: Decision
    why: str = ""
    ask: tuple[str, ...] = ()


_SILENT = Verdict("not_stated")


class Match(NamedTuple):
    """What a trial means for a patient.

    Attributes:
        record_id: The trial.
        patient: The patient's id.
        answer: ``excluded`` if a criterion is not met; ``open`` if something that concerns the
            patient is undecided; otherwise ``no_reason_against``.
        unjudged: The number of criteria that are neither met nor not met.
        ask: What would decide more criteria.
        unused: The patient's values that no limit can be compared with, each with the reason.
        judged: The criteria of the trial, then the ages and the sex of the whole record, each with
            its verdict.
    """

    record_id: str
    patient: str
    answer: Literal["excluded", "open", "no_reason_against"]
    unjudged: int
    ask: tuple[str, ...]
    unused: tuple[str, ...]
    judged: tuple[tuple[Rule, Verdict], ...]

    @property
    def criteria(self) -> list[dict[str, object]]:
        """The verdicts as dictionaries: ``index``, ``kind``, the words with their place (``quote``,
        ``section``, ``start``, ``end``), ``verdict`` and ``why``.
        """
        return [
            {
                **dict(zip(_PLACE, rule[:6], strict=True)),
                "verdict": found.verdict,
                "why": found.why,
            }
            for rule, found in self.judged
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the match as an object of JSON."""
        return {
            **dict(zip(self._fields, self[:6], strict=False)),
            "criteria": self.criteria,
        }


def decide(plan: Plan, facts: Facts) -> Match:
    r"""Compare a trial with a patient's data.

    >>> from extractor import Extractor
    >>> from extractor.match import Patient, plan_trial, read_facts
    >>> trial = Extractor().extract_text(
    ...     "Inclusion criteria:\n- ECOG 0-1\n- Age over 18 years"
    ... )
    >>> found = decide(
    ...     plan_trial(trial), read_facts(Patient(age=70, values={"ECOG": 2}))
    ... )
    >>> found.answer, [one["verdict"] for one in found.criteria]
    ('excluded', ['not_met', 'met', 'met'])
    """
    names = [f" {name} " for name in facts.names if f" {name} " in plan.words]
    found = []
    for rule in plan.rules:
        one = _take(rule.test, facts, plan.min_confidence)
        touched = [name.strip() for name in names if name in rule.words]
        if touched and one.verdict == "not_stated":
            one = Verdict("depends", f"what it says of {touched[0]}", (rule.quote,))
        found.append(one)
    for group in plan.groups:
        _apply(group, found)
    counts = Counter(one.verdict for one in found)
    answer: Literal["excluded", "open", "no_reason_against"] = "no_reason_against"
    if plan.doubts or counts["depends"] or counts["doubtful"]:
        answer = "open"
    if counts["not_met"]:
        answer = "excluded"
    ask = dict.fromkeys(name for one in found for name in one.ask)
    unjudged = len(found) - counts["met"] - counts["not_met"]
    judged = tuple(zip(plan.rules, found, strict=True))
    return Match(
        plan.record_id,
        facts.id,
        answer,
        unjudged,
        (*ask, *plan.doubts),
        facts.unused,
        judged,
    )


def match_trial(
    extraction: TrialExtraction, patient: object, min_confidence: float
) -> Match:
    """Compare a trial with a patient, or a dictionary of a patient's fields."""
    facts = read_facts(Patient.model_validate(patient))
    return decide(plan_trial(extraction, min_confidence), facts)


def _apply(group: Group, found: list[Verdict]) -> None:
    """Replace the verdicts on a group's members that do not decide on their own."""
    whole = _weigh([found[place] for place in group.members], group.need).verdict
    for place in group.members:
        one = found[place]
        if whole == "met" and one.verdict == "not_met":
            found[place] = Verdict("met", f"{one.why}; but enough of {group.shown}")
        elif whole not in ("met", "not_met"):
            found[place] = _depend(one, group.shown, group.shown)


def _take(test: Test, facts: Facts, least: float) -> Verdict:
    """Return the verdict of a test."""
    if test.quantity:
        found = _compare(test, facts)
    else:
        parts = []
        for part in test.parts:
            one = _take(part, facts, least)
            if part.when:
                tests = [_take(each, facts, least) for each in part.when]
                applies = _weigh(tests, 0).verdict
                if applies == "not_met":
                    continue
                if applies != "met":
                    one = _depend(one, part.shown, "")
            parts.append(one)
        found = _weigh(parts, test.need)
    if test.confidence < least and found.verdict in ("met", "not_met"):
        why = f"{test.shown} ({test.confidence:.2f})"
        return Verdict("doubtful", why, (test.shown,))
    return _depend(found, test.keeps_out, test.lets_in)


def _compare(test: Test, facts: Facts) -> Verdict:
    """Compare the numbers that a value can mean with the limits of a test."""
    units = facts.values.get(test.quantity)
    if units is None:
        # nobody is asked for all drugs and diseases
        if test.quantity.startswith(("has ", "had ", "takes ", "took ")):
            return _SILENT
        return Verdict("not_stated", f"{test.quantity}: not given", (test.quantity,))
    if test.unit not in units:
        ask = (f"{test.quantity} in the unit of {test.shown}",)
        return Verdict("depends", ask[0], ask)
    numbers = units[test.unit]
    inner = [end for end in (test.low, test.high) if numbers[0] < end < numbers[-1]]
    held = {
        (test.low <= number <= test.high) is not test.outside
        for number in (*numbers, *inner)
    }
    stated = " or ".join(f"{number:g}" for number in numbers)
    why = test.quantity
    if test.unit:
        why += f" {stated} {test.unit}: {test.shown}"
    if len(held) > 1:
        return Verdict("depends", why, (f"exact {test.quantity}",))
    return Verdict("met" if True in held else "not_met", why)


def _depend(found: Verdict, keeps_out: str, lets_in: str) -> Verdict:
    """Return a verdict, or ``depends`` if something stands in the way of the decision."""
    obstacle = {"not_met": keeps_out, "met": lets_in}.get(found.verdict)
    if not obstacle:
        return found
    return Verdict("depends", f"{found.why}; it depends on {obstacle}", (obstacle,))


def _weigh(found: Sequence[Verdict], need: int) -> Verdict:
    """Return what verdicts say together if ``need`` of them must be met; 0 stands for all."""
    # most criteria have no test, or one
    if not found:
        return _SILENT
    if len(found) == 1 and need in (0, 1):
        return found[0]
    counts = Counter(one.verdict for one in found)
    need = need or len(found)
    verdict: Decision = "depends"
    if counts["not_met"] and len(found) - counts["not_met"] < need:
        verdict = "not_met"
    elif counts["met"] >= need > 0:
        verdict = "met"
    elif counts["not_stated"] == len(found):
        verdict = "not_stated"
    elif counts["doubtful"]:
        verdict = "doubtful"
    whys = [one.why for one in found if verdict in (one.verdict, "depends")]
    ask = dict.fromkeys(name for one in found for name in one.ask)
    return Verdict(verdict, "; ".join(dict.fromkeys(filter(None, whys))), (*ask,))
