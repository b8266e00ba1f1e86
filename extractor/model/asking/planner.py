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
    one
    for one in Concept
    if one.endswith("_survival") or one.startswith(("time_to_", "duration_of_"))
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
    sizes = (
        measure_call(render_call(parsed.record, pack, custom=options.fields))
        for pack in pack_questions(questions)
    )
    return Estimate(
        count_asked(questions), sum(sizes, RequestSize()), process_time() - since
    )


def count_asked(questions: Sequence[Question]) -> int:
    """Count the lines that ask for something; the others are only read."""
    return sum(bool(question.fields) for question in questions)


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
    for question in chain.from_iterable(
        planned[task] for task in Task if task in options.tasks
    ):
        questions.setdefault(question.chunk.number, question)
    for own in options.fields:
        # else the items that have it are not extracted
        if own.of is Of.RECORD or own.of.task in options.tasks:
            for line in list(_list_own_lines(own, questions, parsed, options, numbers)):
                questions[line.chunk.number] = questions.get(
                    line.chunk.number, line
                ).asking(own)
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
    for regimens, lines in groupby(
        questions, key=lambda question: REGIMENS in question.fields
    ):
        found = list(lines)
        for group in [found] if regimens else [[question] for question in found]:
            size = sum(estimate_tokens(render_line(question)) for question in group)
            if (
                not calls
                or size > room
                or count_output_tokens([*calls[-1], *group]) > max_output
            ):
                calls.append([])
                room = max_tokens
            calls[-1] += group
            room -= size
    return tuple(map(tuple, calls))


