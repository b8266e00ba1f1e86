"""``Extractor.run``: what it takes, its tables, failures, cost and folder."""

import json
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pytest

from extractor import Extractor, make_record, read_records
from extractor.apps.export import tabulate
from extractor.errors import ArgumentError, StoreError, WrongType
from extractor.formats import read_stream
from extractor.run.finished import FinishedRun, TextState
from tests.commands import extractor
from tests.faults.server import serve_faults

STUDIES = "tests/records/studies.jsonl"
FILE = "tests/records/study.json"
STUDY = json.loads(Path(FILE).read_text("utf-8"))
RULES = Extractor(effort="none")
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"


@pytest.fixture(scope="module")
def results():
    return RULES.run(STUDIES)


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


async def test_records_are_extracted_where_an_event_loop_runs(tmp_path):
    """As in a notebook; the second run goes on in the same folder."""
    for limit in (1, 2):
        results = RULES.run(STUDIES, out=tmp_path / "run", limit=limit)
        assert len(results.extractions) == limit


READ = {
    "pandas": lambda frame: frame.to_dict("records"),
    "polars": lambda frame: frame.to_dicts(),
    "arrow": lambda frame: frame.to_pylist(),
}


@pytest.mark.parametrize("to", READ)
def test_tables_have_the_same_rows_as_in_memory(results, to):
    expected = tabulate(results.extractions, read_records(STUDIES))
    for name, rows in expected.items():
        frame = results.table(name, to=to)
        if to == "pandas":
            frame = frame.astype(object).where(frame.notna(), None)
        assert READ[to](frame) == rows, name


def test_tables_without_rows_have_typed_columns(tmp_path):
    table = RULES.run(make_record("Inclusion criteria\n- Consent")).table("constraints")
    assert len(table) == 0
    kinds = [str(table[name].dtype) for name in ("unit", "value", "criterion_index")]
    assert kinds == ["str", "float64", "Int64"]
    results = RULES.run([], out=tmp_path / "none")
    assert (len(results.table("records")), results.failures) == (0, [])
    manifest = json.loads((tmp_path / "none" / "run.json").read_text("utf-8"))
    assert manifest["state"] == "complete"


NOTE = make_record(
    "Inclusion criteria:\r\n- HbA1c of at least 7.5 \N{HEAVY CHECK MARK} %",
    title="A Trial",
    record_id="note",
)
STREAMED = next(read_stream("gone.xml", BytesIO(Path(FILE).read_bytes())))


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
    count = len(results)
    with pytest.raises(StoreError, match="name a file in another place"):
        results.save(folder)
    del results  # the temporary folder goes
    reread = list(FinishedRun(folder).reread())
    assert [earlier.text for earlier in reread] == [TextState.SAME] * count
    for earlier in reread:
        if earlier.record_id == NOTE.record_id:
            assert earlier.record.sections == NOTE.sections
    words = ("export", str(folder), "--to", str(tmp_path / "tables"), "--format", "csv")
    exported = extractor(*words)
    assert exported.returncode == 0, exported.stderr
    assert b"inputs are missing" not in exported.stderr
    assert extractor("report", str(folder)).returncode == 0


async def test_a_run_has_its_dollars_and_keeps_what_it_has_at_its_limit(tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")
    priced = {"effort": "all", "prices": tmp_path / "prices.toml"}
    with serve_faults() as server:
        model = f"{server.url}#stub"
        asking = Extractor(model, **priced)
        usage = asking.run(STUDY).usage
        assert usage.calls > 0
        assert usage.usd == asking.price(usage) > 0
        assert Extractor(model, effort="all").run(STUDY).usage.usd is None
        limited = Extractor(model, max_usd=0.000001, **priced)
        with pytest.warns(UserWarning, match="the run is not complete: .*are spent"):
            results = limited.run(STUDIES)
    assert "are spent" in results.stopped
    assert results.extractions
    assert results.usage.usd == 0.0


def test_a_run_without_any_of_its_files_is_refused(tmp_path):
    missing = r"^studys.jsonl: there is no such file or folder; check the path$"
    with pytest.raises(ArgumentError, match=missing):
        RULES.run("studys.jsonl", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    results = RULES.run(["studys.jsonl", next(read_records(FILE))])
    assert (len(results), len(results.failures)) == (1, 1)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (3, "int is no record; give files, folders, records or dictionaries"),
        ([None], "NoneType is no record; give files, folders, records or"),
        (Extractor().table("records", FILE), "^DataFrame is no record; give a column"),
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


def test_nothing_is_shown_when_piped(capsys):
    assert import_module("ipykernel")  # a process that only imports it is no notebook
    RULES.run(STUDIES)
    assert capsys.readouterr() == ("", "")


def test_the_id_of_a_text_is_its_own_or_the_one_that_is_given():
    text = "NCT01234567\nInclusion Criteria:\n- Adults"
    assert make_record(text).record_id == "NCT01234567"
    assert make_record(text, record_id="A").record_id == "A"
    rows = [{"text": text, "record_id": 0}, {"text": "", "record_id": 2}]
    results = Extractor().run(rows)
    assert [result.record_id for result in results] == ["0"]
    assert results.failures[0]["message"].startswith("given, item 2, 2: ")
    with pytest.warns(UserWarning, match="^no record could be extracted: given, item"):
        assert len(Extractor().run([{"text": ""}])) == 0
