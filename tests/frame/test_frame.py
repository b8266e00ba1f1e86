"""What a data frame of records becomes: the bytes of a run, errors in rows, money, and pickles."""

import csv
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from extractor import ExtractFrame, read_results
from extractor.errors import ArgumentError, ModelUnavailable, WrongType
from extractor.model import sending
from tests.commands import invoke
from tests.llm.stub import completion, fault, items, serve
from tests.stand_ins import serve_counting, write_distinct_records, write_open_records

STUDIES = Path("tests/records/studies.jsonl").read_text("utf-8").splitlines()
STUDY = json.loads(STUDIES[0])
TEXT = "Inclusion criteria:\n- HbA1c > 7.5 %"
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
KEY = "sk-test-8d2b60ce91f3a7c4"


def run(source, folder, *options):
    """The lines of a run's extractions."""
    done = invoke("run", source, "--out", folder, "--quiet", "--workers", 1, *options)
    assert done.exit_code == 0, done.output
    return (folder / "extractions.jsonl").read_text("utf-8").splitlines()


def read_frame(source, lines):
    """A file's records as a data frame that states where a run found them."""
    if source.suffix == ".csv":
        with source.open(newline="") as file:
            frame = pd.DataFrame(list(csv.DictReader(file)))
    else:
        frame = pd.DataFrame({"record": source.read_text("utf-8").splitlines()})
    sources = [json.loads(line)["source"] for line in lines]
    return frame.assign(
        path=[one["path"] for one in sources], place=[one["place"] for one in sources]
    )


@pytest.mark.parametrize("name", ["studies.jsonl", "studies.csv"])
def test_extractions_have_the_bytes_of_a_run(name, tmp_path):
    source = Path("tests/records", name)
    lines = run(source, tmp_path / "run")

    rows = ExtractFrame()(read_frame(source, lines))

    assert list(rows["extraction"]) == lines
    assert rows["error"].isna().all()
    assert rows[["usd", "prompt_tokens", "output_tokens"]].to_numpy().sum() == 0


class Failing:
    """An object of the caller that cannot be read in any way."""

    def __str__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (STUDIES[0], ["NCT90000006"]),
        (STUDIES[0].encode(), ["NCT90000006"]),
        (STUDY, ["NCT90000006"]),
        (f"[{STUDIES[0]}, {STUDIES[1]}]", ["NCT90000006", "NCT90000007"]),
        (f"{STUDIES[0]}\n{{\n{STUDIES[1]}", ["NCT90000006", "broken JSON", "NCT90000007"]),
        (TEXT, ["text-c25625c8"]),
        ("not json at all", ["text-92628a74"]),
        ('The arm "A": see [the "protocol"]', ["text-eb9379a1"]),
        ("true", ["neither a study nor a text"]),
        ('"Adults"', ["neither a study nor a text"]),
        (STUDIES[0][:700], ["broken JSON"]),
        (STUDIES[0][720:], ["broken JSON"]),
        (STUDIES[0][720:900], ["broken JSON"]),
        (STUDIES[0][-20:], ["neither a study nor a text"]),
        ("[]", ["contains no record"]),
        ("", ["the row contains no record; fill its column record, or drop the row"]),
        (None, ["the row contains no record"]),
        ("null", ["the row contains no record"]),
        (float("nan"), ["the row contains no record"]),
        ("{}", ["neither a study nor a text"]),
        ("\ud800", ["damaged or cannot be read"]),
        (7, ["int is not a record; pass its text"]),
        (np.array([1, 2]), ["a cell cannot be read (ValueError)"]),
        (Failing(), ["a cell cannot be read (RuntimeError)"]),
        ({"protocolSection": object()}, ["cannot be written as JSON"]),
        (json.dumps({"text": TEXT, "record_id": "\ud800"}), ["not valid Unicode"]),
    ],
)  # fmt: skip
def test_each_row_becomes_its_records_or_an_error(cell, found):
    cells = {"record": [STUDIES[1], cell, STUDIES[1]]}
    frame = pd.DataFrame(cells, index=[7, 8, 9], dtype=object)

    rows = ExtractFrame()(frame)

    assert list(rows.index) == [7, *[8] * len(found), 9]
    assert dict(rows.dtypes.astype(str)) == ExtractFrame.columns
    assert list(rows["record_id"].iloc[[0, -1]]) == ["NCT90000007"] * 2
    for expected, row in zip(found, rows.iloc[1:-1].itertuples(), strict=True):
        if pd.isna(row.error):
            assert row.record_id == expected
            assert json.loads(row.extraction)["record_id"] == expected
        else:
            assert row.error.startswith("RecordError: <record>")
            assert expected in row.error
            assert pd.isna(row.extraction)


@pytest.mark.parametrize("column", ["record_id", "path", "place", "criteria"])
@pytest.mark.parametrize("cell", [10**5000, Failing()], ids=["long", "failing"])
def test_a_cell_that_cannot_be_read_costs_its_row_alone(column, cell):
    record = "criteria" if column == "criteria" else "record"
    frame = pd.DataFrame({record: [TEXT, TEXT], column: [TEXT, None]}, dtype=object)
    frame.loc[1, column] = cell
    first, second = ExtractFrame()(frame)["error"]
    assert pd.isna(first)
    assert "a cell cannot be read" in second


