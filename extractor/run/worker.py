"""One process that does the same work on each record, and the conversation with it.

Records go there as JSON, and what is made of them comes back pickled: as the line that is written where they are
extracted, since pickled models would cost ten times as much.
"""

import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from extractor.errors import ExtractorError, as_extractor_error
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord

from .extracted import ExtractedLine
from .garbage import spare_what_stays
from .tally import to_line

__all__ = ["Work", "Worker", "extract_line", "interrupts_blocked", "make_portable"]

Work = Callable[[TrialRecord], Any]
"""What is done with a record: a function that another process can import, also as a ``partial``."""

_WARM = 2
"""Parcels after which all that stays is loaded."""


def extract_line(record: TrialRecord, options: ExtractionOptions) -> ExtractedLine:
    """The line of a record, by the rules alone."""
    return to_line(extract_by_rules(record, options))


class Worker:
    """A process of its own, which ends when this one does, however that ends. Ctrl-C is not for it."""

    def __init__(self, work: Work) -> None:
        spawning = get_context("spawn")
        self._line, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_answer_all, args=(theirs, work), daemon=True)
        with interrupts_blocked():
            self._process.start()
        theirs.close()

    def wait_until_ready(self) -> None:
        """Wait for the start of the process. Raises ``EOFError`` or ``OSError`` if it dies before."""
        self._line.recv()

    def ask(self, records: Sequence[bytes]) -> list[Any]:
        """What the work makes of records as JSON, or the ``ExtractorError`` that it ends with. Waits for them.

        Raises ``EOFError`` or ``OSError`` if the process dies.
        """
        self._line.send(records)
        answers: list[Any] = self._line.recv()
        return answers

    def kill(self) -> None:
        """End the process at once: whoever waits for its answers learns it."""
        self._process.kill()

    def close(self) -> None:
        """End the process and forget it; nobody may wait for it any more."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._line.close()


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """What is started meanwhile never sees Ctrl-C; one that is pressed meanwhile is kept for later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _answer_all(line: Connection, work: Work) -> None:
    """The life of a worker: it answers until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in count():
        if number == _WARM:
            spare_what_stays()
        try:
            if number == 0:
                line.send(None)  # it is ready
            records: Sequence[bytes] = line.recv()
            line.send([_answer(record, work) for record in records])
        except (EOFError, OSError):
            return  # nobody is there any more


def _answer(record: bytes, work: Work) -> Any:
    try:
        return work(TrialRecord.model_validate_json(record))
    except BaseException as error:  # noqa: BLE001 - told to the asker, who writes it down; a SystemExit, too
        return make_portable(error)


def make_portable(error: BaseException) -> ExtractorError:
    """The error as one that another process can read."""
    portable = as_extractor_error(error)
    try:
        pickle.loads(pickle.dumps(portable))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - any class may fail in its own way
        return ExtractorError(f"{type(error).__name__}: {error}")
    return portable
