import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from extractor.errors import SettingsDiffer, StoreError
from extractor.evidence.drafts import Chunk, Span
from extractor.model.asking.questions import Question, Session
from extractor.model.asking.reply_models import Item as ReplyItem
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
    Task,
    TrialExtraction,
    TrialRecord,
    Usage,
)

SETTINGS = {"effort": "none", "min_confidence": 0.0, "model": None}
CRITERION = Criterion(section="eligibility", kind="inclusion", quote="Adults")
COST = Usage(questions=2, calls=1, prompt_tokens=100, output_tokens=10)
CALL = Usage(calls=1, prompt_tokens=100, output_tokens=10)
PROMPT = PromptVersion("questions", 1, "a" * 64)


def record(record_id, text="Adults", path="in.jsonl"):
    section = Section(name="eligibility", text=text)
    return TrialRecord(
        record_id=record_id,
        source=Source(path=path, format="flat"),
        sections=(section,),
    )


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
    number = store.begin(
        Call(PROMPT, "Read.", name, Reply, 100, record_id=record_id), "m"
    )
    store.end(number, State.ANSWERED, Completion(name, Ending.COMPLETE, CALL))


def take(folder, *records, lacking=()):
    """Extract records that are not done, with one call each. Returns the ids of those that are."""
    done = []
    for extraction in records:
        if folder.is_done(extraction):
            done.append(extraction.record_id)
            continue
        call_model(folder, extraction.record_id, extraction.record_id)
        folder.write(
            line(extraction.record_id), Session(lacking=extraction.record_id in lacking)
        )
    return done


def invoke(
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


def describe_incomplete(results):
    return find_run(results).incomplete


def manifest(path):
    return json.loads((path / "run.json").read_text("utf-8"))


def written(path):
    return [
        json.loads(line)["record_id"]
        for line in (path / "extractions.jsonl").read_text().splitlines()
    ]


def query(path, sql):
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        return connection.execute(sql).fetchall()


def test_the_manifest_holds_the_totals_of_all_invocations_killed_ones_too(tmp_path):
    invoke(tmp_path, "a", failed=2, lost=2, inputs=("one.jsonl",))
    first = manifest(tmp_path)
    invoke(tmp_path, "a", "b", lost=1, inputs=("one.jsonl",), finished=False)
    invoke(tmp_path, "a", "b", "c", inputs=("one.jsonl", "two.jsonl"))
    both = manifest(tmp_path)
    assert both["records"] == {
        "extracted": 3,
        "lacking": 0,
        "left": 0,
        "resumed": 2,
        "failed": 0,
    }
    assert both["items"]["criteria"] == 3
    spent = {"questions": 6, "calls": 6, "prompt_tokens": 600, "output_tokens": 60}
    assert both["usage"] == COST.model_dump() | spent
    assert both["inputs"] == ["one.jsonl", "two.jsonl"]
    assert both["started"] == first["started"]
    assert both["seconds"] >= first["seconds"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole + b'{"record_id":"b","elig',
        lambda whole: whole + b'{"record_id":"b"}\n',
        lambda whole: whole + b'{"record_id":"b"}\n{"rec',
        lambda whole: whole + whole[:-5],
    ],
)
def test_lines_that_a_killed_run_did_not_note_are_cut_off_and_done_again(
    tmp_path, damage
):
    invoke(tmp_path, "a", finished=False)
    path = tmp_path / "extractions.jsonl"
    path.write_bytes(damage(path.read_bytes()))
    assert invoke(tmp_path, "a", "b") == ["a"]
    assert written(tmp_path) == ["a", "b"]
    path.write_bytes(path.read_bytes()[:-5])  # the disk lost it, and the store has it
    assert invoke(tmp_path, "a", "b") == ["a", "b"]
    assert written(tmp_path) == ["a", "b"]


def test_results_end_in_input_order_even_if_they_were_appended_later(tmp_path):
    invoke(tmp_path, "a", "c", "elsewhere")

    invoke(tmp_path, "a", "b", "c")

    assert written(tmp_path) == ["a", "b", "c", "elsewhere"]
    assert invoke(tmp_path, "c", "a", "b") == ["c", "a", "b"]
    assert written(tmp_path) == ["c", "a", "b", "elsewhere"]


