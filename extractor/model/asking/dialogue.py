"""Conduct a record's dialogue with a model, as a generator that yields questions and takes replies.
Nothing here talks to a model.

A question is a line with open fields. A reply has items about such lines, and each item becomes a
draft with the values that the text bears out. Nothing is asked twice: what the text contradicts is
refused, and becomes a finding for people.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import filterfalse, starmap
from typing import Any

from extractor.assembly.check import UnreadableValue, ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.evidence.drafts import Chunk, Draft, ModelResult, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.model.asking.collecting import collect
from extractor.model.asking.planner import (
    AskingOptions,
    count_asked,
    pack_questions,
    plan_questions,
)
from extractor.model.asking.prompt import describe_trial, render_call
from extractor.model.asking.questions import ModelReply, Question, Questions, Render
from extractor.model.asking.reply_models import read_silence, read_values
from extractor.model.asking.skipped import find_skipped
from extractor.schemas import Origin, Task, Usage


@dataclass(frozen=True, slots=True)
class Round:
    """The calls about a record, each as its questions; ``render`` makes the call."""

    calls: tuple[Questions, ...]
    render: Render


Replies = Sequence[ModelReply | None]
"""A reply for each call of a round; None where the budget is spent."""

Dialogue = Generator[Round, Replies | None, ModelResult]


def dialogue(parsed: ParsedRecord, options: AskingOptions) -> Dialogue:
    """Yield one round of questions about a record if ``options`` want any asked, take its replies,
    and return what the text bears out of them.

    Without questions, or without a model (replies are None), the result is empty. Lines whose call
    the budget did not cover are ``unasked``. Lines whose answer will come by a batch are counted as
    open, and have no draft.
    """
    questions = plan_questions(parsed, options)
    if not questions:
        return ModelResult()
    calls = pack_questions(questions)
    trial = describe_trial(parsed.record)
    replies = yield Round(calls, partial(render_call, trial, custom=options.fields))
    if replies is None:
        return ModelResult(usage=Usage(open_questions=count_asked(questions)))
    drafts: list[Draft] = []
    asked: list[Question] = []
    unasked: list[Question] = []
    pending: list[Question] = []
    for call, reply in zip(calls, replies, strict=True):
        if reply is None:
            unasked += call
            continue
        read = _read_reply(parsed, call, reply)
        answered = {draft.number for draft in read}
        for question in call:
            waits = reply.pending and question.number not in answered
            (pending if waits else asked).append(question)
        drafts += read
    received = [reply for reply in replies if reply]
    result = collect(parsed, asked, unasked, drafts, received)
    waiting = Usage(open_questions=count_asked(pending))
    return replace(result, usage=result.usage + waiting)


def _read_reply(
    parsed: ParsedRecord, questions: Questions, reply: ModelReply
) -> list[Draft]:
    """Return a draft for each item of a reply, with the values that the text supports, and an empty
    one for each line that the model skipped.

    Lines for lists (regimens, own fields) may have no item because they state nothing. Such silence
    gives a draft too, if the reply is whole: it is there, no item of it was dropped, and the model
    read as far as the line.
    """
    chunks = {question.number: question.chunk for question in questions}
    ground = partial(_ground, parsed, chunks)
    grounded = starmap(ground, read_values(questions, reply.items))
    drafts = prove_regimens(list(filterfalse(_is_empty, grounded)), parsed)
    if reply.pending or (reply.dropped and not reply.items):
        return drafts
    skipped = find_skipped(parsed, questions, drafts)
    answered = skipped.union(draft.number for draft in drafts)
    for line in questions:
        if line.number in skipped:
            draft = parsed.draft_of(line.task, line.chunk)
            drafts.append(replace(draft, own={}, is_skipped=True))
    if not reply.dropped:
        silent = [line for line in questions if line.number not in answered]
        drafts += starmap(ground, read_silence(silent))
    return drafts


def _ground(
    parsed: ParsedRecord,
    chunks: Mapping[Any, Chunk],
    question: Question,
    values: Mapping[str, Any],
) -> Draft:
    """Return the draft of an item with what its text bears out, and with the line that introduces
    it, if the model names a line of the call or says that there is none.

    The text of an item includes the line that introduces it: the model's, else the rules'.
    ``values`` are what the item says, by field; ``chunks`` are the lines of the call, by number.
    """
    draft = parsed.draft_of(question.task, question.chunk)
    stated = dict(values)
    number = stated.get("lead_in")
    introducing = chunks.get(number)
    if not isinstance(number, UnreadableValue):
        stated.pop("lead_in", None)
    lead_in = introducing or parsed.find_lead_in(draft)
    draft = ground_answer(stated, draft, parsed, lead_in, question.custom)
    is_unknown = introducing is None and number is not None
    if "lead_in" not in values or is_unknown:
        return draft
    # Without a number, the model says that nothing introduces the line.
    reading: Reading[Any] = Reading(None, MODEL_CONFIDENCE, origin=Origin.MODEL)
    if introducing:
        words = parsed.raw(introducing.span)
        reading = replace(reading, value=words, spans=(introducing.span,))
    return replace(draft, model={**draft.model, "lead_in": reading})


def _is_empty(draft: Draft) -> bool:
    """Return whether a draft of a regimen says nothing. Its item had no more than the number of the
    line, and counts as none.
    """
    if draft.group != Task.DOSING or draft.refused or any(draft.own.values()):
        return False
    stated = [
        draft.model[name].list_values() for name in draft.model.keys() - {"stands"}
    ]
    return not any(stated)
