"""Tables of trials: the downloads of registers, and what R, pandas or a spreadsheet makes of them.

The header is the line, of the first ones, that has most known columns. A row ends with a line at
whose end no quotation mark is open, or where the next line begins with the number of a trial.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import BufferedReader
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from extractor.formats.found import (
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_named
from extractor.formats.registers import Register, fold_name, list_registers
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_size,
    read_lines,
    replace_odd_bytes,
)

_DELIMITERS = ",\t;|"
_LINES_ABOVE = 5
_FEW = 3
_SHOWN = 60
_NUMBER = r"(?:NCT|nct)\d{8}"
csv.field_size_limit(MAX_RECORD_BYTES)


class _Header(NamedTuple):
    """A line of names, with the columns of a register by the position of their names."""

    has_number: bool
    found: int
    register: Register
    delimiter: str
    line: int
    width: int
    columns: dict[int, str]


def is_table(head: str) -> bool:
    r"""Return whether a text is a table: it has the numbers of trials and another column, or
    several columns that are known.

    >>> (
    ...     is_table("nct_id,criteria\n"),
    ...     is_table("Conditions, such as gout; other criteria"),
    ... )
    (True, False)
    """
    header = _find_header(head)
    return header.found + header.has_number >= _FEW


def read_table(stream: BufferedReader) -> Iterator[Found]:
    """Yield the records of a table, in order, and the problem of each row that cannot be read."""
    head = stream.peek().decode("utf-8", "replace")
    header = _find_header(head)
    if not header.found:
        problem = f"a table without a known column (it begins with {head[:_SHOWN]!r})"
        raise UnreadableSource(
            problem, f"name its columns as registers do, or {DOWNLOAD}"
        )
    number = header.register.id_pattern or _NUMBER
    begins = rf'("?)(?:{number})\1{re.escape(header.delimiter)}'
    for line, row in group_rows(stream, begins):
        if line > header.line and row.strip():
            yield build_content(partial(_read_row, header), row, f"line {line}")


def _find_header(head: str) -> _Header:
    """Return the best of the readings of the first lines as a header."""
    headers: list[_Header] = []
    for line, written in enumerate(head.splitlines()[: _LINES_ABOVE + 1], 1):
        for delimiter in _DELIMITERS:
            names = next(csv.reader([written], delimiter=delimiter), [])
            for register in list_registers("table"):
                known = register.columns_by_name
                found = [known.get(fold_name(name), "") for name in names]
                columns = {at: column for at, column in enumerate(found) if column}
                has_number = register.id in found
                headers.append(
                    _Header(
                        has_number,
                        len(columns),
                        register,
                        delimiter,
                        line,
                        len(names),
                        columns,
                    )
                )
    return max(headers, key=itemgetter(0, 1))


def group_rows(stream: BinaryIO, begins: str) -> Iterator[tuple[int, str]]:
    """Yield each row of a table with the number of its first line.

    Args:
        stream: The table.
        begins: How a row begins, where the one above lacks the end of a quotation; its first group
            is the quotation mark, if all rows have one.
    """
    row = ""
    first = 1
    sign = None
    for number, line in read_lines(stream):
        begin = re.match(begins, line)
        if row and begin and begin[1] == sign:
            yield first, row
            row = ""
        if not row:
            first = number
            sign = begin[1] if begin else sign
        row += line
        if row.count('"') % 2 == 0 or len(row) > MAX_RECORD_BYTES:
            yield first, row
            row = ""
    if row:
        yield first, row


def split_row(row: str, delimiter: str, width: int) -> list[str]:
    """Return the cells of a row. Raises ``UnreadableSource`` for one that is broken, or has not as
    many as the header.
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
    text, odd = replace_odd_bytes(row)
    cells = split_row(text, header.delimiter, header.width)
    fields: dict[str, str] = {}
    for at, column in header.columns.items():
        if cells[at].strip():
            fields.setdefault(column, cells[at])
    content = read_named(header.register, fields.items(), "table")
    if not odd:
        return content
    note = f"{odd} bytes are not UTF-8 and were read as Windows-1252"
    return replace(content, notes=(*content.notes, note))
