"""Minimal questions and calls for tests: a reply model with two fields, and a prompt of one
line.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from extractor.evidence.drafts import Chunk, Span
from extractor.model.asking.querying import ask_part
from extractor.model.asking.questions import ModelReply, Question
from extractor.model.calls import Call, Prompt, ReplyItem, ReplyModel
from extractor.model.client import Model
from extractor.model.pace import RetryPolicy
from extractor.model.spec import ClientSettings
from extractor.schemas import Task

from .stub import Script, Stub, serve

PROMPT = Prompt("colours", 1, "a" * 64, "Name the colour.")


class SkippedTime:
    """A clock: sleeping advances it and returns at once."""

    def __init__(self) -> None:
        self._now = 0.0

    def clock(self) -> float:
        """Seconds slept so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self._now += seconds


class Answer(ReplyItem, frozen=True):
    """What one line says."""

    colour: Literal["red", "green"]
    word: Literal["rose", "grass"] | None = None
    x: object = None


class Answers(ReplyModel, frozen=True):
    """Answers to all lines."""

    items: tuple[Answer, ...]

    @classmethod
    def model_json_schema(cls, *_: object, **__: object) -> dict[str, Any]:
        """The schema that pydantic makes, as there is no file."""
        return TypeAdapter(tuple[Answer, ...]).json_schema()


def ask_about(*numbers: int) -> list[Question]:
    return [
        Question(
            Task.ELIGIBILITY,
            Chunk(n, Span("eligibility", 0, 4), f"line {n}"),
            ("category",),
        )
        for n in numbers
    ]


def render(questions: Sequence[Question]) -> Call:
    lines = "\n".join(f"{q.chunk.number}: {q.chunk.text}" for q in questions)
    return Call(PROMPT, lines, Answers, 100)


def patient(sleeps: list[float] | None = None, attempts: int = 4) -> RetryPolicy:
    """A policy that records its waits in ``sleeps`` and does not wait."""
    time = SkippedTime()

    async def sleep(seconds: float) -> None:
        if sleeps is not None:
            sleeps.append(seconds)
        await time.sleep(seconds)

    return RetryPolicy(
        attempts=attempts, sleep=sleep, clock=time.clock, jitter=lambda: 0.0
    )


def model_of(
    stub: Stub,
    settings: ClientSettings | None = None,
    policy: RetryPolicy | None = None,
) -> Model:
    return Model(stub.spec, settings or ClientSettings(), policy or patient())


def opened(model: Model) -> AbstractAsyncContextManager[Any]:
    """Open a model that is not open."""
    return nullcontext() if model.sender else model


@dataclass(frozen=True)
class Lines:
    """As much of a request as a call needs: numbered lines, each of which has one item."""

    questions: Sequence[Question]
    make: Callable[[Sequence[Question]], Call]

    def render(self, part: range) -> Call:
        return self.make([line for line in self.questions if line.number in part])

    def count_items(self, part: range) -> int:
        return len(part)

    def allows_one(self, _: int) -> bool:
        return True

    needs_items = allows_one

    def halve(self, part: range) -> tuple[range, ...]:
        middle = (len(part) + 1) // 2
        return tuple(filter(None, (part[:middle], part[middle:])))


async def ask(
    model: Model,
    questions: Sequence[Question],
    make: Callable[[Sequence[Question]], Call],
) -> ModelReply:
    """Open a model if it is not open, and ask it about lines with consecutive numbers."""
    async with opened(model):
        part = range(questions[0].number, questions[-1].number + 1)
        return await ask_part(Lines(questions, make), part, model)


async def complete(
    script: Script,
    *numbers: int,
    settings: ClientSettings | None = None,
    policy: RetryPolicy | None = None,
) -> tuple[ModelReply, Stub]:
    """Ask a scripted server about these lines. Returns the reply, and the server with its
    requests.
    """
    with serve(script) as stub:
        return await ask(
            model_of(stub, settings, policy), ask_about(*numbers), render
        ), stub
