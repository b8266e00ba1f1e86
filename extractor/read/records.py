"""``read_records``: every record of every input, each with its id and place, one at a time."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from glob import has_magic, iglob
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from extractor.errors import RecordError, RepeatedRecord
from extractor.schemas import Source, TrialRecord

from .archives import BROKEN_STREAM, Document, as_unreadable, detect_format, open_documents
from .drafts import Found, Unreadable
from .streams import peek_block, to_utf8

_STDIN = "<stdin>"
_Result = TrialRecord | RecordError
OpenAddress = Callable[[str], Iterator[tuple[str, BinaryIO] | RecordError]]


def read_records(
    *inputs: str | os.PathLike[str],
    on_error: Callable[[RecordError], None] | None = None,
    stdin: BinaryIO | None = None,
    open_address: OpenAddress | None = None,
) -> Iterator[TrialRecord]:
    """Read trial records from files, folders (searched in depth), patterns, and ``-`` for standard input.

    What cannot be read is a ``RecordError`` that names the file, the place in it and a remedy. It is raised,
    or handed to ``on_error`` if given, and reading goes on with the next record that can be found. A record
    with the id of an earlier one is such an error too. ``open_address`` opens the files at an address such as
    ``s3://bucket/folder``.

    >>> record = next(read_records("seeds/records"))
    >>> record.record_id, [section.name for section in record.sections][:3]
    ('000_071fc1b3f362aea9', ['title', 'brief_summary', 'conditions'])
    """
    seen: dict[str, tuple[str, int]] = {}
    for location in inputs:
        for result in _read_input(os.fspath(location), stdin, open_address):
            checked = _check_new(result, seen) if isinstance(result, TrialRecord) else result
            if isinstance(checked, TrialRecord):
                yield checked
            elif on_error:
                on_error(checked)
            else:
                raise checked


def read_stream(name: str, stream: BinaryIO) -> Iterator[TrialRecord]:
    r"""Read trial records from an open stream, as from a file of that name. The first problem is raised as
    ``RecordError``.

    >>> from io import BytesIO
    >>> next(read_stream("example.txt", BytesIO(b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n"))).record_id
    'example'
    """
    for result in _read_file(name, name, stream):
        if isinstance(result, RecordError):
            raise result
        yield result


def _check_new(record: TrialRecord, seen: dict[str, tuple[str, int]]) -> TrialRecord | RepeatedRecord:
    """The record if its id is new, else an error that names both places. ``seen``: place and digest of each id."""
    source, digest = record.source, hash(record.model_dump_json(include={"sections", "registry"}))
    place = _join_place(source.path, source.place) or ""
    if record.record_id not in seen:
        seen[record.record_id] = place, digest
        return record
    first, known = seen[record.record_id]
    return RepeatedRecord(source.path, record.record_id, first, same_text=known == digest, place=source.place)


def _read_input(location: str, stdin: BinaryIO | None, open_address: OpenAddress | None) -> Iterator[_Result]:
    if location == "-":
        yield from _read_file(_STDIN, "stdin", stdin or sys.stdin.buffer)
        return
    if open_address and "://" in location:
        yield from _read_opened(open_address(location))
        return
    for path in _locate_files(location):
        if isinstance(path, RecordError):
            yield path
            continue
        try:
            stream = path.open("rb")
        except OSError as problem:
            yield _locate_problem(as_unreadable(problem), str(path))
            continue
        with closing(stream):
            yield from _read_file(str(path), path.name, stream)


def _read_opened(files: Iterator[tuple[str, BinaryIO] | RecordError]) -> Iterator[_Result]:
    for found in files:
        if isinstance(found, RecordError):
            yield found
            continue
        path, stream = found
        with closing(stream):
            yield from _read_file(path, PurePosixPath(path).name, stream)


def _read_file(path: str, name: str, stream: BinaryIO) -> Iterator[_Result]:
    try:
        for document in open_documents(name, stream):
            yield from _read_document(path, document)
    except (Unreadable, *BROKEN_STREAM) as problem:
        yield _locate_problem(as_unreadable(problem), path)


def _read_document(path: str, document: Document) -> Iterator[_Result]:
    if isinstance(document.stream, Unreadable):
        yield _locate_problem(document.stream, path, document.member)
        return
    try:
        stream = to_utf8(document.stream)
        name, read = detect_format(peek_block(stream))
    except (Unreadable, *BROKEN_STREAM) as problem:
        yield _locate_problem(as_unreadable(problem), path, document.member)
        return
    for found, stem in _name_records(_contain(read(stream)), document.stem):
        if isinstance(found, Unreadable):
            yield _locate_problem(found, path, document.member)
        else:
            source = Source(path=path, format=name, place=_join_place(document.member, found.place))
            yield TrialRecord(
                record_id=found.nct_id or stem, source=source, sections=found.sections, registry=found.registry
            )


def _contain(items: Iterator[Found]) -> Iterator[Found]:
    """The same items; what ends them early comes as the last one, so that those before it are kept."""
    try:
        yield from items
    except (Unreadable, *BROKEN_STREAM) as problem:
        yield as_unreadable(problem)


def _name_records(items: Iterator[Found], stem: str) -> Iterator[tuple[Found, str]]:
    """Each item with the id it gets where it has none: the stem, numbered if the document holds several."""
    opening = list(islice(items, 2))
    if not opening:
        yield Unreadable("holds no record", "give a file with records"), stem
    elif len(opening) == 1:
        yield opening[0], stem
    else:
        for number, item in enumerate(chain(opening, items), 1):
            yield item, f"{stem}-{number}"


def _locate_problem(problem: Unreadable, path: str, member: str | None = None) -> RecordError:
    return RecordError(path, problem.problem, problem.remedy, place=_join_place(member, problem.place))


def _join_place(member: str | None, place: str | None) -> str | None:
    return ", ".join(filter(None, (member, place))) or None


def _locate_files(location: str) -> Iterator[Path | RecordError]:
    """The files of one input, sorted within each folder; an error stands for what cannot be found.

    Hidden files (a leading dot) are passed over unless named.
    """
    path = Path(location)
    if path.is_dir():
        yield from _locate_in_folder(path)
    elif path.exists():
        yield path
    elif has_magic(location):
        yield from _locate_matches(location)
    else:
        yield RecordError(location, "there is no such file or folder", "check the path")


def _locate_in_folder(folder: Path) -> Iterator[Path | RecordError]:
    problems: list[OSError] = []
    empty = True
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file():
                empty = False
                yield path
        while problems:
            yield _no_access(problems.pop())
    for problem in problems:
        yield _no_access(problem)
    if empty:
        yield RecordError(str(folder), "the folder holds no files", "name a folder with records")


def _locate_matches(pattern: str) -> Iterator[Path | RecordError]:
    matches = sorted(iglob(pattern, recursive=True))  # noqa: PTH207 -- Path.glob takes no absolute patterns
    if not matches:
        yield RecordError(pattern, "no file matches the pattern", "check the pattern, and quote it in a shell")
    for match in matches:
        yield from _locate_in_folder(Path(match)) if Path(match).is_dir() else (Path(match),)


def _no_access(problem: OSError) -> RecordError:
    return RecordError(str(problem.filename), f"the folder cannot be listed ({problem.strerror})", "check its rights")
