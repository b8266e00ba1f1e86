"""From what a user names to open files: files, folders, patterns, addresses and standard input."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from glob import has_magic, iglob
from pathlib import Path
from typing import BinaryIO, cast

from extractor.errors import ArgumentError, RecordError
from extractor.formats.found import find_trial_id
from extractor.schemas.arguments import suggest

STDIN = "<stdin>"
OpenAddress = Callable[[str], Iterator[tuple[str, BinaryIO] | RecordError]]

_RUN = "run.sqlite"
"""A folder inside an input with this file holds the results of a run, not records."""
_LONGEST_NAME = 255
"""Characters of a name on all usual file systems."""
_LONGEST_SHOWN = 60
_LONGEST_PATH = 4096
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)


def exists(name: str) -> bool:
    """Return whether there is a file or a folder of that name. One that may not be looked at
    counts as there.
    """
    try:
        return Path(name).exists()
    except OSError as problem:
        return problem.errno != errno.ENAMETOOLONG


def is_text(given: str) -> bool:
    r"""Return whether an input is a text, where the name of a file or an address belongs.

    >>> (
    ...     is_text("none.json"),
    ...     is_text("s3://bucket/" + "a" * 300),
    ...     is_text("Inclusion criteria:\n- Adults"),
    ... )
    (False, False, True)
    """
    if _ADDRESS.fullmatch(given):
        return False
    has_lines = len(given.splitlines()) > 1
    is_long = max(map(len, given.split("/"))) > _LONGEST_NAME
    return (has_lines or is_long or "\0" in given) and not exists(given)


def refuse_text(text: str) -> RecordError:
    """Return the error of a text where the name of a file belongs."""
    remedy = (
        "make a record of it with make_record, or use extract_text; on the command line, "
        "name a file of it"
    )
    return RecordError(_shorten(text), "a text, not the name of a file", remedy)


def refuse_missing(inputs: Sequence[str]) -> None:
    """Raise ``ArgumentError`` if no input exists. One that is missing among others fails alone."""
    names = [one for one in inputs if not is_text(one)]
    if inputs and not names:
        raise ArgumentError(str(refuse_text(inputs[0])))
    for one in names:
        if one == "-" or _ADDRESS.fullmatch(one) or has_magic(one) or exists(one):
            return
    if names:
        path = Path(names[0])
        beside = (
            [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        )
        nearest = "" if path.name in beside else suggest(path.name, beside)
        raise ArgumentError(
            f"{path}: {_describe_missing(path)}{nearest}; check the path"
        )


def open_input(
    location: str, stdin: BinaryIO | None, open_address: OpenAddress | None
) -> Iterator[tuple[str, BinaryIO] | RecordError]:
    """Yield the open files of one input, each closed before the next is opened."""
    if location == "-":
        yield STDIN, stdin or _open_stdin()
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
            else:
                yield from _open_file(path)


def is_folder(location: str) -> bool:
    """Return whether there is a folder of that name."""
    try:
        return Path(location).is_dir()
    except OSError:  # opening it says why
        return False


def _open_stdin() -> BinaryIO:
    """Return standard input without a buffer of its own.

    The end of the program would wait for the lock of a buffer from which a thread still reads.
    """
    buffer = sys.stdin.buffer
    return cast("BinaryIO", getattr(buffer, "raw", buffer))


def _open_file(path: Path) -> Iterator[tuple[str, BinaryIO] | RecordError]:
    try:
        stream = path.open("rb")
    except PermissionError:
        yield RecordError(
            str(path), "no permission to read it", "change its permissions"
        )
    except OSError as problem:
        reason = f"it cannot be opened ({problem.strerror})"
        yield RecordError(str(path), reason, "check the path")
    else:
        with stream:
            yield str(path), stream


def _locate_files(location: str) -> Iterator[Path | RecordError]:
    """Yield the files of one input, sorted within each folder, and an error for each that cannot be
    found.

    Hidden files (a leading dot) and folders of results are skipped unless named.
    """
    path = Path(location)
    if is_folder(location):
        yield from _locate_in_folder(path)
    elif exists(location):
        yield path
    elif has_magic(location):
        yield from _locate_by_pattern(location)
    else:
        is_number = (find_trial_id(location) or "").startswith("NCT")
        fetch = "fetch the record of this number first: extractor fetch, in Python fetch_records"
        remedy = fetch if is_number else "check the path"
        # longer than any system takes
        shown = _shorten(location) if len(location) > _LONGEST_PATH else location
        yield RecordError(shown, _describe_missing(path), remedy)


def _locate_by_pattern(pattern: str) -> Iterator[Path | RecordError]:
    matches = sorted(iglob(pattern, recursive=True))  # noqa: PTH207 -- Path.glob takes no absolute patterns
    if not matches:
        remedy = "check the pattern, and quote it in a shell"
        yield RecordError(pattern, "no file matches the pattern", remedy)
    for match in map(Path, matches):
        if match.is_dir():
            yield from _locate_in_folder(match)
        else:
            yield match


def _locate_in_folder(folder: Path) -> Iterator[Path | RecordError]:
    problems: list[OSError] = []
    is_empty = True
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        if _RUN in names and Path(parent) != folder:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            is_broken_link = not path.exists()
            if not name.startswith(".") and (path.is_file() or is_broken_link):
                is_empty = False
                yield path
    for problem in problems:
        reason = f"the folder cannot be listed ({problem.strerror})"
        yield RecordError(str(problem.filename), reason, "check its permissions")
    if is_empty:
        yield RecordError(
            str(folder), "the folder holds no files", "name a folder with records"
        )


def _describe_missing(path: Path) -> str:
    # a name that is too long for the system is no link
    if os.path.islink(path):  # noqa: PTH114
        return f"it is a link to {path.readlink()}, where nothing is"
    return "there is no such file or folder"


def _shorten(text: str) -> str:
    """Return the beginning of a text on one line, for a message."""
    line = " ".join(text[: 4 * _LONGEST_SHOWN].split())
    printable = line.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return (
        printable
        if len(printable) <= _LONGEST_SHOWN
        else f"{printable[:_LONGEST_SHOWN]}..."
    )
