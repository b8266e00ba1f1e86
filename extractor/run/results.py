"""``extractions.jsonl``: a line for each finished record, appended as they come, in input order at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from extractor.errors import StoreError

from .store import RunStore

__all__ = ["ResultsFile", "telling", "write_atomically"]


class ResultsFile:
    """The open file of results. The store knows which line is whose; what it does not know of is no result."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab")

    @staticmethod
    def mend(path: Path, store: RunStore) -> None:
        """Make file and store agree again, wherever an earlier run was killed.

        A line that was torn, or written and not noted, is cut off; sorting that was under way is ended or undone.
        """
        unsorted = path.exists() and _fresh(path).exists()
        store.end_move(moved=not unsorted)
        _fresh(path).unlink(missing_ok=True)
        path.touch()
        store.forget_behind(path.stat().st_size)
        with path.open("r+b") as file:
            file.truncate(store.end_of_lines())

    def append(self, line: bytes) -> tuple[int, int]:
        """Write a line, and say at which byte it starts and how long it is. It is on disk when this returns."""
        with telling(self._path):
            start = self._file.tell()
            self._file.write(line + b"\n")
            self._file.flush()
        return start, len(line) + 1

    def sort(self, store: RunStore) -> None:
        """Put the lines into input order, unless they are. Whoever reads meanwhile sees the old order or the new one.

        The new file is written beside the old one, the store told where each line will be, the file put in place, the
        store told that it is there: whether it was, shows an end in between.
        """
        with telling(self._path):
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


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Says which file could not be written or read, and why."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}; mend that, or choose another --out") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file, or leave the one that was there."""
    _fresh(path).write_bytes(content)
    _fresh(path).replace(path)


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
