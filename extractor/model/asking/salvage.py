"""Extract the valid items from an answer that is truncated or partly wrong."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from extractor.assembly.check import UnreadableValue
from extractor.model.asking.questions import ModelReply, Question, item_number
from extractor.model.asking.reply_models import is_listing, key_of
from extractor.model.calls import Call
from extractor.model.completions import Completion, Ending, is_json
from extractor.model.loose_json import BrokenOff, read_objects, tidy_value

_NUMBER = re.compile(r"[\"']n[\"']\s*:\s*[\"']?(\d{1,9})")


def read_items(
    completion: Completion, call: Call, questions: Sequence[Question]
) -> ModelReply:
    """Read the valid items of an answer, of a truncated one the complete ones, and say why
    others are dropped. Of a refusal, only its reason is read.

    The remarks name what is doubtful: the completion's own remark, and contradictions between items
    of a line.
    """
    if completion.ending is Ending.REFUSED:
        return ModelReply(dropped=((None, completion.problem),))
    try:
        answer: Any = call.reply_model.model_validate_json(
            completion.text, context=dict(call.context)
        )
    except ValidationError as error:
        return _salvage(completion, call, questions, error)
    reply = _sort_items(answer.items, questions)
    remarks = [completion.remark, *find_contradictions(reply.items, questions)]
    return replace(reply, remarks=tuple(filter(None, remarks)))


def _salvage(
    completion: Completion,
    call: Call,
    questions: Sequence[Question],
    error: ValidationError,
) -> ModelReply:
    """Read the items that can be used of an answer that does not fit the form, whose validation
    raised ``error``.

    An answer that was cut off needs no reason. Any other gets its broken items as dropped ones; if
    there are any, or no item was dropped, also why the whole answer does not fit.
    """
    items = read_complete_items(completion.text) or []
    salvaged = salvage_items(items, call, questions)
    remarks = [completion.remark, *find_contradictions(salvaged.items, questions)]
    salvaged = replace(salvaged, remarks=tuple(filter(None, remarks)))
    # the rest is asked again
    if completion.ending is Ending.CUT:
        return salvaged
    broken = _name_broken(completion.text)
    if salvaged.dropped and not broken:
        return salvaged
    if completion.text.strip():
        problem = describe_errors(error)
    elif completion.remark:
        problem = f"the answer is empty; {completion.remark}"
    else:
        problem = "the answer is empty"
    dropped = (*salvaged.dropped, *broken, (None, problem))
    return replace(salvaged, dropped=dropped)


def salvage_items(
    items: Sequence[Any], call: Call, questions: Sequence[Question]
) -> ModelReply:
    """Validate each item on its own, against the item type of the reply model and the lines of
    the questions. Invalid items, and items about other lines, are dropped with the reason.
    """
    item_type = _item_type(call.reply_model)
    context = dict(call.context)
    validated: list[Any] = []
    for raw in items:
        text = json.dumps(raw)
        try:
            validated.append(item_type.validate_json(text, context=context))
        except ValidationError as error:
            validated.append(UnreadableValue(text, describe_errors(error)))
    return _sort_items(validated, questions)


def read_complete_items(text: str) -> list[Any] | None:
    """Return the certainly complete items of an answer that may be truncated. None if the text is
    not an answer: no object with a list ``items`` of objects.

    Of a text that ends as JSON, all items are returned. Of a truncated one, an item is complete
    once another one follows, and all items of the last line are left out, because more of them may
    have followed. Of a text that is broken in its middle, the sound items are returned.

    >>> read_complete_items('{"items":[{"n":1},{"n":2},{"n":2,"age":18},{"n":3,"age":1')
    [{'n': 1}, {'n': 2}, {'n': 2, 'age': 18}]
    >>> read_complete_items('{"items":[{"n":1},{"n":2},{"n":2')
    [{'n': 1}]
    """
    is_whole = False
    try:
        strict, _ = tidy_value(text)
        is_whole = True
    except BrokenOff as broken:
        strict = broken.strict
    except (ValueError, RecursionError):
        # broken in its middle, as {"items":[{"n":1},{"n":2,"a":"b"c"},{"n":3}]}
        sound, _ = read_objects(text, "n")
        return sound or None
    try:
        answer = from_json(strict, allow_partial="trailing-strings")
    except ValueError:
        return None
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    # nothing of it is missing
    if is_whole or not items:
        return items
    *complete, last = items
    # A number is complete only if another key follows: 1 may be the start of 12.
    begun = None
    if "n" in list(last)[:-1]:
        begun = last["n"]
    if begun is None and complete:
        begun = complete[-1].get("n")
    return [item for item in complete if item.get("n") != begun]


def _name_broken(text: str) -> list[tuple[int | None, str]]:
    """Return the items of an answer that are no JSON as reasons for dropping them, each with the
    number of its line, None if that cannot be read. Nothing, if the whole answer is JSON.
    """
    if is_json(text):
        return []
    named: list[tuple[int | None, str]] = []
    _, broken = read_objects(text, "n")
    for item in broken:
        number = _NUMBER.search(item)
        line = int(number[1]) if number else None
        named.append((line, "the item is no JSON"))
    return named


def find_contradictions(
    items: Iterable[BaseModel], questions: Sequence[Question]
) -> Iterator[str]:
    """Yield remarks on lines that should have one item and have several, with different values for
    a key. Each later item is compared with the first one of its line, in the keys that both have.
    Lines for lists are left out.
    """
    listing = {question.number for question in questions if is_listing(question)}
    first_items: dict[int | None, BaseModel] = {}
    for item in items:
        number = item_number(item)
        first = first_items.setdefault(number, item)
        if first is item or number in listing:
            continue
        differing = []
        for name in sorted(first.model_fields_set & item.model_fields_set):
            if getattr(first, name) == getattr(item, name):
                continue
            differing.append(key_of(name))
        if differing:
            names = ", ".join(differing)
            yield f"line {number} has several answers for {names}; the first one counts"


def describe_errors(error: ValidationError) -> str:
    """Return the errors in one line of at most 300 characters: the path of each in the data, if it
    has one, and its message, without the input.

    >>> try:
    ...     TypeAdapter(int).validate_python("x")
    ... except ValidationError as error:
    ...     print(describe_errors(error))
    Input should be a valid integer, unable to parse string as an integer
    """
    described = []
    for fault in error.errors(include_url=False):
        path = ".".join(map(str, fault["loc"]))
        described.append(f"{path}: {fault['msg']}" if path else fault["msg"])
    return "; ".join(described)[:300]


def _sort_items(
    items: Sequence[BaseModel | UnreadableValue], questions: Sequence[Question]
) -> ModelReply:
    """Make a reply of the items about lines that were asked. Unreadable items, and items about
    other lines, are dropped with the reason.
    """
    asked = {question.number for question in questions}
    kept: list[BaseModel] = []
    dropped: list[tuple[int | None, str]] = []
    for item in items:
        if isinstance(item, UnreadableValue):
            dropped.append((_find_number(item.text), item.reason))
        elif item_number(item) in asked:
            kept.append(item)
        else:
            dropped.append((item_number(item), "was not asked about"))
    return ModelReply(tuple(kept), dropped=tuple(dropped))


def _find_number(text: str) -> int | None:
    """Return the number ``n`` of an unreadable item as it was written, None if it has none."""
    if not is_json(text):
        return None
    item = json.loads(text)
    if not isinstance(item, dict):
        return None
    number = item.get("n")
    return number if isinstance(number, int) else None


@lru_cache(maxsize=64)
def _item_type(reply_model: type[BaseModel]) -> TypeAdapter[Any]:
    """Return the type of the members of a reply model's ``items``, ready to validate."""
    listed = reply_model.model_fields["items"].annotation
    return TypeAdapter(get_args(listed)[0])
