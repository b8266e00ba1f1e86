"""Tables as text files: JSON lines, and CSV that a spreadsheet opens without running what stands in it."""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from .rows import Row
from .tables import Table

__all__ = ["CsvFiles", "JsonLinesFiles", "neutralise"]

_FORMULA = re.compile(r"""(^|[;\t\r\n])(?=[\s"']*[=+\-@＝＋－＠]|[\t\r])""")
"""Where a cell may begin, also for a program that takes another separator, and what makes it a formula."""


def neutralise(text: str) -> str:
    r"""The text with an apostrophe before whatever a spreadsheet would take for a formula.

    >>> neutralise("=1+1"), neutralise("; @SUM(A1)"), neutralise("18-65 years, ECOG 0")
    ("'=1+1", ";' @SUM(A1)", '18-65 years, ECOG 0')
    """
    return _FORMULA.sub(r"\1'", text)


class JsonLinesFiles:
    """One file a table, one object a row, every column in each. ``places`` says where each table goes."""

    def __init__(self, tables: Iterable[Table], places: dict[str, Path]) -> None:
        self.longest = 0
        """Bytes of the longest line so far."""
        self._names = {table.name: [column.name for column in table.columns] for table in tables}
        with ExitStack() as opening:
            self._files = {name: opening.enter_context(places[name].open("wb")) for name in self._names}
            self._closing = opening.pop_all()

    def write(self, table: str, row: Row) -> None:
        """Append a row."""
        content = json.dumps(dict(zip(self._names[table], row, strict=True)), ensure_ascii=False)
        line = content.encode() + b"\n"
        self.longest = max(self.longest, len(line))
        self._files[table].write(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()


class CsvFiles:
    """One file a table: UTF-8, a head, quotes where needed, texts neutralised; nothing for None."""

    def __init__(self, tables: Sequence[Table], places: dict[str, Path], *, bom: bool) -> None:
        encoding = "utf-8-sig" if bom else "utf-8"
        with ExitStack() as opening:
            files = {
                table.name: opening.enter_context(places[table.name].open("w", encoding=encoding, newline=""))
                for table in tables
            }
            self._closing = opening.pop_all()
        self._writers = {name: csv.writer(file) for name, file in files.items()}
        for table in tables:
            self._writers[table.name].writerow([column.name for column in table.columns])

    def write(self, table: str, row: Row) -> None:
        """Append a row."""
        self._writers[table].writerow([_to_cell(value) for value in row])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()


def _to_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return neutralise(value) if isinstance(value, str) else value