def test_a_row_names_its_record_and_its_source():
    columns = {
        "record": [STUDIES[0], TEXT, '{"A":', f"[{STUDIES[0]}, {STUDIES[1]}]"],
        "record_id": ["A", 2, "C", "D"],
        "path": "trials",
        "place": ["row 1", None, "row 3", None],
    }
    rows = ExtractFrame()(pd.DataFrame(columns))

    assert list(rows["record_id"]) == ["A", "2", "C", "NCT90000006", "NCT90000007"]
    assert rows["error"][2].startswith("RecordError: trials, row 3, character 5: ")
    sources = [json.loads(line)["source"] for line in rows["extraction"].dropna()]
    assert [one["place"] for one in sources[:2]] == ["row 1", None]
    assert {one["path"] for one in sources} == {"trials"}


def test_a_whole_number_keeps_its_digits_as_an_id():
    frame = pd.DataFrame({"record": [TEXT, TEXT, TEXT], "record_id": [17, None, 1.5]})
    first, _, last = ExtractFrame()(frame)["record_id"]
    assert (first, last) == ("17", "1.5")


def test_a_failed_row_is_found_by_its_id():
    number = {"identificationModule": {"nctId": "NCT90000050"}}
    records = [json.dumps({"protocolSection": number}), "{broken", None]
    rows = ExtractFrame()(pd.DataFrame({"record": records}))
    assert rows["error"].notna().all()
    assert [*rows["record_id"].fillna("")] == ["NCT90000050", "text-be302461", ""]
    rows = ExtractFrame()(pd.DataFrame({"nct_id": ["NCT90000050"], "title": [""]}))
    assert [*rows["record_id"]] == ["NCT90000050"]


@pytest.mark.parametrize("column", ["record", "criteria"])
@pytest.mark.parametrize("source", [{}, {"path": "trials.jsonl", "place": "line 3"}])
def test_texts_without_an_id_keep_apart_when_they_are_read_back(
    column, source, tmp_path
):
    texts = [f"Inclusion criteria:\n- HbA1c > {limit} %" for limit in (6, 7, 8)]
    found = ExtractFrame()(pd.DataFrame({column: texts}).assign(**source))
    assert found.record_id.str.fullmatch("text-[0-9a-f]{8}").all()
    stored = tmp_path / "extractions.jsonl"
    stored.write_text("\n".join(found.extraction) + "\n")
    assert [one.record_id for one in read_results(stored)] == list(found.record_id)
    assert len(set(found.record_id)) == 3


def test_a_frame_without_records_is_read_by_its_columns():
    cells = {"record_id": ["A", "B"], "age": [7, 8], "title": ["A trial", None]}
    cells["criteria"] = ["Age, sex\ntitle, condition, sex\nHbA1c > 7.5 %", None]
    rows = ExtractFrame(tasks="eligibility")(pd.DataFrame(cells))

    assert list(rows["record_id"]) == ["A", "B"]
    criteria = json.loads(rows["extraction"][0])["eligibility"]["criteria"]
    assert criteria[-1]["constraints"][0]["value"] == 7.5
    assert "contains no text" in rows["error"][1]


@pytest.mark.parametrize("frame", [pd.DataFrame({"record": []}), pd.DataFrame()])
def test_no_rows_make_a_frame_with_the_same_columns(frame):
    rows = ExtractFrame()(frame)
    assert rows.empty
    assert dict(rows.dtypes.astype(str)) == ExtractFrame.columns


@pytest.mark.parametrize(
    ("call", "error", "problem"),
    [
        (lambda: ExtractFrame()(pd.DataFrame({"note": ["a"]})), ArgumentError, "neither the column record.*after their section"),
        (lambda: ExtractFrame()(pd.DataFrame(index=[0])), ArgumentError, "neither the column record"),
        (lambda: ExtractFrame()([STUDY]), WrongType, 'list is not a pandas data frame; .*"pandas"'),
        (lambda: ExtractFrame(key=KEY), ArgumentError, "key: .*environment"),
        (lambda: ExtractFrame(7), WrongType, "int is not the name of a model"),
        (lambda: ExtractFrame(efort="none"), ArgumentError, "efort: no such option"),
        (lambda: ExtractFrame(concurrency=0), ArgumentError, "concurrency"),
        (lambda: ExtractFrame("http://127.0.0.1:9/v1#stub", max_usd=1), ArgumentError, "price"),
    ],
)  # fmt: skip
def test_what_concerns_all_records_is_raised(call, error, problem):
    with pytest.raises(error, match=problem) as raised:
        call()
    assert KEY not in str(raised.value)


# A model


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(PRICES, "utf-8")
    return path


def write_criteria_of_their_own(path):
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for number, record in enumerate(records):
        module = record["protocolSection"]["eligibilityModule"]
        module["eligibilityCriteria"] += f"\n* Enrolled in part {number} before"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")


