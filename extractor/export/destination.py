"""Where an export goes: one file or one folder, there when it is complete and not before."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from extractor.errors import StoreError

__all__ = ["COLUMNS_FILE", "Destination", "Format"]

COLUMNS_FILE = "tables.json"


class Format(StrEnum):
    """How tables are written. The word is a file's suffix, too."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    DUCKDB = "duckdb"


@dataclass(frozen=True)
class Destination:
    """A file with a format's suffix, or else a folder, for which the format must be said.

    ``force`` replaces what is there: a file, or a folder that holds nothing but an earlier export. ``bom`` marks CSV as
    UTF-8 for spreadsheets. Raises ``ValueError`` where path and format do not fit.
    """

    path: Path
    format: Format = field(default=Format.DUCKDB)
    force: bool = field(default=False, kw_only=True)
    bom: bool = field(default=False, kw_only=True)

    @classmethod
    def choose(cls, path: Path, wanted: Format | None, *, force: bool = False, bom: bool = False) -> "Destination":
        """The destination that a path and perhaps a format name."""
        suffix = path.suffix.removeprefix(".").lower()
        by_suffix = Format(suffix) if suffix in set(Format) and not path.is_dir() else None
        if wanted and by_suffix and wanted is not by_suffix:
            raise ValueError(f"{path} is named as {by_suffix}, and the format is {wanted}; name it otherwise")
        chosen = wanted or by_suffix
        if chosen is None:
            raise ValueError(f"{path}: say --format, or name a file that ends with .{', .'.join(Format)}")
        if chosen is Format.DUCKDB and not by_suffix:
            raise ValueError(f"{path}: a database is one file; name it with .duckdb")
        return cls(path, chosen, force=force, bom=bom)

    @property
    def is_file(self) -> bool:
        """Whether all goes into one file."""
        return self.path.suffix.lower() == f".{self.format}" and not self.path.is_dir()

    @contextmanager
    def staged(self) -> Iterator[tuple[Path, Path]]:
        """A scratch folder beside the destination, and the place in it whose content the destination becomes.

        What is there stays until then, and for good if the body fails. Raises ``StoreError`` if it may not be replaced.
        """
        self._check_free()
        scratch = self.path.with_name(f".{self.path.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)  # of an export that was killed
        scratch.mkdir(parents=True)
        made = scratch / "made"
        try:
            if not self.is_file:
                made.mkdir()
            yield scratch, made
            self._put(made, scratch / "old")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _put(self, made: Path, old: Path) -> None:
        if self.path.is_dir():
            self.path.replace(old)
            try:
                made.replace(self.path)
            except OSError:
                old.replace(self.path)
                raise
        else:
            made.replace(self.path)

    def _check_free(self) -> None:
        path = self.path
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
        if path.is_dir() and not self._holds_export():
            raise StoreError(f"{path}: holds other files; choose another --to")
        if not self.force:
            raise StoreError(f"{path}: is there already; choose another --to, or replace it with --force")

    def _holds_export(self) -> bool:
        suffixes = {f".{format_}" for format_ in Format}
        files = list(self.path.iterdir())
        marked = any(file.name == COLUMNS_FILE for file in files)
        return marked and all(file.is_file() and file.suffix in suffixes | {".json"} for file in files)
