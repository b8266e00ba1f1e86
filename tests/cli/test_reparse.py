"""Replay and reparse of a run from its own store."""

import json
import re
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import extractor.ask.prompt
import extractor.pipeline
import extractor.run.manifest
from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from extractor.ask.questions import current_session
from extractor.schemas import Sex
from tests.commands import extract, invoke, read_lines

DOCS = (Path(__file__).parents[2] / "docs" / "reference" / "runs.md").read_text("utf-8")
RECORDS = 24  # enough for answers that are refused, broken once and broken always


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The server, the folder of a finished run and its records, and the number of its calls."""
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", RECORDS)
    with serve_counting() as server:
        assert command("run", folder / "records.jsonl", "--out", folder / "run", *options(server)).exit_code == 0
        yield server, folder, server.calls


@pytest.fixture
def run(made, tmp_path):
    """A copy of the run, with its records beside it, read from there."""
    folder = made[1]
    shutil.copytree(folder / "run", tmp_path / "run")
    shutil.copy(folder / "records.jsonl", tmp_path / "records.jsonl")
    manifest = read_manifest(tmp_path / "run")
    manifest["inputs"] = manifest["input_paths"] = [str(tmp_path / "records.jsonl")]
    (tmp_path / "run" / "run.json").write_text(json.dumps(manifest), "utf-8")
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as store, store:
        store.execute("UPDATE records SET path = ?", (str(tmp_path / "records.jsonl"),))
    return tmp_path / "run"


def command(*words):
    """Run a command in this process, so that patches of tests apply."""
    alone = ("--workers", 1) if words[0] == "reparse" and "--workers" not in words else ()
    return invoke(*words, *alone)


def options(server):
    return ("--assist", "always", "--quiet", "--model", f"{server.url}#stub")


def read_manifest(folder):
    return json.loads((folder / "run.json").read_text("utf-8"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def report_of(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def extractions(folder):
    return [row | {"source": None} for row in read_lines(folder / "extractions.jsonl")]


@pytest.fixture
def other_prompt(monkeypatch):
    """Today's prompt has an additional sentence."""
    real = extractor.ask.prompt.load_prompt

    def load(*fields):
        prompt = real(*fields)
        version = replace(prompt.version, sha256="b" * 64)
        return replace(prompt, version=version, system=prompt.system + "\nBe brief.")

    monkeypatch.setattr(extractor.ask.prompt, "load_prompt", load)
    versions = [replace(version, sha256="b" * 64) for version in extractor.run.manifest.list_prompt_versions()]
    monkeypatch.setattr(extractor.run.manifest, "list_prompt_versions", lambda *_: versions)


@pytest.fixture
def other_rules(monkeypatch):
    """Today's rules find another sex."""
    real = extractor.pipeline.assemble_extraction

    def assemble(*arguments):
        extraction = real(*arguments)
        people = extraction.eligibility.model_copy(update={"sex": Sex.MALE})
        return extraction.model_copy(update={"eligibility": people})

    monkeypatch.setattr(extractor.pipeline, "assemble_extraction", assemble)
    monkeypatch.setattr(extractor.run.manifest, "digest_rules", lambda: "other rules")


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_replay_of_a_run_is_byte_identical_and_calls_no_model(made, tmp_path, concurrency):
    server, folder, calls = made
    before = server.calls
    words = ("run", folder / "records.jsonl", "--replay", folder / "run", "--assist", "always", "--quiet")
    assert command(*words, "--out", tmp_path / "again", "--concurrency", concurrency).exit_code == 0
    assert (tmp_path / "again" / "extractions.jsonl").read_bytes() == (folder / "run/extractions.jsonl").read_bytes()
    assert server.calls == before
    usage = [read_manifest(path)["usage"] for path in (folder / "run", tmp_path / "again")]
    assert usage[0] == usage[1]
    assert usage[0]["calls"] == calls


def test_without_changes_nothing_changes_and_nothing_is_written(made, run):
    before = contents(run)
    done = command("reparse", run, "--dry-run", "--json")
    report = report_of(done)
    assert (report["records"], report["calls_to_ask"], report["changed"], report["gone"]) == (RECORDS, 0, 0, 0)
    assert report["calls_unchanged"] == made[2]
    assert contents(run) == before
    assert done.stderr == "extractor: done; nothing was written\n"


def test_many_processes_give_the_results_of_one(run, forked_workers):
    reports, written = [], []
    for workers in (1, 2):
        new = run.parent / f"new-{workers}"
        reports.append(report_of(command("reparse", run, "--out", new, "--json", "--workers", workers)))
        written.append((new / "extractions.jsonl").read_bytes())
    reports.append(report_of(command("reparse", run, "--dry-run", "--json", "--workers", 2)))
    assert all(report == reports[0] for report in reports)
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("words", "remedy"), [(["--dry-run"], "nothing was written"), (["--out", "NEW"], "remove NEW")]
)
def test_ctrl_c_prints_a_remedy(run, monkeypatch, words, remedy):
    presses = iter([signal.SIGINT])

    def press(*_):
        for pressed in presses:
            signal.raise_signal(pressed)
        return current_session()

    new = str(run.parent / "new")
    monkeypatch.setattr("extractor.run.reparse.current_session", press)
    done = command("reparse", run, *(word.replace("NEW", new) for word in words))
    assert done.exit_code == 130
    assert f"extractor: interrupted; {remedy.replace('NEW', new)}" in done.stderr


