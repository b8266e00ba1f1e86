"""Synthetic parsed records, built by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from extractor.evidence.drafts import NOT_READ, Chunk, Draft, ItemDraft, Reading, Span
from extractor.evidence.items import (
    CriterionDraft,
    CriterionReadings,
    EndpointDraft,
    EndpointReadings,
    PeopleReadings,
    RegimenDraft,
    RegimenReadings,
    draft_record,
)
from extractor.evidence.parsed import ParsedRecord
from extractor.language.passage import read_section
from extractor.model.asking.answers import read_item, read_items
from extractor.model.asking.prompt import load_prompt
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import REGIMEN_FIELDS, is_listing, reply_for
from extractor.model.calls import Call
from extractor.model.completions import Completion, Ending
from extractor.schemas import Concept, CriterionKind, Rank, Section, Task, TimeKind
from tests.trust import make_section, trial

Readings = dict[str, Reading[Any]]
OPEN = Reading.open_()
NONE = Reading(None, weighed=0.99)


def sure(value: Any) -> Reading[Any]:
    return Reading(value, weighed=0.99)


def unsure(value: Any) -> Reading[Any]:
    return Reading(value, weighed=0.6)


def ask(
    number: int, *fields: str, task: Task = Task.ELIGIBILITY, text: str = "Adults"
) -> Question:
    return Question(task, chunk(number, text), fields)


def chunk(number: int, text: str, section: str = "eligibility") -> Chunk:
    return Chunk(number, Span(section, 0, len(text)), text)


def criterion(
    number: int, text: str, section: str = "eligibility", **readings: Reading[Any]
) -> CriterionDraft:
    """A criterion with certain readings, except for those given."""
    known = dict.fromkeys(("lead_in", "category", "time_window", "rule"), NONE)
    known |= {"constraints": sure(()), "time_windows": sure(())}
    known |= {
        "negated": NOT_READ,
        "stands": sure(value=True),
        "kind": sure(CriterionKind.INCLUSION),
    }
    place = chunk(number, text, section)
    rules = CriterionReadings(**(known | readings))
    return ItemDraft("eligibility.criteria", place, place.span, rules)


def regimen(
    number: int, text: str, section: str, **readings: Reading[Any]
) -> RegimenDraft:
    known = dict.fromkeys((*REGIMEN_FIELDS, "agent"), NONE) | {
        "agent": sure("Drugamide")
    }
    place = chunk(number, text, section)
    rules = RegimenReadings(**(known | readings))
    return ItemDraft("dosing", place, place.span, rules)


def outcome(
    number: int, text: str, section: str = "primary_outcomes", **readings: Reading[Any]
) -> EndpointDraft:
    known = dict.fromkeys(
        ("description", "time_frame", "category", "instrument", "start_event"), NONE
    )
    known |= dict.fromkeys(
        ("time_points", "end_events", "specimens", "methods"), sure(())
    )
    known |= {"rank": sure(Rank.PRIMARY), "index": sure(0), "measure": sure(text)}
    known |= {"time_kind": sure(TimeKind.UNSPECIFIED), "censored": sure(value=False)}
    known |= {"concept": sure(Concept.OVERALL_SURVIVAL)}
    place = chunk(number, text, section)
    rules = EndpointReadings(**(known | readings))
    return ItemDraft("endpoints", place, place.span, rules)


def parsed_record(*items: Draft, candidates: tuple[Chunk, ...] = ()) -> ParsedRecord:
    """A record with these items; each item's section holds its text."""
    texts = {
        "title": "A trial of $Drugamide in hay fever",
        "conditions": "Hay Fever|Asthma",
    }
    for place in (*(item.chunk for item in items), *candidates):
        texts[place.span.section] = place.text
    sections = [Section(name=name, text=text) for name, text in texts.items()]
    sections.insert(2, make_section("interventions[0]", {"name": "Drugamide"}))
    groups = [
        tuple(item for item in items if item.group == group)
        for group in ("eligibility.criteria", "dosing", "endpoints")
    ]
    return ParsedRecord(
        trial().model_copy(update={"sections": tuple(sections)}),
        {one.name: read_section(one.name, one.text) for one in sections},
        draft_record(PeopleReadings(NONE, NONE, NONE, NONE)),
        *groups[:2],
        candidates,
        groups[2],
    )


CALL = Call(load_prompt(), "", reply_for(()), 100)


@dataclass(frozen=True)
class Lines:
    """As much of a request as the reading of a reply needs."""

    questions: Sequence[Question]

    def allows_one(self, number: int) -> bool:
        asked = [line for line in self.questions if line.number == number]
        return not all(map(is_listing, asked))


def read_answers(questions: list[Question], items: Any) -> list[tuple[Question, Any]]:
    """What the items of a reply answer, by question."""
    answer = Completion(json.dumps({"items": items}), Ending.COMPLETE)
    numbers = [line.number for line in questions]
    part = range(min(numbers), max(numbers) + 1)
    reply = read_items(answer, CALL, Lines(questions), part)
    pairs = [
        (question, read_item(question, item.values))
        for item in reply.items
        for question in questions
        if question.number == item.n
    ]
    return [(question, values) for question, values in pairs if values]
