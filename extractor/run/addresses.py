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
        if isinstance(error, ModuleNotFoundError) or (
            isinstance(error, ImportError) and address.startswith("s3:")
        ):
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
    if files.isfile(root):
        return [root]
    found = files.glob(root) if _MAGIC & set(root) else [root]
    inside = [
        path
        for one in found
        for path in (files.find(one) if files.isdir(one) else [one] * files.exists(one))
    ]
    return [
        path
        for path in inside
        if path in found or "/." not in f"/{path.removeprefix(root)}"
    ]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
