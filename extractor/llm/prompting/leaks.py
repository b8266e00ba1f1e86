"""Answers that repeat a worked example of the prompt: small models copy what they were shown.

A quote of an example does not stand in the record, so it is kept out anyway; but an answer that gives one was not read
from its line at all, and none of its other values, not even a word of a closed set, is worth anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from extractor.ground.check import GroundedAnswer
from extractor.llm.wire import WIRE_ITEMS, read_answers
from extractor.schemas import Constraint, FindingKind, Instrument, Task

from .prompt_files import Example, load_prompt

__all__ = ["drop_repeated", "list_example_values"]

_NAMES = frozenset({"agent", "quote"})
"""Fields whose examples are invented: nobody answers with them by chance."""
_TELLING = 6
"""Words from which on a quote is not in an example and in a record by chance."""

_Said = tuple[str, str]
"""A field and a value of it."""


@cache
def list_example_values() -> Mapping[Task, frozenset[_Said]]:
    """The values of the prompt's worked examples that an answer cannot share by chance, by task.

    >>> ("agent", "testimab") in list_example_values()[Task.DOSING]
    True
    """
    return {
        task: frozenset(said for example in found.examples for said in _list_telling(example))
        for task, found in load_prompt().tasks.items()
    }


def drop_repeated(answer: GroundedAnswer) -> GroundedAnswer:
    """The answer without any value, if one that the text does not hold is that of a worked example."""
    known = list_example_values()[answer.task]
    repeated = [(r.field, r.value.casefold()) in known for r in answer.rejections]
    if not any(repeated):
        return answer
    told = (
        replace(rejection, kind=FindingKind.EXAMPLE_REPEATED) if is_known else rejection
        for rejection, is_known in zip(answer.rejections, repeated, strict=True)
    )
    return replace(answer, readings={}, rejections=tuple(told))


def _list_telling(example: Example) -> Iterator[_Said]:
    question = example.question
    number = question.chunk.number
    fields = WIRE_ITEMS[question.task].expand(question.fields)
    context = {"fields": {number: fields}, "texts": {number: question.chunk.text}}
    items = [WIRE_ITEMS[question.task].model_validate(raw, context=context) for raw in example.answer]
    for answer in read_answers([question], items):
        for field, value in answer.values.items():
            for member in value if isinstance(value, tuple) else (value,):
                if member is not None and _is_telling(field, member):
                    yield field, _show(member).casefold()


def _show(value: Any) -> str:
    """The value as a rejection shows it."""
    return value if isinstance(value, str) else str(value.model_dump_json())


def _is_telling(field: str, value: Any) -> bool:
    if isinstance(value, str):
        return field in _NAMES or len(value.split()) >= _TELLING
    if isinstance(value, Constraint):
        return len(value.quantity.split()) >= _TELLING // 2
    return isinstance(value, Instrument) and value.version is not None
