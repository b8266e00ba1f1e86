"""Decide what each criterion of a trial means for a patient, and what the trial answers."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from extractor.match.facts import Facts
from extractor.match.plan import Plan, Rule, Span, Test

Decision = Literal["met", "not_met", "depends", "doubtful", "not_stated"]


class Verdict(NamedTuple):
    """What a criterion, or a part of it, means for a patient: whether it lets them in (``met``),
    keeps them out (``not_met``) or neither; why; and what would decide it.
    """

    verdict: Decision
    why: str = ""
    ask: tuple[str, ...] = ()


class Match(NamedTuple):
    """What a trial means for a patient.

    Attributes:
        record_id: The trial.
        patient: The patient's id.
        answer: ``excluded`` if a criterion is not met; ``open`` if something that concerns the
            patient is undecided; otherwise ``no_reason_against``.
        unjudged: The number of criteria that are neither met nor not met.
        ask: What would decide more criteria.
        rules: The criteria of the trial, then the ages and the sex of the whole record.
        verdicts: The verdict on each of them.
    """

    record_id: str
    patient: str
    answer: Literal["excluded", "open", "no_reason_against"]
    unjudged: int
    ask: tuple[str, ...]
    rules: tuple[Rule, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def criteria(self) -> list[dict[str, object]]:
        """The verdicts as dictionaries, with ``index``, ``kind``, ``verdict``, ``why``, and the
        words: ``quote``, ``section``, ``start`` and ``end``.
        """
        return [
            {
                "index": place,
                "kind": kind,
                "verdict": found.verdict,
                "why": found.why,
                "quote": quote,
                "section": section,
                "start": start,
                "end": end,
            }
            for (place, kind, quote, section, start, end, *_), found in zip(
                self.rules, self.verdicts, strict=True
            )
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the match as an object of JSON."""
        return {
            **dict(zip(self._fields, self[:5], strict=False)),
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
    >>> found.answer, [one.verdict for one in found.verdicts]
    ('excluded', ['not_met', 'met', 'met'])
    """
    names = [name for name in facts.names if f" {name} " in plan.words]
    found = [_judge(rule, facts, names, plan.min_confidence) for rule in plan.rules]
    for group in plan.groups:
        whole = _weigh([found[place] for place in group.members], group.need)
        for place in group.members:
            one = found[place]
            if whole.verdict == "met" and one.verdict == "not_met":
                found[place] = one._replace(verdict="met", ask=())
            elif whole.verdict not in ("met", "not_met"):
                shown = f"the others in the list: {group.shown}"
                found[place] = _depend(one, shown, shown)
    kinds = {one.verdict for one in found}
    answer: Literal["excluded", "open", "no_reason_against"] = "no_reason_against"
    if plan.doubts or not kinds.isdisjoint(("depends", "doubtful")):
        answer = "open"
    if "not_met" in kinds:
        answer = "excluded"
    ask = dict.fromkeys(name for one in found for name in one.ask)
    unjudged = sum(one.verdict not in ("met", "not_met") for one in found)
    return Match(
        plan.record_id,
        facts.id,
        answer,
        unjudged,
        (*ask, *plan.doubts),
        plan.rules,
        tuple(found),
    )


def _judge(rule: Rule, facts: Facts, names: Iterable[str], least: float) -> Verdict:
    """Judge a criterion on its own."""
    required, enough = [], []
    for test in rule.tests:
        when = _weigh([_take(one, facts, least) for one in test.when], len(test.when))
        if when.verdict == "not_met":
            continue
        found = _take(test, facts, least)
        if test.when and when.verdict != "met":
            found = _depend(found, test.shown, "")
        if test.alternative:
            enough.append(found)
        else:
            required.append(found)
    if len(enough) == 1:
        enough = [_depend(enough[0], "an alternative", "")]
    if enough:
        required.append(_weigh(enough, 1))
        # "A < 1, B < 2 and C < 3" among exclusions may also mean any of them
        if rule.kind == "exclusion" and required[-1].verdict == "met":
            everyone = _weigh(enough, len(enough))
            required.append(_depend(everyone, "whether all of them must apply", ""))
    found = _weigh(required, len(required))
    if not required or found.verdict == "not_stated":
        touched = [name for name in names if f" {name} " in rule.words]
        if touched:
            return Verdict("depends", f"what it says of {touched[0]}", (rule.quote,))
    return _depend(found, rule.keeps_out, rule.lets_in)


def _take(test: Test, facts: Facts, least: float) -> Verdict:
    """Return the verdict of one test."""
    found = []
    for name, unit, span in test.spans:
        units = facts.values.get(name)
        if units is None:
            ask = () if name.startswith("has ") else (name,)
            found.append(Verdict("not_stated", "", ask))
        elif unit not in units:
            ask = (f"{name} in the unit of {test.shown}",)
            found.append(Verdict("depends", ask[0], ask))
        else:
            numbers = " or ".join(f"{number:g}" for number in units[unit])
            why = test.shown and f"{name} {numbers} {unit or ''}: {test.shown}"
            found.append(_compare(units[unit], span, why or name))
    whole = _weigh(found, test.need)
    if whole.verdict in ("met", "not_met") and test.confidence < least:
        why = f"{test.shown} ({test.confidence:.2f})"
        return Verdict("doubtful", why, (test.shown,))
    return _depend(whole, test.keeps_out, test.lets_in)


def _compare(numbers: Sequence[float], span: Span, shown: str) -> Verdict:
    """Compare the numbers that a value can mean with those that pass."""
    lowest, highest = min(numbers), max(numbers)
    inner = [end for end in (span.low, span.high) if lowest < end < highest]
    held = {_passes(number, span) for number in (*numbers, *inner)}
    if len(held) > 1:
        return Verdict("depends", f"the exact {shown}", (f"exact {shown}",))
    return Verdict("met" if True in held else "not_met", shown)


def _passes(number: float, span: Span) -> bool:
    """Return whether a number lets a patient in."""
    low, with_low, high, with_high, outside = span
    is_above = number > low or (number == low and with_low)
    is_below = number < high or (number == high and with_high)
    return (is_above and is_below) is not outside


def _depend(found: Verdict, keeps_out: str, lets_in: str) -> Verdict:
    """Return a verdict, or ``depends`` if something stands in the way of the decision."""
    obstacle = {"not_met": keeps_out, "met": lets_in}.get(found.verdict)
    if not obstacle:
        return found
    return Verdict("depends", f"{found.why}; it depends on {obstacle}", (obstacle,))


def _weigh(found: Sequence[Verdict], need: int) -> Verdict:
    """Return what verdicts say together if ``need`` of them must be met."""
    met = [one for one in found if one.verdict == "met"]
    not_met = [one for one in found if one.verdict == "not_met"]
    ask = tuple(dict.fromkeys(name for one in found for name in one.ask))
    if not_met and len(found) - len(not_met) < need:
        return not_met[0]
    if len(met) >= need > 0:
        return Verdict("met", "; ".join(dict.fromkeys(one.why for one in met)))
    kinds = {one.verdict for one in found}
    if kinds <= {"not_stated"}:
        return Verdict("not_stated", "", ask)
    if "doubtful" in kinds:
        return Verdict(
            "doubtful", "; ".join(filter(None, (one.why for one in found))), ask
        )
    missing = [name for one in found if one.verdict == "not_stated" for name in one.ask]
    whys = [one.why for one in found if one.why]
    if missing:
        whys.append(f"not given: {', '.join(missing)}")
    return Verdict("depends", "; ".join(dict.fromkeys(whys)), ask)
