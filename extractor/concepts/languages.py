"""Set aside what a record states in a language other than English, before any rule reads it.

The words become blanks of the same length, as do those aimed at a model (``injection.py``): no item
holds them, and no prompt does. ``extractor.concepts.languages`` describes them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from extractor.concepts.hostile.injection import rewrite_section
from extractor.evidence.drafts import Span
from extractor.evidence.parsed import ParsedRecord
from extractor.language.lexer import Range
from extractor.language.other_languages import (
    ForeignLines,
    ForeignText,
    blank_ranges,
    find_foreign,
)
from extractor.language.passage import LexedSection, read_section
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


def set_foreign_aside(
    record: TrialRecord, sections: Mapping[str, LexedSection]
) -> tuple[TrialRecord, Mapping[str, LexedSection], ForeignLines]:
    r"""Return the record and its read sections without what is in another language, and what that
    is.

    Offsets stay the same. A part that is separate in the source, such as an outcome's time frame,
    is cut to its longest run in English.

    >>> from extractor.schemas import Section, Source
    >>> section = Section(
    ...     name="eligibility", text="- Alter über 18 Jahre\n- Age over 18 years"
    ... )
    >>> record = TrialRecord(
    ...     record_id="T1", source=Source(path="t", format="flat"), sections=(section,)
    ... )
    >>> record, sections, foreign = set_foreign_aside(
    ...     record, {"eligibility": read_section(section.name, section.text)}
    ... )
    >>> record.sections[0].text.strip(), foreign.texts[0].language
    ('- Age over 18 years', 'German')
    """
    texts = [(section.name, section.text) for section in record.sections]
    foreign = find_foreign(
        texts,
        [
            ForeignText(section.name, span.start, span.end, span.language)
            for section in record.sections
            for span in section.other_languages
        ],
    )
    if not foreign.texts:
        return record, sections, foreign
    ranges: dict[str, list[Range]] = defaultdict(list)
    for text in foreign.texts:
        ranges[text.section].append((text.start, text.end))
    blanked = tuple(
        rewrite_section(
            section,
            blank_ranges(section.text, ranges[section.name]),
            ranges[section.name],
        )
        for section in record.sections
    )
    reread = {
        section.name: read_section(section.name, section.text)
        for section in blanked
        if ranges[section.name]
    }
    return (
        record.model_copy(update={"sections": blanked}),
        {**sections, **reread},
        foreign,
    )


_DESCRIBES = ("eligibility", "brief_summary", "detailed_description")
"""Sections that may state what has no section of its own."""
_UNEXPLAINED = (AbsenceReason.NOT_REPORTED, AbsenceReason.SECTION_ABSENT)
_LONGEST_QUOTE = 300


def report_languages(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each language, with how many lines it has, its sections, and the first
    line of each.

    It is a warning if a section has nothing in English beside these lines, else information.
    """
    by_language: dict[str, list[ForeignText]] = defaultdict(list)
    for text in parsed.foreign.texts:
        by_language[text.language].append(text)
    for language, texts in by_language.items():
        firsts: dict[str, ForeignText] = {}
        for text in texts:
            firsts.setdefault(FieldRef(text.section).path, text)
        lines = "1 line" if len(texts) == 1 else f"{len(texts)} lines"
        places = ", ".join(firsts)
        severity = Severity.INFO
        left = ""
        if any(text.section in parsed.foreign.untranslated for text in texts):
            severity = Severity.WARNING
            left = "; nothing beside them is in English"
        yield Finding(
            kind=FindingKind.LANGUAGE_OTHER,
            severity=severity,
            field=next(iter(firsts)),
            message=f"{lines} in {language} ({places}): not read, and not shown to a model{left}",
            citations=tuple(_cite(parsed, text) for text in firsts.values()),
        )


def _cite(parsed: ParsedRecord, text: ForeignText) -> Citation:
    """Return the first 300 characters of a text as a citation of the record as it was given."""
    start = text.start
    end = min(text.end, text.start + _LONGEST_QUOTE)
    quote = parsed.original(Span(text.section, start, end))
    return Citation(section=text.section, start=start, end=end, quote=quote)


def explain_by_language(
    parsed: ParsedRecord, absences: Iterable[Absence]
) -> Iterator[Absence]:
    """Yield the absences, with the reason ``other_language`` if only text in another language
    could state the field. Absences with a reason that explains them stay as they are.
    """
    untranslated = parsed.foreign.untranslated
    describing = untranslated.intersection(_DESCRIBES)
    for absence in absences:
        # A field without a section of its own may be stated where the trial is described.
        sections = describing
        if absence.sections:
            sections = untranslated.intersection(absence.sections)
        if sections and absence.reason in _UNEXPLAINED:
            yield absence.model_copy(update={"reason": AbsenceReason.OTHER_LANGUAGE})
        else:
            yield absence
