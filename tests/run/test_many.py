"""Many records in Python: what goes on, what is told, and the tables and the folder that come of
it.
"""

import gzip
import json
import subprocess
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from extractor import Extractor, make_record, read_records
from extractor.apps.export import frames, list_tables, tabulate
from extractor.errors import (
    ArgumentError,
    MissingExtra,
    ModelUnavailable,
    StoreError,
    WrongType,
)
from extractor.formats import read_stream
from extractor.run.finished import FinishedRun, TextState
from tests.commands import extractor
from tests.faults.server import serve_faults

STUDIES = "tests/records/studies.jsonl"
STUDY = json.loads(Path("tests/records/study.json").read_text("utf-8"))
RULES = Extractor(effort="none")


@pytest.fixture(scope="module")
def results():
    return RULES.run(STUDIES)


def test_a_failed_record_stops_no_other(tmp_path):
    lines = Path(STUDIES).read_text("utf-8").splitlines()
    (tmp_path / "trials.jsonl").write_text(
        "\n".join([lines[0], '{"protocolSection": {}}', lines[1]]), "utf-8"
    )
    results = RULES.run(tmp_path / "trials.jsonl")
    assert len(results.extractions) == 2
    [failure] = results.failures
    assert failure["path"] == str(tmp_path / "trials.jsonl")
    assert failure["place"]
    assert failure["message"].count(";") >= 1
    assert repr(results) == "<Results of 2 records, 1 failed>"


@pytest.mark.parametrize(
    "given",
    [
        "tests/records/study.json",
        Path("tests/records/study.json"),
        STUDY,
        [STUDY],
        next(read_records("tests/records/study.json")),
        read_records("tests/records/study.json"),
        ["tests/records/study.json", STUDY],
    ],
    ids=["path", "Path", "dictionary", "dictionaries", "record", "records", "twice"],
)
def test_records_are_taken_in_every_form(given):
    results = RULES.run(given)
    assert [extraction.record_id for extraction in results.extractions] == [
        next(read_records("tests/records/study.json")).record_id
    ]
    assert results.failures == []
    assert results.table("records")["phases"].notna().all()


async def test_records_are_extracted_where_an_event_loop_runs(tmp_path):
    """As in a notebook; the second run goes on in the same folder."""
    for _ in range(2):
        assert len(RULES.run(STUDIES, out=tmp_path / "run").extractions) == 2


@pytest.mark.parametrize("to", ["pandas", "polars", "arrow"])
def test_tables_hold_the_same_rows_as_in_memory(results, to):
    expected = tabulate(results.extractions, read_records(STUDIES))

    tables = results.tables(to=to)

    assert list(tables) == [table.name for table in list_tables()]
    for name, rows in expected.items():
        frame = tables[name]
        if to == "pandas":
            records = frame.astype(object).where(frame.notna(), None).to_dict("records")
        else:
            records = frame.to_dicts() if to == "polars" else frame.to_pylist()
        assert records == rows, name


def test_a_table_without_rows_has_typed_columns():
    results = RULES.run(make_record("Inclusion criteria\n- Consent"))

    table = results.table("constraints")

    assert len(table) == 0
    assert [
        str(table[name].dtype) for name in ("unit", "value", "criterion_index")
    ] == [
        "str",
        "float64",
        "Int64",
    ]


