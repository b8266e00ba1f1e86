"""A file of fetched studies, as JSON lines. A fetch first reads the existing lines, so that it can
resume after being killed.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, cast

from filelock import FileLock, Timeout

from extractor.apps.fetch.pages import Study, list_study_numbers
from extractor.errors import StoreError
from extractor.face import made_folder, parse_json


class RecordFile:
    """A file of fetched studies, one JSON document per line, gzipped if its name ends in ``.gz``.

    ``numbers`` contains the NCT numbers of its studies, including former numbers, and those of its
    papers; ``records`` is the number of both. With ``fresh``, both leave out what an existing file
    contains, which the first new studies replace. Otherwise, an incomplete last line left by a
    fetch that was killed is removed.

    Raises ``StoreError`` if the file contains anything other than fetched studies, and ``OSError``
    if it cannot be read or written.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        """Read the existing studies of the file, unless there are none or they are replaced."""
        self.path = path
        self.numbers: set[str] = set()
        self.records = 0
        self._mode: Literal["wb", "ab"] = "wb" if fresh else "ab"
        if not path.exists():
            return
        if not path.is_file():
            raise StoreError(f"{path}: is a folder or a device; specify a file")
        if not fresh:
            self._read_existing()

    def write(self, studies: Iterable[Study]) -> None:
        """Append studies. If the existing file is to be replaced, the first call with studies
        replaces it. A call without studies does not change the file.
        """
        lines = [study.line for study in studies]
        if lines:
            with self._open(self.path, self._mode) as file:
                file.writelines(lines)
            self._mode = "ab"
            self.records += len(lines)

    def _read_existing(self) -> None:
        """Read the numbers of the studies in the file, and remove an incomplete last line.

        Raises ``StoreError`` for a line that is not a study, and for a file without complete lines.
        """
        problem = None
        is_cut = False
        try:
            with self._open(self.path, "rb") as file:
                for line in file:
                    is_cut = not line.endswith(b"\n")
                    if not is_cut:
                        self.numbers.update(list_study_numbers(parse_json(line)))
                        self.records += 1
        except EOFError:
            # a kill truncated the gzipped file
            is_cut = True
        except (ValueError, gzip.BadGzipFile, zlib.error) as error:
            problem = str(error)
        # a different kind of file, with one long line
        if is_cut and not self.records:
            problem = "the line is incomplete"
        if problem:
            raise StoreError(
                f"{self.path}, line {self.records + 1}: not a fetched study ({problem}); specify "
                "another file, or replace this one with --fresh"
            )
        if is_cut:
            beside = self.path.with_name(f".{self.path.name}.new")
            beside.unlink(missing_ok=True)  # of a killed process
            with self._open(self.path, "rb") as old, self._open(beside, "xb") as new:
                new.writelines(islice(old, self.records))
            beside.replace(self.path)

    def _open(self, path: Path, mode: Literal["rb", "wb", "ab", "xb"]) -> BinaryIO:
        """Open the file, or the file ``.NAME.new`` that will replace it. It is gzipped if the name
        of the file ends in ``.gz``. If lines are appended to a gzipped file, they form another
        gzip member, which readers treat as part of the same content.
        """
        if self.path.suffix == ".gz":
            return cast("BinaryIO", gzip.open(path, mode))
        return path.open(mode)


@contextmanager
def open_file(path: Path, *, fresh: bool = False) -> Iterator[RecordFile]:
    """Open a file for a single fetch. If the fetch does not find any studies, no new file is left
    behind. Raises ``StoreError`` if another fetch is writing to the file, and any error that
    ``RecordFile`` raises. The lock file is not deleted, because another process may have opened
    it.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    with made_folder(path.parent):
        try:
            lock.acquire()
        except Timeout:
            raise StoreError(
                f"{path}: another fetch is writing to this file; wait until it ends, or specify "
                "another file"
            ) from None
        try:
            yield RecordFile(path, fresh=fresh)
        finally:
            if not path.exists():
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()
