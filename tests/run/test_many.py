"""``Extractor``: what it takes, tables, failures, cost, folder, files, and wrong arguments."""

import csv
import json
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from extractor import (
    Extractor,
    TrialExtraction,
    fetch_records,
    make_record,
    read_records,
)
from extractor.errors import (
    ArgumentError,
    ExtractorError,
    RecordError,
    StoreError,
    WrongType,
)
from extractor.formats import read_stream
from extractor.run.finished import FinishedRun, TextState
from extractor.run.joined import JoinedRuns
from tests.commands import extractor
from tests.faults.server import serve_faults
from tests.llm.stub import completion, serve

STUDY = json.loads(Path("tests/records/study.json").read_text("utf-8"))
STUDIES = "tests/records/studies.jsonl"
FILE = "tests/records/study.json"
RULES = Extractor(effort="none")
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
TEXT = (
    "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2\n"
    "Intervention: Fictumab 300 mg subcutaneously every 4 weeks"
)
NOTE = "Inclusion criteria\n- HbA1c of at least 7.5 %\n\nPrimary endpoint: Survival at 2 years"
CRITERIA = ["Age > 18 years", "HbA1c > 7 %", "BMI < 30 kg/m2"]


def test_a_record_whose_id_cannot_be_written_is_one_failure():
    well = [{"text": TEXT, "record_id": name} for name in "ab"]
    results = RULES.run([well[0], {"text": TEXT, "record_id": 10**5000}, well[1]])
    assert [one.record_id for one in results] == ["a", "b"]
    [failure] = results.failures
    assert failure["place"] == "item 2"
    assert "a value cannot be read" in failure["message"]


@pytest.mark.parametrize(
    "given",
    [FILE, Path(FILE), STUDY, [STUDY], next(read_records(FILE)), read_records(FILE), [FILE, STUDY]],
    ids=["path", "Path", "dictionary", "dictionaries", "record", "records", "twice"],
)  # fmt: skip
def test_records_are_taken_in_every_form(given):
    results = RULES.run(given)
    assert [one.record_id for one in results] == ["NCT90000001"]
    assert results.failures == []
    assert results.table("records")["phases"].notna().all()


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        (TEXT, ["text"]),
        ([TEXT, TEXT], ["text-1", "text-2"]),
        ([FILE, TEXT], ["NCT90000001", "text-2"]),
    ],
    ids=["text", "texts", "both"],
)
def test_a_table_is_made_of_texts_and_files(given, ids):
    assert list(RULES.table("records", given)["record_id"]) == ids


def test_a_line_with_blanks_is_a_text_unless_it_ends_as_a_file_does():
    with pytest.warns(
        UserWarning, match="text: the text has no heading and was read as"
    ):
        table = RULES.table("records", "Adults with asthma")
    assert list(table["record_id"]) == ["text"]
    missing = 'no such file or folder.*section="eligibility"'
    for given in ("my trials.json", ["Adults"], pd.Series(["Adults"])):
        with pytest.raises(ArgumentError, match=missing):
            RULES.table("records", given)
    with pytest.warns(UserWarning, match=missing):
        RULES.table("records", ["Adults", TEXT])
    with pytest.raises(ExtractorError, match="contains no text"):
        RULES.table("records", "")


def test_the_id_of_a_text_is_its_own_or_the_one_that_is_given():
    text = "NCT01234567\nInclusion Criteria:\n- Adults"
    assert make_record(text).record_id == "NCT01234567"
    rows = [{"text": text, "record_id": 0}, {"text": "", "record_id": 2}]
    results = RULES.run(rows)
    assert [result.record_id for result in results] == ["0"]
    assert results.failures[0]["message"].startswith("given, item 2, 2: ")
    with pytest.warns(UserWarning, match="^no record could be extracted: given, item"):
        assert len(RULES.run([{"text": ""}])) == 0


# A column of a data frame: the labels of its rows are the ids.


def tabulate(texts, index):
    column = pd.Series(texts, index=index)
    return list(RULES.table("criteria", column, section="eligibility")["record_id"])


@pytest.mark.parametrize(
    ("index", "named"),
    [
        ([1, "1", "B"], r"\(1\)"),
        (pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 1)]), r"\(\('a', 1\)\)"),
        (["B", "B", "B"], r"\(B\).*make the labels unique"),
    ],
    ids=["numbers", "levels", "texts"],
)
def test_rows_with_one_label_are_refused_before_anything_is_run(index, named):
    with pytest.raises(
        ArgumentError, match=f"several rows have the same index label.*{named}"
    ):
        tabulate(CRITERIA, index)


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
    (tmp_path / "none.jsonl").write_text("{}", "utf-8")
    with pytest.raises(ExtractorError, match=r"none\.jsonl, line 1: "):
        RULES.table("records", tmp_path / "none.jsonl")


