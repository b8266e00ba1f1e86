"""Conduct a record's dialogue with a model, as a generator of rounds of questions. Nothing here
talks to a model.

A question is a line with open fields. A reply has items about such lines, and each item becomes a
draft with the values that the text bears out. What the text contradicts is asked once more, if that
can change the result.
"""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.assembly.check import Unreadable, ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.declaration import Of
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.evidence.answers import ModelResult
from extractor.evidence.drafts import RECORD, Chunk, Draft, Reading, Refusal, draft_record
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.model.asking.planner import (
    AskingOptions,
    count_asked,
    pack_questions,
    plan_questions,
)
from extractor.model.asking.prompt import narrow_record, render_call
from extractor.model.asking.questions import ModelReply, Question, Render
from extractor.model.asking.recheck import drop_repeated, merge_recheck, plan_recheck
from extractor.model.asking.reply_models import (
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
    read_silence,
    read_values,
)
from extractor.model.asking.skipped import find_skipped
from extractor.schemas import AbsenceReason, Origin, Task, Usage


@dataclass(frozen=True, slots=True)
class Round:
    """Calls that may be sent at once, each as its questions; ``render`` makes the call.

    If no call of a ``needed`` round is answered, the record's extraction fails.
    """

    calls: tuple[tuple[Question, ...], ...]
    render: Render
    needed: bool


Replies = Sequence[ModelReply | None]
"""A reply for each call of a round; None where the budget is spent."""

Dialogue = Generator[Round, Replies | None, ModelResult]
"""Yields rounds of questions, takes their replies (None without a model), returns what the text
supports.
"""


def dialogue(parsed: ParsedRecord, options: AskingOptions) -> Dialogue:
    """Ask what ``options`` want asked about a record, then once more what ``plan_recheck`` finds
    worth it.
    """
    questions = plan_questions(parsed, options)
    calls = pack_questions(questions)
    render = partial(render_call, narrow_record(parsed.record), custom=options.fields)
    replies: Replies | None = ()
    if calls:
        replies = yield Round(calls, render, needed=True)
    if replies is None:
        return ModelResult(usage=Usage(open_questions=count_asked(questions)))
    pairs = list(zip(calls, replies, strict=True))
    drafts: list[Draft] = []
    skipped: set[int] = set()
    for call, reply in pairs:
        if reply:
            said, left_out = _read_reply(parsed, call, reply)
            drafts += said
            skipped |= left_out
    answered = {draft.number for draft in drafts}
    pending = [
        q
        for call, reply in pairs
        if reply and reply.pending
        for q in call
        if q.chunk.number not in answered
    ]
    unasked = [question for call, reply in pairs if reply is None for question in call]
    asked = [
        question for question in questions if question not in pending and question not in unasked
    ]
    received = [reply for reply in replies if reply]
    lines = 0
    if rechecks := plan_recheck(parsed, drafts, options.fields):
        again = yield Round(
            (tuple(rechecks.values()),), partial(render, recheck=True), needed=False
        )
        if again and (reply := again[0]):
            drafts = merge_recheck(parsed, drafts, rechecks, reply.items)
            received = [*received, reply]
            lines = len(rechecks)
    result = collect(parsed, asked, unasked, drafts, received, skipped)
    open_ = {
        number
        for question in asked
        for number in _split_fields(question)
        if _is_open(result.by_number[number])
    }
    silent_in = {number for number in open_ if not result.by_number[number].model}
    counts = {
        "questions": count_asked(asked) + lines,
        "open_questions": count_asked(unasked) + count_asked(pending) + len(open_),
        "unanswered": sum(
            next(iter(_split_fields(question)), None) in silent_in for question in asked
        ),
    }
    return replace(result, usage=result.usage.model_copy(update=counts))


def _read_reply(
    parsed: ParsedRecord, questions: Sequence[Question], reply: ModelReply
) -> tuple[list[Draft], frozenset[int]]:
    """Return a draft for each item of a reply, with the values that the text supports, and the
    lines that it skips.
    """
    chunks = {question.chunk.number: question.chunk for question in questions}
    said = read_values(questions, reply.items, complete=False)
    grounded = [drop_repeated(_ground(*each, parsed, chunks)) for each in said]
    drafts = prove_regimens([one for one in grounded if not _names_nothing(one)], parsed)
    is_lost = not reply.items and bool(reply.dropped)
    if reply.pending or is_lost:
        return drafts, frozenset()
    skipped = find_skipped(parsed, questions, drafts)
    if reply.dropped:
        return drafts, skipped
    answered = {draft.number for draft in drafts}
    silent = [question for question in questions if question.chunk.number not in answered | skipped]
    drafts += (_ground(*each, parsed, chunks) for each in read_silence(silent))
    return drafts, skipped


def _names_nothing(draft: Draft) -> bool:
    """Return whether a draft is of a line about regimens and has no more than its number, as if
    there were no item.
    """
    if draft.group != Task.DOSING or draft.refused or any(draft.own.values()):
        return False
    return not any(
        reading.list_values() for name, reading in draft.model.items() if name != "stands"
    )


