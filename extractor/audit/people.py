"""Age limits and sex in the text against the registered ones."""

import re
from collections.abc import Iterator

from extractor.schemas import Age, Citation, Evidence, Finding, FindingKind, Severity, Sex, TimeUnit
from extractor.text.book import read_text
from extractor.text.times import DAYS, find_durations, read_time_unit

from .record import AuditedRecord

__all__ = ["check_ages", "check_sex"]

_FIELDS = ("minimum_age", "maximum_age")
_EVERYBODY = 99
"""Years from which on a registered upper limit admits everybody."""
_ROUNDED = 1.01
"""Registries round, and turn "under 18" into 17."""
_ABOUT_AGE = re.compile(
    r"\b(?:age[ds]?|old|older|younger|adults?|children|infants|men|women|subjects?|patients?)\b", re.IGNORECASE
)
_RANGE = re.compile(
    r"\d\s*(?:years?|yrs?|y|months?|weeks?)?(?:\s*old)?\s*(?:-|–|~|to|and|through|until)\s*\d", re.IGNORECASE
)
_BOUND = {
    "minimum_age": re.compile(r">|≥|≧|\b(?:at least|over|above|older|minimum|or more|and up)\b", re.IGNORECASE),
    "maximum_age": re.compile(
        r"<|≤|≦|\b(?:at most|under|below|younger|maximum|up to|or less|less than|no older)\b", re.IGNORECASE
    ),
}
_SOME = re.compile(
    r"\d|\b(?:groups?|cohorts?|controls?|arms?|parts?|parents?|mothers?|donors?|caregivers?|siblings?|partners?|however|if|unless"
    r"|except|before|sub-?stud(?:y|ies)|expectancy|stages?|phases?|healthy|because|since|data|strat(?:um|a)|daughters?|sons?|spouses?|relatives?|famil(?:y|ies)|guardians?|offspring|bab(?:y|ies)|staff|nurses?|teachers?)\b",
    re.IGNORECASE,
)
_AT_ANOTHER_TIME = re.compile(
    r"\bat\s+(?:the\s+)?(?:(?:time|age)\s+of\s+)?(?:[\w-]+\s+){0,3}?(?:onset|diagnos[ei]s|manifestation|presentation|birth"
    r"|conception|delivery|transplant(?:ation)?|surgery|operation|injury|accident|death)\b",
    re.IGNORECASE,
)
"""An age that counts at an event of the past: "younger than 50 at the onset of migraine"."""
_CHILDREN = re.compile(
    r"\b(?:child(?:ren)?|adolescents?|daughters?|sons?|infants?|youths?|teenagers?)\b", re.IGNORECASE
)
_ELDERS = re.compile(r"\b(?:parents?|mothers?|fathers?|caregivers?|guardians?|famil(?:y|ies))\b", re.IGNORECASE)
_ADULT = 18
_ITEM_START = re.compile(r"(?:\n|^|[;:])[\s*•·-]*(?:\d{1,2}[.)]\s*)?")
_ONE_SIGN = re.compile(
    r"\b(?:diagnos|classif|criteri(?:a|on)\s+(?:of|for)\b|(?:\d|one|two|three|any|more)\s+of\s+the\b)[^\n]*:\s*$",
    re.IGNORECASE,
)
"""The line above a list of signs, such as those that make a diagnosis: an age in it is one of several."""
_LEADING_LINE = re.compile(r"^[^\n]{1,400}:[ \t]*$", re.MULTILINE)
_REACH = 90
"""How far in front of its age the item may begin."""


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
    text = audited.record.raw_text(evidence.section) or ""
    return (stated < adult) is not (registered < adult) and bool(_CHILDREN.search(text) and _ELDERS.search(text))


def _is_plain(audited: AuditedRecord, field: str, evidence: Evidence) -> bool:
    """Whether the text states the limit for everybody, in words that leave no doubt which bound it is."""
    reading = getattr(audited.parsed.eligibility, field)
    told = evidence.section != "eligibility"  # a summary may tell of some participants alone
    if told or reading.alternatives or reading.value != getattr(audited.extraction.eligibility, field):
        return False
    text = audited.record.raw_text(evidence.section) or ""
    before = text[max(0, evidence.start - _REACH) : evidence.start]
    starts = [found.end() for found in _ITEM_START.finditer(before)]
    if not starts:
        return False
    leading = _LEADING_LINE.findall(text, 0, evidence.start)
    if leading and _ONE_SIGN.search(leading[-1]):
        return False
    opening, after = before[starts[-1] :], text[evidence.end : evidence.end + _REACH].partition("\n")[0]
    if _SOME.search(opening) or opening.rstrip().endswith(("-", "~", "(")) or _SOME.search(after[:_REACH]):
        return False
    if _AT_ANOTHER_TIME.search(after):
        return False
    words = opening + evidence.quote + after[:20]
    return bool(_ABOUT_AGE.search(words) and (_RANGE.search(evidence.quote) or _BOUND[field].search(words)))


def _is_named(audited: AuditedRecord, registered: float) -> bool:
    """Whether a criterion names the registered age, too: then the limits differ by cohort."""
    for criterion in audited.extraction.eligibility.criteria:
        for limit in criterion.constraints:
            days = DAYS.get(read_time_unit(limit.unit or "year") or TimeUnit.YEAR, DAYS[TimeUnit.YEAR])
            if any(v is not None and _agree(v * days, registered) for v in (limit.value, limit.value_high)):
                return True
    return False


_BEFORE = re.compile(
    r"[\s\d.)*•·-]*(?:(?:inclusion criteria|both|healthy|adults?|subjects?|patients?|participants?|is|are|must"
    r"|be|who|of|a)[\s,:-]+)*",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s*(?:$|[,.;:(]|[<>≥≤\d]|(?:aged?|adults?|patients?|subjects?|participants?|volunteers?|individuals?|children|gender"
    r"|sex|between|older|over|at least|years)\b)",
    re.IGNORECASE,
)
"""Around the words that say who takes part; other words speak of partners, causes, or consent."""


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
    text = audited.record.raw_text(citation.section) or ""
    start = text.rfind("\n", 0, citation.start) + 1
    behind = text[citation.end :].partition("\n")[0]
    return bool(_BEFORE.fullmatch(text, start, citation.start) and _AFTER.match(behind))
