"""Decide what each criterion of a trial means for a patient, and what the trial answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

from extractor.language.shown import show_line
from extractor.match.diseases import list_shared
from extractor.match.facts import Facts, Patient, read_facts
from extractor.match.judge import Verdict, depend, run_test, weigh_verdicts
from extractor.match.plan import Group, Plan, Rule, plan_trial
from extractor.match.quantities import SEXES, is_own
from extractor.match.questions import ask_line, list_of_women, show_name
from extractor.schemas import TrialExtraction

_PLACE = ("index", "kind", "quote", "section", "start", "end")
"""The names of the first six fields of a rule."""


_MOST_QUESTIONS = 12
"""Nobody answers more at a time."""
_OF_LIST = "Is the list of criteria read correctly? Compare it with the trial's text."


class Match(NamedTuple):
    """What a trial means for a patient.

    Attributes:
        record_id: The trial.
        patient: The patient's id.
        answer: ``excluded`` if a criterion is not met; ``open`` if something that concerns the
            patient is undecided; otherwise ``no_reason_against``.
        unjudged: The number of criteria that are neither met nor not met.
        doubts: Why the list of criteria is doubtful as a whole.
        unused: The patient's values that no limit can be compared with, each with the reason.
        judged: The criteria of the trial, then the ages and the sex of the whole record, each with
            its verdict.
        findings: The answers of a model that were not used, each with the reason.
        conditions: The registered conditions of the trial that the patient has.
    """

    record_id: str
    patient: str
    answer: Literal["excluded", "open", "no_reason_against"]
    unjudged: int
    doubts: tuple[str, ...]
    unused: tuple[str, ...]
    judged: tuple[tuple[Rule, Verdict], ...]
    findings: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def criteria(self) -> list[dict[str, object]]:
        """The verdicts as dictionaries: ``index``, ``kind``, the words with their place (``quote``,
        ``section``, ``start``, ``end``), ``verdict``, ``why``, ``origin`` (``rule`` or ``model``)
        and ``fact``, the words of the patient's facts that a model quotes.
        """
        return [
            {
                **dict(zip(_PLACE, rule[:6], strict=True)),
                "verdict": verdict.verdict,
                "why": verdict.why,
                "origin": verdict.origin,
                "fact": verdict.fact,
            }
            for rule, verdict in self.judged
        ]

    @property
    def ask(self) -> tuple[str, ...]:
        """Questions whose answers may decide more criteria, first those that may decide most; then
        those that quote a criterion; last, one about a doubtful list.
        """
        questions = _rank_questions(self.judged)
        if self.doubts:
            questions.append(_OF_LIST)
        return tuple(questions)

    def to_dict(self) -> dict[str, object]:
        """Return the match as an object of JSON."""
        return {
            "record_id": self.record_id,
            "patient": self.patient,
            "answer": self.answer,
            "conditions": self.conditions,
            "unjudged": self.unjudged,
            "ask": self.ask,
            "doubts": self.doubts,
            "unused": self.unused,
            "findings": self.findings,
            "criteria": self.criteria,
        }


def decide(
    plan: Plan, facts: Facts, answers: Mapping[int, Verdict] = MappingProxyType({})
) -> Match:
    r"""Compare a trial with a patient's data.

    Args:
        plan: The trial.
        facts: The patient's data.
        answers: A model's verdicts, by the places of rules. They count for what is undecided.

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
    verdicts = _judge(plan, facts)
    for place, answer in answers.items():
        if verdicts[place].verdict not in _DECIDED:
            verdicts[place] = answer
    for group in plan.groups:
        _apply_group(group, verdicts)
    counts = Counter(one.verdict for one in verdicts)
    answer_of_all: Literal["excluded", "open", "no_reason_against"] = (
        "no_reason_against"
    )
    if counts["not_met"]:
        answer_of_all = "excluded"
    elif plan.doubts or counts["depends"] or counts["doubtful"]:
        answer_of_all = "open"
    unjudged = len(verdicts) - counts["met"] - counts["not_met"]
    judged = tuple(zip(plan.rules, verdicts, strict=True))
    return Match(
        plan.record_id,
        facts.id,
        answer_of_all,
        unjudged,
        plan.doubts,
        (*facts.unused, *_list_unknown(plan, facts)),
        judged,
        conditions=list_shared(plan.conditions, facts),
    )


