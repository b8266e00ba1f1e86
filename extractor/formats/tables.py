"""Tables with a record in each row: downloads of registers that have a table for tables, and what
R, pandas or a spreadsheet made of them.

Cells are separated by commas, tabs or semicolons. A title or a date may be in a few lines above the
header. A column that was not found by one of its names is a guess, and is told in a note.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from typing import BinaryIO

from rapidfuzz import fuzz

from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.named_fields import read_named
from extractor.formats.registers import Register, fold_name, list_registers
from extractor.formats.rows import decode_row, group_rows, split_row
from extractor.formats.streams import peek_block

_REGISTRIES = (
    r"(?:ACTRN|CTIS|CTRI/|ChiCTR|DRKS|EUCTR|IRCT|ISRCTN|ITMCTR|JPRN-|jRCT|KCT|LBCTR|NCT|NL-OMON"
    r"|NL\d|PACTR|PER-|RBR-|RPCEC|SLCTR/|TCTR)[\w/-]*\d[\w/-]*"
)
# Prose has a space after the comma.
_STARTS_RECORD = re.compile(rf'"?{_REGISTRIES}"?[,\t;](?=\S)'.encode())
_TRIAL_NUMBER = re.compile(
    rf"{_REGISTRIES}|\d{{4}}-\d{{6}}-\d{{2}}(?:-\d{{2}})?", re.IGNORECASE
)
_CRITERIA = "eligibility criteria"
_NAMES_A_LIST = re.compile(
    r"(?:inclusion|exclusion)\b|\b(?:eligible|ineligible) if\b", re.IGNORECASE
)
_START = 300
"""A text of criteria names its first list within this many characters."""
_NEAR = 88
"""Least likeness (0 to 100) of two names that are one. "minimum age" and "maximum age" are at
80.
"""
_DELIMITERS = (",", "\t", ";")
_MOST_LINES_ABOVE = 5
"""Lines that may be above the header."""
_SAMPLED_ROWS = 20
"""Rows that show what a column without a known name holds."""
_ENOUGH_NAMES = 3
"""A first line with this many known names is a header, whatever follows."""
_LONGEST_NAME = 60
"""A longer cell is no name of a column: the line is prose."""
_MOST_LISTED = 40
"""Columns that a message lists."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table.

    Attributes:
        register: The register whose columns it has.
        header: The names of its columns as written.
        known: The register's column at a position.
        guessed: The positions of columns that have none of its names.
        delimiter: What separates cells.
        lines_above: How many lines are above the header.
    """

    register: Register
    header: Sequence[str]
    known: dict[int, str]
    guessed: frozenset[int]
    delimiter: str
    lines_above: int = 0

    @property
    def certainty(self) -> tuple[int, int]:
        """How many columns have a known name, and how many are known at all; more is surer."""
        return len(self.known) - len(self.guessed), len(self.known)

    @property
    def is_plain(self) -> bool:
        """Whether enough names are known to tell the table from prose by its first line."""
        exact = {self.known[at] for at in self.known if at not in self.guessed}
        lacks_id = self.register.needs_id and self.register.id not in exact
        return not self.lines_above and not lacks_id and len(exact) >= _ENOUGH_NAMES

    @property
    def is_sure(self) -> bool:
        """Whether it is no prose: it has known names, or numbers of trials and another column."""
        columns = set(self.known.values())
        return self.is_plain or (self.register.id in columns and len(columns) > 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """A note, if a column was guessed, which ones are taken for what, and which are not
        read.
        """
        taken: list[str] = []
        unread: list[str] = []
        for at, name in enumerate(self.header):
            if at in self.guessed:
                taken.append(f'"{name}" is read as "{self.known[at]}"')
            elif at not in self.known:
                unread.append(f'"{name}"')
        if not taken:
            return ()
        note = f"columns of the table: {', '.join(taken)}"
        return (f"{note}; not read: {', '.join(unread)}" if unread else note,)

    def build(self, row: bytes) -> RecordContent:
        """Return the content of a row. Of several columns for one field, the first text counts."""
        cells = split_row(decode_row(row), self.delimiter, len(self.header))
        fields: dict[str, str] = {}
        for at, column in self.known.items():
            if not fields.get(column, "").strip():
                fields[column] = cells[at]
        content = read_named(self.register, fields.items(), "table")
        return replace(content, notes=self.notes)


def is_table(head: str) -> bool:
    r"""Return whether a text begins with a table whose columns are known.

    >>> (
    ...     is_table("NCT Number,Study Title,Conditions,Sponsor"),
    ...     is_table("Age, sex, and title"),
    ... )
    (True, False)
    >>> is_table("#nct_id;criteria\nNCT90000001;Inclusion Criteria: adults\n")
    True
    """
    return _find_table(head) is not None


def read_table(stream: BinaryIO) -> Iterator[Found]:
    """Yield the records of one table, in order, and the problem of each row that cannot be read.
    Raises ``UnreadableSource`` if no column is known, or if the header cannot be read.
    """
    head = peek_block(stream).decode("utf-8", "replace")
    table = _find_table(head)
    if table is None:
        raise _refuse_columns(head)
    rows = group_rows(stream, _STARTS_RECORD)
    # pass over the lines above the header, and the header
    for _, header in islice(rows, table.lines_above + 1):
        if isinstance(header, UnreadableSource):
            raise header
        decode_row(header, "line 1")
    for place, row in rows:
        if isinstance(row, UnreadableSource):
            yield row
        else:
            yield build_content(table.build, row, place)


def _find_table(head: str) -> _Table | None:
    """Return the table that a text begins with: of all readings of its first lines, the surest, the
    first of equals. None if that is not sure enough to be no prose.
    """
    best: _Table | None = None
    for table in _list_readings(head):
        if best is None or table.certainty > best.certainty:
            best = table
    return best if best and best.is_sure else None


def _list_readings(head: str) -> Iterator[_Table]:
    """Yield the tables that a text may begin with, whose first row has as many cells as the
    header.
    """
    lines = [line for line in head.splitlines(keepends=True) if line.strip()]
    # R and spreadsheets put a title or a date above the header, and cells between other signs.
    for above, delimiter in product(range(_MOST_LINES_ABOVE + 1), _DELIMITERS):
        if above >= len(lines) or delimiter not in lines[above]:
            continue
        header, *rows = _sample_rows("".join(lines[above:]), delimiter) or [[]]
        if max(map(len, header), default=0) > _LONGEST_NAME:
            continue
        has_width = not rows or len(rows[0]) == len(header)
        for register in list_registers("table"):
            table = _match_columns(register, header, rows, delimiter)
            if table.known and (table.is_plain or has_width):
                yield replace(table, lines_above=above)


def _sample_rows(text: str, delimiter: str) -> list[list[str]]:
    """Return the first rows of a text; fewer where its quotes are broken."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    rows: list[list[str]] = []
    try:
        for row in islice(reader, _SAMPLED_ROWS + 1):
            rows.append(row)  # noqa: PERF402 - what was read before an error is kept
    except csv.Error:
        pass
    return rows


