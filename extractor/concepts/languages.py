"""Set aside text in languages other than English before any rule reads it. Like text aimed at a
model (``hostile``), it is replaced with blanks of the same length, so no item or prompt contains
it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from extractor.concepts.criteria.lists import FOREIGN_LISTS
from extractor.evidence.drafts import Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range
from extractor.language.other_languages import ForeignLines, ForeignText, find_foreign
from extractor.language.values import group_pairs
from extractor.plurals import counted
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Citation,
    FieldRef,
    Finding,
    FindingKind,
    Severity,
    TrialRecord,
)

_DESCRIBES = ("eligibility", "brief_summary", "detailed_description")
"""Sections that may state fields that do not have a section of their own."""
_UNEXPLAINED = (AbsenceReason.NOT_REPORTED, AbsenceReason.SECTION_ABSENT)
# Chosen by hand, for a message that people read.
_LONGEST_QUOTE = 300


def find_foreign_lines(
    record: TrialRecord,
) -> tuple[ForeignLines, Mapping[str, list[Range]]]:
    r"""Find the non-English text in a record, and return it together with its (start, end) ranges,
    which are keyed by section.

    >>> from extractor.schemas import Section, Source
    >>> section = Section(
    ...     name="eligibility", text="- Alter über 18 Jahre\n- Age over 18 years"
    ... )
    >>> record = TrialRecord(
    ...     record_id="T1", source=Source(path="t", format="flat"), sections=(section,)
    ... )
    >>> foreign, ranges = find_foreign_lines(record)
    >>> foreign.texts[0].language, dict(ranges)
    ('German', {'eligibility': [(0, 21)]})
    """
    texts = [(section.name, section.text) for section in record.sections]
    marked = [
        ForeignText(section.name, span.start, span.end, span.language)
        for section in record.sections
        for span in section.other_languages
    ]
    foreign = find_foreign(texts, marked)
    written = dict(texts)
    kept = tuple(
        text
        for text in foreign.texts
        if text.section in foreign.untranslated or not _is_heading(text, written)
    )
    foreign = replace(foreign, texts=kept)
    ranges = group_pairs(
        (text.section, (text.start, text.end)) for text in foreign.texts
    )
    return foreign, ranges


def _is_heading(text: ForeignText, written: Mapping[str, str]) -> bool:
    """Return whether a text is the heading of a list of criteria, whose items may be in English.
    ``written`` contains the texts of the sections.
    """
    tokens = read_text(written[text.section][text.start : text.end].strip())
    return any(rule(name).starts(tokens, 0) for name in FOREIGN_LISTS)


def report_languages(parsed: ParsedRecord) -> Iterator[Finding]:
    """For each language, yield a finding that states the number of lines and quotes the first line
    in each section. The finding is a warning if a section contains no English apart from these
    lines; otherwise, it is informational.
    """
    by_language = group_pairs((text.language, text) for text in parsed.foreign.texts)
    for language, texts in by_language.items():
        firsts: dict[str, ForeignText] = {}
        for text in texts:
            firsts.setdefault(text.section, text)
        lines = counted(len(texts), "line")
        message = f"{lines} in {language}: not read and not shown to a model"
        severity = Severity.INFO
        if not parsed.foreign.untranslated.isdisjoint(firsts):
            severity = Severity.WARNING
            message += "; the rest contains no English"
        yield Finding(
            kind=FindingKind.LANGUAGE_OTHER,
            severity=severity,
            field=FieldRef(texts[0].section).path,
            message=message,
            citations=tuple(_cite(parsed, text) for text in firsts.values()),
        )


def _cite(parsed: ParsedRecord, text: ForeignText) -> Citation:
    """Return the first 300 characters of a text as a citation from the original record."""
    end = min(text.end, text.start + _LONGEST_QUOTE)
    quote = parsed.original(Span(text.section, text.start, end))
    return Citation(section=text.section, start=text.start, end=end, quote=quote)


def explain_by_language(
    parsed: ParsedRecord, absences: Iterable[Absence]
) -> Iterator[Absence]:
    """Yield the absences, with the reason ``other_language`` for fields that only text in another
    language could state. Absences with a more specific reason are unchanged.
    """
    for absence in absences:
        # a field without its own section may be stated in the descriptions of the trial
        sections = absence.sections or _DESCRIBES
        is_foreign = not parsed.foreign.untranslated.isdisjoint(sections)
        if is_foreign and absence.reason in _UNEXPLAINED:
            yield absence.model_copy(update={"reason": AbsenceReason.OTHER_LANGUAGE})
        else:
            yield absence
