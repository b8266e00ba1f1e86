"""Asks a stand-in one made-up question, in a time of its own."""

import asyncio

from extractor.model.asking.reply_models import Reply
from extractor.model.calls import Call, PromptVersion
from extractor.model.client import Model
from extractor.model.pace import RetryPolicy
from extractor.model.spec import ClientSettings, ModelSpec

from .standin import answer

CALL = Call(
    PromptVersion("questions", 1, "ab" * 32),
    "The definitions.",
    "[1|cat] Adults",
    Reply,
    500,
)
GOOD = answer({"n": 1, "ok": True})


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def ask(model, clock=None, calls=1, call=CALL, **settings):
    """The completions of so many equal calls, one after another, by one client."""
    clock = clock or Clock()
    policy = RetryPolicy(sleep=clock.sleep, clock=lambda: clock.now, jitter=lambda: 0.0)

    async def run():
        spec = ModelSpec.parse(model)
        async with Model(
            spec, ClientSettings(patience=None, **settings), policy
        ) as asked:
            return [(await asked.complete(call)).completion for _ in range(calls)]

    return asyncio.run(run())