def test_a_run_killed_during_the_sort_is_repaired(tmp_path, monkeypatch):
    invoke(tmp_path, "b", finished=False)
    with RunFolder(tmp_path, SETTINGS) as folder:
        take(folder, record("a"), record("b"))

        def die(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("pathlib.Path.replace", die)
            with pytest.raises(KeyboardInterrupt):
                folder.finish(Tally())
    assert written(tmp_path) == ["b", "a"]
    assert invoke(tmp_path, "a", "b", "c") == ["a", "b"]
    assert written(tmp_path) == ["a", "b", "c"]
    assert not (tmp_path / ".extractions.jsonl.new").exists()


def test_a_record_whose_text_has_changed_is_done_again_in_its_place(tmp_path):
    invoke(tmp_path, "a", "b")

    with RunFolder(tmp_path, SETTINGS) as folder:
        assert take(folder, record("a", "Children"), record("b")) == ["b"]
        assert folder.changed == 1
        folder.finish(Tally())

    assert written(tmp_path) == ["a", "b"]
    assert manifest(tmp_path)["records"]["extracted"] == 2
    assert invoke(tmp_path, "a") == []


def test_a_record_that_lacks_an_answer_or_the_budget_for_it_is_asked_again_and_counted(
    tmp_path,
):
    gap = Absence(field="dosing", reason=AbsenceReason.BUDGET_EXHAUSTED)

    with RunFolder(tmp_path, SETTINGS) as folder:
        assert take(folder, record("a"), record("b"), lacking=("a",)) == []
        assert not folder.is_done(record("c"))
        folder.write(line("c", absences=(gap,)), Session())
        folder.finish(Tally())

    assert manifest(tmp_path)["records"]["lacking"] == 2
    assert invoke(tmp_path, "a", "b", "c") == ["b"]
    assert manifest(tmp_path)["records"] == {
        "extracted": 3,
        "lacking": 0,
        "left": 0,
        "resumed": 1,
        "failed": 0,
    }
    assert written(tmp_path) == ["a", "b", "c"]


def test_answers_are_kept_apart_from_raw_replies_once_for_each_record(tmp_path):
    chunk = Chunk(7, Span("eligibility", 0, 6), "Adults")
    question = Question(Task.ELIGIBILITY, chunk, ("category",))
    for _ in range(2):
        with RunFolder(tmp_path, SETTINGS) as folder:
            one = record("a", "Adults")
            assert not folder.is_done(one)
            noted = [(question, ReplyItem(n=7), "some-model")]
            folder.write(line("a"), Session(noted, lacking=True))

    (row,) = query(
        tmp_path,
        "SELECT record_id, chunk, text, task, fields, item, model FROM answers",
    )

    assert row == (
        "a",
        7,
        "Adults",
        "eligibility",
        '["category"]',
        '{"n":7}',
        "some-model",
    )


def keep_settings(**more):
    return lambda path: (path / "run.json").write_text(
        json.dumps({"settings": {"effort": "none", "model": None}} | more)
    )


@pytest.mark.parametrize(
    ("break_folder", "reported"),
    [
        (
            lambda path: (path / "run.sqlite").write_text(
                "no database, but as long as one" * 50
            ),
            "not a database",
        ),
        (
            lambda path: execute(path, "PRAGMA user_version=99"),
            "another version of this program",
        ),
        (
            lambda path: (
                (path / "run.sqlite").unlink(),
                execute(path, "CREATE TABLE t (x)"),
            ),
            "not a file of this program; name another folder",
        ),
        (lambda path: (path / "run.sqlite").unlink(), "no run.sqlite"),
        (
            lambda path: (path / "run.json").unlink(),
            "has extractions.jsonl but no run.json; restore it, or use another --out",
        ),
        (lambda path: (path / "run.json").write_text("not json"), "another --out"),
        (
            lambda path: (path / "run.json").write_text('{"settings": []}'),
            "another --out",
        ),
        (keep_settings(usage=3), "another --out"),
        (keep_settings(records={"extracted": "many"}), "another --out"),
    ],
)
def test_a_foreign_folder_is_refused_and_not_left_locked(
    tmp_path, break_folder, reported
):
    invoke(tmp_path, "a")
    break_folder(tmp_path)
    for _ in range(2):
        with pytest.raises(StoreError, match=reported):
            RunFolder(tmp_path, SETTINGS)


@pytest.mark.parametrize(
    "name", ["extractions.jsonl", "failures.jsonl", "repeated.jsonl", "run.sqlite"]
)
def test_no_file_of_another_program_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(
        StoreError,
        match=f"has {name} but no run.json; restore it, or use another --out",
    ):
        RunFolder(tmp_path, SETTINGS)
    assert (tmp_path / name).read_text("utf-8") == "mine"


def execute(path, sql):
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        connection.execute(sql)


def test_with_fresh_no_record_is_done(tmp_path):
    invoke(tmp_path, "a")
    with RunFolder(tmp_path, SETTINGS, fresh=True) as again:
        again.finish(Tally())
    assert written(tmp_path) == ["a"]
    with RunFolder(tmp_path, {**SETTINGS, "effort": "medium"}, fresh=True) as again:
        assert not again.is_done(record("a"))
        assert query(tmp_path, "SELECT count(*) FROM calls") == [(0,)]
        assert manifest(tmp_path)["settings"]["effort"] == "medium"


NO_ANSWER = "UPDATE calls SET answer = NULL, exchanges = 0;"


@pytest.mark.parametrize(
    ("stop", "sql", "is_kept"),
    [
        (Stop.MODEL_AWAY, "", True),
        (
            Stop.MODEL_AWAY,
            NO_ANSWER,
            False,
        ),  # its results are those of records without a question
        (Stop.ERROR, NO_ANSWER, False),
        (None, NO_ANSWER, True),  # its results stand without a model
        (None, NO_ANSWER + "DELETE FROM records", False),
        (Stop.ERROR, "DELETE FROM calls", True),  # no model was asked
        (Stop.ERROR, "UPDATE calls SET answer = NULL", True),  # something was paid
        (
            Stop.ERROR,
            NO_ANSWER + "INSERT INTO requests VALUES (1, 1, 9, 0, 9)",
            False,
        ),  # the key is refused
        (
            Stop.INTERRUPTED,
            NO_ANSWER + "INSERT INTO requests VALUES (1, 1, 9, 0, 9)",
            True,
        ),  # may have been paid
        (
            Stop.INTERRUPTED,
            NO_ANSWER + "INSERT INTO batches VALUES (1, 't', 1, 'planned', '', '', '')",
            False,
        ),
        (
            Stop.INTERRUPTED,
            NO_ANSWER + "INSERT INTO batches VALUES (1, 't', 1, 'sent', '', 'f', '')",
            True,
        ),
        (
            Stop.INTERRUPTED,
            NO_ANSWER + "DROP TABLE requests",
            True,
        ),  # of an earlier version
    ],
)
def test_other_settings_take_the_folder_of_a_run_that_no_model_answered(
    tmp_path, stop, sql, is_kept
):
    with RunFolder(tmp_path, SETTINGS) as folder:
        take(folder, record("a"))
        folder.finish(Tally(), stop)
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as connection:
        connection.executescript(sql)
    if is_kept:
        with pytest.raises(SettingsDiffer, match="effort was none, is all"):
            RunFolder(tmp_path, SETTINGS | {"effort": "all"})
        return

    with RunFolder(tmp_path, SETTINGS | {"effort": "all"}) as folder:
        take(folder, record("b"))
        folder.finish(Tally())

    assert written(tmp_path) == ["b"]
    assert manifest(tmp_path)["settings"]["effort"] == "all"
    assert manifest(tmp_path)["usage"]["calls"] == 1


def test_a_folder_that_another_run_writes_into_is_refused_until_that_has_ended(
    tmp_path,
):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.begin()
        with pytest.raises(StoreError, match="another process writes to it"):
            RunFolder(tmp_path, SETTINGS)
        assert describe_incomplete(tmp_path) == "0 records, still running"
    assert describe_incomplete(tmp_path) == "0 records, interrupted"
    invoke(tmp_path, "a")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs a device that is always full"
)
def test_a_full_disk_is_reported_with_the_files_name(tmp_path):
    invoke(tmp_path)
    (tmp_path / "failures.jsonl").symlink_to("/dev/full")
    with (
        pytest.raises(StoreError, match=r"failures.jsonl: No space left"),
        RunFolder(tmp_path, SETTINGS) as folder,
    ):
        folder.write_failure({"message": "no"})


