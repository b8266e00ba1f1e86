"""The facts that decide most lines of trials."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from extractor.match.plan import Plan
from extractor.match.questions import ask, is_of_name, show_name, split_quantity
from extractor.match.tests import Test


class Need(NamedTuple):
    """A fact that trials need.

    Attributes:
        kind: ``value``, ``age``, ``sex``, or the verb of a name: ``has``, ``since``.
        name: The quantity or the name.
        question: The question for it.
        lines: How many criteria it touches.
        trials: How many trials.
    """

    kind: str
    name: str
    question: str
    lines: int
    trials: int


def list_needs(plans: Iterable[Plan], most: int) -> list[Need]:
    """Return the facts that touch most lines of trials, those that touch most first. Names of the
    same thing are one fact.
    """
    lines = Counter[tuple[str, str]]()
    trials = Counter[tuple[str, str]]()
    for plan in plans:
        here = Counter[tuple[str, str]]()
        for rule in plan.rules:
            here.update({_name_fact(one) for one in _list_quantities(rule.test)})
        lines.update(here)
        trials.update(here.keys())
    needs = []
    for (kind, name), count in lines.most_common():
        question = ask(name if not is_of_name(kind) else f"{kind} {name}")
        if question:
            needs.append(Need(kind, name, question, count, trials[kind, name]))
        if len(needs) == most:
            break
    return needs


def _name_fact(quantity: str) -> tuple[str, str]:
    kind, name = split_quantity(quantity)
    return kind, show_name(name) if is_of_name(kind) else name


def _list_quantities(test: Test) -> Iterator[str]:
    """Yield what a test needs, without what can decide nothing."""
    if test.keeps_out and test.lets_in:
        return
    if test.quantity:
        # who has no hypertension has no uncontrolled one
        yield test.wider[-1] if test.wider else test.quantity
    for part in (*test.parts, *test.when):
        yield from _list_quantities(part)
