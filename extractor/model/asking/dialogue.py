"""Convert the replies of a model to drafts with the values that the text supports.

The items of a reply say where the criteria begin (``read_structure``), by which the record is read
again. Each item then becomes a draft of the criterion, passage or outcome that it is about. A value
that the text contradicts is rejected and reported as a finding. A missing item is an answer only if
the model seems to have read the whole text.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Any

from extractor.assembly.check import ground_answer
from extractor.concepts.criteria.structure import AnsweredLine
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.declaration import CustomField, Of
from extractor.concepts.people.registered_ages import AGES
from extractor.concepts.quoted import Structure
from extractor.evidence.drafts import (
    RECORD,
    Chunk,
    Draft,
    ModelResult,
    Objection,
    Span,
    span_of,
)
from extractor.evidence.items import PeopleReadings, draft_record
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.language.passage import Passage
from extractor.model.asking.answers import (
    CONTRADICTED,
    Values,
    read_item,
    read_silence,
)
from extractor.model.asking.listed import Listed, list_lists, take_listed
from extractor.model.asking.questions import (
    AnswerItem,
    ModelReply,
    Question,
    Questions,
    Replies,
    is_lacking,
)
from extractor.model.asking.reply_models import (
    CRITERIA,
    ENDPOINTS,
    FORMS,
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
    is_listing,
)
from extractor.model.asking.request import (
    ELIGIBILITY,
    Request,
    ask_listed,
    is_shown,
    list_criterion_fields,
)
from extractor.schemas import AbsenceReason, Task
from extractor.schemas.vocabulary import LIMITED

_PARTS_OF = {
    PEOPLE: PEOPLE_FIELDS,
    REGIMENS: (REGIMENS, *REGIMEN_FIELDS),
    "split": PARTS,
}
"""The fields that each of these questions asks for. Any other question asks for one field."""
_SHARE_SKIPPED = 0.2
"""If more than this share of the criteria and outcomes did not receive an item, the model is
assumed not to have read the whole text.
"""
_OF_PEOPLE = {FORMS[Task.ELIGIBILITY][name].key for name in PEOPLE_FIELDS}
"""The keys of an item that say who can take part."""

Reasons = dict[str, AbsenceReason]
"""The reasons why fields do not have answers, keyed by field."""


def read_structure(
    parsed: ParsedRecord, request: Request, replies: Replies | None
) -> Structure:
    """Return where the items of a reply stand: the lines into which they divide the eligibility
    section, and their words in running text.
    """
    structure = take_listed(parsed, request, replies).structure
    return structure._replace(lines=_read_lines(request, replies))


def _read_lines(request: Request, replies: Replies | None) -> tuple[AnsweredLine, ...]:
    """Return the lines of the eligibility section; empty if a reply about the section is missing or
    unusable.
    """
    if replies is None:
        return ()
    answered: list[ModelReply | None] = []
    for part, reply in zip(request.parts, replies, strict=True):
        if request.has_places(part):
            answered.append(reply)
    if is_lacking(answered):
        return ()
    lines: list[AnsweredLine] = []
    for reply in filter(None, answered):
        lines += _list_answered_lines(request, reply.items)
    return tuple(lines)


def _list_answered_lines(
    request: Request, items: Iterable[AnswerItem]
) -> Iterator[AnsweredLine]:
    for item in items:
        if not _is_line(request, item):
            continue
        kind = item.values.get("list")
        is_criterion = item.values.get("ok", True)
        yield AnsweredLine(item.n, kind, item.values.get("under"), is_criterion)


def _is_line(request: Request, item: AnswerItem) -> bool:
    """Return whether an item begins a line of the eligibility text. An item that only says who can
    take part may be about any place.
    """
    if item.n > len(request.places):
        return False
    keys = item.values.keys() - {CONTRADICTED}
    return not keys or not keys <= _OF_PEOPLE


@dataclass(slots=True)
class _Asked:
    """What a part of a request asks about, in the record as the items divide it.

    Attributes:
        questions: The questions, one for each criterion, outcome and other line.
        people: Further questions about who can take part, on lines that also state regimens.
        by_number: The questions that an item with a number of the request may answer.
        left_out: The numbers of the criteria and endpoints of running text that no item names.
    """

    questions: list[Question] = field(default_factory=list)
    people: list[Question] = field(default_factory=list)
    by_number: dict[int, list[Question]] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)

    def add(self, number: int, question: Question) -> None:
        """Add a question, which items with the number answer; 0 is the number of no item."""
        self.questions.append(question)
        self.by_number.setdefault(number, []).append(question)


def read_replies(
    parsed: ParsedRecord, request: Request, replies: Replies | None
) -> ModelResult:
    """Return the values that the text supports, from the replies about a record that was read by
    their structure.

    The result contains a draft for each item, an empty draft for each line without an answer, and
    a draft for the record itself. Each draft contains the reasons for its unanswered fields. Lines
    whose answer is pending in a batch are counted as open and do not have a draft. If ``replies``
    is None because no model was asked, all lines are pending.
    """
    if replies is None:
        replies = [ModelReply(pending=1)] * len(request.parts)
    listed = take_listed(parsed, request, replies)
    replies = listed.replies
    asked = _list_asked(parsed, request, replies, listed)
    read = _Read()
    for part_asked, reply in zip(asked, replies, strict=True):
        _add_reply(read, parsed, part_asked, reply)
    reasons = _list_reasons(read.unasked, read.received)
    drafts = [*read.drafts, *_draft_silent(parsed, read, reasons)]
    drafts = [
        replace(draft, questions=reasons.get(draft.number, {})) for draft in drafts
    ]
    if RECORD in reasons:
        drafts.append(_join_record(drafts, reasons[RECORD]))
    last = max((draft.number for draft in drafts), default=0)
    numbers = count(max(last, *parsed.chunks, 0) + 1)
    drafts += listed.list_rejections(numbers)
    total = ModelReply()
    for reply in replies:
        if reply is not None:
            total += reply
    remarks = total.remarks
    if read.unasked:
        remarks = (*remarks, LIMITED)
    result = ModelResult(tuple(drafts), total.rejected, remarks)
    counts = read.count_questions(result)
    return replace(result, usage=total.usage.model_copy(update=counts))


@dataclass(slots=True)
class _Read:
    """What the replies to the parts of a request say, before what they leave out is added.

    Attributes:
        drafts: A draft for each item, and for each line about which silence is an answer.
        received: The questions of parts with a reply.
        unasked: Those of parts that the budget did not cover.
        skipped: The numbers of the lines that the model skipped.
        counted: The numbers of the lines that count as questions.
        unanswered: How many lines were skipped, or belong to an unusable reply.
        waiting: How many lines have a pending reply.
    """

    drafts: list[Draft] = field(default_factory=list)
    received: list[Question] = field(default_factory=list)
    unasked: list[Question] = field(default_factory=list)
    skipped: set[int] = field(default_factory=set)
    counted: set[int] = field(default_factory=set)
    unanswered: int = 0
    waiting: int = 0

    def count_questions(self, result: ModelResult) -> dict[str, int]:
        """Return the numbers of questions that the usage tells."""
        still_open = 0
        for number, draft in result.by_number.items():
            if number in self.counted and _is_open(draft):
                still_open += 1
        return {
            "questions": sum(line.number in self.counted for line in self.received),
            "open_questions": self.waiting + still_open,
            "unanswered": self.unanswered,
        }


def _add_reply(
    read: _Read, parsed: ParsedRecord, asked: _Asked, reply: ModelReply | None
) -> None:
    """Add what the reply to a part says about its questions. ``reply`` is None if the budget did
    not cover the call.
    """
    questions = [*asked.questions, *asked.people]
    read.counted |= {line.number for line in asked.questions}
    if reply is None:
        read.unasked += questions
        return
    drafts, skipped = _read_reply(parsed, asked, reply)
    read.drafts += drafts
    read.skipped |= skipped
    if reply.is_useless:
        read.unanswered += len(asked.questions)
    else:
        read.unanswered += len(skipped)
    # the reply to the rest of a part may be pending
    if reply.pending:
        drafted = {draft.number for draft in drafts}
        questions = [line for line in questions if line.number in drafted]
        read.waiting += sum(line.number not in drafted for line in asked.questions)
    read.received += questions


def _draft_silent(
    parsed: ParsedRecord, read: _Read, reasons: Mapping[int, Reasons]
) -> Iterator[Draft]:
    """Yield an empty draft for each line that was to be answered and is not."""
    drafted = {draft.number for draft in read.drafts}
    for line in (*read.received, *read.unasked):
        if line.number not in reasons or line.number in drafted:
            continue
        draft = parsed.draft_of(line.task, line.chunk)
        is_skipped = line.number in read.skipped
        yield replace(draft, custom_values={}, is_skipped=is_skipped)


def _list_asked(
    parsed: ParsedRecord, request: Request, replies: Replies, listed: Listed
) -> list[_Asked]:
    """Return what each part asks about. Numbers of lines that are not items of the record are
    numbers that no item has.
    """
    parts = [_Asked() for _ in request.parts]
    free = count(max(parsed.chunks, default=0) + 1)
    # the items of each part; a part that was not asked about has none
    of_parts = [reply.items if reply else () for reply in replies]
    items = list(chain.from_iterable(of_parts))
    _ask_criteria(parsed, request, items, parts, free)
    known: dict[Span, Chunk] = {}
    for item in (*parsed.outcomes, *parsed.criteria):
        known[item.chunk.span] = item.chunk
    for part, asked in zip(request.parts, parts, strict=True):
        for line in request.list_lines(part):
            _ask_line(line, known, asked, free)
    # after all lines, because criteria and endpoints may already have a number
    for part, asked, of_part in zip(request.parts, parts, of_parts, strict=True):
        answered = {item.n for item in of_part}
        _ask_listed(parsed, request.list_lines(part), asked, listed, answered)
    return parts


def _ask_listed(
    parsed: ParsedRecord,
    lines: Questions,
    asked: _Asked,
    listed: Listed,
    answered: set[int],
) -> None:
    """Add the criteria and endpoints of running text, each with the number of the item that names
    it, or with 0. ``answered`` contains the numbers of the items of the part.
    """
    places = {(CRITERIA, item.span): n for n, item in listed.criteria.items()}
    places |= {(ENDPOINTS, item.span): n for n, item in listed.endpoints.items()}
    for name, drafts in ((CRITERIA, parsed.criteria), (ENDPOINTS, parsed.outcomes)):
        for draft in drafts:
            if not is_shown(draft.span, name, lines):
                continue
            number = places.get((name, draft.span), 0)
            if number not in answered:
                number = 0
            question = ask_listed(name, draft, listed.lines.get(number))
            asked.add(number, question)
            if not number:
                asked.left_out.add(question.number)


def _ask_line(
    line: Question, known: Mapping[Span, Chunk], asked: _Asked, free: Iterator[int]
) -> None:
    """Add the questions about a line. A passage that states regimens and who can take part is two
    questions, because its items are of two kinds. The criteria and endpoints that it states are
    questions of their own.
    """
    line = _leave_lists(line)
    if not line.fields:
        return
    chunk = replace(line.chunk, number=next(free))
    is_outcome = line.task is Task.ENDPOINTS
    # of a record without an eligibility section
    is_criterion = "category" in line.fields
    if is_outcome or is_criterion:
        chunk = known.get(line.chunk.span, chunk)
    if REGIMENS not in line.fields:
        asked.add(line.number, replace(line, chunk=chunk))
        return
    of_regimens: list[CustomField] = []
    others: list[CustomField] = []
    for own in line.custom:
        if own.of is Of.REGIMEN:
            of_regimens.append(own)
        else:
            others.append(own)
    asked.add(line.number, _ask(line, chunk, [REGIMENS], of_regimens))
    of_people: list[str] = []
    if PEOPLE in line.fields:
        of_people.append(PEOPLE)
    if of_people or others:
        chunk = replace(line.chunk, number=next(free))
        people = _ask(line, chunk, of_people, others)
        people = replace(people, task=Task.ELIGIBILITY)
        asked.people.append(people)
        asked.by_number[line.number].append(people)


def _leave_lists(line: Question) -> Question:
    """Return a question without the criteria and endpoints that its line states, and without the
    custom fields of these; the question itself if it does not ask for them.
    """
    lists = list_lists(line)
    if not lists:
        return line
    fields = [name for name in line.guideline_fields if name not in lists]
    custom = [own for own in line.custom if own.of in (Of.REGIMEN, Of.RECORD)]
    return _ask(line, line.chunk, fields, custom)


def _ask(
    line: Question,
    chunk: Chunk,
    fields: Sequence[str],
    custom: Sequence[CustomField],
) -> Question:
    """Return a question about a line that asks for these fields of the guideline and for these
    custom fields, and whose values belong to ``chunk``.
    """
    names = [own.name for own in custom]
    return replace(line, chunk=chunk, fields=(*fields, *names), custom=tuple(custom))


def _ask_criteria(
    parsed: ParsedRecord,
    request: Request,
    items: Sequence[AnswerItem],
    parts: Sequence[_Asked],
    free: Iterator[int],
) -> None:
    """Add the criteria of the eligibility section, each to the part that shows its beginning, with
    the number of the item that begins there. An item where no criterion begins, such as a heading,
    may still say who can take part.
    """
    if not request.places:
        return
    section = parsed.sections[ELIGIBILITY]
    answered = {item.n for item in items}
    part_starts = [
        request.places[part.start - 1]
        for part in request.parts
        if request.has_places(part)
    ]

    def find_part(at: int) -> _Asked:
        return parts[max(0, bisect_right(part_starts, at) - 1)]

    taken: dict[int, Question] = {}
    for item in parsed.criteria:
        if item.span.section != ELIGIBILITY:
            continue
        begin, _ = parsed.passage(item.span).clean_span
        # the last place that is not behind the beginning of the criterion
        number = bisect_right(request.places, begin)
        if number in taken or number not in answered:
            number = 0
        fields = (*list_criterion_fields(item.rules), PEOPLE)
        question = _add_own(
            Question(Task.ELIGIBILITY, item.chunk, fields), request.custom
        )
        taken.setdefault(number, question)
        find_part(begin).add(number, question)
    for answer in items:
        if answer.n > len(request.places) or answer.n in taken:
            continue
        at = request.places[answer.n - 1]
        end = (*request.places, len(request.text))[answer.n]
        passage = Passage(section, section.tokens.at(at), section.tokens.before(end))
        chunk = Chunk(next(free), span_of(passage), passage.text)
        question = _add_own(
            Question(Task.ELIGIBILITY, chunk, (PEOPLE,)), request.custom
        )
        taken[answer.n] = question
        asked = find_part(at)
        asked.people.append(question)
        asked.by_number.setdefault(answer.n, []).append(question)


def _add_own(question: Question, custom: Iterable[CustomField]) -> Question:
    """Return a question about a place of the eligibility text with the custom fields that it may
    state: those of a criterion, if it is one, and those of the record.
    """
    is_criterion = "category" in question.fields
    for own in custom:
        is_of_record = own.of is Of.RECORD and own.searches(ELIGIBILITY)
        if is_of_record or (own.of is Of.CRITERION and is_criterion):
            question = question.add(own)
    return question


def _read_reply(
    parsed: ParsedRecord, asked: _Asked, reply: ModelReply
) -> tuple[list[Draft], set[int]]:
    """Return the drafts from a reply to a part, and the numbers of the lines that the model
    skipped. There is a draft for each item and for each line for which the absence of items is an
    answer.
    """
    drafts: list[Draft] = []
    for item in reply.items:
        for question in asked.by_number.get(item.n, ()):
            values = _read_values(parsed, question, item)
            if values:
                drafts.append(_draft_item(parsed, question, values))
    drafts = prove_regimens(drafts, parsed)
    if reply.pending or reply.is_useless:
        return drafts, set()
    answered = {draft.number for draft in drafts}
    silent = {line.number for line in asked.questions} - answered
    skipped = _find_skipped(asked.questions, silent, asked.left_out)
    # the rules read doses, so there should be items
    if parsed.regimens and not answered:
        skipped = silent
    # an item that was dropped may have been about any of the silent lines
    if reply.dropped:
        return drafts, skipped
    for line in asked.questions:
        if line.number in silent - skipped and is_listing(line):
            values = read_silence(line)
            if values:
                drafts.append(_draft_item(parsed, line, values))
    return drafts, skipped


def _read_values(parsed: ParsedRecord, question: Question, item: AnswerItem) -> Values:
    """Return the values of an item for the fields of a question; empty if it has none.

    A criterion that the rules keep although the model calls it a heading or a note is doubted as
    part of the structure; it is not dropped here.
    """
    written: dict[str, Any] = dict(item.values)
    is_criterion = "category" in question.fields and question.task is Task.ELIGIBILITY
    if is_criterion:
        # only what is no criterion says so
        written.setdefault("ok", True)
    values = dict(read_item(question, written))
    known = parsed.drafts.get(question.number)
    if values.get("stands") is False and known and known.read("stands").value:
        del values["stands"]
    return values


def _find_skipped(lines: Questions, silent: set[int], left_out: set[int]) -> set[int]:
    """Return the numbers of the lines that the model skipped: those that must have an item, or all
    ``silent`` ones, which did not receive an item, if the model did not read enough of the part.
    What the rules alone read in running text (``left_out``) need not have one.
    """
    # the other lines may have any number of items
    needed = {line.number for line in lines if not is_listing(line)} - left_out
    skipped = silent & needed
    if len(skipped) > len(needed) * _SHARE_SKIPPED:
        return silent
    return skipped | (silent & left_out)


def _draft_item(parsed: ParsedRecord, question: Question, values: Values) -> Draft:
    """Return the draft of an item, which contains the values that the text supports. They are also
    searched for in the line above a criterion.
    """
    item_values = dict(values)
    contradicted = tuple(item_values.pop(CONTRADICTED, ()))
    draft = replace(
        parsed.draft_of(question.task, question.chunk), contradicted=contradicted
    )
    above = parsed.find_lead_in(draft)
    return ground_answer(item_values, draft, parsed, above, question.custom)


def _list_reasons(unasked: Questions, received: Questions) -> dict[int, Reasons]:
    """Return the fields that the model was to be asked about, grouped by the number of the item or
    record, each field with the reason that applies if it remains unanswered: the model did not
    answer, or the budget did not cover the call.

    Many lines ask about the participants: if a model received one of these lines, the budget is not
    the reason. A custom field of the record is treated as limited by the budget until all of its
    lines have been asked about.
    """
    reasons: dict[int, Reasons] = {}
    # the received lines come last, so that their reason replaces that of the unasked ones
    for questions, reason in (
        (unasked, AbsenceReason.BUDGET_EXHAUSTED),
        (received, AbsenceReason.MODEL_REFUSED),
    ):
        for question in questions:
            of_record = [own.name for own in question.custom if own.of is Of.RECORD]
            for name in question.fields:
                number = question.number
                if name == PEOPLE or name in of_record:
                    number = RECORD
                reasons_of_item = reasons.setdefault(number, {})
                # an unasked line might state the custom field, so the budget remains the reason
                if name in of_record and name in reasons_of_item:
                    continue
                for part in _PARTS_OF.get(name, (name,)):
                    reasons_of_item[part] = reason
    return reasons


def _is_open(draft: Draft) -> bool:
    """Return True if a field that the model was asked about does not have a supported answer.

    For regimens, an agent is sufficient. A line that, according to the model, is not a criterion
    or regimen (``stands`` is False) is treated as having no open fields.
    """
    # the line is not an item, such as a heading among the criteria
    if "stands" in draft.model and draft.model["stands"].value is False:
        return False
    fields = set(draft.questions)
    if REGIMENS in fields:
        fields = fields.difference(_PARTS_OF[REGIMENS]) | {"agent"}
    return not fields <= draft.model.keys()


def _join_record(drafts: Sequence[Draft], reasons: Reasons) -> Draft:
    """Combine the answers about the whole record, which come from several lines, into one draft:
    the lowest minimum age, the highest maximum age, the first answers about sex and healthy
    volunteers, and all values of custom fields.

    Lines that do not state an age or a sex (None) are skipped.
    """
    model = {}
    custom = {}
    for name in reasons:
        answers = [draft.model[name] for draft in drafts if name in draft.model]
        answers = [reading for reading in answers if reading.value is not None]
        if name in AGES:
            # "at least 16 years" on one line and "at least 18 years" on another mean 16 years
            answers.sort(
                key=lambda age: age.value.value * DAYS[age.value.unit],
                reverse=name == AGES[1],
            )
            # ages that the rules could not confirm come last, also in the order of their values
            answers.sort(key=lambda age: bool(age.features))
        elif name not in PEOPLE_FIELDS:
            # answers that state a value come first
            answers.sort(key=lambda reading: not reading.value)
            of_lines = [draft.custom_values.get(name, ()) for draft in drafts]
            custom[name] = tuple(chain.from_iterable(of_lines))
        if answers:
            model[name] = answers[0]
    contradicted = chain.from_iterable(draft.contradicted for draft in drafts)
    against: list[Objection] = []
    for draft in drafts:
        of_people = [one for one in draft.objections if one.field in PEOPLE_FIELDS]
        against += of_people
    return replace(
        draft_record(PeopleReadings()),
        model=model,
        contradicted=tuple(contradicted),
        objections=tuple(against),
        custom_values=custom,
        questions=reasons,
    )
