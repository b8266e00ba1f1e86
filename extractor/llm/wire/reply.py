"""The reply to one call: an item for each line, of the task that the line belongs to, under the smallest schema."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, create_model, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from extractor.llm.requests import Question
from extractor.schemas import Task

from .base import WireItem, WireModel, bare_schema, list_numbers
from .dosing import RegimenItem
from .eligibility import CriterionItem
from .endpoints import OutcomeItem

__all__ = ["MOST_REGIMENS", "WIRE_ITEMS", "WireReply", "asked_keys", "narrow_reply", "unite_options"]

WIRE_ITEMS: Mapping[Task, type[WireItem]] = MappingProxyType(
    {Task.ELIGIBILITY: CriterionItem, Task.DOSING: RegimenItem, Task.ENDPOINTS: OutcomeItem}
)
"""The wire item of each task; its ``allowance`` names the fields that a model may fill."""

MOST_REGIMENS = 8
"""Regimens that one line may hold."""


class WireReply(WireModel):
    """A model's answer to one call: exactly one item for each line that needs one."""

    items: tuple[WireItem, ...]

    @model_validator(mode="after")
    def _cover_the_lines(self, info: ValidationInfo) -> Self:
        if not info.context:
            return self
        numbers = [item.n for item in self.items]
        once: Collection[int] = info.context["once"]
        if missing := [n for n in once if n not in numbers]:
            raise ValueError(f"no item for line {list_numbers(missing)}; give one item for each line")
        if repeated := [n for n in once if numbers.count(n) > 1]:
            raise ValueError(f"several items for line {list_numbers(repeated)}; give one item for each line")
        return self


def narrow_reply(questions: Collection[Question]) -> type[WireReply]:
    """The reply model whose JSON schema has only the keys and words that these questions ask.

    A grammar made from it cannot wander to other keys, and must write those that every question asks and
    every line has. The room for items grows in powers of two, so that few different schemas are ever
    sent and providers can cache them. Nothing here is for OpenAI's strict mode, which would make every
    absent key cost a written null.

    Validate with the context ``{"tasks": {n: task}, "fields": {n: fields}, "once": numbers that need exactly one
    item, "texts": {n: text of the line}}``.
    """
    asked = [asked_keys(question) for question in questions]
    required = frozenset.intersection(*(keys & needed for keys, needed in asked))
    if any("ok" in keys for keys, _ in asked):  # what does not stand has no other values
        required &= {"ok"}
    room = sum(MOST_REGIMENS if "regimens" in question.fields else 1 for question in questions)
    enums = [
        (WIRE_ITEMS[task].key(field), words)
        for task in Task
        for field, words in unite_options(WIRE_ITEMS[task], [q for q in questions if q.task is task]).items()
    ]
    shape = _Shape(
        tuple(task for task in Task if any(question.task is task for question in questions)),
        frozenset.union(*(keys for keys, _ in asked)) | {"n"},
        required | {"n"},
        tuple(enums),
    )
    return _build_reply(shape, 1 << (room - 1).bit_length())


def unite_options(item: type[WireItem], questions: Sequence[Question]) -> dict[str, tuple[str, ...]]:
    """The words between which the questions of one task waver, for each closed field that none leaves wide open."""
    united: dict[str, tuple[str, ...]] = {}
    for field in item.allowance:
        asking = [question for question in questions if field in item.expand(question.fields)]
        words = item.words(field)
        if words and asking and all(field in question.options for question in asking):
            wanted: frozenset[StrEnum] = frozenset().union(*(question.options[field] for question in asking))
            united[field] = tuple(word for word, member in words.members.items() if member in wanted)
    return united


def asked_keys(question: Question) -> tuple[frozenset[str], frozenset[str]]:
    """The wire keys that answer a question, and those of which every line has a value."""
    item = WIRE_ITEMS[question.task]
    fields = item.expand(question.fields)
    return frozenset(map(item.key, fields)), frozenset(map(item.key, fields & item.always))


@dataclass(frozen=True, slots=True)
class _Shape:
    """Annotation of an item: its tasks, the keys to show and to require, and the words of its closed sets.

    Validation is milder than the schema: a missing key stays open, and any word of the set is understood.
    """

    tasks: tuple[Task, ...]
    shown: frozenset[str]
    required: frozenset[str]
    words: tuple[tuple[str, tuple[str, ...]], ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {task: handler.generate_schema(WIRE_ITEMS[task]) for task in Task}
        union = core_schema.tagged_union_schema(choices=choices, discriminator=_TASK)
        return core_schema.with_info_before_validator_function(_tell_task, union)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        properties: dict[str, JsonSchemaValue] = {}
        for task in self.tasks:
            schema = handler.resolve_ref_schema(handler(WIRE_ITEMS[task].__pydantic_core_schema__))
            shown = {key: value for key, value in schema["properties"].items() if key in self.shown}
            properties |= {key: bare_schema(value) for key, value in shown.items()}
        for key, words in self.words:
            properties[key] = {"type": "string", "enum": list(words)}
        return {
            "type": "object",
            "properties": properties,
            "required": [key for key in properties if key in self.required],
            "additionalProperties": False,
        }


_TASK = "task of the line"


def _tell_task(data: Any, info: ValidationInfo) -> Any:
    """Mark an item with the task of its line, which decides how it is read."""
    if isinstance(data, WireItem):
        return data.model_dump(by_alias=True) | {_TASK: _task_of(data)}
    if not isinstance(data, dict) or not info.context:
        return data
    tasks: Mapping[int, Task] = info.context["tasks"]
    try:
        number = int(data["n"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("an item needs the number n of its line") from None
    if number not in tasks:
        raise ValueError(f"there is no line {number}; the lines are {list_numbers(tasks)}")
    return data | {_TASK: tasks[number]}


def _task_of(item: WireItem) -> Task:
    return next(task for task, kind in WIRE_ITEMS.items() if isinstance(item, kind))


@lru_cache(maxsize=256)
def _build_reply(shape: _Shape, room: int) -> type[WireReply]:
    items: Any = (tuple[Annotated[WireItem, shape], ...], Field(max_length=room))
    return create_model("Reply", __base__=WireReply, items=items)
