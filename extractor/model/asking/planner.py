"""Choose which fields of a record to ask a model about, and pack the questions into calls.

The model is asked about a guideline field or a custom field if the field's confidence is too low
for the chosen effort level. If a question asks which line introduces a criterion, the candidate
lines are included.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count, groupby
from statistics import fmean
from typing import NamedTuple

from extractor.assembly.unread import find_missed, limits_age
from extractor.concepts.doses.passages import GROUPS, list_dose_passages, mentions_dose
from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.parse import parse_record
from extractor.concepts.people.registered_ages import AGES
from extractor.evidence.drafts import Chunk, Draft, Part, Span, span_of
from extractor.evidence.items import CriterionDraft
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.clean import clean_text
from extractor.model.asking.prompt import (
    Trial,
    count_output_tokens,
    describe_trial,
    render_call,
    render_line,
)
from extractor.model.asking.questions import Question, Questions, Replies
from extractor.model.asking.reply_models import (
    FIELDS,
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
)
from extractor.model.asking.structure import plan_structure, render_structure
from extractor.model.calls import Call, estimate_tokens
from extractor.model.cost.tokens import RequestSize, measure_call
from extractor.options import ExtractionOptions
from extractor.schemas import Origin, Task, TrialRecord, list_fields
from extractor.schemas.vocabulary import Effort

_EVENTS = {"start_event", "end_events", "censored"}
_TIMED = re.compile("time_to_|duration_of_|.*_survival$")
"""Time-to-event concepts, which are the only concepts with a start event, end events and
censoring.
"""
_RARE = {info.name for task in Task for info in list_fields(task) if info.rare}
_WEIGHED = [name for name in REGIMEN_FIELDS if name != "arms"]
"""The fields that, if doubtful, are a reason to ask about regimens. Arms are excluded, because they
are taken from the registry's own list.
"""
_PEOPLE_WORDS = re.compile(
    r"\b(?:healthy|volunteers?|(?:wo)?m[ae]n|(?:fe)?males?|boys?|girls?|sex|genders?|ages?d?"
    r"|old)\b",
    re.IGNORECASE,
)
_PEOPLE_IN = ("title", "official_title", "brief_summary")
"""Sections, other than the criteria, that may state who can take part."""
_LINE = re.compile(
    r"^[^\S\n]*+(?:(?:[*•·o–—-]|\d{1,2}[.)]|[a-zA-Z][.)])(?:[^\S\n]++|(?=\n)))?+(\S(?:.*\S)?)",
    re.MULTILINE,
)
"""A line without its list marker and without leading or trailing spaces."""


def estimate_record(record: TrialRecord, options: ExtractionOptions) -> RequestSize:
    """Estimate the size of the requests for a record, assuming that no question is asked twice, and
    that the answer about the structure changes no lines. The size is 0 if there are no questions.
    """
    parsed = parse_record(record, options.fields)
    query_round = plan_round(parsed, options, plan_structure(parsed, options), ())
    if query_round is None:
        return RequestSize()
    sizes = [measure_call(query_round.render(call)) for call in query_round.calls]
    questions = sum(map(count_asked, query_round.calls))
    return sum(sizes, RequestSize())._replace(questions=questions)


class Round(NamedTuple):
    """The questions in each call for a record, and what is in all calls: the record's context and
    the custom fields.

    A question about the structure is the first call. ``decides_lines`` means that the other
    questions must be planned with its answer; later, ``answered`` contains the reply to it.
    """

    calls: tuple[Questions, ...]
    trial: Trial
    custom: tuple[CustomField, ...]
    decides_lines: bool
    answered: Replies

    def render(self, questions: Questions) -> Call:
        """Return the call for a question about the structure, or for questions about lines."""
        if questions[0].places:
            return render_structure(self.trial.record_id, questions[0])
        return render_call(self.trial, questions, self.custom)


def plan_round(
    parsed: ParsedRecord,
    options: ExtractionOptions,
    structure: Question | None,
    answered: Replies | None,
) -> Round | None:
    """Return the calls that ``options`` require for a record, or None if there are no questions.

    If there is a question about the ``structure``, it is the only one as long as ``answered`` is
    None. ``answered`` contains the reply to it, or nothing if no model is to be asked.
    """
    calls: tuple[Questions, ...] = ((structure,),) if structure else ()
    decides_lines = structure is not None and answered is None
    if not decides_lines:
        calls += pack_questions(plan_questions(parsed, options))
    if not calls:
        return None
    trial = describe_trial(parsed.record)
    return Round(calls, trial, options.fields, decides_lines, answered or ())


def count_asked(questions: Questions) -> int:
    """Count the lines for which a field is requested. Lines without fields are only context for the
    model.
    """
    return sum(bool(question.fields) for question in questions)


def plan_questions(parsed: ParsedRecord, options: ExtractionOptions) -> Questions:
    """Choose the questions about a record: first the questions for each task in reading order, then
    the lines that are asked about only because of custom fields. Empty for ``Effort.NONE``.

    The model is asked about each chunk only once, because the chunk's number identifies the
    answer. A second task skips the chunk, and a custom field is added to the existing question.
    """
    effort = options.effort
    if effort is Effort.NONE:
        return ()
    # lines that are not items receive numbers that no item has
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
        # the first task that asks about a chunk
        planned.setdefault(question.number, question)
    for field in options.fields:
        # if a task is not extracted, neither are the custom fields of its items
        if not field.is_wanted(options.tasks):
            continue
        for line in _plan_own(parsed, field, [*planned.values()], effort, numbers):
            if field.is_mentioned_in(line.chunk.text):
                question_of_line = planned.get(line.number, line)
                planned[line.number] = question_of_line.add(field)
    return tuple(planned.values())


def pack_questions(
    questions: Questions, max_tokens: int = 8000, max_output: int = 8000
) -> tuple[Questions, ...]:
    """Pack questions into calls in order. Each call contains as many consecutive lines as fit.

    ``max_tokens`` limits the estimated number of tokens in a call's lines (excluding the system
    part), and ``max_output`` limits the number of tokens in its longest possible answer. A line
    that exceeds a limit is sent in its own call. Adjacent lines for which regimens are requested
    stay together even if they exceed a limit, because the model lists their regimens together.
    Without questions, there are no calls.
    """
    # current models can write 8,000 tokens; if another model cannot, its truncated answer is asked
    # again in halves
    calls: list[tuple[Question, ...]] = []
    room = 0  # no call has been begun
    for is_list, lines in groupby(questions, lambda line: REGIMENS in line.fields):
        # a group of lines that must stay together: all adjacent regimen lines, or a single line
        members = tuple(lines)
        groups = [members] if is_list else [(line,) for line in members]
        for group in groups:
            size = sum(estimate_tokens(render_line(line)) for line in group)
            if size > room or count_output_tokens(calls[-1] + group) > max_output:
                calls.append(())
                room = max_tokens
            calls[-1] += group
            room -= size
    return tuple(calls)


def says_who(text: str, *, is_criterion: bool = True) -> bool:
    """Return True if a line may state who can take part: it contains a word for people of a certain
    age or sex, or a number that can only be an age.

    In a title or summary (``is_criterion=False``), numbers are ignored.

    >>> list(map(says_who, ("No minors", "Under 18s", "At least 18 y/o", "Aspirin")))
    [True, True, True, False]
    """
    if _PEOPLE_WORDS.search(text):
        return True
    if not is_criterion:
        return False
    return rule("says_who").search(read_text(text)) is not None


def _list_doubtful(item: Draft, names: Iterable[str], effort: Effort) -> list[str]:
    """Return the fields for which the rules' readings are doubtful at this effort level, in the
    order of ``names``.
    """
    doubtful = []
    for name in names:
        # only a line such as "Any of the following:" has a rule
        if name == "rule" and name not in item.rules:
            continue
        reading = item.read(name)
        is_doubtful = effort.doubts(reading.confidence, rare=name in _RARE)
        # what a model answered about the structure is not asked again
        if is_doubtful and reading.origin is Origin.RULE:
            doubtful.append(name)
    return doubtful


def _plan_eligibility(
    parsed: ParsedRecord, effort: Effort, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield, in reading order, criteria with doubtful fields, lines that may introduce a criterion
    with a doubtful lead-in, and, if the age, sex or health of the participants is doubtful, lines
    that may state who can take part.
    """
    doubtful_fields = {
        item.number: _list_fields(parsed, item, effort) for item in parsed.criteria
    }
    lead_lines = _list_lead_lines(parsed, doubtful_fields, numbers)
    lines = [_show_item(item, lead_lines) for item in parsed.criteria]
    lines += [
        Question(Task.ELIGIBILITY, chunk)
        for chunk in lead_lines.values()
        if chunk.number not in doubtful_fields
    ]
    asks_people = bool(_list_doubtful(parsed.whole, PEOPLE_FIELDS, effort))
    asks_people |= effort is Effort.MEDIUM and _has_lost_age(parsed)
    if asks_people:
        for name in _PEOPLE_IN:
            text = parsed.record.raw_text(name)
            if text:
                span = Span(name, 0, len(text))
                lines.append(_number_line(numbers, span, clean_text(text).text))
    for line in sorted(lines, key=lambda line: line.chunk.span):
        span = line.chunk.span
        fields = [*doubtful_fields.get(line.number, ())]
        is_criterion = span.section not in _PEOPLE_IN
        if asks_people and says_who(line.chunk.text, is_criterion=is_criterion):
            fields.append(PEOPLE)
        if fields or span in lead_lines:
            yield replace(line, fields=tuple(fields))


