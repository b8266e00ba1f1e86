"""Choose the fields of a record that a model is asked about, and pack the questions into calls.

A field, the guideline's or the user's own, is asked about if the effort doubts its confidence.
Lines that introduce others are shown where a criterion is asked which line introduces it.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count, groupby
from statistics import fmean
from typing import NamedTuple

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
from extractor.model.asking.questions import Question, Questions, Render
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
from extractor.options import ExtractionOptions
from extractor.schemas import Task, TrialRecord, list_fields
from extractor.schemas.vocabulary import Effort

_EVENTS = {"start_event", "end_events", "censored"}
_TIMED = re.compile("time_to_|duration_of_|.*_survival$")
"""Time-to-event concepts: only they have a start event, end events and censoring."""
_RARE = {info.name for task in Task for info in list_fields(task) if info.metadata.rare}
_WEIGHED = [name for name in REGIMEN_FIELDS if name != "arms"]
"""The fields that, when in doubt, are a reason to ask about regimens; those stated in the
registry's own list of arms are excluded.
"""
_PEOPLE_WORDS = re.compile(
    r"\b(?:healthy|volunteers?|(?:wo)?m[ae]n|(?:fe)?males?|boys?|girls?|sex|genders?|ages?d?"
    r"|old)\b",
    re.IGNORECASE,
)
_PEOPLE_IN = ("title", "official_title", "brief_summary")
"""Sections beside the criteria that say who takes part."""
_LINE = re.compile(
    r"^[^\S\n]*+(?:(?:[*•·o–—-]|\d{1,2}[.)]|[a-zA-Z][.)])(?:[^\S\n]++|(?=\n)))?+(\S(?:.*\S)?)",
    re.MULTILINE,
)
"""A line, without spaces at its edges and without its list mark."""


def estimate_record(record: TrialRecord, options: ExtractionOptions) -> RequestSize:
    """Estimate the size of the requests about a record if no answer is asked again."""
    asked = plan_round(parse_record(record, options.fields), options)
    if asked is None:
        return RequestSize()
    sizes = [measure_call(asked.render(call)) for call in asked.calls]
    questions = sum(map(count_asked, asked.calls))
    return replace(sum(sizes, RequestSize()), questions=questions)


class Round(NamedTuple):
    """The calls about a record, each as its questions; ``render`` makes the call."""

    calls: tuple[Questions, ...]
    render: Render


def plan_round(parsed: ParsedRecord, options: ExtractionOptions) -> Round | None:
    """Return the calls with the questions about a record that ``options`` want asked, None if there
    is none.
    """
    questions = plan_questions(parsed, options)
    if not questions:
        return None
    trial = describe_trial(parsed.record)
    render = partial(render_call, trial, custom=options.fields)
    return Round(pack_questions(questions), render)


def count_asked(questions: Questions) -> int:
    """Count the lines that ask for a field. Lines without fields are only shown to the model."""
    return sum(bool(question.fields) for question in questions)


def plan_questions(parsed: ParsedRecord, options: ExtractionOptions) -> Questions:
    """Choose the questions about a record: the wanted tasks one after the other, each in reading
    order, then lines that are asked only for custom fields. None for ``Effort.NONE``.

    A chunk is asked about once, since its number identifies the answer: a second task leaves it
    out, and a field of the user's own is added to the question that is there.
    """
    effort = options.effort
    if effort is Effort.NONE:
        return ()
    # lines that are no item get numbers that no item has
    numbers = count(max(parsed.chunks, default=0) + 1)
    questions: list[Question] = []
    if Task.ELIGIBILITY in options.tasks:
        questions += _plan_eligibility(parsed, effort, numbers)
    if Task.DOSING in options.tasks:
        questions += _plan_dosing(parsed, options, numbers)
    if Task.ENDPOINTS in options.tasks:
        questions += _plan_endpoints(parsed, effort)
    planned: dict[int, Question] = {}
    for question in questions:
        planned.setdefault(question.number, question)
    for own in options.fields:
        # the items of a task that is not wanted are not extracted, nor are fields of them
        if own.of is not Of.RECORD and own.of.task not in options.tasks:
            continue
        for line in _plan_own(parsed, own, [*planned.values()], effort, numbers):
            if own.may_be_in(line.chunk.text):
                known = planned.get(line.number, line)
                planned[line.number] = known.add(own)
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
    calls: list[tuple[Question, ...]] = []
    room = 0
    for is_list, lines in groupby(questions, lambda line: REGIMENS in line.fields):
        for group in [tuple(lines)] if is_list else zip(lines):
            size = sum(estimate_tokens(render_line(line)) for line in group)
            if size > room or count_output_tokens(calls[-1] + group) > max_output:
                calls.append(())
                room = max_tokens
            calls[-1] += group
            room -= size
    return tuple(calls)


def says_who(text: str, *, is_criterion: bool = True) -> bool:
    """Return whether a line may indicate who takes part: by a word for people of some age or
    sex, or by a number that can only be an age.

    Of a title or summary (``is_criterion=False``) only the words count. A title that names children
    gives no limit of their age.

    >>> list(map(says_who, ("No minors", "Under 18s", "At least 18 y/o", "Aspirin")))
    [True, True, True, False]
    """
    if _PEOPLE_WORDS.search(text):
        return True
    return is_criterion and rule("says_who").search(read_text(text)) is not None


def _list_doubtful(item: Draft, names: Iterable[str], effort: Effort) -> list[str]:
    """Return the fields of which the effort doubts what the rules read. A ``rule`` is asked only of
    a line such as "Any of the following:", which alone has a reading of it.
    """
    return [
        name
        for name in names
        if (name != "rule" or name in item.rules)
        and effort.doubts(item.read(name).confidence, rare=name in _RARE)
    ]


def _plan_eligibility(
    parsed: ParsedRecord, effort: Effort, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield, in reading order, criteria with doubtful fields, lines that may introduce a criterion
    whose lead-in is in doubt, and lines that may indicate who takes part, if an age, the sex or the
    health of the participants is in doubt.
    """
    names = FIELDS[Task.ELIGIBILITY]
    asked = {
        item.number: _list_doubtful(item, names, effort) for item in parsed.criteria
    }
    shown = _list_introducing(parsed, asked, numbers)
    lines = [_show_item(item, shown) for item in parsed.criteria]
    lines += [
        Question(Task.ELIGIBILITY, chunk)
        for chunk in shown.values()
        if chunk.number not in asked
    ]
    asks_people = bool(_list_doubtful(parsed.whole, PEOPLE_FIELDS, effort))
    for name in _PEOPLE_IN if asks_people else ():
        text = parsed.record.raw_text(name)
        if text:
            span = Span(name, 0, len(text))
            lines.append(_number_line(numbers, span, clean_text(text).text))
    for line in sorted(lines, key=lambda line: line.chunk.span):
        span = line.chunk.span
        fields = asked.get(line.number, [])
        is_criterion = span.section not in _PEOPLE_IN
        if asks_people and says_who(line.chunk.text, is_criterion=is_criterion):
            fields.append(PEOPLE)
        if fields or span in shown:
            yield replace(line, fields=tuple(fields))


