"""Gold in sheets: exported, corrected and imported; errors name their location."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from extractor import TrialExtraction
from extractor.apps.gold import sheets
from tests.commands import extract, invoke, read_lines
from tests.mounting import UNSHARE, needs_mount
from tests.tables import read_cases

CASES = read_cases(__file__)

SEEDS = Path("seeds/gold")
RECORDS = "tests/records/studies.jsonl"
ID = "NCT90000007"
CRITERIA = "eligibility.criteria"
CRITERION = {"kind": "inclusion", "section": "eligibility", "quote": "Adults"}
SHARED = Path(__file__).parents[3] / "shared" / "gold"
NEEDS_SHARED = (
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/gold"),
)


def write_gold(folder, **keys):
    """A folder with gold of one record."""
    folder.mkdir()
    gold = {"record_id": ID, "eligibility": {}, **keys}
    (folder / "a.json").write_text(json.dumps(gold), "utf-8")
    return folder


def read_gold(folder):
    golds = (json.loads(path.read_text("utf-8")) for path in folder.glob("*.json"))
    return {gold["record_id"]: gold for gold in golds}


def export(gold, to, *options):
    result = invoke("gold", "export", gold, "--to", to, *options)
    assert result.exit_code == 0, result.output
    return to


def bring_in(path, *options):
    """The gold that a file becomes, what is printed, and the exit code."""
    to = path.parent / "back"
    shutil.rmtree(to, ignore_errors=True)
    result = invoke("gold", "import", path, "--to", to, *options)
    return read_gold(to), result.output, result.exit_code


def come_back(gold, path):
    """Export and import gold, and return what comes back."""
    export(gold, path)
    back, output, code = bring_in(path)
    assert code == 0, output
    return back


@pytest.mark.parametrize(
    ("gold", "name"),
    [
        (SEEDS, "a.csv"),
        pytest.param(SHARED / "dev", "a.xlsx", marks=NEEDS_SHARED),
        pytest.param(SHARED / "all_areas", "a.csv", marks=NEEDS_SHARED),
    ],
)
def test_gold_comes_back_as_it_was(gold, name, tmp_path):
    assert come_back(gold, tmp_path / name) == read_gold(gold)


NAMES = pytest.mark.parametrize("name", ["a.csv", "A.XLSX"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    own = "extractor.catalogue:Blinding,EjectionFraction"
    return extract(RECORDS, tmp_path_factory.mktemp("run"), "--fields", own)


@NAMES
def test_a_run_with_fields_of_your_own_becomes_gold(run, name, tmp_path):
    lines = read_lines(run / "extractions.jsonl")
    gold = {line["record_id"]: TrialExtraction(**line).to_gold() for line in lines}
    assert gold[ID]["custom"]
    assert come_back(run, tmp_path / name) == gold


ODD = ["=1+1", "'=x", "'A", '- a\n  b, "c";', "none", " 5 ", "😀", "5.0", "TRUE"]
ODD += ["a;=1+1", "a; '=x", 'a\n "@SUM(B1)', "a;\n\t=x", "＝1", "\t\tA", "a;'", ";-"]
ITEMS = [CRITERION | {"quote": text, "lead_in": text} for text in ODD]
VALUES = {"texts": [*ODD, "null", "[]"], "number": 5, "yes": True, "none": None}
VALUES |= {"empty": [], "table": {"name": "5", "version": None}}


@NAMES
@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"dosing": []},
        {"eligibility": {"sex": None}, "scored": ["sex"]},
        {"eligibility": {"criteria": [CRITERION | {"constraints": []}]}},
        {"eligibility": {"criteria": ITEMS}},
        {"custom": {"mine": [{"of": None, "values": VALUES}], "other": []}},
    ],
)
def test_any_gold_comes_back_and_no_text_is_a_formula(keys, name, tmp_path):
    gold = write_gold(tmp_path / "gold", **keys)
    back = come_back(gold, tmp_path / name)
    assert back == read_gold(gold)
    content = (tmp_path / name).read_bytes()
    assert b",=" not in content
    if name == "a.csv":
        # Excel separates cells by semicolons if the decimal separator is a comma.
        assert re.findall(r"""[;\n][\s"]*[=@＝]""", content.decode()) == []
    if name == "A.XLSX":
        cells = openpyxl.load_workbook(tmp_path / name).active.iter_rows()
        assert "f" not in {cell.data_type for row in cells for cell in row}


