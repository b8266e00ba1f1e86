"""Spreadsheets: one row a value, as CSV or a workbook of Excel."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from extractor.apps.gold.marks import NONE, RECORD, SCORED, Labels, Mark, Problem
from extractor.apps.gold.values import describe_form
from extractor.errors import GoldError, MissingExtra

COLUMNS = ("record", "field", "value", "quote", "section", "item", "of", "note")
_NEEDED = ("record", "field")
_FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet could take for a formula, so that an export puts an
apostrophe before it.
"""
_TEMPLATE = "`extractor gold template` writes a sheet with the right columns"


def read_sheet(path: Path) -> Iterator[Mark | Problem]:
    """Yield a mark for each row of a sheet, and a problem for each that is none.

    A row with neither record, value nor quote is left out: a template has one for each field.
    Raises ``GoldError`` for a file that is no such sheet.
    """
    rows = _read_workbook(path) if path.suffix == ".xlsx" else _read_csv(path)
    head = [str(cell or "").strip().casefold() for cell in next(rows, [])]
    missing = [name for name in _NEEDED if name not in head]
    if missing:
        raise GoldError(
            f"{path}: the first row has no column {', '.join(missing)}; {_TEMPLATE}"
        )
    for number, cells in enumerate(rows, 2):
        row = {name: _clean(cell) for name, cell in zip(head, cells, strict=False)}
        if any(row.get(name) for name in ("record", "value", "quote")):
            yield _read_row(f"{path}, row {number}", row)


def _read_row(place: str, row: dict[str, str]) -> Mark | Problem:
    label = row["field"]
    item = row.get("item", "")
    if not row["record"]:
        return Problem(place, "has no record", "write the id of the record")
    if not label:
        return Problem(place, "has no field", f"name one; {_TEMPLATE}")
    value = row.get("value", "")
    return Mark(
        row["record"],
        place,
        label,
        row.get("quote", ""),
        section=row.get("section", ""),
        says=(value,) if value else (),
        id=item,
        of=row.get("of", "") or item,
    )


def _clean(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    is_guarded = text.startswith("'") and text[1:2] in _FORMULA
    return text[1:] if is_guarded else text


def _read_csv(path: Path) -> Iterator[list[Any]]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise GoldError(f"{path}: is not UTF-8; save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=mark)


def _read_workbook(path: Path) -> Iterator[list[Any]]:
    try:
        from openpyxl import load_workbook  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise MissingExtra(f"{path}: a workbook needs openpyxl", "excel") from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise GoldError(f"{path}: is no workbook; save it as .xlsx or CSV") from error
    return (list(row) for row in book.worksheets[0].iter_rows(values_only=True))


def write_template(labels: Labels) -> str:
    """Return a sheet as CSV with a row for each field, which says how its values are written.

    >>> write_template(Labels()).splitlines()[0]
    'record,field,value,quote,section,item,of,note'
    """
    return _write_csv(_list_template(labels))


def save_template(path: Path, labels: Labels) -> None:
    """Write the sheet of ``write_template`` to a file, ``.csv`` or ``.xlsx``. Raises
    ``GoldError`` for another, ``MissingExtra`` for a workbook without its library.
    """
    _save(path, _list_template(labels))


def _list_template(labels: Labels) -> list[dict[str, str]]:
    return [{"field": one, "note": _note(one, labels)} for one in labels.list_all()]


def _save(path: Path, rows: Sequence[dict[str, str]]) -> None:
    suffix = path.suffix.casefold()
    if suffix == ".csv":
        # Excel needs the mark to read UTF-8
        path.write_text(_write_csv(rows), "utf-8-sig")
    elif suffix == ".xlsx":
        _write_workbook(path, rows)
    else:
        raise GoldError(f"{path}: is no name of a sheet; name a .csv or .xlsx file")


def _write_workbook(path: Path, rows: Sequence[dict[str, str]]) -> None:
    try:
        from openpyxl import Workbook  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise MissingExtra(f"{path}: a workbook needs openpyxl", "excel") from error
    book = Workbook(write_only=True)
    sheet = book.create_sheet("gold")
    sheet.append(COLUMNS)
    for row in rows:
        # an apostrophe before what could be a formula, as in CSV
        sheet.append([_guard(row.get(name, "")) for name in COLUMNS])
    book.save(path)


def _note(label: str, labels: Labels) -> str:
    items = {
        "criterion": "inclusion or exclusion; the words of the criterion as quote",
        "regimen": "the agent; the words of the dose as quote",
        "endpoint": "empty; words of the registered outcome as quote, which are its measure",
    }
    if label in items:
        return items[label]
    if label in labels.items:
        return f"{labels.fields[label].definition[:80]}; words as quote"
    found = labels.find(label)[0]
    info = labels.list_infos(found.group)[found.name]
    form = describe_form(info, labels.attribute(*found)).replace('"', "")
    return f"{form}; {'a row each; ' * info.many}{NONE} if the record states none"


def write_sheet(path: Path, marks: Iterable[Mark]) -> None:
    """Write marks to a sheet: a row for each item, and for each line that it says. Raises as
    ``save_template`` does.
    """
    _save(path, _list_rows(marks))


def _list_rows(marks: Iterable[Mark]) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for mark in marks:
        base = {"record": mark.record, "item": mark.id}
        if mark.label != RECORD:
            place = {"quote": mark.quote, "section": mark.section}
            rows.append(base | place | {"field": mark.label, "of": mark.of})
        for said in mark.says:
            name, _, value = said.partition(": ")
            if name == SCORED:
                rows.append(base | {"field": mark.label, "value": said})
            else:
                rows.append(base | {"field": name, "value": value})
    return rows


def _write_csv(rows: Sequence[dict[str, str]]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _guard(value) for name, value in row.items()})
    return written.getvalue()


def _guard(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
