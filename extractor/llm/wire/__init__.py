"""What travels between a model and this program: one small schema for each call."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from extractor.ground.answer import Answer
from extractor.llm.requests import LINE_BREAK, Question

from .base import WireItem
from .line_grammar import write_grammar
from .reply import WIRE_ITEMS, WireReply, narrow_reply, unite_options

__all__ = ["WIRE_ITEMS", "WireItem", "WireReply", "narrow_reply", "read_answers", "unite_options", "write_grammar"]


def read_answers(asked: Sequence[Question], items: Iterable[BaseModel], *, complete: bool = True) -> tuple[Answer, ...]:
    """What the valid items of a reply to the questions ``asked`` say, in the terms of the schemas.

    A line that was asked for its regimens and has no item holds none (``stands`` False). That is said only of
    a ``complete`` reply, of which no item was rejected.
    """
    questions = {question.chunk.number: question for question in asked}
    answers = [
        Answer(question.task, item.n, {field: _unflatten(value) for field, value in values.items()})
        for item in items
        if isinstance(item, WireItem) and (question := questions.get(item.n)) and (values := item.read(question))
    ]
    if complete:
        answered = {answer.chunk for answer in answers}
        empty = (q for q in asked if "regimens" in q.fields and q.chunk.number not in answered)
        answers += [Answer(q.task, q.chunk.number, {"stands": False}) for q in empty]
    return tuple(answers)


def _unflatten(value: Any) -> Any:
    """A value with the line breaks of the record in it, in the place of the marks that stood for them in its line."""
    if type(value) is str:  # words of closed sets are strings, too, and stay what they are
        return value.replace(LINE_BREAK, "\n")
    return tuple(map(_unflatten, value)) if isinstance(value, tuple) else value
