"""Create the folder of a run, lock it for one process, write files to it atomically, and read its
failures.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.errors import FolderInUse, FolderNotWritable, StoreError, naming_file
from extractor.resources import parse_json
from extractor.schemas.base import StrPath

EXTRACTIONS = "extractions.jsonl"
FAILURES = "failures.jsonl"
_LOCK = ".lock"

Failed = dict[str, str | None]
"""A line of ``failures.jsonl``: a record that failed, its source, and the error."""


def is_stream(name: StrPath) -> bool:
    """Return True if an input can be read only once: standard input, a named pipe, a process
    substitution, or a device.

    >>> is_stream("-"), is_stream("/dev/null"), is_stream("seeds/records")
    (True, True, False)
    """
    if name == "-":
        return True
    path = Path(name)
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except OSError:  # not a path, or not accessible: reading it will report the problem
        return False


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Create a folder and its parents. At the end of the block, any folders that are new and empty
    are removed.
    """
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in new:
            with suppress(OSError):  # the folder is not empty
                path.rmdir()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder. The system releases the lock when the process ends, whatever the reason.

    The lock file is kept if the folder contains other files, because another process may have
    opened the lock file. Raises ``FolderInUse`` if another process has the lock, and ``OSError``
    if the file cannot be opened.
    """
    lock = folder / _LOCK
    try:
        with FileLock(lock, timeout=0):
            try:
                yield
            finally:
                # unlike ``iterdir``, ``glob`` does not fail if the folder was deleted
                if set(folder.glob("*")) == {lock}:
                    lock.unlink()
    except Timeout:
        raise FolderInUse(
            f"{folder}: another process is writing to it; wait for it, or choose another --out"
        ) from None


def is_locked(folder: Path) -> bool:
    """Return True if a run is writing to the folder. During this check, other processes cannot
    acquire the lock.
    """
    if not (folder / _LOCK).exists():
        return False
    try:
        with lock_folder(folder):
            return False
    except StoreError:
        return True
    except OSError:  # a read-only folder, to which a run cannot write
        return False


def refuse_link(path: Path) -> None:
    """Raise ``FolderNotWritable`` if a file to be written is a symbolic link, which someone else
    may have placed there to have another file overwritten.
    """
    if path.is_symlink():
        raise FolderNotWritable(
            f"{path}: is a link, and another file would be written; remove the link"
        )


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Replace a file atomically: it is either written completely or left unchanged. Raises
    ``StoreError`` with the name of the file, or ``DiskFull``.
    """
    if isinstance(content, bytes):
        content = [content]
    with naming_file(path):
        _replace(path, content)


def _replace(path: Path, lines: Iterable[bytes]) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)  # of a killed process
    try:
        with fresh.open("xb") as file:  # does not follow links
            file.writelines(lines)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_page(path: Path, page: str) -> None:
    """Write an HTML page, atomically unless the path is a device or a pipe. A lone surrogate of a
    quote, which cannot be encoded as UTF-8, becomes a question mark. Raises ``FolderNotWritable``
    or ``DiskFull`` if the page cannot be written.
    """
    content = page.encode("utf-8", "replace")
    with naming_file(path):
        if is_stream(path):
            path.write_bytes(content)
        else:
            _replace(path.resolve(), [content])


def read_failures(path: Path) -> list[Failed]:
    """Read ``failures.jsonl``, which may be missing. A damaged line, such as one that was written
    incompletely, is a failure of its own; blank lines are skipped.
    """
    if not path.exists():
        return []
    with naming_file(path, StoreError):
        lines = path.read_bytes().splitlines()
    failures: list[Failed] = []
    for number, line in enumerate(lines, start=1):
        failure = None
        with suppress(ValueError):
            failure = parse_json(line.decode("utf-8", "replace"))
        if isinstance(failure, dict):
            failures.append(failure)
        elif line.strip():
            place = f"{path}, line {number}"
            message = f"{place}: is damaged; run the same command again"
            failures.append({"path": place, "error": "StoreError", "message": message})
    return failures


def name_failed(failure: Failed) -> str:
    """Return the id of a failed record or, if it has no id, its location in the input."""
    return failure.get("record_id") or find_place(failure) or "record without an id"


def find_place(failure: Failed) -> str:
    """Return the file of a failed record, followed by its location in the file."""
    parts = [failure.get("path"), failure.get("place")]
    return ", ".join(str(part) for part in parts if part)
