"""Convert the replies of a model to drafts with the values that the text supports.

A question is a line with unanswered fields. A reply contains items about these lines, and each item
becomes a draft. No question is asked twice: a value that the text contradicts is rejected and
reported as a finding. A missing item is an answer only if the model seems to have read the whole
call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.declaration import Of
from extractor.concepts.people.registered_ages import AGES
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Reading
from extractor.evidence.items import PeopleReadings, draft_record
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.model.asking.answers import (
    CONTRADICTED,
    Values,
    read_silence,
    read_values,
)
from extractor.model.asking.planner import Round, count_asked
from extractor.model.asking.questions import (
    ModelReply,
    Question,
    Questions,
    Replies,
)
from extractor.model.asking.reply_models import (
    PARTS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMEN_FIELDS,
    REGIMENS,
    is_listing,
)
from extractor.schemas import AbsenceReason, Origin
from extractor.schemas.vocabulary import LIMITED

_PARTS_OF = {
    PEOPLE: PEOPLE_FIELDS,
    REGIMENS: (REGIMENS, *REGIMEN_FIELDS),
    "split": PARTS,
}
"""The fields that each of these questions asks for. Any other question asks for one field."""
_SHARE_SKIPPED = 0.2
"""If more than this share of the lines that require an item did not receive one, the model is
assumed not to have read the whole call.
"""

Reasons = dict[str, AbsenceReason]
"""The reasons why fields do not have answers, keyed by field."""


def read_replies(
    parsed: ParsedRecord, query_round: Round, replies: Replies | None
) -> ModelResult:
    """Return the values that the text supports, from the replies to a round of questions.

    The result contains a draft for each item, an empty draft for each line without an answer, and
    a draft for the record itself if the model was asked about it. Each draft contains the reasons
    for its unanswered fields. Lines whose answer is pending in a batch are counted as open and do
    not have a draft. If ``replies`` is None because no model was asked, all lines are pending.
    """
    if replies is None:
        replies = [ModelReply(pending=1)] * len(query_round.calls)
    received: list[Question] = []  # the lines of calls with a reply
    unasked: list[Question] = []  # those of calls that the budget did not cover
    drafts = []
    skipped = set()
    unanswered = 0
    waiting = 0  # the number of lines whose reply is pending
    for call, reply in zip(query_round.calls, replies, strict=True):
        if reply is None:
            unasked += call
            continue
        call_drafts, call_skipped = _read_reply(parsed, call, reply)
        drafts += call_drafts
        skipped |= call_skipped
        if reply.is_useless:
            unanswered += count_asked(call)
        else:
            unanswered += len(call_skipped)
        replied_lines = call
        # the reply to one half of a call may be pending
        if reply.pending:
            drafted = {draft.number for draft in call_drafts}
            replied_lines = [line for line in call if line.number in drafted]
        received += replied_lines
        waiting += count_asked(call) - count_asked(replied_lines)
    reasons = _list_reasons(unasked, received)
    drafted = {draft.number for draft in drafts}
    for line in (*received, *unasked):
        # lines that are only context for the model need no draft
        if line.number not in reasons or line.number in drafted:
            continue
        draft = parsed.draft_of(line.task, line.chunk)
        is_skipped = line.number in skipped
        drafts.append(replace(draft, custom_values={}, is_skipped=is_skipped))
    drafts = [
        replace(draft, questions=reasons.get(draft.number, {})) for draft in drafts
    ]
    if RECORD in reasons:
        drafts.append(_join_record(drafts, reasons[RECORD]))
    total = sum(filter(None, replies), ModelReply())
    remarks = total.remarks
    if unasked:
        remarks = (*remarks, LIMITED)
    result = ModelResult(tuple(drafts), total.rejected, remarks)
    counts = {
        "questions": count_asked(received),
        "open_questions": waiting + sum(map(_is_open, result.by_number.values())),
        "unanswered": unanswered,
    }
    return replace(result, usage=total.usage.model_copy(update=counts))


def _read_reply(
    parsed: ParsedRecord, call: Questions, reply: ModelReply
) -> tuple[list[Draft], set[int]]:
    """Return the drafts from a reply to a call, and the numbers of the lines that the model
    skipped. There is a draft for each item and for each line for which the absence of items is an
    answer. There is none for the answer about the structure.
    """
    if call[0].places:
        return [], set()
    lines = {line.number: line for line in call}
    drafts = [
        _draft_item(parsed, lines, question, values)
        for question, values in read_values(call, reply.items)
    ]
    drafts = prove_regimens(drafts, parsed)
    if reply.pending or reply.is_useless:
        return drafts, set()
    answered = {draft.number for draft in drafts}
    silent = {line.number for line in call if line.fields} - answered
    skipped = _find_skipped(call, silent)
    # the rules read doses, so there should be items
    if parsed.regimens and not answered:
        skipped = silent
    # an item that was dropped may have been about any of the silent lines
    if reply.dropped:
        return drafts, skipped
    unlisted = [lines[number] for number in silent - skipped]
    for question, values in read_silence(unlisted):
        drafts.append(_draft_item(parsed, {}, question, values))
    return drafts, skipped


def _find_skipped(call: Questions, silent: set[int]) -> set[int]:
    """Return the numbers of the lines that the model skipped: those that must have an item, or all
    ``silent`` ones, which did not receive an item, if the model did not read enough of the call.
    """
    # the other lines may have any number of items
    needed = {line.number for line in call if not is_listing(line)}
    skipped = silent & needed
    if len(skipped) > len(needed) * _SHARE_SKIPPED:
        return silent
    return skipped


def _draft_item(
    parsed: ParsedRecord,
    lines: Mapping[int, Question],
    question: Question,
    values: Values,
) -> Draft:
    """Return the draft of an item, which contains the values that the text supports. If the model
    names a line of the call as the line that introduces the item, or states that there is no such
    line, the draft includes this answer.

    Values are also searched for in the introducing line: the one that the model names or, if it
    names none, the one that the rules found. ``values`` are the values of the item, keyed by field;
    ``lines`` are the lines of the call, keyed by number.
    """
    item_values = dict(values)
    contradicted = tuple(item_values.pop(CONTRADICTED, ()))
    draft = replace(
        parsed.draft_of(question.task, question.chunk), contradicted=contradicted
    )
    lead_line = None
    lead_number = item_values.get("lead_in")
    # None is kept, because it is an answer: no line introduces this one
    if isinstance(lead_number, int):
        del item_values["lead_in"]
        lead_line = lines.get(lead_number)
    # the model names no line, or one that is not in the call
    if lead_line is None:
        above = parsed.find_lead_in(draft)
        return ground_answer(item_values, draft, parsed, above, question.custom)
    draft = ground_answer(item_values, draft, parsed, lead_line.chunk, question.custom)
    span = lead_line.chunk.span
    words = parsed.raw(span)
    reading = Reading(words, spans=(span,), origin=Origin.MODEL, weighed=1.0)
    return replace(draft, model={**draft.model, "lead_in": reading})


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
            # the answer about the structure is used before
            if question.places:
                continue
            of_record = {
                field.name for field in question.custom if field.of is Of.RECORD
            }
            for name in question.fields:
                is_of_record = name == PEOPLE or name in of_record
                number = RECORD if is_of_record else question.number
                reasons_of_item = reasons.setdefault(number, {})
                # an unasked line might state the custom field, so the budget remains the reason
                if name not in of_record or name not in reasons_of_item:
                    reasons_of_item |= dict.fromkeys(
                        _PARTS_OF.get(name, [name]), reason
                    )
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
            custom[name] = sum(
                (draft.custom_values.get(name, ()) for draft in drafts), ()
            )
        if answers:
            model[name] = answers[0]
    objections = [objection for draft in drafts for objection in draft.objections]
    against = tuple(
        objection for objection in objections if objection.field in PEOPLE_FIELDS
    )
    return replace(
        draft_record(PeopleReadings()),
        model=model,
        contradicted=sum((draft.contradicted for draft in drafts), ()),
        objections=against,
        custom_values=custom,
        questions=reasons,
    )
