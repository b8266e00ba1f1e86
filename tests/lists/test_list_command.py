"""The command ``extractor list``."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from extractor.apps.report import write_report
from extractor.apps.values import DOUBTS
from extractor.plurals import counted
from tests.commands import extract, invoke, read_lines
from tests.pages.invented import make_doubtful, make_run
from tests.review.reviewing import Client, serve
from tests.snapshots import check_json
from tests.tables import read_cases

CASES = read_cases(__file__)

TEXT = """A Trial of Fictumab
Inclusion criteria:
- =1+1 bottles of wine, age at least 18 years
Intervention: Fictumab 300 mg every 4 weeks
"""


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


def test_the_lists_of_a_trial_are_these(tmp_path):
    extraction = make_doubtful()
    proof = extraction["dosing"][1]["evidence"][0] | {"field": "values.value"}
    assay = {"values": {"value": "SP263"}, "evidence": [proof], "confidence": 0.4}
    run = make_run(tmp_path, extraction | {"custom": {"assay": [assay]}})
    found = {}
    for name in ("values", "doubts", "findings", "absences"):
        path = tmp_path / f"{name}.jsonl"
        assert invoke("list", run, name, "--to", path).exit_code == 0
        found[name] = read_lines(path)
    found["printed"] = invoke("list", run, "doubts").output.splitlines()
    assert "0 findings" in invoke("list", run, "findings", "--severity", "info").stderr
    check_json(Path(__file__).with_name("lists.json"), found)


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory):
    """A run with each kind of doubt."""
    extraction = make_doubtful()
    extraction["dosing"][0]["confidence"] = 0.4
    return make_run(tmp_path_factory.mktemp("doubtful"), extraction)


_ROW = re.compile(
    r'data-label="values">([\d,]+)<.*?data-label="doubts">(?:<a[^>]*>)?([\d,]+)<.*?'
    r'data-label="empty">([\d,]+)<'
)


@pytest.mark.parametrize("name", ["run", "doubtful"])
def test_doubts_are_counted_alike_everywhere(name, request, tmp_path):
    run = request.getfixturevalue(name)
    rows = read_rows(run, "doubts")
    kinds = Counter(row["kind"] for row in rows)
    total, said = re.search(
        r"([\d,]+) doubts \((.*)\): ", invoke("list", run, "doubts").stderr
    ).groups()
    assert int(total) == len(rows) == kinds.total()
    assert said == ", ".join(
        counted(kinds[kind], noun) for kind, noun in DOUBTS.items()
    )
    fields = Counter(row["field"].partition("[")[0] for row in rows)
    shown = invoke("list", run, "doubts").stderr
    assert all(f"{field} {count}" in shown for field, count in fields.most_common(3))

    values = read_rows(run, "values", "--max-confidence", 0.85)
    assert len(values) == kinds["value"]
    shown = invoke("list", run, "values", "--max-confidence", 0.85).stderr
    assert f"{counted(kinds['value'], 'value')}: " in shown
    to = tmp_path / "values.jsonl"
    invoke("export", run, "--to", to, "--tables", "values")
    every = read_lines(to)
    assert sum((row["confidence"] or 1) < 0.85 for row in every) == kinds["value"]

    page = tmp_path / "page.html"
    write_report(run, page)
    text = page.read_text("utf-8")
    tiles = re.findall(r"<dt>(\w+)</dt><dd>([\d,]+)</dd><dd[^>]*>(.*?)</dd>", text)
    counts = {
        tile: (number, re.sub("<[^>]*>", "", note)) for tile, number, note in tiles
    }
    assert counts["Doubts"] == (total, said)
    columns = zip(*_ROW.findall(text), strict=True)
    sums = [sum(int(cell.replace(",", "")) for cell in column) for column in columns]
    absences = len(read_rows(run, "absences"))
    assert sums == [len(every), len(rows), absences]
    assert counts["Values"] == (
        f"{sums[0]:,}",
        f"{counted(absences, 'empty field')}, each with a reason",
    )

    of_records = Counter(row["record_id"] for row in rows)
    with serve(run, tmp_path / "gold") as served:
        queue = Client(served).get("queue")
    numbers = [of_records[row["id"]] for row in queue]
    assert numbers == sorted(numbers, reverse=True)
    for row in queue:
        said = counted(of_records[row["id"]], "doubt")
        assert row["reasons"][0].startswith(f"{said} (")


def test_the_lowest_confidence_is_shown_and_none_is_off_by_one(tmp_path):
    extraction = make_doubtful()
    for piece, confidence in zip(
        extraction["dosing"][0]["evidence"], [0, 0.57, 0.849], strict=False
    ):
        piece["confidence"] = confidence
    shown = invoke("list", make_run(tmp_path, extraction), "values").output
    assert [f"({number} % sure" in shown for number in (0, 57, 84)] == [True] * 3


@pytest.mark.parametrize(
    ("words", "is_listed"),
    [
        (("values", "--field", "amounts"), lambda row: row["field"].startswith("amounts")),
        (("values", "--field", "dosing", "--field", "endpoints.concept"),
         lambda row: row["item"].startswith("dosing") or row["field"] == "concept"),
        (("doubts", "--field", "item"), lambda row: row["field"] == "item"),
        (("values", "--record", "NCT90000007"), lambda row: row["record_id"] == "NCT90000007"),
        (("values", "--min-confidence", 0.6, "--max-confidence", 0.8), lambda row: 0.6 <= float(row["confidence"]) < 0.8),
    ],
)  # fmt: skip
def test_options_choose_rows(run, words, is_listed):
    every = read_rows(run, words[0])
    chosen = read_rows(run, *words)
    assert chosen == [row for row in every if is_listed(row)]
    assert 0 < len(chosen) < len(every)


def test_rows_without_a_confidence_are_left_out_by_bounds(doubtful):
    every = read_rows(doubtful, "doubts")
    done = [
        read_rows(doubtful, "doubts", bound, 0.6)
        for bound in ("--min-confidence", "--max-confidence")
    ]
    rated = [row for row in every if row["confidence"]]
    assert len(rated) < len(every) == 1 + len(rated)
    assert sum(map(len, done)) == len(rated)
    shown = invoke("list", doubtful, "doubts", "--max-confidence", 0.6).stderr
    assert "1 doubt without a confidence: left out" in shown


def test_the_first_rows_are_listed_and_said_to_be_the_first(run):
    every = read_rows(run, "values")
    assert read_rows(run, "values", "--limit", 3) == every[:3]
    assert "the first 3 values: " in invoke("list", run, "values", "--limit", 3).stderr


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
    with (run / "failures.jsonl").open("a") as file:
        file.write('\n{}\n{"error": "RecordError", "to')
    row, unnamed, torn = read_rows(run, "failures")
    assert unnamed["record_id"] == "record without an id"
    assert "failures.jsonl, line 4: is damaged" in torn["value"]
    shown = invoke("list", run, "failures").stderr
    assert "3 failures: RecordError 1, unknown 1, StoreError 1" in shown
    assert row["reason"] == "RecordError"
    assert "broken.json" in row["section"]
    assert "JSON" in row["value"]
    done = invoke("list", run, "values")
    assert done.exit_code == 1
    assert "3 records failed and added no rows" in done.stderr
    whole = extract(tmp_path / "study.json", tmp_path / "whole")
    rows = read_rows(whole, "failures", "--since", run)
    assert {row["change"] for row in rows} == {"gone"}
    seeds = extract("seeds/records", tmp_path / "seeds")
    rows = read_rows(seeds, "values", "--since", whole)
    assert {row["change"] for row in rows} == {"new"}


@pytest.mark.parametrize(("words", "problem"), CASES["a_wrong_option_is_refused"])
def test_a_wrong_option_is_refused(run, words, problem):
    (run / "old.csv").write_text("keep", "utf-8")
    done = invoke("list", run, *[str(word).replace("RUN", str(run)) for word in words])
    assert done.exit_code == 2
    assert problem in done.stderr
    assert (run / "old.csv").read_text("utf-8") == "keep"
