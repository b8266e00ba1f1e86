"""The files of a run's folder: its lock, atomic writes, and the sorting of ``extractions.jsonl``."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.errors import DiskFull, StoreError

from .store import RunStore

_LOCK = ".lock"


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder. At the end of the block, the folders that this made are removed if they are empty."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for each in made:
            with suppress(OSError):
                each.rmdir()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a run's folder. The operating system releases the lock of a process that ends in any way.

    The lock's file stays, since another process may have opened it, unless nothing else is in the folder.

    Raises ``StoreError`` if another run has the lock, ``OSError`` if its file cannot be opened.
    """
    try:
        with FileLock(folder / _LOCK, timeout=0):
            try:
                yield
            finally:
                if list(folder.iterdir()) == [folder / _LOCK]:
                    (folder / _LOCK).unlink()
    except Timeout:
        raise StoreError(f"{folder}: another process writes to it; wait for its end, or choose another --out") from None


def is_locked(folder: Path) -> bool:
    """Whether a run writes to the folder."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with lock_folder(folder):
            return False
    except StoreError:
        return True
    except OSError:  # a read-only folder, to which no run writes
        return False


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``StoreError`` with the file's name, the reason and a remedy."""
    try:
        yield
    except OSError as error:
        problem = f"{error.filename or path}: {error.strerror}"
        if error.errno in (ENOSPC, EDQUOT):
            raise DiskFull(f"{problem}; free some space on its disk, and run the same command again") from error
        raise StoreError(f"{problem}; fix this, or choose another --out") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely, or leave the old one."""
    _fresh(path).write_bytes(content)
    _fresh(path).replace(path)


def sort_results(path: Path, store: RunStore) -> None:
    """Sort the lines by input order. Readers see the old file or the sorted one.

    Writes the sorted lines to a second file, stores the new places, and replaces the first file. After a kill in
    between, ``repair_results`` compares the second file with the store.
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
    """Make the file and the store agree again after a kill.

    Finishes or undoes an interrupted sort, and cuts off a line that is incomplete or not stored.
    """
    if (fresh := _fresh(path)).exists():
        fresh.replace(path) if store.is_sorted(fresh.stat().st_size) else fresh.unlink()
    path.touch()
    end = store.trim(path.stat().st_size)
    with path.open("r+b") as file:
        file.truncate(end)


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
