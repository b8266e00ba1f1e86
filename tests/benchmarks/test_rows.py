"""Rows for fitting confidences: one for each value read, and no text in them."""

import re
from pathlib import Path

import pytest

from benchmarks.data import read_lines
from benchmarks.rows.__main__ import KEYS, judge_case, read_cases, write_rows
from benchmarks.rows.cases import make_case
from extractor.confidence.table import EMPTY, read_field_tables, shorten

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks/rows"
OLD = sorted(FOLDER.glob("*-*.jsonl.gz"))
TODAY = [FOLDER / "today.jsonl.gz", FOLDER / "doses.jsonl.gz"]
LINE = {
    "id": "x",
    "how": "text",
    "text": "A Trial of Inventomab\nExclusion criteria:\n- ALT above 90 U/L (80 in all)\n",
    "expect": {"limits": [[">", 90, None, "U/L", None]]},
}


def read_rows(line):
    case = make_case(line)
    (reading,) = read_cases([case])
    return list(judge_case(case, reading))


def test_a_value_has_a_row_with_its_features_and_the_words_that_it_leaves():
    (row,) = read_rows(LINE)

    assert row["field"] == "eligibility.criteria.constraints"
    assert row["right"]
    known = {
        "exclusion": 1,
        "beside its name": 1,
        "unexplained beside it": 1,
        "left number beside": 1,
        "left unit in brackets": 1,
        "words": 8,
        "words left behind": 2,
    }
    assert row["features"] | known == row["features"]


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("limits", [[">", 90, None, "*", {"any": [None, "in women"]}]]),
        ("limits", []),
        ("kinds", ["exclusion"]),
        ("kinds", ["inclusion"]),
        ("exact", ["ALT above 90 U/L (80 in all)"]),
        ("exact", ["ALT above 90 U/L"]),
    ],
)
def test_a_value_is_right_if_it_is_expected(key, right, readings):
    line = LINE | {"expect": {key: right}}
    (row,) = judge_case(make_case(line), readings[0])
    is_expected = right not in ([], ["inclusion"], ["ALT above 90 U/L"])
    assert row["right"] == is_expected


@pytest.fixture(scope="module")
def readings():
    return list(read_cases([make_case(LINE)]))


def test_the_same_rows_give_the_same_file(tmp_path):
    rows = [row | {"source": "x", "version": "y"} for row in read_rows(LINE)]
    paths = [tmp_path / "a.gz", tmp_path / "b.gz"]
    write_rows(paths[0], rows * 2)
    write_rows(paths[1], [*reversed(rows * 2)])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.name)
def test_stored_rows_have_the_documented_keys_and_no_text(path):
    source, _, version = path.name.removesuffix(".jsonl.gz").partition("-")
    rows = read_lines(path)
    names = {*(FOLDER / "names.txt").read_text("utf-8").splitlines()}
    assert path.stat().st_size < 300_000
    for row in rows:
        features = row["features"]
        assert tuple(row) == KEYS
        assert (row["source"], row["version"]) == (source, version)
        assert re.fullmatch("[0-9a-f]{12}", row["group"])
        assert type(row["right"]) is bool
        assert 0 <= row["confidence"] <= 1
        assert features.keys() <= names
        assert all(type(size) is float for size in features.values())


@pytest.mark.parametrize("path", TODAY, ids=lambda path: path.name)
def test_rows_of_today_have_features_of_the_table_and_no_text(path):
    assert path.stat().st_size < 500_000
    table = read_field_tables()
    for row in read_lines(path):
        fields = shorten(row["field"]), shorten(row["field"].removesuffix(EMPTY))
        known = next(table[name] for name in fields if name in table)
        assert row["version"] == "today"
        assert re.fullmatch("[0-9a-f]{12}", row["group"])
        assert row["features"].keys() <= known.means.keys()
        assert 0 <= row["probability"] <= 1
