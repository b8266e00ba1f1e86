"""The same condition among the inclusion and the exclusion criteria."""

import re
from collections.abc import Iterator

from extractor.schemas import Criterion, CriterionKind, Finding, FindingKind, Severity

from .record import AuditedRecord
from .wording import count_headings

__all__ = ["check_both_ways"]

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
