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
from extractor.evidence.drafts import RECORD, Chunk, Draft, ModelResult, Reading
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
    """Ask what ``options`` want asked about a record."""
    questions = plan_questions(parsed, options)
    if not questions:
        return ModelResult()
    calls = pack_questions(questions)
    render = partial(render_call, narrow_record(parsed.record), custom=options.fields)
    replies = yield Round(calls, render)
    if replies is None:
        return ModelResult(usage=Usage(open_questions=count_asked(questions)))
    drafts: list[Draft] = []
    skipped: set[int] = set()
    unasked: list[Question] = []
    pending: list[Question] = []
    for call, reply in zip(calls, replies, strict=True):
        if reply is None:
            unasked += call
            continue
        said, left_out = _read_reply(parsed, call, reply)
        drafts += said
        skipped |= left_out
        if reply.pending:
            answered = {draft.number for draft in said}
            pending += [
                question for question in call if question.chunk.number not in answered
            ]
    asked = [one for one in questions if one not in pending and one not in unasked]
    received = [reply for reply in replies if reply is not None]
    result = collect(parsed, asked, unasked, drafts, received, skipped)
    open_questions = result.usage.open_questions + count_asked(pending)
    usage = result.usage.model_copy(update={"open_questions": open_questions})
    return replace(result, usage=usage)


def _read_reply(
    parsed: ParsedRecord, questions: Sequence[Question], reply: ModelReply
) -> tuple[list[Draft], frozenset[int]]:
    """Return a draft for each item of a reply, with the values that the text supports, and the
    lines that it skips.
    """
    chunks = {question.chunk.number: question.chunk for question in questions}
    said = read_values(questions, reply.items, complete=False)
    grounded = [_ground(*each, parsed, chunks) for each in said]
    drafts = prove_regimens(
        [one for one in grounded if not _names_nothing(one)], parsed
    )
    is_lost = not reply.items and bool(reply.dropped)
    if reply.pending or is_lost:
        return drafts, frozenset()
    skipped = find_skipped(parsed, questions, drafts)
    if reply.dropped:
        return drafts, skipped
    answered = {draft.number for draft in drafts}
    silent = [
        question
        for question in questions
        if question.chunk.number not in answered | skipped
    ]
    drafts += (_ground(*each, parsed, chunks) for each in read_silence(silent))
    return drafts, skipped


def _names_nothing(draft: Draft) -> bool:
    """Return whether a draft is of a line about regimens and has no more than its number, as if
    there were no item.
    """
    if draft.group != Task.DOSING or draft.refused or any(draft.own.values()):
        return False
    return not any(
        reading.list_values()
        for name, reading in draft.model.items()
        if name != "stands"
    )


def _ground(
    question: Question,
    values: Mapping[str, Any],
    parsed: ParsedRecord,
    chunks: Mapping[int, Chunk],
) -> Draft:
    """Return the draft with what its text bears out, and with the line that introduces it, if
    the model named that.
    """
    draft = parsed.draft_of(question.task, question.chunk)
    number = values.get("lead_in")
    named = (
        None if isinstance(number, UnreadableValue) else chunks.get(number or RECORD)
    )
    said = {
        name: value
        for name, value in values.items()
        if name != "lead_in" or isinstance(value, UnreadableValue)
    }
    grounded = ground_answer(
        said, draft, parsed, named or parsed.find_lead_in(draft), question.custom
    )
    if "lead_in" not in values or (number is not None and named is None):
        return grounded
    words, spans = (parsed.raw(named.span), (named.span,)) if named else (None, ())
    lead_in: Reading[Any] = Reading(words, MODEL_CONFIDENCE, spans, origin=Origin.MODEL)
    return replace(grounded, model={**grounded.model, "lead_in": lead_in})
