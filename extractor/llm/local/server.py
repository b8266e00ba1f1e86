"""Serves a local model: an OpenAI-compatible server on loopback, as a context manager.

llama.cpp (through ``xllamacpp``) runs in its own process. In this process, stopping it would block the interpreter
until all requests end, and a failed assertion would end the run. The process reads one JSON line with the settings from
stdin and writes one with the address. It ends when stdin closes, and therefore also when its parent dies.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import httpx2

from extractor.children import child_environment
from extractor.errors import MissingExtra, ModelUnavailable

HEALTH_WAIT_S = 30.0
STOP_WAIT_S = 5.0
_LAST_LINES = 5
_LOOPBACK = "127.0.0.1"
_PROMPT_CACHE_MIB = 512
"""llama.cpp's default is 8 GiB, which a long run fills."""


def _spare_cores() -> int:
    """All cores but one, at most 8.

    llama.cpp's threads wait for each other in busy loops. With a thread on every core they are slightly faster on an
    idle machine, and ten times slower on a busy one.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores - 1))


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The resources of a server, and the token that its clients need.

    ``slots`` is the number of requests answered at once, ``context`` the tokens of one request (prompt and answer);
    both reserve memory. ``threads`` defaults to all cores but one, at most 8. Port 0 selects a free port. Requests must
    carry ``token``, by default a random one. ``parameters`` are further fields of llama.cpp's ``CommonParams``, such as
    ``{"n_ubatch": 1024}``.

    Raises ``ValueError`` for invalid numbers and an empty token.
    """

    slots: int = 1
    context: int = 12288
    threads: int = field(default_factory=_spare_cores)
    port: int = 0
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.slots < 1 or self.threads < 1 or not 256 <= self.context <= 131072:
            raise ValueError("a server needs at least 1 slot, 1 thread and a context of 256 to 131072 tokens")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"{self.port} is not a port; choose 1 to 65535, or 0 for a free one")
        if not self.token:
            raise ValueError("a server needs a token that is not empty")


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server. Clients need ``base_url`` (it ends in ``/v1``), ``model`` and ``token``."""

    base_url: str
    model: str
    token: str = field(repr=False)
    process: "subprocess.Popen[str]" = field(repr=False)
    _log: IO[str] = field(repr=False)

    def wait(self) -> None:
        """Block until the server ends, then raise ``ModelUnavailable`` with its last messages."""
        code = self.process.wait()
        raise ModelUnavailable(f"the server of {self.model} ended with code {code}{_last_lines(self._log)}")


@contextmanager
def serve_model(
    weights: Path, settings: ServerSettings | None = None, *, name: str | None = None
) -> Iterator[LocalServer]:
    """Serve the weights until the block ends.

    ``name`` is the server's name for the model, by default the file's stem. Raises ``MissingExtra`` if the extra
    ``local`` is not installed, ``ModelUnavailable`` if llama.cpp cannot load the file.
    """
    settings = settings or ServerSettings()
    name = name or weights.stem
    try:
        with weights.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelUnavailable(f"{weights}: {error.strerror}") from error
    if magic != b"GGUF":
        raise ModelUnavailable(f"{weights}: not a GGUF file; convert weights in other formats first")
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from extractor.llm.local.server import main; main()"],
            env=os.environ | child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches only this process, which stops the server in order
        )
        try:
            url = _await_address(process, log, weights, {"path": str(weights), "name": name, **asdict(settings)})
            _await_health(url)
            yield LocalServer(f"{url}/v1", name, settings.token, process, log)
        finally:
            _stop(process)


def _await_address(process: "subprocess.Popen[str]", log: IO[str], weights: Path, request: Mapping[str, Any]) -> str:
    """Send the settings over stdin, because every user can read a command line, and return the address."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        process.wait(STOP_WAIT_S)
        raise ModelUnavailable(f"{weights}: the model's process ended with code {process.returncode}{_last_lines(log)}")
    reply: dict[str, str] = json.loads(answer)
    if "missing" in reply:
        raise MissingExtra(f"a model on this machine needs {reply['missing']}", "local")
    if "error" in reply:
        raise ModelUnavailable(f"{weights}: {reply['error']}{_last_lines(log)}")
    return reply["address"]


def _await_health(url: str) -> None:
    deadline = time.monotonic() + HEALTH_WAIT_S
    with httpx2.Client(trust_env=False) as client:  # no proxy for loopback
        while time.monotonic() < deadline:
            try:
                if client.get(f"{url}/health", timeout=2.0).is_success:
                    return
            except httpx2.TransportError:  # not listening yet
                pass
            time.sleep(0.05)
    raise ModelUnavailable(f"{url} did not become healthy in {HEALTH_WAIT_S:.0f} s")


def _stop(process: "subprocess.Popen[str]") -> None:
    """Close stdin to end the process, and kill it if it does not end."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(STOP_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_lines(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    return ": " + " | ".join(lines[-_LAST_LINES:]) if lines else ""


def set_parameters(parameters: Any, request: Mapping[str, Any]) -> Any:
    """Set llama.cpp's ``CommonParams`` from a request, and return them."""
    parameters.model.path = request["path"]
    parameters.model_alias = {request["name"]}
    parameters.hostnames = [_LOOPBACK]
    parameters.port = request["port"]
    parameters.api_keys = [request["token"]]
    parameters.ui = False
    parameters.endpoint_metrics = True
    parameters.verbosity = 1  # errors only
    parameters.n_parallel = request["slots"]
    parameters.n_ctx = request["slots"] * request["context"]  # llama.cpp divides it among the slots
    parameters.cache_ram_mib = _PROMPT_CACHE_MIB
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = request["threads"]
    for name, value in request["parameters"].items():
        setattr(parameters, name, value)
    return parameters


def main() -> None:
    """The process that runs llama.cpp."""
    request = json.loads(sys.stdin.readline())
    server, reply = None, {}
    try:
        xllamacpp = import_module("xllamacpp")
        server = xllamacpp.Server(set_parameters(xllamacpp.CommonParams(), request))  # runs as long as the object lives
        reply["address"] = server.listening_address
    except ImportError:
        reply["missing"] = "xllamacpp"
    except (RuntimeError, ValueError) as error:
        reply["error"] = f"llama.cpp cannot serve it ({error})"
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()
    if server is not None:
        sys.stdin.read()
    os._exit(0)  # skips llama.cpp's destructor, which waits for all requests
