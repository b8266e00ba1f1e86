"""Commands that nobody watches, as from cron: what ``--quiet`` says, and what exit codes tell."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from extractor.apps.cli import console
from extractor.apps.cli.perform import _judge_records
from extractor.errors import (
    AnswerRejected,
    ArgumentError,
    BatchUnfinished,
    BudgetReached,
    DiskFull,
    EngineError,
    FolderInUse,
    MissingExtra,
    MissingKey,
    ModelAway,
    ModelUnavailable,
    RecordError,
    RegistryError,
    RegistryRefused,
    RequestTooLong,
    SettingsDiffer,
    StoreError,
    UnexpectedError,
)
from extractor.run.folder import lock_folder
from extractor.run.records import _may_be_answered_later
from extractor.run.tally import Tally
from tests.commands import invoke

from .test_run_summary import BROKEN, study

DOCS = Path(__file__).parents[2] / "docs"
GOOD = study("NCT90000071", "A")
OTHER = study("NCT90000071", "B")
EMPTY = '{"protocolSection": {}}\n'


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs these files quietly into the folder ``out``; returns the exit code and the lines of
    standard error.
    """
    monkeypatch.chdir(tmp_path)

    def run(files, *options):
        for name, content in files.items():
            Path(name).write_text(content, "utf-8")
        done = invoke(
            "run", *files, "--out", "out", "--effort", "none", "--quiet", *options
        )
        return done.exit_code, done.stderr.splitlines()

    return run


def test_a_quiet_run_without_trouble_says_nothing(run):
    assert run({"a.jsonl": GOOD}) == (0, [])
    # the same file with another text is read again
    assert run({"a.jsonl": OTHER}) == (0, [])


def test_a_file_of_another_name_with_another_text_is_refused_aloud(run):
    run({"a.jsonl": GOOD})
    assert run({"b.jsonl": OTHER}) == (
        1,
        [
            "extractor: records with another text, left out: 1",
            "extractor: b.jsonl, line 1: the record NCT90000071 was already read from a.jsonl, "
            "with other text; the earlier result stays; give a file that replaces another the "
            "name of that one, or use --fresh",
        ],
    )
    assert run({"b.jsonl": OTHER}, "--fresh") == (0, [])


def test_two_texts_in_the_inputs_of_one_command_are_told_too(run):
    code, said = run({"a.jsonl": GOOD, "b.jsonl": OTHER})
    assert code == 1
    assert said[-1].endswith("with other text; leave one of the two out")


def test_many_other_texts_are_counted_and_three_are_named(run):
    numbers = range(10, 19)
    run({"a.jsonl": "".join(study(f"NCT900001{n}", "A") for n in numbers)})
    code, said = run({"b.jsonl": "".join(study(f"NCT900001{n}", "B") for n in numbers)})
    assert code == 1
    assert said[0] == "extractor: records with another text, left out: 9"
    assert len(said) == 5
    assert said[-1] == f"extractor: all of these are in {Path('out', 'repeated.jsonl')}"


def test_failed_records_are_counted_and_named(run):
    code, said = run({"a.jsonl": GOOD + EMPTY * 8})
    assert code == 1
    assert said[0] == "extractor: records failed: 8 of 9"
    assert said[1].startswith("extractor: 8 records failed: the record holds no free")
    assert said[1].endswith("a.jsonl, line 6 and 3 more)")
    failures = Path("out", "failures.jsonl")
    assert said[2:] == [f"extractor: all failures, with place and remedy: {failures}"]


def test_failures_of_many_kinds_take_few_lines(run):
    code, said = run(BROKEN | {"h.jsonl": GOOD})
    assert code == 1
    assert said[0] == "extractor: records failed: 7 of 8"
    assert len(said) == 8


@pytest.mark.parametrize("form", ["duckdb", "fhir"])
def test_an_export_names_failed_records_and_does_not_replace(run, tmp_path, form):
    if form == "duckdb":
        pytest.importorskip("duckdb")
        words = ("export", "out", "--to", "out.duckdb", "--quiet")
    else:
        pytest.importorskip("fhir.resources")
        words = ("export", "out", "--to", "fhir", "--format", "fhir", "--quiet")
    run({"a.jsonl": GOOD + EMPTY})
    missing = "rows" if form == "duckdb" else "resources"
    named = (
        f"extractor: 1 record failed and has no new {missing}: a.jsonl, line 2 "
        "(failures.jsonl says why)\n"
    )

    first = invoke(*words)
    again = invoke(*words)
    forced = invoke(*words, "--force")

    assert (first.exit_code, first.stderr) == (0, named)
    assert again.exit_code == 2
    assert "already exists; choose another name, or replace it" in again.stderr
    assert (forced.exit_code, forced.stderr) == (0, named)


def test_two_runs_in_one_folder_are_a_matter_of_time(run):
    with lock_folder(Path("out")):
        code, said = run({"a.jsonl": GOOD})
    assert code == 75
    assert said == [
        "extractor: out: another process writes to it; wait for its end, or choose another --out"
    ]