# What comes out.


def test_each_value_is_a_row_with_its_words():
    frame = RULES.extract_text(TEXT).to_pandas().set_index("field")
    limit = frame.loc["eligibility.criteria[0].constraints[0]"]
    shown = (limit["value"], limit["quote"], limit["section"])
    assert shown == ("HbA1c: >= 7.5 %", "HbA1c of at least 7.5 %", "eligibility")
    assert limit["char_end"] - limit["char_start"] == len(limit["quote"])
    assert frame.loc["dosing[0].frequency", "value"] == "Q4W"
    assert frame["confidence"].between(0, 1).all()


def test_tables_without_rows_have_typed_columns(tmp_path):
    table = RULES.run(make_record("Inclusion criteria\n- Consent")).table("constraints")
    assert len(table) == 0
    kinds = [str(table[name].dtype) for name in ("unit", "value", "criterion_index")]
    assert kinds == ["str", "float64", "Int64"]
    results = RULES.run([], out=tmp_path / "none")
    assert (len(results.table("records")), results.failures) == (0, [])
    assert FinishedRun(tmp_path / "none").incomplete is None
    empty = TrialExtraction.model_validate({"record_id": "A", "eligibility": {}})
    assert len(empty.to_pandas()) == 0
    with pytest.raises(ValueError, match="did you mean criteria"):
        RULES.table("criterion", "none.json")


def test_a_notebook_shows_the_first_of_many_and_no_markup(capsys):
    assert import_module("ipykernel")  # a process that only imports it is no notebook
    texts = [{"text": CRITERIA[0], "record_id": f"<b>{number}"} for number in range(25)]
    results = RULES.run([*texts, {"protocolSection": {}}])
    assert capsys.readouterr() == ("", "")
    assert repr(results) == "<Results of 25 records, 1 failed>"
    page = results._repr_html_()
    assert "Results of 25 records, 1 failed" in page
    assert page.count("<div") == page.count("</div>")
    assert "<b>0" not in page
    assert "&lt;b&gt;19" in page
    assert "and 5 records more" in page


