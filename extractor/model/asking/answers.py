"""Read an answer: its valid items, and the values of these items for their lines.

The reply model validates each item separately if it cannot validate all of them, and each value of
an item, so that an invalid item or value does not affect the others.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from extractor.assembly.check import UnreadableValue
from extractor.model.answer_text import read_whole, split_items
from extractor.model.asking.questions import (
    AnswerItem,
    AskedLines,
    ModelReply,
    Question,
)
from extractor.model.asking.reply_models import (
    CLAIMS,
    FORMS,
    PEOPLE,
    REGIMENS,
    UNANSWERED,
    Split,
    expand,
)
from extractor.model.calls import Call, ReplyItem, ReplyModel
from extractor.model.completions import Completion, Ending
from extractor.schemas import Concept, Task
from extractor.schemas.base import JsonObject

_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)
CONTRADICTED = "contradicted keys"
"""The keys, or fields, of an item to which a reply gives different values. No field of a user can
have this name, because it contains a space.
"""
_OF_REGIMEN = ("role", "route", "freq", "dose")
"""Keys of which a regimen has one value."""
_SAME = ("quote", "agent", "step", "arms", "when", "for", "cycle")
"""Keys that tell one regimen from another, as its amount does."""
_OF_STRUCTURE = ("list", "under", "ok")
"""Keys that say where an item stands. If one cannot be read, the structure is that of the rules."""
Remarks = Iterator[str]
_HEAD = 60
"""Maximum number of characters used to find the beginning of a part of an outcome. If a model
copies more words of the part, they are truncated to this length.
"""


def read_items(
    completion: Completion, call: Call, request: AskedLines, part: range
) -> ModelReply:
    """Return the valid items of an answer about a part of a record, and the reasons for dropping
    the other items. If the answer is a refusal, only its reason is read.

    If the answer is truncated, only its complete items are read; the caller asks about the rest
    again.
    """
    if completion.ending is Ending.REFUSED:
        return ModelReply(dropped=((None, completion.remark),))
    items, dropped = _validate_items(completion, call.reply_model)
    remarks = [*filter(None, [completion.remark])]
    values_by_place: dict[tuple[int, int], JsonObject] = {}
    for position, item in enumerate(items, 1):
        if item.n not in part:
            dropped.append((item.n, "was not asked about"))
            continue
        if item.unknown:
            names = ", ".join(item.unknown)
            remarks.append(
                f"line {item.n} has unknown keys, which were not read: {names}"
            )
        for key in _OF_STRUCTURE:
            if isinstance(getattr(item, key, None), UnreadableValue):
                dropped.append((item.n, f"{key} is in no readable format"))
        place = (item.n, position)
        # all items of a number that allows one share a place, so that their values are joined
        if request.allows_one(item.n):
            place = (item.n, 0)
        remarks += _add_values(values_by_place.setdefault(place, {}), item)
    remarks += _compare_regimens(values_by_place)
    found = tuple(AnswerItem(n, values) for (n, _), values in values_by_place.items())
    return ModelReply(found, dropped=tuple(dropped), remarks=tuple(remarks))


def _validate_items(
    completion: Completion, model: type[ReplyModel]
) -> tuple[Sequence[ReplyItem], list[tuple[int | None, str]]]:
    """Return the items of an answer, and the reasons for dropping others, each with its number if
    it has one. Items that instructor did not read are validated one by one.
    """
    if completion.filled:
        return completion.filled.items, []
    items: list[ReplyItem] = []
    dropped: list[tuple[int | None, str]] = []
    is_cut = completion.ending is Ending.CUT
    raw_items = None
    if not is_cut:
        raw_items = read_whole(completion.text)
    if raw_items is None:
        raw_items = split_items(completion.text, is_cut=is_cut)
        if not is_cut:
            dropped.append(
                (None, "the answer is empty, is not JSON, or contains no items")
            )
    for raw in raw_items:
        try:
            items += model.model_validate({"items": [raw]}).items
        except ValidationError as error:
            reasons = "; ".join(fault["msg"] for fault in error.errors())
            dropped.append((raw["n"], reasons))
    return items, dropped


def _add_values(values: JsonObject, item: ReplyItem) -> Remarks:
    """Add the values of an item to ``values``, those of earlier items of a line that allows one,
    and yield remarks. A key for which they contradict each other has no answer, and a remark says
    so. Each item may have claims of a custom field.
    """
    for key in sorted(item.model_fields_set - {"n", "unknown"}):
        value = getattr(item, key)
        first = values.setdefault(key, value)
        if first in (value, UNANSWERED):
            continue
        if key.startswith(CLAIMS):
            values[key] = (*first, *value)
            continue
        values[key] = UNANSWERED
        values.setdefault(CONTRADICTED, []).append(key)
        yield _explain(item.n, key, "neither was used", first, value)


def _compare_regimens(items: Mapping[tuple[int, int], JsonObject]) -> Remarks:
    """Yield a remark about each key for which two items of a line contradict each other about one
    regimen. Both are kept, and doubted.
    """
    regimens: dict[str, JsonObject] = {}
    for (number, _), values in items.items():
        for amount in values.get("dose") or [None]:
            same = str([number, amount, *map(values.get, _SAME)]).casefold()
            first = regimens.setdefault(same, values)
            for key in _OF_REGIMEN:
                both = [item[key] for item in (first, values) if item.get(key)]
                is_contradicted = len(both) > 1 and both[0] != both[1]
                if is_contradicted:
                    first.setdefault(CONTRADICTED, []).append(key)
                    values.setdefault(CONTRADICTED, []).append(key)
                    yield _explain(number, key, "both are doubted", *both)


def _explain(number: int, key: str, outcome: str, *both: object) -> str:
    shown = [json.dumps(value, ensure_ascii=False, default=str) for value in both]
    return (
        f"line {number} has two answers to {key}, and {outcome}: {' and '.join(shown)}"
    )


Values = Mapping[str, Any]


def read_item(question: Question, written: Values) -> Values:
    """Return the values that an item gives for a question's fields, or an empty dictionary if the
    item does not answer the question. ``written`` contains the item's values by key. The value of
    a custom field is a tuple of claims.

    If the item omits a field, the text is taken not to state it: its value is None, an empty tuple,
    or False for ``censored``. However, omitting a field that every line has, or a field about the
    participants, is not an answer, so the result does not contain the field.
    """
    forms = FORMS[question.task]
    names = question.guideline_fields
    # a line that is not a criterion may still introduce criteria and describe participants
    is_none = written.get("ok") is False
    if is_none and question.task is Task.ELIGIBILITY:
        names = ("stands", *sorted({"rule", PEOPLE}.intersection(names)))
    values: dict[str, object] = {}
    contradicted = []
    for name in expand(names):
        value = written.get(forms[name].key, forms[name].missing)
        if value is not UNANSWERED:
            values[name] = value
        if forms[name].key in written.get(CONTRADICTED, ()):
            contradicted.append(name)
    if values.get("concept") in _KINETICS:
        # a pharmacokinetic measure such as Tmax is a time, but has no events (None)
        values |= dict.fromkeys(values.keys() & {"start_event", "end_events"})
    split = values.get("split")
    if isinstance(split, Split):
        del values["split"]
        try:
            values |= split_outcome(question.chunk.text, split)
        except LookupError:
            values["split"] = UnreadableValue(split.model_dump_json())
    claims = {
        field.name: written.get(f"{CLAIMS}{field.name}", ())
        for field in question.custom
    }
    is_regimen = REGIMENS in question.fields
    is_answer = bool(values)
    # a regimen item that contains only the number of its line is not an answer
    if is_regimen:
        is_answer = any(values.values())
    has_claims = any(claims.values())
    if not (is_answer or contradicted or has_claims):
        return {}
    if is_regimen:
        values["stands"] = True
    if contradicted:
        values[CONTRADICTED] = contradicted
    return values | claims


def split_outcome(text: str, heads: Split) -> Values:
    """Split a flattened outcome into its measure, description and time frame. ``heads`` contains
    the first words of the description (``d``) and of the time frame (``t``), as the model copied
    them. Each begins after a comma: the description after the earliest possible comma, and the time
    frame after the latest. A part without a head is None.

    Raises ``LookupError`` if no part of the text begins with a head, or if the description would
    begin after the time frame.

    >>> split_outcome(
    ...     "Survival, overall, From infusion to death., 2 years",
    ...     Split(d="From infusion", t="2 years"),
    ... )  # doctest: +NORMALIZE_WHITESPACE
    {'measure': 'Survival, overall', 'description': 'From infusion to death.',
     'time_frame': '2 years'}
    """
    description = (heads.d or "")[:_HEAD]
    time_frame = (heads.t or "")[:_HEAD]
    time_start = len(text)
    if time_frame:
        time_start = _find_starts(text, time_frame)[-1]
    description_start = time_start
    if description:
        description_start = _find_starts(text, description)[0]
    if description and description_start >= time_start:
        raise LookupError
    pieces = (text[:description_start], text[description_start:time_start])
    measure, described = (piece.strip().removesuffix(",").rstrip() for piece in pieces)
    return {
        "measure": measure,
        "description": described or None,
        "time_frame": text[time_start:].strip() or None,
    }


def _find_starts(text: str, head: str) -> list[int]:
    """List the offsets where a part begins with these words. Raises ``LookupError`` if the words
    do not begin a part.
    """
    # a last word that was truncated still matches, since only its beginning is compared
    expression = r"\s+".join(map(re.escape, head.strip(" .,…").split()))
    parts = re.finditer(rf",\s*({expression})", text, re.IGNORECASE)
    starts = [part.start(1) for part in parts]
    if not starts or not expression:
        raise LookupError
    return starts


def read_silence(question: Question) -> Values:
    """Return the values that the absence of items implies for a line that may have any number of
    them. A passage has no regimens (``stands`` is False); any other line has no values for its
    custom fields.
    """
    if REGIMENS in question.fields:
        return {"stands": False}
    return {field.name: () for field in question.custom}
