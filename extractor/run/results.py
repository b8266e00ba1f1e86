"""The files of a run's folder: its lock, whole files, and ``extractions.jsonl``, which is appended to and sorted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from extractor.errors import StoreError

from .store import RunStore

_LOCK = ".lock"


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder. The operating system releases it when the process ends, however that happens.

    Raises ``StoreError`` if another run holds it, and ``OSError`` if the lock's file cannot be opened.
    """
    try:
        lock = FileLock(folder / _LOCK, timeout=0)
        with lock:
            yield
    except Timeout:
        raise StoreError(f"{folder}: another process writes into it; wait for it, or choose another --out") from None


def is_locked(folder: Path) -> bool:
    """Whether a run writes into the folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with FileLock(folder / _LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written, to which nobody writes
        return False


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``StoreError`` that says which file could not be read or written, and why."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}; mend that, or choose another --out") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file, or leave the one that was there."""
    _fresh(path).write_bytes(content)
    _fresh(path).replace(path)


class ResultsFile:
    """The open ``extractions.jsonl``. The store knows whose each line is; a line it does not know is no result."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")

    @staticmethod
    def repair(path: Path, store: RunStore) -> None:
        """Make file and store agree again, wherever an earlier run was killed.

        A line that was torn, or written and not stored, is cut off; an interrupted sort is finished or undone.
        """
        unsorted = path.exists() and _fresh(path).exists()
        store.end_move(moved=not unsorted)
        _fresh(path).unlink(missing_ok=True)
        path.touch()
        store.forget_behind(path.stat().st_size)
        with path.open("r+b") as file:
            file.truncate(store.end_of_lines())

    def append(self, line: bytes) -> tuple[int, int]:
        """Write a line; its first byte and its length. It is on disk when this returns."""
        with naming_file(self._path):
            start = self._file.tell()
            self._file.write(line + b"\n")
            self._file.flush()
        return start, len(line) + 1

    def sort(self, store: RunStore) -> None:
        """Sort the lines by input order. Readers see the old order or the new one.

        The new file is written beside the old one, the store notes where each line will be, the file is replaced, and
        the store notes that it was. If the run is killed in between, ``repair`` sees which file is there.
        """
        with naming_file(self._path):
            if store.is_sorted(self._path.stat().st_size):
                return
            with self._path.open("rb") as file, _fresh(self._path).open("wb") as ordered:
                for _, start, length in store.lines():
                    file.seek(start)
                    ordered.write(file.read(length))
            store.plan_move()
            self._file.close()
            _fresh(self._path).replace(self._path)
            store.end_move(moved=True)
            self._file = self._path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