def _list_fields(
    parsed: ParsedRecord, item: CriterionDraft, effort: Effort
) -> list[str]:
    """Return the fields that a model is asked about a criterion, in the order of the reply: the
    doubtful ones, limits and time limits that the rules may have missed, and, if the line is asked
    anyway, its time windows if it is doubtful what they limit.
    """
    names = FIELDS[Task.ELIGIBILITY]
    fields = {*_list_doubtful(item, names, effort)}
    if effort is Effort.MEDIUM:
        fields |= find_missed(parsed, item)
    windows = item.rules.time_windows.members
    names_of_windows = [window.parts.get("of", Part()) for window in windows]
    if fields and any(effort.doubts(name.confidence) for name in names_of_windows):
        fields.add("time_windows")
    return [name for name in names if name in fields]


def _has_lost_age(parsed: ParsedRecord) -> bool:
    """Return whether a criterion limits an age, but the rules read no age of the participants."""
    ages = [parsed.whole.read(name).value for name in AGES]
    return not any(ages) and any(map(limits_age, parsed.criteria))


def _number_line(numbers: Iterator[int], span: Span, text: str) -> Question:
    """Return a line that is not an item, with the next free number and its section as the hint."""
    chunk = Chunk(next(numbers), span, text)
    return Question(Task.ELIGIBILITY, chunk, hint=span.section.replace("_", " "))