def test_a_model_is_opened_once_and_asked_as_in_a_run(tmp_path, prices):
    source = tmp_path / "records.jsonl"
    write_distinct_records(source, 6)
    # a run asks a question that several records share once
    write_criteria_of_their_own(source)
    with serve_counting() as server:
        model = f"{server.url}#stub"
        lines = run(source, tmp_path / "run", "--model", model, "--effort", "full")
        frame = read_frame(source, lines)
        asked = server.asked.copy()
        server.asked.clear()
        server.tokens.clear()
        extract = ExtractFrame(model, effort="full", prices=prices, concurrency=2)
        with patch.object(sending, "open_client", wraps=sending.open_client) as opened:
            parts = [extract(frame[:4]), pickle.loads(pickle.dumps(extract))(frame[4:])]
        rows = pd.concat(parts)

        assert opened.call_count == 1
        assert server.asked == asked
    assert list(rows["extraction"]) == lines
    tokens = (rows["prompt_tokens"].sum(), rows["output_tokens"].sum())
    assert tokens == (
        server.tokens["prompt_tokens"],
        server.tokens["completion_tokens"],
    )
    assert rows["usd"].sum() == pytest.approx((tokens[0] * 2 + tokens[1] * 10) / 1e6)
    # the stand-in leaves questions without a usable answer
    lacking = [json.loads(line)["usage"]["unanswered"] > 0 for line in lines]
    assert any(lacking)
    assert rows["error"].notna()[lacking].all()


def test_the_budget_of_an_instance_is_kept_by_its_copies_and_threads(tmp_path, prices):
    source = tmp_path / "records.jsonl"
    write_open_records(source, 24)
    frame = pd.DataFrame({"record": source.read_text("utf-8").splitlines()})
    with serve_counting() as server:
        model = f"{server.url}#stub"
        extract = ExtractFrame(model, prices=prices, max_usd=0.08)
        copy = pickle.loads(pickle.dumps(extract))
        parts = []
        threads = [
            Thread(target=lambda one=one, part=part: parts.append(one(part)))
            for one, part in ((extract, frame[:12]), (copy, frame[12:]))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        calls = server.calls
        again = extract(frame[:2])

        assert 0 < calls < 24
        assert server.calls == calls
    rows = pd.concat([*parts, again])
    assert len(rows) == 26
    assert 0 < rows["usd"].sum() <= 0.08
    spent = rows["error"].str.startswith("BudgetReached: $0.0", na=False)
    assert spent.sum() >= 26 - calls
    assert rows["extraction"].notna().all()


def test_a_key_is_neither_in_pickles_nor_in_errors(monkeypatch):
    monkeypatch.setenv("EXTRACTOR_MODEL_TOKEN", KEY)
    script = [completion(items()), fault(400, f"the key {KEY} is odd")]
    frame = pd.DataFrame({"record": STUDIES})
    with serve(script) as server:
        extract = ExtractFrame(f"{server.url}#stub", effort="full", concurrency=1)
        rows = extract(frame)
        assert f"Bearer {KEY}" in str(server.headers)
        assert KEY.encode() not in pickle.dumps(extract)
        monkeypatch.setenv("EXTRACTOR_MODEL", "http://other.test/v1#stub")
        with pytest.warns(UserWarning, match="is not sent to 127"):
            ExtractFrame(f"{server.url}#stub")
    assert "is odd" in rows["error"].iloc[-1]
    assert not rows["error"].str.contains(KEY).any()


def test_a_credential_among_the_options_cannot_be_pickled():
    headers = {"extra_headers": {"X-Api-Key": KEY}}
    extract = ExtractFrame("http://127.0.0.1:9/v1#stub", model_options=headers)
    with pytest.raises(ArgumentError, match=r"model_options: .* credential") as raised:
        pickle.dumps(extract)
    assert KEY not in str(raised.value)


def test_a_model_that_never_worked_raises_instead_of_filling_rows(monkeypatch):
    frame = pd.DataFrame({"record": STUDIES})
    with (
        serve([fault(401, f"wrong key {KEY}")]) as server,
        pytest.raises(
            ModelUnavailable, match="HTTP 401, the key is missing or wrong"
        ) as raised,
    ):
        ExtractFrame(f"{server.url}#stub", effort="full")(frame)
    assert KEY not in str(raised.value)
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY"):
        ExtractFrame("gpt-5-mini", effort="full")(frame)


def test_an_instance_works_in_another_process(tmp_path):
    extract = ExtractFrame(effort="none", min_confidence=0.5)
    frame = pd.DataFrame({"record": STUDIES})
    expected = extract(frame)
    (tmp_path / "in").write_bytes(pickle.dumps((extract, frame)))
    code = (
        "import pickle, sys; extract, frame = pickle.load(open('in', 'rb'))\n"
        "pickle.dump(extract(frame), open('out', 'wb'))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True
    )
    pd.testing.assert_frame_equal(
        pickle.loads((tmp_path / "out").read_bytes()), expected
    )
