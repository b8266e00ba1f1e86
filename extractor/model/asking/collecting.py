"""Collect what a record's replies say: a draft for each line that was asked, and for the record.

What nothing answers gets its reason: the model refused it, or the budget did not cover it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from extractor.concepts.own.declaration import Of
from extractor.concepts.people.registered_ages import AGES
from extractor.evidence.drafts import (
    RECORD,
    Draft,
    ModelResult,
    Reading,
    draft_record,
)
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.model.asking.planner import count_asked
from extractor.model.asking.questions import ModelReply, Question, Questions
from extractor.model.asking.reply_models import (
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
)
from extractor.schemas import AbsenceReason, Usage

_MEANT = {
    PEOPLE: PEOPLE_FIELDS,
    REGIMENS: (REGIMENS, *REGIMEN_FIELDS),
    "split": PARTS,
}
"""The fields that a question about several asks for."""


def collect(
    parsed: ParsedRecord,
    asked: Questions,
    unasked: Questions,
    drafts: Iterable[Draft],
    replies: Sequence[ModelReply],
    skipped: Collection[int] = (),
) -> ModelResult:
    """Collect the drafts of a record: answered lines in the order of the answers, then lines
    without an answer (an empty draft each), then the record itself if it was asked.

    Each draft gives for its asked fields why they are empty if nothing answers them. A field of the
    record is asked on many lines: if a model got one of them, the budget is not the reason.

    Args:
        parsed: The record.
        asked: The questions that a model got.
        unasked: The questions that the budget did not cover.
        drafts: What the replies say, a draft for each item.
        replies: The replies, for their usage, remarks and dropped items.
        skipped: The numbers of the lines that the model skipped.
    """
    gaps: dict[int, dict[str, AbsenceReason]] = defaultdict(dict)
    for questions, reason in (
        (asked, AbsenceReason.MODEL_REFUSED),
        (unasked, AbsenceReason.BUDGET_EXHAUSTED),
    ):
        for question in questions:
            for number, names in _split_fields(question).items():
                # Age, sex and health may be on any line that asks who takes part.
                asked_elsewhere = gaps[number].keys() & PEOPLE_FIELDS
                gaps[number] |= dict.fromkeys(names - asked_elsewhere, reason)
    collected = [replace(draft, asked=gaps.get(draft.number, {})) for draft in drafts]
    answered = {draft.number for draft in collected}
    for question in (*asked, *unasked):
        number = question.number
        if number in gaps and number not in answered:
            empty = replace(parsed.draft_of(question.task, question.chunk), own={})
            is_skipped = number in skipped
            collected.append(replace(empty, asked=gaps[number], is_skipped=is_skipped))
    if RECORD in gaps:
        collected.append(_join_record(collected, gaps[RECORD]))
    dropped = [why for reply in replies for why in reply.rejected]
    remarks = [remark for reply in replies for remark in reply.remarks]
    result = ModelResult(tuple(collected), tuple(dropped), tuple(remarks))
    usage = sum((reply.usage for reply in replies), Usage())
    counts = _count_questions(result, asked)
    return replace(result, usage=usage.model_copy(update=counts))


def _split_fields(question: Question) -> dict[int, set[str]]:
    """Return the fields of a question by the number of their item: the line's own number, or
    ``RECORD`` for the participants and for the user's own fields of the record.

    ``people``, ``regimens`` and ``split`` ask for several fields each.
    """
    of_record = {own.name for own in question.custom if own.of is Of.RECORD}
    split: dict[int, set[str]] = defaultdict(set)
    for name in question.fields:
        is_of_record = name == PEOPLE or name in of_record
        number = RECORD if is_of_record else question.number
        split[number].update(_MEANT.get(name, [name]))
    return split


def _count_questions(result: ModelResult, asked: Questions) -> dict[str, int]:
    """Count the ``questions`` that a model got, those of which it said nothing at all
    (``unanswered``), and the lines, and the record, that still lack a field (``open_questions``).
    """
    open_numbers: set[int] = set()
    unanswered = 0
    for question in asked:
        numbers = _split_fields(question)
        still_open = {one for one in numbers if _is_open(result.by_number[one])}
        open_numbers |= still_open
        first = question.number if question.number in numbers else RECORD
        unanswered += first in still_open and not result.by_number[first].model
    return {
        "questions": count_asked(asked),
        "open_questions": len(open_numbers),
        "unanswered": unanswered,
    }


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
