"""Choose the fields of a record that a model is asked about, and pack the questions into calls.

A field, the guideline's or the user's own, is asked about if the effort doubts its confidence.
Lines that introduce others are shown where a criterion is asked which line introduces it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, groupby
from statistics import fmean
from time import process_time
from typing import Protocol

from extractor.concepts.doses.passages import GROUPS, list_dose_passages, mentions_dose
from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.clean import clean_text
from extractor.model.asking.prompt import (
    count_output_tokens,
    describe_trial,
    render_call,
    render_line,
)
from extractor.model.asking.questions import Question, Questions
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
from extractor.schemas import Task, TrialRecord, list_fields
from extractor.schemas.vocabulary import Effort

_EVENTS = {"start_event", "end_events", "censored"}
_TIMED = re.compile("time_to_|duration_of_|.*_survival$")
"""Time-to-event concepts: only they have a start event, end events and censoring."""
_RARE = {info.name for task in Task for info in list_fields(task) if info.metadata.rare}
_WEIGHED = [name for name in REGIMEN_FIELDS if name != "arms"]
"""The fields whose doubt is a reason to ask for regimens: not what the registry's own list of
arms says.
"""
_PEOPLE_WORDS = re.compile(
    r"\b(?:healthy|volunteers?|(?:wo)?m[ae]n|(?:fe)?males?|boys?|girls?|sex|genders?|ages?d?"
    r"|old)\b",
    re.IGNORECASE,
)
_PEOPLE_IN = ("title", "official_title", "brief_summary")
"""Sections beside the criteria that say who takes part."""
_HEADER = re.compile(
    r"\W*(?:(?:key |main )?(?:inclusion|exclusion)(?: criteria)?|criteria)\W*",
    re.IGNORECASE,
)
"""Lines that say nothing of their own."""
_LINE = re.compile(
    r"^[^\S\n]*+(?:(?:[*•·o–—-]|\d{1,2}[.)]|[a-zA-Z][.)])(?:[^\S\n]++|(?=\n)))?+(\S(?:.*\S)?)",
    re.MULTILINE,
)
"""A line, without spaces at its edges and without its list mark."""


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
    trial = describe_trial(parsed.record)
    size = RequestSize()
    for pack in pack_questions(questions):
        size += measure_call(render_call(trial, pack, options.fields))
    return Estimate(count_asked(questions), size, process_time() - since)


def count_asked(questions: Questions) -> int:
    """Count the lines that ask for a field. Lines without fields are only shown to the model."""
    return sum(bool(question.fields) for question in questions)


def plan_questions(parsed: ParsedRecord, options: AskingOptions) -> Questions:
    """Choose the questions about a record: the wanted tasks one after the other, each in reading
    order, then lines that are asked only for the user's own fields. None for ``Effort.NONE``.

    A chunk is asked about once, since its number identifies the answer: a second task leaves it
    out, and a field of the user's own is added to the question that is there.
    """
    if options.effort is Effort.NONE:
        return ()
    planner = _Planner(parsed, options, count(max(parsed.chunks, default=0) + 1))
    plans = {
        Task.ELIGIBILITY: planner.plan_eligibility,
        Task.DOSING: planner.plan_dosing,
        Task.ENDPOINTS: planner.plan_endpoints,
    }
    planned: dict[int, Question] = {}
    for task, plan in plans.items():
        if task in options.tasks:
            for question in plan():
                planned.setdefault(question.number, question)
    for own in options.fields:
        # the items of a task that is not wanted are not extracted, nor are fields of them
        if own.of is not Of.RECORD and own.of.task not in options.tasks:
            continue
        for line in planner.plan_own(own, list(planned.values())):
            if own.may_be_in(line.chunk.text):
                known = planned.get(line.number, line)
                fields = (*known.fields, own.name)
                custom = (*known.custom, own)
                planned[line.number] = replace(known, fields=fields, custom=custom)
    return tuple(planned.values())


def pack_questions(
    questions: Questions, max_tokens: int = 8000, max_output: int = 8000
) -> tuple[Questions, ...]:
    """Pack questions into calls, in order: each call takes the next lines as long as they fit.

    ``max_tokens`` limits the estimated tokens of a call's lines (the system part is extra),
    ``max_output`` those of the longest answer that it may get. A line beyond a limit gets a call of
    its own. Neighbouring lines that are asked for their regimens stay together, also beyond a
    limit, since all of them make one list.
    """
    # All models of today can write 8,000 tokens; of one with less room the client asks halves.
    groups: list[list[Question]] = []
    for is_list, lines in groupby(questions, lambda line: REGIMENS in line.fields):
        group = list(lines)
        groups += [group] if is_list else [[line] for line in group]
    calls: list[list[Question]] = []
    room = 0
    for group in groups:
        size = sum(estimate_tokens(render_line(question)) for question in group)
        if size > room or count_output_tokens([*calls[-1], *group]) > max_output:
            calls.append([])
            room = max_tokens
        calls[-1] += group
        room -= size
    return tuple(map(tuple, calls))


def says_who(text: str, *, is_criterion: bool = True) -> bool:
    """Return whether a line may say who takes part: by a word for people of some age or sex, or by
    a number that can only be an age.

    Of a title or summary (``is_criterion=False``) only the words count. A title that names children
    gives no limit of their age.

    >>> list(map(says_who, ("No minors", "Under 18s", "At least 18 y/o", "Aspirin")))
    [True, True, True, False]
    """
    if _PEOPLE_WORDS.search(text):
        return True
    return is_criterion and rule("says_who").search(read_text(text)) is not None


@dataclass(frozen=True, slots=True)
class _Planner:
    """Plans the questions about a record. ``numbers`` are free for lines that are no item."""

    parsed: ParsedRecord
    options: AskingOptions
    numbers: Iterator[int]

    def doubts(self, item: Draft, names: Iterable[str]) -> bool:
        """Return whether the effort doubts what the rules read of one of these fields."""
        doubts = self.options.effort.doubts
        return any(
            doubts(item.read(name).confidence, rare=name in _RARE) for name in names
        )

    def list_doubtful(self, item: Draft, task: Task) -> tuple[str, ...]:
        """Return the fields of an item to ask about; ``split`` if a part of an outcome is in
        doubt.
        """
        doubtful = []
        for name in FIELDS[task]:
            # only a line such as "Any of the following:" has one
            if name == "rule" and name not in item.rules:
                continue
            if self.doubts(item, PARTS if name == "split" else [name]):
                doubtful.append(name)
        return tuple(doubtful)

    def plan_eligibility(self) -> Iterator[Question]:
        """Yield, in reading order, criteria with doubtful fields, lines that may introduce a
        criterion whose lead-in is in doubt, and lines that may say who takes part, if an age, the
        sex or the health of the participants is in doubt.
        """
        criteria = self.parsed.criteria
        asked = {
            item.number: self.list_doubtful(item, Task.ELIGIBILITY) for item in criteria
        }
        shown = list(self.list_introducing(asked))
        shown_at = _list_offsets(chunk.span for chunk in shown)
        lines = []
        for item in criteria:
            line = _show_item(item, shown_at)
            lines.append(replace(line, fields=asked[item.number]))
        headings = [chunk for chunk in shown if chunk.number not in asked]
        lines += [Question(Task.ELIGIBILITY, chunk) for chunk in headings]
        asks_people = self.doubts(self.parsed.whole, PEOPLE_FIELDS)
        if asks_people:
            for name in _PEOPLE_IN:
                text = self.parsed.record.raw_text(name)
                if text:
                    span = Span(name, 0, len(text))
                    lines.append(self.number_line(span, clean_text(text).text))
        for line in sorted(lines, key=lambda line: line.chunk.span):
            is_criterion = line.chunk.span.section not in _PEOPLE_IN
            if asks_people and says_who(line.chunk.text, is_criterion=is_criterion):
                yield replace(line, fields=(*line.fields, PEOPLE))
            elif line.fields or line.chunk in shown:
                yield line

    def number_line(self, span: Span, text: str) -> Question:
        """Return a line that is no item, with a number of its own and its section as the hint."""
        chunk = Chunk(next(self.numbers), span, text)
        return Question(Task.ELIGIBILITY, chunk, hint=span.section.replace("_", " "))

    def list_introducing(self, asked: Mapping[int, Collection[str]]) -> Iterator[Chunk]:
        """Yield the lines of the section "eligibility" that may introduce a criterion: criteria
        that end with a colon, criteria that rules read as the lead-in of another one, and all lines
        that are no criterion, such as headings, without their list mark.

        Nothing is yielded if no criterion there is asked for its lead-in. ``asked`` are the fields
        that criteria are asked for, by number.
        """
        criteria = [
            item
            for item in self.parsed.criteria
            if item.chunk.span.section == "eligibility"
        ]
        if not any("lead_in" in asked[item.number] for item in criteria):
            return
        led_by = _list_offsets(
            span for item in criteria for span in item.read("lead_in").spans
        )
        for item in criteria:
            chunk = item.chunk
            # such as "Any of the following:"
            if chunk.text.endswith(":") or chunk.span.start in led_by:
                yield chunk
        known = _list_offsets(item.chunk.span for item in criteria)
        for line in _LINE.finditer(self.parsed.record.raw_text("eligibility") or ""):
            # a heading such as "Exclusion Criteria:"
            if known.isdisjoint(range(*line.span(1))):
                span = Span("eligibility", *line.span(1))
                yield Chunk(next(self.numbers), span, clean_text(line[1]).text)

    def plan_dosing(self) -> Iterator[Question]:
        """Yield all passages that may state doses, asked for their regimens, or none of them: if
        the rules fail at one wording, they fail at others.

        They are asked if the regimens are doubtful, or if a passage may have a field of the user's
        own.
        """
        passages = list_dose_passages(self.parsed, self.numbers)
        texts = [chunk.text for chunk in passages]
        has_own = any(
            own.of is Of.REGIMEN and any(map(own.may_be_in, texts))
            for own in self.options.fields
        )
        if not has_own and not self.doubts_regimens(texts):
            return
        for chunk in passages:
            section = chunk.span.section
            hint = "" if section.startswith(GROUPS) else section.replace("_", " ")
            yield Question(Task.DOSING, chunk, (REGIMENS,), hint)

    def doubts_regimens(self, passages: Iterable[str]) -> bool:
        """Return whether the effort doubts the mean confidence of all regimens' fields but
        ``arms``.

        Each candidate (text that seems to hold a regimen that the rules could not read) counts with
        confidence 0 in every field. So does a record whose passages speak of doses, and that has
        neither regimen nor candidate. False if there is nothing to doubt.
        """
        regimens = self.parsed.regimens
        confidences = [
            one.read(name).confidence for one in regimens for name in _WEIGHED
        ]
        confidences += [0.0] * len(_WEIGHED) * len(self.parsed.candidates)
        if not confidences:
            return any(map(mentions_dose, passages))
        return self.options.effort.doubts(fmean(confidences))

    def plan_endpoints(self) -> Iterator[Question]:
        """Yield the outcomes with the fields that are in doubt and that their concept can have.

        If the concept itself is in doubt, all rare fields and the events are asked as well.
        """
        for outcome in self.parsed.outcomes:
            wanted = set(self.list_doubtful(outcome, Task.ENDPOINTS))
            if "concept" in wanted:
                # what is measured decides what else may be stated; an empty key is free
                wanted |= _RARE | _EVENTS
            section = self.parsed.record.section(outcome.chunk.span.section)
            if section and section.parts:
                # the registry itself keeps measure, description and time frame apart
                wanted.discard("split")
            concept = outcome.read("concept")
            # "Tumor size" has no start event and no censoring, "Overall survival" has
            if concept.certain and not _TIMED.match(concept.value or ""):
                wanted -= _EVENTS
            fields = tuple(name for name in FIELDS[Task.ENDPOINTS] if name in wanted)
            if fields:
                yield Question(Task.ENDPOINTS, outcome.chunk, fields)

    def plan_own(
        self, own: CustomField, planned: Sequence[Question]
    ) -> Iterable[Question]:
        """Return the lines that may be asked for a field of the user's own, by the item that it
        belongs to: for a regimen the passages that are asked for regimens anyway, for the record
        any line of its sections, for a criterion or outcome the items that it may apply to.

        The record and items whose value the rules read with certainty are left out. ``planned``
        are the questions so far.
        """
        if own.of is Of.REGIMEN:
            return [line for line in planned if REGIMENS in line.fields]
        items = self.parsed.list_items(own.group.of)
        open_items = [item for item in items if self.may_have(item, own)]
        if own.of is Of.RECORD:
            return self.list_record_lines(own, planned) if open_items else ()
        return map(_show_item, open_items)

    def may_have(self, item: Draft, own: CustomField) -> bool:
        """Return whether an item may have a field of the user's own that rules did not read with
        certainty. It meets the condition ``where``, or a value that the condition reads is in
        doubt.
        """
        read = [value for value in item.own.get(own.name, ()) if value.rules]
        if read and not any(self.doubts(value, value.rules) for value in read):
            return False
        meets = own.applies(lambda name: item.read(name).value)
        return meets or self.doubts(item, own.where)

    def list_record_lines(
        self, own: CustomField, planned: Sequence[Question]
    ) -> Iterator[Question]:
        """Yield the lines that may state a field of the record, in each section where it may be:
        first the questions and items, then all other lines but bare headings.
        """
        lines = {line.number: line for line in planned}
        for item in (*self.parsed.criteria, *self.parsed.outcomes):
            line = replace(_show_item(item), task=Task.ELIGIBILITY)
            lines.setdefault(item.number, line)
        for name, section in self.parsed.sections.items():
            if not own.may_stand_in(name):
                continue
            spans = []
            for line in lines.values():
                if line.chunk.span.section == name:
                    spans.append(line.chunk.span)
                    yield line
            for passage in section.lines():
                span = span_of(passage)
                is_shown = any(map(span.overlaps, spans))
                if is_shown or _HEADER.fullmatch(passage.text):
                    continue
                if own.may_be_in(passage.text):
                    yield self.number_line(span, passage.text)


def _show_item(item: Draft, shown: Collection[int] = ()) -> Question:
    """Show a criterion or an outcome, with its place as the hint: its list, if the rules are sure
    of it, or its section, and the line that introduces it. An outcome has no hint.

    Examples: ``exclusion list``, ``brief summary``, ``inclusion list, under "Any of:"``. The
    introducing line is left out if the call shows it: ``shown`` are the offsets of such lines in
    the section "eligibility".
    """
    if item.group == Task.ENDPOINTS:
        return Question(Task.ENDPOINTS, item.chunk)
    section = item.chunk.span.section
    hint = section.replace("_", " ")
    kind = item.read("kind")
    if section == "eligibility" and kind.certain and kind.value:
        hint = f"{kind.value} list"
    lead_in = item.read("lead_in")
    is_shown = any(
        span.section == "eligibility" and span.start in shown for span in lead_in.spans
    )
    if lead_in.value and not is_shown:
        hint = f'{hint}, under "{lead_in.value}"'
    return Question(Task.ELIGIBILITY, item.chunk, hint=hint)


def _list_offsets(spans: Iterable[Span]) -> frozenset[int]:
    """Return the offsets of all characters of spans, which are of one section."""
    return frozenset(place for span in spans for place in range(span.start, span.end))