def test_a_server_that_is_away_is_a_matter_of_time(run):
    words = ("--model", "http://127.0.0.1:9/v1#x", "--effort", "all")
    asks = study("NCT90000072", "Men who rest at home")
    code, said = run({"a.jsonl": asks}, *words)
    assert code == 75
    assert "go on with: extractor " in said[0]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("damaged"), 1),
        (ModelUnavailable("HTTP 401"), 1),
        (RegistryRefused("no such parameter"), 1),
        (UnexpectedError("KeyError", ()), 1),
        (ArgumentError("wrong"), 2),
        (ValueError("wrong"), 2),
        (MissingExtra("FHIR needs it", "fhir"), 2),
        (MissingKey("no key"), 2),
        (SettingsDiffer("other rules"), 2),
        (BudgetReached("$1 of $1"), 3),
        (ModelAway("no credit"), 75),
        (BatchUnfinished("batch 1"), 75),
        (EngineError("no process starts"), 75),
        (DiskFull("full"), 75),
        (FolderInUse("in use"), 75),
        (RegistryError("no connection"), 75),
    ],
    ids=lambda value: getattr(type(value), "__name__", ""),
)
def test_an_error_has_the_code_that_says_whether_to_try_again(error, code):
    assert console.find_error_code(error) == code


@pytest.mark.parametrize(
    ("error", "may_be_answered"),
    [
        (ModelUnavailable("HTTP 500 six times", lasting=False), True),
        (AnswerRejected("nothing usable"), True),
        (ModelUnavailable("HTTP 401", lasting=True), False),
        (RequestTooLong("too long", lasting=False), False),
        (RecordError("a.json", "broken", "mend it"), False),
        (UnexpectedError("KeyError", ()), False),
    ],
)
def test_a_record_that_the_model_failed_is_tried_again(error, may_be_answered):
    assert _may_be_answered_later(error) is may_be_answered


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({}, 0),
        ({"repeated": 2}, 0),
        ({"repeated": 2, "differing": 1}, 1),
        ({"failed": 2}, 1),
        ({"failed": 2, "failed_by_model": 1}, 75),
    ],
)
def test_records_without_a_result_give_the_code_of_a_run(counts, code):
    assert _judge_records(Tally(extracted=5, **counts)) == code


def test_all_exit_codes_stand_in_the_reference():
    page = (DOCS / "reference" / "cli.md").read_text("utf-8")
    chapter = page.partition("## Exit codes")[2].partition("<!-- from")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", chapter, re.M)}
    killed = 137
    assert documented == {
        console.OK,
        console.FAILED,
        console.USAGE,
        console.BUDGET,
        console.LATER,
        console.INTERRUPTED,
        killed,
    }


@pytest.mark.skipif(os.name == "nt", reason="a script of a Unix shell")
@pytest.mark.parametrize(
    ("codes", "export", "code", "calls"),
    [
        ([0], 0, 0, "run export"),
        ([1], 0, 1, "run export"),
        ([2], 0, 2, "run"),
        ([3], 0, 3, "run"),
        ([130], 0, 130, "run"),
        ([137], 0, 137, "run"),
        ([75, 0], 0, 0, "run run export"),
        ([75, 75, 1], 0, 1, "run run run export"),
        ([75, 75, 75], 0, 75, "run run run"),
        ([0], 75, 75, "run export"),
    ],
)
def test_the_script_for_cron_does_what_the_codes_say(
    tmp_path, codes, export, code, calls
):
    page = (DOCS / "how-to" / "large-runs.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    assert len(script.splitlines()) <= 12
    (tmp_path / "nightly.sh").write_text(script.replace("/data/trials", "."), "utf-8")
    (tmp_path / "codes").write_text("".join(f"{number}\n" for number in codes), "utf-8")
    stand_in = tmp_path / "extractor"
    stand_in.write_text(
        '#!/bin/sh\necho "$1" >> calls\n'
        f'[ "$1" = export ] && exit {export}\n'
        "code=$(head -n 1 codes)\ntail -n +2 codes > left\nmv left codes\n"
        'exit "$code"\n',
        "utf-8",
    )
    stand_in.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "nightly.sh"],
        cwd=tmp_path,
        env={"PATH": path, "PAUSE": "0"},
        check=False,
    )
    assert done.returncode == code
    assert (tmp_path / "calls").read_text("utf-8").split() == calls.split()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a script of a Unix shell")
@pytest.mark.parametrize("options", ["", "--fields extractor.catalogue:Blinding"])
def test_the_script_for_cron_runs_without_a_model(tmp_path, options):
    page = (DOCS / "how-to" / "large-runs.md").read_text("utf-8")
    (script,) = re.findall(r"^```sh\n(.*?)^```", page, re.M | re.S)
    script = re.sub(r'OPTIONS=".*?"', f'OPTIONS="{options}"', script)
    (tmp_path / "nightly.sh").write_text(script.replace("/data/trials", "."), "utf-8")
    shutil.copy("tests/records/studies.jsonl", tmp_path / "trials.jsonl")
    command = tmp_path / "extractor"
    command.write_text(f'#!/bin/sh\n"{sys.executable}" -m extractor "$@"\n', "utf-8")
    command.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "nightly.sh"],
        cwd=tmp_path,
        env={"PATH": path, "PAUSE": "0", "PYTHONPATH": str(DOCS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "nightly.duckdb").exists()
