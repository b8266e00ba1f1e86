"""A probe: one input, what the program makes of it, and what of that is wrong."""

import hashlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

_CPU_SECONDS = 10.0
"""A probe that takes longer has failed: a stub can make a loop endless."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe gave.

    ``output`` stands for everything that the program gave. ``errors`` counts what of it is wrong,
    by kind; where nobody has judged the output, there are none, and any change is a loss. ``crash``
    names an exception.
    """

    output: str
    errors: Mapping[str, int] = field(default_factory=dict)
    crash: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One input of a gate. ``run`` returns the output and its errors; without errors, None."""

    gate: str
    name: str
    run: Callable[[], tuple[Any, Counter[str] | None]]

    @property
    def key(self) -> str:
        return f"{self.gate}: {self.name}"


class _TooSlow(BaseException):
    """A probe took too long. It is no ``Exception``, so that the program does not handle it."""


@contextmanager
def _limit_cpu(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def run_probe(probe: Probe) -> Outcome:
    """Run a probe. An exception is an outcome too."""
    begun = time.process_time()
    try:
        with _limit_cpu(_CPU_SECONDS):
            output, errors = probe.run()
    except (Exception, _TooSlow) as error:  # noqa: BLE001 - a stub can raise anything
        return Outcome(
            "", crash=type(error).__name__, seconds=time.process_time() - begun
        )
    written = hashlib.md5(
        repr(output).encode("utf-8", "replace"), usedforsecurity=False
    ).hexdigest()
    return Outcome(written, dict(errors or {}), seconds=time.process_time() - begun)


def count_change(
    before: Outcome, after: Outcome, *, is_judged: bool
) -> tuple[int, int]:
    """Return how many errors are new, and how many are gone. A crash loses one more.

    >>> count_change(Outcome("a", {"age": 1}), Outcome("b", {"sex": 2}), is_judged=True)
    (2, 1)
    >>> count_change(Outcome("a"), Outcome("b"), is_judged=False)
    (1, 0)
    """
    if after.crash:
        return int(not before.crash), 0
    if not is_judged:
        return int(before.output != after.output), 0
    old = Counter(before.errors)
    new = Counter(after.errors)
    return (new - old).total(), (old - new).total()


def mix(
    probes: Sequence[Probe],
    seconds: Mapping[str, float],
    favoured: Collection[str],
    seed: int = 0,
) -> Iterator[Probe]:
    """Yield the probes of all gates, shuffled, such that each gate gets as much time as any other.

    ``seconds`` is how long each probe takes, by its key. A favoured gate gets three times as much.
    """
    left: dict[str, list[Probe]] = {}
    for probe in probes:
        left.setdefault(probe.gate, []).append(probe)
    for own in left.values():
        Random(seed).shuffle(own)
    spent = dict.fromkeys(left, 0.0)
    while left:
        gate = min(left, key=lambda name: spent[name])
        probe = left[gate].pop()
        spent[gate] += seconds[probe.key] / (3 if gate in favoured else 1)
        if not left[gate]:
            del left[gate]
        yield probe
