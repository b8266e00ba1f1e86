"""A parser that fails: a record with the text "fails by X" raises the error X, or ends its process.

To use this parser in a Python process and in the processes that it starts, put ``FOLDER`` on
PYTHONPATH.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

FOLDER = Path(__file__).parent / "startup"


class Unforeseen(Exception):
    """As a library's, which no process can send to another: it has no such arguments."""

    def __init__(self, one: object, *, other: object) -> None:
        super().__init__(f"{one} {other}")


def _recurse() -> None:
    _recurse()


def _raise(error: Callable[[], BaseException]) -> None:
    raise error()


RAISED = {
    "KeyError": partial(_raise, lambda: KeyError("Adults")),
    "Unforeseen": partial(_raise, lambda: Unforeseen("Adults", other="b")),
    "StopIteration": partial(next, iter(())),
    "RecursionError": _recurse,
    "MemoryError": partial(_raise, MemoryError),
    "SystemExit": partial(_raise, lambda: SystemExit(3)),
}
"""The classes of what is raised, and how."""


def fail_for_some(parse_record):
    """The parser, failing at records that say so."""

    def parse(record, *fields):
        if found := re.search(
            r"fails by (\w+)", " ".join(section.text for section in record.sections)
        ):
            if found[1] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if found[1] == "sleep":
                time.sleep(3600)
            if found[1] == "count":
                sum(range(10**14))  # in C, where no signal ends it
            RAISED[found[1]]()
        return parse_record(record, *fields)

    return parse


def die_at_some(read_stream):
    """The reader of bodies, whose process ends at those that say so."""

    def read(name, stream, **chosen):
        if b"no reader survives" in stream.getvalue():
            os.kill(os.getpid(), signal.SIGKILL)
        return read_stream(name, stream, **chosen)

    return read


def path_with_failures() -> str:
    """The PYTHONPATH that child processes need."""
    return os.pathsep.join(
        filter(
            None,
            (str(FOLDER), os.environ.get("PYTHONPATH"), str(Path(__file__).parents[2])),
        )
    )


def write_failing_records(path: Path, kinds: Sequence[str]) -> dict[str, str]:
    """Write records that fail by these kinds, and a good one before and behind each. Returns the
    kinds by id.
    """
    found = {}
    with path.open("w", encoding="utf-8") as file:
        for number in range(2 * len(kinds) + 1):
            named = {
                "nctId": f"NCT{number:08d}",
                "briefTitle": f"A Study of Rest {number}",
            }
            if number % 2:
                kind = kinds[number // 2]
                found[named["nctId"]] = kind
                named["briefTitle"] += f" that fails by {kind}"
            study = {"protocolSection": {"identificationModule": named}}
            file.write(json.dumps(study) + "\n")
    return found
