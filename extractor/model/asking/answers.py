"""Read an answer: the valid items in its text, and the values of these items for their lines.

Items and values are validated separately, so an invalid item or value does not affect the others.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from extractor.assembly.check import UnreadableValue
from extractor.model.answer_text import read_whole, split_items
from extractor.model.asking.questions import ModelReply, Question, Questions
from extractor.model.asking.reply_models import (
    FORMS,
    PEOPLE,
    PEOPLE_FIELDS,
    REGIMENS,
    AnswerForm,
    expand,
    is_listing,
)
from extractor.model.calls import Call, ReplyItem
from extractor.model.completions import Completion, Ending
from extractor.schemas import Concept, Task

_NEEDED = {
    "stands",
    "kind",
    "category",
    "rule",
    "role",
    "arms",
    "split",
    "concept",
    "time_kind",
    *PEOPLE_FIELDS,
}
"""Fields that have a value for every line for which they are requested. If an item omits such a
field, the field remains unanswered.
"""
_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)
_HEAD = 60
"""Maximum number of characters used to find the beginning of a part of an outcome. If a model
copies more words of the part, they are truncated to this length.
"""
_LONGEST_NUMBER = 9
"""Maximum number of digits in the number of a line. Python refuses to read thousands of digits."""


def read_items(completion: Completion, call: Call, questions: Questions) -> ModelReply:
    """Validate each item of an answer separately. Return the valid items for the lines in the
    call, and the reasons for dropping the other items. If the answer is a refusal, only its reason
    is read.

    If the answer is truncated, only its complete items are read; the caller asks about the other
    lines again.
    """
    if completion.ending is Ending.REFUSED:
        return ModelReply(dropped=((None, completion.remark),))
    dropped: list[tuple[int | None, str]] = []
    is_cut = completion.ending is Ending.CUT
    items = None
    if not is_cut:
        items = read_whole(completion.text)
    if items is None:
        items = split_items(completion.text, is_cut=is_cut)
        if not is_cut:
            dropped.append(
                (None, "the answer is empty, is not JSON, or contains no items")
            )
    valid: list[ReplyItem] = []
    numbers = {number for question in questions for number in question.item_numbers}
    for raw in items:
        written = str(raw["n"])
        if len(written) > _LONGEST_NUMBER:
            dropped.append((None, "an item has a number that no line has"))
            continue
        number = int(written)
        if number not in numbers:
            dropped.append((number, "was not asked about"))
            continue
        try:
            valid += call.reply_model.model_validate({"items": [raw]}).items
        except ValidationError as error:
            dropped.append((number, _explain(error)))
    remarks = [completion.remark] if completion.remark else []
    for (number, key), values in find_contradictions(questions, valid).items():
        both = " and ".join(json.dumps(value, ensure_ascii=False) for value in values)
        remarks.append(
            f"line {number} has two answers to {key}, and neither was used: {both}"
        )
    return ModelReply(tuple(valid), dropped=tuple(dropped), remarks=tuple(remarks))


def find_contradictions(
    questions: Questions, items: Iterable[ReplyItem]
) -> dict[tuple[int, str], list[object]]:
    """Return the different values that items give for the same key of a line that allows one item,
    by the number of the line and the key. A custom field may have a claim in each item.
    """
    single = {
        line.number: {form.key for form in FORMS[line.task].values()}
        for line in questions
        if not is_listing(line)
    }
    found = defaultdict[tuple[int, str], list[object]](list)
    for item in items:
        for key, value in (item.model_extra or {}).items():
            values = found[item.n, key]
            is_single = key in single.get(item.n, ())
            if is_single and value is not None and value not in values:
                values.append(value)
    return {place: values for place, values in found.items() if len(values) > 1}


Values = Mapping[str, object]
Answers = Iterator[tuple[Question, Values]]
"""Pairs of a question and the values (keyed by field) of an item that answers it."""


def read_values(questions: Questions, items: Iterable[ReplyItem]) -> Answers:
    """Yield the values of items for the lines in ``questions``, in the order of the items. If a
    line that allows one item has several, they are one item. A field for which they contradict each
    other is not answered. Items that do not answer their question are skipped.
    """
    items = tuple(items)
    contradicted = find_contradictions(questions, items)
    by_number = {question.number: question for question in questions}
    raw_by_item: dict[tuple[int, int], Values] = {}
    for position, item in enumerate(items):
        item_id = (item.n, 0)
        if is_listing(by_number[item.n]):
            item_id = (item.n, position)
        earlier = raw_by_item.get(item_id, {})
        raw_by_item[item_id] = {**(item.model_extra or {}), **earlier}
    for (number, _), raw_values in raw_by_item.items():
        question = by_number[number]
        values = dict(_read_item(question, raw_values))
        for name, form in FORMS[question.task].items():
            if (number, form.key) in contradicted:
                values.pop(name, None)
        if values:
            yield question, values


def _read_item(question: Question, raw_values: Values) -> Values:
    """Return the values that an item gives for a question's fields, or an empty dictionary if the
    item does not answer the question. ``raw_values`` contains the item's values by key. The value
    of a custom field is a tuple of claims.

    If the item omits a field, the text is taken not to state it: its value is None, an empty tuple,
    or False for ``censored``. However, omitting a field that every line has, or a field about the
    participants, is not an answer, so the result does not contain the field.
    """
    forms = FORMS[question.task]
    names = question.guideline_fields
    # a line that is not a criterion may still introduce criteria and describe participants
    is_none = read_field("stands", forms["stands"], raw_values) is False
    if is_none and question.task is Task.ELIGIBILITY:
        names = ("stands", *sorted({"rule", PEOPLE}.intersection(names)))
    values: dict[str, object] = {}
    for name in expand(names):
        value = read_field(name, forms[name], raw_values)
        if value is not None or name not in _NEEDED:
            values[name] = value
    if values.get("concept") in _KINETICS:
        # a pharmacokinetic measure such as Tmax is a time, but not a time to an event
        values |= dict.fromkeys(values.keys() & {"start_event", "end_events"})
    split = values.get("split")
    if isinstance(split, dict):
        del values["split"]
        try:
            values |= split_outcome(question.chunk.text, split)
        except ValueError as error:
            values["split"] = UnreadableValue(json.dumps(split), str(error))
    claims = {}
    for field in question.custom:
        readable, faults = field.read(raw_values.get(field.name))
        claims[field.name] = (*readable, *(UnreadableValue(*fault) for fault in faults))
    is_regimen = REGIMENS in question.fields
    # a regimen item that contains only the number of its line is not an answer
    is_answer = any(values.values()) if is_regimen else bool(values)
    if not is_answer and not any(claims.values()):
        return {}
    if is_regimen:
        values["stands"] = True
    return values | claims


def split_outcome(text: str, heads: Mapping[str, str | None]) -> Values:
    """Split a flattened outcome into its measure, description and time frame. ``heads`` contains
    the first words of the description (``d``) and of the time frame (``t``), as the model copied
    them. Each begins after a comma: the description after the earliest possible comma, and the time
    frame after the latest. A part without a head is None.

    Raises ``ValueError`` if no part of the text begins with a head, or if the description would
    begin after the time frame.

    >>> split_outcome(
    ...     "Survival, overall, From infusion to death., 2 years",
    ...     {"d": "From infusion", "t": "2 years"},
    ... )  # doctest: +NORMALIZE_WHITESPACE
    {'measure': 'Survival, overall', 'description': 'From infusion to death.',
     'time_frame': '2 years'}
    """
    description, time_frame = ((heads.get(part) or "")[:_HEAD] for part in "dt")
    time_start = len(text)
    if time_frame:
        time_start = _find_starts(text, time_frame)[-1]
    description_start = time_start
    if description:
        description_start = _find_starts(text, description)[0]
    if description and description_start >= time_start:
        raise ValueError(
            f"split: {description!r} begins after the time frame; the order is measure, d, t"
        )
    pieces = (text[:description_start], text[description_start:time_start])
    measure, described = (piece.strip().removesuffix(",").rstrip() for piece in pieces)
    return {
        "measure": measure,
        "description": described or None,
        "time_frame": text[time_start:].strip() or None,
    }


def _find_starts(text: str, head: str) -> list[int]:
    """List the offsets where a part begins with these words. Raises ``ValueError`` if the words do
    not begin a part.
    """
    # a last word that was truncated still matches, since only its beginning is compared
    expression = r"\s+".join(map(re.escape, head.strip(" .,…").split()))
    parts = re.finditer(rf",\s*({expression})", text, re.IGNORECASE)
    starts = [part.start(1) for part in parts]
    if not starts or not expression:
        raise ValueError(
            f"split: no part begins with {head!r} after a comma; copy its first words exactly"
        )
    return starts


def read_field(name: str, form: AnswerForm, raw_values: Values) -> object:
    """Return the value of a field in an item, or an ``UnreadableValue``. If the item omits the
    field, return the value that means "not stated" (None, an empty tuple, or False for
    ``censored``), or None if the field must have a value.
    """
    # the field's full name is also accepted
    value = raw_values.get(form.key, raw_values.get(name))
    if value is None:
        if name == "censored":
            return False
        if form.many and name not in _NEEDED:
            return ()
        return None
    if not form.many:
        return _read_value(form, value)
    # a single value is sometimes written without brackets
    members = value if isinstance(value, list) else [value]
    return tuple(_read_value(form, member) for member in members)


def _read_value(form: AnswerForm, raw_value: object) -> object:
    """Return a value, or an ``UnreadableValue`` with the reason."""
    try:
        return form.read(raw_value)
    except ValueError as error:
        text = raw_value
        if not isinstance(text, str):
            text = json.dumps(raw_value, ensure_ascii=False)
        return UnreadableValue(text, _explain(error))


def _explain(error: ValueError) -> str:
    """Return the message of an error, or all messages of a validation error."""
    if not isinstance(error, ValidationError):
        return str(error)
    problems = "; ".join(fault["msg"] for fault in error.errors())
    return problems.removeprefix("Value error, ")


def read_silence(silent: Iterable[Question]) -> Answers:
    """Yield the lines for which the absence of items counts as an answer, with the values that the
    absence implies. A line about which the model was asked for regimens is taken to have none
    (``stands`` is False); any other line is taken to have no values for its custom fields.
    """
    for question in filter(is_listing, silent):
        if REGIMENS in question.fields:
            yield question, {"stands": False}
        elif question.custom:
            yield question, {field.name: () for field in question.custom}
