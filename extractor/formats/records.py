"""Read records from inputs, one at a time, each with its id and place."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from functools import partial
from glob import has_magic, iglob
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, cast

from extractor.errors import ArgumentError, RecordError, RepeatedRecord, WrongType
from extractor.formats.archives import BROKEN_STREAM, Document, as_unreadable, open_documents
from extractor.formats.drafts import Found, Unreadable, build_draft, find_trial_id
from extractor.formats.flat import build_plain
from extractor.formats.names import exists, is_file, is_text, shorten
from extractor.schemas import Source, TrialRecord
from extractor.schemas.arguments import suggest
from extractor.schemas.record_limits import check_unicode

STDIN = "<stdin>"
OpenAddress = Callable[[str], Iterator[tuple[str, BinaryIO] | RecordError]]


def read_records(
    *inputs: str | os.PathLike[str],
    on_error: Callable[[RecordError], None] | None = None,
    stdin: BinaryIO | None = None,
    open_address: OpenAddress | None = None,
) -> Iterator[TrialRecord]:
    """Read trial records one by one, in any supported format, plain, in gzip or in zip.

    Args:
        inputs: Files, folders (searched in depth, without folders of results), patterns such as
            ``*.json``, and ``-`` for standard input.
        on_error: Is called with the error of each record that cannot be read. Reading continues
            with the next record.
        stdin: A binary stream to read in place of standard input.
        open_address: Opens the files at an address such as ``s3://bucket/folder``.

    Raises:
        RecordError: A record cannot be read or repeats an earlier id, and there is no ``on_error``.
            The message names the file, the place in it and a remedy.
        WrongType: An input is no path.

    >>> record = next(read_records("seeds/records"))
    >>> record.record_id, [section.name for section in record.sections][:3]
    ('000_071fc1b3f362aea9', ['title', 'brief_summary', 'conditions'])
    """
    seen: dict[str, tuple[str, int]] = {}
    for given in inputs:
        if not isinstance(given, str | os.PathLike):
            raise WrongType(
                f"{type(given).__name__} is no path; give each file or folder as an argument of "
                "its own"
            )
        location = os.fspath(given)
        named = location == "-" or (exists(location) and not _is_folder(location))
        for found in _open_input(location, stdin, open_address):
            for result in (
                [found] if isinstance(found, RecordError) else _read_file(*found, named=named)
            ):
                checked = check_new(result, seen) if isinstance(result, TrialRecord) else result
                if isinstance(checked, TrialRecord):
                    yield checked
                elif on_error:
                    on_error(checked)
                else:
                    raise checked


def read_stream(name: str, stream: BinaryIO) -> Iterator[TrialRecord]:
    r"""Read trial records from an open stream, as from a file of that name. The first problem
    raises ``RecordError``.

    >>> from io import BytesIO
    >>> next(
    ...     read_stream("example.txt", BytesIO(b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n"))
    ... ).record_id
    'example'
    """
    for result in _read_file(name, stream):
        if isinstance(result, RecordError):
            raise result
        yield result


def make_record(text: str, *, title: str | None = None, record_id: str = "text") -> TrialRecord:
    r"""Make the record of a text, such as a protocol synopsis or a pasted list of criteria.

    Usual headings ("Key inclusion criteria", "Treatment arms", "Primary endpoint(s)") begin
    sections; a text without any is one description. A section's ``locate`` tells where its
    characters stand in ``text``.

    Args:
        text: The text, plain or in Markdown; or a flattened record.
        title: The title of the trial, in place of one in the text.
        record_id: The record's id, unless the text states a number of a registry.

    Raises:
        RecordError: The text is empty or too long, or is data such as JSON.
        ArgumentError: It is no text, or is the name of a file.

    >>> text = "Inclusion criteria\n- Adults\n\nPrimary endpoint: Survival at 2 years"
    >>> record = make_record(text, title="A Trial of Fictumab")
    >>> [section.name for section in record.sections]
    ['title', 'eligibility', 'primary_outcomes[0]']
    >>> start, end = record.section("primary_outcomes[0]").locate(0, 8)
    >>> text[start:end]
    'Survival'
    """
    if not isinstance(text, str):
        raise WrongType(
            f"{type(text).__name__} is no text; give what read_text() returns; for a record, use "
            "extract"
        )
    if not isinstance(title, str | None) or not isinstance(record_id, str):
        raise WrongType("title and record_id: give texts")
    if is_file(text):
        raise ArgumentError(f"{text!r} is the name of a file; read it with read_records")
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        raise ArgumentError(f"the text is not valid Unicode at character {problem.start}") from None
    document = Document(
        record_id, iter([build_draft(partial(build_plain, title=title), text, None)])
    )
    [found] = _read_document("<text>", document)
    if isinstance(found, RecordError):
        raise found
    return found


def check_new(record: TrialRecord, seen: dict[str, tuple[str, int]]) -> TrialRecord | RecordError:
    """Return the record if its id is new, else an error with both places. ``seen``: place and
    digest of each id.

    A record with text that is no Unicode is an error, too: it cannot be stored.
    """
    try:
        check_unicode(record)
    except RecordError as error:
        return error
    source = record.source
    digest = hash(record.model_dump_json(include={"sections", "registry"}))
    place = _join_place(source.path, source.place) or ""
    if record.record_id not in seen:
        seen[record.record_id] = place, digest
        return record
    first, known = seen[record.record_id]
    return RepeatedRecord(
        source.path, record.record_id, first, same_text=known == digest, place=source.place
    )


def open_stdin() -> BinaryIO:
    """Return standard input without a buffer of its own.

    The end of the program would wait for the lock of a buffer from which a thread still reads.
    """
    buffer = sys.stdin.buffer
    return cast("BinaryIO", getattr(buffer, "raw", buffer))


def _open_input(
    location: str, stdin: BinaryIO | None, open_address: OpenAddress | None
) -> Iterator[tuple[str, BinaryIO] | RecordError]:
    """Yield the open files of one input, each closed before the next is opened."""
    if location == "-":
        yield STDIN, stdin or open_stdin()
    elif is_text(location):
        yield refuse_text(location)
    elif open_address and "://" in location:
        for found in open_address(location):
            with nullcontext() if isinstance(found, RecordError) else closing(found[1]):
                yield found
    else:
        for path in _locate_files(location):
            if isinstance(path, RecordError):
                yield path
                continue
            try:
                stream = path.open("rb")
            except OSError as problem:
                yield _locate_problem(as_unreadable(problem), str(path))
                continue
            with stream:
                yield str(path), stream


def _read_file(
    path: str, stream: BinaryIO, *, named: bool = True
) -> Iterator[TrialRecord | RecordError]:
    try:
        for document in open_documents(path.strip("<>"), stream, named=named):
            yield from _read_document(path, document)
    except (Unreadable, *BROKEN_STREAM) as problem:
        yield _locate_problem(as_unreadable(problem), path)


def _read_document(path: str, document: Document) -> Iterator[TrialRecord | RecordError]:
    for found, stem in _name_records(_contain(document.items), document.stem):
        if isinstance(found, Unreadable):
            yield _locate_problem(found, path, document.member)
        else:
            place = _join_place(document.member, found.place)
            source = Source(path=path, format=found.format, place=place, notes=found.notes)
            yield TrialRecord(
                record_id=found.trial_id or stem,
                source=source,
                sections=found.sections,
                registry=found.registry,
                document=found.document,
            )


def _contain(items: Iterator[Found]) -> Iterator[Found]:
    """Yield the same items, and an exception that ends them as the last item, so that the others
    are kept.
    """
    try:
        yield from items
    except (Unreadable, *BROKEN_STREAM) as problem:
        yield as_unreadable(problem)


def _name_records(items: Iterator[Found], stem: str) -> Iterator[tuple[Found, str]]:
    """Yield each item with its default id: the stem, numbered if the document holds several."""
    opening = list(islice(items, 2))
    if not opening:
        yield Unreadable("holds no record", "give a file with records"), stem
    elif len(opening) == 1:
        yield opening[0], stem
    else:
        for number, item in enumerate(chain(opening, items), 1):
            yield item, f"{stem}-{number}"


def _locate_problem(problem: Unreadable, path: str, member: str | None = None) -> RecordError:
    return RecordError(
        path, problem.problem, problem.remedy, place=_join_place(member, problem.place)
    )


def _join_place(member: str | None, place: str | None) -> str | None:
    return ", ".join(filter(None, (member, place))) or None


def _locate_files(location: str) -> Iterator[Path | RecordError]:
    """Yield the files of one input, sorted within each folder, and an error for each that cannot be
    found.

    Hidden files (a leading dot) and folders of results are skipped unless named.
    """
    path = Path(location)
    if _is_folder(location):
        yield from _locate_in_folder(path)
    elif exists(location):
        yield path
    elif not has_magic(location):
        is_number = (find_trial_id(location) or "").startswith("NCT")
        remedy = (
            "fetch the record of this number first: extractor fetch, in Python fetch_records"
            if is_number
            else ""
        )
        yield RecordError(location, describe_missing(path), remedy or "check the path")
    else:
        matches = sorted(iglob(location, recursive=True))  # noqa: PTH207 -- Path.glob takes no absolute patterns
        if not matches:
            yield RecordError(
                location,
                "no file matches the pattern",
                "check the pattern, and quote it in a shell",
            )
        for match in map(Path, matches):
            yield from _locate_in_folder(match) if match.is_dir() else (match,)


def _is_folder(location: str) -> bool:
    try:
        return Path(location).is_dir()
    except OSError:  # opening it says why
        return False


def refuse_text(text: str) -> RecordError:
    """Return the error of a text where the name of a file belongs."""
    remedy = (
        "make a record of it with make_record, or use extract_text; on the command line, "
        "name a file of it"
    )
    return RecordError(shorten(text), "a text, not the name of a file", remedy)


def refuse_missing(inputs: Sequence[str]) -> None:
    """Raise ``ArgumentError`` if no input exists. One that is missing among others fails alone."""
    names = [one for one in inputs if not is_text(one)]
    if inputs and not names:
        raise ArgumentError(str(refuse_text(inputs[0])))
    if names and not any(
        one == "-" or "://" in one or has_magic(one) or exists(one) for one in names
    ):
        path = Path(names[0])
        beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        nearest = "" if path.name in beside else suggest(path.name, beside)
        raise ArgumentError(f"{path}: {describe_missing(path)}{nearest}; check the path")


def describe_missing(path: Path) -> str:
    """Return why nothing is found at a path."""
    if path.is_symlink():
        return f"it is a link to {path.readlink()}, where nothing is"
    return "there is no such file or folder"


_RUN = "run.sqlite"
"""A folder inside an input with this file holds the results of a run, not records."""


def _locate_in_folder(folder: Path) -> Iterator[Path | RecordError]:
    problems: list[OSError] = []
    empty = True
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        if _RUN in names and Path(parent) != folder:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (Path(parent, name) for name in sorted(names) if not name.startswith(".")):
            if path.is_file():
                empty = False
                yield path
            elif path.is_symlink() and not path.exists():
                empty = False
                yield RecordError(str(path), describe_missing(path), "mend or delete the link")
    for problem in problems:
        reason = f"the folder cannot be listed ({problem.strerror})"
        yield RecordError(str(problem.filename), reason, "check its permissions")
    if empty:
        yield RecordError(str(folder), "the folder holds no files", "name a folder with records")
