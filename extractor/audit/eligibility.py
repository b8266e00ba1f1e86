"""Compare ages and sex with the registered ones, and find ages that leave nobody."""

from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.people.registered_ages import (
    AGES,
    count_days,
    differs,
    read_registered_ages,
)
from extractor.evidence.drafts import Reading
from extractor.language.book import rule
from extractor.schemas import Age, Citation, Eligibility, FindingKind, Severity, Sex


def check_ages(audited: AuditedRecord) -> Problems:
    """Report ages of the text that differ by more than a year (a month for infants) from the
    registered ones, and ages that leave nobody.

    The lowest age leaves nobody if it is not below the highest. An age that was not extracted,
    because the text may state it of others than the participants, is reported for information. An
    age that a criterion states of some participants alone is passed over.
    """
    registry = audited.record.registry
    registered = read_registered_ages(registry)
    eligibility = audited.extraction.eligibility
    low, high = (audited.parsed.whole.read(name).value for name in AGES)
    leaves_nobody = bool(low and high and count_days(low) >= count_days(high))
    for name in AGES:
        is_taken = getattr(eligibility, name) is not None
        age, citations = _find_age(audited, name, leaves_nobody=leaves_nobody)
        if age is None or _is_of_some(eligibility, age):
            continue
        field = f"eligibility.{name}"
        said = f"the text's {name.replace('_', ' ')} is {age.value} {age.unit}s"
        if leaves_nobody and not is_taken:
            message = f"{said}; the ages of the text leave nobody, so it is not taken"
            yield report(
                FindingKind.LIMITS_CONTRADICT, message, *citations, field=field
            )
            continue
        if not differs(age, registered[name]):
            continue
        message = f"{said}, the registry has none"
        written = registry.text(name)
        if written:
            message = f"{said}, the registry's {written}"
            citations = (*citations, audited.cite_registry(name))
        severity = Severity.WARNING
        if not is_taken:
            message += (
                "; it is not plainly that of all participants, so it is not taken"
            )
            severity = Severity.INFO
        yield report(
            FindingKind.AGE_DIFFERS, message, *citations, field=field, severity=severity
        )


def _find_age(
    audited: AuditedRecord, name: str, *, leaves_nobody: bool
) -> tuple[Age | None, tuple[Citation, ...]]:
    """Return the extracted age, else the likeliest that the text has and that was not taken, and
    its citation.

    That is the age of the rules if both ages together leave nobody, else the first of the rules'
    alternatives, or None.
    """
    eligibility = audited.extraction.eligibility
    age: Age | None = getattr(eligibility, name)
    if age is not None:
        return age, audited.cite_evidence(eligibility, name)[:1]
    reading: Reading[Age | None] = audited.parsed.whole.read(name)
    if not reading.spans:
        return None, ()
    likeliest: Age | None = None
    if leaves_nobody:
        likeliest = reading.value
    elif reading.alternatives:
        likeliest = reading.alternatives[0]
    place = reading.spans[0]
    return likeliest, (audited.cite_raw(place.section, place.start, place.end),)


def _is_of_some(eligibility: Eligibility, age: Age) -> bool:
    """Return whether an age limits only some participants: "at least 18 years (men) and 21 years
    (women)".
    """
    for criterion in eligibility.criteria:
        for limit in criterion.constraints:
            if not limit.condition or limit.unit != age.unit:
                continue
            if age.value in (limit.value, limit.value_high):
                return True
    return False


def check_sex(audited: AuditedRecord) -> Problems:
    """Report one sex in the text and another, or both, in the registry.

    Nothing is reported if the rules doubt the sex, if another sex than theirs was extracted, if the
    registry has none, or if the line says more than who takes part.
    """
    stated = audited.extraction.eligibility.sex
    reading = audited.parsed.whole.read("sex")
    if stated is None or reading.value is not stated:
        return
    if reading.alternatives:
        return
    registered = (audited.record.registry.sex or "").lower()
    if registered == stated or registered not in set(Sex):
        return
    citations = audited.cite_evidence(audited.extraction.eligibility, "sex")[:1]
    if all(_is_sex_alone(audited, citation) for citation in citations):
        yield report(
            FindingKind.SEX_DIFFERS,
            f"the text admits {stated}, the registry {registered}",
            *citations,
            audited.cite_registry("sex"),
            field="eligibility.sex",
        )


def _is_sex_alone(audited: AuditedRecord, citation: Citation) -> bool:
    """Return whether the line of a sex only names the participants, from its beginning to the cited
    words and right behind them.
    """
    section = audited.parsed.sections[citation.section]
    tokens = section.tokens
    said = section.between(citation.start, citation.end)
    line_start = tokens.codes.rfind("\n", 0, said.first) + 1
    before = tokens.cut(line_start, said.first)
    opens = rule("opens_line_on_sex").search(before)
    if opens is None:
        return False
    if said.end == len(tokens):
        return True
    return rule("goes_on_after_sex").starts(tokens, said.end) is not None
