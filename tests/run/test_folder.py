"""A run's folder: what counts as done, order, totals, damage, foreign files, and replacing."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.records import write_distinct_records
from extractor.errors import SettingsDiffer, StoreError
from extractor.model.asking.reply_models import Reply
from extractor.model.calls import Call, PromptVersion
from extractor.model.completions import Completion, Ending
from extractor.model.store import State
from extractor.run.finished import find_run
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.tally import Tally, to_line
from extractor.schemas import (
    Criterion,
    Eligibility,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
    Usage,
)
from tests.commands import invoke, read_lines

SETTINGS = {"effort": "none", "min_confidence": 0.0, "model": None}
CRITERION = Criterion(section="eligibility", kind="inclusion", quote="Adults")
COST = Usage(questions=2, calls=1, prompt_tokens=100, output_tokens=10)
CALL = Usage(calls=1, prompt_tokens=100, output_tokens=10)
PROMPT = PromptVersion("questions", 1, "a" * 64)


def record(record_id, text="Adults", path="in.jsonl"):
    section = Section(name="eligibility", text=text)
    source = Source(path=path, format="flat")
    return TrialRecord(record_id=record_id, source=source, sections=(section,))


def line(record_id, *, lacking=False):
    eligibility = Eligibility(criteria=(CRITERION,))
    extraction = TrialExtraction(
        record_id=record_id, eligibility=eligibility, usage=COST
    )
    return to_line(extraction, lacking=lacking)


def call_model(folder, name, record_id=None):
    """Store a call in the folder, like a call to a model."""
    store = folder.calls()
    call = Call(PROMPT, "Read.", name, Reply, 100, record_id=record_id)
    number = store.begin(call, "m")
    store.end(number, State.ANSWERED, Completion(name, Ending.COMPLETE, CALL))


def take(folder, *records, lacking=()):
    """Extract records that are not done, with one call each. Returns the ids of those that are."""
    done = []
    for given in records:
        if folder.is_done(given):
            done.append(given.record_id)
            continue
        call_model(folder, given.record_id, given.record_id)
        folder.write(given, line(given.record_id, lacking=given.record_id in lacking))
    return done


def perform(
    path, *record_ids, failed=0, lost=0, inputs=("in.jsonl",), finished=True, **options
):
    """One invocation of a run with these records, ``failed`` failures and ``lost`` useless
    calls.
    """
    with RunFolder(path, SETTINGS, inputs=inputs) as folder:
        folder.begin()
        done = take(folder, *map(record, record_ids), **options)
        for number in range(lost):
            call_model(folder, f"lost {number}")
        if finished:
            folder.finish(Tally(resumed=len(done), failed=failed))
    return done


def manifest(path):
    return json.loads((path / "run.json").read_text("utf-8"))


def written(path):
    return [one["record_id"] for one in read_lines(path / "extractions.jsonl")]


def execute(path, sql):
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        connection.executescript(sql)


def test_the_manifest_has_the_totals_of_all_invocations_killed_ones_too(tmp_path):
    perform(tmp_path, "a", failed=2, lost=2, inputs=("one.jsonl",))
    first = manifest(tmp_path)
    perform(tmp_path, "a", "b", lost=1, inputs=("one.jsonl",), finished=False)
    perform(tmp_path, "a", "b", "c", inputs=("one.jsonl", "two.jsonl"))
    both = manifest(tmp_path)
    counts = {"extracted": 3, "lacking": 0, "resumed": 2, "failed": 0, "repeated": 0}
    assert both["records"] == counts
    assert both["items"]["criteria"] == 3
    spent = {"questions": 6, "calls": 6, "prompt_tokens": 600, "output_tokens": 60}
    assert both["usage"] == COST.model_dump() | spent
    assert both["inputs"] == [
        str(Path(n).absolute()) for n in ("one.jsonl", "two.jsonl")
    ]
    assert both["started"] == first["started"]
    assert both["seconds"] >= first["seconds"]


def test_files_end_in_input_order_whatever_came_first(tmp_path):
    perform(tmp_path, "a", "c")
    perform(tmp_path, "a", "b", "c")
    assert written(tmp_path) == ["a", "b", "c"]
    assert perform(tmp_path, "c", "a", "b") == ["c", "a", "b"]
    assert written(tmp_path) == ["c", "a", "b"]
    with RunFolder(tmp_path, SETTINGS) as folder:
        for name in "xyz":
            assert not folder.is_done(record(name))
        folder.write_failure({"record_id": "z"})
        folder.write_failure({"record_id": None, "path": "broken.json"})
        folder.write_failure({"record_id": "x"})
        folder.finish(Tally())
    failures = read_lines(tmp_path / "failures.jsonl")
    assert [failure["record_id"] for failure in failures] == ["x", "z", None]


def test_a_record_whose_text_has_changed_is_done_again_in_its_place(tmp_path):
    perform(tmp_path, "a", "b")
    with RunFolder(tmp_path, SETTINGS) as folder:
        assert take(folder, record("a", "Children"), record("b")) == ["b"]
        folder.finish(Tally())
    assert written(tmp_path) == ["a", "b"]
    assert manifest(tmp_path)["records"]["extracted"] == 2
    assert perform(tmp_path, "a") == []


def test_a_record_that_lacks_an_answer_is_asked_again(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        assert take(folder, record("a"), record("b"), lacking=("a",)) == []
        folder.finish(Tally())
    assert manifest(tmp_path)["records"]["lacking"] == 1
    assert perform(tmp_path, "a", "b") == ["b"]
    assert manifest(tmp_path)["records"]["lacking"] == 0
    assert written(tmp_path) == ["a", "b"]


def keep_settings(**more):
    settings = {"settings": {"effort": "none", "model": None}}
    return lambda path: (path / "run.json").write_text(json.dumps(settings | more))


def make_foreign(path):
    (path / "run.sqlite").unlink()
    execute(path, "CREATE TABLE t (x)")


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (
            lambda path: (path / "run.sqlite").write_text("no database, but long" * 50),
            "not a database",
        ),
        (
            lambda path: execute(path, "PRAGMA user_version=99"),
            "not a file of this version of this program",
        ),
        (make_foreign, "or name another folder"),
        (lambda path: (path / "run.sqlite").unlink(), "no run.sqlite"),
        (
            lambda path: (path / "run.json").unlink(),
            "has extractions.jsonl but no run.json; restore it, or use another --out",
        ),
        (lambda path: (path / "run.json").write_text("not json"), "another --out"),
        (keep_settings(usage=3), "another --out"),
        (keep_settings(records={"extracted": "many"}), "another --out"),
    ],
)
def test_a_foreign_or_broken_folder_is_refused_and_not_left_locked(
    tmp_path, change, reported
):
    perform(tmp_path, "a")
    change(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreError, match=reported):
            RunFolder(tmp_path, SETTINGS)


@pytest.mark.parametrize("name", ["extractions.jsonl", "failures.jsonl", "run.sqlite"])
def test_no_file_of_another_program_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(StoreError, match=f"has {name} but no run.json; restore it"):
        RunFolder(tmp_path, SETTINGS)
    assert (tmp_path / name).read_text("utf-8") == "mine"


ASKING = SETTINGS | {"effort": "all", "model": "m"}


def test_other_settings_are_refused(tmp_path):
    with RunFolder(tmp_path, ASKING) as folder:
        take(folder, record("a"))
        folder.finish(Tally())
    with pytest.raises(SettingsDiffer, match=r"effort was .*, is medium"):
        RunFolder(tmp_path, ASKING | {"effort": "medium"})
    assert written(tmp_path) == ["a"]


def test_a_folder_is_written_by_one_run_at_a_time(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.begin()
        with pytest.raises(StoreError, match="another process writes to it"):
            RunFolder(tmp_path, SETTINGS)
        assert find_run(tmp_path).incomplete == "0 records, still running"
    assert find_run(tmp_path).incomplete == "0 records, interrupted"
    perform(tmp_path, "a")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_a_full_disk_is_reported_with_the_files_name(tmp_path):
    perform(tmp_path)
    with RunFolder(tmp_path, SETTINGS) as folder:
        assert not folder.is_done(record("a"))
        (tmp_path / "extractions.jsonl").unlink()
        (tmp_path / "extractions.jsonl").symlink_to("/dev/full")
        with pytest.raises(StoreError, match=r"extractions.jsonl: No space left"):
            folder.write(record("a"), line("a"))


@pytest.mark.parametrize(
    ("stop", "state", "reported"),
    [
        (Stop.INTERRUPTED, "interrupted", "1 record, interrupted"),
        (Stop.BUDGET, "stopped", "1 record, stopped (the budget was reached)"),
    ],
)
def test_an_unfinished_run_states_the_reason(tmp_path, stop, state, reported):
    with RunFolder(tmp_path, SETTINGS, inputs=("in.jsonl",)) as folder:
        take(folder, record("a"))
        folder.finish(Tally(), stop)
    assert manifest(tmp_path)["state"] == state
    for given in (tmp_path, tmp_path / "extractions.jsonl"):
        assert find_run(given).incomplete == reported
    perform(tmp_path, "a", "b")
    assert find_run(tmp_path).incomplete is None


# --fresh moves the earlier run aside when the new one begins.


def list_files(folder):
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.suffix in (".jsonl", ".json", ".sqlite")
    }


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (("tests/records/studies.jsonl", "--limit", "1"), True),
        (("nowhere.json",), False),
        (("tests/records/studies.jsonl", "--model", "gpt-5-mini"), False),
    ],
)
def test_a_fresh_run_moves_the_earlier_one_aside_once_it_begins(
    tmp_path, words, begins, monkeypatch
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    folder = tmp_path / "keep"
    perform(folder, "a")
    before = list_files(folder)
    effort = () if "--model" in words else ("--effort", "none")
    invoke("run", *words, *effort, "--out", folder, "--fresh", "--quiet")
    kept = folder / "earlier-1"
    assert kept.exists() is begins
    assert list_files(kept if begins else folder) == before
    perform(folder if not begins else kept, "a")


def test_each_fresh_run_has_a_folder_of_its_own_for_the_one_before(tmp_path):
    for name in "abc":
        with RunFolder(tmp_path, SETTINGS, fresh=True) as folder:
            take(folder, record(name))
            folder.finish(Tally())
    assert written(tmp_path) == ["c"]
    assert [written(tmp_path / f"earlier-{n}") for n in (1, 2)] == [["a"], ["b"]]


# The file of results is what the store has.


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run, and its command."""
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", 8)
    words = ("run", folder / "records.jsonl", "--effort", "none", "--workers", "1")
    assert invoke(*words, "--out", folder / "run").exit_code == 0
    return folder / "run", (*words, "--quiet", "--out")


