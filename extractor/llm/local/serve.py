"""A model served on this machine: an OpenAI-compatible server on loopback, started and stopped with a ``with``.

The server runs in a process of its own (see ``runtime``): stopping llama.cpp inside one's own process blocks
the whole interpreter for as long as a request is under way, and a failed assertion in it ends the process.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

import httpx2

from extractor.children import child_environment
from extractor.errors import MissingExtra, ModelUnavailable

__all__ = ["LocalServer", "ServerSettings", "Tuning", "serve_model"]

HEALTH_WAIT_S = 30.0
STOP_WAIT_S = 5.0
LAST_LINES = 5


def _spare_cores() -> int:
    """All cores but one, at most 8.

    llama.cpp's threads wait for each other in busy loops: as many threads as cores are half as fast again on an idle
    machine, but ten times slower as soon as anything else runs on it, this program included.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores - 1))


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of the runtime, with the defaults that ``benchmarks.local`` chose (see ``docs/local.md``).

    ``batch`` is how many tokens of a prompt are computed at once; ``flash_attention`` None leaves it to the runtime;
    ``cache_bits`` is the precision of what is kept of each token, 16 or 8; ``prefix_cache`` keeps what a prompt
    begins with for the next one of the same slot; from ``reuse`` tokens on (0: never) also a part that has shifted.

    Raises ``ValueError`` for numbers that the runtime does not know.
    """

    batch: int = 512
    flash_attention: bool | None = None
    cache_bits: int = 16
    prefix_cache: bool = True
    reuse: int = 0

    def __post_init__(self) -> None:
        if self.cache_bits not in (8, 16):
            raise ValueError(f"{self.cache_bits} bits are no precision of the cache; choose 16 or 8")
        if not 1 <= self.batch <= 4096 or self.reuse < 0:
            raise ValueError("a batch is 1 to 4096 tokens, and a reused part 0 or more")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server shares the machine, and who may use it.

    ``slots`` is how many requests are answered at once; ``context`` is prompt and answer of one request, in
    tokens; both cost memory whether used or not. ``threads`` is all cores but one, at most 8, unless given.
    Port 0 takes a free one. Requests must carry ``token``; a random one unless given. ``tuning`` is how the runtime
    computes.

    Raises ``ValueError`` for numbers no server can run with.
    """

    slots: int = 1
    context: int = 8192
    threads: int = field(default_factory=_spare_cores)
    port: int = 0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    tuning: Tuning = field(default_factory=Tuning)

    def __post_init__(self) -> None:
        if self.slots < 1 or self.threads < 1 or not 256 <= self.context <= 131072:
            raise ValueError("a server needs at least 1 slot, 1 thread and a context of 256 to 131072 tokens")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"{self.port} is no port; give 1 to 65535, or 0 for a free one")
        if not self.token:
            raise ValueError("a server needs a token that is not empty")


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server. Clients need ``base_url`` (it ends in ``/v1``), ``model`` and ``token``."""

    base_url: str
    model: str
    token: str = field(repr=False)
    _process: subprocess.Popen[str] = field(repr=False)
    _log: IO[str] = field(repr=False)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def wait(self) -> None:
        """Block until the server ends by itself. Raises ``ModelUnavailable`` then, with what it said last."""
        code = self._process.wait()
        raise ModelUnavailable(f"the server of {self.model} ended with code {code}{_last_words(self._log)}")


@contextmanager
def serve_model(
    weights: Path, settings: ServerSettings | None = None, *, name: str | None = None
) -> Iterator[LocalServer]:
    """Serve the weights until the body ends, however it ends.

    ``name`` is what the server calls the model; the file's stem if not given.

    Raises ``MissingExtra`` if the extra ``local`` is not installed, ``ModelUnavailable`` if llama.cpp cannot load the
    file.
    """
    settings = settings or ServerSettings()
    _check_weights(weights)
    name = name or weights.stem
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = _start(log)
        try:
            url = _await_address(process, log, weights, _request(weights, name, settings))
            _await_health(url)
            yield LocalServer(f"{url}/v1", name, settings.token, process, log)
        finally:
            _stop(process)


def _check_weights(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelUnavailable(f"{path}: {error.strerror}") from error
    if magic != b"GGUF":
        raise ModelUnavailable(f"{path}: is no GGUF file; weights in another format must be converted first")


def _request(weights: Path, name: str, settings: ServerSettings) -> str:
    return json.dumps(
        {
            "path": str(weights),
            "name": name,
            "slots": settings.slots,
            "context": settings.context,
            "threads": settings.threads,
            "port": settings.port,
            "token": settings.token,
            "tuning": asdict(settings.tuning),
        }
    )


def _start(log: IO[str]) -> subprocess.Popen[str]:
    # A session of its own: Ctrl-C in the terminal is for us, and we stop the server in good order.
    return subprocess.Popen(
        [sys.executable, "-m", "extractor.llm.local.runtime"],
        env=os.environ | child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def _await_address(process: subprocess.Popen[str], log: IO[str], weights: Path, request: str) -> str:
    """Send the settings over stdin (a command line would show the token to everyone) and read the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(request + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        process.wait(STOP_WAIT_S)
        raise ModelUnavailable(f"{weights}: the model's process ended with code {process.returncode}{_last_words(log)}")
    reply: dict[str, str] = json.loads(answer)
    if "missing" in reply:
        raise MissingExtra(reply["missing"])
    if "error" in reply:
        raise ModelUnavailable(f"{weights}: {reply['error']}{_last_words(log)}")
    return reply["address"]


def _await_health(url: str) -> None:
    deadline = time.monotonic() + HEALTH_WAIT_S
    with httpx2.Client(trust_env=False) as client:  # a proxy must not be asked for loopback
        while time.monotonic() < deadline:
            try:
                if client.get(f"{url}/health", timeout=2.0).is_success:
                    return
            except httpx2.TransportError:  # not listening yet
                pass
            time.sleep(0.05)
    raise ModelUnavailable(f"{url} did not become healthy in {HEALTH_WAIT_S:.0f} s")


def _stop(process: subprocess.Popen[str]) -> None:
    """End the process: it leaves when its stdin closes. Killed if it does not."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_words(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    return ": " + " | ".join(lines[-LAST_LINES:]) if lines else ""