def _number_line(numbers: Iterator[int], span: Span, text: str) -> Question:
    """Return a line that is not an item, with a number of its own and its section as the hint."""
    chunk = Chunk(next(numbers), span, text)
    return Question(Task.ELIGIBILITY, chunk, hint=span.section.replace("_", " "))


def _list_introducing(
    parsed: ParsedRecord, asked: Mapping[int, Collection[str]], numbers: Iterator[int]
) -> dict[Span, Chunk]:
    """Return the lines of the section "eligibility" that may introduce a criterion, by their place:
    criteria that end with a colon, criteria that rules read as the lead-in of another one, and all
    lines that are not criteria, such as headings, without their list mark.

    There are none if no criterion there is asked for its lead-in. ``asked`` are the fields that
    criteria are asked for, by number.
    """
    criteria = [
        one for one in parsed.criteria if one.chunk.span.section == "eligibility"
    ]
    if not any("lead_in" in asked[item.number] for item in criteria):
        return {}
    places = [item.chunk.span for item in criteria]
    leading = {span.start for item in criteria for span in item.read("lead_in").spans}
    shown = {}
    for item in criteria:
        chunk = item.chunk
        # such as "Any of the following:"
        if chunk.text.endswith(":") or chunk.span.start in leading:
            shown[chunk.span] = chunk
    for line in _LINE.finditer(parsed.record.raw_text("eligibility") or ""):
        span = Span("eligibility", *line.span(1))
        # a heading such as "Exclusion Criteria:"
        if not any(map(span.overlaps, places)):
            shown[span] = Chunk(next(numbers), span, clean_text(line[1]).text)
    return shown


