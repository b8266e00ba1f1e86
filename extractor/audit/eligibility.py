"""Compare ages and sex with the registered ones, and find ages that leave nobody."""

from extractor.audit.record import AuditedRecord, Problems, report
from extractor.concepts.people.registered_ages import (
    AGES,
    count_days,
    differs,
    read_registered_ages,
)
from extractor.language.book import rule
from extractor.schemas import Age, Citation, Eligibility, FindingKind, Sex


def check_ages_of_nobody(audited: AuditedRecord) -> Problems:
    """Report ages that leave nobody: the lowest is not below the highest."""
    low, high = (audited.parsed.whole.read(name).value for name in AGES)
    if low and high and count_days(low) >= count_days(high):
        yield from _report_nobody(audited, low, high)


def check_ages(audited: AuditedRecord) -> Problems:
    """Report extracted ages that differ by more than a year (a month for infants) from the
    registered ones.

    An age that was not extracted, because the text may state it of others than the participants, is
    passed over: its field says that it is ambiguous. So is an age that a criterion states of some
    participants alone.
    """
    eligibility = audited.extraction.eligibility
    registered = read_registered_ages(audited.record.registry)
    for name in AGES:
        age: Age | None = getattr(eligibility, name)
        if age is None or _is_of_some(eligibility, age):
            continue
        if not differs(age, registered[name]):
            continue
        said = f"the text's {name.replace('_', ' ')} is {age}s"
        citations = audited.cite_evidence(eligibility, name)[:1]
        field = f"eligibility.{name}"
        written = audited.record.registry.text(name)
        if written is None:
            yield report(
                FindingKind.AGE_DIFFERS,
                f"{said}, the registry has none",
                *citations,
                field=field,
                sections=(f"registry.{name}",),
            )
            continue
        yield report(
            FindingKind.AGE_DIFFERS,
            f"{said}, the registry's {written}",
            *citations,
            audited.cite_registry(name),
            field=field,
        )


def _report_nobody(audited: AuditedRecord, low: Age, high: Age) -> Problems:
    """Report each of two ages that together leave nobody and that was not extracted, with the words
    of both.
    """
    eligibility = audited.extraction.eligibility
    for name, age in zip(AGES, (low, high), strict=True):
        if getattr(eligibility, name) is not None or _is_of_some(eligibility, age):
            continue
        other = AGES[1 - AGES.index(name)]
        citations = [_cite_reading(audited, side) for side in (name, other)]
        yield report(
            FindingKind.LIMITS_CONTRADICT,
            f"the text's {name.replace('_', ' ')} is {age}s; the ages of the text leave nobody, "
            "so it is not taken",
            *(citation for citation in citations if citation),
            field=f"eligibility.{name}",
        )


def _cite_reading(audited: AuditedRecord, name: str) -> Citation | None:
    """Return the first words from which the rules read an age."""
    for place in audited.parsed.whole.read(name).spans:
        return audited.cite_raw(place.section, place.start, place.end)
    return None


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
