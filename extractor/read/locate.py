"""Find the files that an input names: a file, a folder, or a pattern."""

import os
from collections.abc import Iterator
from glob import has_magic, iglob
from pathlib import Path

from extractor.errors import RecordError

__all__ = ["locate_files"]


def locate_files(location: str) -> Iterator[Path | RecordError]:
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
