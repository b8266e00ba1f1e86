"""One call from texts to a table; extractions and results as data frames, files and scores."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from extractor import Extractor, TrialExtraction
from extractor.catalogue import Blinding
from extractor.errors import ArgumentError, ExtractorError

TEXT = (
    "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2\n"
    "Intervention: Fictumab 300 mg subcutaneously every 4 weeks"
)
FILE = "tests/records/study.json"
STUDIES = "tests/records/studies.jsonl"
RULES = Extractor(effort="none")
CRITERIA = ["Age > 18 years", "HbA1c > 7 %", "BMI < 30 kg/m2"]


@pytest.fixture(scope="module")
def extraction():
    return RULES.extract_text(TEXT)


@pytest.fixture(scope="module")
def results():
    return RULES.run("seeds/records")


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        (TEXT, ["text"]),
        ([TEXT, TEXT], ["text-1", "text-2"]),
        (FILE, ["NCT90000001"]),
        (Path(FILE), ["NCT90000001"]),
        ([FILE, TEXT], ["NCT90000001", "text-2"]),
    ],
    ids=["text", "texts", "path", "Path", "both"],
)
def test_a_table_is_made_of_texts_and_files(given, ids):
    assert list(RULES.table("records", given)["record_id"]) == ids


def test_a_line_with_blanks_is_a_text_unless_it_ends_as_a_file_does():
    with pytest.warns(UserWarning, match="text: a text without a heading, read as"):
        table = RULES.table("records", "Adults with asthma")
    assert list(table["record_id"]) == ["text"]
    with pytest.raises(ArgumentError, match="no such file or folder"):
        RULES.table("records", "my trials.json")
    with pytest.raises(ExtractorError, match="no free text"):
        RULES.table("records", "")


def tabulate(texts, index):
    column = pd.Series(texts, index=index)
    return list(RULES.table("criteria", column, section="eligibility")["record_id"])


@pytest.mark.parametrize(
    ("index", "named"),
    [
        ([1, "1", "B"], r"\(1\)"),
        (pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 1)]), r"\(\('a', 1\)\)"),
        (["B", "B", "B"], r"\(B\).*make the labels distinct"),
    ],
)
def test_rows_with_one_label_are_refused_before_anything_is_run(index, named):
    with pytest.raises(ArgumentError, match=f"several rows have one label.*{named}"):
        tabulate(CRITERIA, index)


@pytest.mark.parametrize(
    ("index", "ids"),
    [
        (["A", None, float("nan")], ["A", "text-2", "text-3"]),
        (pd.to_datetime(["2020-01-01", None, None]), [..., "text-2", "text-3"]),
        (pd.array([1, 2, None], dtype="Int64"), ["1", "2", "text-3"]),
    ],
)
def test_a_row_without_a_label_keeps_its_text(index, ids):
    found = tabulate(CRITERIA, index)
    assert [name for name in found if name in ids] == [id_ for id_ in ids if id_ != ...]
    assert len(found) == 3


@pytest.mark.parametrize("index", [[5, 6, 7], pd.array([5, 6, 7], dtype="Int64"), None])
def test_whole_numbers_as_labels_can_be_merged(index):
    frame = pd.DataFrame({"text": CRITERIA}, index=index)
    criteria = RULES.table("criteria", frame["text"], section="eligibility")
    merged = frame.merge(criteria, left_index=True, right_on="record_id")
    assert list(merged["quote"]) == CRITERIA


def test_each_record_that_a_table_lacks_is_named(tmp_path):
    texts = ["Age > 18 years", *[""] * 28, None]
    with pytest.warns(UserWarning, match="29 problems: given, item 2, K1: .*9 more"):
        tabulate(texts, [f"K{number}" for number in range(30)])
    broken = '{"protocolSection": {}}\n'
    (tmp_path / "half.jsonl").write_text(broken + Path(STUDIES).read_text("utf-8"))
    with pytest.warns(UserWarning, match=r"^1 problem: .*half.jsonl, line 1: "):
        assert len(RULES.table("records", tmp_path / "half.jsonl")) == 2
    (tmp_path / "none.jsonl").write_text("{}", "utf-8")
    with pytest.raises(ExtractorError, match=r"none\.jsonl, line 1: "):
        RULES.table("records", tmp_path / "none.jsonl")


def test_a_wrong_table_is_named_before_anything_is_read():
    with pytest.raises(ValueError, match="did you mean criteria"):
        RULES.table("criterion", "none.json")
    with pytest.raises(ValueError, match="did you mean pandas"):
        RULES.table("criteria", TEXT, "panda")


def test_an_own_field_has_its_table():
    text = "A double-blind trial of A."
    own = Extractor(fields=Blinding).extract_text(text)
    assert list(own.table("custom_blinding", fields=Blinding)["level"]) == ["double"]
    with pytest.warns(UserWarning, match="text without a heading"):
        table = Extractor(fields=Blinding).table("custom_blinding", text)
    assert list(table["level"]) == ["double"]


def test_each_value_is_a_row_with_its_words(extraction):
    quotes = [criterion.quote for criterion in extraction.eligibility.criteria]
    assert list(extraction.table("criteria")["quote"]) == quotes
    frame = extraction.to_pandas().set_index("field")
    limit = frame.loc["eligibility.criteria[0].constraints[0]"]
    assert limit["value"] == "HbA1c: >= 7.5 %"
    assert limit["quote"] == "HbA1c of at least 7.5 %"
    assert limit["section"] == "eligibility"
    assert limit["char_end"] - limit["char_start"] == len(limit["quote"])
    assert frame.loc["dosing[0].frequency", "value"] == "Q4W"
    assert frame["quote"].notna().all()
    assert frame["confidence"].between(0, 1).all()


def test_an_empty_extraction_has_a_frame():
    frame = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}})
    assert len(frame.to_pandas()) == 0
    assert str(frame.to_pandas()["char_start"].dtype) == "Int64"


def test_a_notebook_shows_the_first_of_many_and_no_markup(extraction):
    shown = "<TrialExtraction of text: 2 criteria, 1 regimen, 0 endpoints>"
    assert repr(extraction) == str(extraction) == shown
    texts = [
        {"text": "Inclusion criteria:\n- Adults", "record_id": f"<b>{number}"}
        for number in range(25)
    ]
    page = RULES.run([*texts, {"protocolSection": {}}])._repr_html_()
    assert "Results of 25 records, 1 failed" in page
    assert page.count("<div") == page.count("</div>")
    assert "<b>0" not in page
    assert "&lt;b&gt;19" in page
    assert "and 5 records more" in page


def test_results_are_reported_exported_and_scored(results, tmp_path):
    page = results.report(tmp_path / "page.html")
    assert page.read_text("utf-8").startswith("<!doctype html>")
    counts = results.export(tmp_path / "endpoints.csv", tables=["endpoints"])
    with (tmp_path / "endpoints.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == counts["endpoints"] == 36
    tables = results.export(tmp_path / "t", file_format="jsonl", tasks=["endpoints"])
    assert "regimens" not in tables
    assert (tmp_path / "t" / "endpoints.jsonl").is_file()
    fhir = results.export(tmp_path / "fhir", file_format="fhir")
    assert fhir["ResearchStudy"] == 5
    scores = tmp_path / "scores.html"
    report = results.evaluate("seeds/gold", resamples=0, page=scores)
    assert report.figure("all") > 0.99
    assert scores.read_text("utf-8").startswith("<!doctype html>")
    rows = [len(one.to_pandas()) for one in results]
    assert len(results.table("values")) == sum(rows)


@pytest.mark.parametrize(
    ("path", "more", "message"),
    [
        ("a.csv", {}, "choose another name, or .* with force=True"),
        ("folder", {}, "a folder needs file_format"),
        (
            "x",
            {"file_format": "fhir"},
            'file_format="fhir" writes no tables; drop tabl',
        ),
        ("a.csv", {"gold": "seeds"}, "no finished record of this run"),
    ],
)
def test_messages_name_the_arguments_of_python(results, tmp_path, path, more, message):
    (tmp_path / "a.csv").touch()
    with pytest.raises(ValueError, match=message):
        results.export(tmp_path / path, **{"tables": "endpoints"} | more)
