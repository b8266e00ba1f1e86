"""Criteria that contradict each other: limits of one quantity, and the same condition in both lists."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from math import inf
from typing import NamedTuple

from extractor.schemas import Comparator, Constraint, Criterion, CriterionKind, Evidence, Finding, FindingKind, Severity

from .record import AuditedRecord
from .wording import count_headings, fold_wording

__all__ = ["check_both_ways", "check_limits"]

_LONGEST = 120
"""Characters of a criterion that is one limit; what is longer has conditions of its own."""
_WORD = re.compile(r"[a-z]{2,}")
_EMPTY_WORDS = """
of the and or an at is be in to with for by has have having must should who are was were than least most more less
greater lower higher below above under over between from up equal minimum maximum value values level levels any
either inclusive exceed exceeding older younger old aged age ages patients patient subjects subject participants
participant individuals people all criteria inclusion exclusion screening day days week weeks month months year years
yrs yr
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_MEASURES = re.compile(
    r"(?P<platelets>platelets?(?: counts?)?)|(?P<neutrophils>(?:absolute )?neutrophils?(?: counts?)?|anc)"
    r"|(?P<haemoglobin>ha?emoglobin|hgb|hb)|(?P<ecog>ecog(?: performance status)?(?: score)?|ecog ps)"
    r"|(?P<karnofsky>karnofsky(?: performance (?:status|score))?|kps)|(?P<bmi>bmi|body mass index(?: bmi)?)"
    r"|(?P<clearance>creatinine clearance|crcl)|(?P<filtration>e?gfr)|(?P<hba1c>hba1c)"
    r"|(?P<lvef>lvef|left ventricular ejection fraction(?: lvef)?)|(?P<fev1>fev1)|(?P<life>life expectancy)"
    r"|(?P<weight>(?:body )?weight)"
)
"""Quantities that mean the same whatever stands around them."""
_ROUNDED = 1.02
"""Less than this factor apart, two limits are one that was rounded."""
_ITEM = re.compile(r"^[ \t]*(?:[-*•·]|\d{1,2}[.)])[ \t]*", re.MULTILINE)
_AGED = re.compile(r"\bage[ds]?\b|\byears?\s+old\b|\b(?:older|younger)\b", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:in\s+(?:[\w-]+\s+){0,3}(?:patients|subjects|participants|women|men|children)|not?|without|or|if|unless"
    r"|except|either|cohorts?|groups?|arms?|parts?|phases?|when|while|mothers?|donors?|in case|those|controls?"
    r"|strat(?:um|a)|for\s+(?:children|adults|infants|patients|subjects|participants|women|men))\b|:\s*$",
    re.IGNORECASE,
)
"""What holds for some only, or in one case only."""


class _Limit(NamedTuple):
    number: int
    criterion: Criterion
    low: float
    high: float
    strict: bool


def check_limits(audited: AuditedRecord) -> Iterator[Finding]:
    """Pairs of an inclusion and an exclusion that are each one limit of the same quantity, in the same words."""
    groups: dict[tuple[str, ...], list[_Limit]] = defaultdict(list)
    for number, criterion in enumerate(audited.extraction.eligibility.criteria):
        if len(criterion.constraints) != 1 or len(criterion.quote) > _LONGEST or criterion.lead_in:
            continue
        if not _SEVERAL.search(criterion.quote):
            limit = criterion.constraints[0]
            groups[_name_quantity(criterion, limit)].append(_Limit(number, criterion, *_bounds(limit)))
    for key, limits in groups.items():
        if key[0]:
            for one, other in combinations(limits, 2):
                if _differ_by_rounding(key[0], one, other):
                    continue
                if _is_outermost(audited, one) and _is_outermost(audited, other) and _is_one_list(audited, one, other):
                    yield from _compare(audited, one, other)


def _name_quantity(criterion: Criterion, limit: Constraint) -> tuple[str, ...]:
    """What the criterion limits: all its words that are no comparison, and the unit."""
    words = {word for word in _WORD.findall(fold_wording(criterion.quote)) if word not in _EMPTY}
    unit = fold_wording(limit.unit or "").rstrip("s")
    if (known := _MEASURES.fullmatch(fold_wording(limit.quantity))) and known.lastgroup:
        return known.lastgroup, unit
    if not words and _AGED.search(criterion.quote):
        words = {"age"}
    return " ".join(sorted(words)), unit


def _bounds(limit: Constraint) -> tuple[float, float, bool]:
    """Lowest and highest value, and whether the finite one is itself outside."""
    value, comparator = limit.value, limit.comparator
    if comparator in {Comparator.LESS, Comparator.AT_MOST}:
        return -inf, value, comparator is Comparator.LESS
    if comparator in {Comparator.MORE, Comparator.AT_LEAST}:
        return value, inf, comparator is Comparator.MORE
    high = limit.value_high if comparator is Comparator.BETWEEN and limit.value_high is not None else value
    return value, high, False


def _compare(audited: AuditedRecord, one: _Limit, other: _Limit) -> Iterator[Finding]:
    if one.criterion.kind is other.criterion.kind:
        return  # limits that exclude each other in one list are those of groups, or alternatives
    asked, barred = (one, other) if one.criterion.kind is CriterionKind.INCLUSION else (other, one)
    if _covers(barred, asked):
        yield _report(audited, asked, barred, Severity.ERROR, "everybody whom the inclusion asks for is excluded")
    elif _cuts(barred, asked):
        yield _report(audited, asked, barred, Severity.WARNING, "some whom the inclusion admits are excluded")


