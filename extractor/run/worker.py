"""How a worker process starts, and how it calls a function. The model client is not imported,
because importing it would delay each start by a second.
"""

import faulthandler
import gc
import os
import signal
from collections.abc import Callable
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from time import thread_time
from typing import TypeVar

from extractor.errors import as_extractor_error
from extractor.options import ExtractionOptions
from extractor.pipeline import finish, plan
from extractor.run.tally import to_line
from extractor.schemas import TrialRecord
from extractor.schemas.record_limits import CALL_LIMIT, MAX_CLOCK_SECONDS

T = TypeVar("T")

KILL_S = MAX_CLOCK_SECONDS + 10
"""Seconds after which a worker process is killed if the time limit of a step has not taken effect.
"""
_NEW_OBJECTS = 50_000


def start_worker() -> None:
    """Prepare a worker process: it ignores Ctrl-C, which the parent process handles, and ends when
    the parent process ends.
    """

    def end_with_parent() -> None:
        parent = parent_process()
        if parent:
            parent.join()
            os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    relax_garbage_collector()
    Thread(target=end_with_parent, daemon=True).start()


def load_rules(example: TrialRecord) -> None:
    """Extract a record so that the rules are loaded, and hide them from the garbage collector."""
    options = ExtractionOptions()
    parsed, request = plan(example, options)
    to_line(finish(parsed, options, request))
    gc.freeze()


def relax_garbage_collector() -> None:
    """Run the garbage collector less often. Otherwise, it would use a tenth of a run's processor
    time to scan the loaded vocabularies.
    """
    gc.set_threshold(_NEW_OBJECTS)


def call_within(
    timeout: float, seconds: float, function: Callable[..., T], *arguments: object
) -> T:
    """Return ``call_picklable(function, *arguments)``. The steps of a record in it may take
    ``seconds`` of processor time together. If the call takes longer than ``timeout`` seconds, the
    process ends. This is a fallback: the limit of the steps is enforced by a signal, which some C
    code ignores.
    """
    CALL_LIMIT.set((seconds, thread_time() + seconds))
    # otherwise, the traceback would be written to the terminal
    with Path(os.devnull).open("wb") as nowhere:
        faulthandler.dump_traceback_later(timeout, exit=True, file=nowhere)
        try:
            return call_picklable(function, *arguments)
        finally:
            faulthandler.cancel_dump_traceback_later()


def call_picklable(function: Callable[..., T], *arguments: object) -> T:
    """Return ``function(*arguments)``. Raises any error as an ``ExtractorError``, which can be
    pickled. Otherwise, ``SystemExit`` or ``StopIteration`` would end a process or an event loop.
    """
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - raised in the calling process
        raise as_extractor_error(error) from None
