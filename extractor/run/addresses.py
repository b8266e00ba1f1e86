"""Inputs that are no local files: addresses such as ``s3://bucket/folder``, and streams. Only this
module imports fsspec (extra ``s3``).
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from extractor.errors import MissingExtra, RecordError

_MAGIC = frozenset("*?[")


def open_inputs(address: str) -> Iterator[tuple[str, BinaryIO] | RecordError]:
    """Open the files at an address: one file, a folder with its subfolders, or a pattern.

    Yields each file with its own address, or a ``RecordError`` if it cannot be found or opened.
    Skips hidden files that the address does not name. Raises ``MissingExtra`` if a library is
    missing, ``ValueError`` for no address.
    """
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - of an extra

        files, root = url_to_fs(address)
        paths = _find(files, str(root).rstrip("/"))
    except (ImportError, ValueError) as error:
        # fsspec raises another ImportError if s3fs is missing
        lacks_s3fs = isinstance(error, ImportError) and address.startswith("s3:")
        if lacks_s3fs or isinstance(error, ModuleNotFoundError):
            raise MissingExtra(
                f"{address}: addresses need fsspec and s3fs", "s3"
            ) from error
        raise ValueError(f"{address}: {first_line(error)}") from None
    except Exception as error:  # noqa: BLE001 - each store has errors of its own
        problem = f"cannot be reached ({first_line(error)})"
        yield RecordError(address, problem, "check the address and permissions")
        return
    if not paths:
        problem = "there is no such file or folder"
        yield RecordError(address, problem, "check the address")
    for path in paths:
        name = files.unstrip_protocol(path)
        try:
            yield name, files.open(path, "rb")
        except Exception as error:  # noqa: BLE001 - as above
            problem = f"cannot be opened ({first_line(error)})"
            yield RecordError(name, problem, "check its permissions")


def _find(files: Any, root: str) -> list[str]:
    """Return the file at a path, those in a folder, or those that match a pattern. A hidden file,
    or one in a hidden folder, is found only by its own name.
    """
    has_pattern = not _MAGIC.isdisjoint(root) and not files.isfile(root)
    return [
        found
        for path in (files.glob(root) if has_pattern else [root])
        for found in files.find(path)
        if "/." not in f"/{found.removeprefix(path)}"
    ]


def is_stream(given: str | os.PathLike[str]) -> bool:
    """Return whether an input can be read only once: standard input, a named pipe, a process
    substitution, a device.

    >>> is_stream("-"), is_stream("/dev/null"), is_stream("seeds/records")
    (True, True, False)
    """
    if given == "-":
        return True
    path = Path(given)
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except OSError:  # a text, or it cannot be looked at: reading it explains why
        return False


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the name of its class if it has none."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
