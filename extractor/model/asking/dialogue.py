"""Conduct a record's dialogue with a model, as a generator that yields questions and takes replies.
Nothing here talks to a model.

A question is a line with open fields. A reply has items about such lines, and each item becomes a
draft with the values that the text bears out. Nothing is asked twice: what the text contradicts is
refused, and becomes a finding for people.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.assembly.check import UnreadableValue, ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.evidence.drafts import Chunk, Draft, ModelResult, Reading, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.collecting import collect
from extractor.model.asking.planner import (
    AskingOptions,
    count_asked,
    pack_questions,
    plan_questions,
)
from extractor.model.asking.prompt import narrow_record, render_call
from extractor.model.asking.questions import ModelReply, Question, Render
from extractor.model.asking.reply_models import read_silence, read_values
from extractor.model.asking.skipped import find_skipped
from extractor.schemas import Origin, Task, Usage


@dataclass(frozen=True, slots=True)
class Round:
    """The calls about a record, each as its questions; ``render`` makes the call."""

    calls: tuple[tuple[Question, ...], ...]
    render: Render


Replies = Sequence[ModelReply | None]
"""A reply for each call of a round; None where the budget is spent."""

Dialogue = Generator[Round, Replies | None, ModelResult]
"""Yields one round of questions if there are any, takes its replies (None without a model), returns
what the text supports.
"""


def dialogue(parsed: ParsedRecord, options: AskingOptions) -> Dialogue:
    """Ask what ``options`` want asked about a record, in one round, and return what the text bears
    out of the replies.

    Without questions, or without a model (replies are None), the result is empty. Lines whose call
    the budget did not cover are ``unasked``. Lines whose answer will come by a batch are counted as
    open, and have no draft.
    """
    questions = plan_questions(parsed, options)
    if not questions:
        return ModelResult()
    calls = pack_questions(questions)
    render = partial(render_call, narrow_record(parsed.record), custom=options.fields)
    replies = yield Round(calls, render)
    if replies is None:
        return ModelResult(usage=Usage(open_questions=count_asked(questions)))
    received: list[ModelReply] = []
    drafts: list[Draft] = []
    skipped: set[int] = set()
    unasked: list[Question] = []
    pending: list[Question] = []
    for call, reply in zip(calls, replies, strict=True):
        # the budget was spent
        if reply is None:
            unasked += call
            continue
        received.append(reply)
        call_drafts, call_skipped = _read_reply(parsed, call, reply)
        drafts += call_drafts
        skipped |= call_skipped
        # the answer will come by a batch
        if reply.pending:
            pending += _list_silent(call, call_drafts)
    unanswered = [*pending, *unasked]
    asked = [question for question in questions if question not in unanswered]
    result = collect(parsed, asked, unasked, drafts, received, skipped)
    open_questions = result.usage.open_questions + count_asked(pending)
    usage = result.usage.model_copy(update={"open_questions": open_questions})
    return replace(result, usage=usage)


def _read_reply(
    parsed: ParsedRecord, questions: Sequence[Question], reply: ModelReply
) -> tuple[list[Draft], frozenset[int]]:
    """Return a draft for each item of a reply, with the values that the text supports, and the
    numbers of the lines that it skips.

    Lines for lists (regimens, own fields) may have no item because they state nothing. Such silence
    gives a draft too, if the reply is whole: it is there, no item of it was dropped, and the model
    read as far as the line. Lines that it did not read are the skipped ones.
    """
    chunks = {question.number: question.chunk for question in questions}
    grounded = []
    for question, values in read_values(questions, reply.items, complete=False):
        draft = _ground(question, values, parsed, chunks)
        if not _is_empty_regimen(draft):
            grounded.append(draft)
    drafts = prove_regimens(grounded, parsed)
    is_lost = not reply.items and bool(reply.dropped)
    if reply.pending or is_lost:
        return drafts, frozenset()
    skipped = find_skipped(parsed, questions, drafts)
    if reply.dropped:
        return drafts, skipped
    silent = _list_silent(questions, drafts)
    unskipped = [question for question in silent if question.number not in skipped]
    for question, values in read_silence(unskipped):
        drafts.append(_ground(question, values, parsed, chunks))
    return drafts, skipped


def _list_silent(
    questions: Sequence[Question], drafts: Sequence[Draft]
) -> list[Question]:
    """List the questions about lines without a draft."""
    answered = {draft.number for draft in drafts}
    return [question for question in questions if question.number not in answered]


def _is_empty_regimen(draft: Draft) -> bool:
    """Return whether a draft of a regimen says nothing: neither a value, nor a refused one, nor a
    field of the user's own. Its item had no more than the number of the line, and counts as none.
    """
    if draft.group != Task.DOSING:
        return False
    if draft.refused or any(draft.own.values()):
        return False
    for name, reading in draft.model.items():
        if name != "stands" and reading.list_values():
            return False
    return True


def _ground(
    question: Question,
    values: Mapping[str, Any],
    parsed: ParsedRecord,
    chunks: Mapping[int, Chunk],
) -> Draft:
    """Return the draft of an item with what its text bears out, and with the line that introduces
    it, if the model names a line of the call or says that there is none.

    The text of an item includes the line that introduces it: the model's, else the rules'.
    ``values`` are what the item says, by field; ``chunks`` are the lines of the call, by number.
    """
    draft = parsed.draft_of(question.task, question.chunk)
    number = values.get("lead_in")
    if isinstance(number, UnreadableValue):
        lead_in = parsed.find_lead_in(draft)
        return ground_answer(values, draft, parsed, lead_in, question.custom)
    stated = dict(values)
    stated.pop("lead_in", None)
    introducing = None
    if number is not None:
        introducing = chunks.get(number)
    lead_in = introducing or parsed.find_lead_in(draft)
    grounded = ground_answer(stated, draft, parsed, lead_in, question.custom)
    if "lead_in" not in values:
        return grounded
    is_unknown = number is not None and introducing is None
    if is_unknown:
        return grounded
    # Without a number, the model says that nothing introduces the line.
    words = None
    spans: tuple[Span, ...] = ()
    if introducing:
        words = parsed.raw(introducing.span)
        spans = (introducing.span,)
    reading: Reading[Any] = Reading(words, MODEL_CONFIDENCE, spans, origin=Origin.MODEL)
    model = {**grounded.model, "lead_in": reading}
    return replace(grounded, model=model)
