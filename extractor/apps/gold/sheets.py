"""Gold sheets: CSV files or Excel workbooks with one row per value."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from extractor.apps.gold.rows import PART_COLUMNS, write_cells
from extractor.apps.values import RowKind, ValueRow
from extractor.errors import GoldError, MissingExtra
from extractor.face import write_atomically
from extractor.schemas.arguments import suggest

_PLACE = ("record", "item", "field")
_SUPPORT = ("evidence", "section", "confidence")
COLUMNS = (*_PLACE, *PART_COLUMNS, *_SUPPORT)
"""The columns, in order. Evidence columns are only for readers and are not imported."""
_WORKBOOK = ".xlsx"
SHEETS = (".csv", _WORKBOOK)
_FORMULA = r"""(?=[\s"]{0,99}['=+\-@＝＋－＠]|[\t\r])"""
"""The start of text that a spreadsheet could interpret as a formula, or of text that begins with
an apostrophe, which would otherwise be lost on import.
"""
# Excel separates cells by semicolons if the decimal separator is a comma. It then also begins a
# cell after a semicolon, and a row after a line break, within the text of a cell.
_UNGUARDED = re.compile(rf"(^|[;\t\r\n]){_FORMULA}")
_GUARDED = re.compile(rf"(^|[;\t\r\n])'{_FORMULA}")
_MOST_BYTES = 200_000_000
_LONGEST_CELL = 32_767


def write_gold_sheet(path: Path, rows: Iterable[ValueRow]) -> None:
    """Write rows as CSV or as a workbook, depending on the suffix. Unused columns of value parts
    are omitted. Raises ``GoldError`` for text that a workbook cannot contain.
    """
    table = [_write_row(row) for row in rows]
    used_columns = set(_PLACE)
    for cells in table:
        used_columns.update(cells)
    columns = [name for name in COLUMNS if name in used_columns]
    lines = [[cells.get(name, "") for name in columns] for cells in table]
    if path.suffix.casefold() == _WORKBOOK:
        content = _make_workbook(path, [columns, *lines])
    else:
        # Line breaks within a cell must come back as they were.
        text = io.StringIO(newline="")
        csv.writer(text).writerows([columns, *lines])
        # Excel needs a byte order mark to read UTF-8.
        content = text.getvalue().encode("utf-8-sig")
    write_atomically(path, content)


def _write_row(row: ValueRow) -> dict[str, str]:
    """Return the filled cells of a row, keyed by column."""
    confidence = ""
    if row.confidence is not None:
        confidence = f"{row.confidence:.2f}"
    cells = {
        "record": row.record_id,
        "item": row.item,
        "field": row.field,
        **write_cells(row),
        "evidence": row.quote or "",
        "section": row.section or "",
        "confidence": confidence,
    }
    return {name: _guard(text) for name, text in cells.items() if text}


def _guard(text: str) -> str:
    r"""Return text in a form that spreadsheets do not interpret as a formula.

    >>> _guard("=1+1"), _guard("age; =1+1"), _strip_guard(_guard("'age;\n=1+1"))
    ("'=1+1", "age;' =1+1", "'age;\n=1+1")
    """
    return _UNGUARDED.sub(r"\1'", text)


def _make_workbook(path: Path, lines: Iterable[list[str]]) -> bytes:
    openpyxl = _import_openpyxl(path)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "gold"
    # Keep the header row visible.
    sheet.freeze_panes = "A2"
    for number, line in enumerate(lines, 1):
        if max(map(len, line)) > _LONGEST_CELL:
            raise GoldError(
                f"{path}, row {number}: contains text that is too long for an Excel cell; write "
                "a .csv file instead"
            )
        try:
            sheet.append(line)
        except openpyxl.utils.exceptions.IllegalCharacterError:
            raise GoldError(
                f"{path}, row {number}: contains a character that is not allowed in a workbook; "
                "write a .csv file instead"
            ) from None
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def read_sheet(path: Path) -> Iterator[ValueRow]:
    """Yield the rows of a sheet. Its first row contains the column names. Evidence columns, columns
    whose name starts with "note", and empty rows are skipped. The value of a row is its filled
    cells, keyed by column, and its section is the location in the file.

    Raises ``GoldError`` for a file that is not a gold sheet, and for formulas and dates.
    """
    is_workbook = path.suffix.casefold() == _WORKBOOK
    lines = _read_workbook(path) if is_workbook else _read_csv(path)
    columns = [name.strip().casefold() for name in next(lines, [])]
    _check_columns(path, columns)
    for number, line in enumerate(lines, 2):
        # a row may have more or fewer cells than the header row
        cells = {
            name: _strip_guard(text)
            for name, text in zip(columns, line, strict=False)
            if text
        }
        if not cells:
            continue
        place = f"{path}, row {number}"
        record = cells.get("record", "").strip()
        if not record:
            raise GoldError(f"{place}, record: is empty; enter the record's id")
        item = cells.get("item", "").strip()
        field = cells.get("field", "").strip()
        values = {name: cells[name] for name in PART_COLUMNS if name in cells}
        yield ValueRow(RowKind.VALUE, record, item, field, values, section=place)


def _check_columns(path: Path, columns: list[str]) -> None:
    """Raise ``GoldError`` if a required column is missing, or if a column is unknown, because its
    values would be lost.
    """
    if not {"record", "field"}.issubset(columns):
        raise GoldError(
            f"{path}, row 1: the columns record and field are missing; start from a sheet written "
            "by `extractor gold export`"
        )
    for name in columns:
        if name in ("", *COLUMNS) or name.startswith("note"):
            continue
        raise GoldError(
            f"{path}, row 1, {name}: is not a column of gold{suggest(name, COLUMNS)}; correct "
            "the name, or rename the column to note"
        )


def _strip_guard(text: str) -> str:
    return _GUARDED.sub(r"\1", text)


def _read_csv(path: Path) -> Iterator[list[str]]:
    """Yield the rows of a text file. The separator is detected from the first line."""
    _refuse_large(path, path.stat().st_size)
    try:
        text = path.read_text("utf-8-sig")
        first = text.partition("\n")[0]
        # Excel separates cells by semicolons if the decimal separator is a comma.
        separator = max(",;\t", key=first.count)
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except UnicodeDecodeError:
        raise GoldError(f"{path}: is not UTF-8; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise GoldError(f"{path}: is not CSV ({error}); save it again") from None


def _read_workbook(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the first sheet in a workbook."""
    openpyxl = _import_openpyxl(path)
    try:
        with ZipFile(path) as parts:
            _refuse_large(path, sum(part.file_size for part in parts.infolist()))
        with closing(openpyxl.load_workbook(path, read_only=True)) as book:
            sheet = book.worksheets[0]
            # the size that the workbook states may include millions of empty cells
            sheet.reset_dimensions()
            for number, row in enumerate(sheet.iter_rows(), 1):
                yield [_read_cell(f"{path}, row {number}", cell) for cell in row]
    except GoldError:
        raise
    except Exception as error:
        raise GoldError(
            f"{path}: is not a workbook; save it as .xlsx or CSV"
        ) from error


def _read_cell(place: str, cell: Any) -> str:
    """Return the content of a cell as text. Raises ``GoldError`` for formulas and dates."""
    refused = {"f": "a formula", "d": "a date"}
    kind = refused.get(cell.data_type)
    if kind:
        raise GoldError(
            f"{place}, column {cell.column_letter}: is {kind}; write it as text"
        )
    if cell.value is None:
        return ""
    return str(cell.value)


def _refuse_large(path: Path, size: int) -> None:
    if size > _MOST_BYTES:
        raise GoldError(
            f"{path}: has {size:,} bytes, which is too large for a gold sheet; import fewer records"
        )


def _import_openpyxl(path: Path) -> Any:
    try:
        import openpyxl  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise MissingExtra(f"{path}: a workbook needs openpyxl", "excel") from error
    return openpyxl