@pytest.mark.usefixtures("other_prompt")
def test_a_changed_prompt_repeats_all_calls(run):
    report = report_of(command("reparse", run, "--dry-run", "--json"))
    assert report["calls_unchanged"] == 0
    assert report["calls_to_ask"] >= RECORDS
    assert report["prompt_tokens_to_ask"] > 100 * RECORDS
    assert (report["open"], report["changed"]) == (RECORDS, 0)


@pytest.mark.usefixtures("other_rules")
def test_a_changed_rule_shows_what_it_changes_and_the_run_goes_on_after_reparse(made, run):
    server, new = made[0], run.parent / "new"
    calls = server.calls
    done = command("reparse", run, "--dry-run")
    assert f'eligibility.sex: {RECORDS}, such as NCT00000000: null -> "male"' in done.stdout
    assert done.stderr == f"extractor: done; nothing was written; to apply it: extractor reparse {run}\n"
    words = ("run", run.parent / "records.jsonl", *options(server))
    refused = command(*words, "--out", run)
    assert refused.exit_code == 2
    assert "extractor reparse" in refused.output
    done = command("reparse", run, "--out", new, "--json")
    (change,) = report_of(done)["changes"]
    assert (change["field"], change["records"]) == ("eligibility.sex", RECORDS)
    assert change["examples"][0]["new"] == "male"
    assert done.stderr == f"extractor: done; the results are in {new}\n"
    assert {row["eligibility"]["sex"] for row in extractions(new)} == {"male"}
    assert command(*words, "--out", new).exit_code == 0
    lacking = read_manifest(run)["records"]["lacking"]
    assert server.calls - calls <= 2 * lacking, "only what had no good answer is asked again"


def test_the_runs_own_command_asks_questions_that_a_reparse_leaves_open(made, run, request):
    server = made[0]
    request.getfixturevalue("other_prompt")
    assert command("reparse", run, "--out", run.parent / "new").exit_code == 0
    before = read_manifest(run.parent / "new")
    assert before["records"]["lacking"] == RECORDS
    calls = server.calls
    words = ("run", run.parent / "records.jsonl", *options(server))
    assert command(*words, "--out", run.parent / "new").exit_code == 0
    assert command(*words, "--out", run.parent / "fresh").exit_code == 0
    assert extractions(run.parent / "new") == extractions(run.parent / "fresh")
    after = read_manifest(run.parent / "new")
    fresh = read_manifest(run.parent / "fresh")
    assert after["usage"]["calls"] == before["usage"]["calls"] + fresh["usage"]["calls"]
    assert server.calls - calls == 2 * fresh["usage"]["calls"]


def test_changed_new_and_missing_inputs_are_counted(run):
    path = run.parent / "records.jsonl"
    rows = path.read_text("utf-8").splitlines()
    rows[0] = rows[0].replace("18 Years", "21 Years").replace("part 0", "part zero")
    del rows[1]
    extra = rows[2].replace("NCT00000003", "NCT77777777")
    path.write_text("\n".join([*rows, extra]) + "\n", "utf-8")
    report = report_of(command("reparse", run, "--dry-run", "--json"))
    assert (report["records"], report["other_text"], report["gone"], report["new"]) == (RECORDS, 1, 1, 1)


def test_a_missing_input_is_a_failure(run):
    (run.parent / "records.jsonl").unlink()
    done = command("reparse", run, "--dry-run")
    assert done.exit_code == 1
    assert "there is no such file" in done.stderr
    assert f"records of the run that are not in its inputs: {RECORDS}\n" in done.stdout
    assert "extractor: done, 1 failed; nothing was written" in done.stderr


def test_a_run_without_a_model_can_be_reparsed_and_leaves_out_the_same_values(tmp_path):
    run = extract("tests/records/studies.jsonl", tmp_path / "run", "--min-confidence", "0.9")
    report = report_of(command("reparse", run, "--json"))
    assert (report["records"], report["changed"], report["calls_to_ask"]) == (2, 0, 0)
    again = tmp_path / "run-reparsed" / "extractions.jsonl"
    assert again.read_bytes() == (run / "extractions.jsonl").read_bytes()


@pytest.mark.parametrize("query", re.findall(r"^```sql\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL))
def test_the_queries_in_the_documentation_return_rows(made, query):
    with closing(sqlite3.connect(made[1] / "run" / "run.sqlite")) as store:
        other = "text, text_sha256, task, fields, json_set(item, '$.category', 'other'), model FROM answers LIMIT 1"
        store.execute(f"INSERT INTO answers SELECT 'another', chunk, section, start, \"end\", {other}")
        assert store.execute(query).fetchall()


def test_the_python_in_the_documentation_runs(made, capsys, monkeypatch):
    (example,) = re.findall(r"^```python\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(made[1])
    exec(example.replace("results/run.sqlite", "run/run.sqlite"), {})
    assert '{"items": [' in capsys.readouterr().out
