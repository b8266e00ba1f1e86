"""Write rows as a sheet: CSV, or a workbook of Excel. A text never becomes a formula."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from extractor.errors import ArgumentError, MissingExtra

_FORMULA = tuple("=+-@\t\r")
_LONGEST = 32_767
"""Most characters of a cell in Excel."""


def write_sheet(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Iterable[Any]],
    *,
    force: bool = False,
) -> None:
    """Write rows below the names of their columns, as the file's name ends: ``.csv`` or ``.xlsx``.

    Raises ``ArgumentError`` for another name, and for a file that exists unless ``force`` is set;
    ``MissingExtra`` for a workbook without the extra ``excel``.
    """
    if path.exists() and not force:
        raise ArgumentError(
            f"{path}: already exists; choose another name, or replace it with --force"
        )
    if path.suffix == ".csv":
        # half a surrogate pair, as broken JSON brings it, cannot be written
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(map(_guard, row) for row in rows)
    elif path.suffix == ".xlsx":
        _write_workbook(path, columns, rows)
    else:
        raise ArgumentError(f"{path}: name a file that ends with .csv or .xlsx")


def _guard(cell: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would take for a formula."""
    is_formula = isinstance(cell, str) and cell.startswith(_FORMULA)
    return f"'{cell}" if is_formula else cell


def _write_workbook(
    path: Path, columns: Sequence[str], rows: Iterable[Iterable[Any]]
) -> None:
    try:
        import xlsxwriter  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise MissingExtra("a workbook needs xlsxwriter", "excel") from error
    options = {"constant_memory": True, "strings_to_formulas": False}
    with xlsxwriter.Workbook(path, options | {"strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row):
                text = cell
                if isinstance(cell, str):
                    text = cell.encode("utf-8", "replace").decode()[:_LONGEST]
                sheet.write(number, place, text)
