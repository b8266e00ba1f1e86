"""The command ``extractor list``."""

import csv
import shutil
from pathlib import Path
from urllib.parse import unquote

import openpyxl
import pytest

from extractor.apps.lists import Selection, refuse_selection
from extractor.errors import ArgumentError
from extractor.run.finished import FinishedRun
from extractor.schemas import TrialExtraction
from tests.commands import extract, invoke, read_lines
from tests.pages.invented import make_doubtful, make_run
from tests.snapshots import check_json
from tests.tables import read_cases

CASES = read_cases(__file__)

TEXT = """A Trial of Fictumab
Inclusion criteria:
- =1+1 bottles of wine, age at least 18 years
Intervention: Fictumab 300 mg every 4 weeks
"""
AGE_DIFFERS = "the maximum age is 25 years in the text, but 75 Years in the registry"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return extract("tests/records", tmp_path_factory.mktemp("listed") / "run")


def read_rows(*words):
    """The rows that a command writes to a sheet."""
    path = Path(words[0]).parent / "sheet.csv"
    done = invoke("list", *words, "--to", path, "--force")
    assert done.exit_code == 0, done.output
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_extractions(run):
    lines = (run / "extractions.jsonl").read_text("utf-8").splitlines()
    return {
        extraction.record_id: extraction
        for extraction in map(TrialExtraction.model_validate_json, lines)
    }


def test_rows_are_printed_below_their_records_with_quotes(run):
    done = invoke("list", run, "findings")
    assert done.exit_code == 0
    assert done.stdout == (
        "\nNCT90000007\n"
        f"  warning eligibility.maximum_age age_differs {AGE_DIFFERS}\n"
        "    Age 3 to 25 years … 75 Years  [eligibility]\n"
    )
    assert done.stderr == "extractor: 1 row: age_differs 1\n"


def test_the_lists_of_a_trial_are_these(tmp_path):
    run = make_run(tmp_path, make_doubtful())
    found = {}
    for name in ("values", "doubts", "findings", "absences"):
        path = tmp_path / f"{name}.jsonl"
        assert invoke("list", run, name, "--to", path).exit_code == 0
        found[name] = read_lines(path)
    found["printed"] = invoke("list", run, "doubts").output.splitlines()
    check_json(Path(__file__).with_name("lists.json"), found)


@pytest.mark.parametrize(
    ("words", "is_listed"),
    [
        (("values", "--field", "amounts"), lambda row: row["field"].startswith("amounts")),
        (("values", "--field", "dosing", "--field", "endpoints.concept"),
         lambda row: row["item"].startswith("dosing") or row["field"] == "concept"),
        (("values", "--record", "NCT90000007"), lambda row: row["record_id"] == "NCT90000007"),
        (("values", "--min-confidence", 0.6, "--max-confidence", 0.8), lambda row: 0.6 <= float(row["confidence"]) < 0.8),
    ],
)  # fmt: skip
def test_options_choose_rows(run, words, is_listed):
    every = read_rows(run, words[0])
    chosen = read_rows(run, *words)
    assert chosen == [row for row in every if is_listed(row)]
    assert 0 < len(chosen) < len(every)


@pytest.mark.parametrize("name", ["values", "findings"])
def test_addresses_lead_into_the_report(run, name):
    extractions = read_extractions(run)
    for row in read_rows(run, name):
        report, _, place = row["address"].partition("#")
        record_id, _, path = unquote(place).partition("/")
        assert (report, record_id) == ("report.html", row["record_id"])
        if name == "findings":
            number = int(path.removeprefix("findings[").removesuffix("]"))
            finding = extractions[record_id].findings[number]
            assert finding.message == row["value"]
        else:
            assert path == f"{row['item']}.{row['field']}"


def test_a_text_is_no_formula_in_a_sheet(tmp_path):
    (tmp_path / "trial.txt").write_text(TEXT, "utf-8")
    run = extract(tmp_path / "trial.txt", tmp_path / "run")
    words = ("values", "--field", "eligibility.criteria.quote")
    (row,) = read_rows(run, *words)
    assert row["value"].startswith("'=1+1")
    book = tmp_path / "sheet.xlsx"
    assert invoke("list", run, *words, "--to", book).exit_code == 0
    header, (cell, *_) = openpyxl.load_workbook(book).active.iter_rows(min_col=5)
    assert header[0].value == "value"
    assert cell.data_type == "s"
    assert cell.value.startswith("=1+1")


def test_what_is_new_or_gone_since_another_run(tmp_path):
    old = Path("tests/records/study.json")
    new = tmp_path / "edited.json"
    text = old.read_text("utf-8")
    new.write_text(text.replace("18 to 75 years", "18 to 65 years"), "utf-8")
    before = extract(old, tmp_path / "before")
    after = extract(new, tmp_path / "after")
    found = read_rows(after, "findings", "--since", before)
    assert [(row["change"], row["reason"]) for row in found] == [("new", "age_differs")]
    rows = read_rows(after, "values", "--since", before, "--field", "maximum_age")
    assert [(row["change"], row["value"]) for row in rows] == [
        ("new", "65 year"),
        ("gone", "75 year"),
    ]
    assert read_rows(after, "values", "--since", after) == []


def test_failures_have_their_message_and_place(tmp_path):
    shutil.copy("tests/records/study.json", tmp_path)
    (tmp_path / "broken.json").write_text("{", "utf-8")
    run = tmp_path / "run"
    invoke("run", tmp_path, "--out", run, "--quiet")
    (row,) = read_rows(run, "failures")
    assert row["reason"] == "RecordError"
    assert "broken.json" in row["section"]
    assert "JSON" in row["value"]
    done = invoke("list", run, "values")
    assert done.exit_code == 1
    assert "1 record failed, without new rows" in done.stderr
    whole = extract(tmp_path / "study.json", tmp_path / "whole")
    (row,) = read_rows(whole, "failures", "--since", run)
    assert row["change"] == "gone"


@pytest.mark.parametrize(("words", "problem"), CASES["a_wrong_option_is_refused"])
def test_a_wrong_option_is_refused(run, words, problem):
    (run / "old.csv").write_text("keep", "utf-8")
    done = invoke("list", run, *[str(word).replace("RUN", str(run)) for word in words])
    assert done.exit_code == 2
    assert problem in done.stderr
    assert (run / "old.csv").read_text("utf-8") == "keep"


def test_a_list_that_does_not_exist_is_refused(run):
    with pytest.raises(ArgumentError, match=r"doubt: no such list .*mean doubts"):
        refuse_selection(Selection("doubt"), FinishedRun(run))
