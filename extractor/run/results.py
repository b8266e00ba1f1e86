"""The files of a run's folder: its lock, whole files, and ``extractions.jsonl``, which is appended to and sorted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout:
        raise StoreError(f"{folder}: another process writes into it; wait for it, or choose another --out") from None


def is_locked(folder: Path) -> bool:
    """Whether a run writes into the folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with lock_folder(folder):
            return False
    except StoreError:
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


def sort_results(path: Path, store: RunStore) -> None:
    """Sort the lines by input order. Readers see the old order or the new one.

    The sorted file is written beside the other, the store notes the new places, and the file is replaced. If the run
    is killed in between, ``repair_results`` sees by the store whether the file beside is complete.
    """
    if store.is_sorted(path.stat().st_size):
        return
    with path.open("rb") as file, _fresh(path).open("wb") as ordered:
        for _, start, length in store.lines():
            file.seek(start)
            ordered.write(file.read(length))
    store.note_sorted()
    _fresh(path).replace(path)


def repair_results(path: Path, store: RunStore) -> None:
    """Make file and store agree again, wherever an earlier run was killed.

    An interrupted sort is finished or undone. A line that was torn, or written and not stored, is cut off.
    """
    if (fresh := _fresh(path)).exists():
        fresh.replace(path) if store.is_sorted(fresh.stat().st_size) else fresh.unlink()
    path.touch()
    end = store.trim(path.stat().st_size)
    with path.open("r+b") as file:
        file.truncate(end)


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