def _list_lead_lines(
    parsed: ParsedRecord,
    doubtful_fields: Mapping[int, Collection[str]],
    numbers: Iterator[int],
) -> dict[Span, Chunk]:
    """Return the lines of the "eligibility" section that may introduce a criterion, without their
    list markers and keyed by span: criteria that end with a colon, criteria that the rules read as
    a lead-in, and all lines that are not criteria, such as headings.

    The result is empty if the model is not asked for the lead-in of any criterion in the section.
    ``doubtful_fields`` contains the fields requested for each criterion, keyed by the criterion's
    number; ``numbers`` yields numbers for lines that are not items.
    """
    criteria = [
        criterion
        for criterion in parsed.criteria
        if criterion.chunk.span.section == "eligibility"
    ]
    if not any("lead_in" in doubtful_fields[item.number] for item in criteria):
        return {}
    places = [item.chunk.span for item in criteria]
    leading = {span.start for item in criteria for span in item.read("lead_in").spans}
    lead_lines = {}
    for item in criteria:
        chunk = item.chunk
        # such as "Any of the following:"
        if chunk.text.endswith(":") or chunk.span.start in leading:
            lead_lines[chunk.span] = chunk
    for line in _LINE.finditer(parsed.record.raw_text("eligibility") or ""):
        span = Span("eligibility", *line.span(1))
        # a heading such as "Exclusion Criteria:"
        if not any(map(span.overlaps, places)):
            lead_lines[span] = Chunk(next(numbers), span, clean_text(line[1]).text)
    return lead_lines


def _plan_dosing(
    parsed: ParsedRecord, options: ExtractionOptions, numbers: Iterator[int]
) -> Iterator[Question]:
    """Yield either all passages that may state doses, as questions about their regimens, or none of
    them: if the rules misread one wording, they may misread other wordings too.

    The model is asked about the passages if the regimens are doubtful, or if a passage may contain
    a custom field of regimens.
    """
    passages = list_dose_passages(parsed, numbers)
    texts = [chunk.text for chunk in passages]
    custom = [field for field in options.fields if field.of is Of.REGIMEN]
    may_have_custom = any(
        field.is_mentioned_in(text) for field in custom for text in texts
    )
    if may_have_custom or _doubts_regimens(parsed, options.effort, texts):
        for chunk in passages:
            section = chunk.span.section
            hint = section.replace("_", " ")
            # an arm's or an intervention's own text begins with its name
            if section.startswith(GROUPS):
                hint = ""
            yield Question(Task.DOSING, chunk, (REGIMENS,), hint)


def _doubts_regimens(
    parsed: ParsedRecord, effort: Effort, passages: Iterable[str]
) -> bool:
    """Return True if the mean confidence of all regimens' fields except ``arms`` is too low for
    this effort level.

    A candidate is text that seems to contain a regimen but that the rules could not read; it
    counts as a regimen with confidence 0 in every field. If there are neither regimens nor
    candidates, the result is True if a passage mentions doses.
    """
    confidences = [
        regimen.read(name).confidence
        for regimen in parsed.regimens
        for name in _WEIGHED
    ]
    confidences += [0.0] * len(_WEIGHED) * len(parsed.candidates)
    if not confidences:
        return any(map(mentions_dose, passages))
    return effort.doubts(fmean(confidences))


