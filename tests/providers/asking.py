"""Asks a stand-in one made-up question, in a time of its own."""

import asyncio

from extractor.model.asking.reply_models import Reply
from extractor.model.calls import Call, Prompt
from extractor.model.client import Model
from extractor.model.spec import ClientSettings, ModelSpec
from tests.llm.colours import patient

CALL = Call(
    Prompt("questions", 1, "ab" * 32, "The definitions."),
    "[1|cat] Adults",
    Reply,
    500,
)


def ask(model, slept=None, calls=1, call=CALL, *, at_once=False, **settings):
    """The completions of so many equal calls, one after another or at once, by one client. The
    waits are noted in ``slept``.
    """
    policy = patient(slept, attempts=6)
    settings = ClientSettings(patience=None, **settings)

    async def run():
        async with Model(ModelSpec.parse(model), settings, policy) as asked:
            if at_once:
                waiting = [asked.complete(call) for _ in range(calls)]
                return await asyncio.gather(*waiting)
            return [await asked.complete(call) for _ in range(calls)]

    return [one.completion for one in asyncio.run(run())]
