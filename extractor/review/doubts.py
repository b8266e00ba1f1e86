"""Where errors are to be expected: which record first, and which field of an item."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from extractor.parse import parse_record
from extractor.parse.parsed import CERTAIN, ParsedCriterion, ParsedOutcome, Reading
from extractor.schemas import Origin, Severity, TrialRecord

from .items import BaseItem, ItemKind, list_fields

__all__ = ["Doubt", "WeighedResult", "list_doubtful_fields", "weigh_result"]

_FINDING = {Severity.ERROR: 1.0, Severity.WARNING: 0.5, Severity.INFO: 0.1}
"""How many errors a finding is worth in the queue."""

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Doubt:
    """How many errors to expect in so many items of a record, and what most of them are expected of, in words."""

    items: int
    expected: float
    reasons: tuple[str, ...]


class _Weighed(BaseModel):
    """Of an item what is weighed; all else that a result holds of it is skipped."""

    confidence: float | None = None


class _WeighedEndpoint(_Weighed):
    rank: str
    index: int


class _WeighedEligibility(_Weighed):
    criteria: tuple[_Weighed, ...] = ()


class _WeighedFinding(BaseModel):
    severity: Severity


class WeighedResult(BaseModel):
    """Of a result what is weighed: to read this takes a twentieth of the time that all of it takes."""

    eligibility: _WeighedEligibility
    dosing: tuple[_Weighed, ...] = ()
    endpoints: tuple[_WeighedEndpoint, ...] = ()
    findings: tuple[_WeighedFinding, ...] = ()


def weigh_result(result: WeighedResult) -> Doubt:
    """The sum of what each item lacks in confidence, and of what the findings weigh.

    >>> weigh_result(WeighedResult(eligibility={"confidence": 1, "criteria": [{"confidence": 0.6}]}))
    Doubt(items=2, expected=0.4, reasons=('criterion 1 is 60 % sure',))
    """
    items = list(_name_items(result))
    lacks = [(name, 1 - item.confidence) for name, item in items if item.confidence is not None]
    doubtful = sorted((pair for pair in lacks if pair[1] > 1 - CERTAIN), key=lambda pair: -pair[1])
    findings = sum(_FINDING[finding.severity] for finding in result.findings)
    reasons = [f"{name} is {100 * (1 - lack):.0f} % sure" for name, lack in doubtful[:_NAMED]]
    if (rest := len(doubtful) - _NAMED) > 0:
        reasons.append(f"{rest} more {'is' if rest == 1 else 'are'} not certain")
    if number := len(result.findings):
        reasons.append(f"{number} finding{'s' * (number != 1)}")
    return Doubt(len(items), round(sum(lack for _, lack in lacks) + findings, 3), tuple(reasons))


def _name_items(result: WeighedResult) -> Iterator[tuple[str, _Weighed]]:
    yield "who may take part", result.eligibility
    yield from ((f"criterion {number}", one) for number, one in enumerate(result.eligibility.criteria, 1))
    yield from ((f"dose {number}", one) for number, one in enumerate(result.dosing, 1))
    yield from ((f"{one.rank} outcome {one.index + 1}", one) for one in result.endpoints)


def list_doubtful_fields(record: TrialRecord, items: tuple[BaseItem, ...]) -> dict[str, dict[str, float]]:
    """By item: the fields of which the rules are not certain, and how sure they are. What a model said is left out."""
    parsed = parse_record(record)
    outcomes = {(one.rank, one.index): one for one in parsed.outcomes}
    found: dict[str, dict[str, float]] = {}
    for item in items:
        source: Any = None
        if item.kind is ItemKind.ENDPOINT:
            source = outcomes.get((item.value["rank"], item.value["index"]))
        elif item.kind is ItemKind.CRITERION:
            source = _find_criterion(parsed.eligibility.criteria, item)
        elif item.kind is ItemKind.PEOPLE:
            source = parsed.eligibility
        found[item.id] = dict(_list_open(item, source)) if source else {}
    return found


def _find_criterion(criteria: tuple[ParsedCriterion, ...], item: BaseItem) -> ParsedCriterion | None:
    quotes = [one for one in item.evidence if one.field == "quote"]
    for one in criteria:
        span = one.chunk.span
        if any(q.section == span.section and span.start <= q.start < span.end for q in quotes):
            return one
    return None


def _list_open(item: BaseItem, source: ParsedCriterion | ParsedOutcome) -> Iterator[tuple[str, float]]:
    told = {one.field.partition("[")[0] for one in item.evidence if one.origin is not Origin.RULE}
    for name in list_fields(item.kind):
        reading = getattr(source, name, None)
        if isinstance(reading, Reading) and not reading.certain and name not in told:
            yield name, reading.confidence
