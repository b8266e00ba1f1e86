"""When no further request is sent to a model: it is silent for too long, its answers are useless,
or the run is stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from extractor.errors import ModelAway, RunStopped
from extractor.masking import hide_keys

_IS_IT_THERE = (
    "is the server running, and the address right? If it is only slow, give it more "
    "time (--timeout SECONDS)"
)
MOST_USELESS = 20
"""The number of consecutive useless answers after which the model is given up: each one costs
money."""
_LONGEST = 300


@dataclass(eq=False)
class Watch:
    """Lets the calls to a model, named ``name`` in messages, send no further request when no answer
    has come for the seconds of the ``patience``, when the model is given up, or when the run is
    stopped. Without a patience (None), it never gives up by itself.

    ``problem`` is the reason why the last failed call failed, ``under_way`` counts the requests
    that are waiting for a reply, and ``clock`` gives the time.
    """

    patience: float | None
    name: str
    clock: Callable[[], float] = monotonic
    problem: str = ""
    under_way: int = 0
    _useless: int = 0
    _calls: int = 0
    _since: float = 0.0
    _end: ModelAway | None = None

    def stop(self, why: str) -> None:
        """Start no further requests: calls raise ``RunStopped`` with ``why``."""
        self._end = self._end or RunStopped(why)

    def give_up(self, why: str) -> None:
        """Start no further requests: calls raise ``ModelAway``."""
        self._end = self._end or ModelAway(f"{self.name}: {hide_keys(why)}")

    def check(self) -> None:
        """Raise ``ModelAway`` if the model is given up or silent for too long, ``RunStopped`` after
        ``stop``.
        """
        if self.patience is not None and self.clock() - self._since >= self.patience:
            self.give_up(f"no answer for {self.patience:g} seconds; {_IS_IT_THERE}")
        if self._end:
            raise type(self._end)(*self._end.args)

    def note_useless(self, problem: object, *, is_answer: bool = True) -> None:
        """Note why a call was useless. The model is given up after ``MOST_USELESS`` useless answers
        in a row.
        """
        shown = str(problem).removeprefix(f"{self.name}: ")
        self.problem = hide_keys(shown)[:_LONGEST]
        self._useless += is_answer
        if self._useless >= MOST_USELESS and self.patience is not None:
            self.give_up(
                f"{self._useless} useless answers in a row, the last one: {self.problem}; name "
                "another model, or mend this and run the command again"
            )

    def note_useful(self) -> None:
        """Note a usable answer."""
        self._useless = 0

    def note_answer(self) -> None:
        """Note that an answer has come, which ends the silence."""
        self._since = self.clock()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count one call inside the block: time without a call is not silence."""
        if not self._calls:
            self.note_answer()
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
