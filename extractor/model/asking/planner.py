"""Choose the fields of a record that a model is asked about, and pack the questions into calls.

A field, the guideline's or the user's own, is asked about if the effort doubts its confidence.
Lines that introduce others are shown where a criterion is asked which line introduces it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count, groupby
from statistics import fmean
from time import process_time
from typing import Protocol

from extractor.concepts.doses.passages import GROUPS, list_dose_passages, mentions_dose
from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Reading, Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.clean import clean_text
from extractor.model.asking.prompt import count_output_tokens, render_call, render_line
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import (
    FIELDS,
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
)
from extractor.model.calls import estimate_tokens
from extractor.model.cost.tokens import RequestSize, measure_call
from extractor.schemas import Concept, Task, TrialRecord, list_fields
from extractor.schemas.vocabulary import Effort

_EVENTS = ("start_event", "end_events", "censored")
_TIMED = frozenset(
    concept
    for concept in Concept
    if concept.endswith("_survival") or concept.startswith(("time_to_", "duration_of_"))
)
"""Time-to-event concepts: only they have a start event, end events and censoring."""
_RARE = frozenset(
    info.name for task in Task for info in list_fields(task) if info.metadata.rare
)
_PEOPLE = re.compile(
    r"\b(?:healthy|volunteers?|(?:wo)?m[ae]n|(?:fe)?males?|boys?|girls?|sex|genders?|ages?d?"
    r"|old)\b",
    re.IGNORECASE,
)
"""Words that say who takes part, whatever stands around them."""
_HEADER = re.compile(
    r"\W*(?:(?:key |main )?(?:inclusion|exclusion)(?: criteria)?|criteria)\W*",
    re.IGNORECASE,
)
"""Lines that say nothing of their own."""
_LIST_MARK = re.compile(r"\s*(?:(?:[*•·o–—-]|\d{1,2}[.)]|[a-zA-Z][.)])\s+)?")
_WEIGHED = tuple(name for name in REGIMEN_FIELDS if name != "arms")
"""The fields whose doubt is a reason to ask for regimens: not what the registry's own list of
arms says.
"""
_PEOPLE_IN = ("title", "official_title", "brief_summary")
"""Sections beside the criteria that say who takes part."""


class AskingOptions(Protocol):
    """What decides which questions are asked; ``extractor.options.ExtractionOptions`` has it."""

    @property
    def tasks(self) -> Collection[Task]: ...
    @property
    def fields(self) -> tuple[CustomField, ...]: ...
    @property
    def effort(self) -> Effort: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a record's questions: their number, the size of the first requests, and
    processor seconds.
    """

    questions: int = 0
    size: RequestSize = field(default_factory=RequestSize)
    seconds: float = 0.0

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(
            self.questions + other.questions,
            self.size + other.size,
            self.seconds + other.seconds,
        )


def estimate_record(record: TrialRecord, options: AskingOptions) -> Estimate:
    """Estimate the cost of a record's questions if no answer is asked again, parsing included in
    ``seconds``.
    """
    since = process_time()
    parsed = parse_record(record, options.fields)
    questions = plan_questions(parsed, options)
    size = RequestSize()
    for pack in pack_questions(questions):
        call = render_call(parsed.record, pack, custom=options.fields)
        size += measure_call(call)
    return Estimate(count_asked(questions), size, process_time() - since)


def count_asked(questions: Sequence[Question]) -> int:
    """Count the lines that ask for something; the others are only read."""
    return len([question for question in questions if question.fields])


def plan_questions(
    parsed: ParsedRecord, options: AskingOptions
) -> tuple[Question, ...]:
    """Choose the questions about a record, task by task in reading order; none for ``Effort.NONE``.

    A chunk is asked about once, since its number identifies the answer.
    """
    if options.effort is Effort.NONE:
        return ()
    numbers = count(max(parsed.chunks, default=0) + 1)
    planned = {
        Task.ELIGIBILITY: _plan_eligibility(parsed, options, numbers),
        Task.DOSING: _plan_dosing(parsed, options, numbers),
        Task.ENDPOINTS: _plan_endpoints(parsed, options),
    }
    questions: dict[int, Question] = {}
    for task in Task:
        if task not in options.tasks:
            continue
        for question in planned[task]:
            questions.setdefault(question.number, question)
    for own in options.fields:
        # the items of a task that is not wanted are not extracted, nor are fields of them
        if own.of is not Of.RECORD and own.of.task not in options.tasks:
            continue
        for line in _list_own_lines(own, questions, parsed, options, numbers):
            question = questions.get(line.number, line)
            questions[line.number] = question.asking(own)
    return tuple(questions.values())


