"""Files of tables: complete or absent, safe in a spreadsheet, and the same in every format; data
frames of the same rows.
"""

import csv
import json
import sys
from dataclasses import replace

import duckdb
import openpyxl
import pytest

from extractor.apps.export import (
    Destination,
    Format,
    Threshold,
    choose_tables,
    export_fhir,
    export_run,
    files,
    frame_table,
    list_tables,
)
from extractor.apps.export.files import neutralise
from extractor.errors import ArgumentError, MissingExtra, StoreError
from extractor.run.joined import JoinedRuns
from extractor.schemas import TrialExtraction
from tests.commands import read_lines
from tests.tables import read_cases

from .samples import SMALL

CASES = read_cases(__file__)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "a run [1]"
    folder.mkdir()
    lines = [
        SMALL.model_copy(update={"record_id": f"NCT9000000{n}"}).model_dump_json()
        for n in range(1, 4)
    ]
    (folder / "extractions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def export(run, to, format_=None, tables=(), **options):
    return export_run(
        JoinedRuns([run]), Destination.choose(to, format_, **options), tables
    )


def test_a_database_holds_all_tables_with_types_and_meanings(run, tmp_path):
    counts = export(run, tmp_path / "it's.duckdb")
    with duckdb.connect(str(tmp_path / "it's.duckdb"), read_only=True) as database:
        for table in list_tables():
            query = f"SELECT count(*) FROM {table.name}"
            assert database.execute(query).fetchone() == (counts[table.name],)
        columns = database.execute(
            "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        views = database.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
    kinds = {name: kind for name, kind, _ in columns}
    names_of_kinds = ("value_canonical", "criterion_index", "decides")
    found = [kinds[name] for name in names_of_kinds]
    assert found == ["DOUBLE", "BIGINT", "BOOLEAN"]
    assert ("masking", "VARCHAR", "NONE, SINGLE, DOUBLE, TRIPLE, QUADRUPLE.") in columns
    assert {name for name, _ in views} == {"bounds", "all_limits", "look_backs"}
    assert all(comment for *_, comment in (*columns, *views))


@pytest.mark.parametrize(("name", "format_", "problem"), CASES["wrong_destinations"])
def test_a_destination_has_the_suffix_of_its_format(
    run, tmp_path, name, format_, problem
):
    with pytest.raises(ValueError, match=problem):
        export(run, tmp_path / name, format_ and Format(format_))


def test_a_missing_library_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setattr("extractor.apps.export.fhir.find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MissingExtra, match="a table of xlsx needs xlsxwriter"):
        export(run, tmp_path / "t.xlsx")
    with pytest.raises(MissingExtra, match=r"FHIR needs fhir\.resources"):
        export_fhir([], tmp_path / "t")


def write_cell(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def test_all_formats_and_frames_hold_the_same(run, tmp_path):
    for format_ in (Format.CSV, Format.JSONL, Format.PARQUET):
        export(run, tmp_path / format_, format_)
    export(run, tmp_path / "t.xlsx")
    lines = read_lines(run / "extractions.jsonl")
    extractions = [TrialExtraction.model_validate(line) for line in lines]
    names = [table.name for table in list_tables()]
    pandas, polars, arrow = (
        {name: frame_table(extractions, name, kind) for name in names}
        for kind in ("pandas", "polars", "arrow")
    )
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == names
    sheet = book["records"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref[:3]) == ("A2", "A1:")
    assert 24 <= sheet.column_dimensions["A"].width < 25
    for name in names:
        objects = read_lines(tmp_path / "jsonl" / f"{name}.jsonl")
        rows = [tuple(one.values()) for one in objects]
        parquet = tmp_path / "parquet" / f"{name}.parquet"
        assert duckdb.sql(f"FROM '{parquet}'").fetchall() == rows
        cells = [
            tuple(row.values()) for row in read_csv(tmp_path / "csv" / f"{name}.csv")
        ]
        safe = [tuple(neutralise(write_cell(cell)) for cell in row) for row in rows]
        assert safe == cells or name in ("constraints", "values")
        _, *sheet = book[name].iter_rows(values_only=True)
        assert sheet == [
            tuple(None if cell == "" else cell for cell in row) for row in rows
        ]
        assert polars[name].to_dicts() == arrow[name].to_pylist() == objects
        frame = pandas[name].astype(object)
        assert frame.where(frame.notna(), None).to_dict("records") == objects


def test_a_folder_describes_its_tables_and_is_always_the_same(run, tmp_path):
    for name in ("first", "second"):
        export(run, tmp_path / name, Format.CSV)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
    described = json.loads((tmp_path / "first" / "tables.json").read_text("utf-8"))
    keys = ["record_id", "criterion_index", "constraint_index"]
    assert described["constraints"]["keys"] == keys
    # a number stays one
    assert read_csv(tmp_path / "first" / "constraints.csv")[0]["value"] == "-2.5"
    assert read_csv(tmp_path / "first" / "criteria.csv")[0]["quote"] == "'=HYPERLINK(1)"


FORMULAS = CASES["formulas"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_program_reads_a_text_of_csv_as_a_formula(text):
    safe = neutralise(text)
    assert safe.replace("'", "") == text.replace("'", "")
    for separator in (";", "\t"):
        lines = safe.splitlines() or [""]
        for row in csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE):
            for cell in row:
                begin = cell.strip(' "\t\r\n')[:1]
                assert begin not in tuple("=+-@＝＋－＠"), (separator, cell)


@pytest.mark.parametrize("text", CASES["no_formulas"])
def test_other_texts_do_not_change(text):
    assert neutralise(text) == text


def test_a_text_in_a_workbook_stays_as_it_is(tmp_path):
    texts = [*FORMULAS, *CASES["texts_for_a_workbook"]]
    (table,) = choose_tables([], ["records"])
    table = replace(table, name="custom_" + 31 * "x")
    lines = [
        json.dumps({column.name: text for column in table.columns}) for text in texts
    ]
    (tmp_path / "rows").write_text("\n".join(lines), "utf-8")

    files.write_workbook(tmp_path / "a.xlsx", [table], {table.name: tmp_path / "rows"})

    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")[f"{table.name[:27]}~0"]
    cells = [cell for (cell,) in sheet.iter_rows(min_row=2, max_col=1)]
    assert [cell.value.replace("_x000D_", "\r") for cell in cells] == texts
    assert {(cell.data_type, cell.hyperlink) for cell in cells} == {("s", None)}


def test_a_table_that_no_sheet_holds_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_SHEET_ROWS", 6)
    for names, remedy in (
        (["constraints"], "choose a file name that ends with .csv"),
        (["constraints", "regimens"], "the other tables with --tables"),
    ):
        with pytest.raises(StoreError, match=f"constraints: has more.*{remedy}"):
            export(run, tmp_path / "trials.xlsx", tables=choose_tables([], names))
    (tmp_path / "rows").write_text(json.dumps({"record_id": 32_768 * "x"}), "utf-8")
    (table,) = choose_tables([], ["records"])
    with pytest.raises(StoreError, match="row 1, record_id: has more than 32,767 char"):
        files.write_workbook(
            tmp_path / "a.xlsx", [table], {"records": tmp_path / "rows"}
        )
    assert not (tmp_path / "trials.xlsx").exists()


@pytest.mark.parametrize(
    ("name", "format_"), [("t.duckdb", None), ("t", Format.CSV), ("t", Format.PARQUET)]
)
def test_an_earlier_export_is_replaced_on_demand_unless_the_new_one_fails(
    run, tmp_path, name, format_
):
    to = tmp_path / name
    export(run, to, format_)
    with pytest.raises(ArgumentError, match="--force"):
        export(run, to, format_)
    assert export(run, to, format_, force=True)["records"] == 3
    files = [to] if to.is_file() else sorted(to.iterdir())
    contents = [path.read_bytes() for path in files]
    listed = sorted(path.name for path in tmp_path.iterdir())
    with (run / "extractions.jsonl").open("a") as file:
        file.write('{"record_id": "torn')

    with pytest.raises(StoreError, match="line 4: is not a valid extraction"):
        export(run, to, format_, force=True)

    assert [path.read_bytes() for path in files] == contents
    assert sorted(path.name for path in tmp_path.iterdir()) == listed


def test_a_folder_of_other_files_is_never_replaced(run, tmp_path):
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.csv").write_text("precious")
    with pytest.raises(ArgumentError, match="contains other files"):
        export(run, other, Format.CSV, force=True)
    assert (other / "thesis.csv").read_text() == "precious"


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_that_is_no_export_is_never_replaced(run, tmp_path, format_):
    other = tmp_path / f"mine.{format_}"
    other.write_text("important")
    with pytest.raises(ArgumentError, match=f"is not a {format_} file of an export"):
        export(run, other, format_, force=True, tables=choose_tables([], ["criteria"]))
    assert other.read_text() == "important"


def test_gold_is_read_file_by_file_and_a_broken_one_is_named(tmp_path):
    with pytest.raises(StoreError, match="contains no results"):
        export(tmp_path, tmp_path / "t.duckdb")
    gold = tmp_path / "gold"
    gold.mkdir()
    for name in ("B", "A"):
        annotated = SMALL.model_copy(update={"record_id": name}).model_dump(mode="json")
        (gold / f"{name}.json").write_text(json.dumps(annotated, indent=1), "utf-8")
    export(gold, tmp_path / "t", Format.CSV)
    rows = read_csv(tmp_path / "t" / "records.csv")
    assert [row["record_id"] for row in rows] == ["A", "B"]
    (gold / "C.json").write_text("{", "utf-8")
    with pytest.raises(
        StoreError, match=r"C\.json: is not .* \(the whole: .*correct it"
    ):
        export(gold, tmp_path / "t", Format.CSV, force=True)


def test_a_limit_of_some_stays_one_when_its_doubtful_sibling_is_left_out(tmp_path):
    """The first criterion is left out, so that positions move."""
    trial = json.dumps(CASES["a_trial_with_doubtful_siblings"])
    (tmp_path / "extractions.jsonl").write_text(trial, "utf-8")

    to = Destination(tmp_path / "tables", Format.JSONL)
    export_run(JoinedRuns([tmp_path]), to, threshold=Threshold(0.8))

    left = read_lines(to.path / "constraints.jsonl")
    names = ("criterion_index", "quantity", "admits", "admits_some")
    assert [tuple(row[name] for name in names) for row in left] == [
        (0, "ALT", None, "<="),
        (0, "bilirubin", "<=", None),
        (1, "ALT", None, "<="),
    ]
    decides = [row["decides"] for row in read_lines(to.path / "criteria.jsonl")]
    assert decides == [True, False]