def _ground(
    question: Question, values: Mapping[str, Any], parsed: ParsedRecord, chunks: Mapping[int, Chunk]
) -> Draft:
    """Return the draft with what its text bears out, and with the line that introduces it, if
    the model named that.
    """
    draft = parsed.draft_of(question.task, question.chunk)
    number = values.get("lead_in")
    named = None if isinstance(number, Unreadable) else chunks.get(number or RECORD)
    said = {
        name: value
        for name, value in values.items()
        if name != "lead_in" or isinstance(value, Unreadable)
    }
    grounded = ground_answer(
        said, draft, parsed, named or parsed.find_lead_in(draft), question.custom
    )
    if "lead_in" not in values or (number is not None and named is None):
        return grounded
    words, spans = (parsed.raw(named.span), (named.span,)) if named else (None, ())
    lead_in: Reading[Any] = Reading(words, MODEL_CONFIDENCE, spans, origin=Origin.MODEL)
    return replace(grounded, model={**grounded.model, "lead_in": lead_in})


def collect(
    parsed: ParsedRecord,
    asked: Sequence[Question],
    unasked: Sequence[Question],
    drafts: Iterable[Draft],
    replies: Iterable[ModelReply],
    skipped: Collection[int] = (),
) -> ModelResult:
    """Collect the drafts of a record: answered lines in the order of the answers, the other lines,
    the record itself.

    ``unasked`` are the questions that the budget did not cover, ``skipped`` the lines without an
    answer in a reply that answers others.
    """
    received = list(replies)
    gaps: dict[int, dict[str, AbsenceReason]] = defaultdict(dict)
    for question in asked:
        for number, names in _split_fields(question).items():
            gaps[number] |= dict.fromkeys(names, AbsenceReason.MODEL_REFUSED)
    for question in unasked:
        for number, names in _split_fields(question).items():
            known = gaps[number].keys() & PEOPLE_FIELDS  # of the participants, one line is enough
            gaps[number] |= dict.fromkeys(names - known, AbsenceReason.BUDGET_EXHAUSTED)
    said: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        said[draft.number].append(replace(draft, asked=gaps.get(draft.number, {})))
    for question in (*asked, *unasked):
        if (number := question.chunk.number) not in said and number in gaps:
            line = parsed.draft_of(question.task, question.chunk)
            said[number].append(
                replace(line, own={}, asked=gaps[number], is_skipped=number in skipped)
            )
    found = [draft for given in said.values() for draft in given]
    if RECORD in gaps:
        found.append(_join_record(found, gaps[RECORD]))
    return ModelResult(
        drafts=tuple(found),
        dropped=tuple(reason for reply in received for reason in reply.rejected),
        remarks=tuple(remark for reply in received for remark in reply.remarks),
        usage=sum((reply.usage for reply in received), Usage()),
    )


def _split_fields(question: Question) -> dict[int, frozenset[str]]:
    """Return the fields of a question by the number of their item: the line, or the record."""
    own = {field.name for field in question.custom if field.of is Of.RECORD}
    of_record = own.union(PEOPLE_FIELDS) if PEOPLE in question.fields else own
    parts = {REGIMENS: (REGIMENS, *REGIMEN_FIELDS), "split": PARTS}
    of_line = [
        part
        for name in question.fields
        if name not in {PEOPLE, *own}
        for part in parts.get(name, (name,))
    ]
    both = ((question.chunk.number, of_line), (RECORD, of_record))
    return {number: frozenset(names) for number, names in both if names}


def _is_open(said: Draft) -> bool:
    """Return whether a field that was asked has no supported answer. A line without a criterion
    or regimen has none.
    """
    if "stands" in said.model and said.model["stands"].value is False:
        return False
    wanted = set(said.asked)
    if REGIMENS in wanted:  # of a regimen, its agent is enough
        wanted = wanted - {REGIMENS, *REGIMEN_FIELDS} | {"agent"}
    return not wanted <= said.model.keys()


def _join_record(drafts: Iterable[Draft], asked: Mapping[str, AbsenceReason]) -> Draft:
    """Join what lines say of the record: the widest ages, the first of other values, all of the
    user's own fields.

    Silence about the participants is no answer.
    """
    found: dict[str, list[Reading[Any]]] = {name: [] for name in PEOPLE_FIELDS if name in asked}
    refused: list[Refusal] = []
    own: dict[str, tuple[Draft, ...]] = {}
    for draft in drafts:
        refused += (one for one in draft.refused if one.field in found)
        for name, reading in draft.model.items():
            if name in found and reading.value is not None:
                found[name].append(reading)
        for name in (asked.keys() - found.keys()) & draft.model.keys():
            own[name] = (*own.get(name, ()), *draft.own.get(name, ()))
    for name, is_highest in zip(AGES, (False, True), strict=True):
        found.get(name, []).sort(
            key=lambda age: float(age.value.value * DAYS[age.value.unit]), reverse=is_highest
        )
    model = {name: known[0] for name, known in found.items() if known}
    model |= {
        name: Reading(bool(said), MODEL_CONFIDENCE, origin=Origin.MODEL)
        for name, said in own.items()
    }
    return replace(draft_record({}), model=model, refused=tuple(refused), own=own, asked=asked)
