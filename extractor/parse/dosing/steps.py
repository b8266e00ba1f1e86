"""Steps of a regimen: "an initial dose of 600 mg, then 300 mg every 2 weeks"."""

import re
from dataclasses import replace

from extractor.schemas import Frequency

from .facts import Fact, Statement
from .marks import Mark

__all__ = ["append_statements"]

_LOADING = re.compile(r"\b(?:initial|loading|priming|first|single|starting)\s(?:\w+\s)?dose\b", re.IGNORECASE)


def append_statements(statements: list[Statement], more: list[Statement], *, is_step: bool) -> list[Statement]:
    """``more`` behind ``statements``; a step goes on with what the one before it says."""
    if not (is_step and statements and more):
        return [*statements, *more]
    before = statements[-1]
    steps = [_continue(before, one) for one in more]
    if steps[0].step and not (before.frequency or before.days):
        before = replace(before, frequency=_find_loading(before))
    return [*statements[:-1], before, *steps]


def _find_loading(statement: Statement) -> Fact | None:
    """The words for a dose that is given once before the others."""
    clause = statement.clause
    found = _LOADING.search(clause.text, clause.start, clause.end)
    return Fact(Mark(Frequency.ONCE, *found.span(), 0.8), statement.section) if found else None


def _continue(before: Statement, step: Statement) -> Statement:
    """A step of the regimen that ``before`` states, with what it does not state anew."""
    if step.agent.key != before.agent.key:
        return step
    return replace(
        step,
        step=before.step + 1,
        mention=step.mention or before.mention,
        amounts=step.amounts or before.amounts,
        route=step.route or before.route,
        cycle=step.cycle or before.cycle,
    )
