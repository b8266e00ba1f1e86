"""A poisoned reader: it raises, or kills its process, at a record whose text says ``poison: KIND``.

All engines call it, since ``parse_record`` does. ``poisoned_processes`` says by which environment the processes that
an engine starts are poisoned too, however it starts them: Python imports ``sitecustomize.py`` of this folder.
"""

import os
import re
import signal
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["KILLS", "RAISES", "poison_reader", "poisoned_processes"]

KILLS = "SIGKILL"
_CUE = re.compile(r"poison: (\w+)")
_HERE = Path(__file__).parent


class _Unforeseen(Exception):
    """As a library's, which no process can send to another: it has no such arguments."""

    def __init__(self, one: object, *, other: object) -> None:
        super().__init__(f"{one} {other}")


def _recurse() -> None:
    _recurse()


def _raise(error: Callable[[], BaseException]) -> None:
    raise error()


RAISES: Mapping[str, Callable[[], None]] = {
    "Exception": partial(_raise, lambda: Exception("Adults of the record's text")),
    "_Unforeseen": partial(_raise, lambda: _Unforeseen("a", other="b")),
    "StopIteration": partial(next, iter(())),
    "RecursionError": _recurse,
    "MemoryError": partial(_raise, MemoryError),
    "SystemExit": partial(_raise, lambda: SystemExit(3)),
}
"""The classes of what is raised, and how."""


def poison_reader() -> Callable[..., Any]:
    """The reader of eligibility, poisoned, to be put in the place of ``extractor.parse.read_eligibility``."""
    from extractor.parse.eligibility import read_eligibility  # noqa: PLC0415 - a process that starts needs its path

    def read_poisoned(record: Any, *others: Any) -> Any:
        for section in record.sections:
            if found := _CUE.search(section.text):
                _take(found[1])
        return read_eligibility(record, *others)

    return read_poisoned


def poisoned_processes() -> dict[str, str]:
    """What to add to the environment, so that all Python processes that are started have the poisoned reader."""
    return {"PYTHONPATH": os.pathsep.join((str(_HERE), str(_HERE.parents[1])))}


def _take(kind: str) -> None:
    if kind == KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    RAISES[kind]()
