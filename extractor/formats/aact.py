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
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from extractor.formats.rows import decode_row, group_rows, split_row
from extractor.formats.streams import MAX_RECORD_BYTES

OpenTable = Callable[[], AbstractContextManager[BinaryIO]]
Row = dict[str, str]

[_REGISTER] = list_registers("zip")
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
            for name in filter(tables.__contains__, _REGISTER.tables):
                yield from _store_rows(database, name, tables[name])
            rows = database.execute(
                "SELECT trial, name, place, cells FROM cells ORDER BY trial, name, id"
            )
            for trial, group in groupby(rows, itemgetter(0)):
                yield _join_rows(trial, group)
    except sqlite3.Error as problem:
        raise UnreadableSource(
            f"the tables cannot be sorted on disk ({problem})",
            "free space in the folder for temporary files, or name another folder in "
            "SQLITE_TMPDIR",
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
        written = decode_row(header, f"{name}.txt, line 1").lower().replace("_", " ")
        columns = [cell.strip(' "') for cell in written.split("|")]
        for line, row in rows:
            place = f"{name}.txt, {line}"
            try:
                trial, number, cells = _read_row(columns, row)
            except UnreadableSource as problem:
                yield UnreadableSource(problem.problem, problem.remedy, place=place)
                continue
            kept = {
                column: _BREAK.sub("\n", cells[column])
                for column in _REGISTER.tables[name]
                if cells.get(column)
            }
            values = (trial, name, number, place, json.dumps(kept))
            database.execute("INSERT INTO cells VALUES (?, ?, ?, ?, ?)", values)


def _read_row(
    columns: Sequence[str], row: bytes | UnreadableSource
) -> tuple[str, int, Row]:
    """Return a row's NCT number, its own number, 0 without one, and its cells.

    Raises ``UnreadableSource`` for a broken row and for one without an NCT number.
    """
    if isinstance(row, UnreadableSource):
        raise row
    texts = split_row(decode_row(row), "|", len(columns))
    cells = dict(zip(columns, texts, strict=True))
    trial = find_trial_id(cells.get("nct id"))
    if trial is None:
        raise UnreadableSource(
            "a row without an NCT number", "check the row's quotes and separators"
        )
    number = cells.get("id", "")
    is_number = number.isdecimal() and len(number) < _MAX_DIGITS
    return trial, int(number) if is_number else 0, cells


def _join_rows(trial: str, rows: Iterator[tuple[str, str, str, str]]) -> Found:
    """Return the content of a study; a problem if its rows are too large together, or if the table
    of studies lacks it. Its place is that of its last row there.

    Args:
        trial: The NCT number.
        rows: Of each of its rows the NCT number, the table, the place, and the cells as JSON.
    """
    tables: dict[str, list[Row]] = defaultdict(list)
    places: dict[str, str] = {}
    size = 0
    for _, name, place, cells in rows:
        size += len(cells)
        if size > MAX_RECORD_BYTES:
            problem = f"a record of more than {MAX_RECORD_BYTES:,} bytes ({trial})"
            return UnreadableSource(problem, "leave it out", place=place)
        tables[name].append(json.loads(cells))
        places[name] = place
    if "studies" not in tables:
        return UnreadableSource(
            f"a row of {trial}, which the table of studies lacks",
            "download the export again",
            place=next(iter(places.values())),
        )
    return build_content(partial(_build_study, trial), tables, places["studies"])


def _build_study(trial: str, tables: Mapping[str, list[Row]]) -> RecordContent:
    """Return the content of a study from its rows by table. Interventions have the rows of their
    other names and arms, outcomes and terms are by rank and kind.
    """
    study: dict[str, Any] = defaultdict(list, {"nct id": trial, **tables})
    arms = {row.get("id"): row for row in study["design_groups"]}
    others: dict[str, list[Row]] = defaultdict(list)
    for row in study["intervention_other_names"]:
        others[row.get("intervention id", "")].append(row)
    linked: dict[str, list[Row | None]] = defaultdict(list)
    for row in study["design_group_interventions"]:
        arm = arms.get(row.get("design group id"))
        linked[row.get("intervention id", "")].append(arm)
    study["interventions"] = [
        {**row, "others": others[row.get("id", "")], "arms": linked[row.get("id", "")]}
        for row in study["interventions"]
    ]
    for row in study["design_outcomes"]:
        rank = row.get("outcome type", "").lower()
        study[rank if rank in _RANKS else "other"].append(row)
    for kind in ("condition", "intervention"):
        for row in study[f"browse_{kind}s"]:
            is_ancestor = row.get("mesh type", "").lower() == "mesh-ancestor"
            study[f"{kind}_ancestor" if is_ancestor else kind].append(row)
    return read_record(_REGISTER, JsonFields(study, trial), "zip")
