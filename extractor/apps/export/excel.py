"""Write tables as an Excel workbook with one sheet per table, wrapped text, a frozen header row
and filter buttons.
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
"""Excel's limits: rows per sheet including the header, characters per cell, and characters per
sheet name."""
_WIDTH = 24
"""Column width in characters. Longer text is wrapped."""


def write_workbook(
    path: Path, tables: Sequence[Table], rows: Mapping[str, Path]
) -> None:
    """Convert the JSON lines of all tables to a workbook. This requires the extra ``excel``. Text
    is never written as a formula. Raises ``StoreError`` if a table does not fit on a sheet.
    """
    import xlsxwriter  # noqa: PLC0415 - belongs to an extra

    remedy = "choose a file name that ends with .csv"
    if len(tables) > 1:
        remedy = (
            "choose --format csv or parquet for this table, or export only the other tables with "
            "--tables"
        )
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        # a fixed date, so that the same run always produces the same file
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        header = book.add_format({"bold": True, "valign": "top"})
        wrapped = book.add_format({"valign": "top", "text_wrap": True})
        for number, table in enumerate(tables):
            name = table.name
            # A custom field can have a long name; the number keeps cut names distinct.
            if len(name) > _LONGEST_NAME:
                name = f"{name[: _LONGEST_NAME - 4]}~{number}"
            # Excel refuses a workbook in which two sheets have the same name.
            sheet = book.add_worksheet(name)
            columns = [column.name for column in table.columns]
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(columns) - 1, _WIDTH, wrapped)
            sheet.write_row(0, 0, columns, header)
            problem = _write_rows(sheet, rows[table.name])
            sheet.autofilter(0, 0, sheet.dim_rowmax, len(columns) - 1)
            if problem:
                raise StoreError(
                    f"{table.name}: {problem}, more than an Excel sheet allows; {remedy}"
                )


def _write_rows(sheet: Any, path: Path) -> str | None:
    """Write the rows of a table. Return a message if they exceed Excel's limits."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number >= _MOST_ROWS:
                return f"has more than {_MOST_ROWS - 1:,} rows"
            for place, (name, cell) in enumerate(json.loads(line).items()):
                # Excel counts UTF-16 code units.
                size = len(str(cell).encode("utf-16-le")) // 2
                if size > _LONGEST_TEXT:
                    return f"row {number}, {name}: has more than {_LONGEST_TEXT:,} characters"
                if isinstance(cell, str):
                    # `write` would interpret some texts as formulas or addresses.
                    sheet.write_string(number, place, cell)
                elif cell is not None:
                    sheet.write(number, place, cell)
    return None
