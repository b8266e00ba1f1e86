"""The number of participants that the text plans, against the registered planned enrolment."""

from collections.abc import Iterator
from typing import NamedTuple

from extractor.schemas import Finding, FindingKind, Severity
from extractor.text.book import rule
from extractor.text.numbers import read_number
from extractor.text.patterns import Found

from .prose import Prose
from .record import AuditedRecord

__all__ = ["check_sample_size"]

_PLANS = ("plans_a_total", "plans_in_this_trial", "plans_to_enrol", "plans_a_sample")
"""Rules that find plans of the whole trial."""
_OTHERWISE = ("part_of_a_trial", "counted_otherwise", "counted_besides")
_BEFORE = 270
"""How many tokens in front of a sentence the statistics of a secondary aim begin: its number is not the trial's."""
_NEXT = 28
"""How many tokens behind a sentence others may still be added to its number."""
_ROUGHLY = 1.15
"""What "approximately" allows."""
_CEILINGS = {"up to", "up to approximately", "at most", "a maximum of", "maximum"}
_SHORT = 0.75
_LOST = 1.3
"""Those who drop out are often added to the number that the statistics ask for."""


class _Plan(NamedTuple):
    section: str
    found: Found
    number: int
    bound: str


def check_sample_size(audited: AuditedRecord) -> Iterator[Finding]:
    """Sizes in the text of which none fits the registered one. Actual enrolment is what came of a plan."""
    registry = audited.record.registry
    enrolment = read_number(registry.enrollment or "")
    if not enrolment:
        return
    plans = [plan for prose in audited.bodies for plan in _find_plans(prose)]
    kind = (registry.enrollment_type or "").lower()
    if any(_names_others(prose, int(enrolment)) for prose in audited.bodies):
        return
    fitting = (_fits(plan, enrolment, reached=kind == "actual") for plan in plans)
    if not plans or any(fitting) or sum(plan.number for plan in plans) == enrolment:
        return
    plan = plans[0]
    yield Finding(
        kind=FindingKind.SAMPLE_SIZE_DIFFERS,
        severity=Severity.WARNING if kind in {"estimated", "anticipated"} else Severity.INFO,
        field="",
        message=f"the text plans {plan.bound + ' ' if plan.bound else ''}{plan.number} participants, "
        f"the registry's {kind + ' ' if kind else ''}enrolment is {enrolment}",
        citations=(audited.cite(plan.section, *plan.found.span), audited.cite_registry("enrollment")),
    )


def _names_others(prose: Prose, enrolment: int) -> bool:
    """Whether the text names the registered number of people elsewhere, or controls who are not counted as patients."""
    counts = (read_number(found.read("number") or "") for found in rule("counts_people").find(prose.tokens))
    return bool(rule("controls_besides").search(prose.tokens)) or enrolment in counts


def _find_plans(prose: Prose) -> Iterator[_Plan]:
    tokens = prose.tokens
    for found in (found for name in _PLANS for found in rule(name).find(tokens)):
        first, end = prose.sentence(found.first, found.end)
        count = read_number(found.read("number") or "")
        if not count or prose.has("more_besides", end, end + _NEXT):
            continue
        if prose.has("other_aim", max(0, first - _BEFORE), first):
            continue
        divisions = [(each.first, each.end) for each in rule("divides").find(tokens, first, end)]
        rest = tokens.without(divisions, first, end)
        if not any(rule(name).search(rest) for name in _OTHERWISE):
            yield _Plan(prose.section, found, int(count), (found.read("bound") or "").lower())


def _fits(plan: _Plan, enrolment: float, *, reached: bool) -> bool:
    """Whether the plan allows the registered number; one that was ``reached`` may fall somewhat short of it."""
    low, high = float(plan.number), plan.number * _LOST
    if plan.bound in {"at least", "a minimum of"}:
        high = enrolment
    elif plan.bound:
        low = plan.number / _ROUGHLY
    if reached:
        low = 0.0 if plan.bound in _CEILINGS else low * _SHORT
    return low <= enrolment <= high
