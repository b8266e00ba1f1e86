"""Tables with one record per row: downloads of ClinicalTrials.gov and of the WHO's ICTRP, and what
R, pandas or a spreadsheet made of them.

Cells are separated by commas, tabs or semicolons. A title or a date may stand in a few lines above
the header.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, product
from typing import BinaryIO

from extractor.formats import ctgov_csv, ictrp
from extractor.formats.columns import Columns, match_columns
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.rows import decode_row, group_rows, split_row
from extractor.formats.streams import peek_block

_REGISTRIES = (
    rb"ACTRN|CTIS|CTRI/|ChiCTR|DRKS|EUCTR|IRCT|ISRCTN|ITMCTR|JPRN-|KCT|LBCTR|NCT|NL-OMON"
    rb"|PACTR|PER-|RBR-|RPCEC|SLCTR/|TCTR"
)
# Prose has a space after the comma.
_STARTS_RECORD = re.compile(rb'"?(?:%s)[\w/-]*\d[\w/-]*"?[,\t;](?=\S)' % _REGISTRIES)
_DELIMITERS = (",", "\t", ";")
_MOST_LINES_ABOVE = 5
"""Lines that may stand above the header."""
_SAMPLED_ROWS = 20
"""Rows that show what a column without a known name holds."""
_ENOUGH_NAMES = 3
"""A first line with this many known names is a header, whatever follows."""
_LONGEST_NAME = 60
"""A longer cell is no name of a column: the line is prose."""
_MOST_LISTED = 40
"""Columns that a message lists."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of table.

    Attributes:
        names: The registry's names of its columns.
        id_name: That of the column with the trials' numbers.
        build: Builds the content of a row.
        needs_id: Whether a first line without ``id_name`` is no header. The ICTRP's other names are
            common words.
    """

    names: frozenset[str]
    id_name: str
    build: Callable[[Mapping[str, str]], RecordContent]
    needs_id: bool = False


_KINDS = (
    _Kind(
        frozenset(ictrp.COLUMNS),
        "trialid",
        partial(ictrp.build_ictrp, format="ictrp_csv"),
        needs_id=True,
    ),
    _Kind(frozenset(ctgov_csv.COLUMNS), "nct number", ctgov_csv.build_row),
)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table: its kind, its columns, what separates its cells, and how many lines stand above
    the header.
    """

    kind: _Kind
    columns: Columns
    delimiter: str
    lines_above: int

    @property
    def is_plain(self) -> bool:
        """Whether enough of the names are the registry's own to tell the table from prose by its
        first line.
        """
        if self.lines_above:
            return False
        exact = {
            name
            for position, name in self.columns.known.items()
            if position not in self.columns.guessed
        }
        lacks_id = self.kind.needs_id and self.kind.id_name not in exact
        return not lacks_id and len(exact) >= _ENOUGH_NAMES

    @property
    def has_numbers_and_texts(self) -> bool:
        """Whether a column has the numbers of the trials, and another one is known."""
        fields = {
            ctgov_csv.COLUMNS.get(name, name) for name in self.columns.known.values()
        }
        return len(fields) > 1 and bool(fields & {"trialid", "nct_id"})


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


def _find_table(head: str) -> _Table | None:
    """Return the table that a text begins with: of all readings of its first lines, the surest, the
    first of equals. None if that is not sure enough to be no prose.
    """
    lines = [line for line in head.splitlines(keepends=True) if line.strip()]
    best: _Table | None = None
    # R and spreadsheets put a title or a date above the header, and cells between other signs.
    for above, delimiter in product(range(_MOST_LINES_ABOVE + 1), _DELIMITERS):
        if above >= len(lines) or delimiter not in lines[above]:
            continue
        for kind in _KINDS:
            table = _read_header(lines[above:], delimiter, kind)
            if table is None:
                continue
            if best is None or table.columns.certainty > best.columns.certainty:
                best = replace(table, lines_above=above)
    if best and (best.is_plain or best.has_numbers_and_texts):
        return best
    return None


def _read_header(lines: list[str], delimiter: str, kind: _Kind) -> _Table | None:
    """Read the first of these lines as a header of a table of this kind. None if a cell is too long
    for a name, if no column is known, or, unless the names alone show a table, if the first row has
    more or fewer cells.
    """
    rows = _sample_rows("".join(lines), delimiter)
    if not rows:
        return None
    header, *others = rows
    if max(map(len, header), default=0) > _LONGEST_NAME:
        return None
    columns = match_columns(header, kind.names, others, kind.id_name)
    if not columns.known:
        return None
    table = _Table(kind, columns, delimiter, 0)
    if table.is_plain or not others:
        return table
    return table if len(others[0]) == len(header) else None


def _sample_rows(text: str, delimiter: str) -> list[list[str]]:
    """Return the first rows of a text; fewer where its quotes are broken."""
    rows: list[list[str]] = []
    try:
        for row in islice(
            csv.reader(io.StringIO(text), delimiter=delimiter), _SAMPLED_ROWS + 1
        ):
            rows.append(row)  # noqa: PERF402 - what was read before an error is kept
    except csv.Error:
        pass
    return rows


def read_table(stream: BinaryIO) -> Iterator[Found]:
    """Yield the studies of one table, in order, and the problem of each row that cannot be read.
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
    build = partial(_build_row, table)
    for place, row in rows:
        if isinstance(row, UnreadableSource):
            yield row
        else:
            yield build_content(build, row, place)


def _build_row(table: _Table, row: bytes) -> RecordContent:
    cells = split_row(decode_row(row), table.delimiter, len(table.columns.header))
    content = table.kind.build(table.columns.name_cells(cells))
    return replace(content, notes=table.columns.describe_guesses())


def _refuse_columns(head: str) -> UnreadableSource:
    """Return the refusal of a table whose columns are not known; it lists the names in its first
    line, and the names that are known.
    """
    lines = [line for line in head.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    delimiter = max(_DELIMITERS, key=first.count)
    rows = _sample_rows(first, delimiter)
    header = rows[0][:_MOST_LISTED] if rows else []
    has = ", ".join(f'"{name.strip()}"' for name in header)
    first_names: dict[str, str] = {}
    for name, field in ctgov_csv.COLUMNS.items():
        first_names.setdefault(field, name)
    known = ", ".join(f'"{name}"' for name in first_names.values())
    problem = (
        f"a table without known columns of trials' numbers and texts; it has {has}"
    )
    return UnreadableSource(
        problem,
        f"name its columns in the first line; known are {known}",
        place="line 1",
    )
