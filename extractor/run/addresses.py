"""Files at addresses such as ``s3://bucket/folder``. Only this module imports fsspec, from the extra ``s3``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from uuid import uuid4

from extractor.errors import MissingExtra, RecordError, StoreError

_WHOLE_OBJECTS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci"})
"""Stores that write objects atomically. Elsewhere a file is written under another name, and renamed."""
_MAGIC = frozenset("*?[")


def is_address(location: str) -> bool:
    """Whether a location is an address, not a path.

    >>> is_address("s3://bucket/trials.jsonl.gz"), is_address("trials/NCT90000001.json")
    (True, False)
    """
    scheme, mark, _ = location.partition("://")
    return bool(mark) and scheme.isalnum()


class Place:
    """A folder at an address. Each method raises ``StoreError`` if it cannot be used."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        self._files, self._root = _open_address(self.address)

    def list(self, folder: str) -> list[str]:
        """The sorted names of the files in a folder; empty if there is no such folder."""
        with self._using(folder) as path:
            self._files.invalidate_cache()
            try:
                return sorted(PurePosixPath(found).name for found in self._files.ls(path, detail=False))
            except FileNotFoundError:
                return []

    def read(self, name: str) -> bytes | None:
        """The content of a file; None if there is no such file."""
        with self._using(name) as path:
            try:
                content: bytes = self._files.cat_file(path)
            except FileNotFoundError:
                return None
            return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file atomically."""
        with self._using(name) as path, self._whole(path) as coming:
            self._files.pipe_file(coming, content)

    def upload(self, file: Path, name: str) -> None:
        """Copy a local file to the folder atomically."""
        with self._using(name) as path, self._whole(path) as coming:
            self._files.put_file(str(file), coming)

    def delete(self, folder: str) -> None:
        """Delete a folder and its content, if it exists."""
        with self._using(folder) as path:
            self._files.invalidate_cache()
            if self._files.exists(path):
                self._files.rm(path, recursive=True)

    @contextmanager
    def _whole(self, path: str) -> Iterator[str]:
        protocol = self._files.protocol
        if _WHOLE_OBJECTS.isdisjoint([protocol] if isinstance(protocol, str) else protocol):
            folder, _, name = path.rpartition("/")
            self._files.makedirs(folder, exist_ok=True)
            beside = f"{folder}/.{name}.{uuid4().hex[:8]}"
            yield beside
            self._files.mv(beside, path)
        else:
            yield path

    @contextmanager
    def _using(self, name: str) -> Iterator[str]:
        """Yield the path of a file or folder, and turn errors into ``StoreError`` with its address."""
        try:
            yield f"{self._root}/{name}"
        except Exception as error:
            problem = f"{self.address}/{name}: {_first_line(error)}; fix this, or choose another --out"
            raise StoreError(problem) from error


def open_inputs(address: str) -> Iterator[tuple[str, BinaryIO] | RecordError]:
    """Open the files at an address: one file, a folder with its subfolders, or a pattern.

    Yields each file with its own address, or a ``RecordError`` if it cannot be found or opened. Skips hidden files that
    the address does not name.
    """
    try:
        files, root = _open_address(address)
        paths = [root] if files.isfile(root) else _find(files, root)
    except (ValueError, MissingExtra):
        raise
    except Exception as error:  # noqa: BLE001 - each store has errors of its own
        yield RecordError(address, f"cannot be reached ({_first_line(error)})", "check the address and permissions")
        return
    if not paths:
        yield RecordError(address, "there is no such file or folder", "check the address")
    for path in paths:
        name = files.unstrip_protocol(path)
        try:
            yield name, files.open(path, "rb")
        except Exception as error:  # noqa: BLE001 - as above
            yield RecordError(name, f"cannot be opened ({_first_line(error)})", "check its permissions")


def _find(files: Any, root: str) -> list[str]:
    found = files.glob(root) if _MAGIC & set(root) else [root]
    inside = [path for one in found for path in (files.find(one) if files.isdir(one) else [one] * files.exists(one))]
    return [path for path in inside if path in found or not _is_hidden(path.removeprefix(root))]


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(path).parts)


def _open_address(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it. Raises ``MissingExtra`` if a library is missing."""
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - of an extra

        files, root = url_to_fs(address)
    except (ImportError, ValueError) as error:
        if isinstance(error, ModuleNotFoundError) or (isinstance(error, ImportError) and address.startswith("s3:")):
            raise MissingExtra(f"{address}: addresses need fsspec and s3fs", "s3") from error
        raise ValueError(f"{address}: {_first_line(error)}") from None
    return files, str(root).rstrip("/")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
