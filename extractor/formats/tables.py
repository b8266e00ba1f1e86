"""Tables of trials: the downloads of registers, and what R, pandas or a spreadsheet makes of them.

The header is the line, of the first ones, that has most known columns. A row ends with a line at
whose end no quotation mark is open, or where the next line begins with the number of a trial.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from rapidfuzz import process
from rapidfuzz.fuzz import ratio

from extractor.formats.found import (
    DOWNLOAD,
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.named_fields import read_named
from extractor.formats.registers import Register, fold_name, list_registers
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_size,
    peek_block,
    read_lines,
    replace_odd_bytes,
)

_DELIMITERS = ",\t;|"
_LINES_ABOVE = 5
_LONGEST_NAME = 60
_NEAR = 88
"""The least likeness, of 100, of a column's name to a known one."""
_FEW = 3
_SHOWN = 20
_NUMBER = r"(?:NCT|nct)\d{8}"
csv.field_size_limit(MAX_RECORD_BYTES)


@dataclass(frozen=True, slots=True)
class _Header:
    """A line of names, the columns of a register by the position of their names, and those of them
    that were found by a name that is nearly theirs.
    """

    register: Register
    delimiter: str
    line: int
    names: Sequence[str]
    columns: Mapping[int, str]
    guessed: Sequence[int]

    @property
    def has_number(self) -> bool:
        return self.register.id in self.columns.values()

    @property
    def rank(self) -> tuple[int, int]:
        return len(self.columns), -len(self.guessed)


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
    least = 2 if header and header.has_number else _FEW
    return header is not None and len(header.columns) >= least


def read_table(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of a table, in order, and the problem of each row that cannot be read."""
    head = peek_block(stream).decode("utf-8", "replace")
    header = _find_header(head)
    if header is None:
        raise _refuse_columns(head)
    pattern = header.register.id_pattern or _NUMBER
    begins = rf'("?)(?:{pattern})\1{re.escape(header.delimiter)}'
    is_first = header.columns.get(0) == header.register.id
    for number, row in group_rows(stream, begins if is_first else "(?!)"):
        if isinstance(row, UnreadableSource):
            yield row
        elif number > header.line and row.strip():
            yield build_content(partial(_read_row, header), row, f"line {number}")


def group_rows(
    stream: BinaryIO, begins: str
) -> Iterator[tuple[int, str | UnreadableSource]]:
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
        if isinstance(line, UnreadableSource):
            yield number, line
            row = ""
            continue
        text = line.decode(errors="surrogateescape")
        begin = re.match(begins, text)
        if row and begin and begin[1] == sign:
            yield first, row
            row = ""
        if not row:
            first = number
            sign = begin[1] if begin else sign
        row += text
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
    remedy = "correct the row, or download the table again"
    try:
        cells = next(csv.reader([row], delimiter=delimiter, strict=True), [])
    except csv.Error as problem:
        raise UnreadableSource(f"a broken table row ({problem})", remedy) from None
    if len(cells) != width:
        raise UnreadableSource(
            f"the row has {len(cells)} cells, the header {width}", remedy
        )
    return cells


def _read_row(header: _Header, row: str) -> RecordContent:
    text, odd = replace_odd_bytes(row)
    cells = split_row(text, header.delimiter, len(header.names))
    fields: dict[str, str] = {}
    for at, column in header.columns.items():
        if not fields.get(column, "").strip():
            fields[column] = cells[at]
    content = read_named(header.register, fields.items(), "table")
    notes = list(content.notes)
    if header.guessed:
        notes.append(_note_guesses(header))
    if odd:
        notes.append(f"{odd} bytes are not UTF-8 and were read as Windows-1252")
    return replace(content, notes=tuple(notes))


def _note_guesses(header: _Header) -> str:
    """Return which columns were found by a name that is nearly theirs, and which are not read."""
    columns = header.columns
    names = list(enumerate(header.names))
    guesses = [
        f'"{name}" is read as "{columns[at]}"'
        for at, name in names
        if at in header.guessed
    ]
    unread = [f'"{name}"' for at, name in names if at not in columns]
    return f"columns: {', '.join(guesses)}; not read: {', '.join(unread) or 'none'}"


def _find_header(head: str) -> _Header | None:
    """Return the best of the readings of the first lines as a header."""
    found: list[_Header] = []
    for number, line in enumerate(head.splitlines()[: _LINES_ABOVE + 1], 1):
        for delimiter in _DELIMITERS:
            names = next(csv.reader([line], delimiter=delimiter), [])
            if max(map(len, names), default=0) <= _LONGEST_NAME:
                found += [
                    _match_names(register, delimiter, number, names)
                    for register in list_registers("table")
                ]
    usable = [
        header
        for header in found
        if header.has_number
        or (len(header.columns) > len(header.guessed) and not header.register.needs_id)
    ]
    return max(usable, key=lambda header: header.rank, default=None)


def _match_names(
    register: Register, delimiter: str, line: int, names: Sequence[str]
) -> _Header:
    known = register.columns_by_name
    folded = list(enumerate(map(fold_name, names)))
    columns = {at: known[name] for at, name in folded if name in known}
    own = set(columns.values())
    guessed: list[int] = []
    for at, name in folded:
        nearest = process.extractOne(
            name, list(known), scorer=ratio, score_cutoff=_NEAR
        )
        if nearest and at not in columns and known[nearest[0]] not in own:
            columns[at] = known[nearest[0]]
            guessed.append(at)
    return _Header(register, delimiter, line, names, columns, guessed)


def _refuse_columns(head: str) -> UnreadableSource:
    """Return the problem of a table without a known column, with the names of all."""
    line = next(filter(str.strip, head.splitlines()), "")
    names = max((line.split(delimiter) for delimiter in _DELIMITERS), key=len)
    shown = ", ".join(f'"{name.strip()[:_LONGEST_NAME]}"' for name in names[:_SHOWN])
    columns = [f'"{name}"' for one in list_registers("table") for name in one.columns]
    return UnreadableSource(
        f"a table without a known column (it has {shown})",
        f"name a column as one of {', '.join(columns)}, or {DOWNLOAD}",
    )
