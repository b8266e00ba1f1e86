"""Which fields are worth a question, and how questions are packed into calls."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby

from extractor.llm.prompting.lines import estimate_tokens, render_line
from extractor.llm.requests import Question
from extractor.llm.wire import WIRE_ITEMS
from extractor.options import Assist, ExtractionOptions
from extractor.parse.parsed import CERTAIN, ParsedCriterion, ParsedOutcome, ParsedRecord, ParsedRegimen
from extractor.schemas import Concept, Task

from .reading_anew import is_worth_reading
from .stretches import list_stretches
from .worth import Doubted, keep_worthwhile, load_costs

__all__ = ["REGIMEN_FIELDS", "ask_regimen", "pack_questions", "plan_questions"]


_OPEN = 1.5
"""The doubt of a field of which the rules say nothing: it is missing for sure, and a guess would not be."""

_EVENTS = frozenset({"start_event", "end_events", "censored"})
_TIMED = frozenset(
    {
        Concept.OVERALL_SURVIVAL,
        Concept.PROGRESSION_FREE_SURVIVAL,
        Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL,
        Concept.TIME_TO_PROGRESSION,
        Concept.TIME_TO_EVENT_OTHER,
        Concept.DURATION_OF_RESPONSE,
        Concept.TIME_TO_RESPONSE,
    }
)
"""Concepts with a clock: only they have a start event, end events and censoring."""

REGIMEN_FIELDS = ("role", "amounts", "route", "frequency", "cycle", "duration", "timing")
"""What can be asked of a regimen that the rules read."""

_ParsedItem = ParsedCriterion | ParsedOutcome | ParsedRegimen


def plan_questions(parsed: ParsedRecord, options: ExtractionOptions) -> tuple[Question, ...]:
    """The questions that a record leaves, task by task, in reading order; none for ``Assist.NEVER``.

    No chunk's number is asked about twice, since answers are told apart by it.
    """
    assist = options.assist
    if assist is Assist.NEVER:
        return ()
    planned: dict[int, Doubted] = {}
    for task in Task:
        if task in options.tasks:
            for draft in _PLANNERS[task](parsed, assist):
                planned.setdefault(draft.question.chunk.number, draft)
    drafts = tuple(planned.values())
    if assist is Assist.AUTO:
        return keep_worthwhile(drafts, load_costs())
    return tuple(draft.question for draft in drafts)


def pack_questions(
    questions: Sequence[Question], max_tokens: int = 2500, max_questions: int = 40
) -> tuple[tuple[Question, ...], ...]:
    """Questions in as few calls as their lines allow, order kept.

    ``max_tokens`` bounds the estimated tokens of a call's lines (the system part comes on top); a
    longer single line has a call to itself. ``max_questions`` keeps answers short enough for small models. Lines whose
    regimens are asked stay together, however long they are, since all of them make one list.
    """
    calls: list[list[Question]] = []
    room = 0
    for group in _group_questions(questions):
        size = sum(estimate_tokens(render_line(question)) for question in group)
        if not calls or len(calls[-1]) + len(group) > max_questions or size > room:
            calls.append([])
            room = max_tokens
        calls[-1] += group
        room -= size
    return tuple(map(tuple, calls))


def _group_questions(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """What must be asked in one call."""
    for listed, group in groupby(questions, key=lambda question: "regimens" in question.fields):
        found = list(group)
        yield from [found] if listed else [[question] for question in found]


def _draft(
    task: Task, item: _ParsedItem, assist: Assist, hint: str = "", left_out: Collection[str] = ()
) -> Iterator[Doubted]:
    """The question about the open fields of ``item``, in the order of the wire; none if nothing is open."""
    askable = [field for field in WIRE_ITEMS[task].allowance if field not in left_out]
    doubts = {field: _doubt(item, field) for field in askable}
    fields = tuple(field for field in askable if assist is Assist.ALWAYS or doubts[field] > 1 - CERTAIN)
    if fields:
        yield Doubted(Question(task, item.chunk, fields, hint, _options(item, fields, assist)), doubts)


def _doubt(item: _ParsedItem, field: str) -> float:
    names = ("measure", "description", "time_frame") if field == "split" else (field,)
    confidence: float = min(getattr(item, name).confidence for name in names)
    return 1 - confidence if confidence else _OPEN


def _options(item: _ParsedItem, fields: Collection[str], assist: Assist) -> dict[str, frozenset[StrEnum]]:
    """The values between which the rules waver, for the fields where they know them. A second annotator is not led."""
    if assist is Assist.ALWAYS:
        return {}
    readings = {field: getattr(item, field) for field in fields if field != "split"}
    return {
        field: frozenset({reading.value, *reading.alternatives, *_others(reading.value)})
        for field, reading in readings.items()
        if reading.alternatives
    }


def _others(value: StrEnum) -> list[StrEnum]:
    """The member of a closed set that is right where no other is: it must stay open."""
    return [member for member in type(value) if member.name == "OTHER"]


def _plan_eligibility(parsed: ParsedRecord, assist: Assist) -> Iterator[Doubted]:
    for criterion in parsed.eligibility.criteria:
        surely_none = criterion.stands.certain and not criterion.stands.value
        if not (surely_none and assist is Assist.AUTO):
            yield from _draft(Task.ELIGIBILITY, criterion, assist, _place_of(criterion))


def _place_of(criterion: ParsedCriterion) -> str:
    """The list in which a criterion stands, or else its section, and the line that introduces it."""
    section = criterion.chunk.span.section
    in_list = section == "eligibility" and criterion.kind.certain and criterion.kind.value
    where = f"{criterion.kind.value} list" if in_list else section.replace("_", " ")
    return f'{where}, under "{criterion.lead_in.value}"' if criterion.lead_in.value else where


def _plan_dosing(parsed: ParsedRecord, assist: Assist) -> Iterator[Doubted]:
    """All regimens of all stretches, if they are worth reading anew."""
    stretches = list_stretches(parsed)
    if assist is Assist.ALWAYS or is_worth_reading(parsed.dosing, stretches):
        for stretch in stretches:
            yield Doubted(Question(Task.DOSING, stretch.chunk, ("regimens",), stretch.place), {"regimens": math.inf})


def ask_regimen(parsed: ParsedRecord, regimen: ParsedRegimen, fields: Sequence[str]) -> Question:
    """The question about fields of a regimen that the rules read: its line, and beside it the agent and the quote."""
    agent, quote = regimen.agent.value or "", parsed.raw(regimen.quote)
    return Question(Task.DOSING, regimen.chunk, tuple(fields), f'{agent}: "{quote}"')


def _plan_endpoints(parsed: ParsedRecord, assist: Assist) -> Iterator[Doubted]:
    for outcome in parsed.outcomes:
        section = parsed.record.section(outcome.chunk.span.section)
        left_out = {"split"} if section and section.parts else set()
        if outcome.concept.certain and outcome.concept.value not in _TIMED:
            left_out |= _EVENTS
        yield from _draft(Task.ENDPOINTS, outcome, assist, left_out=left_out)


_Planner = Callable[[ParsedRecord, Assist], Iterator[Doubted]]
_PLANNERS: Mapping[Task, _Planner] = {
    Task.ELIGIBILITY: _plan_eligibility,
    Task.DOSING: _plan_dosing,
    Task.ENDPOINTS: _plan_endpoints,
}
