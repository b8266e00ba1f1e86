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
    """Count the lines that ask for a field. Lines without fields are only shown to the model."""
    asked = 0
    for question in questions:
        if question.fields:
            asked += 1
    return asked


def plan_questions(
    parsed: ParsedRecord, options: AskingOptions
) -> tuple[Question, ...]:
    """Choose the questions about a record: the wanted tasks one after the other, each in reading
    order, then lines that are asked only for the user's own fields. None for ``Effort.NONE``.

    A chunk is asked about once, since its number identifies the answer: a second task leaves it
    out, and a field of the user's own is added to the question that is there.
    """
    if options.effort is Effort.NONE:
        return ()
    # numbers for lines that are neither criterion nor outcome
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
        is_of_item = own.of is not Of.RECORD
        if is_of_item and own.of.task not in options.tasks:
            continue
        for line in _list_own_lines(own, questions, parsed, options, numbers):
            # a line that is asked anyway is asked for one more field
            question = questions.get(line.number, line)
            questions[line.number] = question.asking(own)
    return tuple(questions.values())


def pack_questions(
    questions: Sequence[Question], max_tokens: int = 8000, max_output: int = 8000
) -> tuple[tuple[Question, ...], ...]:
    """Pack questions into calls, in order: each call takes the next lines as long as they fit.

    ``max_tokens`` limits the estimated tokens of a call's lines (the system part is extra),
    ``max_output`` those of the longest answer that it may get. A line beyond a limit gets a call of
    its own. Neighbouring lines that are asked for their regimens stay together, also beyond a
    limit, since all of them make one list.
    """
    # All models of today can write 8,000 tokens; of one with less room the client asks halves.
    calls: list[list[Question]] = []
    room = 0
    for group in _group_inseparable(questions):
        size = 0
        for question in group:
            size += estimate_tokens(render_line(question))
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
    """Return the questions, in their order, in groups that must share a call: neighbours that ask
    for regimens are one group, any other question is a group of its own.
    """
    groups: list[list[Question]] = []
    for asks_regimens, lines in groupby(
        questions, key=lambda question: REGIMENS in question.fields
    ):
        # all of them make one list
        if asks_regimens:
            groups.append(list(lines))
        else:
            groups += [[line] for line in lines]
    return groups


