"""Turn the replies of a model into drafts with what the text supports.

A question is a line with open fields. A reply has items about such lines, and each item becomes a
draft. Nothing is asked twice: what the text contradicts is refused, and becomes a finding for
people. A missing item is an answer only if the model has read the call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.declaration import Of
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Reading, draft_record
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.model.asking.answers import Values, read_silence, read_values
from extractor.model.asking.planner import Round, count_asked
from extractor.model.asking.questions import ModelReply, Question, Questions
from extractor.model.asking.reply_models import (
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
    is_listing,
)
from extractor.schemas import AbsenceReason, Origin

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

Reasons = dict[str, AbsenceReason]
"""Why a field has no answer, by its name."""
Replies = Sequence[ModelReply | None]
"""A reply for each call of a round; None where the budget is spent."""


def read_replies(
    parsed: ParsedRecord, asked: Round, replies: Replies | None
) -> ModelResult:
    """Return what the text supports of the replies to a round.

    There is a draft for each item, an empty one for each line without an answer, and one for the
    record itself if it was asked. Each draft has the reason why a field that it was asked for is
    empty. Lines whose answer will come by a batch are counted as open, and have no draft; so are
    all lines without a model (replies are None).
    """
    if replies is None:
        replies = [ModelReply(pending=1)] * len(asked.calls)
    got: list[Question] = []
    unasked: list[Question] = []
    drafts = []
    skipped = set()
    unanswered = 0
    waiting = 0
    for call, reply in zip(asked.calls, replies, strict=True):
        if reply is None:
            unasked += call
            continue
        read, silent = _read_reply(parsed, call, reply)
        drafts += read
        skipped |= silent
        unanswered += count_asked(call) if reply.is_useless else len(silent)
        known = {draft.number for draft in read}
        lines = [line for line in call if not reply.pending or line.number in known]
        got += lines
        waiting += count_asked(call) - count_asked(lines)
    reasons = _list_reasons(unasked, got)
    answered = {draft.number for draft in drafts}
    for line in (*got, *unasked):
        if line.number in reasons and line.number not in answered:
            draft = parsed.draft_of(line.task, line.chunk)
            is_skipped = line.number in skipped
            drafts.append(replace(draft, own={}, is_skipped=is_skipped))
    drafts = [replace(draft, asked=reasons.get(draft.number, {})) for draft in drafts]
    if RECORD in reasons:
        drafts.append(_join_record(drafts, reasons[RECORD]))
    total = sum(filter(None, replies), ModelReply())
    result = ModelResult(tuple(drafts), total.rejected, total.remarks)
    counts = {
        "questions": count_asked(got),
        "open_questions": waiting + sum(map(_is_open, result.by_number.values())),
        "unanswered": unanswered,
    }
    return replace(result, usage=total.usage.model_copy(update=counts))


def _read_reply(
    parsed: ParsedRecord, call: Questions, reply: ModelReply
) -> tuple[list[Draft], set[int]]:
    """Return a draft for each item of a reply, and for each line whose silence is an answer; and
    the numbers of the lines that the model skipped.
    """
    lines = {line.number: line for line in call}
    drafts = [
        _ground(parsed, lines, question, values)
        for question, values in read_values(call, reply.items)
    ]
    drafts = prove_regimens(drafts, parsed)
    if reply.pending or reply.is_useless:
        return drafts, set()
    answered = {draft.number for draft in drafts}
    silent = {line.number for line in call if line.fields} - answered
    needed = {line.number for line in call if not is_listing(line)}
    skipped = silent & needed
    is_unread = len(skipped) > len(needed) * _SHARE_SKIPPED
    # nothing at all, although the rules read doses
    if is_unread or (parsed.regimens and not answered):
        skipped = silent
    if not reply.dropped:
        for question, values in read_silence(lines[one] for one in silent - skipped):
            drafts.append(_ground(parsed, {}, question, values))
    return drafts, skipped


def _ground(
    parsed: ParsedRecord,
    lines: Mapping[Any, Question],
    question: Question,
    values: Values,
) -> Draft:
    """Return the draft of an item with what its text supports, and with the line that introduces
    it, if the model names a line of the call or states that there is none.

    The text of an item includes the line that introduces it: the model's, else the rules'.
    ``values`` are what the item states, by field; ``lines`` are those of the call, by number.
    """
    draft = parsed.draft_of(question.task, question.chunk)
    stated = dict(values)
    named = lines.get(stated.get("lead_in"))
    # without a number, the model says that nothing introduces the line
    if isinstance(stated.get("lead_in"), int):
        del stated["lead_in"]
    if named is None:
        above = parsed.find_lead_in(draft)
        return ground_answer(stated, draft, parsed, above, question.custom)
    draft = ground_answer(stated, draft, parsed, named.chunk, question.custom)
    span = named.chunk.span
    words = parsed.raw(span)
    reading = Reading(words, MODEL_CONFIDENCE, (span,), origin=Origin.MODEL)
    return replace(draft, model={**draft.model, "lead_in": reading})


def _list_reasons(unasked: Questions, got: Questions) -> dict[int, Reasons]:
    """Return for each item by number, and for the record, the fields that it was to be asked for,
    with the reason why one is empty if nothing answers it: the model gave no answer, or the budget
    did not cover the call.

    The participants are asked on many lines: if a model got one of them, the budget is not the
    reason. The user's own fields of the record are open until all lines were asked.
    """
    reasons: dict[int, Reasons] = {}
    for questions, reason in (
        (unasked, AbsenceReason.BUDGET_EXHAUSTED),
        (got, AbsenceReason.MODEL_REFUSED),
    ):
        for question in questions:
            of_record = {own.name for own in question.custom if own.of is Of.RECORD}
            for name in question.fields:
                is_of_record = name == PEOPLE or name in of_record
                number = RECORD if is_of_record else question.number
                known = reasons.setdefault(number, {})
                # a line that was not asked may state a field of the user's own
                if name not in of_record or name not in known:
                    known |= dict.fromkeys(_MEANT.get(name, [name]), reason)
    return reasons


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


def _join_record(drafts: Sequence[Draft], asked: Reasons) -> Draft:
    """Join what lines say of the record in one draft: the lowest minimum and the highest maximum
    age, the first sex and the first word on healthy volunteers, all values of custom
    fields.

    A line that states nothing of an age or sex (None) is not an answer, and is skipped.
    """
    model = {}
    own = {}
    for name in asked:
        answers = [draft.model[name] for draft in drafts if name in draft.model]
        answers = [reading for reading in answers if reading.value is not None]
        if name in AGES:
            # "at least 16 years" on one line and "at least 18 years" on another: from 16 on
            answers.sort(
                key=lambda age: age.value.value * DAYS[age.value.unit],
                reverse=name == AGES[1],
            )
        elif name not in PEOPLE_FIELDS:
            # found if any line states it
            answers.sort(key=lambda reading: not reading.value)
            own[name] = sum((draft.own.get(name, ()) for draft in drafts), ())
        if answers:
            model[name] = answers[0]
    refusals = [refusal for draft in drafts for refusal in draft.refused]
    refused = tuple(one for one in refusals if one.field in PEOPLE_FIELDS)
    return replace(draft_record({}), model=model, refused=refused, own=own, asked=asked)
