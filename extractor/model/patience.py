"""When a model is given up, and what a run waits for: one rule for a server that is silent or
answers nothing usable.

``Patience`` holds the numbers of the rule. A ``Watch`` applies it to the calls of one model, and
says what came back.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from extractor.errors import ModelAway, ModelUnavailable, RequestTooLong, RunStopped
from extractor.masking import hide_keys
from extractor.plurals import counted

MOST_CALLS = 5
"""How often the questions of one call are sent for an answer, with re-asks and halves of a
truncated answer.

Repeats after faults, which bring no answer, do not count. The ``most`` calls of ``--dry-run`` come
from this number.
"""
_ONCE_USABLE = 10
"""A model that has been useful may fail this many times as often in a row, as weak models do."""
_SHOWN_AFTER_S = 3.0
_LATE_AFTER_S = 10.0
"""Shorter waits, for the first answer and for later ones, are not shown."""
_PROBLEM_LENGTH = 300
_IS_IT_THERE = (
    "is the server running, and the address right? If it is only slow, give it more "
    "time (--timeout SECONDS)"
)
TOO_SMALL = (
    "the context of this model is too small, so waiting does not help: give its server a larger "
    "one (16,384 tokens are enough), or name another model"
)
"""What is to be done if a model refuses requests for their length."""


class Came(NamedTuple):
    """The result of a request: in words, in short, and whether it is an answer of a model."""

    words: str
    brief: str
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """The model is given up if its first ``calls`` bring no usable answer, or if nothing answers
    for ``seconds``.

    An answer is usable if an item of it is valid; an empty answer is usable if the questions allow
    one. After the first usable answer, ten times as many calls in a row must fail. ``seconds`` pass
    while a request waits for a model's answer, whatever its worth; faults, refusals and web pages
    are no answers. A server that takes requests and has never replied to one is given up earlier:
    after one request's time and that of its repeat.
    """

    calls: int = 10
    seconds: float = 300.0


class Watch:
    """Watches the calls to a model, named ``name`` in messages.

    ``problem`` is why the last call of no use was of none. Without ``patience`` the model is never
    given up.

    It belongs to one event loop at a time; ``describe_wait`` may be called from any thread.
    """

    def __init__(self, patience: Patience | None, name: str) -> None:
        self.problem = ""
        self._patience = patience
        self._name = name
        self._clock: Callable[[], float] = lambda: 0.0
        self._calls: dict[asyncio.Task[Any] | None, asyncio.Timeout] = {}
        self._exchanging: set[asyncio.Task[Any] | None] = set()
        self._requests = 0
        # in a row
        self._useless_calls = 0
        self._was_usable = False
        # in the whole run
        self._all_useless = 0
        self._too_long = 0
        self._has_answered = False
        self._silent_since: float | None = None
        self._idle_since = 0.0
        self._next_try = 0.0
        self._last = Came("", "")
        self._why_over = ""
        # a request under way may end, though no other begins
        self._lets_end = False

    @property
    def gives_up(self) -> bool:
        """Whether a silent model is given up, so that a request may wait for it without end."""
        return self._patience is not None

    @property
    def is_over(self) -> bool:
        """Whether no further request may begin."""
        return bool(self._why_over)

    @property
    def is_too_small(self) -> bool:
        """Whether the model's context is too small for the requests: it refused most of the calls
        that brought nothing for their length.
        """
        return self._too_long > self._all_useless / 2

    @property
    def under_way(self) -> int:
        """The number of requests that wait for a reply."""
        return len(self._exchanging)

    def stop(self, why: str) -> None:
        """Begin no further request. Calls raise ``RunStopped`` with ``why``, unless their
        request is under way.
        """
        self._why_over = self._why_over or why
        self._lets_end = True
        self._clock = asyncio.get_running_loop().time
        self._reschedule()

    def give_up(self, why: str) -> None:
        """Give the model up: end the calls under way, and begin no other. The first ``why``
        counts.
        """
        self._why_over = self._why_over or why
        self._reschedule()

    def give_up_silent(self, seconds: float) -> ModelAway:
        """Give up a server that never answered, though each request had so many seconds. Returns
        the error to raise.

        The calls beside the one that found this out, and those that wait behind it, would wait as
        long.
        """
        tried = f"{counted(self._requests, 'request')}, {seconds:g} seconds each"
        self.give_up(
            f"{self._name}: no answer in time to the first calls ({tried}); {_IS_IT_THERE}"
        )
        return self._explain_end()

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Hold one call inside the block, and count it if it fails with ``ModelUnavailable``.

        The call ends when nothing has answered for the seconds of the patience since the first
        request was sent, or since the last answer. Before a request is sent, by this call or
        another, nothing is waited for. Time without any call does not count as silence.

        Raises ``ModelAway`` if the model is given up, before the call, by it, or while it waits;
        ``RunStopped`` after ``stop``, unless a request of the call is under way.
        """
        if self._why_over:
            raise self._explain_end()
        self._clock = asyncio.get_running_loop().time
        # the time between the last call and this one is no silence
        if self._silent_since is not None and not self._calls:
            self._silent_since += self._clock() - self._idle_since
        # none until a request is sent; then ``exchanging`` sets it for all calls under way
        limit = asyncio.timeout_at(self._deadline)
        task = asyncio.current_task()
        try:
            async with limit:
                self._calls[task] = limit
                try:
                    yield
                finally:
                    del self._calls[task]
                    self._idle_since = self._clock()
        except TimeoutError:
            if not limit.expired():
                raise
            # "stop" and "give_up" end calls as well, and have said why
            if not self._why_over:
                self.give_up(self._explain_silence())
            raise self._explain_end() from None
        except ModelUnavailable as error:
            # a model that is given up already has no further call to count
            if not isinstance(error, ModelAway):
                is_too_long = isinstance(error, RequestTooLong)
                self.check_call(str(error), is_too_long=is_too_long)
            raise

    def check_call(self, problem: str | None, *, is_too_long: bool = False) -> None:
        """Count a call that has ended: ``problem`` says why its answer was of no use, None if it
        was usable; ``is_too_long`` that the model refused its length. A usable answer starts the
        count of useless calls anew.

        Gives the model up and raises ``ModelAway`` after too many useless calls in a row;
        ``RunStopped`` if the run was stopped meanwhile. A model that has been useful may fail ten
        times as often, as weak models do. Without a patience it never raises.
        """
        if problem is None:
            self._useless_calls = 0
            self._requests = 0
            self._was_usable = True
            return
        said = problem.removeprefix(f"{self._name}: ")[:_PROBLEM_LENGTH]
        # without an answer, the problem says what came
        if self._last.is_answer:
            said += f"; the last reply: {self._last.words}"
        self.problem = hide_keys(said)
        self._useless_calls += 1
        self._all_useless += 1
        self._too_long += is_too_long
        if self._patience is None:
            return
        most = self._patience.calls
        which = f"the first {counted(self._useless_calls, 'call')}"
        if self._was_usable:
            most *= _ONCE_USABLE
            which = f"{counted(self._useless_calls, 'call')} in a row"
        if self._useless_calls >= most:
            waste = f"{which} brought no usable answer ({counted(self._requests, 'request')})"
            remedy = f"; {TOO_SMALL}" if self.is_too_small else ""
            self.give_up(f"{self._name}: {waste}: {self.problem}{remedy}")
            raise self._explain_end() from None

    def note_request(self) -> None:
        """Note that a request is sent, which may be one of several in an exchange."""
        self._requests += 1

    @contextmanager
    def exchanging(self) -> Iterator[Callable[[Came], None]]:
        """Hold one exchange with a server inside the block. Yields the function that the exchange
        tells what came.

        From the first exchange on, the server counts as silent until an answer comes. Raises
        ``ModelAway`` if the model was given up while the exchange waited for its turn.
        """
        if self._why_over:
            raise self._explain_end()
        self._clock = asyncio.get_running_loop().time
        task = asyncio.current_task()
        self._exchanging.add(task)
        if self._silent_since is None:
            self._silent_since = self._clock()
        self._reschedule()

        def note(came: Came) -> None:
            """Note what came. An answer ends the silence, which begins anew at once if other
            exchanges still wait. Anything else that came changes only what messages say.
            """
            self._last = came
            if not came.is_answer:
                return
            self._has_answered = True
            self._next_try = 0.0
            self._silent_since = None
            if len(self._exchanging) > 1:
                self._silent_since = self._clock()
            self._reschedule()

        try:
            yield note
        finally:
            self._exchanging.discard(task)

    def pausing(
        self, sleep: Callable[[float], Awaitable[None]]
    ) -> Callable[[float], Awaitable[None]]:
        """Wrap ``sleep`` so that ``describe_wait`` can name the next try, and so that no wait
        begins once the model is given up (``ModelAway``).
        """

        async def noted(seconds: float) -> None:
            """Note when the next try is, and sleep until then."""
            if self._why_over:
                raise self._explain_end()
            self._next_try = self._clock() + seconds
            await sleep(seconds)

        return noted

    def describe_wait(self) -> str:
        """Say what the calls wait for, for a progress line: the next try of a request, with what
        came before, or an answer that is late. Return "" if nothing is late: the first answer is
        after 3 seconds, any later one after 10.
        """
        now = self._clock()
        waited = 0.0
        if self._silent_since is not None and self._calls:
            waited = now - self._silent_since
        left = self._next_try - now
        is_pausing = left > 0 and waited != 0
        if left > _SHOWN_AFTER_S or is_pausing:
            cause = self._last.brief or "rate limited"
            return f"{cause}, next try in {left:.0f} s"
        late_after = _LATE_AFTER_S
        which = "an"
        if not self._has_answered:
            late_after = _SHOWN_AFTER_S
            which = "the first"
        if waited < late_after:
            return ""
        return f"waiting for {which} answer of {self._name}, {waited:.0f} s"

    @property
    def _deadline(self) -> float | None:
        """The time at which a call is ended, by the event loop's clock: now if the model is given
        up, else when it has been silent for too long. None for never.
        """
        if self._why_over and not self._lets_end:
            return self._clock()
        if self._patience is None or self._silent_since is None:
            return None
        return self._silent_since + self._patience.seconds

    def _reschedule(self) -> None:
        """Set the deadline of each call under way. A stopped run ends at once the calls that wait
        between requests.
        """
        for task, limit in self._calls.items():
            if limit.expired():
                continue
            deadline = self._deadline
            if self._lets_end and task not in self._exchanging:
                deadline = self._clock()
            limit.reschedule(deadline)

    def _explain_end(self) -> ModelAway:
        """Make the error of a call that ended: a stopped run, or a model that was given up."""
        kind = RunStopped if self._lets_end else ModelAway
        return kind(self._why_over)

    def _explain_silence(self) -> str:
        """Say for how long nothing answered, and what came last. Only a model with a patience is
        silent for too long.
        """
        assert self._patience
        seconds = f"{self._patience.seconds:g} seconds"
        tried = f"{self._name}: no answer for {seconds} ({counted(self._requests, 'request')})"
        if self._last.words:
            return hide_keys(f"{tried}; what came last: {self._last.words}")
        return f"{tried}, and nothing came back; {_IS_IT_THERE}"
