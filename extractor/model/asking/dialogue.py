"""Conduct a record's dialogue with a model, as a generator that yields questions and takes replies.
Nothing here talks to a model.

A question is a line with open fields. A reply has items about such lines, and each item becomes a
draft with the values that the text bears out. Nothing is asked twice: what the text contradicts is
refused, and becomes a finding for people.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import starmap
from typing import Any

from extractor.assembly.check import ground_answer
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
    skipped: set[int] = set()
    asked: list[Question] = []
    unasked: list[Question] = []
    for call, reply in zip(calls, replies, strict=True):
        if reply is None:
            unasked += call
            continue
        read = _read_items(parsed, call, reply)
        is_useless = reply.dropped and not reply.items
        if not reply.pending and not is_useless:
            silent = find_skipped(parsed, call, read)
            if not reply.dropped:
                read += _read_silence(parsed, call, read, silent)
            skipped |= silent
        numbers = {draft.number for draft in read}
        asked += [one for one in call if not reply.pending or one.number in numbers]
        drafts += read
    received = [reply for reply in replies if reply]
    result = collect(parsed, asked, unasked, drafts, received, skipped)
    waiting = Usage(open_questions=count_asked(questions) - count_asked(asked))
    return replace(result, usage=result.usage + waiting)


def _read_items(
    parsed: ParsedRecord, questions: Questions, reply: ModelReply
) -> list[Draft]:
    """Return a draft for each item of a reply, with the values that the text supports. An item of a
    regimen with no more than the number of its line counts as none.
    """
    chunks = {question.number: question.chunk for question in questions}
    drafts: list[Draft] = []
    for question, values in read_values(questions, reply.items):
        draft = _ground(parsed, chunks, question, values)
        stated = [
            reading
            for name, reading in draft.model.items()
            if name != "stands" and reading.list_values()
        ]
        is_regimen = draft.group == Task.DOSING
        if stated or draft.refused or any(draft.own.values()) or not is_regimen:
            drafts.append(draft)
    return prove_regimens(drafts, parsed)


def _read_silence(
    parsed: ParsedRecord,
    questions: Questions,
    drafts: Sequence[Draft],
    skipped: set[int],
) -> list[Draft]:
    """Return a draft for each line for a list (regimens, own fields) that has no item because it
    states nothing: the whole reply was read, and so was the line.
    """
    read = skipped.union(draft.number for draft in drafts)
    silent = [line for line in questions if line.number not in read]
    return list(starmap(partial(_ground, parsed, {}), read_silence(silent)))


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
    number = values.get("lead_in")
    introducing = chunks.get(number)
    lead_in = introducing or parsed.find_lead_in(draft)
    stated = dict(values)
    # without a number, the model says that nothing introduces the line
    if isinstance(number, int):
        del stated["lead_in"]
    draft = ground_answer(stated, draft, parsed, lead_in, question.custom)
    if introducing is None:
        return draft
    words = parsed.raw(introducing.span)
    spans = (introducing.span,)
    reading = Reading(words, MODEL_CONFIDENCE, spans, origin=Origin.MODEL)
    return replace(draft, model={**draft.model, "lead_in": reading})