def _plan_eligibility(
    parsed: ParsedRecord, options: AskingOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    people = any(
        _is_doubtful(parsed.whole.read(name), name, options) for name in PEOPLE_FIELDS
    )
    lines = [
        Question(
            Task.ELIGIBILITY, one.chunk, _fields_of(one, Task.ELIGIBILITY, options)
        )
        for one in parsed.criteria
    ]
    shown = set(
        _list_introducing(
            parsed,
            [line.chunk.span for line in lines if "lead_in" in line.fields],
            numbers,
        )
    )
    known = {one.number: one for one in parsed.criteria}
    places = _list_offsets(chunk.span for chunk in shown)
    lines = [
        replace(line, hint=_hint_of(known[line.chunk.number], places)) for line in lines
    ]
    lines += [
        Question(Task.ELIGIBILITY, chunk, ())
        for chunk in shown
        if chunk.number not in known
    ]
    for name in _PEOPLE_IN if people else ():
        section = parsed.record.section(name)
        if section:
            span = Span(name, 0, len(section.text))
            chunk = Chunk(next(numbers), span, clean_text(section.text).text)
            lines.append(Question(Task.ELIGIBILITY, chunk, (), name.replace("_", " ")))
    for line in sorted(lines, key=lambda line: line.chunk.span):
        named = says_who(
            line.chunk.text, is_criterion=line.chunk.span.section not in _PEOPLE_IN
        )
        also = (PEOPLE,) if people and named else ()
        if line.fields or also or line.chunk in shown:
            yield replace(line, fields=(*line.fields, *also))


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


def _hint_of(item: Draft, shown: Collection[int] = frozenset()) -> str:
    """Return the list or section in which a criterion stands, and the line that introduces it if no
    line shows that.

    ``shown`` has the offsets of the lines of the criteria's section that are shown for what they
    introduce.
    """
    if item.group == Task.ENDPOINTS:
        return ""
    section = item.chunk.span.section
    kind = item.read("kind")
    lead_in = item.read("lead_in")
    in_list = section == "eligibility" and kind.certain and kind.value
    where = f"{kind.value} list" if in_list else section.replace("_", " ")
    is_shown = any(
        span.section == "eligibility" and span.start in shown for span in lead_in.spans
    )
    return (
        f'{where}, under "{lead_in.value}"' if lead_in.value and not is_shown else where
    )


def _list_introducing(
    parsed: ParsedRecord, asked: Sequence[Span], numbers: Iterator[int]
) -> Iterator[Chunk]:
    """Yield the lines that may introduce the criteria at ``asked``: headings, items with parts,
    and what rules read.
    """
    section = parsed.record.section("eligibility")
    if not section or not any(span.section == section.name for span in asked):
        return
    listed = [one for one in parsed.criteria if one.chunk.span.section == section.name]
    named = _list_offsets(span for one in listed for span in one.read("lead_in").spans)
    for one in listed:
        if one.chunk.text.endswith(":") or one.chunk.span.start in named:
            yield one.chunk
    start = 0
    taken = _list_offsets(one.chunk.span for one in listed)
    for line in section.text.splitlines(keepends=True):
        mark = _LIST_MARK.match(line)
        span = Span(
            "eligibility",
            start + (mark.end() if mark else 0),
            start + len(line.rstrip()),
        )
        start += len(line)
        if span.length > 0 and taken.isdisjoint(range(span.start, span.end)):
            yield Chunk(next(numbers), span, clean_text(parsed.raw(span)).text)


def _list_offsets(spans: Iterable[Span]) -> frozenset[int]:
    return frozenset(chain.from_iterable(range(span.start, span.end) for span in spans))


def _plan_dosing(
    parsed: ParsedRecord, options: AskingOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield all passages, asked for their regimens, or none: if the rules fail at one wording, they
    fail at others.

    They are asked if the mean confidence of the regimens' fields is low. A candidate, or text on
    doses without any regimen, counts as a regimen of which nothing is known.
    """
    passages = list_dose_passages(parsed, numbers)
    own = [one for one in options.fields if one.of is Of.REGIMEN]
    known = [one.read(name).confidence for one in parsed.regimens for name in _WEIGHED]
    missing = len(parsed.candidates) or (
        not known and any(mentions_dose(chunk.text) for chunk in passages)
    )
    known += [0.0] * len(_WEIGHED) * missing
    doubtful = bool(known) and options.effort.doubts(fmean(known))
    if doubtful or any(one.may_be_in(chunk.text) for one in own for chunk in passages):
        for chunk in passages:
            section = chunk.span.section
            hint = "" if section.startswith(GROUPS) else section.replace("_", " ")
            yield Question(Task.DOSING, chunk, (REGIMENS,), hint)


def _plan_endpoints(parsed: ParsedRecord, options: AskingOptions) -> Iterator[Question]:
    for outcome in parsed.outcomes:
        section = parsed.record.section(outcome.chunk.span.section)
        left_out: tuple[str, ...] = ("split",) if section and section.parts else ()
        concept = outcome.read("concept")
        if concept.certain and concept.value not in _TIMED:
            left_out += _EVENTS
        fields = _fields_of(outcome, Task.ENDPOINTS, options)
        # what is measured decides what else may be stated, and a key without a value is free
        if "concept" in fields:
            fields = tuple(
                name
                for name in FIELDS[Task.ENDPOINTS]
                if name in {*fields, *_RARE, *_EVENTS}
            )
        wanted = tuple(name for name in fields if name not in left_out)
        if wanted:
            yield Question(Task.ENDPOINTS, outcome.chunk, wanted)


def _fields_of(item: Draft, task: Task, options: AskingOptions) -> tuple[str, ...]:
    """Return the fields of an item to ask about; ``split`` if a part of an outcome is in doubt.

    Only a line that introduces several criteria has a rule of how they belong together.
    """
    parts = {"split": PARTS}
    return tuple(
        name
        for name in FIELDS[task]
        if (name != "rule" or name in item.rules)
        and any(
            _is_doubtful(item.read(part), name, options)
            for part in parts.get(name, (name,))
        )
    )


def _is_doubtful(reading: Reading[object], name: str, options: AskingOptions) -> bool:
    return options.effort.doubts(reading.confidence, rare=name in _RARE)


def _list_own_lines(
    field: CustomField,
    known: Mapping[int, Question],
    parsed: ParsedRecord,
    options: AskingOptions,
    numbers: Iterator[int],
) -> Iterator[Question]:
    """Yield the lines that are asked for a field of the user's own. A line that is asked anyway
    keeps its number.
    """

    def is_sure(item: Draft) -> bool:
        read = [
            reading.confidence
            for one in item.own.get(field.name, ())
            for reading in one.rules.values()
        ]
        return bool(read) and not options.effort.doubts(min(read))

    def may_have(item: Draft) -> bool:  # also if what ``when`` asks is in doubt
        doubts: list[bool] = []

        def find(name: str) -> object:
            doubts.append(options.effort.doubts(item.read(name).confidence))
            return item.read(name).value

        return field.applies(find) or any(doubts)

    if field.of is Of.REGIMEN:
        asked = (question for question in known.values() if REGIMENS in question.fields)
        yield from (
            question for question in asked if field.may_be_in(question.chunk.text)
        )
    elif field.of is not Of.RECORD:
        for item in parsed.list_items(field.group.of):
            if (
                field.may_be_in(item.chunk.text)
                and may_have(item)
                and not is_sure(item)
            ):
                yield Question(field.of.task, item.chunk, (), _hint_of(item))
    elif not is_sure(parsed.whole):
        shown = dict(known)
        for item in (*parsed.criteria, *parsed.outcomes):
            shown.setdefault(
                item.number, Question(Task.ELIGIBILITY, item.chunk, (), _hint_of(item))
            )
        yield from _list_record_lines(field, shown.values(), parsed, numbers)


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
        here = [question for question in shown if question.chunk.span.section == name]
        yield from (
            question for question in here if field.may_be_in(question.chunk.text)
        )
        for line in section.lines():
            span = span_of(line)
            covered = any(question.chunk.span.overlaps(span) for question in here)
            if (
                not covered
                and field.may_be_in(line.text)
                and not _HEADER.fullmatch(line.text)
            ):
                chunk = Chunk(next(numbers), span, line.text)
                yield Question(Task.ELIGIBILITY, chunk, (), name.replace("_", " "))
