"""Files of fetched studies, as JSON lines, that a fetch can continue after it was stopped at any
moment.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, Self, cast

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from extractor.apps.fetch.client import Registry
from extractor.apps.fetch.pages import BadPage, Study, read_study_line
from extractor.apps.fetch.query import RegistryQuery
from extractor.apps.fetch.studies import FetchedPage, Wanted, check_count, fetch_pages
from extractor.errors import StoreError
from extractor.formats.drafts import Unreadable
from extractor.formats.streams import read_lines

_OTHER = "name another file, or replace this one with --fresh"


class FetchNote(BaseModel):
    """The note that is stored beside the file: the query, and where it stopped.

    ``query`` holds the address and the parameters, empty for NCT numbers. ``size`` is that of the
    file in bytes, ``token`` and ``page_size`` continue the query, ``total`` is the registry's
    count. A ``complete`` file holds all that the registry has for the query.
    """

    query: dict[str, str]
    size: int = 0
    token: str | None = None
    page_size: int = 0
    total: int | None = None
    complete: bool = False


class RecordFile:
    """A file of fetched studies, one JSON document per line, packed if its name ends in ``.gz``.

    Opening an existing file continues it: ``known`` are the numbers of its studies, ``records``
    counts them. A hidden note beside it (``.NAME.fetch``) says where a query stopped. Each page is
    written, then noted, so that after a kill the rest of a page is cut off and fetched again. With
    ``fresh`` the earlier file is replaced.

    Raises ``StoreError`` if another fetch writes to the file, if the file holds another query's
    records or no records, and ``OSError`` if it cannot be written.
    """

    def __init__(
        self, path: Path, wanted: Wanted, registry: Registry, *, fresh: bool = False
    ) -> None:
        self.path, self.known, self.records = path, set[str](), 0
        self._packed, self._note_path = path.suffix == ".gz", path.with_name(f".{path.name}.fetch")
        asked = (
            {"address": registry.name, **wanted.parameters}
            if isinstance(wanted, RegistryQuery)
            else {}
        )
        self.note = FetchNote(query=asked, page_size=registry.page_size)
        self.wanted = wanted
        self.registry = registry
        if path.exists() and not path.is_file():
            raise StoreError(f"{path}: a folder or a device; name a file")
        self._made = [folder for folder in path.parents if not folder.exists()]
        with ExitStack() as failing:
            try:
                failing.enter_context(FileLock(path.with_name(f".{path.name}.lock"), timeout=0))
            except Timeout:
                raise StoreError(
                    f"{path}: another fetch writes to it; wait for its end, or name another file"
                ) from None
            if fresh:
                self._note_path.unlink(missing_ok=True)
            elif path.exists():
                self._continue()
            self._file = failing.enter_context(path.open("wb" if fresh else "ab"))
            self._store_note()
            self._closing = failing.pop_all()

    def write(self, page: FetchedPage) -> None:
        """Append the studies of a page, and note where the next one starts."""
        data = b"".join(study.line for study in page.studies)
        if data:
            self._file.write(gzip.compress(data, mtime=0) if self._packed else data)
            self._file.flush()
        self.records += len(page.studies)
        self.note.token = page.token
        self.note.total = self.note.total if page.total is None else page.total
        self._store_note()

    def finish(self) -> None:
        """Note that all pages were read. Raises ``RegistryError`` if the registry counted more
        studies than it sent.
        """
        check_count(str(self.path), self.records, self.note.total)
        self.note.complete = bool(self.note.query)
        self._store_note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # leave nothing of a fetch that found nothing
        if not self.note.complete and not self.path.stat().st_size:
            for path in (
                self.path,
                self._note_path,
                self.path.with_name(f".{self.path.name}.lock"),
            ):
                path.unlink(missing_ok=True)
            for folder in self._made:
                with suppress(OSError):
                    folder.rmdir()
        self._closing.close()

    def _store_note(self) -> None:
        self.note.size = self.path.stat().st_size
        beside = self._note_path.with_name(f"{self._note_path.name}.new")
        beside.write_bytes(self.note.model_dump_json().encode())
        beside.replace(self._note_path)

    def _continue(self) -> None:
        note = None
        with suppress(FileNotFoundError, ValidationError):
            note = FetchNote.model_validate_json(self._note_path.read_bytes())
        if note and note.query != self.note.query:
            raise StoreError(
                f"{self.path}: holds the records of another query or of NCT numbers; {_OTHER}"
            )
        if note is None and self.note.query and self.path.stat().st_size:
            raise StoreError(f"{self.path}: there is no note of this query beside it; {_OTHER}")
        if note:
            self.note = (
                note if note.token else note.model_copy(update={"page_size": self.note.page_size})
            )
            self._cut_rest(note.size)
        for study in self._read_studies():
            self.known.update(study.numbers)
            self.records += 1

    def _cut_rest(self, size: int) -> None:
        """Cut off what a killed fetch left after the last noted page: half a line, or packed
        studies.
        """
        found = self.path.stat().st_size
        if found < size:
            raise StoreError(f"{self.path}: shorter than the fetch left it; {_OTHER}")
        with self.path.open("r+b") as file:
            if found and not self._packed:
                with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                    size = content.rfind(b"\n") + 1
            file.truncate(size)

    def _read_studies(self) -> Iterator[Study]:
        number = 1
        try:
            with gzip.open(self.path) if self._packed else self.path.open("rb") as file:
                for number, line in read_lines(cast("BinaryIO", file)):  # noqa: B007 - named in the error
                    yield read_study_line(_check_whole(line))
        except (BadPage, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise StoreError(
                f"{self.path}, line {number}: not a fetched study ({error}); {_OTHER}"
            ) from None


def _check_whole(line: bytes | Unreadable) -> bytes:
    if isinstance(line, Unreadable) or not line.endswith(b"\n"):
        raise BadPage("the line is too long, or has no end")
    return line


async def fetch_to_file(
    file: RecordFile,
    *,
    limit: int | None = None,
    on_page: Callable[[FetchedPage], None] = lambda _: None,
) -> tuple[str, ...]:
    """Fetch what the file lacks, and return the NCT numbers that the registry does not know.

    ``limit`` is the largest number of records in the file. ``on_page`` is called after each page is
    stored. Sends no request if the file is complete::

        with RecordFile(
            Path("asthma.jsonl"), RegistryQuery(condition="asthma"), Registry()
        ) as file:
            asyncio.run(fetch_to_file(file))

    Raises as ``fetch_pages`` and ``RecordFile.finish`` do.
    """
    if file.note.complete:
        return ()
    left = None if limit is None else max(0, limit - file.records)
    ended = False
    async with replace(file.registry, page_size=file.note.page_size).open() as client:
        async for page in fetch_pages(
            client, file.wanted, file.known, token=file.note.token, limit=left
        ):
            file.write(page)
            on_page(page)
            ended = page.ends
    if isinstance(file.wanted, RegistryQuery):
        if ended:
            file.finish()
        return ()
    return tuple(number for number in file.wanted if number not in file.known)
