"""The number of participants that the text plans, against the registered planned enrolment."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from extractor.schemas import Finding, FindingKind, Severity
from extractor.text.numbers import read_number

from .prose import Prose
from .record import AuditedRecord
from .wording import sentence_around

__all__ = ["check_sample_size"]

_PEOPLE = (
    r"(?:[a-z][\w/-]*\s+){0,4}?(?:patients?|subjects?|participants?|individuals?|volunteers?|people|women|men|adults"
    r"|children|infants|cases)\b"
)
_ENROL = r"(?:enrol+|recruit|include|accrue|randomi[sz]e)"
_ENROLLED = r"(?:enrol+ed|recruited|included|accrued|randomi[sz]ed|randomly)"
_BOUND = (
    r"(?P<bound>up to approximately|approximately|about|around|roughly|circa|up to|at most|a maximum of|maximum"
    r"|at least|a minimum of)"
)
_SIZE = rf"(?:{_BOUND}\s+)?(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+)(?!\s*(?:-|~|to)\s*\d)"
_PLANS = [
    re.compile(expression, re.IGNORECASE)
    for expression in (
        rf"\b(?:total|overall)\s+(?:of\s+)?{_SIZE}\s+{_PEOPLE}(?=[^.;\n]{{0,80}}\b(?:be|are)\s+{_ENROLLED})",
        rf"\bin\s+(?:this\s+(?:study|trial)|total),?\s+{_SIZE}\s+{_PEOPLE}"
        rf"(?=[^.;\n]{{0,80}}\b(?:be|are)\s+{_ENROLLED})",
        r"\b(?:study|trial|investigators?|we|planned)\s+"
        r"(?:(?:will|plans?\s+to|aims?\s+to|intends?\s+to|is\s+planned\s+to)\s+|to\s+)"
        rf"{_ENROL}\s+(?:a\s+total\s+of\s+)?{_SIZE}\s+{_PEOPLE}",
        r"\bsample\s+size\s+(?:is|of|will\s+be)\s+(?:estimated\s+(?:at|to\s+be)\s+)?"
        rf"{_SIZE}(?=\s+{_PEOPLE}|[.;\n])",
    )
]
"""Plans of the whole trial."""
_PARTLY = re.compile(
    r"\b(?:cohorts?|parts?|arms?|stages?|phases?|groups?|each|per|sub-?stud(?:y|ies)|expansion|escalation"
    r"|additional|another|first|initial|sites?|cent(?:er|re)s?|pilot|interim|evaluable|healthy|controls?|power|already"
    r"|were|run-in|screened|drop-?outs?|completers?|moreover|aim\s+\d|family members|famil(?:y|ies))\b",
    re.IGNORECASE,
)
_FOR_ANOTHER_AIM = re.compile(r"\bsecondary\s+(?:aim|objective|outcome|end\s?-?point|hypothes|question)", re.IGNORECASE)
"""Where the statistics of a secondary aim are told, its number is not that of the trial."""
_BEFORE = 1500
_CONTROLS = re.compile(r"\b(?:healthy|matched|normal)\s+(?:[\w-]+\s+)?(?:controls?|volunteers?)\b", re.IGNORECASE)
_MORE = re.compile(r"\b(?:moreover|in addition|additional(?:ly)?|further(?:more)?|as well as|another)\b", re.IGNORECASE)
_NEXT = 150
"""How far behind a sentence others may still be added to its number."""
_DIVISION = re.compile(
    r"\b(?:into|to|between|among|in)\s+(?:(?!each|per)[\w:-]+\s+){0,4}(?:arms|groups)\b", re.IGNORECASE
)
_ROUGHLY = 1.15
"""What "approximately" allows."""
_CEILINGS = {"up to", "up to approximately", "at most", "a maximum of", "maximum"}
_SHORT = 0.75
_LOST = 1.3
"""Those who drop out are often added to the number that the statistics ask for."""


class _Plan(NamedTuple):
    prose: Prose
    start: int
    end: int
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
        citations=(audited.cite(plan.prose.section, plan.start, plan.end), audited.cite_registry("enrollment")),
    )


def _names_others(prose: Prose, enrolment: int) -> bool:
    """Whether the text names the registered number of people elsewhere, or controls who are not counted as patients."""
    written = rf"\b(?:{enrolment}|{enrolment:,})\s+{_PEOPLE}"
    return bool(_CONTROLS.search(prose.text) or re.search(written, prose.text, re.IGNORECASE))


def _find_plans(prose: Prose) -> Iterator[_Plan]:
    for expression in _PLANS:
        for found in expression.finditer(prose.text):
            start, end = sentence_around(prose.text, *found.span())
            count = read_number(found["number"])
            if _MORE.search(prose.text, end, end + _NEXT) or _FOR_ANOTHER_AIM.search(
                prose.text, max(0, start - _BEFORE), start
            ):
                continue
            if count and not _PARTLY.search(_DIVISION.sub("", prose.text[start:end])):
                yield _Plan(prose, found.start(), found.end(), int(count), (found["bound"] or "").lower())


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
