"""A run replayed, reparsed and judged from its own store, as a user does it."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from string import Template

import pytest
from typer.testing import CliRunner

import extractor.llm.prompt
import extractor.pipeline
import extractor.run.manifest
from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from extractor.cli.app import app
from extractor.schemas import Sex

DOCS = (Path(__file__).parents[2] / "docs" / "runs.md").read_text("utf-8")
RECORDS = 24  # enough for answers that are refused, broken once and broken always


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The server, a file of records, and the folder of a finished run over them."""
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", RECORDS)
    with serve_counting() as server:
        assert command("run", folder / "records.jsonl", "--out", folder / "run", *options(server)).exit_code == 0
        yield server, folder


@pytest.fixture
def run(made, tmp_path):
    """A copy of the run, with its records beside it, read from there."""
    _, folder = made
    shutil.copytree(folder / "run", tmp_path / "run")
    shutil.copy(folder / "records.jsonl", tmp_path / "records.jsonl")
    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    manifest["inputs"] = manifest["input_paths"] = [str(tmp_path / "records.jsonl")]
    (tmp_path / "run" / "run.json").write_text(json.dumps(manifest), "utf-8")
    with closing(sqlite3.connect(tmp_path / "run" / "run.sqlite")) as store, store:
        store.execute("UPDATE records SET path = ?", (str(tmp_path / "records.jsonl"),))
    return tmp_path / "run"


def command(*words):
    """A command in this process, in which what a test has patched counts: so one that reads a run again stays here."""
    alone = ("--workers", 1) if words[0] in {"impact", "reparse"} and "--workers" not in words else ()
    return CliRunner().invoke(app, [*map(str, (*words, *alone))])


