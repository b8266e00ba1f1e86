"""Spreadsheets: one row a value, as CSV or a workbook of Excel, by the ending of the name."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from extractor.apps.gold.marks import NONE, RECORD, SCORED, Labels, Lost, Mark, Problem
from extractor.apps.gold.values import describe_form
from extractor.errors import GoldError, MissingExtra

COLUMNS = ("record", "field", "value", "quote", "section", "item", "of", "note")
"""``item`` joins the rows of one item; ``of`` is the item that has a field of the user's own."""
_WORKBOOK = ".xlsx"
_TABBED = ".tsv"
_NEEDED = ("record", "field")
_FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet could take for a formula, so that an export puts an
apostrophe before it.
"""
_KIND = "kind: "
_LONGEST_CELL = 32_767
_TEMPLATE = "`extractor gold template` writes a sheet with the right columns"


def read_sheet(path: Path) -> Iterator[Mark | Problem]:
    """Yield a mark for each row of a sheet, and a problem for each that is none.

    A row with neither record, value nor quote is left out. The first row has the names of the
    columns, in any order and case; other columns are ignored.
    Raises ``GoldError`` for a file that is no such sheet.
    """
    if path.suffix.casefold() == _WORKBOOK:
        rows = _read_workbook(path)
    else:
        rows = _read_csv(path)
    first_row = next(rows, [])
    head = [str(cell or "").strip().casefold() for cell in first_row]
    missing = [name for name in _NEEDED if name not in head]
    if missing:
        raise GoldError(
            f"{path}: the first row has no column {', '.join(missing)}; {_TEMPLATE}"
        )
    for number, cells in enumerate(rows, 2):
        # A row may have more cells than the head, or fewer.
        row = {name: _clean(cell) for name, cell in zip(head, cells, strict=False)}
        # A template has a row for each field, also for those that nobody filled in.
        is_filled = row.get("record") or row.get("value") or row.get("quote")
        if is_filled:
            yield _read_row(f"{path}, row {number}", row)


def _read_row(place: str, row: dict[str, str]) -> Mark | Problem:
    """Return the mark of a row, or the problem that it names no record or no field. The column
    item names the item of the row, and the column of the item to which a value belongs.
    """
    record = row["record"]
    label = row["field"]
    if not record:
        return Problem(place, "has no record", "write the id of the record")
    if not label:
        lost = (Lost(record, ""),)
        return Problem(place, "has no field", f"name one; {_TEMPLATE}", loses=lost)
    says: tuple[str, ...] = ()
    value = row.get("value", "")
    if value:
        says = (value,)
    item = row.get("item", "")
    return Mark(
        record,
        place,
        label,
        row.get("quote", ""),
        section=row.get("section", ""),
        says=says,
        id=item,
        of=row.get("of", "") or item,
    )


def _clean(cell: Any) -> str:
    """Return a cell as text: a workbook keeps numbers and truth values as such, and 18 as 18.0."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    # An export put the apostrophe there.
    if text.startswith("'") and text[1:2] in _FORMULA:
        return text[1:]
    return text


