"""Criteria that contradict each other: limits of one quantity, and the same condition in both lists."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from math import inf
from typing import NamedTuple

from extractor.parse.eligibility.lines import read_lines
from extractor.schemas import Comparator, Constraint, Criterion, CriterionKind, Evidence, Finding, FindingKind, Severity
from extractor.text.book import read_text, rule
from extractor.text.passage import Section
from extractor.text.quantity_names import fold_words, name_quantity
from extractor.text.terms import word_set
from extractor.text.units import read_unit

from .record import AuditedRecord

__all__ = ["check_both_ways", "check_limits"]

_LONGEST = 120
"""Characters of a criterion that is one limit; what is longer has conditions of its own."""
_EMPTY = word_set(
    """
of the and or an at is be in to with for by has have having must should who are was were than least most more less
greater lower higher below above under over between from up equal minimum maximum value values level levels any
either inclusive exceed exceeding older younger old aged age ages patients patient subjects subject participants
participant individuals people all criteria inclusion exclusion screening day days week weeks month months year years
yrs yr
"""
)
_MEASURES = word_set(
    """
    platelet_count absolute_neutrophil_count haemoglobin ecog_performance_status karnofsky bmi creatinine_clearance egfr
    hba1c lvef fev1_percent_predicted life_expectancy body_weight
    """
)
"""Quantities that mean the same whatever stands around them."""
_ROUNDED = 1.02
"""Less than this factor apart, two limits are one that was rounded."""


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
        if not rule("limits_some").search(read_text(criterion.quote)):
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
    unit = read_unit(limit.unit or "") or (limit.unit or "").lower()
    known = name_quantity(limit.quantity, read_unit(limit.unit or ""))
    if known and known.name in _MEASURES and fold_words(limit.quantity) in map(fold_words, known.names):
        return known.name, unit
    tokens = read_text(criterion.quote)
    words = {word.lower() for word in tokens.words if word.isalpha() and len(word) > 1} - _EMPTY
    if not words and rule("limits_an_age").search(tokens):
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
    section, start = audited.parsed.sections[limit.criterion.section], _find_quote(limit).start
    items = [line.column for line in read_lines(section) if line.bullet]
    return bool(items) and start - section.raw.rfind("\n", 0, start) - 1 <= min(items)


def _is_one_list(audited: AuditedRecord, one: _Limit, other: _Limit) -> bool:
    """Whether no heading stands between the two but that of the exclusion criteria."""
    places = (_find_quote(limit).start for limit in (one, other))
    return _count_headings(audited.parsed.sections[one.criterion.section], *places) <= 1


def _count_headings(section: Section, one: int, other: int) -> int:
    """How many headings stand between two places. More than one begins a list for other people."""
    between = section.between(min(one, other), max(one, other))
    return sum(1 for _ in rule("list_heading_line").find(section.tokens, between.first, between.end))


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
    if quote is None or len(quote.quote) < _SHORTEST:
        return False
    section, tokens = audited.parsed.sections[quote.section], read_text(quote.quote)
    if rule("names_a_group").starts(tokens, 0) or rule("points_elsewhere").search(tokens):
        return False
    first = next((one.start for one in asked.evidence if one.field == "quote"), quote.start)
    if _count_headings(section, first, quote.start) > 1:
        return False
    text = section.raw
    rest, _, below = text[quote.end : quote.end + _REACH].partition("\n")
    line = text[text.rfind("\n", 0, quote.start) + 1 : quote.start]
    return not rest.strip(_SIGNS) and not rest.rstrip().endswith(":") and _indent(below.lstrip("\n")) <= _indent(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _key(criterion: Criterion) -> tuple[str, str]:
    return criterion.quote.lower().rstrip(_SIGNS), (criterion.lead_in or "").lower()
