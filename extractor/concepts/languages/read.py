"""Set aside what a record says in another language than English, before any rule reads it.

The words become blanks of the same length, as do those aimed at a model (``injection.py``): no item
holds them, and no prompt does. ``extractor.concepts.languages.assemble`` tells of them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from extractor.concepts.hostile.injection import find_honest
from extractor.language.lexer import Range
from extractor.language.other_languages import ForeignLines, ForeignText, blank_ranges, find_foreign
from extractor.language.passage import LexedSection, read_section
from extractor.schemas import Part, Section, TrialRecord


def set_foreign_aside(
    record: TrialRecord, sections: Mapping[str, LexedSection]
) -> tuple[TrialRecord, Mapping[str, LexedSection], ForeignLines]:
    r"""Return the record and its read sections without what is in another language, and what that
    is.

    Offsets stay the same. A part that is separate in the source, such as an outcome's time frame,
    is cut to its longest run in English.

    >>> from extractor.schemas import Source
    >>> section = Section(name="eligibility", text="- Alter über 18 Jahre\n- Age over 18 years")
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
    blanked = tuple(_blank(section, ranges.get(section.name, ())) for section in record.sections)
    reread = {
        section.name: read_section(section.name, section.text)
        for section in blanked
        if section.name in ranges
    }
    return record.model_copy(update={"sections": blanked}), {**sections, **reread}, foreign


def _blank(section: Section, ranges: Sequence[Range]) -> Section:
    """Replace the ranges, none of which holds a line break, by blanks."""
    if not ranges:
        return section
    text = blank_ranges(section.text, ranges)
    parts: list[Part] = []
    for part in section.parts:
        start, end = find_honest((part.start, part.end), text, ranges)
        if start < end:
            parts.append(part.model_copy(update={"start": start, "end": end}))
    return section.model_copy(update={"text": text, "parts": tuple(parts)})