def write(path, *rows):
    head = "record,field,value,quantity,comparator,unit,low,note"
    path.write_text("\n".join([head, *rows]), "utf-8")
    return path


def test_a_curator_corrects_removes_and_adds_rows(tmp_path):
    sheet = write(
        tmp_path / "a.csv",
        # Members keep their order, without gaps; one without a position is the last.
        *(f"{ID},{CRITERIA}[90].{name},{CRITERION[name]}" for name in CRITERION),
        *(f"{ID},{CRITERIA}[2].{name},{CRITERION[name]}" for name in CRITERION),
        f"{ID},{CRITERIA}[2].constraints,platelets: >= 50 /L",
        f"{ID},{CRITERIA}[2].constraints[0],1.50,ANC,>=,10^9/L",
        f"{ID},eligibility.minimum_age,18 years,,,,,in short form",
        f"{ID},{CRITERIA}[90].constraints",
        f"{ID},custom.mine[7].of,{CRITERIA}[90]",
        f"{ID},custom.mine[7].values.level,high",
        ",,",
    )
    back, output, code = bring_in(sheet)
    assert code == 0, output
    people = back[ID]["eligibility"]
    assert people["minimum_age"] == {"value": 18, "unit": "year"}
    limits = people["criteria"][0]["constraints"]
    values = [(limit["quantity"], limit["value"]) for limit in limits]
    assert values == [("ANC", 1.5), ("platelets", 50)]
    assert people["criteria"][1]["constraints"] == []
    (own,) = back[ID]["custom"]["mine"]
    assert own == {"of": f"{CRITERIA}[1]", "values": {"level": "high"}}


def test_the_time_window_follows_from_the_list_that_excel_saves(tmp_path):
    weeks = {"quote": "4 weeks", "comparator": "<=", "value": 4, "unit": "week"}
    item = CRITERION | {"time_windows": [weeks], "time_window": weeks}
    gold = write_gold(tmp_path / "gold", eligibility={"criteria": [item]})
    sheet = export(gold, tmp_path / "a.csv")
    text = sheet.read_text("utf-8-sig").replace(",4,", ",6,").replace(",", ";")
    sheet.write_text(text, "utf-8-sig")
    (criterion,) = bring_in(sheet)[0][ID]["eligibility"]["criteria"]
    assert criterion["time_windows"] == [criterion["time_window"]]
    assert criterion["time_window"] == weeks | {"value": 6}


@pytest.mark.parametrize(
    ("row", "message"), CASES["an_error_names_row_and_column_and_costs_its_record"]
)
def test_an_error_names_row_and_column_and_costs_its_record(row, message, tmp_path):
    sheet = write(tmp_path / "a.csv", "B,eligibility.sex,all", f"{ID},{row}")
    back, output, code = bring_in(sheet)
    assert (list(back), code) == (["B"], 1)
    assert f"{sheet}, row {3 + row.count(chr(10))}, {message}" in output


@pytest.mark.parametrize(
    ("last", "message", "code"), CASES["values_are_checked_against_the_records"]
)
def test_values_are_checked_against_the_records(last, message, code, tmp_path):
    item = CRITERION | {"quote": "ECOG performance status 0-1"}
    rows = [f"{ID},{CRITERIA}[0].{name},{value}" for name, value in item.items()]
    found = bring_in(write(tmp_path / "a.csv", *rows, last), "--records", RECORDS)
    assert message in found[1]
    assert found[2] == code


put = Path.write_text


def write_cell(path, value):
    book = openpyxl.Workbook()
    book.active.append(["record", "field", "value"])
    book.active.append([ID, "eligibility.sex", value])
    book.save(path)


