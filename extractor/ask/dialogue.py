"""A record's dialogue with a model, as a generator of question batches. Nothing here talks to a model."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.assemble import ModelResult
from extractor.assemble.policy import ModelClass, classify_model, load_policy
from extractor.assemble.resolve import PARTICIPANTS, RECORD
from extractor.fields.declaration import CustomField, Of
from extractor.ground.check import MODEL_CONFIDENCE, Answer, GroundedAnswer, Rejection, ground_answer
from extractor.ground.regimens import prove_regimens
from extractor.options import ExtractionOptions
from extractor.parse.parsed import Chunk, ChunkKind, ParsedRecord, Reading
from extractor.schemas import Task, Usage
from extractor.text.numbers import DAYS

from .planner import count_asked, pack_questions, plan_questions
from .prompt import narrow_record, render_call
from .questions import ModelReply, Question, Render
from .recheck import drop_repeated, merge_recheck, plan_recheck
from .reply_models import PEOPLE, PEOPLE_FIELDS, REGIMENS, is_listing, read_answers


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """Packs of questions that may be sent at once, and the function that makes a call of any of them.

    ``needed``: if no pack of the batch is answered, the record's extraction fails.
    """

    packs: tuple[tuple[Question, ...], ...]
    render: Render
    needed: bool


Replies = Sequence[ModelReply | None]
"""A reply for each pack of a batch; None where the budget is spent."""

Dialogue = Generator[QuestionBatch, Replies | None, ModelResult]
"""Yields batches of questions, takes their replies (None without a model), returns what the text supports."""


def dialogue(parsed: ParsedRecord, options: ExtractionOptions) -> Dialogue:
    """The questions about a record that ``options`` want asked."""
    return (yield from discuss(parsed, plan_questions(parsed, options), options.fields))


def discuss(parsed: ParsedRecord, questions: Sequence[Question], custom: tuple[CustomField, ...] = ()) -> Dialogue:
    """These questions about a record, then a recheck of what the text does not support and what was left out."""
    packs = pack_questions(questions)
    shown = narrow_record(parsed.record)
    replies: Replies | None = ()
    if packs:
        replies = yield QuestionBatch(packs, partial(render_call, shown, custom=custom), needed=True)
    if replies is None:
        return ModelResult(usage=Usage(open_questions=count_asked(questions)))
    pairs = list(zip(packs, replies, strict=True))
    answers = [answer for pack, reply in pairs if reply for answer in _ground(parsed, pack, reply)]
    received = [reply for reply in replies if reply]
    answered = {answer.chunk for answer in answers}
    open_ = [(q, reply) for pack, reply in pairs if reply for q in pack if q.chunk.number not in answered]
    pending = [question for question, reply in open_ if reply.pending]
    unasked = [question for pack, reply in pairs if reply is None for question in pack]
    asked = [question for question in questions if question not in pending and question not in unasked]
    missing = [q for q, reply in open_ if reply.items and not reply.pending and q.fields and not is_listing(q)]
    rechecks = plan_recheck(parsed, answers, collect(asked, unasked, answers, received), missing, custom)
    lines = 0
    if rechecks:
        pack = tuple(recheck.question for recheck in rechecks)
        again = yield QuestionBatch((pack,), partial(render_call, shown, recheck=True, custom=custom), needed=False)
        if again and (reply := again[0]):
            answers = merge_recheck(parsed, answers, rechecks, reply.items)
            received, lines = [*received, reply], len(rechecks)
    result = collect(asked, unasked, answers, received)
    still_open = count_asked(unasked) + count_asked(pending) + sum(map(result.is_open, result.asked))
    unanswered = sum(result.is_unanswered(_key(question)) for question in asked if question.fields)
    counts = {"questions": count_asked(asked) + lines, "open_questions": still_open, "unanswered": unanswered}
    return replace(result, usage=result.usage.model_copy(update=counts))


def _key(question: Question) -> int:
    """Where ``ModelResult`` has the answer to a question: with its chunk, the participants, or the record."""
    if _fields_of_chunk(question):
        return question.chunk.number
    return PARTICIPANTS if PEOPLE in question.fields else RECORD


def _fields_of_chunk(question: Question) -> frozenset[str]:
    """The fields that are said of the chunk, not of all participants or the record."""
    return frozenset(question.fields) - {PEOPLE} - _fields_of_record(question)


def _fields_of_record(question: Question) -> frozenset[str]:
    return frozenset(field.name for field in question.custom if field.of is Of.RECORD)


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: ModelReply) -> list[GroundedAnswer]:
    """What the text supports of a reply."""
    answers = read_answers(pack, reply.items, complete=not (reply.rejected or reply.pending))
    chunks = {question.chunk.number: question.chunk for question in pack}
    grounded = [drop_repeated(_ground_answer(answer, parsed, chunks)) for answer in answers]
    return prove_regimens(grounded, parsed, chunks)


def _ground_answer(answer: Answer, parsed: ParsedRecord, chunks: Mapping[int, Chunk]) -> GroundedAnswer:
    values = dict(answer.values)
    introduced = "lead_in" in values
    lead_in = chunks.get(values.pop("lead_in", None) or -1) or _find_lead_in(parsed, answer.chunk)
    grounded = ground_answer(replace(answer, values=values), parsed, chunks[answer.chunk], lead_in)
    if not introduced:
        return grounded
    lead_in = chunks.get(answer.values["lead_in"] or -1)
    quote = parsed.raw(lead_in.span) if lead_in else None
    reading = Reading(quote, MODEL_CONFIDENCE, (lead_in.span,) if lead_in else ())
    return replace(grounded, readings={**grounded.readings, "lead_in": reading})


def _find_lead_in(parsed: ParsedRecord, number: int) -> Chunk | None:
    """The line that introduces a criterion, as the rules read it."""
    read = next((one.lead_in for one in parsed.eligibility.criteria if one.chunk.number == number), None)
    if read is None or not read.spans:
        return None
    return Chunk(0, ChunkKind.LEAD_IN, read.spans[0], read.value or "")


def collect(
    asked: Sequence[Question],
    unasked: Sequence[Question],
    answers: Iterable[GroundedAnswer],
    replies: Sequence[ModelReply],
) -> ModelResult:
    answers = list(answers)
    by_chunk: dict[int, tuple[GroundedAnswer, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.chunk] += (answer,)
    fields = {q.chunk.number: _fields_of_chunk(q) for q in asked if _fields_of_chunk(q)}
    missing = {q.chunk.number: _fields_of_chunk(q) for q in unasked}
    if custom_names := frozenset[str]().union(*map(_fields_of_record, asked)):
        fields[RECORD] = custom_names
        by_chunk[RECORD] = (_join_custom(answers, custom_names),)
    if left := frozenset[str]().union(*map(_fields_of_record, unasked)):
        missing[RECORD] = left
    if any(PEOPLE in question.fields for question in asked):
        fields[PARTICIPANTS] = frozenset(PEOPLE_FIELDS)
        by_chunk[PARTICIPANTS] = (_join_people(answers),)
    elif any(PEOPLE in question.fields for question in unasked):
        missing[PARTICIPANTS] = frozenset(PEOPLE_FIELDS)
    classes = {classify_model(reply.model) for reply in replies}
    return ModelResult(
        asked=fields,
        answers=dict(by_chunk),
        dropped=tuple(reason for reply in replies for reason in reply.rejected),
        usage=sum((reply.usage for reply in replies), Usage()),
        policy=load_policy(min(classes, key=list(ModelClass).index, default=ModelClass.CAPABLE)),
        reread={q.chunk.number: q.chunk for q in (*asked, *unasked) if REGIMENS in q.fields},
        unasked=missing,
    )


def _join_custom(answers: Iterable[GroundedAnswer], names: Iterable[str]) -> GroundedAnswer:
    """What lines say of the user's own fields of the record, in their order."""
    found = {name: [a.readings[name] for a in answers if name in a.readings] for name in sorted(names)}
    joined = {
        name: Reading(
            tuple(c for r in known for c in r.value),
            MODEL_CONFIDENCE,
            tuple(s for r in known for s in r.spans),
            supports=tuple(s for r in known for s in r.list_supports()),
        )
        for name, known in found.items()
        if known
    }
    return GroundedAnswer(Task.ELIGIBILITY, RECORD, joined)


def _join_people(answers: Iterable[GroundedAnswer]) -> GroundedAnswer:
    """What lines say of all participants: the widest ages, the first of other values. Silence is no answer."""
    found: dict[str, list[Reading[Any]]] = {name: [] for name in PEOPLE_FIELDS}
    rejections: list[Rejection] = []
    for answer in answers:
        rejections += (rejection for rejection in answer.rejections if rejection.field in found)
        for name, reading in answer.readings.items():
            if name in found and reading.value is not None:
                found[name].append(reading)
    found["minimum_age"].sort(key=_count_days)
    found["maximum_age"].sort(key=_count_days, reverse=True)
    readings = {name: known[0] for name, known in found.items() if known}
    return GroundedAnswer(Task.ELIGIBILITY, PARTICIPANTS, readings, tuple(rejections))


def _count_days(age: Reading[Any]) -> float:
    return float(age.value.value * DAYS[age.value.unit])
