"""Collect what a record's replies say, into one draft for each line that was asked."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from typing import Any

from extractor.concepts.own.declaration import Of
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.places import MODEL_CONFIDENCE
from extractor.evidence.drafts import (
    RECORD,
    Draft,
    ModelResult,
    Reading,
    Refusal,
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
from extractor.schemas import AbsenceReason, Origin, Usage

Gaps = dict[str, AbsenceReason]
"""Why each asked field of an item is empty if nothing answers it."""


def collect(
    parsed: ParsedRecord,
    asked: Questions,
    unasked: Questions,
    drafts: Iterable[Draft],
    replies: Iterable[ModelReply],
) -> ModelResult:
    """Collect the drafts of a record: answered lines in the order of the answers, then lines
    without an answer (an empty draft each), then the record itself if it was asked.

    Each draft gives for its asked fields why they are empty if nothing answers them: the model
    refused them, or the budget did not cover them.

    Args:
        asked: The questions that a model got.
        unasked: The questions that the budget did not cover.
        drafts: What the replies say, a draft for each item.
        replies: The replies, for their usage, remarks and dropped items.
    """
    gaps: dict[int, Gaps] = defaultdict(dict)
    _add_gaps(gaps, asked, AbsenceReason.MODEL_REFUSED)
    _add_gaps(gaps, unasked, AbsenceReason.BUDGET_EXHAUSTED)
    by_line: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        # a skipped line may have no field of its own
        if draft.number in gaps or not draft.is_skipped:
            fields = gaps.get(draft.number, {})
            by_line[draft.number].append(replace(draft, asked=fields))
    for question in (*asked, *unasked):
        number = question.number
        if number in gaps and number not in by_line:
            silent = parsed.draft_of(question.task, question.chunk)
            by_line[number] = [replace(silent, own={}, asked=gaps[number])]
    collected = list(chain.from_iterable(by_line.values()))
    if RECORD in gaps:
        collected.append(_join_record(collected, gaps[RECORD]))
    dropped: list[str] = []
    remarks: list[str] = []
    usage = Usage()
    for reply in replies:
        dropped += reply.rejected
        remarks += reply.remarks
        usage += reply.usage
    result = ModelResult(tuple(collected), tuple(dropped), tuple(remarks))
    counts = _count_questions(result, asked)
    counts["open_questions"] += count_asked(unasked)
    return replace(result, usage=usage.model_copy(update=counts))


def _add_gaps(
    gaps: dict[int, Gaps], questions: Questions, reason: AbsenceReason
) -> None:
    """Note the reason for the fields of questions, by the number of their item.

    Age, sex and health may stand on any line that asks who takes part: if a model got one of them,
    the budget is not the reason.
    """
    for question in questions:
        for number, names in _split_fields(question).items():
            asked_elsewhere = gaps[number].keys() & PEOPLE_FIELDS
            gaps[number] |= dict.fromkeys(names - asked_elsewhere, reason)


def _count_questions(result: ModelResult, asked: Questions) -> dict[str, int]:
    """Count the ``questions`` that a model got, those of which it said nothing at all
    (``unanswered``), and the lines, and the record, that still lack a field (``open_questions``).
    """
    open_numbers: set[int] = set()
    unanswered = 0
    for question in asked:
        items = [result.by_number[number] for number in _split_fields(question)]
        still_open = [item.number for item in items if _is_open(item)]
        open_numbers.update(still_open)
        if still_open and not items[0].model and still_open[0] == items[0].number:
            unanswered += 1
    return {
        "questions": count_asked(asked),
        "open_questions": len(open_numbers),
        "unanswered": unanswered,
    }


def _split_fields(question: Question) -> dict[int, set[str]]:
    """Return the fields of a question by the number of their item: the line's own number, then
    ``RECORD`` for the participants and for the user's own fields of the record.

    ``people``, ``regimens`` and ``split`` ask for several fields each.
    """
    own = {field.name for field in question.custom if field.of is Of.RECORD}
    of_line = set(question.fields) - own
    of_record = own
    if PEOPLE in of_line:
        of_line.remove(PEOPLE)
        of_record = own.union(PEOPLE_FIELDS)
    if REGIMENS in of_line:
        of_line.update(REGIMEN_FIELDS)
    if "split" in of_line:
        of_line = of_line.union(PARTS) - {"split"}
    fields = {question.number: of_line, RECORD: of_record}
    return {number: names for number, names in fields.items() if names}


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
        wanted = wanted.difference(REGIMEN_FIELDS) - {REGIMENS} | {"agent"}
    return not wanted <= draft.model.keys()


def _join_record(drafts: Iterable[Draft], asked: Gaps) -> Draft:
    """Join what lines say of the record in one draft: the lowest minimum and the highest maximum
    age, the first sex and the first word on healthy volunteers, all values of the user's own
    fields.

    A line that says nothing of an age or sex (None) is no answer, and is passed over.
    """
    people: dict[str, list[Reading[Any]]] = defaultdict(list)
    model: dict[str, Reading[Any]] = {}
    refused: list[Refusal] = []
    own: dict[str, tuple[Draft, ...]] = {}
    for draft in drafts:
        refused += [one for one in draft.refused if one.field in PEOPLE_FIELDS]
        for name in draft.model.keys() & asked.keys():
            reading = draft.model[name]
            if name not in PEOPLE_FIELDS:
                own[name] = (*own.get(name, ()), *draft.own.get(name, ()))
                found = bool(own[name])
                model[name] = Reading(found, MODEL_CONFIDENCE, origin=Origin.MODEL)
            elif reading.value is not None:
                people[name].append(reading)
    # "at least 16 years" on one line and "at least 18 years" on another: the trial takes from 16
    youngest, oldest = AGES
    people[youngest].sort(key=_count_days)
    people[oldest].sort(key=_count_days, reverse=True)
    model |= {name: readings[0] for name, readings in people.items() if readings}
    record = draft_record({})
    return replace(record, model=model, refused=tuple(refused), own=own, asked=asked)


def _count_days(age: Reading[Any]) -> float:
    """Return an age in days, so that months and years compare."""
    return float(age.value.value * DAYS[age.value.unit])
