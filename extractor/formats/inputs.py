"""Open a user's inputs: files, folders, patterns, addresses and standard input."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from glob import has_magic, iglob
from pathlib import Path
from typing import BinaryIO, cast

from extractor.errors import ArgumentError, RecordError, WrongType
from extractor.schemas.arguments import suggest

Opened = tuple[str, BinaryIO] | RecordError
"""An open file with its name, or the reason why it cannot be opened."""
OpenAddress = Callable[[str], Iterator[Opened]]

MISSING = "there is no such file or folder"
"""The beginning of the problem with an input that does not exist."""
_RUN = "run.sqlite"
"""A file whose presence shows that a folder contains the results of a run rather than records."""
_LIKE_TEXT = re.compile(
    "(?s:.*\0|.*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029].|(?!.*://)(?:.{4097}|.*[^/]{256}))"
)
"""Lines, a null, or more characters than common file systems allow for a path, or for a name in it.
An address may be longer.
"""
_LONGEST_SHOWN = 60
_LIKE_PATH = re.compile(
    r".*\.(?:jsonl?|ndjson|[ct]sv|xml|txt|md|pdf|docx?|xlsx?|html?|zip|gz)"
    r"|(?:\.{0,2}/|~|\w:\\)\S*",
    re.IGNORECASE,
)
"""A line with a usual suffix, or that begins as a path and has no spaces: "HIV/AIDS" is text."""


def exists(name: str) -> bool:
    """Return whether a file or folder with this name exists."""
    return os.path.exists(name)  # noqa: PTH110 - Path.exists raises for names that are too long


def is_file(name: str) -> bool:
    """Return whether an input is a single file or standard input rather than a folder or
    pattern.
    """
    return name == "-" or os.path.isfile(name)  # noqa: PTH113 - as above


def is_text(location: str) -> bool:
    r"""Return whether an input is text rather than a file name or an address.

    >>> is_text("none.json"), is_text("Inclusion criteria:\n- Adults")
    (False, True)
    """
    if _LIKE_TEXT.match(location) is None:
        return False
    return not exists(location)


def is_path(text: str) -> bool:
    """Return whether a text is, or looks like, the name of a file or folder.

    >>> is_path("data/protocol v2.docx"), is_path("Dose of 5 mg/kg or more")
    (True, False)
    """
    return exists(text) or _LIKE_PATH.fullmatch(text) is not None


def read_path_argument(given: object) -> str:
    """Return a path as a string. Raises ``WrongType`` if it is something else."""
    if isinstance(given, str | os.PathLike):
        return os.fspath(given)
    raise WrongType(
        f"{type(given).__name__} is not a path; pass each file or folder as a separate argument"
    )


def refuse_text(text: str) -> RecordError:
    """Return the error for a text that was passed instead of a file name."""
    remedy = (
        "make a record from it with make_record, or use extract_text; on the command line, "
        "pass the name of a file that contains it"
    )
    shown = ascii(" ".join(text[:_LONGEST_SHOWN].split()))
    return RecordError(shown, "a text, not the name of a file", remedy)


def refuse_missing(inputs: Sequence[str]) -> None:
    """Raise ``ArgumentError`` for the first input if none of the inputs has any files. If only
    some inputs have no files, nothing is raised, and each of these inputs fails separately.
    """
    errors: list[RecordError] = []
    for name in inputs:
        if is_text(name):
            errors.append(refuse_text(name))
            continue
        if name == "-" or "://" in name:
            return
        first = next(_locate_files(name))
        if not isinstance(first, RecordError):
            return
        errors.append(first)
    if errors:
        raise ArgumentError(str(errors[0]))


def open_input(
    location: str, stdin: BinaryIO | None, open_address: OpenAddress | None
) -> Iterator[Opened]:
    """Yield the open files of an input with their names, and an error for each file that cannot be
    opened. Each file is closed before the next is opened.

    Args:
        location: A file, a folder, a pattern, an address, or ``-`` for standard input. A text is
            treated as an error.
        stdin: A stream to read instead of standard input.
        open_address: Opens the files at an address. If it is None, an address is treated as a path.
    """
    if location == "-":
        # At exit, the program would wait for the lock of a buffer that a thread is still reading,
        # so standard input is read without its buffer.
        buffer = sys.stdin.buffer
        yield "<stdin>", stdin or cast("BinaryIO", getattr(buffer, "raw", buffer))
        return
    if is_text(location):
        files: Iterator[Opened] = iter([refuse_text(location)])
    elif open_address and "://" in location:
        files = open_address(location)
    else:
        files = map(_open_file, _locate_files(location))
    for opened in files:
        if isinstance(opened, RecordError):
            yield opened
            continue
        with closing(opened[1]):
            yield opened


def _open_file(path: Path | RecordError) -> Opened:
    if isinstance(path, RecordError):
        return path
    try:
        return str(path), path.open("rb")
    except OSError as problem:
        return RecordError(
            str(path),
            f"it cannot be opened ({problem.strerror})",
            "check the path and its permissions",
        )


def _locate_files(location: str) -> Iterator[Path | RecordError]:
    """Yield the files of an input, sorted within each folder, and an error for each folder that
    cannot be listed. An input without files also yields an error, which suggests a file with a
    similar name in the same folder.

    Hidden files (with a leading dot), pipes and folders of results are skipped unless the input
    specifies them directly.
    """
    paths: list[str] = []
    if exists(location):
        paths = [location]
    elif has_magic(location):
        matches = sorted(iglob(location, recursive=True))  # noqa: PTH207 -- Path.glob rejects absolute patterns
        # opening a pipe would wait until another program writes to it
        paths = [path for path in matches if not Path(path).is_fifo()]
    is_empty = True
    for path in map(Path, paths):
        files: Iterable[Path | RecordError] = [path]
        if path.is_dir():
            files = _locate_in_folder(path)
        for file in files:
            is_empty = False
            yield file
    if not is_empty:
        return
    if paths or has_magic(location):
        yield RecordError(
            location,
            "the folder contains no files, or the pattern does not match any files",
            "check the path; in a shell, quote the pattern",
        )
        return
    name = Path(location).name
    siblings = [file.name for file in Path(location).parent.glob("*")]
    problem = MISSING
    # the folder may contain the name as a broken link
    if name not in siblings:
        problem += suggest(name, siblings)
    yield RecordError(location, problem, "check the path")


def _locate_in_folder(folder: Path) -> Iterator[Path | RecordError]:
    """Yield the files of a folder and its subfolders, with an error for each link to a file outside
    the folder, then an error for each folder that cannot be listed. Hidden files and folders,
    links to folders, pipes, and subfolders with the results of runs are skipped.
    """
    # unlike Path.resolve, realpath accepts circular links
    root = os.path.realpath(folder)
    problems: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        if _RUN in names and Path(parent) != folder:
            folders.clear()
            continue
        # os.walk descends into the folders that remain in this list
        folders[:] = sorted(name for name in folders if name[0] != ".")
        paths = [Path(parent, name) for name in sorted(names) if name[0] != "."]
        for path in paths:
            if path.is_fifo():
                continue
            target = Path(os.path.realpath(path))
            # whoever fills the folder must not choose which other files are read
            if path.is_symlink() and not target.is_relative_to(root):
                yield RecordError(
                    str(path),
                    "a link to a file outside the folder, which is not followed",
                    "to read the file, specify the link itself as an input",
                )
                continue
            yield path
    for problem in problems:
        yield RecordError(
            str(problem.filename),
            f"the folder cannot be listed ({problem.strerror})",
            "check its permissions",
        )
