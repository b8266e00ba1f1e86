"""Collect what a record's replies say, into one draft for each line that was asked."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from extractor.model.asking.questions import ModelReply, Question
from extractor.model.asking.reply_models import (
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
)
from extractor.schemas import AbsenceReason, Origin, Usage


def collect(
    parsed: ParsedRecord,
    asked: Sequence[Question],
    unasked: Sequence[Question],
    drafts: Iterable[Draft],
    replies: Sequence[ModelReply],
    skipped: Collection[int] = (),
) -> ModelResult:
    """Collect the drafts of a record: answered lines in the order of the answers, then asked lines
    without an answer (an empty draft each), then the record itself if it was asked.

    Each draft says for its asked fields why they are empty if nothing answers them.

    Args:
        asked: The questions that a model got.
        unasked: The questions that the budget did not cover.
        drafts: What the replies say, a draft for each item.
        replies: The replies, for their usage, remarks and dropped items.
        skipped: The numbers of lines without an answer in a reply that answers others.
    """
    gaps = _list_gaps(asked, unasked)
    by_line: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_line[draft.number].append(replace(draft, asked=gaps.get(draft.number, {})))
    for question in (*asked, *unasked):
        number = question.number
        if number not in gaps or number in by_line:
            continue
        line = parsed.draft_of(question.task, question.chunk)
        is_skipped = number in skipped
        silent = replace(line, own={}, asked=gaps[number], is_skipped=is_skipped)
        by_line[number].append(silent)
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
    result = ModelResult(
        drafts=tuple(collected), dropped=tuple(dropped), remarks=tuple(remarks)
    )
    counts = _count_questions(result, asked, unasked)
    return replace(result, usage=usage.model_copy(update=counts))


def _list_gaps(
    asked: Sequence[Question], unasked: Sequence[Question]
) -> dict[int, dict[str, AbsenceReason]]:
    """Return why each asked field is empty if nothing answers it, by the number of its item: the
    model refused it, or the budget did not cover it.

    A field of the participants is asked on many lines. If a model got one of them, the budget is
    not the reason.
    """
    gaps: dict[int, dict[str, AbsenceReason]] = defaultdict(dict)
    for question in asked:
        for number, names in _split_fields(question).items():
            for name in names:
                gaps[number][name] = AbsenceReason.MODEL_REFUSED
    for question in unasked:
        for number, names in _split_fields(question).items():
            # the age may stand on any line that asks who takes part
            asked_elsewhere = gaps[number].keys() & PEOPLE_FIELDS
            for name in names - asked_elsewhere:
                gaps[number][name] = AbsenceReason.BUDGET_EXHAUSTED
    return gaps


def _count_questions(
    result: ModelResult, asked: Sequence[Question], unasked: Sequence[Question]
) -> dict[str, int]:
    """Return the counts for the usage.

    ``questions`` are the lines that asked for a field; ``open_questions`` the lines, and the
    record, that still lack a field, together with the lines that the budget did not cover;
    ``unanswered`` the asked lines of which a model said nothing at all.
    """
    open_numbers: set[int] = set()
    unanswered = 0
    for question in asked:
        items = [result.by_number[number] for number in _split_fields(question)]
        for item in items:
            if _is_open(item):
                open_numbers.add(item.number)
        if items and _is_open(items[0]) and not items[0].model:
            unanswered += 1
    return {
        "questions": count_asked(asked),
        "open_questions": count_asked(unasked) + len(open_numbers),
        "unanswered": unanswered,
    }


def _split_fields(question: Question) -> dict[int, frozenset[str]]:
    """Return the fields of a question by the number of their item: the line's own number, then
    ``RECORD`` for the participants and for the user's own fields of the record.

    ``people``, ``regimens`` and ``split`` ask for several fields each, which are listed in their
    place.
    """
    own_of_record: set[str] = set()
    for field in question.custom:
        if field.of is Of.RECORD:
            own_of_record.add(field.name)
    of_record = set(own_of_record)
    of_line: set[str] = set()
    for name in question.fields:
        if name == PEOPLE:
            of_record.update(PEOPLE_FIELDS)
        elif name == REGIMENS:
            of_line.update((REGIMENS, *REGIMEN_FIELDS))
        elif name == "split":
            of_line.update(PARTS)
        elif name not in own_of_record:
            of_line.add(name)
    fields = {}
    if of_line:
        fields[question.number] = frozenset(of_line)
    if of_record:
        fields[RECORD] = frozenset(of_record)
    return fields


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
        wanted -= {REGIMENS, *REGIMEN_FIELDS}
        wanted.add("agent")
    return not wanted <= draft.model.keys()


def _join_record(drafts: Iterable[Draft], asked: Mapping[str, AbsenceReason]) -> Draft:
    """Join what lines say of the record in one draft: the lowest minimum and the highest maximum
    age, the first sex and the first word on healthy volunteers, all values of the user's own
    fields.

    A line that says nothing of an age or sex (None) is no answer, and is passed over. Fields that
    are not in ``asked`` are left out.
    """
    people: dict[str, list[Reading[Any]]] = {}
    for name in PEOPLE_FIELDS:
        if name in asked:
            people[name] = []
    refused: list[Refusal] = []
    own: dict[str, tuple[Draft, ...]] = {}
    for draft in drafts:
        refused += [refusal for refusal in draft.refused if refusal.field in people]
        for name, reading in draft.model.items():
            if name not in asked:
                continue
            is_own = name not in people
            if is_own:
                own[name] = (*own.get(name, ()), *draft.own.get(name, ()))
            elif reading.value is not None:
                people[name].append(reading)
    # "at least 16 years" on one line and "at least 18 years" on another: the trial takes from 16
    youngest, oldest = AGES
    people.get(youngest, []).sort(key=_count_days)
    people.get(oldest, []).sort(key=_count_days, reverse=True)
    model: dict[str, Reading[Any]] = {}
    for name, readings in people.items():
        if readings:
            model[name] = readings[0]
    for name, values in own.items():
        model[name] = Reading(bool(values), MODEL_CONFIDENCE, origin=Origin.MODEL)
    return replace(
        draft_record({}), model=model, refused=tuple(refused), own=own, asked=asked
    )


def _count_days(age: Reading[Any]) -> float:
    """Return an age in days, so that months and years compare."""
    return float(age.value.value * DAYS[age.value.unit])
