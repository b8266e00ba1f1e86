"""Read tables of trials: register downloads, and copies saved by R, pandas or a spreadsheet. Among
the first lines, the one with the most known columns is treated as the header. A row ends at the end
of a line if all quotation marks are closed or if the next line begins with a trial number.
"""

import csv
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from io import BufferedReader
from itertools import zip_longest
from operator import itemgetter
from typing import BinaryIO, NamedTuple

from extractor.errors import ArgumentError
from extractor.formats.found import (
    NONE_CHOSEN,
    UNREAD,
    Columns,
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_named_fields
from extractor.formats.registers import (
    Register,
    fold_column,
    list_registers,
    load_table,
    make_register,
)
from extractor.formats.streams import (
    MAX_RECORD_BYTES,
    check_source_size,
    read_numbered_lines,
    replace_odd_bytes,
)
from extractor.plurals import show_some
from extractor.schemas.arguments import refuse_unknown

_DELIMITERS = ",\t;|"
_LINES_ABOVE = 5
"""Maximum number of lines, such as a title, above the header."""
_FEW = 3
_SHOWN = 60
_MOST_NAMED = 10
"""Maximum number of unknown columns that a note names."""
_NUMBER = r"(?:NCT|nct)\d{8}"
_EXAMPLE = ("id", "title", "eligibility")
"""Our names of the columns in the example of a message."""
_WORD = r'(?:"[^"\n]{1,60}"|[^\W\d][\w/()%#-]{0,60})'
_NAME = r'(?:"[^"\n]{1,60}"|[^\W\d][\w /()%#-]{0,60})'
_OWN = re.compile(
    rf"{_WORD}(?P<by>[,;\t]){_WORD}\r?\n[^\n]*(?P=by)(?! )"
    rf"|{_NAME}(?P<among>[,;\t])(?:{_NAME}(?P=among))+{_NAME}\r?\n[^\n]*(?P=among)"
)
"""The start of a user's table. Unlike the parts of a sentence, the names in its header follow the
separator without a space. Two names may be words of a sentence, all the same: if they have several
words each, or if the line below has a space behind its separator.
"""
_ELIGIBILITY = re.compile(
    r"\b(?:inclusion|exclusion|eligib\w+|criteri\w+|who|age[ds]?|years?|adults?|patients? with|"
    r"history of|pregnan\w+)\b|[<>≤≥]",
    re.IGNORECASE,
)
"""What the eligibility of a user's table says more often than its other columns."""
csv.field_size_limit(MAX_RECORD_BYTES)


class _Header(NamedTuple):
    """A line read as a header, assuming a particular delimiter and register.

    Attributes:
        rank: Whether a column contains the trial number, the number of known columns, whether the
            line has names, and of the first such line the number of names. Of several headers, the
            one with the highest rank counts.
        known_count: The number of known columns.
        register: The register.
        delimiter: The delimiter.
        line: The line number.
        columns: The register's column for each column name; "" for an unknown name.
        names: The column names, as written.
        chosen: The columns that the user chose (``choose_columns``).
    """

    rank: tuple[int, ...]
    known_count: int
    register: Register
    delimiter: str
    line: int
    columns: list[str]
    names: list[str]
    chosen: Columns

    @property
    def unread(self) -> list[str]:
        """The names of the columns that are not read, but for those that are usual in the
        register's downloads.
        """
        skipped = {"", *map(fold_column, self.register.skipped_columns)}
        unread: list[str] = []
        for name, column in zip(self.names, self.columns, strict=True):
            if not column and fold_column(name) not in skipped:
                unread.append(name.strip())
        return unread


def choose_columns(given: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    """Return what the columns of a user's tables contain, keyed by their names in the tables.
    ``given`` contains these names, keyed by ours, or ``OURS=YOURS,...`` strings, in which a name of
    the user may contain commas.

    Raises ``ArgumentError`` for an unknown name of ours, a missing name of the user, and a column
    that is named twice, because one of its meanings would be lost.

    >>> choose_columns({"id": "trial", "title": "Short name"})
    {'trial': 'nct_number', 'Short name': 'title'}
    >>> choose_columns(["eligibility=Who, all,title=name"])
    {'Who, all': 'eligibility', 'name': 'title'}
    """
    register = _load_usual()
    known = {"id": register.id, **register.columns_by_name}
    ours = [*map(name_ours, register.columns)]
    if isinstance(given, Mapping):
        pairs = [*given.items()]
    else:
        written = given if isinstance(given, str) else ",".join(given)
        # a name ends at the next pair, or at one of ours, which then lacks its "="
        ends = rf",(?=[\w ]+=|\s*(?:{'|'.join(ours)})\s*(?:,|\Z))|\Z"
        pairs = re.findall(
            rf"(?!\Z)\s*([^=,]*?)\s*(?:=\s*(.*?)\s*)?(?:{ends})", written
        )
    refuse_unknown(
        "column", [name for name, _ in pairs if fold_column(name) not in known], ours
    )
    for name, yours in pairs:
        if not yours or not isinstance(yours, str):
            problem = f'{name}: "=" and your name of the column are missing'
            raise ArgumentError(f"{problem}; write, for example, {name}=name")
    chosen = {yours: known[fold_column(name)] for name, yours in pairs}
    for names in (chosen.values(), map(fold_column, chosen)):
        if len({*names}) < len(pairs):
            written = ",".join(map("=".join, pairs))
            raise ArgumentError(f"{written}: name each column only once")
    return chosen


def name_ours(column: str) -> str:
    """Return our name of a usual column: ``id`` for the trial number.

    >>> name_ours("nct_number"), name_ours("title")
    ('id', 'title')
    """
    return "id" if column == _load_usual().id else column


@cache
def _load_usual() -> Register:
    """Return the register whose columns are the usual ones of tables."""
    return make_register("tables", load_table("tables"))


def is_table(head: str) -> bool:
    r"""Return whether a text is a table: it has at least three known columns, or two if one of them
    contains the trial number, or it begins with two rows with the names of a user's columns.

    >>> (
    ...     is_table("nct_id,criteria\n"),
    ...     is_table("Conditions, such as gout; other criteria"),
    ...     is_table("trial;name;who\nX-1;Fictumab;Adults, children\n"),
    ... )
    (True, False, True)
    """
    header = _find_header(head)
    is_known = header.known_count + header.rank[0] >= _FEW
    return is_known or bool(_OWN.match(head))


def begins_with_columns(head: bytes, chosen: Columns) -> bool:
    """Return whether a document begins with a header that has room for all columns that the user
    chose, and has one of them.

    >>> begins_with_columns(b"who;n", {"who": "eligibility"})
    True
    """
    header = _find_header(head.decode("utf-8", "replace"), chosen)
    return len(header.names) >= len(chosen) and has_any(header.names, chosen)


def has_any(names: Iterable[str], chosen: Columns) -> bool:
    """Return whether a column that the user chose is among these."""
    return not {*map(fold_column, names)}.isdisjoint(map(fold_column, chosen))


def read_table_records(
    stream: BufferedReader, chosen: Columns = NONE_CHOSEN, *, is_specified: bool = True
) -> Iterator[ReadResult]:
    """Yield the records of a table in order, and a problem for each row that cannot be read. A note
    lists the columns that are not read, except those that the register's downloads usually have.
    ``chosen`` contains the columns that the user chose. A table that was not specified by its name,
    but found in a folder or an archive, may have none of them, such as a register's download.
    """
    head = stream.peek().decode("utf-8", "replace")
    header = _find_header(head, chosen)
    if not is_specified and not has_any(header.names, chosen):
        usual = _find_header(head)
        header = usual if usual.known_count else header
    _refuse_missing(header)
    if not header.known_count:
        raise UnreadableSource(
            f"a table without any known columns ({_quote(header.names)})",
            f"{show_example(_read_sample(header, head))}; a text needs a heading",
        )
    number = header.register.id_pattern or _NUMBER
    begins = rf'("?)(?:{number})\1{re.escape(header.delimiter)}'
    for line, row in group_rows(stream, begins):
        if line <= header.line or not row.strip():
            continue
        yield build_content(partial(_read_row, header), row, f"line {line}")


def _refuse_missing(header: _Header) -> None:
    """Raise ``UnreadableSource`` if a column that the user chose is not in the header."""
    for name, column in header.chosen.items():
        if column not in header.columns:
            raise UnreadableSource(
                f"no column {name!r} (the columns are {_quote(header.names)})",
                "correct the name of the column, or read the file in a run of its own",
            )


def _read_sample(header: _Header, head: str) -> dict[str, str]:
    """Return the first row of a table, keyed by the names of the columns. The cells are empty if
    it is broken.
    """
    lines = head.splitlines(keepends=True)[header.line :]
    row: list[str] = []
    with suppress(csv.Error):
        row = next(csv.reader(lines, delimiter=header.delimiter), [])
    return dict(zip_longest(header.names, row[: len(header.names)], fillvalue=""))


def show_example(cells: Mapping[str, object], chosen: Columns = NONE_CHOSEN) -> str:
    """Return a remedy for a table with columns that are not known: how the user says what they
    contain, besides those ``chosen`` so far. ``cells`` are a row of the unknown columns.

    >>> row = {"who": "Adults with gout", "note": "-", "name": "Fictumab"}
    >>> show_example(row, {"trial": "nct_number"})[:67]
    'name its columns with --columns id=trial,title=note,eligibility=who'
    """
    names = [*cells]
    pairs = {name_ours(column): yours for yours, column in chosen.items()}
    ours = [name for name in _EXAMPLE if name not in pairs]
    # a table of two columns probably has no titles
    while len(ours) > max(1, len(names)):
        ours.pop(-2)
    eligibility = _find_eligibility(cells)
    if eligibility and "eligibility" in ours:
        names.remove(eligibility)
        names.insert(ours.index("eligibility"), eligibility)
    pairs |= zip(ours, names, strict=False)
    option = shlex.quote(",".join(map("=".join, pairs.items())))
    return (
        f"name its columns with --columns {option} (in Python, columns={pairs}; in a "
        "request, ?columns=); docs/reference/formats.md lists our names and all formats"
    )


def _find_eligibility(cells: Mapping[str, object]) -> str | None:
    """Return the name of the column whose name and text speak of eligibility most; None if none
    does.
    """
    best = None
    most = 0
    for name, cell in cells.items():
        count = len(_ELIGIBILITY.findall(f"{name} {cell}"))
        if name and count > most:
            best = name
            most = count
    return best


def _quote(names: Iterable[str]) -> str:
    """Return the first of several names for a message."""
    return show_some([repr(name[:_SHOWN]) for name in names], _MOST_NAMED)


def _list_notes(header: _Header) -> tuple[str, ...]:
    """Return a note that names the first unknown columns of a table, if there are any."""
    if not header.unread:
        return ()
    return (f"{UNREAD}: {_quote(header.unread)}",)


def knows_columns(names: Iterable[str]) -> bool:
    """Return whether a table with these columns has a known one.

    >>> knows_columns(["owner", "criteria"]), knows_columns(["owner"])
    (True, False)
    """
    return _make_header([*names]).known_count > 0


def build_row(cells: Columns, chosen: Columns = NONE_CHOSEN) -> RecordContent:
    """Build the content of one row from its cells, keyed by the names of their columns. If there
    are ``chosen`` columns, a note lists the columns that are not read.

    >>> build_row({"criteria": "Adults", "owner": "me"}).sections[0].name
    'eligibility'
    """
    header = _make_header([*cells], chosen)
    _refuse_missing(header)
    content = _read_cells(header, list(cells.values()))
    if chosen:
        return replace(content, notes=_list_notes(header))
    return content


def _make_header(
    names: list[str],
    chosen: Columns = NONE_CHOSEN,
    delimiter: str = "",
    line: int = 0,
) -> _Header:
    """Return the header with these names for the register that knows most of them, as in
    ``_find_header``. A column that the user chose is not read from any other column.
    """
    by_chosen = {fold_column(name): column for name, column in chosen.items()}
    headers: list[_Header] = []
    for register in (_load_usual(),) if chosen else list_registers("table"):
        columns: list[str] = []
        for name in map(fold_column, names):
            column = register.columns_by_name.get(name, "")
            if column in by_chosen.values():
                column = ""
            columns.append(by_chosen.get(name, column))
        known_count = len(columns) - columns.count("")
        rank = register.id in columns, known_count, bool(names), -line, len(names)
        headers.append(
            _Header(
                rank,
                known_count,
                register,
                delimiter,
                line,
                columns,
                names,
                chosen,
            )
        )
    return max(headers, key=itemgetter(0))


def _find_header(head: str, chosen: Columns = NONE_CHOSEN) -> _Header:
    """Return the best header among the first lines, trying each delimiter and register. Headers
    that include the trial number are preferred; among the remaining candidates, the one with the
    most known columns is chosen. If no column is known, it is the first line with names, with the
    delimiter that gives the most of them.
    """
    headers: list[_Header] = []
    lines = head.splitlines()[: _LINES_ABOVE + 1] or [""]
    for line, written in enumerate(lines, 1):
        # a cell with several lines, which may begin with "Inclusion criteria", is not in the header
        if line > 1 and written.count('"') % 2:
            continue
        for delimiter in _DELIMITERS:
            names = next(csv.reader([written], delimiter=delimiter), [])
            headers.append(_make_header(names, chosen, delimiter, line))
    return max(headers, key=itemgetter(0))


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
    for number, line in read_numbered_lines(stream):
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
    check_source_size(len(row))
    try:
        cells = next(csv.reader([row], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise UnreadableSource(f"a broken table row ({error})") from None
    if len(cells) != width:
        raise UnreadableSource(f"the row has {len(cells)} cells, the header {width}")
    return cells


def _read_row(header: _Header, row: str) -> RecordContent:
    text, notes = replace_odd_bytes(row)
    content = _read_cells(
        header, split_row(text, header.delimiter, len(header.columns))
    )
    return replace(content, notes=(*_list_notes(header), *content.notes, *notes))


def _read_cells(header: _Header, cells: Sequence[str]) -> RecordContent:
    fields: dict[str, str] = {}
    for column, cell in zip(header.columns, cells, strict=True):
        if column and cell.strip():
            fields.setdefault(column, cell)
    content = read_named_fields(header.register, fields.items(), "table")
    if header.unread and not content.sections:
        problem = _explain_unread_columns(header, cells)
        problem.trial_id = content.trial_id
        raise problem
    number_column = header.register.id
    # the ids of a user need not look like the number of a registry
    if number_column in header.chosen.values():
        number = fields.get(number_column, "").strip()
        return replace(content, trial_id=number or None)
    return content


def _explain_unread_columns(header: _Header, cells: Sequence[str]) -> UnreadableSource:
    """Return the error of a row that has text only in columns that are not read."""
    unread = header.unread
    read = [name for name in header.names if name.strip() not in unread]
    by_name = dict(zip(map(str.strip, header.names), cells, strict=True))
    return UnreadableSource(
        f"the record contains no text in the columns that are read ({_quote(read)}); others "
        f"are not read ({_quote(unread)})",
        show_example({name: by_name[name] for name in unread}, header.chosen),
    )