def _is_outermost(audited: AuditedRecord, limit: _Limit) -> bool:
    """Whether no item of the section stands further left: what is indented may hold for one group only."""
    text = audited.record.raw_text(limit.criterion.section) or ""
    evidence = _find_quote(limit)
    start = text.rfind("\n", 0, evidence.start) + 1
    items = [len(found[0].expandtabs()) for found in _ITEM.finditer(text)]
    return bool(items) and len(text[start : evidence.start].expandtabs()) <= min(items)


def _is_one_list(audited: AuditedRecord, one: _Limit, other: _Limit) -> bool:
    """Whether no heading stands between the two but that of the exclusion criteria."""
    text = audited.record.raw_text(one.criterion.section) or ""
    return count_headings(text, *sorted(_find_quote(limit).start for limit in (one, other))) <= 1


def _differ_by_rounding(quantity: str, one: _Limit, other: _Limit) -> bool:
    """Whether ages are a year apart: "older than 18", and "under 19" excluded."""
    ends = [[end for end in (limit.low, limit.high) if abs(end) < inf] for limit in (one, other)]
    return quantity == "age" and any(abs(a - b) == 1 for a in ends[0] for b in ends[1])


def _find_quote(limit: _Limit) -> Evidence:
    return next(one for one in limit.criterion.evidence if one.field == "quote")


def _covers(barred: _Limit, asked: _Limit) -> bool:
    return (
        barred.low <= asked.low
        and asked.high <= barred.high
        and not (barred.strict and not asked.strict and (barred.low == asked.low or barred.high == asked.high))
    )


def _cuts(barred: _Limit, asked: _Limit) -> bool:
    """Whether an exclusion on the same side goes further than the inclusion: ">= 50" asked for, "< 75" excluded."""
    if barred.low == -inf and asked.low != -inf:
        return barred.high > asked.low * _ROUNDED
    return barred.high == inf and asked.high != inf and barred.low * _ROUNDED < asked.high


def _report(audited: AuditedRecord, one: _Limit, other: _Limit, severity: Severity, message: str) -> Finding:
    return Finding(
        kind=FindingKind.LIMITS_CONTRADICT,
        severity=severity,
        field=f"eligibility.criteria[{other.number}]",
        message=message,
        citations=(
            *audited.cite_evidence(one.criterion, "quote"),
            *audited.cite_evidence(other.criterion, "quote"),
        ),
    )


_SIGNS = " \n.,;:"
_NAMES_GROUP = re.compile(r"(?:all\s+)?(?:parts?|cohorts?|groups?|arms?|phases?|stages?|for)\b", re.IGNORECASE)
_POINTER = re.compile(
    r"\b(?:criteri(?:a|on)|protocol|eligib\w+|refer\s+to|details|requirements|conditions\s+(?:may\s+)?apply|(?:see|as|listed"
    r"|described|mentioned)\s+(?:above|below)|not\s+(?:applicable|specified|provided|stated|available)|n/?a|none|others?"
    r"|to\s+be\s+(?:determined|defined))\b",
    re.IGNORECASE,
)
"""Speaks of the list, or points elsewhere, and states no condition of a participant: "Further criteria apply."."""
_REACH = 200
_SHORTEST = 8
"""Characters of a criterion that says something by itself."""


def check_both_ways(audited: AuditedRecord) -> Iterator[Finding]:
    """Criteria in the same words, under the same lead-in, in both lists."""
    asked: dict[tuple[str, str], Criterion] = {}
    criteria = audited.extraction.eligibility.criteria
    for criterion in criteria:
        if criterion.kind is CriterionKind.INCLUSION and criterion.evidence:
            asked.setdefault(_key(criterion), criterion)
    for number, criterion in enumerate(criteria):
        key = _key(criterion)
        if criterion.kind is CriterionKind.EXCLUSION and key in asked and _is_condition(audited, asked[key], criterion):
            yield Finding(
                kind=FindingKind.CRITERION_CONTRADICTED,
                severity=Severity.ERROR,
                field=f"eligibility.criteria[{number}]",
                message="the same condition stands among the inclusion and the exclusion criteria",
                citations=(
                    *audited.cite_evidence(asked[key], "quote"),
                    *audited.cite_evidence(criterion, "quote"),
                ),
            )


def _is_condition(audited: AuditedRecord, asked: Criterion, criterion: Criterion) -> bool:
    """Whether it states something of the same people and fills its line: it is no heading and no pointer."""
    quote = next((one for one in criterion.evidence if one.field == "quote"), None)
    if quote is None or len(quote.quote) < _SHORTEST or _NAMES_GROUP.match(quote.quote):
        return False
    if _POINTER.search(quote.quote):
        return False
    text = audited.record.raw_text(quote.section) or ""
    first = next((one.start for one in asked.evidence if one.field == "quote"), quote.start)
    if count_headings(text, *sorted((first, quote.start))) > 1:
        return False
    rest, _, below = text[quote.end : quote.end + _REACH].partition("\n")
    line = text[text.rfind("\n", 0, quote.start) + 1 : quote.start]
    return not rest.strip(_SIGNS) and not rest.rstrip().endswith(":") and _indent(below.lstrip("\n")) <= _indent(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _key(criterion: Criterion) -> tuple[str, str]:
    return criterion.quote.lower().rstrip(_SIGNS), (criterion.lead_in or "").lower()
