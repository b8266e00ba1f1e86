"""The journals of a review: a file of JSON lines for each record, to which changes are appended."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.apps.review.draft import Draft, Patch
from extractor.apps.review.forms import Json
from extractor.apps.review.gold import name_gold
from extractor.errors import StoreError


class Journal:
    """Journals in a folder.

    The lines of a file have one of these keys each:

    - ``start``: the JSON with which the review of the record began, with the digest of its gold
      file, if there was one (``written``).
    - ``patch``: a change. ``undo``: the last one is undone.
    - ``finished``: the digest of the gold file that was written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, record_id: str) -> Draft | None:
        """Return the draft of a record with its changes; None if the record has no journal."""
        path = self._name(record_id)
        if not path.is_file():
            return None
        draft = None
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut off by a power failure, and never answered
            if "start" in entry:
                draft = Draft(entry["start"], entry["written"])
                draft.is_kept = True
            elif draft is not None:
                _replay(draft, entry)
        return draft

    def append(self, record_id: str, *entries: Json) -> None:
        """Append lines. They are on disk when this returns."""
        path = self._name(record_id)
        lines = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
        with path.open("a+b") as file:
            if file.tell() and not _ends_line(path):
                lines = b"\n" + lines
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())

    def list_begun(self) -> set[str]:
        """Return the names of the journals there are, as gold files of these records have them."""
        return {path.name.removesuffix("l") for path in self._folder.glob("*.jsonl")}

    def _name(self, record_id: str) -> Path:
        return self._folder / f"{name_gold(record_id)}l"


@contextmanager
def open_journal(gold: Path) -> Iterator[Journal]:
    """Open the journals of a folder of gold, which no other review may have open.

    Raises ``StoreError`` if one has, or if nothing can be written there.
    """
    folder = gold / ".review"
    lock = FileLock(folder / "lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise StoreError(
            f"{gold}: another review of this folder is open; end it, or name a --gold of your own"
        ) from error
    except OSError as error:
        raise StoreError(
            f"{gold}: cannot be written ({error.strerror}); choose another --gold"
        ) from error
    try:
        yield Journal(folder)
    finally:
        lock.release()


def _replay(draft: Draft, entry: Json) -> None:
    if "patch" in entry:
        draft.add(Patch.model_validate(entry["patch"]))
    elif "undo" in entry:
        draft.undo()
    elif "finished" in entry:
        draft.finish(entry["finished"])


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"