def _plan_dosing(
    parsed: ParsedRecord, options: ExtractionOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield all passages that may state doses, asked for their regimens, or none of them: if the
    rules fail at one wording, they fail at others.

    They are asked if the regimens are doubtful, or if a passage may have a field of the user's own.
    """
    passages = list_dose_passages(parsed, numbers)
    texts = [chunk.text for chunk in passages]
    own = [field for field in options.fields if field.of is Of.REGIMEN]
    has_own = any(field.may_be_in(text) for field in own for text in texts)
    if has_own or _doubts_regimens(parsed, options.effort, texts):
        for chunk in passages:
            section = chunk.span.section
            hint = "" if section.startswith(GROUPS) else section.replace("_", " ")
            yield Question(Task.DOSING, chunk, (REGIMENS,), hint)


def _doubts_regimens(
    parsed: ParsedRecord, effort: Effort, passages: Iterable[str]
) -> bool:
    """Return whether the effort doubts the mean confidence of all regimens' fields but ``arms``.

    Each candidate (text that seems to hold a regimen that the rules could not read) counts with
    confidence 0 in every field. So does a record whose passages speak of doses, and that has
    neither regimen nor candidate. False if there is nothing to doubt.
    """
    confidences = [
        one.read(name).confidence for one in parsed.regimens for name in _WEIGHED
    ]
    confidences += [0.0] * len(_WEIGHED) * len(parsed.candidates)
    if not confidences:
        return any(map(mentions_dose, passages))
    return effort.doubts(fmean(confidences))


def _plan_endpoints(parsed: ParsedRecord, effort: Effort) -> Iterator[Question]:
    """Yield the outcomes with the fields that are in doubt and that their concept can have.

    If the concept itself is in doubt, all rare fields and the events are asked as well.
    """
    names = FIELDS[Task.ENDPOINTS]
    for outcome in parsed.outcomes:
        wanted = set(_list_doubtful(outcome, (*names, *PARTS), effort)) - {"split"}
        section = parsed.record.section(outcome.chunk.span.section)
        # the registry itself may keep measure, description and time frame apart
        if wanted.intersection(PARTS) and not (section and section.parts):
            wanted.add("split")
        if "concept" in wanted:
            # what is measured decides what else may be stated; an empty key is free
            wanted |= _RARE | _EVENTS
        concept = outcome.read("concept")
        # "Tumor size" has no start event and no censoring, "Overall survival" has
        if concept.certain and not _TIMED.match(concept.value or ""):
            wanted -= _EVENTS
        fields = tuple(name for name in names if name in wanted)
        if fields:
            yield Question(Task.ENDPOINTS, outcome.chunk, fields)


def _plan_own(
    parsed: ParsedRecord,
    own: CustomField,
    planned: Questions,
    effort: Effort,
    numbers: Iterator[int],
) -> Iterable[Question]:
    """Return the lines that may be asked for a field of the user's own, by the item that it belongs
    to: for a regimen the passages that are asked for regimens anyway, for the record any line of
    its sections, for a criterion or outcome the items that it may apply to.

    The record and items whose value the rules read with certainty are left out. ``planned`` are the
    questions so far.
    """
    if own.of is Of.REGIMEN:
        return [line for line in planned if REGIMENS in line.fields]
    items = []
    for item in parsed.list_items(own.group.of):
        read = [value for value in item.own.get(own.name, ()) if value.rules]
        if not read or any(_list_doubtful(one, one.rules, effort) for one in read):
            items.append(item)
    if own.of is not Of.RECORD or not items:
        return map(_show_item, items)
    shown = map(_show_item, (*parsed.criteria, *parsed.outcomes))
    lines = {line.number: line for line in (*shown, *planned)}
    return _list_lines(parsed, own, lines.values(), numbers)


def _list_lines(
    parsed: ParsedRecord,
    own: CustomField,
    known: Collection[Question],
    numbers: Iterator[int],
) -> Iterator[Question]:
    """Yield the lines of the sections where a field of the record may be: those that are known
    there, then all others.
    """
    for name in filter(own.may_stand_in, parsed.sections):
        here = [line for line in known if line.chunk.span.section == name]
        yield from here
        for passage in parsed.sections[name].lines():
            span = span_of(passage)
            if not any(span.overlaps(line.chunk.span) for line in here):
                yield _number_line(numbers, span, passage.text)


def _show_item(item: Draft, shown: Collection[Span] = ()) -> Question:
    """Show a criterion or an outcome, with its place as the hint: its list, if the rules are sure
    of it, or its section, and the line that introduces it. An outcome has no hint.

    Examples: ``exclusion list``, ``brief summary``, ``inclusion list, under "Any of:"``. The
    introducing line is left out if the call shows it: ``shown`` are the places of such lines.
    """
    if item.group == Task.ENDPOINTS:
        return Question(Task.ENDPOINTS, item.chunk)
    section = item.chunk.span.section
    hint = section.replace("_", " ")
    kind = item.read("kind")
    if section == "eligibility" and kind.certain and kind.value:
        hint = f"{kind.value} list"
    lead_in = item.read("lead_in")
    if lead_in.value and not set(lead_in.spans).intersection(shown):
        hint = f'{hint}, under "{lead_in.value}"'
    return Question(Task.ELIGIBILITY, item.chunk, hint=hint)
