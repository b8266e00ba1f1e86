"""Decide what each criterion of a trial means for a patient, and what the trial answers."""

from collections import Counter
from collections.abc import Sequence
from math import inf
from typing import Literal, NamedTuple

from extractor.language.shown import show_line
from extractor.match.facts import Facts, Patient, read_facts
from extractor.match.plan import Group, Plan, Rule, plan_trial
from extractor.match.quantities import Units
from extractor.match.questions import ask, split_quantity
from extractor.match.tests import Test
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


_OF_NAMES = ("has ", "had ", "takes ", "took ")
_SILENT = Verdict("not_stated")
_MOST_QUESTIONS = 12
"""Nobody answers more at a time."""


class Match(NamedTuple):
    """What a trial means for a patient.

    Attributes:
        record_id: The trial.
        patient: The patient's id.
        answer: ``excluded`` if a criterion is not met; ``open`` if something that concerns the
            patient is undecided; otherwise ``no_reason_against``.
        unjudged: The number of criteria that are neither met nor not met.
        ask: Questions whose answers would decide more criteria, first those that would decide most.
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
                "verdict": verdict.verdict,
                "why": verdict.why,
            }
            for rule, verdict in self.judged
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the match as an object of JSON."""
        fields = self._asdict()
        del fields["judged"]
        return {**fields, "criteria": self.criteria}


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
    # few of the patient's names are in any criterion; spaces keep "ra" from matching in "rash"
    names = [
        f" {name} "
        for name in facts.names
        if name.partition(" ")[0] in plan.vocabulary and f" {name} " in plan.words
    ]
    verdicts = []
    for rule in plan.rules:
        verdict = _run_test(rule.test, facts, plan.min_confidence)
        mentioned = [name.strip() for name in names if name in rule.words]
        # no test says anything, but the criterion mentions what the patient has
        if mentioned and verdict.verdict == "not_stated":
            verdict = Verdict("depends", f"what it says of {mentioned[0]}")
        verdicts.append(verdict)
    for group in plan.groups:
        _apply_group(group, verdicts)
    counts = Counter(one.verdict for one in verdicts)
    answer: Literal["excluded", "open", "no_reason_against"] = "no_reason_against"
    if counts["not_met"]:
        answer = "excluded"
    elif plan.doubts or counts["depends"] or counts["doubtful"]:
        answer = "open"
    unjudged = len(verdicts) - counts["met"] - counts["not_met"]
    judged = tuple(zip(plan.rules, verdicts, strict=True))
    return Match(
        plan.record_id,
        facts.id,
        answer,
        unjudged,
        (*_rank_questions(plan, verdicts), *plan.doubts),
        facts.unused,
        judged,
    )


def _rank_questions(plan: Plan, verdicts: Sequence[Verdict]) -> list[str]:
    """Return the questions whose answers may decide most criteria, first those that decide most,
    then the words of criteria that nothing else decides.
    """
    counts = Counter[str]()
    quotes: dict[str, None] = {}
    for rule, one in zip(plan.rules, verdicts, strict=True):
        if one.verdict in ("met", "not_met"):
            continue
        counts.update(set(filter(None, one.ask)))
        if one.verdict == "depends" and not any(one.ask) and rule.quote:
            quotes[f"Does this apply: {show_line(rule.quote)}"] = None
    ranked = sorted(counts, key=lambda question: (-counts[question], question))
    return [*ranked, *quotes][:_MOST_QUESTIONS]


def match_trial(
    extraction: TrialExtraction, patient: object, min_confidence: float
) -> Match:
    """Compare a trial with a patient, or a dictionary of a patient's fields."""
    facts = read_facts(Patient.model_validate(patient))
    return decide(plan_trial(extraction, min_confidence), facts)


def _apply_group(group: Group, verdicts: list[Verdict]) -> None:
    """Replace the verdicts on a group's members, each of which stands for the whole group: a member
    that is not met keeps nobody out of a group that is met, and no member decides while the group
    is undecided.
    """
    members = [verdicts[place] for place in group.members]
    whole = _weigh(members, group.need).verdict
    for place, one in zip(group.members, members, strict=True):
        if whole == "met" and one.verdict == "not_met":
            verdicts[place] = Verdict("met", f"{one.why}; but enough of {group.shown}")
        elif whole not in ("met", "not_met"):
            verdicts[place] = _depend(one, group.shown, group.shown)


def _run_test(test: Test, facts: Facts, min_confidence: float) -> Verdict:
    """Return the verdict of a test on a patient."""
    if test.quantity:
        verdict = _compare(test, facts)
    else:
        verdicts = []
        unconcerned = ""
        for part in test.parts:
            one = _run_test(part, facts, min_confidence)
            if part.when:
                tests = [_run_test(each, facts, min_confidence) for each in part.when]
                condition = _weigh(tests, 0)
                applies = condition.verdict
                # a limit for women does not concern a man
                if applies == "not_met":
                    unconcerned = f"not concerned: {condition.why}"
                    continue
                # if it is not known whether the limit applies, the patient may still pass it
                if applies != "met":
                    one = _depend(one, part.shown, "")
            verdicts.append(one)
        verdict = _weigh(verdicts, test.need)
        if unconcerned and not verdicts:
            verdict = Verdict("met", unconcerned)
    if test.confidence < min_confidence and verdict.verdict in ("met", "not_met"):
        why = f"{test.shown} ({test.confidence:.2f})"
        return Verdict("doubtful", why)
    return _depend(verdict, test.keeps_out, test.lets_in)


