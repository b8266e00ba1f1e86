"""Decide when to stop sending requests to a model: if it has been silent for too long, if its
answers are unusable, or if the run was stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from time import monotonic

from extractor.errors import ModelAway, RunStopped
from extractor.masking import hide_keys

_HOW_TO_REACH = (
    "check that the server is running and the address is correct; if it is only slow, "
    "allow more time with --timeout SECONDS"
)
MOST_USELESS = 20
"""The number of consecutive unusable answers after which the model is abandoned, because each
answer costs money.
"""
_MOST_SILENT = 2
_LONGEST = 300


@dataclass(eq=False)
class Watch:
    """Stops further requests to a model when no answer has been received for ``patience`` seconds,
    after too many unusable answers, or when the run is stopped. If ``patience`` is None, only
    ``stop`` and ``give_up`` end requests.

    ``name`` is the model's name in messages, ``clock`` returns the time in seconds, ``timeout`` is
    the maximum duration of a request, after twice which without any reply the model is abandoned
    too, ``problem`` is the reason for the last failed call, ``under_way`` is the number of requests
    that are waiting for a reply, and ``sent`` and ``replies`` are the numbers of requests and
    replies.
    """

    patience: float | None
    name: str
    clock: Callable[[], float] = monotonic
    timeout: float = inf
    problem: str = ""
    under_way: int = 0
    sent: int = 0
    replies: int = 0
    _useless: int = 0
    _calls: int = 0
    _since: float = 0.0
    _heard: float = 0.0
    _end: ModelAway | None = None

    def stop(self, why: str) -> None:
        """Stop further requests. Calls then raise ``RunStopped`` with this reason."""
        self._end = self._end or RunStopped(why)

    def give_up(self, why: str) -> None:
        """Stop further requests. Calls then raise ``ModelAway`` with this reason."""
        self._end = self._end or ModelAway(f"{self.name}: {hide_keys(why)}")

    def check(self) -> None:
        """Raise ``ModelAway`` if the model was abandoned or has been silent for too long, and
        ``RunStopped`` after ``stop``.
        """
        if self.patience is not None and self.clock() - self._since >= self.patience:
            self.give_up(f"no answer for {self.patience:g} seconds; {_HOW_TO_REACH}")
        if self._end:
            raise type(self._end)(*self._end.args)

    def note_useless(self, problem: object, *, counts: bool = True) -> None:
        """Record why a call did not return a usable answer. After ``MOST_USELESS`` consecutive
        unusable answers that count, the model is abandoned. Failures of the server do not count,
        nor do answers that were unusable in an earlier run, so that a run with a few unanswerable
        records reaches its end.
        """
        reason = str(problem).removeprefix(f"{self.name}: ")
        self.problem = hide_keys(reason)[:_LONGEST]
        self._useless += counts
        if self._useless >= MOST_USELESS and self.patience is not None:
            self.give_up(
                f"{self._useless} unusable answers in a row; the last one: {self.problem}; choose "
                "another model, or fix this and run the command again"
            )

    def note_useful(self) -> None:
        """Record that a usable answer was received."""
        self._useless = 0

    def note_answer(self) -> None:
        """Record that an answer was received, which restarts the ``patience`` period."""
        self.note_reply()
        self._since = self._heard

    def note_reply(self) -> None:
        """Record that the server replied, even if the reply is an error."""
        self.replies += 1
        self._heard = self.clock()

    def note_late(self) -> None:
        """Record that a request received no reply in time. The provider may charge for each of
        these requests, so the model is abandoned if it has not replied to any request for twice
        the time that a request may take.
        """
        if self.patience is None:
            return
        longest = min(self.patience, 2 * self.timeout)
        if self.clock() - self._heard >= longest:
            self.give_up(f"no answer for {longest:g} seconds; {_HOW_TO_REACH}")

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count a call while the block runs. Only time during which a call is running counts
        towards ``patience``.
        """
        if not self._calls:
            self._since = self._heard = self.clock()
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1


@dataclass(eq=False)
class Silence:
    """Pauses extractions with a model that was silent during the last ``_MOST_SILENT`` of them,
    because its provider may charge for each request. Once per ``pause`` seconds, one extraction
    tries again.
    """

    watch: Watch
    pause: float
    _late: int = 0
    _paused_until: float = 0.0

    def find_pause(self) -> float | None:
        """Return the number of seconds until the next extraction may begin, or None if it may
        begin now. An extraction that may begin after a pause starts the next pause, so that it
        alone tries whether the model replies again.
        """
        now = self.watch.clock()
        if self._late < _MOST_SILENT:
            return None
        if now < self._paused_until:
            return self._paused_until - now
        self._paused_until = now + self.pause
        return None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count a block that ends with ``TimeoutError``, if requests were sent in the meantime but
        none received a reply.
        """
        sent = self.watch.sent
        replies = self.watch.replies
        is_late = False
        try:
            yield
        except TimeoutError:
            is_late = True
            raise
        finally:
            if self.watch.replies > replies:
                self._late = 0
            elif is_late and self.watch.sent > sent:
                self._late += 1
                self._paused_until = self.watch.clock() + self.pause
