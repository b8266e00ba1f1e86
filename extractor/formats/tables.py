"""Read tables of trials: register downloads, and copies saved by R, pandas or a spreadsheet. Among
the first lines, the one with the most known columns is treated as the header. A row ends at the end
of a line if all quotation marks are closed or if the next line begins with a trial number.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from io import BufferedReader
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from extractor.formats.found import (
    DOWNLOAD,
    NONE_CHOSEN,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_named
from extractor.formats.registers import (
    Register,
    fold_column,
    list_registers,
    load_table,
    make_register,
)
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_size,
    read_lines,
    replace_odd_bytes,
)
from extractor.schemas.arguments import refuse_unknown

_DELIMITERS = ",\t;|"
_LINES_ABOVE = 5
"""Maximum number of lines, such as a title, above the header."""
_FEW = 3
_SHOWN = 60
_MOST_NAMED = 10
"""Maximum number of unknown columns that a note names."""
_NUMBER = r"(?:NCT|nct)\d{8}"
csv.field_size_limit(MAX_RECORD_BYTES)


class _Header(NamedTuple):
    """A line read as a header, assuming a particular delimiter and register.

    Attributes:
        has_number: Whether a column contains the trial number.
        known_count: The number of known columns.
        register: The register.
        delimiter: The delimiter.
        line: The line number.
        columns: The register's column for each column name; "" for an unknown name.
        names: The column names, as written.
        chosen: The columns that the user chose (``choose_columns``).
    """

    has_number: bool
    known_count: int
    register: Register
    delimiter: str
    line: int
    columns: list[str]
    names: list[str]
    chosen: Mapping[str, str]

    def list_unknown(self) -> list[str]:
        """Return the column names that the register does not know, as written."""
        skipped = set(map(fold_column, self.register.skipped_columns))
        return [
            name.strip()
            for name, column in zip(self.names, self.columns, strict=True)
            if not column and name.strip() and fold_column(name) not in skipped
        ]


def choose_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Return what the columns of a user's tables contain, keyed by their names in the tables.
    ``columns`` contains these names, keyed by usual names of columns, or by ``id``. Raises
    ``ArgumentError`` if a key is not such a name.

    >>> choose_columns({"id": "trial", "title": "Short name"})
    {'trial': 'nct number', 'Short name': 'study title'}
    """
    register = _load_usual()
    known = {"id": register.id, **register.columns_by_name}
    unknown = [name for name in columns if fold_column(name) not in known]
    refuse_unknown("column", unknown, ["id", *register.columns])
    return {written: known[fold_column(name)] for name, written in columns.items()}


@cache
def _load_usual() -> Register:
    """Return the register whose columns are the usual ones of tables."""
    return make_register("tables", load_table("tables"))


def is_table(head: str) -> bool:
    r"""Return whether a text is a table: it has at least three known columns, or two if one of them
    contains the trial number.

    >>> (
    ...     is_table("nct_id,criteria\n"),
    ...     is_table("Conditions, such as gout; other criteria"),
    ... )
    (True, False)
    """
    header = _find_header(head)
    return header.known_count + header.has_number >= _FEW


def read_table(
    stream: BufferedReader, chosen: Mapping[str, str] = NONE_CHOSEN
) -> Iterator[ReadResult]:
    """Yield the records of a table in order, and a problem for each row that cannot be read. A note
    of the first record lists the columns that are not read, except those that the register's
    downloads usually have. ``chosen`` contains the columns that the user chose.
    """
    head = stream.peek().decode("utf-8", "replace")
    header = _find_header(head, chosen)
    _refuse_missing(header)
    if not header.known_count:
        problem = (
            f"a table without any known columns (it begins with {head[:_SHOWN]!r})"
        )
        raise UnreadableSource(
            problem, f"name its columns as registers do, or {DOWNLOAD}"
        )
    number = header.register.id_pattern or _NUMBER
    begins = rf'("?)(?:{number})\1{re.escape(header.delimiter)}'
    notes = _list_notes(header)
    for line, row in group_rows(stream, begins):
        if line <= header.line or not row.strip():
            continue
        result = build_content(partial(_read_row, header), row, f"line {line}")
        if isinstance(result, RecordContent):
            result = replace(result, notes=(*notes, *result.notes))
            notes = ()
        yield result


def _refuse_missing(header: _Header) -> None:
    """Raise ``UnreadableSource`` if a column that the user chose is not in the header."""
    names = set(map(fold_column, header.names))
    missing = [name for name in header.chosen if fold_column(name) not in names]
    if missing:
        problem = f"no column {missing[0]!r} (the columns are {_quote(header.names)})"
        raise UnreadableSource(problem, "correct the name of the column")