def _match_columns(
    register: Register,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    delimiter: str,
) -> _Table:
    """Find what each column holds: by one of its names, then by a name that is nearly one, then by
    what most of its cells hold. The last two find no column that is found already.
    """
    by_name = register.columns_by_name
    names = [fold_name(written) for written in header]
    known = {at: by_name[name] for at, name in enumerate(names) if name in by_name}
    exact = frozenset(known)
    for at, name in enumerate(names):
        near = max(by_name, key=partial(fuzz.ratio, name))
        is_near = fuzz.ratio(name, near) >= _NEAR
        if at not in exact and is_near and by_name[near] not in known.values():
            known[at] = by_name[near]
    for at in range(len(names)):
        content = _read_content(register, [row[at] for row in rows if at < len(row)])
        if at not in known and content and content not in known.values():
            known[at] = content
    columns = dict(sorted(known.items()))
    return _Table(register, header, columns, frozenset(known) - exact, delimiter)


def _read_content(register: Register, cells: Sequence[str]) -> str | None:
    """Return the column of what more than half of the filled cells hold: numbers of trials, or
    criteria; None for anything else.
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    half = len(filled) / 2
    if sum(_TRIAL_NUMBER.fullmatch(cell) is not None for cell in filled) > half:
        return register.id
    lists = sum(_NAMES_A_LIST.search(cell[:_START]) is not None for cell in filled)
    return _CRITERIA if lists > half and _CRITERIA in register.columns else None


def _refuse_columns(head: str) -> UnreadableSource:
    """Return the refusal of a table whose columns are not known; it lists the names in its first
    line, and the names that are known.
    """
    first = next((line for line in head.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    [header] = _sample_rows(first, delimiter) or [[]]
    has = ", ".join(f'"{name.strip()}"' for name in header[:_MOST_LISTED])
    columns = (name for one in list_registers("table") for name in one.columns)
    known = ", ".join(f'"{name}"' for name in dict.fromkeys(columns))
    return UnreadableSource(
        f"a table without known columns of trials' numbers and texts; it has {has}",
        f"name its columns in the first line; known are {known}",
        place="line 1",
    )