def _read_csv(path: Path) -> Iterator[list[Any]]:
    """Return the rows of a text file, whose first line shows what stands between its cells."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise GoldError(f"{path}: is not UTF-8; save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    # Excel puts semicolons between cells where a comma is the decimal sign.
    separator = max(",;\t", key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _read_workbook(path: Path) -> Iterator[list[Any]]:
    """Yield the rows of the first sheet of a workbook. Raises ``GoldError``, ``MissingExtra``."""
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise MissingExtra(f"{path}: a workbook needs openpyxl", "excel") from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise GoldError(f"{path}: is no workbook; save it as .xlsx or CSV") from error
    with closing(book):
        yield from map(list, book.worksheets[0].iter_rows(values_only=True))


def write_template(path: Path, labels: Labels) -> None:
    """Write a sheet with a row for each field, which says how its values are written."""
    _write_rows(path, _list_template(labels))


def show_template(labels: Labels) -> str:
    """Return the sheet of ``write_template`` as CSV.

    >>> show_template(Labels()).splitlines()[0]
    'record,field,value,quote,section,item,of,note'
    """
    return _write_csv(_list_template(labels))


def _list_template(labels: Labels) -> list[dict[str, str]]:
    """Return a row for each field, with a note on how its values are written."""
    return [
        {"field": label, "note": _note(label, labels)} for label in labels.list_all()
    ]


def _note(label: str, labels: Labels) -> str:
    """Return how the values of a field, or the mark of an item, are written."""
    if label == "criterion":
        return "inclusion or exclusion; the words of the criterion as quote"
    if label == "regimen":
        return "the agent; the words of the dose as quote"
    if label == "endpoint":
        return "empty; words of the registered outcome as quote, which are its measure"
    if label in labels.items:
        return f"{labels.fields[label].definition[:80]}; words as quote"
    group, name = labels.find(label)[0]
    info = labels.list_infos(group)[name]
    attribute = labels.attribute(group, name)
    form = describe_form(info, attribute).replace('"', "")
    if info.many:
        form += "; a row each"
    return f"{form}; {NONE} if the record states none"


def write_sheet(path: Path, marks: Iterable[Mark]) -> None:
    """Write marks as a sheet: a row for each item, and for each line that it says.

    Raises ``GoldError`` for what a workbook cannot hold.
    """
    _write_rows(path, [row for mark in marks for row in _list_rows(mark)])


def _list_rows(mark: Mark) -> Iterator[dict[str, str]]:
    """Yield the rows of a mark: its own, whose value is the kind of a criterion, and a row for
    each other line that it says. The mark of the record has no row of its own, but its line of
    what gold was read for has.
    """
    base = {"record": mark.record, "item": mark.id}
    lines = list(mark.says)
    if mark.label != RECORD:
        kind = ""
        others = []
        for line in lines:
            if not line.startswith(_KIND):
                others.append(line)
            elif not kind:
                kind = line.removeprefix(_KIND)
        lines = others
        yield {
            **base,
            "field": mark.label,
            "quote": mark.quote,
            "section": mark.section,
            "value": kind,
            "of": mark.of,
        }
    for line in lines:
        name, _, value = line.partition(": ")
        if name == SCORED:
            yield {**base, "field": mark.label, "value": line}
        else:
            yield {**base, "field": name, "value": value}


def _write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write a sheet: a workbook, or text with tabs or commas, by the ending of its name."""
    ending = path.suffix.casefold()
    if ending == _WORKBOOK:
        _write_workbook(path, rows)
        return
    separator = "\t" if ending == _TABBED else ","
    # Excel needs the mark at the beginning to read UTF-8.
    path.write_text(_write_csv(rows, separator), "utf-8-sig")


def _write_workbook(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write a workbook of one sheet. Raises ``GoldError`` for what no cell can hold."""
    try:
        from openpyxl import Workbook  # noqa: PLC0415 - belongs to an extra
        from openpyxl.utils.exceptions import IllegalCharacterError  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra(f"{path}: a workbook needs openpyxl", "excel") from error
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "gold"
    # The first row stays in sight.
    sheet.freeze_panes = "A2"
    sheet.append(COLUMNS)
    for row in rows:
        cells = [_guard(row.get(name, "")) for name in COLUMNS]
        if max(map(len, cells)) > _LONGEST_CELL:
            problem = f"a value of {row.get('record')} is longer than a cell of Excel"
            raise GoldError(f"{path}: {problem}; write a .csv file")
        try:
            sheet.append(cells)
        except IllegalCharacterError:
            problem = f"{row.get('record')} has a character that no workbook can hold"
            raise GoldError(f"{path}: {problem}; write a .csv file") from None
    book.save(path)


def _write_csv(rows: Sequence[dict[str, str]], separator: str = ",") -> str:
    """Return rows as text."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, delimiter=separator, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _guard(value) for name, value in row.items()})
    return written.getvalue()


def _guard(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    if text.startswith(_FORMULA):
        return f"'{text}"
    return text
