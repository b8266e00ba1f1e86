"""When the calls to a model end before their answers: the model is silent for too long, its answers
are of no use, or the run is stopped.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from extractor.errors import ModelAway, RunStopped
from extractor.masking import hide_keys

IS_IT_THERE = (
    "is the server running, and the address right? If it is only slow, give it more "
    "time (--timeout SECONDS)"
)
MOST_USELESS = 20
"""Useless answers in a row after which the model is given up: each of them is paid for."""
_LONGEST = 300
_Task = asyncio.Task[Any] | None


class Watch:
    """Ends the calls to a model, named ``name`` in messages, when no answer has come for the
    seconds of the ``patience``, when the model is given up, or when the run is stopped. Without a
    patience (None), it gives up nothing by itself.

    ``problem`` is why the last useless call was useless, ``under_way`` are the tasks whose request
    waits for a reply. A watch belongs to one event loop at a time.
    """

    def __init__(self, patience: float | None, name: str) -> None:
        self.patience = patience
        self.problem = ""
        self.under_way: set[_Task] = set()
        self._name = name
        self._useless = 0
        self._limits: dict[_Task, asyncio.Timeout] = {}
        self._deadline: float | None = None
        self._end: ModelAway | None = None

    def stop(self, why: str) -> None:
        """Begin no further request: calls raise ``RunStopped`` with ``why``, unless their request
        is under way.
        """
        self._finish(RunStopped(why), self._limits.keys() - self.under_way)

    def give_up(self, why: str) -> None:
        """End the calls under way with ``ModelAway``, and begin no other."""
        end = ModelAway(f"{self._name}: {hide_keys(why)}")
        self._finish(end, self._limits.keys())

    def _finish(self, end: ModelAway, tasks: Any) -> None:
        self._end = self._end or end
        for task in tasks:
            # the beginning of time is over
            self._reschedule(self._limits[task], 0.0)

    def _reschedule(self, limit: asyncio.Timeout, when: float | None) -> None:
        if not limit.expired():
            limit.reschedule(when)

    def check(self) -> None:
        """Raise ``ModelAway`` if the model was given up, ``RunStopped`` after ``stop``."""
        if self._end:
            raise type(self._end)(*self._end.args)

    def note_problem(self, problem: object) -> None:
        """Note why a call was useless."""
        shown = str(problem).removeprefix(f"{self._name}: ")
        self.problem = hide_keys(shown)[:_LONGEST]

    def note_useless(self, problem: object) -> None:
        """Note a useless answer. The model is given up after ``MOST_USELESS`` of them in a row."""
        self.note_problem(problem)
        self._useless += 1
        if self._useless >= MOST_USELESS and self.patience is not None:
            self.give_up(
                f"{self._useless} useless answers in a row, the last one: {self.problem}; name "
                "another model, or mend this and run the command again"
            )

    def note_useful(self) -> None:
        """Note an answer of use."""
        self._useless = 0

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Watch one call inside the block.

        Raises ``ModelAway`` if no answer comes for the seconds of the patience; ``RunStopped``
        after ``stop``, unless a request of the call is under way.
        """
        self.check()
        # time without a call is no silence
        if not self._limits:
            self._set_deadline()
        task = asyncio.current_task()
        try:
            async with asyncio.timeout_at(self._deadline) as limit:
                self._limits[task] = limit
                try:
                    yield
                finally:
                    del self._limits[task]
        except TimeoutError:
            if not limit.expired():
                raise
            if self._end is None:
                silence = f"no answer for {self.patience or 0:g} seconds"
                self.give_up(f"{silence}; {IS_IT_THERE}")
            self.check()

    def _set_deadline(self) -> None:
        if self.patience is not None:
            self._deadline = asyncio.get_running_loop().time() + self.patience

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Watch one exchange with the server inside the block."""
        task = asyncio.current_task()
        self.under_way.add(task)
        try:
            yield
        finally:
            self.under_way.discard(task)

    def note_answer(self) -> None:
        """Note that an answer has come, which ends the silence."""
        self._set_deadline()
        for limit in self._limits.values():
            if self._end is None:
                self._reschedule(limit, self._deadline)