def write_bomb(path, size):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("xl/sharedStrings.xml", b" " * size)


@pytest.mark.parametrize(
    ("name", "fill", "content", "message"),
    [
        ("a.xlsx", write_cell, "=1+1", "row 2, column C: is a formula; write it as"),
        ("a.xlsx", write_cell, date(2026, 1, 2), "column C: is a date; write it as t"),
        ("a.xlsx", put, "x", "is not a workbook; save it as .xlsx or CSV"),
        ("a.xlsx", write_bomb, 1_100_000, "too large for a gold sheet"),
        ("a.csv", put, "record\n", "the columns record and field are missing; start"),
        ("a.csv", put, "record,field,value\n", "contains no values; add a row"),
        ("a.csv", put, "record,field,vlue", "is not a column of gold (did you mean v"),
        (
            "a.csv",
            put,
            "record,field\n,sex",
            "row 2, record: is empty; enter the record's id",
        ),
        ("a.csv", Path.write_bytes, b"\xff", "is not UTF-8; save it as CSV UTF-8"),
        ("a.pdf", put, "", "is not a gold sheet; specify a .csv or .xlsx file"),
    ],
)
def test_another_file_is_refused_in_one_line(
    name, fill, content, message, tmp_path, monkeypatch
):
    monkeypatch.setattr(sheets, "_MOST_BYTES", 1_000_000)
    fill(tmp_path / name, content)
    back, output, code = bring_in(tmp_path / name)
    assert message in output
    assert (back, output.count("\n"), code) == ({}, 1, 1)


@pytest.mark.parametrize(
    ("name", "text", "message"), CASES["what_cannot_be_exported_says_what_to_do"]
)
def test_what_cannot_be_exported_says_what_to_do(name, text, message, tmp_path):
    items = [CRITERION | {"quote": text}]
    gold = write_gold(tmp_path / "gold", eligibility={"criteria": items})
    refused = invoke("gold", "export", gold, "--to", tmp_path / name)
    assert (message in refused.stderr, refused.exit_code) == (True, 1)


@needs_mount
@pytest.mark.parametrize("name", ["gold.csv", "gold.xlsx"])
def test_a_full_disk_is_named_and_leaves_no_part_of_a_sheet(name, tmp_path):
    place = shlex.quote(str(tmp_path))
    script = f'mount -t tmpfs -o size=4k tmpfs {place} && "$@"; ls -A {place}'
    words = ("gold", "export", SEEDS, "--to", tmp_path / name)
    command = [*UNSHARE, "sh", "-c", script, "sh", sys.executable, "-m", "extractor"]
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, check=False
    )
    assert f"{name}: No space left on device; free some space" in done.stderr
    assert done.stdout == ""


def test_nothing_is_replaced_without_force(tmp_path):
    sheet = export(SEEDS, tmp_path / "a.csv")
    gold = shutil.copytree(SEEDS, tmp_path / "gold")
    for words in (("export", gold, "--to", sheet), ("import", sheet, "--to", gold)):
        assert "already exists; add --force" in invoke("gold", *words).stderr
        assert invoke("gold", *words, "--force").exit_code == 0


def test_two_annotators_are_compared(tmp_path):
    anna = shutil.copytree(SEEDS, tmp_path / "anna")
    ben = shutil.copytree(SEEDS, tmp_path / "ben")
    path = ben / "003_b184c860ed2ef927.json"
    path.write_text(path.read_text("utf-8").replace('"efficacy"', '"safety"'), "utf-8")
    options = ("--html", tmp_path / "page.html", "--fields", "category")

    lines = invoke("gold", "compare", anna, ben, *options).stdout.splitlines()

    assert lines[0].startswith("agreement of anna and ben: F1 0.")
    error = ["category", "wrong category", "efficacy", "safety"]
    assert lines[4].split("\t")[2:6] == error
    assert "efficacy" in (tmp_path / "page.html").read_text("utf-8")
