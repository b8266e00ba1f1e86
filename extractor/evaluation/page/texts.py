"""The records behind the errors of a page, read again from their files."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from extractor.errors import RecordError
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .collect import ShownError

__all__ = ["reread_records"]


def reread_records(errors: Sequence[ShownError], inputs: Sequence[str | PathLike[str]]) -> Iterator[TrialRecord]:
    """The records that have errors, one at a time, from ``inputs``.

    Without inputs, from the files that the predictions name as their sources, where these are still there.
    What cannot be read is left out: the page says so.
    """
    if inputs:
        yield from _pick({error.example.record_id for error in errors}, inputs)
        return
    wanted: dict[str, set[str]] = defaultdict(set)
    for error in errors:
        if error.source:
            wanted[error.source.path].add(error.example.record_id)
    for path in sorted(wanted):
        # A regular file alone: a pipe or a device would block, or never end.
        if Path(path).is_file():
            yield from _pick(wanted[path], [path])


def _pick(wanted: set[str], inputs: Sequence[str | PathLike[str]]) -> Iterator[TrialRecord]:
    left = set(wanted)
    problems: list[RecordError] = []
    for record in read_records(*inputs, on_error=problems.append) if left else ():
        if record.record_id in left:
            left.remove(record.record_id)
            yield record
        if not left:
            return
