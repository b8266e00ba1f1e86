"""Fit ``extractor/confidence/table.toml`` on the rows in ``benchmarks/rows``.

    python -m benchmarks.confidence [--fields NAME...] [--write] [--rows FILE...]
    python -m benchmarks.confidence rows --data DIR --records INPUT... --out FILE [--field START]

The first command needs nothing but the repository. It fits weights, levels and curves, and prints
held-out figures by source and field: the number of values, how many are right, how many have a
confidence of 0.85 or more, how many of these are wrong, and the last two with the table of the package.
A second table lists the features whose weight contradicts their prior, or their being a doubt.
Each source is left out whole, and the gold by folds; folds 3 and 4 of the gold are never fitted. The
same rows always give the same table. Fields with the key ``frozen`` keep their numbers, and a new
feature of theirs gets its prior as its weight. ``--rows`` reads these files of rows instead of those
of the repository. ``--fields`` fits only the fields of these names, such as
"criteria.time_windows". ``--write`` writes the table of these fields: the curves of other fields come
from more records than the repository has rows of.

``rows`` writes the rows of today's rules: ``--records`` are the records of the gold; ``--data`` contains
the labels of other trials and the marks of other projects (``benchmarks/training/README.md``). Without
``--data``, there are only the rows of the gold and of the texts in the repository: enough to see what a
new feature counts there, too few to write a table with.
``--field`` writes only fields whose paths begin with START, or with "-" all others.
"""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.confidence.labelled import read_labelled
from benchmarks.confidence.marks import judge_chia, judge_leaf
from benchmarks.confidence.rows import (
    GOLD,
    ODD,
    Row,
    Rows,
    make_row,
    read_rows,
    write_rows,
)
from benchmarks.confidence.tables import (
    FITTED_FOLDS,
    FROZEN,
    Contrary,
    Table,
    fit_table,
    list_contrary,
    list_sections,
    read_file,
    weigh_row,
)
from benchmarks.confidence.writing import format_table
from benchmarks.data import format_table as format_figures
from benchmarks.data import parse_options, read_lines
from benchmarks.rows.__main__ import judge_case, read_cases
from benchmarks.rows.cases import make_case
from extractor.confidence.table import FILE, read_field_tables, shorten
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_TEXTS = Path(__file__).parents[1]
_WORDINGS = {
    "adversarial": [
        f"adversarial/{name}.jsonl"
        for name in ("limits", "people_and_time", "doses", "outcomes", "layout")
    ],
    "windows": ["adversarial/windows.jsonl"],
    "certain": ["certain/lines.jsonl"],
}
"""The texts of each source; not the files in ``kept``, which only measure."""


def main() -> None:
    """Fit the table, or write rows."""
    if sys.argv[1:2] == ["rows"]:
        _write_rows(sys.argv[2:])
        return
    chosen = parse_options(__doc__, fields=[str], write=False, rows=[Path])
    rows = read_rows(chosen.rows or ())
    table = read_file()
    names = chosen.fields or ()
    known = {name for section in list_sections(table) for name in section["fields"]}
    if unknown := {*names} - known:
        sys.exit(
            f"unknown fields: {', '.join(sorted(unknown))}; use those of table.toml"
        )
    if chosen.write and not names:
        sys.exit("name the fields to write: --fields criteria.constraints --write")
    print(format_claims(hold_out(rows, table, names)))
    if chosen.write:
        table = fit_table(rows, table, names)
        Path(str(FILE)).write_text(format_table(table), "utf-8")
    print(format_contrary(list_contrary(table)))
    for section in list_sections(table):
        for name, numbers in section["fields"].items():
            if FROZEN in numbers and (not names or name in names):
                print(
                    f"{name} is frozen, and only gets the priors of new features: {numbers[FROZEN]}"
                )


Held = tuple[str, Row, int, float, float]
"""The part that was left out, a row of it, its count, and its confidences by a fit without the part and
by the table.
"""