def change_lines(change):
    """Return damage to the list of lines, with their ends."""
    return lambda whole: b"".join(change(whole.splitlines(keepends=True)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:900] + bytes(100) + whole[1000:],
        lambda whole: re.sub(rb'"confidence":0\.\d', b'"confidence":0.1', whole),
        lambda whole: whole.replace(b"\n", b"\r\n"),
        lambda whole: b"\xef\xbb\xbf" + whole,
        change_lines(lambda lines: lines[:2] + lines[3:]),
        change_lines(lambda lines: lines[:3] + lines[2:]),
        change_lines(reversed),
        lambda whole: whole[:-200],
        lambda whole: whole + whole[:50],
        lambda _: b"",
    ],
    ids=range(10),
)
def test_a_damaged_file_of_results_is_written_again_and_hides_none(
    made, tmp_path, damage
):
    run, words = made
    out = shutil.copytree(run, tmp_path / "run")
    whole = (run / "extractions.jsonl").read_bytes()
    (out / "extractions.jsonl").write_bytes(damage(whole))
    assert b"".join(find_run(out).read_lines()) == whole
    assert invoke(*words, out).exit_code == 0
    assert (out / "extractions.jsonl").read_bytes() == whole
    assert manifest(out)["records"]["resumed"] == 8


def test_a_damaged_result_or_store_names_a_remedy(made, tmp_path):
    run, words = made
    out = shutil.copytree(run, tmp_path / "run")
    execute(out, "UPDATE records SET packed = x'00' WHERE record_id = 'NCT00000002'")
    (out / "extractions.jsonl").write_bytes(b"")
    done = invoke(*words, out)
    assert done.exit_code == 1
    assert "the result of NCT00000002 is damaged; run the same command" in done.stderr
    path = out / "run.sqlite"
    path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
    done = invoke(*words, out)
    assert done.exit_code == 1
    assert f"{path}: file is not a database; restore a backup, or keep" in done.stderr


@pytest.mark.parametrize(
    "change", [b"\r\n", b"\0\n"], ids=["git's line ends", "broken"]
)
def test_a_copy_of_the_file_alone_is_read_unless_a_line_is_broken(
    made, tmp_path, change
):
    copied = tmp_path / "copied.jsonl"
    whole = (made[0] / "extractions.jsonl").read_bytes()
    copied.write_bytes(whole.replace(b"\n", change))
    to = ("--to", tmp_path / "tables", "--format", "csv")
    done = invoke("export", copied, *to)
    assert done.exit_code == (b"\0" in change), done.stderr
    if b"\0" in change:
        assert "copied.jsonl, line 1: is" in done.stderr