def _quote(names: Sequence[str]) -> str:
    """Return the first of several names for a message."""
    listed = ", ".join(repr(name[:_SHOWN]) for name in names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        listed += f" and {len(names) - _MOST_NAMED} more"
    return listed


def _list_notes(header: _Header) -> tuple[str, ...]:
    """Return a note that names the first unknown columns of a table, if there are any."""
    unknown = header.list_unknown()
    if not unknown:
        return ()
    return (f"columns of the table that are not read: {_quote(unknown)}",)


def knows_columns(names: Iterable[str]) -> bool:
    """Return whether a table with these columns has a known one.

    >>> knows_columns(["owner", "criteria"]), knows_columns(["owner"])
    (True, False)
    """
    return _name_columns(names).known_count > 0


def build_row(
    cells: Mapping[str, str], chosen: Mapping[str, str] = NONE_CHOSEN
) -> RecordContent:
    """Build the content of one row from its cells, keyed by the names of their columns. If there
    are ``chosen`` columns, a note lists the columns that are not read.

    >>> build_row({"criteria": "Adults", "owner": "me"}).sections[0].name
    'eligibility'
    """
    header = _name_columns(cells, chosen)
    _refuse_missing(header)
    content = _read_cells(header, list(cells.values()))
    if chosen:
        return replace(content, notes=_list_notes(header))
    return content


def _name_columns(
    names: Iterable[str], chosen: Mapping[str, str] = NONE_CHOSEN
) -> _Header:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return _find_header(line.getvalue(), chosen)


def _find_header(head: str, chosen: Mapping[str, str] = NONE_CHOSEN) -> _Header:
    """Return the best header among the first lines, trying each delimiter and register. Headers
    that include the trial number are preferred; among the remaining candidates, the one with the
    most known columns is chosen. A column that the user chose is not read from any other column.
    """
    headers: list[_Header] = []
    registers = (_load_usual(),) if chosen else list_registers("table")
    by_chosen = {fold_column(name): column for name, column in chosen.items()}
    for line, written in enumerate(head.splitlines()[: _LINES_ABOVE + 1], 1):
        for delimiter in _DELIMITERS:
            names = next(csv.reader([written], delimiter=delimiter), [])
            for register in registers:
                columns = [_find_column(name, register, by_chosen) for name in names]
                known_count = len(columns) - columns.count("")
                has_number = register.id in columns
                header = _Header(
                    has_number,
                    known_count,
                    register,
                    delimiter,
                    line,
                    columns,
                    names,
                    chosen,
                )
                headers.append(header)
    # by ``has_number``, then by ``known_count``; of equal ones, the first
    return max(headers, key=itemgetter(0, 1))


def _find_column(name: str, register: Register, chosen: Mapping[str, str]) -> str:
    """Return the register's column for a name in a header, or "". ``chosen`` contains the columns
    that the user chose by their folded names; they have no other names.
    """
    folded = fold_column(name)
    column = register.columns_by_name.get(folded, "")
    if column in chosen.values():
        column = ""
    return chosen.get(folded, column)


def group_rows(stream: BinaryIO, begins: str) -> Iterator[tuple[int, str]]:
    """Yield each row of a table with the number of its first line.

    Args:
        stream: The table.
        begins: The pattern for the start of a row; such a start ends the row above even if a
            quotation mark in that row is not closed. Its first group is the quotation mark, or "".
    """
    lines: list[str] = []
    first = 1
    quotation_mark = None  # the mark, or "", with which the rows of this table begin
    for number, line in read_lines(stream):
        begin = re.match(begins, line)
        is_start = begin is not None and begin[1] == quotation_mark
        if lines and is_start:
            yield first, "".join(lines)
            lines = []
        if not lines:
            first = number
            size = marks = 0
            if begin:
                quotation_mark = begin[1]
        lines.append(line)
        # Counting in the whole row would take hours if a quotation mark is never closed.
        size += len(line)
        marks += line.count('"')
        if marks % 2 == 0 or size > MAX_RECORD_BYTES:
            yield first, "".join(lines)
            lines = []
    if lines:
        yield first, "".join(lines)


def split_row(row: str, delimiter: str, width: int) -> list[str]:
    """Return the cells of a row. Raises ``UnreadableSource`` if the row is broken or if its number
    of cells differs from ``width``, the number in the header.
    """
    check_size(len(row))
    try:
        cells = next(csv.reader([row], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise UnreadableSource(f"a broken table row ({error})") from None
    if len(cells) != width:
        raise UnreadableSource(f"the row has {len(cells)} cells, the header {width}")
    return cells


def _read_row(header: _Header, row: str) -> RecordContent:
    text, notes = replace_odd_bytes(row)
    cells = split_row(text, header.delimiter, len(header.columns))
    content = _read_cells(header, cells)
    return replace(content, notes=(*content.notes, *notes))


def _read_cells(header: _Header, cells: Sequence[str]) -> RecordContent:
    fields: dict[str, str] = {}
    for column, cell in zip(header.columns, cells, strict=True):
        if column and cell.strip():
            fields.setdefault(column, cell)
    content = read_named(header.register, fields.items(), "table")
    number_column = header.register.id
    # the ids of a user need not look like the number of a registry
    if number_column in header.chosen.values():
        number = fields.get(number_column, "").strip()
        content = replace(content, trial_id=number or None)
    return content
