"""Write tables as a workbook of Excel, one sheet for each."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extractor.apps.export.tables import Table
from extractor.errors import StoreError

_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_LONGEST_NAME = 31
"""The limits of Excel: rows of a sheet with its header, characters of a cell, characters of a
sheet's name.
"""
_OPTIONS = {"constant_memory": True}


def write_workbook(
    path: Path, tables: Sequence[Table], rows: Mapping[str, Path]
) -> None:
    """Write JSON lines as a workbook; needs the extra ``excel``. A text is never a formula. None is
    an empty cell.

    Raises ``StoreError`` for a table that is larger than a sheet.
    """
    import xlsxwriter  # noqa: PLC0415 - belongs to an extra

    with xlsxwriter.Workbook(str(path), _OPTIONS) as book:
        # The same run gives the same file.
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        bold = book.add_format({"bold": True})
        names = set[str]()
        for table in tables:
            sheet = book.add_worksheet(_name_sheet(table.name, names))
            for place, column in enumerate(table.columns):
                sheet.write_string(0, place, column.name, bold)
            sheet.freeze_panes(1, 0)
            with rows[table.name].open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if number >= _MOST_ROWS:
                        problem = f"has more than {_MOST_ROWS - 1:,} rows"
                        raise _refuse(table, problem, tables)
                    for place, (column, cell) in enumerate(json.loads(line).items()):
                        if _is_too_long(cell):
                            problem = f"has more than {_LONGEST_TEXT:,} characters"
                            where = f"row {number}, {column}"
                            raise _refuse(table, f"{where}: {problem}", tables)
                        _write_cell(sheet, number, place, cell)


def _is_too_long(cell: Any) -> bool:
    """Return whether a text is longer than a cell of Excel, which counts characters in UTF-16."""
    if not isinstance(cell, str):
        return False
    return len(cell.encode("utf-16-le")) > 2 * _LONGEST_TEXT


def _write_cell(sheet: Any, row: int, place: int, cell: Any) -> None:
    """Write a text, a number, true or false, or nothing, as what it is.

    ``Worksheet.write`` would guess: before XlsxWriter 3.3.1 ``{=...}`` is an array formula,
    whatever its options say.
    """
    if isinstance(cell, str):
        sheet.write_string(row, place, cell)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, place, cell)
    elif cell is not None:
        sheet.write_number(row, place, cell)


def _refuse(table: Table, problem: str, tables: Sequence[Table]) -> StoreError:
    remedy = "name a file that ends with .csv"
    if len(tables) > 1:
        remedy = (
            "choose --format csv or parquet for it, or the other tables with --tables"
        )
    return StoreError(
        f"{table.name}: {problem}, more than a sheet of Excel holds; {remedy}"
    )


def _name_sheet(name: str, taken: set[str]) -> str:
    """Return the name of a table's sheet, and take it. A long one is cut.

    >>> taken = set()
    >>> [
    ...     _name_sheet(name, taken)
    ...     for name in ("criteria", "custom_" + 30 * "a", "custom_" + 40 * "a")
    ... ]
    ['criteria', 'custom_aaaaaaaaaaaaaaaaaaaaaaaa', 'custom_aaaaaaaaaaaaaaaaaaaaaa~2']
    """
    shown = name[:_LONGEST_NAME]
    number = 1
    while shown.casefold() in taken:
        number += 1
        end = f"~{number}"
        shown = name[: _LONGEST_NAME - len(end)] + end
    taken.add(shown.casefold())
    return shown
