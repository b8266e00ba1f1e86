"""Synthetic parsed records, built by hand."""

from dataclasses import replace
from typing import Any

from extractor.evidence.drafts import Chunk, Draft, Reading, Span, draft_record
from extractor.evidence.parsed import ParsedRecord
from extractor.language.passage import read_section
from extractor.model.asking.questions import Question
from extractor.schemas import (
    Concept,
    CriterionKind,
    Part,
    Rank,
    Section,
    Source,
    Task,
    TimeKind,
    TrialRecord,
)

OPEN = Reading.open_()
NONE = Reading(None, 0.99)


def sure(value: Any) -> Reading[Any]:
    return Reading(value, 0.99)


def unsure(value: Any) -> Reading[Any]:
    return Reading(value, 0.6)


def ask(
    number: int, *fields: str, task: Task = Task.ELIGIBILITY, text: str = "Adults"
) -> Question:
    return Question(task, chunk(number, text), fields)


def chunk(number: int, text: str, section: str = "eligibility") -> Chunk:
    return Chunk(number, Span(section, 0, len(text)), text)


def criterion(
    number: int, text: str, section: str = "eligibility", **readings: Reading[Any]
) -> Draft:
    """A criterion with certain readings, except for those given."""
    known = {
        "stands": sure(value=True),
        "kind": sure(CriterionKind.INCLUSION),
        "lead_in": NONE,
        "category": sure(None),
        "constraints": sure(()),
        "time_window": NONE,
        "time_windows": sure(()),
        "rule": NONE,
    }
    place = chunk(number, text, section)
    return Draft("eligibility.criteria", place, place.span, known | readings)


def regimen(number: int, text: str, section: str, **readings: Reading[Any]) -> Draft:
    names = (
        "agent",
        "role",
        "amounts",
        "arms",
        "route",
        "frequency",
        "cycle",
        "duration",
        "timing",
    )
    known = dict.fromkeys(names, NONE) | {"agent": sure("Drugamide")}
    place = chunk(number, text, section)
    return Draft("dosing", place, place.span, known | readings)


def outcome(
    number: int, text: str, section: str = "primary_outcomes", **readings: Reading[Any]
) -> Draft:
    known: dict[str, Reading[Any]] = {
        "rank": sure(Rank.PRIMARY),
        "index": sure(0),
        "measure": sure(text),
        "description": NONE,
        "time_frame": NONE,
        "concept": sure(Concept.OVERALL_SURVIVAL),
        "category": sure(None),
        "time_points": sure(()),
        "time_kind": sure(TimeKind.UNSPECIFIED),
        "instrument": NONE,
        "start_event": NONE,
        "end_events": sure(()),
        "censored": sure(value=False),
        "specimens": sure(()),
        "methods": sure(()),
    }
    place = chunk(number, text, section)
    return Draft("endpoints", place, place.span, known | readings)


def parsed_record(*items: Draft, candidates: tuple[Chunk, ...] = ()) -> ParsedRecord:
    """A record with these items; each item's section holds its text."""
    chunks = [*(item.chunk for item in items), *candidates]
    sections = [
        Section(name="title", text="A trial of $Drugamide in hay fever"),
        Section(name="conditions", text="Hay Fever|Asthma"),
        Section(
            name="interventions[0]",
            text="Drugamide",
            parts=(Part(name="name", start=0, end=9),),
        ),
        *{
            c.span.section: Section(name=c.span.section, text=c.text) for c in chunks
        }.values(),
    ]
    record = TrialRecord(
        record_id="NCT00000000",
        source=Source(path="x", format="flat"),
        sections=tuple(sections),
    )
    read = {
        section.name: read_section(section.name, section.text) for section in sections
    }
    people = draft_record(
        dict.fromkeys(("minimum_age", "maximum_age", "sex", "healthy_volunteers"), NONE)
    )
    of_group = {
        group: tuple(item for item in items if item.group == group)
        for group in ("eligibility.criteria", "dosing", "endpoints")
    }
    return ParsedRecord(
        record,
        read,
        people,
        of_group["eligibility.criteria"],
        of_group["dosing"],
        candidates,
        of_group["endpoints"],
    )


def with_parts(parsed: ParsedRecord, section: str, **parts: str) -> ParsedRecord:
    """The record with a section of named parts, as in a structured source."""
    text = "\n".join(parts.values())
    spans = [
        Part(name=name, start=text.index(part), end=text.index(part) + len(part))
        for name, part in parts.items()
    ]
    sections = [s for s in parsed.record.sections if s.name != section]
    sections.append(Section(name=section, text=text, parts=tuple(spans)))
    return replace(
        parsed, record=parsed.record.model_copy(update={"sections": tuple(sections)})
    )
