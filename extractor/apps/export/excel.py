"""Write tables as a workbook of Excel, one sheet for each, with long texts wrapped, the header
always in view, and buttons to filter by.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extractor.apps.export.columns import Table
from extractor.errors import StoreError

_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_LONGEST_NAME = 31
"""The limits of Excel: rows of a sheet with its header, characters of a cell, of a sheet's name."""
_NARROWEST = 12
_WIDE = 30
"""Widths of columns in characters; a longer text is wrapped."""
_BUTTON = 3
"""The width of the button of a filter."""
_WRITERS: dict[type, str] = {
    str: "write_string",
    bool: "write_boolean",
    int: "write_number",
    float: "write_number",
}
"""``Worksheet.write`` would guess: before XlsxWriter 3.3.1 ``{=...}`` is an array formula, whatever
its options say.
"""
_FORMATS = {
    "header": {"bold": True, "valign": "top"},
    "cell": {"valign": "top", "text_wrap": True},
}


def write_workbook(
    path: Path, tables: Sequence[Table], rows: Mapping[str, Path]
) -> None:
    """Write JSON lines as a workbook; needs the extra ``excel``. A text is never a formula.

    Raises ``StoreError`` for a table that is larger than a sheet.
    """
    import xlsxwriter  # noqa: PLC0415 - belongs to an extra

    remedy = "name a file that ends with .csv"
    if len(tables) > 1:
        remedy = (
            "choose --format csv or parquet for it, or the other tables with --tables"
        )
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        # The same run gives the same file.
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        formats = {name: book.add_format(how) for name, how in _FORMATS.items()}
        for number, table in enumerate(tables):
            name = table.name
            if len(name) > _LONGEST_NAME:
                name = f"{name[: _LONGEST_NAME - 4]}~{number}"
            sheet = book.add_worksheet(name)
            problem = _write_sheet(sheet, table, rows[table.name], formats)
            if problem:
                raise StoreError(
                    f"{table.name}: {problem}, more than a sheet of Excel holds; {remedy}"
                )


def _write_sheet(
    sheet: Any, table: Table, path: Path, formats: Mapping[str, Any]
) -> str | None:
    """Write the rows of a table, and return what Excel cannot hold, if anything."""
    _lay_out(sheet, table, formats["header"])
    number = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number >= _MOST_ROWS:
                return f"has more than {_MOST_ROWS - 1:,} rows"
            for place, (name, cell) in enumerate(json.loads(line).items()):
                if cell is None:
                    continue
                # Excel counts characters in UTF-16.
                size = len(str(cell).encode("utf-16-le")) // 2
                if size > _LONGEST_TEXT:
                    return f"row {number}, {name}: has more than {_LONGEST_TEXT:,} characters"
                write = getattr(sheet, _WRITERS[type(cell)])
                write(number, place, cell, formats["cell"])
    sheet.autofilter(0, 0, number, len(table.columns) - 1)
    return None


def _lay_out(sheet: Any, table: Table, header: Any) -> None:
    """Write the header of a sheet, and set the widths of its columns."""
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.name, header)
        is_text = column.kind == "text" and column not in table.keys
        width = _WIDE if is_text else len(column.name) + _BUTTON
        sheet.set_column(place, place, max(width, _NARROWEST))