def _compare(test: Test, facts: Facts) -> Verdict:
    """Compare the numbers that a value can mean with the limits of a test. The numbers are in
    ascending order, and the true one may be any between the first and the last.
    """
    units = facts.values.get(test.quantity)
    is_stated = units is not None
    if units is None:
        units = _find_denial(test, facts)
    if units is None:
        return _miss(test, facts)
    if test.unit not in units:
        why = f"{test.quantity} in the unit of {test.shown}"
        return Verdict("depends", why, (ask(test.quantity, test.unit),))
    numbers = units[test.unit]
    # 1 to 1.9 fail a test for 1.2 to 1.5, but a number between them may pass: so a limit is tried
    inner = [end for end in (test.low, test.high) if numbers[0] < end < numbers[-1]]
    # within the limits or, if the test is for those outside, not within
    passes = {
        (test.low <= number <= test.high) is not test.outside
        for number in (*numbers, *inner)
    }
    why = _show_numbers(test, numbers)
    if len(passes) > 1:
        return Verdict("depends", why, (ask(test.quantity),))
    if is_stated and test.in_part and numbers == (1.0,):
        obstacle = f"what it says of {test.shown}: {test.in_part}"
        return Verdict("depends", obstacle)
    return Verdict("met" if True in passes else "not_met", why)


def _show_numbers(test: Test, numbers: Sequence[float]) -> str:
    if numbers == (0.0,) and test.quantity.startswith(_OF_NAMES):
        return f"not: {test.quantity}"
    if not test.unit:
        return test.quantity
    stated = " or ".join(f"{number:g}" for number in numbers)
    if numbers[0] == -inf:
        stated = f"at most {numbers[-1]:g}"
    elif numbers[-1] == inf:
        stated = f"at least {numbers[0]:g}"
    unit = test.unit.removeprefix("exact ")
    return f"{test.quantity} {stated} {unit}: {test.shown}"


def _find_denial(test: Test, facts: Facts) -> Units | None:
    """Return the numbers of a name that the patient cannot have: they have none of a wider name,
    or have something that nobody has with it.
    """
    for wider in test.wider:
        units = facts.values.get(wider)
        if units in ({None: (0.0,)}, {"day": (inf,)}):
            return units
    if any(facts.values.get(name) == {None: (1.0,)} for name in test.against):
        return {None: (0.0,)}
    return None


def _miss(test: Test, facts: Facts) -> Verdict:
    """Return the verdict on a test of a value that is not stated."""
    question = ask(test.quantity)
    if split_quantity(test.quantity)[0] != "value":
        return Verdict("not_stated", "", (question,) if question else ())
    base, _, qualifiers = test.quantity.partition(" (")
    if not qualifiers:
        near = [name for name in facts.values if name.startswith(f"{base} (")]
    else:
        near = [name for name in facts.values if name.partition(" (")[0] == base]
    if near:
        why = f"{test.quantity}: not given; {near[0]} may be another value"
        return Verdict("depends", why, (question,))
    return Verdict("not_stated", f"{test.quantity}: not given", (question,))


def _depend(verdict: Verdict, keeps_out: str, lets_in: str) -> Verdict:
    """Return a verdict, or ``depends`` if something stands in the way of the decision:
    ``keeps_out`` if the verdict is ``not_met``, and ``lets_in`` if it is ``met``.
    """
    obstacle = {"not_met": keeps_out, "met": lets_in}.get(verdict.verdict)
    if not obstacle:
        return verdict
    return Verdict("depends", f"{verdict.why}; it depends on {obstacle}")


def _weigh(verdicts: Sequence[Verdict], need: int) -> Verdict:
    """Return what verdicts say together if ``need`` of them must be met; 0 stands for all, and a
    negative number for an unknown one, with which they are neither met nor not met.
    """
    # most criteria have no test, or one
    if not verdicts:
        return _SILENT
    if len(verdicts) == 1 and need in (0, 1):
        return verdicts[0]
    counts = Counter(one.verdict for one in verdicts)
    need = need or len(verdicts)
    whole: Decision = "depends"
    # even if all others were met, they would be too few
    if counts["not_met"] and len(verdicts) - counts["not_met"] < need:
        whole = "not_met"
    elif counts["met"] >= need > 0:
        whole = "met"
    elif counts["not_stated"] == len(verdicts):
        whole = "not_stated"
    elif counts["doubtful"]:
        whole = "doubtful"
    # if it depends, on all of them; otherwise, those with the verdict of the whole explain it
    whys = [one.why for one in verdicts if whole in (one.verdict, "depends")]
    questions = dict.fromkeys(name for one in verdicts for name in one.ask)
    why = "; ".join(dict.fromkeys(filter(None, whys)))
    return Verdict(whole, why, (*questions,))