def hold_out(rows: Rows, table: Table, names: Collection[str] = ()) -> Iterator[Held]:
    """Yield each row with its confidence by a fit without its source (gold: without its fold), and by
    ``table``. ``names`` are the fields; empty for all.
    """
    of_fields = Counter(
        {row: rows[row] for row in rows if not names or row.name in names}
    )
    for part in sorted({_name_part(row) for row in of_fields}):
        left = Counter({row: rows[row] for row in of_fields if _name_part(row) == part})
        fitted = fit_table(of_fields - left, table, names)
        for row, count in left.items():
            found, known = weigh_row(row, fitted), weigh_row(row, table)
            if found is not None and known is not None:
                yield part, row, count, found, known


def _name_part(row: Row) -> str:
    """Return the name of the part of the rows that is left out together."""
    if row.source != GOLD:
        return row.source
    return f"gold, fold {row.fold}" if row.fold in FITTED_FOLDS else "gold, unread"


def format_claims(claims: Iterator[Held]) -> str:
    """Format a line for each field and source."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for part, row, count, confidence, known in claims:
        source = "gold" if part.startswith("gold, fold") else part
        for name in (source, "all odd texts") if source in ODD else (source,):
            line = found.setdefault((row.name, name), Counter())
            line["values"] += count
            line["right"] += count * row.right
            for kind, sure in (("fit", confidence), ("now", known)):
                if sure >= DOUBTFUL_BELOW:
                    line[kind] += count
                    line[f"{kind} wrong"] += count * (not row.right)
    keys = ("values", "right", "fit", "fit wrong", "now", "now wrong")
    lines = [
        [": ".join(name), *(counts[key] for key in keys)]
        for name, counts in sorted(found.items())
    ]
    heads = [
        "field: source",
        "values",
        "right",
        "sure",
        "wrong",
        "sure now",
        "wrong now",
    ]
    return format_figures(heads, lines)


def format_contrary(contrary: Iterable[Contrary]) -> str:
    """Format a line for each feature whose weight contradicts what people take it for."""
    lines = [[f"{one.field}: {one.feature}", *one[2:]] for one in contrary]
    heads = ["field: feature against its prior", "prior", "weight", "with its doubt"]
    return format_figures(heads, lines)


def _write_rows(given: Sequence[str]) -> None:
    options: dict[str, Any] = {"data": Path, "records": [...], "out": ..., "field": ""}
    chosen = parse_options(__doc__, given=given, **options)
    start = chosen.field.removeprefix("-")
    is_wanted = not chosen.field.startswith("-")
    rows = [
        row
        for row in _list_rows(chosen.data, chosen.records)
        if row.field.startswith(start) == is_wanted
    ]
    write_rows(chosen.out, rows)
    print(f"{chosen.out}: {len(rows)} rows")


def _list_rows(data: Path | None, records: Sequence[Path]) -> Iterator[Row]:
    """Yield the rows of all sources; without the folder ``data``, of those in the repository."""
    yield from read_labelled(data, records)
    if data:
        for line in read_lines(data / "human" / "chia_marks.jsonl.gz"):
            yield from judge_chia(line)
        for line in read_lines(data / "human" / "lct_comparisons.jsonl.gz"):
            yield from judge_leaf(line)
    for source, names in _WORDINGS.items():
        yield from _read_wordings(source, names)


def _read_wordings(source: str, names: Sequence[str]) -> Iterator[Row]:
    """Yield the values in lines whose right values are known, read by today's rules."""
    lines = [line for name in names for line in read_lines(_TEXTS / name)]
    cases = list(map(make_case, lines))
    for case, reading in zip(cases, read_cases(cases), strict=True):
        for row in judge_case(case, reading):
            table = read_field_tables().get(shorten(row["field"]))
            if table is not None and table.level is not None:
                features = row["features"].keys() & table.means.keys()
                yield make_row(
                    row["field"], source, case.text, features, right=row["right"]
                )


if __name__ == "__main__":
    main()