def test_results_are_reported_exported_and_scored(tmp_path):
    results = RULES.run("seeds/records")
    scores = tmp_path / "scores.html"
    report = results.evaluate("seeds/gold", resamples=0, page=scores)
    assert report.figure("all") > 0.99
    for page in (results.report(tmp_path / "page.html"), scores):
        assert page.read_text("utf-8").startswith("<!doctype html>")
    counts = results.export(tmp_path / "endpoints.csv", tables=["endpoints"])
    with (tmp_path / "endpoints.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == counts["endpoints"] == 36
    tables = results.export(tmp_path / "t", file_format="jsonl", tasks=["endpoints"])
    assert "regimens" not in tables
    assert results.export(tmp_path / "fhir", file_format="fhir")["ResearchStudy"] == 5
    rows = [len(one.to_pandas()) for one in results]
    assert len(results.table("values")) == sum(rows)
    assert results.save(tmp_path / "saved").joinpath("extractions.jsonl").is_file()
    for message, wrong in {
        r"choose another name, or .* with force=True": {"path": "endpoints.csv"},
        "no finished record of this run": {"path": "new.csv", "gold": tmp_path},
        'file_format="fhir" writes no tables; drop tables': {"file_format": "fhir"},
    }.items():
        path = tmp_path / wrong.pop("path", "fhir2")
        with pytest.raises(ValueError, match=message):
            results.export(path, tables=["endpoints"], **wrong)


MADE = make_record(
    "Inclusion criteria:\r\n- HbA1c of at least 7.5 \N{HEAVY CHECK MARK} %",
    title="A Trial",
    record_id="note",
)
STREAMED = next(read_stream("gone.xml", BytesIO(Path(FILE).read_bytes())))


@pytest.mark.slow
def test_commands_take_a_saved_run(tmp_path):
    results = RULES.run([MADE, STREAMED, STUDIES])
    assert results.failures == []
    folder = results.save(tmp_path / "saved")
    count = len(results)
    with pytest.raises(StoreError, match="specify a file in another location"):
        results.save(folder)
    del results  # the temporary folder goes
    reread = list(JoinedRuns([folder]).reread())
    assert [earlier.text for earlier in reread] == [TextState.SAME] * count
    texts = {earlier.record_id: earlier.record.sections for earlier in reread}
    assert texts["note"] == MADE.sections
    to = ("--to", tmp_path / "tables", "--format", "csv")
    exported = extractor("export", folder, *to)
    assert exported.returncode == 0, exported.stderr
    assert b"inputs are missing" not in exported.stderr


async def test_a_run_has_its_dollars_and_keeps_what_it_has_at_its_limit(tmp_path):
    """Where an event loop runs, as in a notebook."""
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")
    priced = {"effort": "full", "prices": tmp_path / "prices.toml"}
    with serve_faults() as server:
        model = f"{server.url}#stub"
        asking = Extractor(model, **priced)
        usage = asking.run(STUDY).usage
        assert usage.calls > 0
        assert usage.usd == pytest.approx(asking.price(usage))
        assert usage.usd > 0
        alone = asking.extract(STUDY).usage
        assert (alone.calls, alone.usd) == (usage.calls, pytest.approx(usage.usd))
        assert Extractor(model, effort="full").extract(STUDY).usage.usd is None
        assert Extractor(model, effort="full").run(STUDY).usage.usd is None
        limited = Extractor(model, max_usd=0.000001, **priced)
        with pytest.warns(UserWarning, match="the run is not complete: .*are spent"):
            results = limited.run(STUDIES)
    assert "are spent" in results.stopped
    assert results.extractions
    assert results.usage.usd == 0.0
    assert RULES.extract(STUDY).usage.usd == 0.0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (3, "int is not a record; pass files, folders, records or dictionaries"),
        ([None], "NoneType is not a record; pass files, folders, records or"),
        (pd.DataFrame({"text": CRITERIA}), "^DataFrame is not a record; pass a column"),
    ],
    ids=["number", "none", "frame"],
)
def test_what_is_no_record_is_refused_and_leaves_no_folder(
    given, problem, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(WrongType, match=problem):
        RULES.run(given)
    assert list(tmp_path.iterdir()) == []


# One record or text, and wrong arguments.


@pytest.mark.parametrize(
    ("kind", "problem", "call"),
    [
        (ValueError, "choose from .* effort,", lambda: Extractor(efort="low")),
        (ValueError, "not name a known provider", lambda: Extractor("nobody/model")),
        (ValueError, "no run to replay", lambda: Extractor(replay="tests/ask")),
        (ValueError, "characters", lambda: Extractor("gpt-5-mini", key="two\nlines")),
        (ValueError, "a key requires a model", lambda: Extractor(key="a-key")),
        (ValueError, "reasoning: this level cannot be set", lambda: Extractor("gpt-4o-mini", reasoning="low")),
        (ValueError, "^max_usd: the price of .* is unknown; .* prices ", lambda: Extractor("http://127.0.0.1:9/v1#m", max_usd=1)),
        (ValueError, "not an NCT number", lambda: next(fetch_records("NCT1"))),
        (TypeError, "is not the name of a model", lambda: Extractor(3)),
        (TypeError, "as a separate argument", lambda: next(read_records(["seeds/records"]))),
        (TypeError, "is not a record", lambda: Extractor().extract(3)),
    ],
)  # fmt: skip
def test_wrong_arguments_raise_errors_of_this_package_and_of_python(
    kind, problem, call
):
    with pytest.raises(ArgumentError, match=problem) as raised:
        call()
    assert isinstance(raised.value, kind)


def test_a_text_is_extracted_as_its_record_is():
    extraction = Extractor().extract_text(NOTE, title="A Trial", record_id="mine")
    record = make_record(NOTE, title="A Trial", record_id="mine")
    assert extraction == Extractor().extract(record)
    assert extraction.record_id == "mine"
    [criterion] = extraction.eligibility.criteria
    assert criterion.constraints[0].value == 7.5
    assert [endpoint.time_frame for endpoint in extraction.endpoints] == ["at 2 years"]
    for piece in (*criterion.evidence, *extraction.endpoints[0].evidence):
        start, end = record.section(piece.section).locate(piece.start, piece.end)
        assert NOTE[start:end] == piece.quote
    with pytest.raises(RecordError, match="contains no text"):
        Extractor().extract_text("")


def test_the_key_is_an_argument():
    with serve([completion('{"items": []}')]) as server:
        Extractor(server.spec, effort="full", key="a-key").extract(STUDY)
    assert server.headers[0]["authorization"] == "Bearer a-key"
