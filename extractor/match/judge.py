"""Judge a test with a patient's facts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf, isclose
from typing import Literal, NamedTuple

from extractor.concepts.limits.quantity_names import list_quantities
from extractor.match.facts import Facts
from extractor.match.quantities import Units
from extractor.match.questions import (
    ask,
    say_name,
    show_name,
    show_quantity,
    show_unit,
    split_quantity,
)
from extractor.match.tests import Test

Decision = Literal["met", "not_met", "depends", "doubtful", "not_stated"]
_OF_NAMES = ("has ", "had ", "takes ", "took ")


class Verdict(NamedTuple):
    """What a criterion, or a part of it, means for a patient: whether it lets them in (``met``),
    keeps them out (``not_met``) or neither; why; and what would decide it. ``origin`` is ``rule``
    or ``model``, and ``fact`` the words of the patient's chart that a model quotes.
    """

    verdict: Decision
    why: str = ""
    ask: tuple[str, ...] = ()
    origin: Literal["rule", "model"] = "rule"
    fact: str = ""


_SILENT = Verdict("not_stated")


def run_test(test: Test, facts: Facts, min_confidence: float) -> Verdict:
    """Return the verdict of a test on a patient."""
    if test.quantity:
        verdict = _compare(test, facts)
    else:
        verdicts = []
        unconcerned = ""
        for part in test.parts:
            one = run_test(part, facts, min_confidence)
            if part.when and not _has_any(part.despite, facts):
                tests = [run_test(each, facts, min_confidence) for each in part.when]
                condition = weigh_verdicts(tests, 0)
                applies = condition.verdict
                # a limit for women does not concern a man
                if applies == "not_met":
                    unconcerned = f"not concerned: {condition.why}"
                    continue
                # if it is not known whether the limit applies, the patient may still pass it
                if applies != "met":
                    one = depend(one, part.shown, "")
                    one = one._replace(ask=(*one.ask, *condition.ask))
            verdicts.append(one)
        verdict = weigh_verdicts(verdicts, test.need)
        if unconcerned and not verdicts:
            verdict = Verdict("met", unconcerned)
    if test.confidence < min_confidence and verdict.verdict in ("met", "not_met"):
        why = f"{test.shown} ({test.confidence:.2f})"
        return Verdict("doubtful", why)
    return depend(verdict, test.keeps_out, test.lets_in)


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
        why = f"{show_quantity(test.quantity)} in the unit of {test.shown}"
        return Verdict("depends", why, (ask(test.quantity, test.unit),))
    numbers = units[test.unit]
    if _may_be_in_unit_of_trial(test, facts):
        why = (
            f"{show_quantity(test.quantity)} {facts.bare[test.quantity]:g} has no unit"
        )
        question = ask(test.quantity, test.written)
        return Verdict("depends", f"{why}; state a usual unit", (question,))
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
        shown = show_name(split_quantity(test.quantity)[1])
        obstacle = f"what it says of {shown}: {test.in_part}"
        return Verdict("depends", obstacle)
    return Verdict("met" if True in passes else "not_met", why)


def _may_be_in_unit_of_trial(test: Test, facts: Facts) -> bool:
    """Return whether a value without a unit is another plausible one in the unit of the trial: a
    haemoglobin of 7 may be in g/dL or in mmol/L.
    """
    bare = facts.bare.get(test.quantity)
    known = list_quantities().get(test.quantity.partition(" (")[0])
    if bare is None or known is None or test.written is None:
        return False
    other = known.to_canonical(bare, test.written)
    if other is None or isclose(other, known.to_canonical(bare, None) or 0):
        return False
    return known.is_possible(other)


def _show_numbers(test: Test, numbers: Sequence[float]) -> str:
    if test.quantity.startswith(_OF_NAMES):
        return say_name(test.quantity, is_absent=numbers == (0.0,))
    if not test.unit:
        return test.quantity
    if numbers == (inf,):
        return f"never: {show_name(test.quantity.partition(' ')[2])}"
    stated = " or ".join(f"{number:g}" for number in numbers)
    if numbers[0] == -inf:
        stated = f"at most {numbers[-1]:g}"
    elif numbers[-1] == inf:
        stated = f"at least {numbers[0]:g}"
    value = f"{show_quantity(test.quantity)} {stated} {show_unit(test.unit)}".strip()
    return f"{value}: {test.shown}"


def _find_denial(test: Test, facts: Facts) -> Units | None:
    """Return the numbers of a name that the patient cannot have: they have none of a wider name,
    or have something that nobody has with it.
    """
    stated = facts.values.keys()
    # a name has many wider ones, of which few patients have any
    if not stated.isdisjoint(test.wider):
        for wider in test.wider:
            units = facts.values.get(wider)
            if units in ({None: (0.0,)}, {"day": (inf,)}):
                return units
            # the last surgery may have been no major one, so that this was earlier
            if units and "day" in units:
                return {"day": (units["day"][0], inf)}
    if stated.isdisjoint(test.against):
        return None
    return {None: (0.0,)} if _has_any(test.against, facts) else None


def _has_any(names: Iterable[str], facts: Facts) -> bool:
    """Return whether a patient has one of these things."""
    return any(facts.values.get(name) == {None: (1.0,)} for name in names)


def _miss(test: Test, facts: Facts) -> Verdict:
    """Return the verdict on a test of a value that is not stated."""
    question = ask(test.quantity)
    if split_quantity(test.quantity)[0] != "value":
        return Verdict("not_stated", "", (question,) if question else ())
    base, _, qualifiers = test.quantity.partition(" (")
    near: list[str] = []
    if base in facts.keys:
        same = (name for name in facts.values if name.partition(" (")[0] == base)
        near = [name for name in same if qualifiers or " (" in name]
    if near:
        shown, other = show_quantity(test.quantity), show_quantity(near[0])
        why = f"{shown}: not given; {other} may be another value"
        return Verdict("depends", why, (question,))
    return Verdict(
        "not_stated", f"{show_quantity(test.quantity)}: not given", (question,)
    )


def depend(verdict: Verdict, keeps_out: str, lets_in: str) -> Verdict:
    """Return a verdict, or ``depends`` if something stands in the way of the decision:
    ``keeps_out`` if the verdict is ``not_met``, and ``lets_in`` if it is ``met``.
    """
    obstacle = {"not_met": keeps_out, "met": lets_in}.get(verdict.verdict)
    if not obstacle:
        return verdict
    why = f"{verdict.why}; it depends on {obstacle}"
    return verdict._replace(verdict="depends", why=why, ask=())


def weigh_verdicts(verdicts: Sequence[Verdict], need: int) -> Verdict:
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
