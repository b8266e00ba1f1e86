"""Limits on the size and processing time of one record, far above the values for any registry
record.

In 4,348 ClinicalTrials.gov records, the maximums for one record are 40,000 characters, 130
sections, 400 lines, 100 criteria and 123 outcomes; the longest texts in the registry have about
200,000 characters. The rules need a few tenths of a second for the largest of these records, and
up to ten seconds for a record at the limits.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic, thread_time

from extractor.errors import RecordError, RecordTooLarge, RecordTooSlow
from extractor.schemas import Source, TrialRecord

MAX_CHARACTERS = 1_000_000
MAX_SECTIONS = 5_000
MAX_LINES = 20_000
"""Maximum number of lines, including outcomes in a list that is separated by "|"."""
MAX_ITEMS = 5_000
"""Criteria, regimens or outcomes in a record."""
MAX_ARMS = 20_000
"""Arms of all doses of a record. At most 200 are in 3,000 records of a registry."""
MAX_SECONDS = 60.0
"""Processor time in seconds for one step, either everything before a model is asked or everything
after it replies. On a busy machine, the elapsed time is longer than the processor time.
"""
CALL_LIMIT = ContextVar("CALL_LIMIT", default=(inf, inf))
"""A lower limit of processor time for all steps of a worker's call, which a service sets so that a
caller's record does not delay those of others: its seconds, and the thread time at which it ends.
"""
MAX_CLOCK_SECONDS = 300.0
"""Elapsed time in seconds for one step, regardless of its processor time."""

_AGAIN_S = 0.2
_SHORTEST_S = 0.001
"""An alarm after 0 seconds would never come."""
_REMEDY = "leave this record out; if it is a genuine record, report the problem"


def refuse_larger(source: Source, most: int, count: int, name: str) -> None:
    """Raise ``RecordTooLarge`` if ``count`` is greater than ``most``.

    >>> refuse_larger(
    ...     Source(path="a.json", format="ctgov_json"), 5_000, 6_000, "criteria"
    ... )
    Traceback (most recent call last):
        ...
    extractor.errors.RecordTooLarge: a.json: the record has more than 5,000 criteria; leave ...
    """
    if count > most:
        problem = f"the record has more than {most:,} {name}"
        raise RecordTooLarge(source.path, problem, _REMEDY, place=source.place)


def check_size(record: TrialRecord) -> None:
    """Raise ``RecordTooLarge`` for a record with too many characters, sections or lines. A "|"
    separates the items of a flattened list and is counted as a line break.
    """
    source = record.source
    texts = [section.text for section in record.sections]
    characters = sum(map(len, texts))
    lines = sum(text.count("\n") + text.count("|") for text in texts)
    refuse_larger(source, MAX_SECTIONS, len(texts), "sections")
    refuse_larger(source, MAX_CHARACTERS, characters, "characters")
    refuse_larger(source, MAX_LINES, lines, "lines")


def check_unicode(record: TrialRecord) -> str:
    """Return the sections and structured fields of a record as JSON. Raises ``RecordError`` if the
    record's id, path, sections or structured fields contain half of a surrogate pair, or anything
    else that JSON cannot represent. The error names the first invalid section.
    """
    source = record.source
    path = source.path.encode("utf-8", "backslashreplace").decode()
    if not (_is_unicode(source.path) and _is_unicode(record.record_id)):
        raise RecordError(
            path,
            "the file name or the record id is not valid Unicode",
            "rename it",
            place=source.place,
        )
    try:
        return record.model_dump_json(include={"sections", "registry"})
    except (ValueError, RecursionError) as error:  # pydantic's errors are ValueErrors
        broken = [
            section.name for section in record.sections if not _is_unicode(section.text)
        ]
        places = filter(None, [source.place, *broken[:1]])
        if "surrogate" in str(error):
            problem = "the text is not valid Unicode"
        else:
            problem = "JSON cannot represent the record"
        raise RecordError(
            path,
            problem,
            "correct it, or leave the record out",
            place=", ".join(places) or None,
        ) from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _TimeUp(BaseException):
    """Raised to end a step that exceeded the time limit stated in the message. Handlers for
    ``Exception`` do not catch it.
    """


@contextmanager
def limit_time(source: Source) -> Iterator[None]:
    """Raise ``RecordTooSlow`` if the block takes more than ``MAX_SECONDS`` of processor time or
    more than ``MAX_CLOCK_SECONDS`` of elapsed time, or if ``CALL_LIMIT`` ends.

    A signal interrupts the block either between two bytecode instructions or, during a regular
    expression match, at nearly any point. This works only in the main thread, on systems that
    support alarm signals, and only if no other alarm is set.
    """
    if not _can_set_alarm():
        yield
        return

    seconds, end_of_call = CALL_LIMIT.get()
    most = min(MAX_SECONDS, seconds)
    end = min(thread_time() + MAX_SECONDS, end_of_call)
    since = monotonic()

    def stop(*_: object) -> None:
        if thread_time() >= end:
            raise _TimeUp(f"{most:g} seconds of processor time")
        if monotonic() - since >= MAX_CLOCK_SECONDS:
            raise _TimeUp(f"{MAX_CLOCK_SECONDS:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        # repeat the alarm: the first may come before the limit is reached, or be lost in a
        # destructor
        left = max(end - thread_time(), _SHORTEST_S)
        signal.setitimer(signal.ITIMER_REAL, left, _AGAIN_S)
        yield
    except _TimeUp as up:
        raise tell_too_slow(source, str(up)) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _can_set_alarm() -> bool:
    if threading.current_thread() is not threading.main_thread():
        return False
    if not hasattr(signal, "setitimer"):  # Windows
        return False
    seconds_left, _ = signal.getitimer(signal.ITIMER_REAL)
    return seconds_left == 0


def tell_too_slow(source: Source, limit: str) -> RecordTooSlow:
    """Return the error for a record that exceeded a time limit such as "60 seconds"."""
    return RecordTooSlow(
        source.path,
        f"the record took longer than {limit}",
        _REMEDY,
        place=source.place,
    )
