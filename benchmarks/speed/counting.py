"""CPU time and function calls of a piece of work."""

import cProfile
import gc
import pstats
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Cost", "count_calls", "measure_cost", "measure_seconds"]


@dataclass(frozen=True)
class Cost:
    """``seconds`` of CPU, and ``calls`` of functions, which are the same however busy the machine is."""

    seconds: float
    calls: int


def measure_cost(works: Sequence[Callable[[], object]]) -> Cost:
    """What the same kind of work costs: the least time of all but the first, which compiles and loads, and its calls.

    Other work on the machine can only add to the time. Each work is done once: nothing is remembered.
    """
    first, *others, last = works
    first()
    return Cost(min(map(measure_seconds, others)), count_calls(last))


def measure_seconds(work: Callable[[], object]) -> float:
    """CPU seconds, without those of the garbage collector: they grow with all that the process holds."""
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        work()
        return time.process_time() - begun
    finally:
        gc.enable()


def count_calls(work: Callable[[], object]) -> int:
    """How many functions, Python's own included, are called.

    >>> count_calls(lambda: len("two calls: the expression's and this"))
    2
    """
    profile = cProfile.Profile()
    profile.runcall(work)
    total: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    return total - 1  # runcall ends by calling the profile itself
