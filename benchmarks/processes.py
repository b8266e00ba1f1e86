"""Run commands in separate processes, and measure seconds and memory, including all children."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

_SAMPLE_S = 0.05


@dataclass(slots=True)
class Taken:
    """Resources of a command: elapsed seconds, processor seconds by process, and peak bytes.

    ``first`` is the id of the started process; the others are its children.
    """

    first: int = 0
    elapsed: float = 0.0
    peak: int = 0
    by_process: dict[int, float] = field(default_factory=dict)

    @property
    def computed(self) -> float:
        """Processor seconds of all processes."""
        return sum(self.by_process.values())

    @property
    def computed_by_first(self) -> float:
        """Processor seconds of the started process."""
        return self.by_process.get(self.first, 0.0)


def list_tree(process: psutil.Process) -> list[psutil.Process]:
    """List a process and all its children; empty if it has ended."""
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def watch(command: list[str]) -> Taken:
    """Run a command and sample its resources twenty times a second. Raises ``RuntimeError`` if
    it fails.
    """
    begun = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as running:
        taken = Taken(first=running.pid)
        process = psutil.Process(running.pid)
        while running.poll() is None:
            resident = 0
            for each in list_tree(process):
                with suppress(psutil.Error), each.oneshot():  # it may just have ended
                    taken.by_process[each.pid] = sum(each.cpu_times()[:2])
                    resident += each.memory_info().rss
            taken.peak = max(taken.peak, resident)
            time.sleep(_SAMPLE_S)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}")
    taken.elapsed = time.monotonic() - begun
    return taken


def run_command(*arguments: object) -> list[str]:
    """Return the command ``extractor run`` with these arguments, for this interpreter."""
    return [sys.executable, "-m", "extractor", "run", *map(str, arguments), "--quiet"]


def cpu_seconds(command: list[str]) -> float:
    """Measure the exact user and system time of a command and the children that it waited for."""
    before = psutil.Process().cpu_times()
    subprocess.run(command, check=True, capture_output=True)
    after = psutil.Process().cpu_times()
    return float(sum(after[2:4]) - sum(before[2:4]))


def time_work(work: Callable[[], object]) -> float:
    """Measure the processor seconds of this process for a piece of work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun
