"""Read tables of trials: register downloads, and copies saved by R, pandas or a spreadsheet. Among
the first lines, the one with the most known columns is treated as the header. A row ends at the end
of a line if all quotation marks are closed or if the next line begins with a trial number.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BufferedReader
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from extractor.formats.found import (
    DOWNLOAD,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_named
from extractor.formats.registers import Register, fold_column, list_registers
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_size,
    read_lines,
    replace_odd_bytes,
)

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
    """

    has_number: bool
    known_count: int
    register: Register
    delimiter: str
    line: int
    columns: list[str]
    names: list[str]

    def list_unknown(self) -> list[str]:
        """Return the column names that the register does not know, as written."""
        skipped = set(map(fold_column, self.register.skipped_columns))
        return [
            name.strip()
            for name, column in zip(self.names, self.columns, strict=True)
            if not column and name.strip() and fold_column(name) not in skipped
        ]


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


def read_table(stream: BufferedReader) -> Iterator[ReadResult]:
    """Yield the records of a table in order, and a problem for each row that cannot be read. A note
    of the first record lists the columns that are not read, except those that the register's
    downloads usually have.
    """
    head = stream.peek().decode("utf-8", "replace")
    header = _find_header(head)
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


def _list_notes(header: _Header) -> tuple[str, ...]:
    """Return a note that names the first unknown columns of a table, if there are any."""
    unknown = header.list_unknown()
    if not unknown:
        return ()
    listed = ", ".join(repr(name[:_SHOWN]) for name in unknown[:_MOST_NAMED])
    if len(unknown) > _MOST_NAMED:
        listed += f" and {len(unknown) - _MOST_NAMED} more"
    return (f"columns of the table that are not read: {listed}",)


def knows_columns(names: Iterable[str]) -> bool:
    """Return whether a table with these columns has a known one.

    >>> knows_columns(["owner", "criteria"]), knows_columns(["owner"])
    (True, False)
    """
    return _name_columns(names).known_count > 0


def build_row(cells: Mapping[str, str]) -> RecordContent:
    """Build the content of one row from its cells, keyed by the names of their columns.

    >>> build_row({"criteria": "Adults", "owner": "me"}).sections[0].name
    'eligibility'
    """
    return _read_cells(_name_columns(cells), list(cells.values()))


def _name_columns(names: Iterable[str]) -> _Header:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return _find_header(line.getvalue())


def _find_header(head: str) -> _Header:
    """Return the best header among the first lines, trying each delimiter and register. Headers
    that include the trial number are preferred; among the remaining candidates, the one with the
    most known columns is chosen.
    """
    headers: list[_Header] = []
    for line, written in enumerate(head.splitlines()[: _LINES_ABOVE + 1], 1):
        for delimiter in _DELIMITERS:
            names = next(csv.reader([written], delimiter=delimiter), [])
            for register in list_registers("table"):
                by_name = register.columns_by_name
                columns = [by_name.get(fold_column(name), "") for name in names]
                known_count = len(columns) - columns.count("")
                has_number = register.id in columns
                header = _Header(
                    has_number, known_count, register, delimiter, line, columns, names
                )
                headers.append(header)
    return max(headers, key=itemgetter(0, 1))


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
        if not column:
            continue
        if not cell.strip():
            continue
        fields.setdefault(column, cell)
    return read_named(header.register, fields.items(), "table")