def options(server):
    return ("--assist", "always", "--quiet", "--model", f"{server.url}#stub")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def report_of(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def extractions(folder):
    rows = map(json.loads, (folder / "extractions.jsonl").read_text("utf-8").splitlines())
    return [{name: value for name, value in row.items() if name != "source"} for row in rows]


@pytest.fixture
def other_prompt(monkeypatch):
    """Today's prompt says something more."""
    real = extractor.llm.prompt.load_prompt

    def load():
        prompt = real()
        version = replace(prompt.version, sha256="b" * 64)
        return replace(prompt, version=version, system=Template(prompt.system.template + "\nBe brief."))

    monkeypatch.setattr(extractor.llm.prompt, "load_prompt", load)
    versions = [replace(version, sha256="b" * 64) for version in extractor.run.manifest.list_prompt_versions()]
    monkeypatch.setattr(extractor.run.manifest, "list_prompt_versions", lambda: versions)


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
def test_a_replay_of_a_run_is_byte_identical_and_asks_nobody(made, tmp_path, concurrency):
    server, folder = made
    calls = server.calls
    words = ("run", folder / "records.jsonl", "--replay", folder / "run", "--assist", "always", "--quiet")
    assert command(*words, "--out", tmp_path / "again", "--concurrency", concurrency).exit_code == 0
    assert (tmp_path / "again" / "extractions.jsonl").read_bytes() == (folder / "run/extractions.jsonl").read_bytes()
    assert server.calls == calls
    usage = [
        json.loads((path / "run.json").read_text("utf-8"))["usage"] for path in (folder / "run", tmp_path / "again")
    ]
    assert usage[0] == usage[1]
    assert usage[0]["calls"] == calls


def test_without_changes_there_is_no_impact_and_nothing_is_written(made, run):
    before = contents(run)
    report = report_of(command("impact", run, "--json"))
    assert (report["records"], report["calls_to_ask"], report["changed"], report["gone"]) == (RECORDS, 0, 0, 0)
    assert report["calls_unchanged"] == made[0].calls
    assert contents(run) == before


def test_many_processes_find_and_write_what_one_does(run, forked_workers):
    told, written = [], []
    for workers in (1, 2):
        new = run.parent / f"new-{workers}"
        told.append(report_of(command("impact", run, "--json", "--workers", workers)))
        told.append(report_of(command("reparse", run, "--out", new, "--json", "--workers", workers)))
        written.append((new / "extractions.jsonl").read_bytes())
    assert all(report == told[0] for report in told)
    assert written[0] == written[1]


def test_what_comes_next_is_told(run, request):
    done = command("impact", run)
    assert done.stderr == "extractor: done; nothing was written\n"
    request.getfixturevalue("other_rules")
    done = command("impact", run)
    assert done.stderr == f"extractor: done; nothing was written; to apply it: extractor reparse {run}\n"
    done = command("reparse", run, "--out", run.parent / "new")
    assert done.stderr == f"extractor: done; the results are in {run.parent / 'new'}\n"


def test_ctrl_c_says_what_to_do(run, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("extractor.run.reparse.current_session", press)
    done = command("impact", run)
    assert (done.exit_code, done.stderr) == (130, "extractor: interrupted; nothing was written\n")
    done = command("reparse", run, "--out", run.parent / "new")
    assert done.exit_code == 130
    assert f"interrupted; remove {run.parent / 'new'} and give the command again" in done.stderr


@pytest.mark.usefixtures("other_prompt")
def test_a_changed_prompt_asks_all_calls_anew(run):
    report = report_of(command("impact", run, "--json"))
    assert report["calls_unchanged"] == 0
    assert report["calls_to_ask"] >= RECORDS
    assert report["prompt_tokens_to_ask"] > 100 * RECORDS
    assert (report["open"], report["changed"]) == (RECORDS, 0)


@pytest.mark.usefixtures("other_rules")
def test_a_changed_rule_shows_the_fields_it_changes(run):
    report = report_of(command("impact", run, "--json"))
    (change,) = report["changes"]
    assert (change["field"], change["records"]) == ("eligibility.sex", RECORDS)
    assert change["examples"][0]["new"] == "male"
    said = command("impact", run).stdout
    assert f'eligibility.sex: {RECORDS}, such as NCT00000000: null -> "male"' in said or "eligibility.sex" in said


def test_a_run_made_with_other_rules_goes_on_after_reparse(made, run, request):
    server, _ = made
    calls = server.calls
    request.getfixturevalue("other_rules")
    words = ("run", run.parent / "records.jsonl", *options(server))
    refused = command(*words, "--out", run)
    assert refused.exit_code == 2
    assert "extractor reparse" in refused.output
    assert command("reparse", run, "--out", run.parent / "new").exit_code == 0
    assert {row["eligibility"]["sex"] for row in extractions(run.parent / "new")} == {"male"}
    resumed = command(*words, "--out", run.parent / "new")
    assert resumed.exit_code == 0
    lacking = json.loads((run / "run.json").read_text("utf-8"))["records"]["lacking"]
    assert server.calls - calls <= 2 * lacking, "only what had no good answer is asked again"


def test_what_a_reparse_leaves_open_is_asked_by_the_runs_own_command(made, run, request):
    server, _ = made
    request.getfixturevalue("other_prompt")
    assert command("reparse", run, "--out", run.parent / "new").exit_code == 0
    before = json.loads((run.parent / "new" / "run.json").read_text("utf-8"))
    assert before["records"]["lacking"] == RECORDS
    calls = server.calls
    words = ("run", run.parent / "records.jsonl", *options(server))
    assert command(*words, "--out", run.parent / "new").exit_code == 0
    assert command(*words, "--out", run.parent / "fresh").exit_code == 0
    assert extractions(run.parent / "new") == extractions(run.parent / "fresh")
    after = json.loads((run.parent / "new" / "run.json").read_text("utf-8"))
    fresh = json.loads((run.parent / "fresh" / "run.json").read_text("utf-8"))
    assert after["usage"]["calls"] == before["usage"]["calls"] + fresh["usage"]["calls"]
    assert server.calls - calls == 2 * fresh["usage"]["calls"]


def test_changed_new_and_missing_inputs_are_told(run):
    path = run.parent / "records.jsonl"
    rows = path.read_text("utf-8").splitlines()
    rows[0] = rows[0].replace("18 Years", "21 Years").replace("part 0", "part zero")
    del rows[1]
    extra = rows[2].replace("NCT00000003", "NCT77777777")
    path.write_text("\n".join([*rows, extra]) + "\n", "utf-8")
    report = report_of(command("impact", run, "--json"))
    assert (report["records"], report["other_text"], report["gone"], report["new"]) == (RECORDS, 1, 1, 1)


def test_an_input_that_is_gone_is_a_failure(run):
    (run.parent / "records.jsonl").unlink()
    done = command("impact", run)
    assert done.exit_code == 1
    assert "there is no such file" in done.stderr
    assert f"records of the run that are not in its inputs: {RECORDS}\n" in done.stdout
    assert "extractor: done, 1 failed; nothing was written" in done.stderr


def test_a_run_that_goes_on_tells_of_changed_records_and_missing_answers(made, run):
    server, _ = made
    path = run.parent / "records.jsonl"
    rows = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([rows[0].replace("part 0", "part zero"), *rows[1:]]) + "\n", "utf-8")
    words = [word for word in options(server) if word != "--quiet"]
    done = command("run", path, "--out", run, *words)
    assert done.exit_code == 0
    assert "records with another text than in an earlier run: 1\n" in done.stderr
    lacking = json.loads((run / "run.json").read_text("utf-8"))["records"]["lacking"]
    assert f"records that lack an answer: {lacking}; the same command asks again\n" in done.stderr
    assert 0 < lacking < RECORDS / 2


def test_a_run_without_a_model_can_be_reparsed(tmp_path):
    assert command("run", "tests/records/studies.jsonl", "--out", tmp_path / "run", "--quiet").exit_code == 0
    report = report_of(command("reparse", tmp_path / "run", "--json"))
    assert (report["records"], report["changed"], report["calls_to_ask"]) == (2, 0, 0)
    assert (
        Path(tmp_path, "run-reparsed", "extractions.jsonl").read_bytes()
        == (tmp_path / "run" / "extractions.jsonl").read_bytes()
    )


def test_a_reparse_leaves_out_the_values_that_its_run_left_out(tmp_path):
    words = ("run", "tests/records/study.json", "--assist", "never", "--quiet")
    assert command(*words, "--min-confidence", "0.9", "--out", tmp_path / "sure").exit_code == 0
    assert command("reparse", tmp_path / "sure", "--out", tmp_path / "again").exit_code == 0
    assert extractions(tmp_path / "again") == extractions(tmp_path / "sure")


def test_a_run_is_not_replayed_into_itself(run):
    before = contents(run)
    done = command("run", run.parent / "records.jsonl", "--replay", run, "--out", run, "--fresh")
    assert done.exit_code == 2
    assert "is replayed" in done.stderr
    assert contents(run) == before


@pytest.mark.parametrize("query", re.findall(r"^```sql\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL))
def test_the_queries_of_the_documentation_find_something(made, query):
    with closing(sqlite3.connect(made[1] / "run" / "run.sqlite")) as store:
        other = "text, text_sha256, task, fields, json_set(item, '$.category', 'other'), model FROM answers LIMIT 1"
        store.execute(f"INSERT INTO answers SELECT 'another', chunk, section, start, \"end\", {other}")
        assert store.execute(query).fetchall()


def test_the_python_of_the_documentation_runs(made, capsys, monkeypatch):
    (example,) = re.findall(r"^```python\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(made[1])
    exec(example.replace("results/run.sqlite", "run/run.sqlite"), {})
    assert '"messages"' in capsys.readouterr().out
