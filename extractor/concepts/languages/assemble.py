"""Tell what a record says in another language, and which fields are empty for that reason."""

from collections import Counter
from collections.abc import Iterable, Iterator

from extractor.evidence.drafts import Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.other_languages import ForeignText
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Citation,
    FieldRef,
    Finding,
    FindingKind,
    Severity,
)

_DESCRIBES = ("eligibility", "brief_summary", "detailed_description")
"""Sections that may state what has no section of its own."""
_UNEXPLAINED = (AbsenceReason.NOT_REPORTED, AbsenceReason.SECTION_ABSENT)
_LONGEST_QUOTE = 300


def report_languages(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each language, with its places, how many lines it has there, and their
    first ones.
    """
    by_language: dict[str, list[ForeignText]] = {}
    for text in parsed.foreign.texts:
        by_language.setdefault(text.language, []).append(text)
    for language, texts in by_language.items():
        counted = Counter(FieldRef(text.section).path for text in texts)
        lines = f"{len(texts)} line{'s' if len(texts) > 1 else ''}"
        places = ", ".join(f"{count} in {name}" for name, count in counted.items())
        places = places if len(counted) > 1 else next(iter(counted))
        alone = any(text.section in parsed.foreign.untranslated for text in texts)
        left = "; nothing beside them is in English" if alone else ""
        first = {FieldRef(text.section).path: text for text in reversed(texts)}
        yield Finding(
            kind=FindingKind.LANGUAGE_OTHER,
            severity=Severity.WARNING if alone else Severity.INFO,
            field=next(reversed(first)),
            message=f"{lines} in {language} ({places}): not read, and not shown to a model{left}",
            citations=tuple(_cite(parsed, text) for text in reversed(first.values())),
        )


def _cite(parsed: ParsedRecord, text: ForeignText) -> Citation:
    start = text.start
    end = min(text.end, text.start + _LONGEST_QUOTE)
    quote = parsed.original(Span(text.section, start, end))
    return Citation(section=text.section, start=start, end=end, quote=quote)


def explain_by_language(parsed: ParsedRecord, absences: Iterable[Absence]) -> Iterator[Absence]:
    """Yield the absences, with the reason ``other_language`` if only text in another language
    could state the field.
    """
    untranslated = parsed.foreign.untranslated
    describes = untranslated.intersection(_DESCRIBES)
    for absence in absences:
        places = untranslated.intersection(absence.sections) if absence.sections else describes
        if places and absence.reason in _UNEXPLAINED:
            yield absence.model_copy(update={"reason": AbsenceReason.OTHER_LANGUAGE})
        else:
            yield absence
