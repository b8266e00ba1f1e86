"""A file of fetched studies, as JSON lines. Its lines say what is there, so that a fetch
continues after a kill.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, cast

from filelock import FileLock, Timeout

from extractor.apps.fetch.pages import Study, read_numbers
from extractor.errors import StoreError


class RecordFile:
    """A file of fetched studies, one JSON document per line, packed if its name ends in ``.gz``.

    ``known`` are the NCT numbers of its studies, also the former ones; ``records`` counts the
    studies. What a killed fetch left after the last whole line is cut off. With ``fresh``, the
    first new studies replace the earlier file.

    Raises ``StoreError`` if the file holds anything but fetched studies, ``OSError`` if it cannot
    be read or written.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.known: set[str] = set()
        self.records = 0
        self._is_packed = path.suffix == ".gz"
        self._is_replaced = fresh
        if path.exists() and not path.is_file():
            raise StoreError(f"{path}: a folder or a device; name a file")
        if path.exists() and not fresh:
            self._continue()

    def write(self, studies: Iterable[Study]) -> None:
        """Append studies. The first ones replace the earlier file, if it is to be replaced. Without
        studies the file stays as it is.
        """
        lines = [study.line for study in studies]
        if not lines:
            return
        mode: Literal["wb", "ab"] = "wb" if self._is_replaced else "ab"
        with self._open(self.path, mode) as file:
            file.writelines(lines)
        self._is_replaced = False
        self.records += len(lines)

    def _continue(self) -> None:
        """Note the numbers of the file's studies, and cut off what follows its last whole line.

        Raises ``StoreError`` for a line that is no study, and for a file that has no whole line.
        """
        is_cut = False
        try:
            with self._open(self.path, "rb") as file:
                for line in file:
                    is_cut = not line.endswith(b"\n")
                    if is_cut:
                        break
                    self.known.update(read_numbers(line))
                    self.records += 1
        # the end of the packed lines is missing
        except EOFError:
            is_cut = True
        except (ValueError, gzip.BadGzipFile, zlib.error) as error:
            raise self._refuse(str(error)) from None
        # a file of something else, in one long line
        if is_cut and not self.records:
            raise self._refuse("the line has no end")
        if is_cut:
            self._keep_whole_lines()

    def _refuse(self, problem: str) -> StoreError:
        """Return the error for a line that no fetch has written."""
        place = f"{self.path}, line {self.records + 1}"
        remedy = "name another file, or replace this one with --fresh"
        return StoreError(f"{place}: not a fetched study ({problem}); {remedy}")

    def _keep_whole_lines(self) -> None:
        """Write the file again without what follows its last whole line."""
        beside = self.path.with_name(f".{self.path.name}.new")
        with self._open(self.path, "rb") as old, self._open(beside, "wb") as new:
            new.writelines(islice(old, self.records))
        beside.replace(self.path)

    def _open(self, path: Path, mode: Literal["rb", "wb", "ab"]) -> BinaryIO:
        """Open a file, packed or not. Packed lines that are appended are a further part of the
        file, which gzip reads as if it were one.
        """
        if self._is_packed:
            return cast("BinaryIO", gzip.open(path, mode))
        return path.open(mode)


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """Keep other fetches away from a file. Raises ``StoreError`` if one writes to it.

    The lock's file stays beside the file of records, since another process may have opened it.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(
            f"{path}: another fetch writes to it; wait for its end, or name another file"
        ) from None
    try:
        yield
    finally:
        if not path.exists():
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
