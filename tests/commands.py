"""Run ``extractor`` in a process that is forked from a process with the package loaded, which takes
a tenth of the CPU time.

Arguments, environment, streams, files, signals and exit code are those of a real process. Tests
that need a terminal or run the README's commands start an ordinary process.
"""

import io
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from extractor.apps.cli import main
from extractor.apps.cli.app import app

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.loaded"])
"""Starts processes that have the package loaded."""
PATIENCE_S = 300.0
"""Seconds after which a process counts as hanging. No result depends on it."""


@dataclass(frozen=True)
class Ended:
    """The exit code and output of a command that has ended."""

    returncode: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Running:
    """A running command, and the files that receive its output."""

    words: list[str]
    stdout: Path
    stderr: Path
    _process: BaseProcess

    def has_ended(self) -> bool:
        """Return whether it has ended, by itself or by a signal."""
        return not self._process.is_alive()

    def send_signal(self, number: int) -> None:
        """Send a signal to this process only."""
        assert self._process.pid
        os.kill(self._process.pid, number)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds. Fail if the command ends first."""
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert not self.has_ended(), f"it ended: {self.stderr.read_text('utf-8')}"
            assert time.monotonic() < until, (
                f"still running after {PATIENCE_S} s: {' '.join(self.words)}"
            )
            time.sleep(0.005)

    def wait(self) -> Ended:
        """Wait for its end. The exit code is negative if a signal ended it."""
        self._process.join(PATIENCE_S)
        if self._process.exitcode is None:
            raise TimeoutError(
                f"still running after {PATIENCE_S} s: {' '.join(self.words)}"
            )
        return Ended(
            self._process.exitcode, self.stdout.read_bytes(), self.stderr.read_bytes()
        )


def invoke(*words: object, **environment: str) -> Result:
    """Run ``extractor`` with these arguments in this process, so that what a test has patched
    takes effect.
    """
    return CliRunner().invoke(app, [str(word) for word in words], env=environment)


def extract(source: str | Path, folder: Path, *options: object) -> Path:
    """Run without a model, in this process, and return the folder of the run."""
    words = ("--effort", "none", "--workers", 1, "--quiet")
    done = invoke("run", source, "--out", folder, *words, *options)
    assert done.exit_code == 0, done.output
    return folder


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def extractor(
    *arguments: object, stdin: bytes | None = None, **environment: str
) -> Ended:
    """Run ``extractor`` with these arguments in the current folder, with these additions to the
    environment.
    """
    with start_extractor(*arguments, stdin=stdin, **environment) as running:
        return running.wait()


@contextmanager
def start_extractor(
    *arguments: object, stdin: bytes | Path | None = None, **environment: str
) -> Iterator[Running]:
    """Start ``extractor``. Kill it at the end of the block if it still runs.

    ``stdin`` is what it reads, or the file that it reads from, such as a named pipe.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        for stream in streams:
            stream.write_bytes(b"")
        if isinstance(stdin, Path):
            streams[0] = stdin
        elif stdin:
            streams[0].write_bytes(stdin)
        words = ["extractor", *map(str, arguments)]
        process = FORKS.Process(
            target=_run,
            args=(words, Path.cwd(), {**os.environ, **environment}, streams),
        )
        process.start()
        try:
            yield Running(words, *streams[1:], process)
        finally:
            process.kill()
            process.join()
            process.close()


def _run(
    words: list[str], folder: Path, environment: Mapping[str, str], streams: list[Path]
) -> None:
    """In the forked process: what the operating system and the interpreter's start do in an
    ordinary one.
    """
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, (path, flags) in enumerate(
        zip(streams, (os.O_RDONLY, *[os.O_WRONLY] * 2), strict=True)
    ):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.argv = words
    main()
