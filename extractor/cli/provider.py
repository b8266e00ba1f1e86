"""``extractor run --batch``: a provider's batches, watched from the command line."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic

from extractor.llm.batch.batch_post import BatchPost
from extractor.llm.batch.provider_batch import BatchNews, PollPolicy, open_desk
from extractor.llm.sending.metered import Route
from extractor.llm.spec import ModelSpec
from extractor.run import RunFolder
from extractor.run.budget import Budget
from extractor.run.rounds import Rounds, run_rounds

from .console import without_controls
from .interrupts import Interrupts

__all__ = ["BatchRun"]

_SLICE_S = 0.5


class BatchRun:
    """A run whose questions go to a provider in batches. ``poll_s`` is how many seconds are waited at first."""

    def __init__(self, folder: RunFolder, budget: Budget | None, rounds: Rounds, poll_s: float) -> None:
        self._folder, self._rounds, self._poll_s = folder, rounds, poll_s
        self._requests = folder.store.batch_requests
        self._post = BatchPost(self._requests, budget)

    @property
    def route(self) -> Route:
        """How requests get into batches, and answers out of them."""
        return Route(transport=self._post.transport)

    async def go(
        self, spec: ModelSpec, go_over: Callable[[], Awaitable[None]], interrupts: Interrupts, *, quiet: bool
    ) -> None:
        """All rounds. ``go_over`` extracts what can be extracted, and leaves what must be asked to the ``route``."""

        async def sleep(seconds: float) -> None:
            until = monotonic() + seconds
            while not interrupts.any() and (left := until - monotonic()) > 0:
                await asyncio.sleep(min(left, _SLICE_S))
            if interrupts.any():
                raise asyncio.CancelledError  # batches go on without this program

        async def go_over_again() -> None:
            self._folder.rewind()
            await go_over()

        tell = _say_nothing if quiet else _say
        policy = replace(PollPolicy(sleep=sleep), first_wait=self._poll_s)
        async with open_desk(spec, self._requests, policy, tell) as desk:
            done = await run_rounds(self._requests, desk, go_over_again, self._rounds)
        if not done:
            print("extractor: requests are left that no batch answered; the same command goes on", file=sys.stderr)


def _say(news: BatchNews) -> None:
    told = f"; {without_controls(news.told)}" if news.told else ""
    print(f"extractor: batch {news.number}: {news.state}, {news.done} of {news.requests} done{told}", file=sys.stderr)


def _say_nothing(news: BatchNews) -> None:
    if news.told:
        _say(news)
