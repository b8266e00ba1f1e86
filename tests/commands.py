"""``extractor`` as a process of its own, forked from one that has loaded it: a start costs a tenth of the CPU time.

Arguments, environment, streams, files and exit code are those of a real process. Tests that send signals, that need a
terminal or that hold the README's commands start one in the ordinary way.
"""

import io
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from extractor.cli import main

__all__ = ["FORKS", "Ended", "extractor"]

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.loaded"])
"""Starts processes that have the package loaded."""
_SECONDS = 300
"""After which a command is taken to hang."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


def extractor(*arguments: object, stdin: bytes | None = None, **environment: str) -> Ended:
    """Run ``extractor`` with these arguments, in this folder, with these additions to the environment.

    What the environment says of OpenTelemetry is left out: no test tells somebody's collector of its runs.
    """
    known = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        streams[0].write_bytes(stdin or b"")
        words = ["extractor", *map(str, arguments)]
        command = FORKS.Process(target=_run, args=(words, Path.cwd(), known | environment, streams))
        command.start()
        try:
            command.join(_SECONDS)
            if command.exitcode is None:
                command.kill()
                raise TimeoutError(f"still running after {_SECONDS} s: {' '.join(words)}")
            return Ended(command.exitcode, streams[1].read_bytes(), streams[2].read_bytes())
        finally:
            command.join()
            command.close()


def _run(words: list[str], folder: Path, environment: Mapping[str, str], streams: list[Path]) -> None:
    """In the forked process: what the operating system and the interpreter's start do in an ordinary one."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, (path, flags) in enumerate(zip(streams, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.argv = words
    main()
