"""When a model is given up, and what a run waits for: one rule for a server that is silent or
answers nothing usable.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from extractor.errors import ModelAway, ModelUnavailable, RequestTooLong, RunStopped
from extractor.masking import hide_keys

_ONCE_USABLE = 10
"""A model that has been useful may fail this many times as often in a row, as weak models do."""
_LATE_AFTER_S = 5.0
"""Shorter waits are not shown."""
_LONGEST = 300
IS_IT_THERE = (
    "is the server running, and the address right? If it is only slow, give it more "
    "time (--timeout SECONDS)"
)
TOO_SMALL = (
    "the context of this model is too small, so waiting does not help: give its server a larger "
    "one (16,384 tokens are enough), or name another model"
)
"""What is to be done if a model refuses most requests for their length."""
_Task = asyncio.Task[Any] | None


@dataclass(frozen=True, slots=True)
class Patience:
    """The model is given up if its first ``calls`` bring no usable answer, or if nothing answers
    for ``seconds`` while a call waits.

    An answer is usable if an item of it is valid; an empty answer is usable if the questions allow
    one. After the first usable answer, ten times as many calls in a row must fail. Faults, refusals
    and web pages are no answers.
    """

    calls: int = 10
    seconds: float = 300.0


class Watch:
    """Watches the calls to a model, named ``name`` in messages, and ends them when it is given up.

    ``problem`` is why the last useless call was useless. Without ``patience`` the model is never
    given up. A watch belongs to one event loop at a time; ``describe_wait`` may be called from any
    thread.
    """

    def __init__(self, patience: Patience | None, name: str) -> None:
        self.patience = patience
        self.name = name
        self.problem = ""
        self._calls: dict[_Task, asyncio.Timeout] = {}
        self._sending: set[_Task] = set()
        self._useless = 0
        self._all_useless = 0
        self._too_long = 0
        self._was_usable = False
        self._clock: Callable[[], float] = lambda: 0.0
        self._silent_since = 0.0
        self._next_try = 0.0
        self._last = "nothing"
        self._end: ModelAway | None = None

    @property
    def is_over(self) -> bool:
        """Whether no further request may begin."""
        return self._end is not None

    @property
    def is_too_small(self) -> bool:
        """Whether the model refused most of the useless calls for their length."""
        return self._too_long > self._all_useless / 2

    @property
    def under_way(self) -> int:
        """The number of requests that wait for a reply."""
        return len(self._sending)

    def stop(self, why: str) -> None:
        """Begin no further request: calls raise ``RunStopped`` with ``why``, unless their request
        is under way.
        """
        self._end = self._end or RunStopped(why)
        self._reschedule()

    def give_up(self, why: str) -> None:
        """End the calls under way with ``ModelAway``, and begin no other."""
        self._end = self._end or ModelAway(f"{self.name}: {hide_keys(why)}")
        self._reschedule()

    def check(self) -> None:
        """Raise ``ModelAway`` if the model was given up, ``RunStopped`` after ``stop``."""
        if self._end:
            raise type(self._end)(*self._end.args)

    def check_call(self, problem: str | ModelUnavailable | None) -> None:
        """Count a call that has ended: ``problem`` says why its answer was of no use, None if it
        was usable. A usable answer starts the count of useless calls anew.

        Gives the model up and raises ``ModelAway`` after too many useless calls in a row;
        ``RunStopped`` if the run was stopped meanwhile. Without a patience it never raises.
        """
        # a model that is given up already has no further call to count
        if isinstance(problem, ModelAway):
            return
        if problem is None:
            self._useless = 0
            self._was_usable = True
            return
        self.problem = hide_keys(str(problem).removeprefix(f"{self.name}: "))[:_LONGEST]
        self._useless += 1
        self._all_useless += 1
        self._too_long += isinstance(problem, RequestTooLong)
        if self.patience is None:
            return
        most = self.patience.calls
        if self._was_usable:
            most *= _ONCE_USABLE
        if self._useless >= most:
            self.give_up(
                f"{self._useless} calls in a row brought no usable answer: {self.problem}; what "
                f"came last: {self._last}"
            )
            self.check()

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Watch one call inside the block: it ends when the model is given up.

        Raises ``ModelAway`` if nothing answers for the seconds of the patience; ``RunStopped``
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
            assert self.patience or self._end
            if self.patience:
                seconds = f"{self.patience.seconds:g} seconds"
                self.give_up(
                    f"no answer for {seconds}; what came last: {self._last}; {IS_IT_THERE}"
                )
            self.check()

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Watch one exchange with the server inside the block. Raises as ``check`` does."""
        self.check()
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
            self._next_try = 0.0
            self._reschedule()

    def note_pause(self, seconds: float) -> None:
        """Note when the next try is. Raises as ``check`` does."""
        self.check()
        self._next_try = self._clock() + seconds

    def describe_wait(self) -> str:
        """Say what the calls wait for, for a progress line: the next try of a request, with what
        came before, or an answer that is late. Return "" if nothing is late.
        """
        now = self._clock()
        left = self._next_try - now
        waited = now - self._silent_since
        if not self._calls or max(left, waited) < _LATE_AFTER_S:
            return ""
        if left > 0:
            return f"{self._last.partition(' (')[0][:40]}, next try in {left:.0f} s"
        return f"waiting for an answer of {self.name}, {waited:.0f} s"

    def _deadline(self, task: _Task) -> float | None:
        """Return when the call of a task is ended: now if the model is given up, else when it has
        been silent for too long. None for never.
        """
        may_end = isinstance(self._end, RunStopped) and task in self._sending
        if self._end and not may_end:
            return self._clock()
        if self.patience is None:
            return None
        return self._silent_since + self.patience.seconds

    def _reschedule(self) -> None:
        """Set the deadline of each call under way."""
        for task, limit in self._calls.items():
            if not limit.expired():
                limit.reschedule(self._deadline(task))