def pack_questions(
    questions: Sequence[Question], max_tokens: int = 8000, max_output: int = 8000
) -> tuple[tuple[Question, ...], ...]:
    """Pack questions into as few calls as possible, in order.

    ``max_tokens`` limits the estimated tokens of a call's lines (the system part is extra),
    ``max_output`` the longest answer that it may get: all models of today can write 8,000 tokens,
    and of a model with a smaller context the client asks halves. A line beyond a limit gets a call
    of its own. Lines asked for their regimens stay together, since all of them make one list.
    """
    calls: list[list[Question]] = []
    room = 0
    for group in _group_inseparable(questions):
        size = sum(estimate_tokens(render_line(question)) for question in group)
        fits = False
        if calls and size <= room:
            fits = count_output_tokens([*calls[-1], *group]) <= max_output
        if not fits:
            calls.append([])
            room = max_tokens
        calls[-1] += group
        room -= size
    return tuple(map(tuple, calls))


def _group_inseparable(questions: Sequence[Question]) -> list[list[Question]]:
    """Return the questions in groups that must share a call: all for regimens, any other alone."""
    groups: list[list[Question]] = []
    for asks_regimens, lines in groupby(
        questions, key=lambda question: REGIMENS in question.fields
    ):
        if asks_regimens:
            groups.append(list(lines))
        else:
            groups += [[line] for line in lines]
    return groups


