"""Which fields of a record a model is asked about, and how questions are packed into calls.

A question costs the tokens of its line and answer; a field costs the definition that its first question brings into
the prompt. What a question may gain is one minus the confidence of the rules, summed over its fields. With
``Assist.AUTO`` a field or question whose expected gain is too small for its tokens is dropped.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import groupby
from time import process_time

from extractor.llm.requests import Question
from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.parsed import CERTAIN, ParsedCriterion, ParsedOutcome, ParsedRecord, ParsedRegimen
from extractor.schemas import Concept, Task, TrialRecord

from .dose_passages import DosePassage, list_dose_passages
from .estimates import RequestSize, estimate_tokens, measure_call
from .prompt import load_prompt, render_call, render_line
from .reply_models import REGIMEN_FIELDS, WIRE_ITEMS, unite_options

_MISSING_GAIN = 1.5
"""Gain of a field that the rules left open: it is wrong for sure, while a doubtful value may be right."""
_GAIN_PER_TOKEN = 0.0028
"""Gain that one token must bring: a value that is as likely wrong as right is worth 180 tokens."""
_ANSWER_SHARE = 1 / 3
"""Share of its output allowance that an answer takes on average."""
_OUTPUT_PRICE = 4
"""Price of an output token in prompt tokens."""
_ROUNDS = 4
_WITHOUT_GAIN = frozenset({"specimens", "methods", "time_window"})
"""Quotes that annotators cut in many ways: a capable model that differed from the rules was no more often right."""

_REREAD_GAIN_PER_TOKEN = 0.0022
"""The same for a list of all regimens, of which everything is believed."""
_MISSED = 2.0
"""Regimen values that are wrong or missing for each one that the rules expect to be wrong; counted on gold records."""
_CANDIDATE_GAIN, _UNREAD_GAIN = 2.7, 1.2
"""Values missing for each candidate, and for each passage of a record without any regimen."""
_REGIMEN_TOKENS = 70

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
"""Time-to-event concepts: only they have a start event, end events and censoring."""

_ParsedItem = ParsedCriterion | ParsedOutcome | ParsedRegimen


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a record's questions take: their number, the first requests of all calls, and processor seconds used."""

    questions: int = 0
    size: RequestSize = field(default_factory=RequestSize)
    seconds: float = 0.0


