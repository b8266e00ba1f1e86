"""One run of the command line, killed at random moments and started again until it ends by itself."""

import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .server import CountingServer

__all__ = ["Killing", "run_command", "run_killed"]

_START_S = 2.0
_IDLE_S = 60.0


@dataclass(frozen=True)
class Killing:
    """How to kill: so many times, each at most ``work`` seconds after the first request of a start."""

    kills: int
    work: float
    seed: int = 0


def run_command(records: Path, out: Path, server: CountingServer, *options: str) -> list[str]:
    """The run that is killed and resumed: always the same command."""
    command = [sys.executable, "-m", "extractor", "run", str(records), "--out", str(out), "--quiet", *options]
    return [*command, "--model", f"{server.url}#stub"]


def run_killed(command: list[str], server: CountingServer, killing: Killing) -> int:
    """Start the command, kill it (SIGKILL), and so on; at last let it end. How many kills met it alive.

    One start in five is killed before its first request. Raises ``RuntimeError`` if the last one does not end well.
    """
    lots = random.Random(killing.seed)
    killed = 0
    for _ in range(killing.kills):
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as running:
            if lots.random() < 0.2:
                time.sleep(lots.uniform(0, _START_S))
            else:
                _wait_for_request(running, server)
                time.sleep(lots.uniform(0, killing.work))
            killed += running.poll() is None
            running.kill()
    ended = subprocess.run(command, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ended.returncode}")
    return killed


def _wait_for_request(running: "subprocess.Popen[bytes]", server: CountingServer) -> None:
    before, until = server.calls, time.monotonic() + _IDLE_S
    while server.calls == before and running.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