def _plan_eligibility(
    parsed: ParsedRecord, options: AskingOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield the lines about eligibility, in reading order: criteria with doubtful fields, lines
    that may introduce such a criterion, and lines that may say who takes part, if that is in doubt.

    ``numbers`` are free numbers for lines that are no criteria.
    """
    asks_people = any(
        _is_doubtful(parsed.whole.read(name), name, options) for name in PEOPLE_FIELDS
    )
    fields = {
        criterion.number: _list_doubtful(criterion, Task.ELIGIBILITY, options)
        for criterion in parsed.criteria
    }
    unled = [
        criterion.chunk.span
        for criterion in parsed.criteria
        if "lead_in" in fields[criterion.number]
    ]
    introducing = set(_list_introducing(parsed, unled, numbers))
    shown = _list_offsets(chunk.span for chunk in introducing)
    lines = []
    for criterion in parsed.criteria:
        asked = fields[criterion.number]
        hint = _describe_location(criterion, shown)
        lines.append(Question(Task.ELIGIBILITY, criterion.chunk, asked, hint))
    for chunk in introducing:
        if chunk.number in fields:
            continue
        lines.append(Question(Task.ELIGIBILITY, chunk, ()))
    if asks_people:
        lines += _list_sections_on_people(parsed, numbers)
    for line in sorted(lines, key=lambda line: line.chunk.span):
        asked = line.fields
        if asks_people and _may_say_who(line.chunk):
            asked = (*asked, PEOPLE)
        if asked or line.chunk in introducing:
            yield replace(line, fields=asked)


def _list_sections_on_people(
    parsed: ParsedRecord, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield the sections beside the criteria that say who takes part, each as one line."""
    for name in _PEOPLE_IN:
        section = parsed.record.section(name)
        if not section:
            continue
        span = Span(name, 0, len(section.text))
        chunk = Chunk(next(numbers), span, clean_text(section.text).text)
        yield Question(Task.ELIGIBILITY, chunk, (), name.replace("_", " "))


def _may_say_who(chunk: Chunk) -> bool:
    is_criterion = chunk.span.section not in _PEOPLE_IN
    return says_who(chunk.text, is_criterion=is_criterion)


def says_who(text: str, *, is_criterion: bool = True) -> bool:
    """Return whether a line may say who takes part: by a word for people of some age or sex, or by
    a number that can only be an age. A title that names children gives no limit of their age.

    >>> [
    ...     says_who(line)
    ...     for line in ("No minors", "Under 18s", "At least 18 y/o", "Aspirin")
    ... ]
    [True, True, True, False]
    """
    if _PEOPLE.search(text):
        return True
    return is_criterion and rule("says_who").search(read_text(text)) is not None


def _describe_location(item: Draft, shown: Collection[int] = frozenset()) -> str:
    """Return the list or section in which a criterion stands, and the line that introduces it if no
    line shows that.

    ``shown`` has the offsets of the lines of the criteria's section that are shown for what they
    introduce.
    """
    if item.group == Task.ENDPOINTS:
        return ""
    section = item.chunk.span.section
    kind = item.read("kind")
    if section == "eligibility" and kind.certain and kind.value:
        location = f"{kind.value} list"
    else:
        location = section.replace("_", " ")
    lead_in = item.read("lead_in")
    if not lead_in.value:
        return location
    for span in lead_in.spans:
        if span.section == "eligibility" and span.start in shown:
            return location
    return f'{location}, under "{lead_in.value}"'


def _list_introducing(
    parsed: ParsedRecord, asked: Sequence[Span], numbers: Iterator[int]
) -> Iterator[Chunk]:
    """Yield the lines that may introduce the criteria at ``asked``: headings, items with parts,
    and what rules read.
    """
    section = parsed.record.section("eligibility")
    if not section or not any(span.section == section.name for span in asked):
        return
    criteria = [
        criterion
        for criterion in parsed.criteria
        if criterion.chunk.span.section == section.name
    ]
    named = _list_offsets(
        span for criterion in criteria for span in criterion.read("lead_in").spans
    )
    for criterion in criteria:
        has_parts = criterion.chunk.text.endswith(":")
        if has_parts or criterion.chunk.span.start in named:
            yield criterion.chunk
    taken = _list_offsets(criterion.chunk.span for criterion in criteria)
    offset = 0
    for line in section.text.splitlines(keepends=True):
        start = offset
        mark = _LIST_MARK.match(line)
        if mark:
            start += mark.end()
        span = Span("eligibility", start, offset + len(line.rstrip()))
        offset += len(line)
        if span.length > 0 and taken.isdisjoint(range(span.start, span.end)):
            yield Chunk(next(numbers), span, clean_text(parsed.raw(span)).text)


def _list_offsets(spans: Iterable[Span]) -> frozenset[int]:
    """Return the offsets of all characters of spans, which are of one section."""
    return frozenset(chain.from_iterable(range(span.start, span.end) for span in spans))


def _plan_dosing(
    parsed: ParsedRecord, options: AskingOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield all passages, asked for their regimens, or none: if the rules fail at one wording, they
    fail at others.

    They are asked if the regimens are doubtful, or if a passage may have a field of the user's own.
    """
    passages = list_dose_passages(parsed, numbers)
    own = [field for field in options.fields if field.of is Of.REGIMEN]
    may_have_own = any(
        field.may_be_in(chunk.text) for field in own for chunk in passages
    )
    if not may_have_own and not _doubts_regimens(parsed, passages, options):
        return
    for chunk in passages:
        section = chunk.span.section
        hint = "" if section.startswith(GROUPS) else section.replace("_", " ")
        yield Question(Task.DOSING, chunk, (REGIMENS,), hint)


def _doubts_regimens(
    parsed: ParsedRecord, passages: Sequence[Chunk], options: AskingOptions
) -> bool:
    """Return whether the mean confidence of the regimens' fields is low.

    A candidate, or text on doses without any regimen, counts as a regimen of which nothing is
    known.
    """
    confidences = []
    for regimen in parsed.regimens:
        confidences += [regimen.read(name).confidence for name in _WEIGHED]
    missing = len(parsed.candidates)
    is_empty = not confidences and missing == 0
    if is_empty and any(mentions_dose(chunk.text) for chunk in passages):
        missing = 1
    confidences += [0.0] * len(_WEIGHED) * missing
    return bool(confidences) and options.effort.doubts(fmean(confidences))


def _plan_endpoints(parsed: ParsedRecord, options: AskingOptions) -> Iterator[Question]:
    """Yield the outcomes with the fields that are in doubt and that their concept can have."""
    for outcome in parsed.outcomes:
        excluded: set[str] = set()
        section = parsed.record.section(outcome.chunk.span.section)
        if section and section.parts:
            # the registry itself keeps measure, description and time frame apart
            excluded.add("split")
        concept = outcome.read("concept")
        if concept.certain and concept.value not in _TIMED:
            excluded.update(_EVENTS)
        wanted = set(_list_doubtful(outcome, Task.ENDPOINTS, options))
        if "concept" in wanted:
            # what is measured decides what else may be stated, and a key without a value is free
            wanted |= {*_RARE, *_EVENTS}
        wanted -= excluded
        fields = tuple(name for name in FIELDS[Task.ENDPOINTS] if name in wanted)
        if fields:
            yield Question(Task.ENDPOINTS, outcome.chunk, fields)


def _list_doubtful(item: Draft, task: Task, options: AskingOptions) -> tuple[str, ...]:
    """Return the fields of an item to ask about; ``split`` if a part of an outcome is in doubt.

    Only a line that introduces several criteria has a rule of how they belong together.
    """
    doubtful = []
    for name in FIELDS[task]:
        if name == "rule" and name not in item.rules:
            continue
        parts = PARTS if name == "split" else (name,)
        if any(_is_doubtful(item.read(part), name, options) for part in parts):
            doubtful.append(name)
    return tuple(doubtful)


def _is_doubtful(reading: Reading[object], name: str, options: AskingOptions) -> bool:
    return options.effort.doubts(reading.confidence, rare=name in _RARE)


def _list_own_lines(
    field: CustomField,
    planned: Mapping[int, Question],
    parsed: ParsedRecord,
    options: AskingOptions,
    numbers: Iterator[int],
) -> list[Question]:
    """List the lines that are asked for a field of the user's own. A line that is asked anyway
    keeps its number.
    """
    if field.of is Of.REGIMEN:
        passages = [line for line in planned.values() if REGIMENS in line.fields]
        return [line for line in passages if field.may_be_in(line.chunk.text)]
    if field.of is Of.RECORD:
        if _is_sure(parsed.whole, field, options):
            return []
        shown = dict(planned)
        for item in (*parsed.criteria, *parsed.outcomes):
            hint = _describe_location(item)
            line = Question(Task.ELIGIBILITY, item.chunk, (), hint)
            shown.setdefault(item.number, line)
        return list(_list_record_lines(field, shown.values(), parsed, numbers))
    lines = []
    for item in parsed.list_items(field.group.of):
        if not field.may_be_in(item.chunk.text):
            continue
        if not _may_apply(field, item, options) or _is_sure(item, field, options):
            continue
        hint = _describe_location(item)
        lines.append(Question(field.of.task, item.chunk, (), hint))
    return lines


def _is_sure(item: Draft, field: CustomField, options: AskingOptions) -> bool:
    """Return whether rules read a field of the user's own, and no part of it is in doubt."""
    confidences: list[float] = []
    for value in item.own.get(field.name, ()):
        confidences += [reading.confidence for reading in value.rules.values()]
    return bool(confidences) and not options.effort.doubts(min(confidences))


def _may_apply(field: CustomField, item: Draft, options: AskingOptions) -> bool:
    """Return whether an item is of those that have a field of the user's own (its ``where``), or
    what decides that is in doubt.
    """
    doubts: list[bool] = []

    def find(name: str) -> object:
        reading = item.read(name)
        doubts.append(options.effort.doubts(reading.confidence))
        return reading.value

    return field.applies(find) or any(doubts)


def _list_record_lines(
    field: CustomField,
    shown: Collection[Question],
    parsed: ParsedRecord,
    numbers: Iterator[int],
) -> Iterator[Question]:
    """Yield the lines that may state a field of the record: those of items, and all others of
    its sections.
    """
    for name, section in parsed.sections.items():
        if not field.may_stand_in(name):
            continue
        here = [line for line in shown if line.chunk.span.section == name]
        for question in here:
            if field.may_be_in(question.chunk.text):
                yield question
        for line in section.lines():
            span = span_of(line)
            if any(question.chunk.span.overlaps(span) for question in here):
                continue
            if not field.may_be_in(line.text) or _HEADER.fullmatch(line.text):
                continue
            chunk = Chunk(next(numbers), span, line.text)
            yield Question(Task.ELIGIBILITY, chunk, (), name.replace("_", " "))
