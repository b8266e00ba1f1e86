"""The lines that are asked for the user's own fields."""

import re
from collections.abc import Iterable, Iterator, Mapping

from extractor.fields.declaration import CustomField, Of
from extractor.options import ExtractionOptions
from extractor.parse.drafts import Chunk, ChunkKind, Draft, span_of
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task

from .dose_passages import list_dose_passages
from .questions import Question
from .reply_models import REGIMENS

_HEADER = re.compile(r"\W*(?:(?:key |main )?(?:inclusion|exclusion)(?: criteria)?|criteria)\W*", re.IGNORECASE)
"""Lines that say nothing of their own."""


def add_custom_questions(
    planned: Mapping[int, Question], parsed: ParsedRecord, options: ExtractionOptions, numbers: Iterator[int]
) -> dict[int, Question]:
    """The planned questions with the user's own fields: on lines that are asked anyway, and on more.

    What the rules of a field read without doubt is not asked.
    """
    questions = dict(planned)
    for field in options.fields:
        if field.of is not Of.RECORD and field.of.task not in options.tasks:
            continue  # the items that have it are not extracted
        for line in list(_list_lines(field, questions, parsed, options, numbers)):
            known = questions.get(line.chunk.number, line)
            questions[line.chunk.number] = known.asking(field)
    return questions


def _list_lines(
    field: CustomField,
    known: Mapping[int, Question],
    parsed: ParsedRecord,
    options: ExtractionOptions,
    numbers: Iterator[int],
) -> Iterator[Question]:
    if field.of is Of.REGIMEN:
        asked = [question for question in known.values() if REGIMENS in question.fields]
        passages = (Question(Task.DOSING, p.chunk, (REGIMENS,), p.hint) for p in list_dose_passages(parsed, numbers))
        yield from (question for question in asked or passages if field.may_be_in(question.chunk.text))
    elif field.of is Of.RECORD:
        if not _is_sure(parsed.whole, field, options):
            yield from _list_record_lines(field, known.values(), parsed, options, numbers)
    else:
        for item in parsed.list_items(field.group.of):
            wanted = field.may_be_in(item.chunk.text) and _may_have(field, item, options)
            if wanted and not _is_sure(item, field, options):
                yield Question(field.of.task, item.chunk, (), hint_of(item, options))


def _is_sure(item: Draft, field: CustomField, options: ExtractionOptions) -> bool:
    """Whether the rules of a field read it, and the effort asks for no second opinion."""
    read = [reading.confidence for one in item.own.get(field.name, ()) for reading in one.rules.values()]
    return bool(read) and min(read) >= options.asks_below


def _may_have(field: CustomField, item: Draft, options: ExtractionOptions) -> bool:
    """Whether an item has the field, or may have it because what ``when`` asks is in doubt."""
    doubts: list[bool] = []

    def find(name: str) -> object:
        reading = item.read(name)
        doubts.append(reading.confidence < options.asks_below)
        return reading.value

    return field.applies(find) or any(doubts)


def hint_of(item: Draft, options: ExtractionOptions) -> str:
    """The list in which a criterion stands, or its section, and the line that introduces it if that is not shown."""
    if item.group == Task.ENDPOINTS:
        return ""
    section, kind, lead_in = item.chunk.span.section, item.read("kind"), item.read("lead_in").value
    in_list = section == "eligibility" and kind.certain and kind.value
    where = f"{kind.value} list" if in_list else section.replace("_", " ")
    return f'{where}, under "{lead_in}"' if lead_in and not options.reads_all else where


def _list_record_lines(
    field: CustomField,
    known: Iterable[Question],
    parsed: ParsedRecord,
    options: ExtractionOptions,
    numbers: Iterator[int],
) -> Iterator[Question]:
    """The passages that may state a field of the record. A passage that is asked anyway keeps its number."""
    shown = {question.chunk.number: question for question in known}
    for one in (*parsed.criteria, *parsed.outcomes):
        shown.setdefault(one.chunk.number, Question(Task.ELIGIBILITY, one.chunk, (), hint_of(one, options)))
    for name, section in parsed.sections.items():
        if not field.may_stand_in(name):
            continue
        here = [question for question in shown.values() if question.chunk.span.section == name]
        yield from (question for question in here if field.may_be_in(question.chunk.text))
        for line in section.lines():
            span = span_of(line)
            covered = any(question.chunk.span.overlaps(span) for question in here)
            if not covered and field.may_be_in(line.text) and not _HEADER.fullmatch(line.text):
                chunk = Chunk(next(numbers), ChunkKind.SENTENCE, span, line.text)
                yield Question(Task.ELIGIBILITY, chunk, (), name.replace("_", " "))
