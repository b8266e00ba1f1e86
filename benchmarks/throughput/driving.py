"""One program driven against the server, in processes of its own, and what it took."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import psutil

from .server import read_log

__all__ = ["Driven", "Load", "drive"]

_PEERS = ("instructor", "langextract")


@dataclass(frozen=True)
class Load:
    """What is asked: so many records of a file, so many at once, each answered after ``latency`` seconds."""

    records: Path
    count: int
    concurrency: int
    latency: float

    @property
    def ideal(self) -> float:
        """Calls a second that latency and concurrency allow."""
        return self.concurrency / self.latency


@dataclass(frozen=True)
class Driven:
    """What one program did: calls a second from the first question to the last answer, all seconds of its process,
    CPU time in milliseconds a call without the start, of all its processes and of the one that asks, and the peak
    memory of all together, in MiB.
    """

    program: str
    calls: int
    rate: float
    seconds: float
    cpu_ms: float
    asking_ms: float
    memory: float
    share: float


def drive(program: str, load: Load, server: str, folder: Path) -> Driven:
    """Let ``extractor`` or a peer ask about all records. Raises ``RuntimeError`` if it fails."""
    idle = _run(_command(program, load, server, folder, count=1))
    read_log(server)
    ended = _run(_command(program, load, server, folder, count=load.count))
    calls, seconds = read_log(server)
    rate = calls / seconds if seconds else 0.0
    cpu_ms = 1000 * (ended.cpu - idle.cpu) / max(1, calls)
    asking_ms = 1000 * (ended.asking - idle.asking) / max(1, calls)
    return Driven(program, calls, rate, ended.seconds, cpu_ms, asking_ms, ended.memory, rate / load.ideal)


@dataclass(slots=True)
class _Ended:
    """What a program was last seen to have taken: CPU seconds in all and of its first process, and peak MiB."""

    seconds: float = 0.0
    asking: float = 0.0
    memory: float = 0.0
    by_process: dict[int, float] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        return sum(self.by_process.values())

    def look_at(self, process: psutil.Process) -> None:
        """Note what it and all it started have taken by now."""
        resident = 0
        for each in (process, *process.children(recursive=True)):
            try:
                with each.oneshot():
                    taken, held = each.cpu_times(), each.memory_info().rss
            except psutil.Error:
                continue  # it has just ended
            resident += held
            self.by_process[each.pid] = taken.user + taken.system
        self.asking = self.by_process.get(process.pid, 0.0)
        self.memory = max(self.memory, resident / 2**20)


_LOOK_S = 0.05


def _run(command: list[str]) -> _Ended:
    since, ended = monotonic(), _Ended()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                ended.look_at(psutil.Process(process.pid))
            except psutil.Error:
                break  # it has just ended
            sleep(_LOOK_S)
        code = process.wait()
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}")
    ended.seconds = monotonic() - since
    return ended


def _command(program: str, load: Load, server: str, folder: Path, count: int) -> list[str]:
    if program in _PEERS:
        settings = (str(load.records), str(count), str(load.concurrency), server)
        return [sys.executable, "-m", f"benchmarks.throughput.{program}_loop", *settings]
    out = folder / f"run-{count}-{load.concurrency}"
    options = ("--out", str(out), "--fresh", "--quiet", "--limit", str(count))
    command = [sys.executable, "-m", "extractor", "run", str(load.records), *options]
    return [*command, "--concurrency", str(load.concurrency), "--model", f"{server}#stub"]