@pytest.mark.parametrize(
    ("stop", "state", "reported"),
    [
        (Stop.INTERRUPTED, "interrupted", "1 of 3,096 records, interrupted"),
        (
            Stop.BUDGET,
            "stopped",
            "1 of 3,096 records, stopped (the budget was reached)",
        ),
    ],
)
def test_an_unfinished_run_states_the_reason(tmp_path, stop, state, reported):
    with RunFolder(tmp_path, SETTINGS, inputs=("in.jsonl",)) as folder:
        folder.note_total(3096)  # before the run begins, too
        take(folder, record("a"))
        folder.finish(Tally(), stop)
    assert manifest(tmp_path)["state"] == state
    assert describe_incomplete(tmp_path) == reported
    assert describe_incomplete(tmp_path / "extractions.jsonl") == reported
    invoke(tmp_path, "a", "b")
    assert describe_incomplete(tmp_path) is None
    assert manifest(tmp_path)["total"] == 2


def test_a_total_that_is_of_some_of_the_inputs_alone_is_not_reported(tmp_path):
    invoke(tmp_path, "a", inputs=("one.jsonl",))
    with RunFolder(tmp_path, SETTINGS, inputs=("two.jsonl",)) as folder:
        folder.note_total(7)
        take(folder, record("b"))
        folder.finish(Tally(), Stop.INTERRUPTED)
    assert describe_incomplete(tmp_path) == "2 records, interrupted"
