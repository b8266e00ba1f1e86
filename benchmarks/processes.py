"""Commands in processes of their own: what they took, with all their children."""

import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

_SAMPLE_S = 0.05


@dataclass(slots=True)
class Taken:
    """What a command took: seconds by the clock, seconds of the processors by process, and bytes at the peak.

    ``first`` is the number of the process that was started; the others are its children.
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
        """Processor seconds of the process that was started."""
        return self.by_process.get(self.first, 0.0)

    def sample(self, process: psutil.Process) -> None:
        """Note what a process and its children have taken by now."""
        resident = 0
        for each in list_tree(process):
            with suppress(psutil.Error), each.oneshot():  # it may just have ended
                times = each.cpu_times()
                resident += each.memory_info().rss
                self.by_process[each.pid] = times.user + times.system
        self.peak = max(self.peak, resident)


def list_tree(process: psutil.Process) -> list[psutil.Process]:
    """A process with all its children."""
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def watch(command: list[str]) -> Taken:
    """Run a command and sample what it takes, twenty times a second. Raises ``RuntimeError`` if it fails."""
    begun = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as running:
        taken = Taken(first=running.pid)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(running.pid)
            while running.poll() is None:
                taken.sample(process)
                time.sleep(_SAMPLE_S)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {running.returncode}")
    taken.elapsed = time.monotonic() - begun
    return taken


def run_command(*arguments: object) -> list[str]:
    """The command ``extractor run`` with these arguments, as this interpreter starts it."""
    return [sys.executable, "-m", "extractor", "run", *map(str, arguments), "--quiet"]


def cpu_seconds(command: list[str]) -> float:
    """Exact user and system time of a command and the children that it waited for."""
    before = psutil.Process().cpu_times()
    subprocess.run(command, check=True, capture_output=True)
    after = psutil.Process().cpu_times()
    return float(
        after.children_user + after.children_system - before.children_user - before.children_system,
    )