_DECIDED = ("met", "not_met")


def list_open_criteria(plan: Plan, facts: Facts) -> list[int]:
    """Return the places of the criteria that the patient's data leave undecided; none of a trial
    that is excluded anyway, or of a list of which enough items are met.
    """
    verdicts = _judge(plan, facts)
    settled = set[int]()
    for group in plan.groups:
        members = [verdicts[place] for place in group.members]
        if weigh_verdicts(members, group.need).verdict in _DECIDED:
            settled.update(group.members)
    if decide(plan, facts).answer == "excluded":
        return []
    return [
        place
        for place, rule in enumerate(plan.rules)
        if rule.place is not None
        and place not in settled
        and verdicts[place].verdict not in _DECIDED
    ]


def _list_unknown(plan: Plan, facts: Facts) -> list[str]:
    """Return the values whose quantities neither the vocabulary nor the trial names, each with the
    reason why it is not used.
    """
    unknown = sorted(_list_own(facts.keys) - plan.own)
    return [
        f"{show_line(facts.said[key])}: no criterion of the trial names it"
        for key in unknown
        if key in facts.said
    ]


@lru_cache(1024)
def _list_own(keys: frozenset[str]) -> frozenset[str]:
    return frozenset(filter(is_own, keys))


def _judge(plan: Plan, facts: Facts) -> list[Verdict]:
    """Return the verdict on each rule by itself."""
    # few of the patient's names are in any criterion; spaces keep "ra" from matching in "rash"
    names = [
        f" {name} "
        for name in facts.names
        if name.partition(" ")[0] in plan.vocabulary and f" {name} " in plan.words
    ]
    is_man = facts.values.get("sex") == {None: (float(SEXES.index("male")),)}
    verdicts = []
    for rule in plan.rules:
        verdict = rule.silent
        # few of the patient's facts are about any criterion
        if not rule.touched.isdisjoint(facts.keys):
            verdict = run_test(rule.test, facts, plan.min_confidence)
        if rule.absence and verdict.verdict not in _DECIDED:
            verdict = _find_absence(rule, facts) or verdict
        mentioned = [name.strip() for name in names if name in rule.words]
        # no test says anything, but the criterion mentions what the patient has
        if mentioned and verdict.verdict == "not_stated":
            why = f"what it says of {show_name(mentioned[0])}"
            verdict = Verdict("depends", why, verdict.ask)
        if is_man and not list_of_women().isdisjoint(verdict.ask):
            of_men = [one for one in verdict.ask if one not in list_of_women()]
            verdict = verdict._replace(ask=tuple(of_men))
        verdicts.append(verdict)
    return verdicts


def _find_absence(rule: Rule, facts: Facts) -> Verdict | None:
    """Return that a patient has nothing of what a criterion excludes; None if they may."""
    if rule.absence is None or rule.about.isdisjoint(facts.keys):
        return None
    verdict = run_test(rule.absence, facts, 0)
    return verdict if verdict.verdict == "met" else None


def _rank_questions(judged: Sequence[tuple[Rule, Verdict]]) -> list[str]:
    """Return the questions on criteria that are undecided, first those on most criteria."""
    counts = Counter[str]()
    quotes: dict[str, None] = {}
    for rule, one in judged:
        if one.verdict in ("met", "not_met"):
            continue
        questions = {question for question in one.ask if question}
        counts.update(questions)
        needs_facts = bool(rule.touched) or one.verdict in ("depends", "doubtful")
        if needs_facts and not questions and rule.quote:
            quotes[ask_line(rule.quote)] = None
    quotes.pop("", None)
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
    whole = weigh_verdicts(members, group.need).verdict
    for place, one in zip(group.members, members, strict=True):
        if whole == "met" and one.verdict == "not_met":
            why = f"{one.why}; but enough of {group.shown}"
            verdicts[place] = one._replace(verdict="met", why=why)
        elif whole not in ("met", "not_met"):
            verdicts[place] = depend(one, group.shown, group.shown)
