"""Write tables as a workbook of Excel, one sheet for each, laid out for reading: columns as wide as
their texts, long texts wrapped, the header always in view, with buttons to filter by.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
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
_MOST_LINKS = 65_530
_LONGEST_LINK = 2_000
"""Other limits of Excel: links of a sheet, characters of a link. What is beyond is a text."""
_OPTIONS = {"constant_memory": True}
_MEASURED = 1_000
"""Rows by whose texts columns are made wide."""
_NARROWEST = 8
_WIDEST = 60
"""Widths of columns in characters; a longer text is wrapped."""
_BUTTON = 3
"""The width of the button of a filter, in characters."""


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
        formats = {name: book.add_format(how) for name, how in _FORMATS.items()}
        names = set[str]()
        for table in tables:
            sheet = book.add_worksheet(_name_sheet(table.name, names))
            lengths = _measure(table, rows[table.name])
            of_columns = _lay_out(sheet, table, lengths, formats)
            number = 0
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
                        is_link = table.columns[place].is_link and number < _MOST_LINKS
                        how = of_columns[place]
                        _write_cell(sheet, number, place, cell, how, is_link=is_link)
            sheet.autofilter(0, 0, number, len(table.columns) - 1)


_FORMATS = {
    "header": {"bold": True, "valign": "top"},
    "plain": {"valign": "top"},
    "wrapped": {"valign": "top", "text_wrap": True},
    "link": {"valign": "top", "font_color": "#0563C1", "underline": 1},
}


def _measure(table: Table, path: Path) -> list[int]:
    """Return how long the longest text of each column is, with its name, in the first rows."""
    lengths = [len(column.name) + _BUTTON for column in table.columns]
    with path.open("rb") as lines:
        for line in islice(lines, _MEASURED):
            for place, cell in enumerate(json.loads(line).values()):
                if cell is None:
                    continue
                lengths[place] = max(lengths[place], len(str(cell)))
    return lengths


def _lay_out(
    sheet: Any, table: Table, lengths: Sequence[int], formats: Mapping[str, Any]
) -> list[Any]:
    """Write the header of a sheet, and return the format of the cells of each column. ``lengths``
    are those of the longest texts.
    """
    sheet.freeze_panes(1, 0)
    of_columns = []
    for place, column in enumerate(table.columns):
        sheet.write_string(0, place, column.name, formats["header"])
        length = lengths[place]
        sheet.set_column(place, place, min(max(length + 1, _NARROWEST), _WIDEST))
        name = "wrapped" if length > _WIDEST else "plain"
        of_columns.append(formats["link" if column.is_link else name])
    return of_columns


def _is_too_long(cell: Any) -> bool:
    """Return whether a text is longer than a cell of Excel, which counts characters in UTF-16."""
    if not isinstance(cell, str):
        return False
    return len(cell.encode("utf-16-le")) > 2 * _LONGEST_TEXT


def _write_cell(
    sheet: Any, row: int, place: int, cell: Any, how: Any, *, is_link: bool
) -> None:
    """Write a text, a number, true or false, or nothing, as what it is, in the format ``how``. A
    text that ``is_link`` leads to another file, and is seen from the folder of the workbook.

    ``Worksheet.write`` would guess: before XlsxWriter 3.3.1 ``{=...}`` is an array formula,
    whatever its options say.
    """
    if isinstance(cell, str):
        if is_link and len(cell) <= _LONGEST_LINK:
            scheme = "" if cell.startswith("file:") else "external:"
            sheet.write_url(row, place, f"{scheme}{cell}", how, cell)
        else:
            sheet.write_string(row, place, cell, how)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, place, cell, how)
    elif cell is not None:
        sheet.write_number(row, place, cell, how)


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
