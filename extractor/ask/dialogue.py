"""A record's dialogue with a model, as a generator of question batches. Nothing here talks to a model."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.assemble import ModelResult
from extractor.fields.declaration import CustomField, Of
from extractor.ground.check import Unreadable, ground_answer
from extractor.ground.places import MODEL_CONFIDENCE
from extractor.ground.regimens import prove_regimens
from extractor.options import ExtractionOptions
from extractor.parse.drafts import RECORD, Chunk, Draft, Reading, Rejection, draft_record
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Origin, Usage
from extractor.text.numbers import DAYS
from extractor.text.registered_ages import AGES

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
    """These questions about a record, then a recheck of what the text does not support."""
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
    answered = {answer.number for answer in answers}
    open_ = [(q, reply) for pack, reply in pairs if reply for q in pack if q.chunk.number not in answered]
    pending = [question for question, reply in open_ if reply.pending]
    unasked = [question for pack, reply in pairs if reply is None for question in pack]
    asked = [question for question in questions if question not in pending and question not in unasked]
    missing = [q for q, reply in open_ if reply.items and not reply.pending and q.fields and not is_listing(q)]
    rechecks = plan_recheck(parsed, answers, missing, custom)
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
    """Where ``ModelResult`` has the answer to a question: with its chunk, or with the record."""
    return question.chunk.number if _fields_of_chunk(question) else RECORD


def _fields_of_chunk(question: Question) -> frozenset[str]:
    """The fields that are said of the chunk, not of the record."""
    return frozenset(question.fields) - {PEOPLE} - _fields_of_record(question)


def _fields_of_record(question: Question) -> frozenset[str]:
    own = frozenset(field.name for field in question.custom if field.of is Of.RECORD)
    return own.union(PEOPLE_FIELDS) if PEOPLE in question.fields else own


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: ModelReply) -> list[Draft]:
    """What the text supports of a reply."""
    answers = read_answers(pack, reply.items, complete=not (reply.rejected or reply.pending))
    chunks = {question.chunk.number: question.chunk for question in pack}
    grounded = [drop_repeated(_ground_answer(question, values, parsed, chunks)) for question, values in answers]
    return prove_regimens(grounded, parsed)


def _ground_answer(
    question: Question, values: Mapping[str, Any], parsed: ParsedRecord, chunks: Mapping[int, Chunk]
) -> Draft:
    """The draft with what its text bears out, and with the line that introduces it, if the model named that."""
    draft, number = parsed.draft_of(question.task, question.chunk), values.get("lead_in")
    named = None if isinstance(number, Unreadable) else chunks.get(number or RECORD)
    said = {name: value for name, value in values.items() if name != "lead_in" or isinstance(value, Unreadable)}
    grounded = ground_answer(said, draft, parsed, named or parsed.find_lead_in(draft), question.custom)
    if "lead_in" not in values or (number is not None and named is None):
        return grounded
    words, spans = (parsed.raw(named.span), (named.span,)) if named else (None, ())
    lead_in: Reading[Any] = Reading(words, MODEL_CONFIDENCE, spans, origin=Origin.MODEL)
    return replace(grounded, model={**grounded.model, "lead_in": lead_in})


def collect(
    asked: Sequence[Question],
    unasked: Sequence[Question],
    answers: Iterable[Draft],
    replies: Sequence[ModelReply],
) -> ModelResult:
    answers = list(answers)
    by_chunk: dict[int, tuple[Draft, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.number] += (answer,)
    fields = {q.chunk.number: _fields_of_chunk(q) for q in asked if _fields_of_chunk(q)}
    missing = {q.chunk.number: _fields_of_chunk(q) for q in unasked}
    if of_record := frozenset[str]().union(*map(_fields_of_record, asked)):
        fields[RECORD], by_chunk[RECORD] = of_record, (_join_record(answers, of_record),)
    if left := frozenset[str]().union(*map(_fields_of_record, unasked)) - (of_record & set(PEOPLE_FIELDS)):
        missing[RECORD] = left
    return ModelResult(
        asked=fields,
        answers=dict(by_chunk),
        dropped=tuple(reason for reply in replies for reason in reply.rejected),
        usage=sum((reply.usage for reply in replies), Usage()),
        reread={q.chunk.number: q.chunk for q in (*asked, *unasked) if REGIMENS in q.fields},
        unasked=missing,
    )


def _join_record(answers: Iterable[Draft], names: frozenset[str]) -> Draft:
    """What lines say of the record: the widest ages, the first of other values, all of the user's own fields.

    Silence about the participants is no answer.
    """
    found: dict[str, list[Reading[Any]]] = {name: [] for name in PEOPLE_FIELDS if name in names}
    refused: list[Rejection] = []
    own: dict[str, tuple[Draft, ...]] = {}
    for answer in answers:
        refused += (one for one in answer.refused if one.field in found)
        for name, reading in answer.model.items():
            if name in found and reading.value is not None:
                found[name].append(reading)
        for name in (names - found.keys()) & answer.model.keys():
            own[name] = (*own.get(name, ()), *answer.own.get(name, ()))
    for name, is_highest in zip(AGES, (False, True), strict=True):
        found.get(name, []).sort(key=_count_days, reverse=is_highest)
    model = {name: known[0] for name, known in found.items() if known}
    model |= {name: Reading(bool(said), MODEL_CONFIDENCE, origin=Origin.MODEL) for name, said in own.items()}
    return replace(draft_record({}), model=model, refused=tuple(refused), own=own)


def _count_days(age: Reading[Any]) -> float:
    return float(age.value.value * DAYS[age.value.unit])
