"""Age limits and sex in the text against the registered ones."""

from collections.abc import Iterator

from extractor.schemas import Age, Citation, Evidence, Finding, FindingKind, Severity, Sex, TimeUnit
from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import DAYS, find_durations, read_time_unit
from extractor.text.passage import Section

from .record import AuditedRecord

__all__ = ["check_ages", "check_sex"]

_FIELDS = ("minimum_age", "maximum_age")
_EVERYBODY = 99
"""Years from which on a registered upper limit admits everybody."""
_ROUNDED = 1.01
"""Registries round, and turn "under 18" into 17."""
_ADULT = 18
_REACH = 18
"""How many tokens in front of its age the item may begin."""
_NEAR = 4
"""How many tokens behind an age may name its bound."""


def check_ages(audited: AuditedRecord) -> Iterator[Finding]:
    """Limits for all participants that lie more than a year (a month, for infants) apart from the registered ones."""
    eligibility, registry = audited.extraction.eligibility, audited.record.registry
    for field in _FIELDS:
        age: Age | None = getattr(eligibility, field)
        written = registry.text(field)
        evidence = next((one for one in eligibility.evidence if one.field == field), None)
        if not (age and written and evidence and age.unit in DAYS):
            continue
        stated, registered = age.value * DAYS[age.unit], _read_registered(written)
        if not registered or _agree(stated, registered):
            continue
        if _is_of_one_generation(audited, evidence, stated, registered):
            continue
        if not _is_plain(audited, field, evidence) or _is_named(audited, registered):
            continue
        yield Finding(
            kind=FindingKind.AGE_DIFFERS,
            severity=Severity.WARNING,
            field=f"eligibility.{field}",
            message=f"the text's {field.replace('_', ' ')} is {age.value} {age.unit}s, the registry's {written}",
            citations=(
                audited.cite_raw(evidence.section, evidence.start, evidence.end),
                audited.cite_registry(field),
            ),
        )


def _read_registered(written: str) -> float | None:
    """The registry's "18 Years" in days; None for "N/A" and for ages that admit everybody."""
    age = next(find_durations(read_text(written)), None)
    return None if age is None or (age.unit is TimeUnit.YEAR and age.high >= _EVERYBODY) else age.days


def _agree(stated: float, registered: float) -> bool:
    free = DAYS[TimeUnit.YEAR] if max(stated, registered) > 2 * DAYS[TimeUnit.YEAR] else DAYS[TimeUnit.MONTH]
    return abs(stated - registered) <= _ROUNDED * free


def _is_of_one_generation(audited: AuditedRecord, evidence: Evidence, stated: float, registered: float) -> bool:
    """Whether one limit is a child's and the other an adult's, in a text that names both: families take part."""
    adult = _ADULT * DAYS[TimeUnit.YEAR]
    tokens = audited.parsed.sections[evidence.section].tokens
    both = rule("names_children").search(tokens) and rule("names_elders").search(tokens)
    return (stated < adult) is not (registered < adult) and bool(both)


def _is_plain(audited: AuditedRecord, field: str, evidence: Evidence) -> bool:
    """Whether the text states the limit for everybody, in words that leave no doubt which bound it is."""
    reading = getattr(audited.parsed.eligibility, field)
    told = evidence.section != "eligibility"  # a summary may tell of some participants alone
    if told or reading.alternatives or reading.value != getattr(audited.extraction.eligibility, field):
        return False
    section = audited.parsed.sections[evidence.section]
    tokens, age = section.tokens, section.between(evidence.start, evidence.end)
    start = _find_item(tokens, age.first)
    if start is None or _stands_among_signs(section, age.first):
        return False
    line_end = tokens.codes.find("\n", age.end)
    end = min(age.end + _REACH, len(tokens) if line_end < 0 else line_end)
    if _is_of_some(tokens, start, age.first) or _is_of_some(tokens, age.end, end):
        return False
    if tokens.words[age.first - 1] in ("-", "~", "(") and age.first > start:
        return False
    if rule("age_at_an_event").search(tokens, age.end, end):
        return False
    near = min(end, age.end + _NEAR)
    is_bound = rule("age_range").search(tokens, age.first, age.end) or rule(f"bounds_{field}").search(
        tokens, start, near
    )
    return bool(rule("about_age").search(tokens, start, near) and is_bound)


def _is_of_some(tokens: Tokens, first: int, end: int) -> bool:
    """Whether words beside an age, or another number, say that it is not that of all participants."""
    counts = any(word[0].isdigit() for word in tokens.words[first:end])
    return counts or rule("age_of_some").search(tokens, first, end) is not None


def _find_item(tokens: Tokens, at: int) -> int | None:
    """Where the words of an item begin that holds a token; None if that is too far off."""
    low = max(0, at - _REACH)
    start = next((one + 1 for one in range(at - 1, low - 1, -1) if tokens.words[one] in "\n;:"), None)
    if start is None and low:
        return None
    marker = rule("item_marker").starts(tokens, start or 0, at)
    return marker.end if marker else start or 0


def _stands_among_signs(section: Section, at: int) -> bool:
    """Whether the last line with a colon at its end opens a list of signs."""
    opening = [line for line in section.lines() if line.end <= at and line.text.endswith(":")]
    return bool(opening) and rule("lists_signs").search(section.tokens, opening[-1].first, opening[-1].end) is not None


def _is_named(audited: AuditedRecord, registered: float) -> bool:
    """Whether a criterion names the registered age, too: then the limits differ by cohort."""
    for criterion in audited.extraction.eligibility.criteria:
        for limit in criterion.constraints:
            days = DAYS.get(read_time_unit(limit.unit or "year") or TimeUnit.YEAR, DAYS[TimeUnit.YEAR])
            if any(v is not None and _agree(v * days, registered) for v in (limit.value, limit.value_high)):
                return True
    return False


def check_sex(audited: AuditedRecord) -> Iterator[Finding]:
    """One sex in the text and another, or both, in the registry."""
    stated, written = audited.extraction.eligibility.sex, audited.record.registry.sex
    reading = audited.parsed.eligibility.sex
    if stated is None or not written or reading.alternatives or reading.value is not stated:
        return
    registered = {"both": "all"}.get(written.lower(), written.lower())
    citations = audited.cite_evidence(audited.extraction.eligibility, "sex")[:1]
    if not all(_is_sex_alone(audited, one) for one in citations):
        return
    if registered in set(Sex) and registered != stated:
        yield Finding(
            kind=FindingKind.SEX_DIFFERS,
            severity=Severity.WARNING,
            field="eligibility.sex",
            message=f"the text admits {stated}, the registry {registered}",
            citations=(*citations, audited.cite_registry("sex")),
        )


def _is_sex_alone(audited: AuditedRecord, citation: Citation) -> bool:
    """Whether the line says nothing but who takes part, up to the words that are cited and right behind them."""
    section = audited.parsed.sections[citation.section]
    tokens, said = section.tokens, section.between(citation.start, citation.end)
    line = tokens.codes.rfind("\n", 0, said.first) + 1
    opens = rule("opens_line_on_sex").search(tokens.cut(line, said.first))
    goes_on = said.end == len(tokens) or rule("goes_on_after_sex").starts(tokens, said.end)
    return opens is not None and bool(goes_on)
