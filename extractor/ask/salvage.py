"""Extracts the valid items from an answer that is truncated or partly wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from extractor.ground.check import Unreadable
from extractor.llm.calls import Call
from extractor.llm.completions import Completion, Ending, is_json

from .questions import Question


@dataclass(frozen=True, slots=True)
class RejectedItem:
    """The reason for dropping an item, and the number of its chunk; None if it concerns the whole answer."""

    number: int | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.number is None else f"{self.number}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Salvage:
    """The valid items of an answer, and the reasons for dropping the others."""

    items: tuple[BaseModel, ...] = ()
    rejected: tuple[RejectedItem, ...] = ()

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the chunks whose items are all valid."""
        spoiled = {rejection.number for rejection in self.rejected}
        return frozenset(n for item in self.items if (n := item_number(item)) is not None and n not in spoiled)

    def completed_by(self, other: "Salvage") -> "Salvage":
        """Add the other's items for chunks without an item here."""
        known = {item_number(item) for item in self.items}
        more = tuple(item for item in other.items if item_number(item) not in known)
        helped = {item_number(item) for item in more}
        rejected = tuple(r for r in self.rejected if r.number not in helped)
        return Salvage(self.items + more, rejected)

    def joined_with(self, other: "Salvage") -> "Salvage":
        """Join two answers to different questions. An answer's rejections about the other's chunks are dropped."""
        return Salvage(
            self.items + other.items,
            self._rejected_beside(other.numbers) + other._rejected_beside(self.numbers),
        )

    def _rejected_beside(self, answered: frozenset[int]) -> tuple[RejectedItem, ...]:
        return tuple(rejection for rejection in self.rejected if rejection.number not in answered)


def item_number(item: BaseModel) -> int | None:
    """The number of the chunk that an item is about."""
    return getattr(item, "n", None)


def read_complete_items(text: str) -> list[Any] | None:
    """The certainly complete items of an answer that may be truncated. None if the text is not an answer.

    An item is complete once another one follows. All items of the last chunk are left out, because more of them may
    have followed.

    >>> read_complete_items('{"items":[{"n":1},{"n":2},{"n":2,"age":18},{"n":3,"age":1')
    [{'n': 1}, {'n': 2}, {'n': 2, 'age': 18}]
    >>> read_complete_items('{"items":[{"n":1},{"n":2},{"n":2')
    [{'n': 1}]
    """
    try:
        answer = from_json(text, allow_partial="trailing-strings")
    except (ValueError, TypeError):  # TypeError: half of a surrogate pair
        return None
    items = answer.get("items") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    if is_json(text) or not items:
        return items
    *complete, last = items
    # A number is complete only if another key follows: 1 may be the start of 12.
    begun = last.get("n") if "n" in list(last)[:-1] else None
    if begun is None and complete:
        begun = complete[-1].get("n")
    return [item for item in complete if item.get("n") != begun]


def read_items(completion: Completion, call: Call, questions: Sequence[Question]) -> Salvage:
    """The valid items of an answer, and why others cannot be used; of one that was cut off, the complete ones."""
    if completion.ending is Ending.REFUSED:
        return Salvage((), (RejectedItem(None, completion.problem),))
    try:
        reply: Any = call.reply_model.model_validate_json(completion.text, context=dict(call.context))
    except ValidationError as error:
        salvage = salvage_items(read_complete_items(completion.text) or [], call, questions)
        if completion.ending is Ending.CUT or salvage.rejected:
            return salvage
        problem = describe_errors(error) if completion.text.strip() else "the answer is empty"
        return Salvage(salvage.items, (RejectedItem(None, problem),))
    return sort_items(reply.items, questions)


def salvage_items(items: list[Any], call: Call, questions: Sequence[Question]) -> Salvage:
    """Validate each item on its own, against the item type of the reply model and the questions' chunks."""
    kept = Salvage()
    for raw in items:
        try:
            item = _item_type(call.reply_model).validate_json(json.dumps(raw), context=dict(call.context))
            found = sort_items([item], questions)
        except ValidationError as error:
            found = Salvage((), (RejectedItem(_number_of(raw), describe_errors(error)),))
        kept = Salvage(kept.items + found.items, kept.rejected + found.rejected)
    return kept


def sort_items(items: Sequence[BaseModel | Unreadable], questions: Sequence[Question]) -> Salvage:
    """Keep the items about chunks that the questions are about, and reject the others."""
    asked = {question.chunk.number for question in questions}
    kept: list[BaseModel] = []
    rejected: list[RejectedItem] = []
    for item in items:
        if isinstance(item, Unreadable):
            number = _number_of(json.loads(item.text)) if is_json(item.text) else None
            rejected.append(RejectedItem(number, item.reason))
        elif item_number(item) in asked:
            kept.append(item)
        else:
            rejected.append(RejectedItem(item_number(item), "was not asked about"))
    return Salvage(tuple(kept), tuple(rejected))


def _number_of(raw: Any) -> int | None:
    number = raw.get("n") if isinstance(raw, dict) else None
    return number if isinstance(number, int) else None


def describe_errors(error: ValidationError) -> str:
    """The errors in one line of at most 300 characters, without the input.

    >>> try: TypeAdapter(int).validate_python("x")
    ... except ValidationError as error: print(describe_errors(error))
    Input should be a valid integer, unable to parse string as an integer
    """
    found = (": ".join(filter(None, [".".join(map(str, e["loc"])), e["msg"]])) for e in error.errors(include_url=False))
    return "; ".join(found)[:300]


@lru_cache(maxsize=64)
def _item_type(reply_model: type[BaseModel]) -> TypeAdapter[Any]:
    return TypeAdapter(get_args(reply_model.model_fields["items"].annotation)[0])