def estimate_record(record: TrialRecord, options: ExtractionOptions) -> Estimate:
    """The cost of a record's questions if no answer is asked again, parsing included in ``seconds``."""
    since = process_time()
    parsed = parse_record(record)
    questions = plan_questions(parsed, options)
    sizes = (measure_call(render_call(parsed.record, pack)) for pack in pack_questions(questions))
    return Estimate(len(questions), sum(sizes, RequestSize()), process_time() - since)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A question and the expected gain of each of its fields, in values."""

    question: Question
    gains: Mapping[str, float]

    @property
    def gain(self) -> float:
        return sum(self.gains[name] for name in self.question.fields)


def plan_questions(parsed: ParsedRecord, options: ExtractionOptions) -> tuple[Question, ...]:
    """The questions that a record leaves, task by task in reading order; none for ``Assist.NEVER``.

    A chunk is asked about once, since its number identifies the answer.
    """
    if options.assist is Assist.NEVER:
        return ()
    drafts: dict[int, _Draft] = {}
    for task in Task:
        if task in options.tasks:
            for draft in _PLANNERS[task](parsed, options.assist):
                drafts.setdefault(draft.question.chunk.number, draft)
    kept = list(drafts.values())
    if options.assist is Assist.AUTO:
        kept = _keep_worthwhile(kept)
    return tuple(draft.question for draft in kept)


def pack_questions(
    questions: Sequence[Question], max_tokens: int = 2500, max_questions: int = 40
) -> tuple[tuple[Question, ...], ...]:
    """Questions in as few calls as possible, in order.

    ``max_tokens`` limits the estimated tokens of a call's lines (the system part is extra); a longer line gets a call
    of its own. ``max_questions`` keeps answers short enough for small models. Lines asked for their regimens stay
    together, since all of them make one list.
    """
    calls: list[list[Question]] = []
    room = 0
    for regimens, lines in groupby(questions, key=lambda question: "regimens" in question.fields):
        found = list(lines)
        for group in [found] if regimens else [[question] for question in found]:
            size = sum(estimate_tokens(render_line(question)) for question in group)
            if not calls or len(calls[-1]) + len(group) > max_questions or size > room:
                calls.append([])
                room = max_tokens
            calls[-1] += group
            room -= size
    return tuple(map(tuple, calls))


def _plan_eligibility(parsed: ParsedRecord, assist: Assist) -> Iterator[_Draft]:
    for criterion in parsed.eligibility.criteria:
        surely_none = criterion.stands.certain and not criterion.stands.value
        if not (surely_none and assist is Assist.AUTO):
            yield from _draft(Task.ELIGIBILITY, criterion, assist, _criterion_hint(criterion))


def _criterion_hint(criterion: ParsedCriterion) -> str:
    """The list in which a criterion stands, or its section, and the line that introduces it."""
    section = criterion.chunk.span.section
    in_list = section == "eligibility" and criterion.kind.certain and criterion.kind.value
    where = f"{criterion.kind.value} list" if in_list else section.replace("_", " ")
    return f'{where}, under "{criterion.lead_in.value}"' if criterion.lead_in.value else where


def _plan_dosing(parsed: ParsedRecord, assist: Assist) -> Iterator[_Draft]:
    """All passages are asked for their regimens, or none: wording that is strange to the rules once is so often."""
    passages = list_dose_passages(parsed)
    if assist is Assist.ALWAYS or _is_rereading_worthwhile(parsed, passages):
        for passage in passages:
            question = Question(Task.DOSING, passage.chunk, ("regimens",), passage.hint)
            yield _Draft(question, {"regimens": math.inf})


def _is_rereading_worthwhile(parsed: ParsedRecord, passages: Sequence[DosePassage]) -> bool:
    if not passages:
        return False
    regimens = parsed.dosing.regimens
    doubts = (sum(1 - float(getattr(one, name).confidence) for name in REGIMEN_FIELDS) for one in regimens)
    gain = _MISSED * sum(doubts) + _CANDIDATE_GAIN * len(parsed.dosing.candidates)
    if not regimens:
        gain += _UNREAD_GAIN * sum(passage.mentions_dose for passage in passages)
    definitions = load_prompt().tasks[Task.DOSING].definitions.values()
    tokens = sum(estimate_tokens(definition.narrow(None)) for definition in definitions)
    tokens += sum(estimate_tokens(passage.chunk.text) for passage in passages)
    tokens += _OUTPUT_PRICE * _REGIMEN_TOKENS * max(1, len(regimens))
    return gain >= _REREAD_GAIN_PER_TOKEN * tokens


def _plan_endpoints(parsed: ParsedRecord, assist: Assist) -> Iterator[_Draft]:
    for outcome in parsed.outcomes:
        section = parsed.record.section(outcome.chunk.span.section)
        left_out = {"split"} if section and section.parts else set()
        if outcome.concept.certain and outcome.concept.value not in _TIMED:
            left_out |= _EVENTS
        yield from _draft(Task.ENDPOINTS, outcome, assist, left_out=left_out)


_PLANNERS: Mapping[Task, Callable[[ParsedRecord, Assist], Iterator[_Draft]]] = {
    Task.ELIGIBILITY: _plan_eligibility,
    Task.DOSING: _plan_dosing,
    Task.ENDPOINTS: _plan_endpoints,
}


def _draft(
    task: Task, item: _ParsedItem, assist: Assist, hint: str = "", left_out: Collection[str] = ()
) -> Iterator[_Draft]:
    """The question about the uncertain fields of ``item``; with ``Assist.ALWAYS`` about all."""
    doubts = {name: _doubt(item, name) for name in WIRE_ITEMS[task].allowance if name not in left_out}
    fields = tuple(name for name, doubt in doubts.items() if assist is Assist.ALWAYS or doubt > 1 - CERTAIN)
    if fields:
        options = {} if assist is Assist.ALWAYS else _options(item, fields)  # a second annotator is not led
        gains = {name: 0.0 if name in _WITHOUT_GAIN else doubt for name, doubt in doubts.items()}
        yield _Draft(Question(task, item.chunk, fields, hint, options), gains)


def _doubt(item: _ParsedItem, name: str) -> float:
    parts = ("measure", "description", "time_frame") if name == "split" else (name,)
    confidence: float = min(getattr(item, part).confidence for part in parts)
    return 1 - confidence if confidence else _MISSING_GAIN


def _options(item: _ParsedItem, fields: Collection[str]) -> dict[str, frozenset[StrEnum]]:
    """The values between which the rules waver, for the fields where they know them; "other" always stays open."""
    readings = {name: getattr(item, name) for name in fields if name != "split"}
    return {
        name: frozenset(
            {reading.value, *reading.alternatives, *(one for one in type(reading.value) if one.name == "OTHER")}
        )
        for name, reading in readings.items()
        if reading.alternatives
    }


def _keep_worthwhile(drafts: list[_Draft]) -> list[_Draft]:
    """The drafts that gain enough, each with the fields that do."""
    for _ in range(_ROUNDS):  # a question that is dropped may leave another alone with the cost of a definition
        before = sum(len(draft.question.fields) for draft in drafts)
        drafts = [
            draft
            for draft in _drop_fields(drafts)
            if draft.gain >= _GAIN_PER_TOKEN * _count_question_tokens(draft.question)
        ]
        if sum(len(draft.question.fields) for draft in drafts) == before:
            break
    return drafts


def _drop_fields(drafts: Sequence[_Draft]) -> Iterator[_Draft]:
    """The drafts without the fields whose gain over the whole record is too small for their definition."""
    gains: dict[tuple[Task, str], float] = defaultdict(float)
    for draft in drafts:
        for name in draft.question.fields:
            gains[draft.question.task, name] += draft.gains[name]
    tokens = _count_definition_tokens([draft.question for draft in drafts])
    worthwhile = {key for key, gain in gains.items() if gain > 0 and gain >= _GAIN_PER_TOKEN * tokens.get(key, 0)}
    for draft in drafts:
        question = draft.question
        fields = tuple(name for name in question.fields if (question.task, name) in worthwhile)
        if fields:
            yield replace(draft, question=replace(question, fields=fields))


def _count_question_tokens(question: Question) -> float:
    allowance = WIRE_ITEMS[question.task].allowance
    answer = sum(allowance[name] for name in question.fields) * _ANSWER_SHARE
    return estimate_tokens(render_line(question)) + answer * _OUTPUT_PRICE


def _count_definition_tokens(questions: Sequence[Question]) -> dict[tuple[Task, str], int]:
    """The tokens of each field's definition, narrowed to these questions."""
    tokens = {}
    for task, prompt in load_prompt().tasks.items():
        options = unite_options(WIRE_ITEMS[task], [question for question in questions if question.task is task])
        for name, definition in prompt.definitions.items():
            tokens[task, name] = estimate_tokens(definition.narrow(options.get(name)))
    return tokens
