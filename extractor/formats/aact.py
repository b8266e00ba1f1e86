"""Studies in the pipe-delimited export of AACT: a zip of tables, which are joined by NCT number
on disk.

The tables are not sorted, so their rows pass through a private SQLite file, which sorts them and
disappears. It takes about twice the size of the tables that are read, in the folder for temporary
files (``SQLITE_TMPDIR``, ``TMPDIR``).

The export writes line breaks as "~"; they are read as line breaks, so that places in a section
are places in the cell.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, BinaryIO

from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
    find_trial_id,
)
from extractor.formats.json_fields import JsonFields
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.rows import decode_row, group_rows, split_header, split_row
from extractor.formats.streams import MAX_RECORD_BYTES

OpenTable = Callable[[], AbstractContextManager[BinaryIO]]
Row = dict[str, str]

TABLES: Mapping[str, Sequence[str]] = list_registers("zip")[0].tables
"""The columns that are read, by table."""
_RANKS = ("primary", "secondary", "other")
_MAX_DIGITS = 18
"""SQLite's integers have 64 bits."""
_STARTS_ROW = re.compile(rb"\d+\|NCT\d{8}\||NCT\d{8}\|")
# "~" before a number, after a blank, a bracket or a number, means "about" or "to", unless the
# number is a list mark.
_BREAK = re.compile(r"(?<![\s(<>=\d%])~|~(?!\s?\d)|~(?=\s?\d{1,2}[.)][\sA-Z])")


def read_aact(tables: Mapping[str, OpenTable]) -> Iterator[Found]:
    """Yield the studies of an export in the order of their NCT numbers, after the problems of
    single rows.

    ``tables`` opens each table by its name, such as "studies".
    """
    try:
        # a file that SQLite deletes
        with closing(sqlite3.connect("", check_same_thread=False)) as database:
            database.execute("PRAGMA journal_mode = OFF")
            database.execute(
                "CREATE TABLE cells (trial TEXT, name TEXT, id INTEGER, place TEXT, cells TEXT)"
            )
            for name in filter(tables.__contains__, TABLES):
                yield from _store_rows(database, name, tables[name])
            rows = database.execute(
                "SELECT trial, name, place, cells FROM cells ORDER BY trial, name, id"
            )
            for trial, group in groupby(rows, itemgetter(0)):
                yield _join_rows(trial, group)
    except sqlite3.Error as problem:
        remedy = (
            "free space in the folder for temporary files, or name another folder in "
            "SQLITE_TMPDIR"
        )
        raise UnreadableSource(
            f"the tables cannot be sorted on disk ({problem})", remedy
        ) from problem


def _store_rows(
    database: sqlite3.Connection, name: str, open_table: OpenTable
) -> Iterator[UnreadableSource]:
    """Store the rows of a table, and yield the problems of rows that cannot be read. Raises
    ``UnreadableSource`` if the header cannot be read.
    """
    with open_table() as stream:
        rows = group_rows(stream, _STARTS_ROW)
        _, header = next(rows, ("", b""))
        if isinstance(header, UnreadableSource):
            raise header
        names = split_header(decode_row(header, f"{name}.txt, line 1"), "|")
        for line, row in rows:
            place = f"{name}.txt, {line}"
            try:
                trial, number, cells = _read_row(names, TABLES[name], row)
                values = (trial, name, number, place, json.dumps(cells))
                database.execute("INSERT INTO cells VALUES (?, ?, ?, ?, ?)", values)
            except UnreadableSource as problem:
                yield UnreadableSource(problem.problem, problem.remedy, place=place)


def _read_row(
    names: Sequence[str], columns: Sequence[str], row: bytes | UnreadableSource
) -> tuple[str, int, Row]:
    """Return a row's NCT number, its own number, and the cells of ``columns`` that are not empty,
    with line breaks. A row without a number of its own has 0.

    Raises ``UnreadableSource`` for a broken row and for one without an NCT number.
    """
    if isinstance(row, UnreadableSource):
        raise row
    cells = dict(zip(names, split_row(decode_row(row), "|", len(names)), strict=True))
    trial = find_trial_id(cells.get("nct id"))
    if trial is None:
        raise UnreadableSource(
            "a row without an NCT number", "check the row's quotes and separators"
        )
    written = cells.get("id", "")
    is_number = written.isdecimal() and len(written) < _MAX_DIGITS
    kept: Row = {}
    for name in columns:
        if cells.get(name):
            kept[name] = _BREAK.sub("\n", cells[name])
    return trial, int(written) if is_number else 0, kept


def _join_rows(trial: str, rows: Iterator[tuple[str, str, str, str]]) -> Found:
    """Return the content of a study; a problem if its rows are too large together, or if the table
    of studies lacks it. Its place is that of its last row there.

    Args:
        trial: The NCT number.
        rows: Of each of its rows the NCT number, the table, the place, and the cells as JSON.
    """
    tables: dict[str, list[Row]] = {}
    places: dict[str, str] = {}
    size = 0
    for _, name, place, cells in rows:
        size += len(cells)
        if size > MAX_RECORD_BYTES:
            return UnreadableSource(
                f"a record of more than {MAX_RECORD_BYTES:,} bytes ({trial})",
                "leave it out",
                place=place,
            )
        tables.setdefault(name, []).append(json.loads(cells))
        places[name] = place
    if "studies" not in tables:
        place = next(iter(places.values()))
        return UnreadableSource(
            f"a row of {trial}, which the table of studies lacks",
            "download the export again",
            place=place,
        )
    return build_content(partial(_build_study, trial), tables, places["studies"])


def _build_study(trial: str, tables: Mapping[str, list[Row]]) -> RecordContent:
    """Build the content of a study from its rows by table, with the rows that belong to an
    intervention inside it.
    """
    study: dict[str, Any] = {"nct id": trial, **tables}
    study["interventions"] = _list_interventions(tables)
    for row in tables.get("design_outcomes", ()):
        rank = row.get("outcome type", "").lower()
        study.setdefault(rank if rank in _RANKS else "other", []).append(row)
    for kind in ("condition", "intervention"):
        for row in tables.get(f"browse_{kind}s", ()):
            is_ancestor = row.get("mesh type", "").lower() == "mesh-ancestor"
            name = f"{kind}_ancestor" if is_ancestor else kind
            study.setdefault(name, []).append(row)
    return read_record(list_registers("zip")[0], JsonFields(study, trial), "zip")


def _list_interventions(tables: Mapping[str, list[Row]]) -> list[dict[str, Any]]:
    """Return the rows of interventions, each with those of its other names and of its arms."""
    arms = {row.get("id"): row for row in tables.get("design_groups", ())}
    others = _group_by_intervention(tables.get("intervention_other_names", ()))
    links = _group_by_intervention(tables.get("design_group_interventions", ()))
    interventions: list[dict[str, Any]] = []
    for row in tables.get("interventions", ()):
        number = row.get("id")
        linked = [
            arms.get(link.get("design group id")) for link in links.get(number, ())
        ]
        interventions.append({**row, "others": others.get(number, []), "arms": linked})
    return interventions


def _group_by_intervention(rows: Iterable[Row]) -> dict[str | None, list[Row]]:
    grouped: dict[str | None, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.get("intervention id"), []).append(row)
    return grouped
