"""One program driven against the server, in a process of its own, and what it took."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

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
    its CPU time in milliseconds a call without the start, and its peak memory in MiB.
    """

    program: str
    calls: int
    rate: float
    seconds: float
    cpu_ms: float
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
    return Driven(program, calls, rate, ended.seconds, cpu_ms, ended.memory, rate / load.ideal)


@dataclass(frozen=True)
class _Ended:
    seconds: float
    cpu: float
    memory: float


def _run(command: list[str]) -> _Ended:
    since = monotonic()
    # Its own memory and time alone, which the sum over all children would not tell.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return _Ended(monotonic() - since, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _command(program: str, load: Load, server: str, folder: Path, count: int) -> list[str]:
    if program in _PEERS:
        settings = (str(load.records), str(count), str(load.concurrency), server)
        return [sys.executable, "-m", f"benchmarks.throughput.{program}_loop", *settings]
    out = folder / f"run-{count}-{load.concurrency}"
    options = ("--out", str(out), "--fresh", "--quiet", "--limit", str(count))
    command = [sys.executable, "-m", "extractor", "run", str(load.records), *options]
    return [*command, "--concurrency", str(load.concurrency), "--model", f"{server}#stub"]
