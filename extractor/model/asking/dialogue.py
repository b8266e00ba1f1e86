"""Plan the calls about a record, and turn the replies into drafts with what the text bears out.
Nothing here talks to a model.

A question is a line with open fields. A reply has items about such lines, and each item becomes a
draft. Nothing is asked twice: what the text contradicts is refused, and becomes a finding for
people. Silence is an answer only if the model has read the call.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from typing import Any

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.declaration import Of
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Reading, draft_record
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.model.asking.answers import read_silence, read_values
from extractor.model.asking.planner import count_asked, pack_questions, plan_questions
from extractor.model.asking.prompt import describe_trial, render_call
from extractor.model.asking.questions import ModelReply, Question, Questions, Render
from extractor.model.asking.reply_models import (
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
    is_listing,
)
from extractor.options import ExtractionOptions
from extractor.schemas import AbsenceReason, Origin, Task, Usage

_MEANT = {
    PEOPLE: PEOPLE_FIELDS,
    REGIMENS: (REGIMENS, *REGIMEN_FIELDS),
    "split": PARTS,
}
"""The fields that a question about several asks for."""
_SHARE_SKIPPED = 0.2
"""A call of whose lines more than this share got no item, though they need one, was not read as a
whole.
"""

Replies = Sequence[ModelReply | None]
"""A reply for each call of a round; None where the budget is spent."""


@dataclass(frozen=True, slots=True)
class Round:
    """The calls about a record, each as its questions; ``render`` makes the call."""

    calls: tuple[Questions, ...]
    render: Render


def plan_round(parsed: ParsedRecord, options: ExtractionOptions) -> Round | None:
    """Return the calls with the questions about a record that ``options`` want asked, None if there
    is none.
    """
    questions = plan_questions(parsed, options)
    if not questions:
        return None
    trial = describe_trial(parsed.record)
    render = partial(render_call, trial, custom=options.fields)
    return Round(pack_questions(questions), render)


def read_replies(
    parsed: ParsedRecord, asked: Round, replies: Replies | None
) -> ModelResult:
    """Return what the text bears out of the replies to a round.

    There is a draft for each item, an empty one for each line without an answer, and one for the
    record itself if it was asked. Each draft has the reason why a field that it was asked for is
    empty: the model refused it, or the budget did not cover its call. Lines whose answer will come
    by a batch are counted as open, and have no draft; so are all lines without a model (replies are
    None).
    """
    if replies is None:
        replies = [ModelReply(pending=True)] * len(asked.calls)
    reasons: dict[int, dict[str, AbsenceReason]] = {}
    drafts: list[Draft] = []
    read_lines: list[Question] = []
    lines: list[Question] = []
    skipped: set[int] = set()
    waiting = 0
    for call, reply in zip(asked.calls, replies, strict=True):
        if reply is None:
            _note_asked(reasons, call, AbsenceReason.BUDGET_EXHAUSTED)
            lines += call
            continue
        read, silent = _read_reply(parsed, call, reply)
        skipped |= silent
        drafts += read
        answered = {draft.number for draft in read}
        got = [line for line in call if not reply.pending or line.number in answered]
        waiting += count_asked(call) - count_asked(got)
        _note_asked(reasons, got, AbsenceReason.MODEL_REFUSED)
        read_lines += got
        lines += got
    drafts = [replace(draft, asked=reasons.get(draft.number, {})) for draft in drafts]
    answered = {draft.number for draft in drafts}
    for line in lines:
        if line.number in reasons and line.number not in answered:
            draft = parsed.draft_of(line.task, line.chunk)
            is_skipped = line.number in skipped
            why = reasons[line.number]
            drafts.append(replace(draft, own={}, asked=why, is_skipped=is_skipped))
    if RECORD in reasons:
        drafts.append(_join_record(drafts, reasons[RECORD]))
    received = [reply for reply in replies if reply]
    result = ModelResult(
        tuple(drafts),
        tuple(why for reply in received for why in reply.rejected),
        tuple(remark for reply in received for remark in reply.remarks),
    )
    usage = sum((reply.usage for reply in received), Usage())
    counts = {
        "questions": count_asked(read_lines),
        "open_questions": waiting + sum(map(_is_open, result.by_number.values())),
        "unanswered": sum(_is_unanswered(line, result) for line in read_lines),
    }
    return replace(result, usage=usage.model_copy(update=counts))


def _read_reply(
    parsed: ParsedRecord, call: Questions, reply: ModelReply
) -> tuple[list[Draft], Set[int]]:
    """Return a draft for each item of a reply, and for each line whose silence is an answer; and
    the numbers of the lines that the model skipped. An item of a regimen with no more than the
    number of its line counts as none.
    """
    lines = {line.number: line for line in call}
    drafts: list[Draft] = []
    for question, values in read_values(call, reply.items):
        draft = _ground(parsed, lines, question, values)
        stated = [draft.model[name] for name in draft.model if name != "stands"]
        is_empty = not any(reading.list_values() for reading in stated)
        is_empty = is_empty and not draft.refused and not any(draft.own.values())
        if not is_empty or draft.group != Task.DOSING:
            drafts.append(draft)
    drafts = prove_regimens(drafts, parsed)
    is_useless = reply.dropped and not reply.items
    if reply.pending or is_useless:
        return drafts, set()
    answered = {draft.number for draft in drafts}
    skipped = _find_skipped(parsed, call, answered)
    if not reply.dropped:
        silent = [line for line in call if line.number not in answered | skipped]
        for question, values in read_silence(silent):
            drafts.append(_ground(parsed, {}, question, values))
    return drafts, skipped


def _find_skipped(
    parsed: ParsedRecord, call: Questions, answered: Set[int]
) -> Set[int]:
    """Return the numbers of the lines of a call that a model skipped: whose silence is no answer.

    All silent lines are skipped if too many lines that need an item have none, or if no line has
    one though the rules read regimens in the call. Otherwise the skipped lines are those that need
    an item, and those behind the last answered line, if the model stopped there.
    """
    silent = {line.number for line in call if line.fields} - answered
    needed = {line.number for line in call if line.fields and not is_listing(line)}
    missed = needed & silent
    regimens = [
        line
        for line in call
        for regimen in parsed.regimens
        if REGIMENS in line.fields and line.chunk.span.contains(regimen.chunk.span)
    ]
    if len(missed) > len(needed) * _SHARE_SKIPPED or (regimens and not answered):
        return silent
    numbers = [line.number for line in reversed(call)]
    behind = silent.intersection(takewhile(lambda one: one not in answered, numbers))
    return missed | behind if missed & behind else missed


def _ground(
    parsed: ParsedRecord,
    lines: Mapping[int, Question],
    question: Question,
    values: Mapping[str, Any],
) -> Draft:
    """Return the draft of an item with what its text bears out, and with the line that introduces
    it, if the model names a line of the call or says that there is none.

    The text of an item includes the line that introduces it: the model's, else the rules'.
    ``values`` are what the item says, by field; ``lines`` are those of the call, by number.
    """
    draft = parsed.draft_of(question.task, question.chunk)
    stated = dict(values)
    number = stated.get("lead_in")
    # without a number, the model says that nothing introduces the line
    if isinstance(number, int):
        del stated["lead_in"]
    if number is None or number not in lines:
        above = parsed.find_lead_in(draft)
        return ground_answer(stated, draft, parsed, above, question.custom)
    chunk = lines[number].chunk
    draft = ground_answer(stated, draft, parsed, chunk, question.custom)
    words = parsed.raw(chunk.span)
    reading = Reading(words, MODEL_CONFIDENCE, (chunk.span,), origin=Origin.MODEL)
    return replace(draft, model={**draft.model, "lead_in": reading})


def _list_meant(question: Question) -> dict[int, set[str]]:
    """Return the fields of a question by the number of their item: the line's own number, or
    ``RECORD`` for the participants and for the user's own fields of the record.
    """
    of_record = {own.name for own in question.custom if own.of is Of.RECORD} | {PEOPLE}
    meant: dict[int, set[str]] = {}
    for name in question.fields:
        number = RECORD if name in of_record else question.number
        meant.setdefault(number, set()).update(_MEANT.get(name, [name]))
    return meant


def _note_asked(
    reasons: dict[int, dict[str, AbsenceReason]],
    questions: Questions,
    reason: AbsenceReason,
) -> None:
    """Note why the fields of questions are empty if nothing answers them. Age, sex and health may
    be on any line that asks who takes part: if a model got one, the budget is not the reason.
    """
    for question in questions:
        for number, names in _list_meant(question).items():
            known = reasons.setdefault(number, {})
            for name in names:
                if name in PEOPLE_FIELDS and reason is AbsenceReason.BUDGET_EXHAUSTED:
                    known.setdefault(name, reason)
                else:
                    known[name] = reason


def _is_unanswered(question: Question, result: ModelResult) -> bool:
    """Return whether a model said nothing at all to a question."""
    numbers = _list_meant(question)
    if not numbers:
        return False
    first = question.number if question.number in numbers else RECORD
    draft = result.by_number[first]
    return _is_open(draft) and not draft.model


def _is_open(draft: Draft) -> bool:
    """Return whether a field that was asked has no supported answer.

    Of regimens, the agent is enough. A line that the model calls no criterion or no regimen
    (``stands`` is False) has nothing open.
    """
    # such as a heading among the criteria
    if "stands" in draft.model and draft.model["stands"].value is False:
        return False
    wanted = set(draft.asked)
    if REGIMENS in wanted:
        wanted = wanted.difference(_MEANT[REGIMENS]) | {"agent"}
    return not wanted <= draft.model.keys()


def _join_record(drafts: Sequence[Draft], asked: Mapping[str, AbsenceReason]) -> Draft:
    """Join what lines say of the record in one draft: the lowest minimum and the highest maximum
    age, the first sex and the first word on healthy volunteers, all values of the user's own
    fields.

    A line that says nothing of an age or sex (None) is no answer, and is passed over.
    """
    model: dict[str, Reading[Any]] = {}
    own: dict[str, tuple[Draft, ...]] = {}
    for name in asked:
        answers = [draft.model[name] for draft in drafts if name in draft.model]
        answers = [reading for reading in answers if reading.value is not None]
        if answers:
            model[name] = min(answers, key=partial(_rank, name))
        if name not in PEOPLE_FIELDS:
            own[name] = sum((draft.own.get(name, ()) for draft in drafts), ())
    refused = [
        refusal
        for draft in drafts
        for refusal in draft.refused
        if refusal.field in PEOPLE_FIELDS
    ]
    record = draft_record({})
    return replace(record, model=model, refused=tuple(refused), own=own, asked=asked)


def _rank(name: str, reading: Reading[Any]) -> float:
    """Rank what a line says of a field of the record: the lowest counts, the first of equals."""
    if name not in AGES:
        # a field of the user's own is found if any line states it
        return name not in PEOPLE_FIELDS and not reading.value
    # "at least 16 years" on one line and "at least 18 years" on another: the trial takes from 16
    days = float(reading.value.value * DAYS[reading.value.unit])
    return days if name == AGES[0] else -days
