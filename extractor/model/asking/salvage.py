"""Read the items of an answer one by one: the valid ones count, whatever else is wrong with it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from extractor.model.answer_text import read_whole, split_items
from extractor.model.asking.questions import ModelReply, Question, item_number
from extractor.model.asking.reply_models import is_listing, key_of
from extractor.model.calls import Call
from extractor.model.completions import Completion, Ending


def read_items(
    completion: Completion, call: Call, questions: Sequence[Question]
) -> ModelReply:
    """Validate each item of an answer by itself. Return the valid ones about lines that were asked,
    and why others are dropped. Of a refusal, only its reason is read.

    Of a truncated answer, the items that are whole are read; the rest is asked again. The remarks
    name what is doubtful: the completion's own remark, and contradictions between items of a line.
    """
    if completion.ending is Ending.REFUSED:
        return ModelReply(dropped=((None, completion.problem),))
    dropped: list[tuple[int | None, str]] = []
    is_cut = completion.ending is Ending.CUT
    found = None if is_cut else read_whole(completion.text)
    if found is None:
        found, broken = split_items(completion.text, is_cut=is_cut)
        if not is_cut:
            dropped += [(number, "the item is no JSON") for number in broken]
            dropped.append((None, "the answer is empty or no JSON with items"))
    kept: list[BaseModel] = []
    asked = {question.number for question in questions}
    for raw in found:
        number = int(raw["n"])
        if number not in asked:
            dropped.append((number, "was not asked about"))
            continue
        try:
            reply: Any = call.reply_model.model_validate_json(
                json.dumps({"items": [raw]}), context=call.context
            )
            kept += reply.items
        except ValidationError as error:
            problems = "; ".join(fault["msg"] for fault in error.errors())
            dropped.append((number, problems.removeprefix("Value error, ")))
    remarks = filter(None, [completion.remark, *find_contradictions(kept, questions)])
    return ModelReply(tuple(kept), dropped=tuple(dropped), remarks=tuple(remarks))


def find_contradictions(
    items: Iterable[BaseModel], questions: Sequence[Question]
) -> Iterator[str]:
    """Yield remarks on lines that should have one item and have several, with different values for
    a key. Each later item is compared with the first one of its line, in the keys that both have.
    Lines for lists are left out.
    """
    listing = {question.number for question in questions if is_listing(question)}
    firsts: dict[int | None, BaseModel] = {}
    for item in items:
        number = item_number(item)
        first = firsts.setdefault(number, item)
        both = first.model_fields_set & item.model_fields_set
        keys = [
            key_of(key) for key in both if getattr(first, key) != getattr(item, key)
        ]
        if keys and number not in listing:
            names = ", ".join(sorted(keys))
            yield f"line {number} has several answers for {names}; the first one counts"
