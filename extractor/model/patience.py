"""When the calls to a model end before their answers: the model is silent for too long, its answers
are of no use, or the run is stopped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from extractor.errors import ModelAway, RunStopped
from extractor.masking import hide_keys

_LONGEST = 300
IS_IT_THERE = (
    "is the server running, and the address right? If it is only slow, give it more "
    "time (--timeout SECONDS)"
)
MOST_USELESS = 20
"""Useless answers in a row after which the model is given up: each of them is paid for."""
_Task = asyncio.Task[Any] | None


class Watch:
    """Watches the calls to a model, named ``name`` in messages, and ends them when no answer has
    come for the seconds of the ``patience``, when the model is given up, or when the run is
    stopped. Without a patience (None), it gives up nothing by itself.

    ``problem`` is why the last useless call was useless. A watch belongs to one event loop at a
    time.
    """

    def __init__(self, patience: float | None, name: str) -> None:
        self.patience = patience
        self.problem = ""
        self._name = name
        self._useless = 0
        self._calls: dict[_Task, asyncio.Timeout] = {}
        self._sending: set[_Task] = set()
        self._clock: Callable[[], float] = lambda: 0.0
        self._silent_since = 0.0
        self._last = "nothing"
        self._end: ModelAway | None = None

    @property
    def under_way(self) -> int:
        """The number of requests that wait for a reply."""
        return len(self._sending)

    def stop(self, why: str) -> None:
        """Begin no further request: calls raise ``RunStopped`` with ``why``, unless their request
        is under way.
        """
        self._finish(RunStopped(why))

    def give_up(self, why: str) -> None:
        """End the calls under way with ``ModelAway``, and begin no other."""
        self._finish(ModelAway(f"{self._name}: {hide_keys(why)}"))

    def _finish(self, end: ModelAway) -> None:
        self._end = self._end or end
        self._reschedule()

    def check(self) -> None:
        """Raise ``ModelAway`` if the model was given up, ``RunStopped`` after ``stop``."""
        if self._end:
            raise type(self._end)(*self._end.args)

    def note_problem(self, problem: object) -> None:
        """Note why a call was useless."""
        shown = str(problem).removeprefix(f"{self._name}: ")
        self.problem = hide_keys(shown)[:_LONGEST]

    def note_outcome(self, problem: object) -> None:
        """Note that the questions of a call have an answer: one of use (None), or what was wrong.
        The model is given up after ``MOST_USELESS`` useless ones in a row.
        """
        if problem is None:
            self._useless = 0
            return
        self.note_problem(problem)
        self._useless += 1
        if self._useless >= MOST_USELESS and self.patience is not None:
            self.give_up(
                f"{self._useless} useless answers in a row, the last one: {self.problem}; name "
                "another model, or mend this and run the command again"
            )

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Watch one call inside the block.

        Raises ``ModelAway`` if no answer comes for the seconds of the patience; ``RunStopped``
        after ``stop``, unless a request of the call is under way.
        """
        self.check()
        self._clock = asyncio.get_running_loop().time
        # time without a call is no silence
        if not self._calls:
            self._silent_since = self._clock()
        task = asyncio.current_task()
        try:
            async with asyncio.timeout_at(self._deadline(task)) as limit:
                self._calls[task] = limit
                try:
                    yield
                finally:
                    del self._calls[task]
        except TimeoutError:
            if not limit.expired():
                raise
            seconds = f"no answer for {self.patience or 0:g} seconds"
            self.give_up(f"{seconds}; what came last: {self._last}; {IS_IT_THERE}")
            self.check()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Watch one exchange with the server inside the block."""
        task = asyncio.current_task()
        self._sending.add(task)
        try:
            yield
        finally:
            self._sending.discard(task)

    def note_reply(self, said: str, *, is_answer: bool = False) -> None:
        """Note what came. An answer of a model ends the silence; anything else that came changes
        only what messages say.
        """
        self._last = said
        if is_answer:
            self._silent_since = self._clock()
            self._reschedule()

    def _deadline(self, task: _Task) -> float | None:
        """Return when the call of a task is ended: now if the model is given up, else when it has
        been silent for too long. None for never.
        """
        may_end = isinstance(self._end, RunStopped) and task in self._sending
        if self._end and not may_end:
            return self._clock()
        return None if self.patience is None else self._silent_since + self.patience

    def _reschedule(self) -> None:
        """Set the deadline of each call under way."""
        for task, limit in self._calls.items():
            if not limit.expired():
                limit.reschedule(self._deadline(task))
