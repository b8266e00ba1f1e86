"""Read AACT, the pipe-delimited export of ClinicalTrials.gov: a zip of tables with one row per
item. The rows of all tables are sorted by NCT number on disk, and the rows of each study become a
tree. In this tree, interventions contain their other names and arms, outcomes are grouped by rank,
and terms are grouped by kind.
"""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import chain, groupby
from operator import itemgetter

from extractor.formats.found import (
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.record import read_record
from extractor.formats.registers import list_registers
from extractor.formats.streams import OpenTable, check_source_size
from extractor.formats.tables import group_rows, split_row
from extractor.schemas.base import JsonObject

_Row = tuple[str, ...]
_Cells = dict[str, str]
_PLACE = 3

[_REGISTER] = list_registers("zip")
_TABLES = _REGISTER.settings["tables"]
_STARTS_ROW = r"()(?:\d+\|)?NCT\d{8}\|"
# AACT writes "~" for a line break. Before a number, and after a space, a bracket or a number, "~"
# means "about" or "to" instead, unless the number is a list marker.
_BREAK = re.compile(r"(?<![\s(<>=\d%])~|~(?!\s?\d)|~(?=\s?\d{1,2}[.)][\sA-Z])")


def read_aact(tables: Mapping[str, OpenTable]) -> Iterator[ReadResult]:
    """Yield the problems with individual rows, then the studies in an export, ordered by NCT
    number. ``tables`` maps the name of each table, such as "studies", to a function that opens the
    table.
    """
    # SQLite deletes this temporary file
    with closing(sqlite3.connect("", check_same_thread=False)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("CREATE TABLE rows (trial, name, id INTEGER, place, cells)")
        try:
            for name in filter(tables.__contains__, _TABLES):
                yield from _store_rows(database, name, tables[name])
            rows = database.execute(
                "SELECT * FROM rows ORDER BY trial, name <> 'studies', name, id"
            )
            for _, group in groupby(rows, itemgetter(0)):
                # the row of the table of studies, if there is one, states the place
                first = next(group)
                study = chain([first], group)  # noqa: B031 - the remaining rows
                yield build_content(_read_study, study, first[_PLACE])
        except sqlite3.Error as error:
            raise UnreadableSource(
                f"the tables cannot be sorted on disk ({error})",
                "free space for temporary files, or set SQLITE_TMPDIR to another folder",
            ) from error


def _store_rows(
    database: sqlite3.Connection, name: str, open_table: OpenTable
) -> Iterator[UnreadableSource]:
    """Store the rows of a table, and yield a problem for each row that cannot be read."""
    columns: list[str] = []
    with open_table() as stream:
        for number, row in group_rows(stream, _STARTS_ROW):
            place = f"{name}.txt, line {number}"
            if not columns:
                columns = re.sub('["\\s]', "", row).lower().replace("_", " ").split("|")
                continue
            try:
                cells = dict(
                    zip(columns, split_row(row, "|", len(columns)), strict=True)
                )
            except UnreadableSource as problem:
                yield problem.nest_place(place)
                continue
            trial = cells.get("nct id", "").strip()
            filled = {
                column: _BREAK.sub("\n", cells[column])
                for column in _TABLES[name]
                if cells.get(column)
            }
            database.execute(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
                (trial, name, cells.get("id"), place, json.dumps(filled)),
            )


def _read_study(rows: Iterable[_Row]) -> RecordContent:
    """Return the content of a study from its rows. Raises ``UnreadableSource`` if the rows together
    are too large, or if none of them is from the table of studies.
    """
    tree: JsonObject = defaultdict(list)  # a study may have no rows in a table
    size = 0
    for trial, name, _, _, cells in rows:
        size += len(cells)
        check_source_size(size)
        tree[name].append(json.loads(cells))
        tree["nct id"] = trial
    if "studies" not in tree:
        raise UnreadableSource(
            f"a row of {trial or 'no study'}, which is not in the table of studies"
        )
    arms = {row.get("id"): row for row in tree["design_groups"]}
    for intervention in tree["interventions"]:
        intervention["others"] = _select(tree["intervention_other_names"], intervention)
        intervention["arms"] = [
            arms.get(link.get("design group id"))
            for link in _select(tree["design_group_interventions"], intervention)
        ]
    for row in tree["design_outcomes"]:
        rank = row.get("outcome type", "").lower()
        if rank not in ("primary", "secondary"):
            rank = "other"
        tree[rank].append(row)
    for kind in ("condition", "intervention"):
        for row in tree[f"browse_{kind}s"]:
            name = kind
            if row.get("mesh type") == "mesh-ancestor":
                name = f"{kind}_ancestor"
            tree[name].append(row)
    return read_record(_REGISTER, tree, "zip")


def _select(rows: list[_Cells], intervention: _Cells) -> list[_Cells]:
    """Return the rows that refer to an intervention."""
    return [
        row for row in rows if row.get("intervention id", "") == intervention.get("id")
    ]
