"""From what a user names to open files: files, folders, patterns, addresses and standard input."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from glob import has_magic, iglob
from pathlib import Path
from typing import BinaryIO, cast

from extractor.errors import ArgumentError, RecordError
from extractor.schemas.arguments import suggest

STDIN = "<stdin>"
OpenAddress = Callable[[str], Iterator[tuple[str, BinaryIO] | RecordError]]

_RUN = "run.sqlite"
"""A folder inside an input with this file holds the results of a run, not records."""
_LONGEST_NAME = 255
"""Characters of a name on all usual file systems."""
_LONGEST_SHOWN = 60
_LONGEST_PATH = 4096
_MISSING = "there is no such file or folder"
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
    is_no_usual_name = has_lines or is_long or "\0" in given
    return is_no_usual_name and not exists(given)


def refuse_text(text: str) -> RecordError:
    """Return the error of a text where the name of a file belongs."""
    remedy = (
        "make a record of it with make_record, or use extract_text; on the command line, "
        "name a file of it"
    )
    return RecordError(_shorten(text), "a text, not the name of a file", remedy)


def refuse_missing(inputs: Sequence[str]) -> None:
    """Raise ``ArgumentError`` if no input exists, for the first of them: it names a similar file
    beside it. An input that is missing among others fails alone. Inputs that are texts count only
    if all are.
    """
    names = [location for location in inputs if not is_text(location)]
    if inputs and not names:
        raise ArgumentError(str(refuse_text(inputs[0])))
    if not names or any(map(_may_exist, names)):
        return
    path = Path(names[0])
    beside: list[str] = []
    if path.parent.is_dir():
        beside = [neighbour.name for neighbour in path.parent.iterdir()]
    # A link to nothing stands in the folder itself.
    nearest = "" if path.name in beside else suggest(path.name, beside)
    raise ArgumentError(f"{path}: {_MISSING}{nearest}; check the path")


def _may_exist(location: str) -> bool:
    """Return whether an input exists, or is one of which only opening it can tell."""
    if location == "-" or has_magic(location):
        return True
    return _ADDRESS.fullmatch(location) is not None or exists(location)


def open_input(
    location: str, stdin: BinaryIO | None, open_address: OpenAddress | None
) -> Iterator[tuple[str, BinaryIO] | RecordError]:
    """Yield the open files of one input with their names, each closed before the next is opened,
    and an error for each that cannot be opened.

    Args:
        location: A file, a folder, a pattern, an address, or ``-`` for standard input. A text is an
            error.
        stdin: What is read in place of standard input.
        open_address: Opens the files at an address; without it, an address is taken for a path.
    """
    if location == "-":
        yield STDIN, stdin or _open_stdin()
    elif is_text(location):
        yield refuse_text(location)
    elif open_address and "://" in location:
        for opened in open_address(location):
            if isinstance(opened, RecordError):
                yield opened
                continue
            with closing(opened[1]):
                yield opened
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
    """Yield a file, open until the caller asks for the next one, or why it cannot be opened."""
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
    if is_folder(location):
        yield from _locate_in_folder(Path(location))
    elif exists(location):
        yield Path(location)
    elif has_magic(location):
        yield from _locate_by_pattern(location)
    else:
        # Longer than any system takes, it is no path.
        shown = _shorten(location) if len(location) > _LONGEST_PATH else location
        yield RecordError(shown, _MISSING, "check the path")


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
    """Yield the files of a folder and of the folders in it, without hidden ones and without results
    of runs in inner folders; then an error for each folder that cannot be listed, and one if there
    are no files. A link to nothing counts as a file, so that opening it says why.
    """
    problems: list[OSError] = []
    is_empty = True
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        if _RUN in names and Path(parent) != folder:
            folders.clear()
            continue
        # os.walk goes on into what is left in the list.
        folders[:] = sorted(name for name in folders if name[0] != ".")
        for name in sorted(names):
            path = Path(parent, name)
            if name[0] != "." and (path.is_file() or not path.exists()):
                is_empty = False
                yield path
    for problem in problems:
        reason = f"the folder cannot be listed ({problem.strerror})"
        yield RecordError(str(problem.filename), reason, "check its permissions")
    if is_empty:
        remedy = "name a folder with records"
        yield RecordError(str(folder), "the folder holds no files", remedy)


def _shorten(text: str) -> str:
    """Return the beginning of a text on one line, for a message."""
    line = " ".join(text[:_LONGEST_SHOWN].split()).replace("\0", "\ufffd")
    shown = line.encode("utf-8", "replace").decode()
    return shown if len(text) < _LONGEST_SHOWN else f"{shown} ..."
