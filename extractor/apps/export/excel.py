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
"""The limits of Excel: rows of a sheet including its header, characters of a cell, characters
of a sheet's name."""
_WIDTH = 24
"""Column width in characters; longer text is wrapped."""


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
        header = book.add_format({"bold": True, "valign": "top"})
        wrapped = book.add_format({"valign": "top", "text_wrap": True})
        for number, table in enumerate(tables):
            name = table.name
            if len(name) > _LONGEST_NAME:
                name = f"{name[: _LONGEST_NAME - 4]}~{number}"
            sheet = book.add_worksheet(name)
            columns = [column.name for column in table.columns]
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(columns) - 1, _WIDTH, wrapped)
            sheet.write_row(0, 0, columns, header)
            problem = _write_rows(sheet, rows[table.name])
            sheet.autofilter(0, 0, sheet.dim_rowmax, len(columns) - 1)
            if problem:
                raise StoreError(
                    f"{table.name}: {problem}, too much for an Excel sheet; {remedy}"
                )


def _write_rows(sheet: Any, path: Path) -> str | None:
    """Write the rows of a table, and return what Excel cannot hold, if anything."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number >= _MOST_ROWS:
                return f"has more than {_MOST_ROWS - 1:,} rows"
            for place, (name, cell) in enumerate(json.loads(line).items()):
                # Excel counts characters in UTF-16.
                size = len(str(cell).encode("utf-16-le")) // 2
                if size > _LONGEST_TEXT:
                    return f"row {number}, {name}: has more than {_LONGEST_TEXT:,} characters"
                if isinstance(cell, str):
                    # `write` would guess that some texts are formulas or addresses.
                    sheet.write_string(number, place, cell)
                elif cell is not None:
                    sheet.write(number, place, cell)
    return None