def _plan_endpoints(parsed: ParsedRecord, effort: Effort) -> Iterator[Question]:
    """Yield the outcomes that have doubtful fields, each with these fields, except fields that its
    concept cannot have.

    If the concept itself is doubtful, the model is also asked about all rare fields and the events.
    """
    names = FIELDS[Task.ENDPOINTS]
    for outcome in parsed.outcomes:
        # "split" asks for the doubtful parts, if there are any
        fields_to_ask = {*_list_doubtful(outcome, (*names, *PARTS), effort)} - {"split"}
        section = parsed.record.section(outcome.chunk.span.section)
        # "Pain, day 3" can be split, unless the registry stores the parts separately
        if fields_to_ask.intersection(PARTS) and not (section and section.parts):
            fields_to_ask.add("split")
        if "concept" in fields_to_ask:
            # the concept determines which fields may be stated; an omitted key does not cost tokens
            fields_to_ask |= _RARE | _EVENTS
        concept = outcome.read("concept")
        # "Overall survival" has a start event and censoring; "Tumor size" does not
        if concept.certain and not _TIMED.match(concept.value or ""):
            fields_to_ask -= _EVENTS
        fields = tuple(name for name in names if name in fields_to_ask)
        if fields:
            yield Question(Task.ENDPOINTS, outcome.chunk, fields)


def _plan_own(
    parsed: ParsedRecord,
    field: CustomField,
    planned: Questions,
    effort: Effort,
    numbers: Iterator[int],
) -> Iterable[Question]:
    """Return the lines about which the model may be asked for a custom field. For a regimen field,
    these are the passages for which regimens are requested anyway; for a record field, all lines
    in the sections that may state it; for a criterion or outcome field, the criteria or outcomes
    themselves.

    An item or the record is skipped if the rules have read at least one value and none of the
    values is doubtful. ``planned`` contains the questions planned so far.
    """
    if field.of is Of.REGIMEN:
        return [line for line in planned if REGIMENS in line.fields]
    # a field of the record has a group of drafts of its own
    group = field.group.of or Task.ELIGIBILITY
    unsure_items: list[Draft] = []
    for item in parsed.drafts.values():
        if item.group != group:
            continue
        by_rules = [
            value for value in item.custom_values.get(field.name, ()) if value.rules
        ]
        doubtful = [_list_doubtful(value, value.rules, effort) for value in by_rules]
        if not by_rules or any(doubtful):
            unsure_items.append(item)
    if field.of is not Of.RECORD or not unsure_items:
        return map(_show_item, unsure_items)
    items_as_lines = map(_show_item, (*parsed.criteria, *parsed.outcomes))
    lines = {line.number: line for line in (*items_as_lines, *planned)}
    return _list_lines(parsed, field, lines.values(), numbers)


def _list_lines(
    parsed: ParsedRecord,
    field: CustomField,
    known: Collection[Question],
    numbers: Iterator[int],
) -> Iterator[Question]:
    """Yield the lines of the sections that may state a record field. In each section, the ``known``
    lines (questions that already exist, and items) come first, followed by the section's other
    lines.
    """
    for name in filter(field.searches, parsed.sections):
        lines_of_section = [line for line in known if line.chunk.span.section == name]
        yield from lines_of_section
        for passage in parsed.sections[name].lines():
            span = span_of(passage)
            if not any(span.overlaps(line.chunk.span) for line in lines_of_section):
                yield _number_line(numbers, span, passage.text)


def _show_item(item: Draft, lead_lines: Collection[Span] = ()) -> Question:
    """Return a question without fields that shows a criterion or an outcome. The hint for a
    criterion is its list if the rules are confident of the list, or its section otherwise,
    followed by the line that introduces the criterion. An outcome does not have a hint.

    Examples of hints are ``exclusion list``, ``brief summary`` and ``inclusion list, under "Any
    of:"``. The introducing line is omitted if its span is in ``lead_lines``, because the call
    includes it already.
    """
    if item.group == Task.ENDPOINTS:
        return Question(Task.ENDPOINTS, item.chunk)
    section = item.chunk.span.section
    hint = section.replace("_", " ")
    kind = item.read("kind")
    if section == "eligibility" and kind.certain and kind.value:
        hint = f"{kind.value} list"
    lead_in = item.read("lead_in")
    if lead_in.value and not set(lead_in.spans).intersection(lead_lines):
        hint = f'{hint}, under "{lead_in.value}"'
    return Question(Task.ELIGIBILITY, item.chunk, hint=hint)
