"""The pre-parser: read a record with rules, without a model."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

from extractor.concepts.criteria.quoted import QuotedWords
from extractor.concepts.criteria.read import read_eligibility
from extractor.concepts.criteria.unheaded import doubt_unheaded
from extractor.concepts.hostile.injection import blank_out, find_hostile
from extractor.concepts.languages import find_foreign_lines
from extractor.concepts.places import (
    DESCRIPTIONS,
    DESCRIPTIONS_OF_DOSES,
    GROUPS_OF_DOSES,
)
from extractor.concepts.quoted import (
    NO_STRUCTURE,
    QuotedCriterion,
    QuotedEndpoint,
    Structure,
)
from extractor.evidence.items import EndpointDraft
from extractor.evidence.parsed import Doses, ParsedRecord, list_blanks
from extractor.evidence.weighing import weigh_record
from extractor.language.lexer import Range
from extractor.language.passage import LexedSections, Passage, read_section
from extractor.outline.roles import list_results, list_statistics
from extractor.schemas import TrialRecord
from extractor.schemas.record import PROSE_FORMATS

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField

__all__ = ["ParsedRecord", "parse_record", "parse_unweighed"]


def parse_record(
    record: TrialRecord,
    fields: "tuple[CustomField, ...]" = (),
    structure: Structure = NO_STRUCTURE,
) -> ParsedRecord:
    r"""Read a record using all the rules. The result is always the same for the same record.

    Text aimed at a model and lines in other languages are reported and blanked first. The
    confidence of a reading is a cautious estimate, from 0 to 1, of the probability that it is
    correct (``confidence``). ``fields`` contains custom fields; only those that have
    patterns are read. ``structure`` is what a model answers about the places of items; empty
    without an answer. If the rules do not find anything in a text, the readings are
    left open; this is not an error.

    >>> from extractor.schemas import Section, Source
    >>> section = Section(
    ...     name="eligibility", text="Inclusion Criteria:\n\n* Age 18 or older"
    ... )
    >>> record = TrialRecord(
    ...     record_id="T1", source=Source(path="t", format="flat"), sections=(section,)
    ... )
    >>> parse_record(record).whole.rules.minimum_age.value.value
    18
    """
    parsed = weigh_record(parse_unweighed(record, structure))
    if not fields:
        return parsed
    from extractor.concepts.own.patterns import read_declared  # noqa: PLC0415 - few have own fields

    return read_declared(parsed, fields)


def parse_unweighed(
    record: TrialRecord, structure: Structure = NO_STRUCTURE
) -> ParsedRecord:
    """Return the result of ``parse_record`` before its confidences are set: with the features of
    each reading, to which the weights are fitted.
    """
    sections: LexedSections = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
    }
    hostile = find_hostile(record, sections)
    original = record
    record, sections = blank_out(record, sections, list_blanks(hostile), edge="\n\n")
    foreign, ranges = find_foreign_lines(record)
    record, sections = blank_out(record, sections, ranges)
    # Chunks are numbered in the order in which they are read.
    numbers = count(1)
    is_prose = record.source.format in PROSE_FORMATS
    told, told_sections = record, sections
    if is_prose:
        # neither results nor counts state who may take part, or what is given
        results = _list_told(sections, list_results)
        told, told_sections = blank_out(record, sections, results, edge="\n\n")
        counts = _list_told(told_sections, list_statistics)
        told, told_sections = blank_out(told, told_sections, counts)
    quoted = [
        _quote_words(criterion, sections, told_sections)
        for criterion in structure.criteria
    ]
    whole, criteria, doubts = read_eligibility(
        told_sections,
        numbers,
        record.registry,
        structure.lines,
        quoted,
        is_prose=is_prose,
    )
    regimens, candidates, arm_labels = _read_doses(told, told_sections, numbers)
    outcomes = _read_outcomes(record, sections, numbers, structure.endpoints)
    if record.source.format == "text" and not doubts:
        doubts = doubt_unheaded(sections, criteria, has_doses=bool(regimens))
    return ParsedRecord(
        record=record,
        sections=sections,
        whole=whole,
        criteria=criteria,
        regimens=regimens,
        candidates=candidates,
        arm_labels=arm_labels,
        outcomes=outcomes,
        hostile=hostile,
        foreign=foreign,
        original_record=original,
        doubts=doubts,
    )


def _quote_words(
    criterion: QuotedCriterion, sections: LexedSections, told: LexedSections
) -> QuotedWords:
    """Return the words of a criterion that a model quotes. ``told`` contains the sections without
    the sentences that tell results.
    """
    place = criterion.span
    words = sections[place.section].between(place.start, place.end)
    shown = told[place.section].between(place.start, place.end)
    return QuotedWords(words, criterion.kind, is_result=words.text != shown.text)


def _list_told(
    sections: LexedSections, list_spans: Callable[[Passage], list[Range]]
) -> dict[str, list[Range]]:
    """Return what ``list_spans`` finds in each description, by the name of the section."""
    spans = {
        name: list_spans(sections[name].whole)
        for name in DESCRIPTIONS
        if name in sections
    }
    return {name: ranges for name, ranges in spans.items() if ranges}


def _read_doses(
    record: TrialRecord, sections: LexedSections, numbers: Iterator[int]
) -> Doses:
    has_group = any(name.startswith(GROUPS_OF_DOSES) for name in sections)
    if not has_group and sections.keys().isdisjoint(DESCRIPTIONS_OF_DOSES):
        return (), (), ()
    from extractor.concepts.doses.read import read_dosing  # noqa: PLC0415 - many texts have no doses

    return read_dosing(record, sections, numbers)


def _read_outcomes(
    record: TrialRecord,
    sections: LexedSections,
    numbers: Iterator[int],
    quoted: Sequence[QuotedEndpoint],
) -> tuple[EndpointDraft, ...]:
    is_prose = record.source.format in PROSE_FORMATS
    if not is_prose and not any("_outcomes" in name for name in sections):
        return ()
    from extractor.concepts.outcomes.read import read_outcomes  # noqa: PLC0415 - many texts have no outcomes

    return read_outcomes(record, sections, numbers, quoted)
