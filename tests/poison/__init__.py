"""A poisoned reader: it raises, or kills its process, at a record whose text says ``poison: KIND``.

All engines call it, since ``parse_record`` does. ``extract_poisoned`` and ``PoisonedClerk`` bring it to the processes
that an engine starts.
"""

import os
import re
import signal
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest.mock import patch

from extractor.run.extracted import ExtractedLine
from extractor.run.rounds_clerk import RoundsClerk

import extractor.parse
from extractor.options import ExtractionOptions
from extractor.parse.eligibility import read_eligibility
from extractor.run.worker import extract_line
from extractor.schemas import TrialRecord

__all__ = ["KILLS", "RAISES", "PoisonedClerk", "extract_poisoned", "poison_reader"]

KILLS = "SIGKILL"
_CUE = re.compile(r"poison: (\w+)")


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

    def read_poisoned(sections: Any, *others: Any) -> Any:
        for section in sections.values():
            if found := _CUE.search(section.raw):
                _take(found[1])
        return read_eligibility(sections, *others)

    return read_poisoned


def extract_poisoned(record: TrialRecord, options: ExtractionOptions) -> ExtractedLine:
    """The line of a record, by the poisoned reader."""
    with patch.object(extractor.parse, "read_eligibility", poison_reader()):
        return extract_line(record, options)


class PoisonedClerk(RoundsClerk):
    """Reads with the poisoned reader, in a process of its own."""

    def __init__(self, *arguments: Any) -> None:
        extractor.parse.read_eligibility = poison_reader()
        super().__init__(*arguments)


def _take(kind: str) -> None:
    if kind == KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    RAISES[kind]()