def test_a_missing_library_names_its_extra(results, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(frames, "import_module", refuse)
        with pytest.raises(MissingExtra, match=r"pip install '\.\[polars\]'"):
            results.table("constraints", to="polars")
    with pytest.raises(ValueError, match="did you mean pandas"):
        results.table("constraints", to="panda")
    with pytest.raises(ValueError, match="did you mean constraints"):
        results.table("constraint")


def refuse(name):
    raise ImportError(name)


NOTE = make_record(
    "Inclusion criteria:\r\n- HbA1c of at least 7.5 \N{HEAVY CHECK MARK} %",
    title="A Trial",
    record_id="note",
)
STREAMED = next(
    read_stream("gone.xml", BytesIO(Path("tests/records/study.json").read_bytes()))
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [STUDIES, [STUDY], [NOTE, STUDY, STUDIES], STREAMED],
    ids=["files", "dictionaries", "mixed", "stream"],
)
def test_commands_take_a_saved_run(given, tmp_path):
    results = RULES.run(given)
    assert results.failures == []
    folder = results.save(tmp_path / "saved")
    reread = list(FinishedRun(folder).reread())
    assert [earlier.text for earlier in reread] == [TextState.SAME] * len(
        results.extractions
    )
    for earlier in reread:
        if earlier.record_id == NOTE.record_id:
            assert earlier.record.sections == NOTE.sections
    exported = extractor(
        "export", str(folder), "--to", str(tmp_path / "tables"), "--format", "csv"
    )
    assert exported.returncode == 0, exported.stderr
    assert b"inputs are missing" not in exported.stderr
    assert extractor("report", str(folder)).returncode == 0
    with pytest.raises(StoreError, match="name a new folder"):
        RULES.run(given).save(folder)


async def test_usage_has_dollars_where_the_price_is_known(tmp_path):
    (tmp_path / "prices.toml").write_text(
        "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8"
    )
    with serve_faults() as server:
        for prices in ((), tmp_path / "prices.toml"):
            asking = Extractor(f"{server.url}#stub", effort="all", prices=prices)
            usage = asking.run(STUDY).usage
            assert usage.calls > 0
            assert usage.usd == asking.price(usage)
            assert (usage.usd is None) is (prices == ())


async def test_a_run_whose_money_is_spent_keeps_what_it_has(tmp_path):
    (tmp_path / "prices.toml").write_text(
        "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8"
    )

    with serve_faults() as server:
        prices = tmp_path / "prices.toml"
        results = Extractor(
            f"{server.url}#stub", effort="all", max_usd=0.000001, prices=prices
        ).run(STUDIES)

    assert "are spent" in results.stopped
    assert results.extractions
    assert results.usage.usd == 0.0


@pytest.mark.slow
def test_a_model_that_is_not_there_is_an_error():
    with pytest.raises(ModelUnavailable):
        Extractor("http://127.0.0.1:9/v1#none", effort="all").run(STUDY)


def test_a_run_without_any_of_its_files_is_refused(tmp_path):
    with pytest.raises(
        ArgumentError,
        match=r"^studys.jsonl: there is no such file or folder; check the path$",
    ):
        RULES.run("studys.jsonl", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    results = RULES.run(
        ["studys.jsonl", next(read_records("tests/records/study.json"))]
    )
    assert len(results) == 1
    assert len(results.failures) == 1


def test_a_refused_run_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for wrong in ("studys.jsonl", 3, [STUDY, 3]):
        with pytest.raises(ArgumentError):
            RULES.run(wrong)
    assert list(tmp_path.iterdir()) == []


def test_a_repeated_record_is_named():
    results = RULES.run([STUDIES, STUDIES])
    assert [repeated["same_text"] for repeated in results.repeated] == [True, True]
    assert repr(results) == "<Results of 2 records, 0 failed, 2 repeated>"
    assert [result.record_id for result in results] == [
        extraction.record_id for extraction in results.extractions
    ]


def test_a_table_of_another_library_is_no_list_of_records(results):
    with pytest.raises(
        WrongType, match=r"^DataFrame is no record; give a column of texts"
    ):
        RULES.run(results.table("records"))


@pytest.mark.slow
def test_a_script_without_its_main_line_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    study = str(Path("tests/records/study.json").absolute())
    many = (
        f"[{study!r}] + [make_record(f'Inclusion criteria: age {{n}} years', "
        f"record_id=f'r{{n}}') for n in range(40)]"
    )
    script.write_text(
        f"from extractor import Extractor, make_record\nExtractor().run({many}, workers=2)\n",
        "utf-8",
    )

    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert (
        'a script with more than one calls run below `if __name__ == "__main__":`'
        in done.stderr
    )


def test_nothing_is_shown_when_piped(results, capsys):
    assert import_module("ipykernel")  # a process that only imports it is no notebook
    RULES.run(STUDIES)
    assert capsys.readouterr() == ("", "")


def test_a_compressed_file_is_read(tmp_path):
    path = tmp_path / "studies.jsonl.gz"

    path.write_bytes(gzip.compress(Path(STUDIES).read_bytes()))

    assert len(RULES.run(path).extractions) == 2
    assert len(RULES.run(path, limit=1).extractions) == 1


def test_a_run_without_records_has_empty_tables(tmp_path):
    results = RULES.run([], out=tmp_path / "none")
    assert results.extractions == []
    assert results.failures == []
    assert len(results.table("records")) == 0
    assert (
        json.loads((tmp_path / "none" / "run.json").read_text("utf-8"))["state"]
        == "complete"
    )


@pytest.mark.parametrize("given", [3, [3], [None]])
def test_what_is_no_record_is_refused(given):
    with pytest.raises(
        ValueError, match="is no record; give files, folders, records or dictionaries"
    ):
        RULES.run(given)


def test_an_id_that_is_given_wins_and_a_column_names_its_rows():
    text = "NCT01234567\nInclusion Criteria:\n- Adults"
    assert make_record(text).record_id == "NCT01234567"
    assert make_record(text, record_id="A").record_id == "A"
    assert make_record(text, record_id=7).record_id == "7"
    rows = [{"text": text, "record_id": 1}, {"text": "", "record_id": 2}]
    results = Extractor().run(rows)
    assert [result.record_id for result in results] == ["1"]
    assert results.failures[0]["message"].startswith("given, item 2, 2: ")
    column = pd.Series(["Adults", "No HIV"], index=["a", "b"])
    table = Extractor().table("criteria", column, section="eligibility")
    assert table["record_id"].tolist() == ["a", "b"]


def test_a_run_without_any_result_warns():
    with pytest.warns(
        UserWarning, match="no record could be extracted: given, item 1: "
    ):
        assert len(Extractor().run([{"text": ""}])) == 0


@pytest.mark.slow
def test_exports_are_those_of_the_command(tmp_path):
    results = Extractor().run("seeds/records")
    counts = results.export(tmp_path / "fhir", file_format="fhir")
    assert counts["ResearchStudy"] == 5
    folder = str(results.folder)
    extractor("export", folder, "--to", str(tmp_path / "same"), "--format", "fhir")
    for made in (tmp_path / "same").iterdir():
        other = tmp_path / "fhir" / made.name
        assert len(other.read_bytes().splitlines()) == len(
            made.read_bytes().splitlines()
        )
    assert "regimens" not in results.export(
        tmp_path / "csv", file_format="csv", tasks=["endpoints"]
    )
    with pytest.raises(ValueError, match="tables: FHIR has none"):
        results.export(tmp_path / "x", file_format="fhir", tables=["criteria"])
    with pytest.raises(ValueError, match="no finished record of this run"):
        results.export(tmp_path / "y.xlsx", gold=tmp_path)
    page = tmp_path / "page.html"
    results.evaluate("seeds/gold", resamples=0, page=page)
    assert page.read_text("utf-8").startswith("<!doctype html>")
