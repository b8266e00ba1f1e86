"""Collect what a record's replies say, into one draft for each line that was asked."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
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
    """Collect the drafts of a record: answered lines in the order of the answers, the other lines,
    the record itself.

    ``unasked`` are the questions that the budget did not cover, ``skipped`` the lines without an
    answer in a reply that answers others. The usage counts the questions, and those left open.
    """
    gaps = _list_gaps(asked, unasked)
    said: dict[int, list[Draft]] = defaultdict(list)
    for draft in drafts:
        said[draft.number].append(replace(draft, asked=gaps.get(draft.number, {})))
    for question in (*asked, *unasked):
        number = question.chunk.number
        if number in gaps and number not in said:
            line = parsed.draft_of(question.task, question.chunk)
            is_skipped = number in skipped
            silent = replace(line, own={}, asked=gaps[number], is_skipped=is_skipped)
            said[number].append(silent)
    found = [draft for given in said.values() for draft in given]
    if RECORD in gaps:
        found.append(_join_record(found, gaps[RECORD]))
    result = ModelResult(
        drafts=tuple(found),
        dropped=tuple(reason for reply in replies for reason in reply.rejected),
        remarks=tuple(remark for reply in replies for remark in reply.remarks),
    )
    usage = sum((reply.usage for reply in replies), Usage())
    counts = _count_questions(result, asked, unasked)
    return replace(result, usage=usage.model_copy(update=counts))


def _list_gaps(
    asked: Sequence[Question], unasked: Sequence[Question]
) -> dict[int, dict[str, AbsenceReason]]:
    """Return why each asked field is empty if nothing answers it, by the number of its item."""
    gaps: dict[int, dict[str, AbsenceReason]] = defaultdict(dict)
    for question in asked:
        for number, names in _split_fields(question).items():
            gaps[number] |= dict.fromkeys(names, AbsenceReason.MODEL_REFUSED)
    for question in unasked:
        for number, names in _split_fields(question).items():
            # of the participants, one line is enough
            known = gaps[number].keys() & PEOPLE_FIELDS
            gaps[number] |= dict.fromkeys(names - known, AbsenceReason.BUDGET_EXHAUSTED)
    return gaps


def _count_questions(
    result: ModelResult, asked: Sequence[Question], unasked: Sequence[Question]
) -> dict[str, int]:
    """Count the questions that were asked, those that are open, and those without any answer."""
    open_numbers: set[int] = set()
    unanswered = 0
    for question in asked:
        items = [result.by_number[number] for number in _split_fields(question)]
        open_numbers.update(item.number for item in items if _is_open(item))
        if items and _is_open(items[0]) and not items[0].model:
            unanswered += 1
    return {
        "questions": count_asked(asked),
        "open_questions": count_asked(unasked) + len(open_numbers),
        "unanswered": unanswered,
    }


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
    found: dict[str, list[Reading[Any]]] = {
        name: [] for name in PEOPLE_FIELDS if name in asked
    }
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
            key=lambda age: float(age.value.value * DAYS[age.value.unit]),
            reverse=is_highest,
        )
    model = {name: known[0] for name, known in found.items() if known}
    model |= {
        name: Reading(bool(said), MODEL_CONFIDENCE, origin=Origin.MODEL)
        for name, said in own.items()
    }
    return replace(
        draft_record({}), model=model, refused=tuple(refused), own=own, asked=asked
    )
