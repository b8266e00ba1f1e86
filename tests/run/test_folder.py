"""A run's folder: what counts as done, order, totals, damage, foreign files, and replacing."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.records import write_distinct_records
from extractor.errors import RepeatedRecord, SettingsDiffer, StoreError
from extractor.model.asking.reply_models import Reply
from extractor.model.calls import Call, PromptVersion
from extractor.model.completions import Completion, Ending
from extractor.model.store import State
from extractor.run.finished import find_run
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.tally import Tally, to_line
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Criterion,
    Eligibility,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
    Usage,
)
from tests.commands import extractor, invoke, read_lines

SETTINGS = {"effort": "none", "min_confidence": 0.0, "model": None}
CRITERION = Criterion(section="eligibility", kind="inclusion", quote="Adults")
COST = Usage(questions=2, calls=1, prompt_tokens=100, output_tokens=10)
CALL = Usage(calls=1, prompt_tokens=100, output_tokens=10)
PROMPT = PromptVersion("questions", 1, "a" * 64)


def record(record_id, text="Adults", path="in.jsonl"):
    section = Section(name="eligibility", text=text)
    source = Source(path=path, format="flat")
    return TrialRecord(record_id=record_id, source=source, sections=(section,))


def line(record_id, **parts):
    eligibility = Eligibility(criteria=(CRITERION,))
    return to_line(
        TrialExtraction(
            record_id=record_id, eligibility=eligibility, usage=COST, **parts
        )
    )


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
        folder.write(given, line(given.record_id), lacking=given.record_id in lacking)
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
    counts = {"extracted": 3, "lacking": 0, "left": 0, "resumed": 2, "failed": 0}
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
    perform(tmp_path, "a", "c", "elsewhere")
    perform(tmp_path, "a", "b", "c")
    assert written(tmp_path) == ["a", "b", "c", "elsewhere"]
    assert perform(tmp_path, "c", "a", "b") == ["c", "a", "b"]
    assert written(tmp_path) == ["c", "a", "b", "elsewhere"]
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
        assert folder.changed == 1
        folder.finish(Tally())
    assert written(tmp_path) == ["a", "b"]
    assert manifest(tmp_path)["records"]["extracted"] == 2
    assert perform(tmp_path, "a") == []


@pytest.mark.parametrize(
    ("path", "remedy"),
    [("in.jsonl", "leave one of the two out"), ("b.jsonl", "the earlier result stays")],
)
def test_another_text_with_a_known_id_is_refused(tmp_path, path, remedy):
    """From the same invocation, or from another file than in an earlier one."""
    if path != "in.jsonl":
        perform(tmp_path, "a")
    with RunFolder(tmp_path, SETTINGS) as folder:
        if path == "in.jsonl":
            take(folder, record("a"))
        with pytest.raises(RepeatedRecord, match=remedy):
            folder.is_done(record("a", "Children", path))


def test_a_record_that_lacks_an_answer_or_the_budget_for_it_is_asked_again(tmp_path):
    gap = Absence(field="dosing", reason=AbsenceReason.BUDGET_EXHAUSTED)
    with RunFolder(tmp_path, SETTINGS) as folder:
        assert take(folder, record("a"), record("b"), lacking=("a",)) == []
        assert not folder.is_done(record("c"))
        folder.write(record("c"), line("c", absences=(gap,)))
        folder.finish(Tally())
    assert manifest(tmp_path)["records"]["lacking"] == 2
    assert perform(tmp_path, "a", "b", "c") == ["b"]
    assert manifest(tmp_path)["records"]["lacking"] == 0
    assert written(tmp_path) == ["a", "b", "c"]


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
            "another version of this program",
        ),
        (make_foreign, "not a file of this program; name another folder"),
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


@pytest.mark.parametrize(
    "name", ["extractions.jsonl", "failures.jsonl", "repeated.jsonl", "run.sqlite"]
)
def test_no_file_of_another_program_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(StoreError, match=f"has {name} but no run.json; restore it"):
        RunFolder(tmp_path, SETTINGS)
    assert (tmp_path / name).read_text("utf-8") == "mine"


ASKING = SETTINGS | {"effort": "all", "model": "m"}
NO_ANSWER = "UPDATE calls SET answer = NULL, exchanges = 0;"
BATCH = NO_ANSWER + "INSERT INTO batches VALUES (1, 't', 1, '{}', '', 'f', '');"


@pytest.mark.parametrize(
    ("settings", "sql", "is_kept"),
    [
        (SETTINGS, "DELETE FROM calls", True),
        (SETTINGS, "DELETE FROM calls; DELETE FROM records", False),
        (ASKING, "", True),
        # its results are those of records without a question
        (ASKING, NO_ANSWER, False),
        # something was paid
        (ASKING, "UPDATE calls SET answer = NULL", True),
        (ASKING, BATCH.format("planned"), False),
        (ASKING, BATCH.format("sent"), True),
        # of an earlier version
        (ASKING, "DROP TABLE calls", True),
    ],
)
def test_other_settings_take_only_the_folder_of_a_run_without_worth(
    tmp_path, settings, sql, is_kept
):
    with RunFolder(tmp_path, settings) as folder:
        take(folder, record("a"))
        folder.finish(Tally())
    execute(tmp_path, sql)
    other = ASKING | {"effort": "medium"}
    if is_kept:
        with pytest.raises(SettingsDiffer, match=r"effort was .*, is medium"):
            RunFolder(tmp_path, other)
        return
    with RunFolder(tmp_path, other) as folder:
        take(folder, record("b"))
        folder.finish(Tally())
    assert written(tmp_path) == ["b"]
    assert manifest(tmp_path)["settings"]["effort"] == "medium"
    assert manifest(tmp_path)["usage"]["calls"] == 1


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


# --fresh keeps the earlier results until the new run has begun in earnest.


def list_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def keep(tmp_path):
    """A finished run of the rules."""
    folder = tmp_path / "keep"
    studies = str(Path("tests/records/studies.jsonl").resolve())
    words = ("run", studies, "--effort", "none", "--out", folder, "--quiet")
    assert invoke(*words).exit_code == 0
    return folder, studies


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        # no key; nobody answers there; no such provider
        ("{}", "--model", "gpt-5-mini"),
        ("{}", "--model", "http://127.0.0.1:9/v1#stub"),
        ("{}", "--model", "nobody/nothing"),
        ("{}", "--fields", "extractor.catalogue:Washoutt"),
        ("nowhere.json", "--effort", "none"),
        ("broken.json", "--effort", "none"),
    ],
)
def test_a_fresh_run_that_fails_keeps_the_earlier_results(keep, words, monkeypatch):
    folder, studies = keep
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(folder.parent)
    (folder.parent / "broken.json").write_text("[")
    before = list_files(folder)
    words = [word.format(studies) for word in words]
    result = invoke("run", *words, "--out", folder, "--fresh")
    assert result.exit_code in (1, 2, 75)
    assert list_files(folder) == before
    assert not (folder / ".earlier").exists()
    if "127.0.0.1" in words[-1]:
        assert "nothing was extracted; the earlier results stay" in result.stderr


def test_a_fresh_run_that_works_replaces_the_earlier_one(keep):
    folder, studies = keep
    words = ("--effort", "none", "--quiet", "--limit", "1", "--fresh")
    assert invoke("run", studies, "--out", folder, *words).exit_code == 0
    assert len(written(folder)) == 1
    assert not (folder / ".earlier").exists()


def test_after_a_kill_without_a_result_the_earlier_run_goes_on(tmp_path):
    perform(tmp_path, "a")
    copy = tmp_path / "copy"
    with RunFolder(tmp_path, SETTINGS, fresh=True) as new:
        new.begin()
        shutil.copytree(tmp_path, copy, ignore=lambda *_: {"copy", ".lock"})
    assert (copy / ".earlier").is_dir()
    with RunFolder(copy, SETTINGS) as again:
        assert again.is_done(record("a"))
    assert written(copy) == written(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("moved", "place"),
    [
        (["run.sqlite"], ".earlier"),
        (["run.sqlite", "extractions.jsonl", "failures.jsonl"], ".earlier"),
    ],
)
def test_after_a_kill_between_two_moves_nothing_is_lost(moved, place, tmp_path):
    perform(tmp_path, "a")
    before = list_files(tmp_path)
    (tmp_path / place).mkdir()
    for name in moved:
        (tmp_path / name).rename(tmp_path / place / name)
    with RunFolder(tmp_path, SETTINGS, fresh=True):
        pass
    assert list_files(tmp_path) == before


@pytest.mark.parametrize(
    ("settings", "answers", "is_replaced"),
    [(SETTINGS, False, True), (ASKING, True, True), (ASKING, False, False)],
)
def test_the_first_result_replaces_the_earlier_run_with_a_model_an_answer(
    tmp_path, settings, answers, is_replaced
):
    """The result of a record without a question may come before the key is refused."""
    perform(tmp_path, "a")
    with RunFolder(tmp_path, settings, fresh=True) as new:
        assert not new.is_done(record("b"))
        if answers:
            call_model(new, "x", "b")
        new.write(record("b"), line("b"))
    assert not (tmp_path / ".earlier").exists()
    assert written(tmp_path) == (["b"] if is_replaced else ["a"])


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
    execute(out, "UPDATE lines SET packed = x'00' WHERE record_id = 'NCT00000002'")
    (out / "extractions.jsonl").write_bytes(b"")
    done = invoke(*words, out)
    assert done.exit_code == 1
    assert "the result of NCT00000002 is damaged; run the same command" in done.stderr
    path = out / "run.sqlite"
    path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
    done = invoke(*words, out)
    assert done.exit_code == 1
    assert f"{path}: damaged (file is not a database)" in done.stderr
    assert f"(sqlite3 {path}.damaged .recover | sqlite3 {path})" in done.stderr


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


# Records that left the inputs.


@pytest.fixture
def records(tmp_path):
    """A folder with a file for each of 12 records."""
    folder = tmp_path / "records"
    folder.mkdir()
    write_distinct_records(tmp_path / "all.jsonl", 12)
    lines = (tmp_path / "all.jsonl").read_text("utf-8").splitlines()
    for number, one in enumerate(lines):
        (folder / f"{number:02}.json").write_text(one, "utf-8")
    return folder


def run(records, out, *more):
    words = ("run", records, "--effort", "none", "--workers", "1", "--out", out, *more)
    done = invoke(*words)
    return done.exit_code, done.stderr


def left(out):
    read = manifest(out)
    return read["records"]["extracted"], read["records"]["left"], read["left_ids"]


@pytest.mark.slow
def test_a_record_that_left_the_input_is_told_and_not_exported(records, tmp_path):
    out = tmp_path / "run"
    to = ("--to", tmp_path / "t", "--format", "jsonl", "--tables", "records", "--force")

    def export(*more):
        done = invoke("export", out, *to, *more)
        assert done.exit_code == 0, done.output
        return len(read_lines(tmp_path / "t" / "records.jsonl")), done.stderr

    assert run(records, out)[0] == 0
    kept = (records / "05.json").read_text("utf-8")
    (records / "05.json").unlink()
    code, said = run(records, out)
    assert code == 0
    assert "are not in the input now: 1 (NCT00000005); readers leave them out" in said
    assert left(out) == (12, 1, ["NCT00000005"])
    assert len(written(out)) == 12
    count, said = export()
    assert count == 11
    assert "1 result of records that left its input" in said
    assert export("--removed")[0] == 12
    (records / "05.json").write_text(kept, "utf-8")
    run(records, out)
    assert left(out) == (12, 0, [])
    # one whose new text fails is not taken for the old one
    longer = kept.replace('"briefTitle": "', '"briefTitle": "' + "word " * 500_000)
    (records / "05.json").write_text(longer, "utf-8")
    assert run(records, out)[0] == 1
    assert left(out)[1:] == (1, ["NCT00000005"])


@pytest.mark.slow
def test_only_inputs_that_were_read_to_their_end_tell_what_left(records, tmp_path):
    """Another input of the same folder, a limit, a file that cannot be read now, and a stream
    tell nothing.
    """
    out = tmp_path / "run"
    other = tmp_path / "other"
    other.mkdir()
    assert run(records, out)[0] == 0
    shutil.move(records / "07.json", other / "07.json")
    run(other, out)
    assert left(out)[1:] == (0, [])
    run(records, out, "--limit", "3")
    assert left(out)[1:] == (0, [])
    (records / "03.json").write_text("{broken", "utf-8")
    assert run(records, out)[0] == 1
    assert left(out)[1:] == (0, [])
    words = ("run", "-", "--effort", "none", "--out", tmp_path / "piped")
    for one in (tmp_path / "all.jsonl").read_bytes().splitlines()[:2]:
        assert extractor(*words, stdin=one).returncode == 0
    assert left(tmp_path / "piped") == (2, 0, [])
