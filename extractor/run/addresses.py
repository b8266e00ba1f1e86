"""Open input files at addresses such as ``s3://bucket/folder``. Only this module imports fsspec
(extra ``s3``).
"""

from collections.abc import Iterator
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
        # fsspec says with another ImportError that s3fs is missing.
        lacks_s3fs = isinstance(error, ImportError) and address.startswith("s3:")
        if lacks_s3fs or isinstance(error, ModuleNotFoundError):
            raise MissingExtra(
                f"{address}: addresses need fsspec and s3fs", "s3"
            ) from error
        raise ValueError(f"{address}: {_first_line(error)}") from None
    except Exception as error:  # noqa: BLE001 - each store has errors of its own
        yield RecordError(
            address,
            f"cannot be reached ({_first_line(error)})",
            "check the address and permissions",
        )
        return
    if not paths:
        yield RecordError(
            address, "there is no such file or folder", "check the address"
        )
    for path in paths:
        name = files.unstrip_protocol(path)
        try:
            yield name, files.open(path, "rb")
        except Exception as error:  # noqa: BLE001 - as above
            yield RecordError(
                name,
                f"cannot be opened ({_first_line(error)})",
                "check its permissions",
            )


def _find(files: Any, root: str) -> list[str]:
    """Return the files at a path, in a folder, or that match a pattern; empty if there are none."""
    if files.isfile(root):
        return [root]
    has_pattern = not _MAGIC.isdisjoint(root)
    named = files.glob(root) if has_pattern else [root]
    paths = []
    for path in named:
        if files.isdir(path):
            paths += files.find(path)
        elif files.exists(path):
            paths.append(path)
    return [path for path in paths if path in named or not _is_hidden(path, root)]


def _is_hidden(path: str, root: str) -> bool:
    """Return whether a file, or a folder on the way to it, is hidden; the root itself may be."""
    return "/." in f"/{path.removeprefix(root)}"


def _first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or the name of its class if it has none."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