def _plan_eligibility(
    parsed: ParsedRecord, options: AskingOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield the lines about eligibility, in reading order: criteria with doubtful fields, lines
    that may introduce a criterion whose lead-in is in doubt, and lines that may say who takes part,
    if an age, the sex or the health of the participants is in doubt.

    A criterion without a doubtful field is left out, unless it may introduce another one or may say
    who takes part. Lines that only introduce have no fields: a model reads them, and names their
    numbers. ``numbers`` are free numbers for lines that are no criteria.
    """
    asks_people = False
    for name in PEOPLE_FIELDS:
        if _is_doubtful(parsed.whole.read(name), name, options):
            asks_people = True
    doubtful: dict[int, tuple[str, ...]] = {}
    unled: list[Span] = []
    for criterion in parsed.criteria:
        names = _list_doubtful(criterion, Task.ELIGIBILITY, options)
        doubtful[criterion.number] = names
        if "lead_in" in names:
            unled.append(criterion.chunk.span)
    introducing = set(_list_introducing(parsed, unled, numbers))
    shown = _list_offsets(chunk.span for chunk in introducing)
    lines = []
    for criterion in parsed.criteria:
        names = doubtful[criterion.number]
        hint = _describe_location(criterion, shown)
        lines.append(Question(Task.ELIGIBILITY, criterion.chunk, names, hint))
    for chunk in introducing:
        if chunk.number in doubtful:
            continue
        lines.append(Question(Task.ELIGIBILITY, chunk, ()))
    if asks_people:
        lines += _list_sections_on_people(parsed, numbers)
    for line in sorted(lines, key=lambda line: line.chunk.span):
        asked = line.fields
        chunk = line.chunk
        is_criterion = chunk.span.section not in _PEOPLE_IN
        if asks_people and says_who(chunk.text, is_criterion=is_criterion):
            asked = (*asked, PEOPLE)
        if asked or chunk in introducing:
            yield replace(line, fields=asked)


def _list_sections_on_people(
    parsed: ParsedRecord, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield the titles and the brief summary, each as one line that asks for nothing yet. Sections
    that the record lacks are skipped.
    """
    for name in _PEOPLE_IN:
        section = parsed.record.section(name)
        if not section:
            continue
        span = Span(name, 0, len(section.text))
        chunk = Chunk(next(numbers), span, clean_text(section.text).text)
        yield Question(Task.ELIGIBILITY, chunk, (), name.replace("_", " "))


def says_who(text: str, *, is_criterion: bool = True) -> bool:
    """Return whether a line may say who takes part: by a word for people of some age or sex, or by
    a number that can only be an age.

    Of a title or summary (``is_criterion=False``) only the words count. A title that names children
    gives no limit of their age.

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
    """Describe where a criterion stands, as the hint of its question: its list or section, and the
    line that introduces it. Return "" for an outcome.

    Examples: ``exclusion list``, ``brief summary``, ``inclusion list, under "Any of:"``. The list
    is named if the rules are sure of it. The introducing line is left out if the call shows it:
    ``shown`` are the offsets of all characters of such lines in the section "eligibility".
    """
    if item.group == Task.ENDPOINTS:
        return ""
    section = item.chunk.span.section
    kind = item.read("kind")
    is_listed = section == "eligibility" and kind.certain
    if is_listed and kind.value:
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
    parsed: ParsedRecord, unled: Sequence[Span], numbers: Iterator[int]
) -> Iterator[Chunk]:
    """Yield the lines of the section "eligibility" that may introduce a criterion: criteria that
    end with a colon, criteria that rules read as the lead-in of another one, and all lines that are
    no criterion, such as headings.

    ``unled`` are the criteria whose lead-in is in doubt. If none of them is in the section, nothing
    is yielded. A line that is no criterion gets one of ``numbers``, and no list mark.
    """
    section = parsed.record.section("eligibility")
    if not section or not any(span.section == section.name for span in unled):
        return
    criteria = []
    for criterion in parsed.criteria:
        if criterion.chunk.span.section != section.name:
            continue
        criteria.append(criterion)
    lead_ins: list[Span] = []
    for criterion in criteria:
        lead_ins += criterion.read("lead_in").spans
    led_by = _list_offsets(lead_ins)
    for criterion in criteria:
        # such as "Any of the following:"
        has_parts = criterion.chunk.text.endswith(":")
        if has_parts or criterion.chunk.span.start in led_by:
            yield criterion.chunk
    in_criteria = _list_offsets(criterion.chunk.span for criterion in criteria)
    offset = 0
    for line in section.text.splitlines(keepends=True):
        start = offset
        mark = _LIST_MARK.match(line)
        if mark:
            start += mark.end()
        span = Span("eligibility", start, offset + len(line.rstrip()))
        offset += len(line)
        # a heading such as "Exclusion Criteria:"
        if span.length > 0 and in_criteria.isdisjoint(range(span.start, span.end)):
            text = clean_text(parsed.raw(span)).text
            yield Chunk(next(numbers), span, text)


def _list_offsets(spans: Iterable[Span]) -> frozenset[int]:
    """Return the offsets of all characters of spans, which are of one section."""
    return frozenset(chain.from_iterable(range(span.start, span.end) for span in spans))


def _plan_dosing(
    parsed: ParsedRecord, options: AskingOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield all passages that may state doses, asked for their regimens, or none of them: if the
    rules fail at one wording, they fail at others.

    They are asked if the regimens are doubtful, or if a passage may have a field of the user's own.
    The hint is the section; a passage of the registry's own arms and interventions has none.
    ``numbers`` are free numbers for the passages.
    """
    passages = list_dose_passages(parsed, numbers)
    may_have_own = False
    for own in options.fields:
        if own.of is not Of.REGIMEN:
            continue
        if any(own.may_be_in(chunk.text) for chunk in passages):
            may_have_own = True
    if not may_have_own and not _doubts_regimens(parsed, passages, options):
        return
    for chunk in passages:
        section = chunk.span.section
        hint = ""
        if not section.startswith(GROUPS):
            hint = section.replace("_", " ")
        yield Question(Task.DOSING, chunk, (REGIMENS,), hint)


def _doubts_regimens(
    parsed: ParsedRecord, passages: Sequence[Chunk], options: AskingOptions
) -> bool:
    """Return whether the effort doubts the mean confidence of all regimens' fields but ``arms``.

    Each candidate (text that seems to hold a regimen that the rules could not read) counts with
    confidence 0 in every field. So does a record whose passages speak of doses, and that has
    neither regimen nor candidate. False if there is nothing to doubt.
    """
    confidences = []
    for regimen in parsed.regimens:
        confidences += [regimen.read(name).confidence for name in _WEIGHED]
    missing = len(parsed.candidates)
    is_empty = not confidences and missing == 0
    if is_empty and any(mentions_dose(chunk.text) for chunk in passages):
        missing = 1
    unread = [0.0] * len(_WEIGHED)
    confidences += unread * missing
    if not confidences:
        return False
    return options.effort.doubts(fmean(confidences))


def _plan_endpoints(parsed: ParsedRecord, options: AskingOptions) -> Iterator[Question]:
    """Yield the outcomes with the fields that are in doubt and that their concept can have.

    If the concept itself is in doubt, all rare fields and the events are asked as well. Outcomes
    without such a field are left out.
    """
    for outcome in parsed.outcomes:
        excluded: set[str] = set()
        section = parsed.record.section(outcome.chunk.span.section)
        if section and section.parts:
            # the registry itself keeps measure, description and time frame apart
            excluded.add("split")
        concept = outcome.read("concept")
        # "Tumor size" has no start event and no censoring, "Overall survival" has
        if concept.certain and concept.value not in _TIMED:
            excluded.update(_EVENTS)
        wanted = set(_list_doubtful(outcome, Task.ENDPOINTS, options))
        if "concept" in wanted:
            # what is measured decides what else may be stated, and a key without a value is free
            wanted |= {*_RARE, *_EVENTS}
        wanted -= excluded
        fields = [name for name in FIELDS[Task.ENDPOINTS] if name in wanted]
        if fields:
            yield Question(Task.ENDPOINTS, outcome.chunk, tuple(fields))


def _list_doubtful(item: Draft, task: Task, options: AskingOptions) -> tuple[str, ...]:
    """Return the fields of an item to ask about; ``split`` if a part of an outcome is in doubt.

    Only a line that introduces several criteria has a rule of how they belong together.
    """
    doubtful = []
    for name in FIELDS[task]:
        # only a line such as "Any of the following:" has one
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
    """List the lines that are asked for a field of the user's own, by the item that it belongs to.

    A field of a regimen is asked of the passages that are asked for regimens anyway; a field of the
    record, of any line that may state it; a field of a criterion or outcome, of the items that it
    may apply to. Lines whose text cannot have the field are left out, and so are the record and
    items whose value the rules read with certainty.

    ``planned`` are the questions so far, by number: a line among them keeps its number. Other lines
    get one of ``numbers``.
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
    """Return whether an item meets the field's condition ``where``, or may meet it, because the
    effort doubts a value that the condition reads. A field without a condition applies to all.
    """
    doubts: list[bool] = []

    def read_value(name: str) -> object:
        """Return a value of the item for the condition, and note whether it is in doubt."""
        reading = item.read(name)
        doubts.append(options.effort.doubts(reading.confidence))
        return reading.value

    return field.applies(read_value) or any(doubts)


def _list_record_lines(
    field: CustomField,
    shown: Collection[Question],
    parsed: ParsedRecord,
    numbers: Iterator[int],
) -> Iterator[Question]:
    """Yield the lines that may state a field of the record, in each section where it may stand:
    first the lines of ``shown`` (the questions and items), then all other lines of the section.

    Skipped are lines whose text cannot have the field, lines that overlap one of ``shown``, and
    bare headings such as "Inclusion Criteria:".
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
