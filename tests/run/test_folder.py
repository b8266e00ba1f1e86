import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from extractor.errors import StoreError
from extractor.llm.reply_models import WireItem
from extractor.llm.requests import PromptVersion, Question
from extractor.llm.trace import NotedAnswer, Session, session, trace_call
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.run.finished import find_run
from extractor.run.folder import RunFolder
from extractor.run.manifest import read_manifest
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

SETTINGS = {"assist": "never", "min_confidence": 0.0, "model": None}
CRITERION = Criterion(section="eligibility", kind="inclusion", quote="Adults")
COST = Usage(questions=2, calls=1, prompt_tokens=100, output_tokens=10)
PROMPT = PromptVersion("questions", 1, "a" * 64)


def record(record_id, text="Adults", path="in.jsonl"):
    section = Section(name="eligibility", text=text)
    return TrialRecord(record_id=record_id, source=Source(path=path, format="flat"), sections=(section,))


def line(record_id, **parts):
    eligibility = Eligibility(criteria=(CRITERION,))
    return to_line(TrialExtraction(record_id=record_id, eligibility=eligibility, usage=COST, **parts))


def call_model(folder, name, record_id=None):
    """A call that is noted in the folder's store as one to a model is."""
    reply = {
        "choices": [{"message": {"content": name}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }
    replies = folder.replies()
    with session(record_id), trace_call(PROMPT) as chain:
        number = replies.begin_chain(chain)
        call = replies.begin_call(number, {"model": "m", "messages": [{"role": "user", "content": name}]})
        replies.end_call(call, 200, json.dumps(reply).encode())
        chain.endings.append(lambda verdict, why: replies.end_chain(number, verdict, why))


def take(folder, *records, lacking=()):
    """These records come by: those that are not done are extracted with one call each. Ids of what was done before."""
    done = []
    for one in records:
        if folder.is_done(one):
            done.append(one.record_id)
            continue
        call_model(folder, one.record_id, one.record_id)
        folder.write(line(one.record_id), Session(one.record_id, lacking=one.record_id in lacking))
    return done


def invoke(path, *record_ids, failed=0, lost=0, inputs=("in.jsonl",), finished=True, **options):
    """One invocation of a run: these records are done, so many fail, so many calls are for nothing."""
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
    return [json.loads(line)["record_id"] for line in (path / "extractions.jsonl").read_text().splitlines()]


def query(path, sql):
    with closing(sqlite3.connect(path / "run.sqlite")) as connection:
        return connection.execute(sql).fetchall()


def test_the_manifest_holds_the_totals_of_all_invocations(tmp_path):
    invoke(tmp_path, "a", failed=2, lost=2, inputs=("one.jsonl",))
    first = manifest(tmp_path)
    invoke(tmp_path, "a", "b", "c", inputs=("one.jsonl", "two.jsonl"))
    both = manifest(tmp_path)
    assert both["records"] == {"extracted": 3, "lacking": 0, "resumed": 1, "failed": 0}
    assert both["items"]["criteria"] == 3
    assert both["usage"] == {
        **COST.model_dump(),
        "questions": 6,
        "calls": 5,
        "prompt_tokens": 500,
        "output_tokens": 50,
    }
    assert both["inputs"] == ["one.jsonl", "two.jsonl"]
    assert both["started"] == first["started"]
    assert both["seconds"] >= first["seconds"]


def test_what_a_killed_run_left_is_counted_by_the_next(tmp_path):
    invoke(tmp_path, "a", lost=5)
    invoke(tmp_path, "a", "b", lost=1, finished=False)
    invoke(tmp_path, "a", "b", "c")
    after = manifest(tmp_path)
    assert after["records"]["extracted"] == 3
    assert after["items"]["criteria"] == 3
    assert (after["usage"]["calls"], after["usage"]["prompt_tokens"]) == (9, 900)


@pytest.mark.parametrize("torn", [b'{"record_id":"b","elig', b'{"record_id":"b"}\n', b'{"record_id":"b"}\n{"rec'])
def test_lines_that_a_killed_run_did_not_note_are_cut_off_and_done_again(tmp_path, torn):
    invoke(tmp_path, "a", finished=False)
    with (tmp_path / "extractions.jsonl").open("ab") as file:
        file.write(torn)
    assert invoke(tmp_path, "a", "b") == ["a"]
    assert written(tmp_path) == ["a", "b"]


def test_a_line_that_the_disk_lost_is_done_again(tmp_path):
    invoke(tmp_path, "a", "b")
    whole = (tmp_path / "extractions.jsonl").read_bytes()
    (tmp_path / "extractions.jsonl").write_bytes(whole[:-5])
    assert invoke(tmp_path, "a", "b") == ["a"]
    assert (tmp_path / "extractions.jsonl").read_bytes() == whole


def test_results_end_in_input_order_even_if_they_were_appended_later(tmp_path):
    invoke(tmp_path, "a", "c", "elsewhere")
    invoke(tmp_path, "a", "b", "c")
    assert written(tmp_path) == ["a", "b", "c", "elsewhere"]
    assert invoke(tmp_path, "c", "a", "b") == ["c", "a", "b"]
    assert written(tmp_path) == ["c", "a", "b", "elsewhere"]


@pytest.mark.parametrize("moment", ["before the file is in place", "after"])
def test_a_run_killed_while_it_sorts_is_mended(tmp_path, monkeypatch, moment):
    invoke(tmp_path, "b", finished=False)
    with RunFolder(tmp_path, SETTINGS) as folder:
        take(folder, record("a"), record("b"))

        def die(*_, **__):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            if moment == "after":
                patched.setattr("extractor.run.store.RunStore.end_move", die)
            else:
                patched.setattr(Path, "replace", die)
            with pytest.raises(KeyboardInterrupt):
                folder.finish(Tally())
    assert written(tmp_path) == (["a", "b"] if moment == "after" else ["b", "a"])
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


def test_a_record_that_lacks_an_answer_is_asked_again_and_counted(tmp_path):
    invoke(tmp_path, "a", "b", lacking=("a",))
    assert manifest(tmp_path)["records"]["lacking"] == 1
    assert invoke(tmp_path, "a", "b") == ["b"]
    assert manifest(tmp_path)["records"] == {"extracted": 2, "lacking": 0, "resumed": 1, "failed": 0}
    assert written(tmp_path) == ["a", "b"]


def test_a_record_for_which_the_budget_was_spent_is_asked_again(tmp_path):
    gap = Absence(field="dosing", reason=AbsenceReason.BUDGET_EXHAUSTED)
    for _ in range(2):
        with RunFolder(tmp_path, SETTINGS) as folder:
            assert not folder.is_done(record("a"))
            folder.write(line("a", absences=(gap,)), Session("a"))


def test_answers_are_kept_apart_from_raw_replies_once_for_each_record(tmp_path):
    chunk = Chunk(7, ChunkKind.ITEM, Span("eligibility", 0, 6), "Adults")
    question = Question(Task.ELIGIBILITY, chunk, ("category",))
    for _ in range(2):
        with RunFolder(tmp_path, SETTINGS) as folder:
            one = record("a", "Adults")
            assert not folder.is_done(one)
            noted = [NotedAnswer(question, WireItem(n=7), "some-model")]
            folder.write(line("a"), Session("a", noted, lacking=True))
    (row,) = query(tmp_path, "SELECT record_id, chunk, text, task, fields, item, model FROM answers")
    assert row == ("a", 7, "Adults", "eligibility", '["category"]', '{"n":7}', "some-model")


@pytest.mark.parametrize(
    ("break_store", "told"),
    [
        (lambda path: path.write_text("no database, but long enough to be taken for one" * 50), "not a database"),
        (lambda path: sqlite3.connect(path).execute("PRAGMA user_version=99").connection.close(), "newer version"),
        (
            lambda path: (path.unlink(), sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close()),
            "not a file of this program; use --fresh",
        ),
        (lambda path: path.unlink(), "no run.sqlite"),
    ],
)
def test_a_store_that_is_not_ours_is_refused(tmp_path, break_store, told):
    invoke(tmp_path, "a")
    break_store(tmp_path / "run.sqlite")
    with pytest.raises(StoreError, match=told):
        RunFolder(tmp_path, SETTINGS)


def test_fresh_discards_the_earlier_run(tmp_path):
    invoke(tmp_path, "a")
    with RunFolder(tmp_path, {**SETTINGS, "assist": "auto"}, fresh=True) as again:
        assert not again.is_done(record("a"))
    assert written(tmp_path) == []
    assert query(tmp_path, "SELECT count(*) FROM calls") == [(0,)]
    assert manifest(tmp_path)["settings"]["assist"] == "auto"


def test_fresh_discards_nothing_before_the_run_begins(tmp_path):
    invoke(tmp_path, "a")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"}
    with RunFolder(tmp_path, SETTINGS, fresh=True) as again:
        again.finish(Tally())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != ".lock"} == before


def test_a_folder_that_another_run_writes_into_is_refused_until_that_has_ended(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.begin()
        with pytest.raises(StoreError, match="another process writes into it"):
            RunFolder(tmp_path, SETTINGS)
        assert describe_incomplete(tmp_path) == "0 records, still running"
    assert describe_incomplete(tmp_path) == "0 records, interrupted"
    invoke(tmp_path, "a")


def test_a_folder_that_is_refused_is_not_left_locked(tmp_path):
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(StoreError, match="no manifest"):
        RunFolder(tmp_path, SETTINGS)
    (tmp_path / "run.json").unlink()
    invoke(tmp_path, "a")


@pytest.mark.parametrize("name", ["extractions.jsonl", "failures.jsonl", "run.json", "run.sqlite"])
def test_a_file_that_cannot_be_opened_is_told_with_its_name(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(StoreError, match=name), RunFolder(tmp_path, SETTINGS) as folder:
        folder.begin()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_with_the_files_name(tmp_path):
    invoke(tmp_path)
    (tmp_path / "failures.jsonl").unlink()
    (tmp_path / "failures.jsonl").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"failures.jsonl: No space left"), RunFolder(tmp_path, SETTINGS) as folder:
        folder.write_failure({"message": "no"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("extractions.jsonl", "{}\n"),
        ("run.json", "not json"),
        ("run.json", "[]"),
        ("run.json", '{"settings": []}'),
        ("run.json", '{"settings": {"assist": "never", "model": null}, "usage": 3}'),
        ("run.json", '{"settings": {"assist": "never", "model": null}, "records": {"extracted": "many"}}'),
    ],
)
def test_a_folder_that_is_not_ours_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(StoreError, match="another --out"):
        RunFolder(tmp_path, SETTINGS)


def test_the_manifest_tells_its_state_and_inputs_from_the_beginning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with RunFolder(tmp_path / "run", SETTINGS, inputs=("in.jsonl", "-", "s3://bucket/in")) as folder:
        folder.begin()
        begun = manifest(tmp_path / "run")
        take(folder, record("a"))
        folder.finish(Tally())
    assert (begun["state"], begun["total"], begun["started"] is not None) == ("running", None, True)
    assert begun["inputs"] == ["in.jsonl", "-", "s3://bucket/in"]
    assert begun["input_paths"] == [str(tmp_path / "in.jsonl"), "-", "s3://bucket/in"]
    ended = manifest(tmp_path / "run")
    assert (ended["state"], ended["stopped_by"], ended["total"]) == ("complete", None, 1)


@pytest.mark.parametrize(
    ("stopped_by", "state", "told"),
    [
        ("interrupted", "interrupted", "1 of 3,096 records, interrupted"),
        ("the budget was reached", "stopped", "1 of 3,096 records, stopped (the budget was reached)"),
    ],
)
def test_a_run_that_did_not_come_to_its_end_says_why_until_it_does(tmp_path, stopped_by, state, told):
    with RunFolder(tmp_path, SETTINGS, inputs=("in.jsonl",)) as folder:
        folder.note_total(3096)  # before the run begins, too
        take(folder, record("a"))
        folder.finish(Tally(), stopped_by)
    assert manifest(tmp_path)["state"] == state
    assert describe_incomplete(tmp_path) == told
    assert describe_incomplete(tmp_path / "extractions.jsonl") == told
    invoke(tmp_path, "a", "b")
    assert describe_incomplete(tmp_path) is None
    assert manifest(tmp_path)["total"] == 2


def test_a_total_that_is_of_some_of_the_inputs_alone_is_not_told(tmp_path):
    invoke(tmp_path, "a", inputs=("one.jsonl",))
    with RunFolder(tmp_path, SETTINGS, inputs=("two.jsonl",)) as folder:
        folder.note_total(7)
        take(folder, record("b"))
        folder.finish(Tally(), "interrupted")
    assert describe_incomplete(tmp_path) == "2 records, interrupted"


def test_inputs_are_found_where_they_were_or_else_as_they_were_given(tmp_path, monkeypatch):
    (tmp_path / "then").mkdir()
    (tmp_path / "now").mkdir()
    given = ("one.jsonl", "more-*.jsonl", "gone.jsonl")
    for name in ("then/one.jsonl", "then/more-1.jsonl", "now/one.jsonl"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path / "then")
    invoke(tmp_path / "run", inputs=given)
    read = read_manifest(tmp_path / "run" / "run.json")
    assert read.find_inputs() == given
    monkeypatch.chdir(tmp_path / "now")
    then = tmp_path / "then"
    assert read.find_inputs() == (str(then / "one.jsonl"), str(then / "more-*.jsonl"), "gone.jsonl")
