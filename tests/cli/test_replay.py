"""Replay of a run from its own store, and with other rules and prompts."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import extractor.pipeline
import extractor.run.manifest
from extractor.schemas import Sex
from tests.commands import invoke
from tests.faults.running import read_manifest
from tests.faults.server import Fault, serve_faults
from tests.stand_ins import serve_counting, write_distinct_records

from .test_batch import extractions

pytestmark = pytest.mark.slow

DOCS = (Path(__file__).parents[2] / "docs" / "reference" / "runs.md").read_text("utf-8")
RECORDS = 40  # enough for answers that are refused, broken once and broken always


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The server, the folder of a finished run and its records, and the number of its calls."""
    folder = tmp_path_factory.mktemp("made")
    write_distinct_records(folder / "records.jsonl", RECORDS)
    with serve_counting() as server:
        words = ("run", folder / "records.jsonl", "--out", folder / "run")
        assert invoke(*words, *options(server)).exit_code == 0
        yield server, folder, server.calls


@pytest.fixture
def run(made, tmp_path):
    """A copy of the run, with its records beside it, read from there."""
    folder = made[1]
    shutil.copytree(folder / "run", tmp_path / "run")
    shutil.copy(folder / "records.jsonl", tmp_path / "records.jsonl")
    manifest = read_manifest(tmp_path / "run")
    manifest["inputs"] = [str(tmp_path / "records.jsonl")]
    (tmp_path / "run" / "run.json").write_text(json.dumps(manifest), "utf-8")
    return tmp_path / "run"


def options(server):
    return ("--effort", "full", "--quiet", "--model", f"{server.url}#stub")


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


def test_a_replay_of_a_run_is_byte_identical_and_calls_no_model(made, tmp_path):
    server, folder, calls = made
    before = server.calls
    words = ("run", folder / "records.jsonl", "--replay", folder / "run")
    again = (*words, "--effort", "full", "--quiet", "--out", tmp_path / "again")
    assert invoke(*again, "--concurrency", 1).exit_code == 0
    old, new = (
        (run / "extractions.jsonl").read_bytes()
        for run in (folder / "run", tmp_path / "again")
    )
    assert new == old
    assert server.calls == before
    usage = read_manifest(tmp_path / "again")["usage"]
    assert usage == read_manifest(folder / "run")["usage"]
    assert usage["calls"] == calls


def test_useless_answers_may_be_better_later_but_not_in_a_replay(tmp_path):
    limit = {"EXTRACTOR_MAX_LACKING": "0.05"}
    words = ("run", "tests/records/study.json", "--effort", "full", "--quiet")
    with serve_faults(lambda _: Fault(content="no idea")) as server:
        asked = (*words, "--model", f"{server.url}#stub", "--out", tmp_path / "run")
        assert invoke(*asked, **limit).exit_code == 75
    again = (*words, "--replay", tmp_path / "run", "--out", tmp_path / "again")
    assert invoke(*again, **limit).exit_code == 1


def replay(run, *words, **environment):
    """Replay the run into ``new`` beside it, as the page on runs says."""
    places = ("--replay", run, "--out", run.parent / "new")
    return invoke("run", run.parent / "records.jsonl", *places, *words, **environment)


@pytest.mark.usefixtures("other_rules")
def test_a_changed_rule_shows_what_it_changes(made, run):
    calls = made[0].calls
    words = ("run", run.parent / "records.jsonl", "--out", run, *options(made[0]))
    refused = invoke(*words)
    told = f"use another --out, with --replay {run} to reuse its answers"
    assert (refused.exit_code, told in refused.output) == (2, True)
    assert replay(run, "--effort", "full", "--quiet").exit_code == 0
    sexes = {row["eligibility"]["sex"] for row in extractions(run.parent / "new")}
    assert sexes == {"male"}
    assert made[0].calls == calls


def test_what_has_no_answer_stays_open_until_a_model_is_named(made, run):
    """No answer fits, because a field changes the prompt: the replay is no failure, and its folder
    can go on.
    """
    field = ("--fields", "extractor.catalogue:Blinding")
    server = made[0]
    new = run.parent / "new"
    done = replay(run, "--effort", "full", *field, EXTRACTOR_MAX_LACKING="0.05")
    assert done.exit_code == 0, done.output
    before = read_manifest(new)
    assert before["records"]["lacking"] == RECORDS
    assert (before["usage"]["calls"], before["usage"]["unanswered"]) == (0, 0)
    assert before["usage"]["open_questions"] > RECORDS
    told = re.search(r"has no answer to (\d+) calls?; to ask", done.stderr)
    assert int(told[1]) >= RECORDS
    assert "to ask a model, use --model instead of --replay\n" in done.stderr
    calls = server.calls
    words = ("run", run.parent / "records.jsonl", *options(server), *field)
    assert invoke(*words, "--out", new).exit_code == 0
    assert invoke(*words, "--out", run.parent / "fresh").exit_code == 0
    assert extractions(new) == extractions(run.parent / "fresh")
    fresh = read_manifest(run.parent / "fresh")
    assert read_manifest(new)["usage"]["calls"] == fresh["usage"]["calls"]
    assert server.calls - calls == 2 * fresh["usage"]["calls"]


@pytest.mark.parametrize(
    "query", re.findall(r"^```sql\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
)
def test_the_queries_in_the_documentation_return_rows(made, query):
    with closing(sqlite3.connect(made[1] / "run" / "run.sqlite")) as store:
        store.execute("UPDATE calls SET state = 'rejected' WHERE id = 1")
        assert store.execute(query).fetchall()
