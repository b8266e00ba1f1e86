"""A record's dialogue with a model, as a generator of question batches. Nothing here talks to a model."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from extractor.assemble import ModelResult
from extractor.assemble.policy import ModelClass, classify_model, load_policy
from extractor.ground.check import GroundedAnswer, ground_answer
from extractor.llm.requests import Question, Render, Reply
from extractor.options import ExtractionOptions
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Usage

from .planner import pack_questions, plan_questions
from .prompt import narrow_record, render_call
from .recheck import drop_repeated, merge_recheck, plan_recheck, render_recheck
from .reply_models import read_answers

__all__ = ["Dialogue", "QuestionBatch", "Replies", "dialogue", "discuss"]


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """Packs of questions that may be sent at once, and the function that makes a call of any of them.

    ``needed``: if no pack of the batch is answered, the record's extraction fails.
    """

    packs: tuple[tuple[Question, ...], ...]
    render: Render
    needed: bool


Replies = Sequence[Reply | None]
"""A reply for each pack of a batch; None where the budget is spent."""

Dialogue = Generator[QuestionBatch, Replies | None, ModelResult]
"""Yields batches of questions, takes their replies (None without a model), returns what the text supports."""


def dialogue(parsed: ParsedRecord, options: ExtractionOptions) -> Dialogue:
    """The questions about a record that ``options`` want asked."""
    return (yield from discuss(parsed, plan_questions(parsed, options)))


def discuss(parsed: ParsedRecord, questions: Sequence[Question]) -> Dialogue:
    """These questions about a record, then a recheck of the answers that the text does not support."""
    packs = pack_questions(questions)
    replies: Replies | None = ()
    if packs:
        replies = yield QuestionBatch(packs, partial(render_call, narrow_record(parsed.record)), needed=True)
    if replies is None:
        return ModelResult(usage=Usage(open_questions=len(questions)))
    pairs = list(zip(packs, replies, strict=True))
    answers = [answer for pack, reply in pairs if reply for answer in _ground(parsed, pack, reply)]
    received = [reply for reply in replies if reply]
    answered = {answer.chunk for answer in answers}
    pending = [q for pack, reply in pairs if reply and reply.pending for q in pack if q.chunk.number not in answered]
    unasked = [question for pack, reply in pairs if reply is None for question in pack]
    lines = 0
    rechecks = plan_recheck(parsed, answers)
    if rechecks:
        again = yield QuestionBatch((tuple(recheck.question for recheck in rechecks),), render_recheck, needed=False)
        if again and (reply := again[0]):
            answers = merge_recheck(parsed, answers, rechecks, reply.items)
            received, lines = [*received, reply], len(rechecks)
    asked = [question for question in questions if question not in pending and question not in unasked]
    result = _collect(asked, unasked, answers, received)
    still_open = len(unasked) + len(pending) + sum(map(result.is_open, result.asked))
    counts = {"questions": len(result.asked) + lines, "open_questions": still_open}
    return replace(result, usage=result.usage.model_copy(update=counts))


def _ground(parsed: ParsedRecord, pack: Sequence[Question], reply: Reply) -> list[GroundedAnswer]:
    answers = read_answers(pack, reply.items, complete=not (reply.rejected or reply.pending))
    chunks = {question.chunk.number: question.chunk for question in pack}
    return [drop_repeated(ground_answer(answer, parsed, chunks[answer.chunk])) for answer in answers]


def _collect(
    asked: Sequence[Question],
    unasked: Sequence[Question],
    answers: Iterable[GroundedAnswer],
    replies: Sequence[Reply],
) -> ModelResult:
    by_chunk: dict[int, tuple[GroundedAnswer, ...]] = defaultdict(tuple)
    for answer in answers:
        by_chunk[answer.chunk] += (answer,)
    classes = {classify_model(reply.model) for reply in replies}
    return ModelResult(
        asked={q.chunk.number: frozenset(q.fields) for q in asked},
        answers=dict(by_chunk),
        dropped=tuple(reason for reply in replies for reason in reply.rejected),
        usage=sum((reply.usage for reply in replies), Usage()),
        policy=load_policy(min(classes, key=list(ModelClass).index, default=ModelClass.CAPABLE)),
        reread={q.chunk.number: q.chunk for q in (*asked, *unasked) if "regimens" in q.fields},
        unasked={q.chunk.number: frozenset(q.fields) for q in unasked},
    )
