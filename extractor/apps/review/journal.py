"""The journals of a review: one file of JSON lines per record, to which changes are appended."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.apps.review.draft import Patch, ReviewedRecord
from extractor.apps.review.gold import name_gold
from extractor.errors import FolderNotWritable, StoreError
from extractor.face import parse_json, refuse_link
from extractor.schemas.base import JsonObject


class Journal:
    """The journals in a folder.

    A line is ignored if it is empty or was truncated by a power failure. Any other line has one of
    these keys:

    - ``start``: the JSON with which the review of the record started, and the digest of its gold
      file (``written``), if the file existed.
    - ``patch``: a change. ``undo``: the last change was undone.
    - ``finished``: the digest of the gold file that was written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, record_id: str) -> ReviewedRecord | None:
        """Return a record's draft with its changes, or None if the record has no journal."""
        path = self._find_path(record_id)
        if not path.is_file():
            return None
        draft = None
        for line in path.read_bytes().splitlines():
            try:
                entry = parse_json(line)
            except ValueError:
                continue  # the change was never confirmed
            if "start" in entry:
                draft = ReviewedRecord(entry["start"], entry["written"])
                draft.is_in_journal = True
            elif draft is None:
                continue
            elif "patch" in entry:
                draft.add(Patch.model_validate(entry["patch"]))
            elif "undo" in entry:
                draft.undo()
            elif "finished" in entry:
                draft.finish(entry["finished"])
        return draft

    def append(self, record_id: str, *entries: JsonObject) -> None:
        """Append lines, and return when they are on disk."""
        # starts with a line break, in case the last line was truncated
        lines = "\n".join(["", *map(json.dumps, entries), ""])
        path = self._find_path(record_id)
        refuse_link(path)
        with path.open("ab") as file:
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def list_started(self) -> set[str]:
        """Return the gold file names of the records that have a journal."""
        return {path.name.removesuffix("l") for path in self._folder.glob("*.jsonl")}

    def _find_path(self, record_id: str) -> Path:
        return self._folder / f"{name_gold(record_id)}l"


@contextmanager
def open_journal(gold: Path) -> Iterator[Journal]:
    """Open the journals of a gold folder, which only one review may use at a time.

    Raises ``StoreError`` if another review is open, or if the folder is not writable.
    """
    folder = gold / ".review"
    lock = FileLock(folder / "lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            f"{gold}: another review of this folder is open; end it, or choose another --gold"
        ) from error
    except OSError as error:
        raise FolderNotWritable(
            f"{gold}: cannot be written to ({error.strerror}); choose another --gold"
        ) from error
    try:
        yield Journal(folder)
    finally:
        lock.release()
