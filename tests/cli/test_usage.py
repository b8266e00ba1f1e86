"""A wrong call, a missing extra or key, and conflicting settings exit with 2 and a one-line
remedy.
"""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.commands import extract, invoke

_WITHOUT = "import sys; sys.modules[sys.argv.pop(1)] = None; from extractor.apps.cli import main; main()"
RECORD = "tests/records/study.json"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return extract(RECORD, tmp_path_factory.mktemp("usage") / "run")


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (
            "run tests/recods",
            "tests/recods: there is no such file or folder (did you mean records?)",
        ),
        ("run none.json --out OUT", "none.json: there is no such file or folder"),
        ("report none", "does not exist. Folder that extractor run --out wrote."),
        ("evaluate none none", "does not exist. Annotations: a folder of JSON"),
        ("fetch", "nothing to fetch; name NCT numbers"),
        (
            "run RECORD --tasks colours",
            "colours: no such task; choose from eligibility, dosing, endpoints",
        ),
        ("run RECORD --tasks ,", "eligibility"),
        (
            "run RECORD --min-confidence 90",
            "--min-confidence: 90.0 is not allowed; choose a number from 0 to 1",
        ),
        ("run RECORD --model http://localhost:8000/v1", "#NAME"),
        ("run RECORD --fresh", "--out"),
        ("run RECORD --workers 999999999999", "choose a number from 1 to 10000"),
        (
            "run RECORD --limit 99999999999999999999999",
            "choose a number from 1 to 1000000000000",
        ),
        ("run tests/records --out tests/records", "is an input"),
        ("run RECORD --replay no-such-folder", "no-such-folder"),
        ("run RECORD --replay tests/records", "there is no run to replay"),
        (
            "run RECORD --replay seeds/answers --out seeds/answers --fresh",
            "is replayed",
        ),
        ("run RECORD --max-usd 1", "--model"),
        ("run RECORD --max-usd 1 --model no-such-model", "--prices"),
        ("run RECORD --prices none.toml --model m", "none.toml"),
        ("run RECORD --ray auto", "--out"),
        ("run RECORD --ray head --out OUT", "write host:port"),
        ("batch submit RECORD --requests r.jsonl", "--model"),
        (
            "batch submit RECORD --requests r.jsonl --model m --out OUT",
            "one of the two",
        ),
        ("batch submit RECORD --model m", "--out"),
        (
            "batch submit RECORD --requests r.jsonl --model m --effort none",
            "nothing to submit",
        ),
        ("batch submit - --out OUT --model m", "instead of standard input"),
        ("batch collect RECORD --answers none.jsonl", "no such file"),
        ("batch collect RECORD --model m", "--out"),
        ("batch collect RECORD --out OUT", "--model"),
        ("batch collect RECORD --out OUT --model m --requests r.jsonl", "--answers"),
        ("run RECORD --tasks dosign", "dosign: no such task (did you mean dosing?)"),
        (
            "export RUN --to OUT --format csv --tables criterai",
            "did you mean criteria?",
        ),
        (
            "evaluate seeds/gold seeds/gold --fail-under endpoint=0.5",
            "did you mean endpoints?",
        ),
        ("doctor --needs servo", "did you mean serve?"),
        (
            "run RECORD --model gpt-5-mini --effort all -q",
            "model gpt-5-mini: there is no key for it; set OPENAI_API",
        ),
        (
            "batch collect RECORD --model gpt-5-mini --max-usd 1 --out OUT -q",
            "there is no key for it; set OPENAI_API_KEY",
        ),
        ("export RUN --to OUT", "say --format"),
        ("export RUN --to OUT.csv", "holds one table"),
        ("export RUN --to OUT.csv --tables doses", "no such table"),
        ("export RUN --to OUT --format csv --tasks doses", "doses"),
        (
            "export seeds/gold --gold seeds/gold --to OUT --format csv",
            "--gold corrects a run",
        ),
        ("run RECORD --effort huge", "huge; choose from none, medium, all"),
        ("run RECORD --effort meduim", "did you mean medium?"),
        (
            "evaluate seeds/gold RUN --check --json --fail-under all=1",
            "scores nothing; leave out --json, --fail-under",
        ),
        ("evaluate seeds/gold RUN --fail-under all", "write NAME=SCORE"),
        ("evaluate seeds/gold RUN --fail-under all=high", "write NAME=SCORE"),
        ("evaluate seeds/gold RUN --fail-under all=80", "a score is between 0 and 1"),
        ("rnu", " run'?"),
        ("batch submt", " batch submit'?"),
        ("sumbit x", " batch submit'?"),
        ("run x --modle y", "did you mean --model?"),
        (
            "run RECORD --model-option top_k",
            "--model-option: top_k: not KEY=VALUE; write top_k=40",
        ),
        (
            "run RECORD --timeout 0",
            "--timeout: 0.0 is not allowed; choose a number of at least 0.1",
        ),
        ("export x --to y --format cvs", "did you mean csv?"),
        ("schema dosign", "did you mean dosing?"),
        ("fetch --updated-since yesterday", "write it as YYYY-MM-DD"),
        ("run", "Missing argument 'INPUT'. Files, folders"),
        ("export x", "Missing option '--to' / '-o'. A .duckdb or .xlsx file"),
    ],
)
def test_a_wrong_call_prints_a_remedy(run, tmp_path, command, hint):
    names = {"RECORD": RECORD, "RUN": str(run), "OUT": str(tmp_path / "out")}
    for name, value in names.items():
        command = command.replace(name, value)
    done = invoke(*command.split())
    assert done.exit_code == 2
    assert hint in done.stderr or hint in " ".join(done.stderr.replace("│", "").split())
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("duckdb", "export RUN --to OUT.duckdb", "export"),
        ("fhir", "export RUN --to OUT --format fhir", "fhir"),
        ("fastapi", "serve --root OUT", "serve"),
        ("starlette", "review RUN --gold OUT", "review"),
        ("mcp", "mcp", "mcp"),
        ("ray", f"run {RECORD} --ray local --out OUT", "cluster"),
        ("fsspec", "run s3://bucket/records.jsonl", "s3"),
    ],
)
def test_a_missing_extra_is_named(run, tmp_path, module, command, extra):
    words = (
        command.replace("RUN", str(run)).replace("OUT", str(tmp_path / "out")).split()
    )
    process = [sys.executable, "-c", _WITHOUT, module, *words]
    done = subprocess.run(process, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"pip install '.[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out.duckdb").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("tasks", "dosing"), ("min-confidence", "0.5")]
)
def test_settings_that_differ_from_the_runs_are_named(run, option, value):
    done = invoke(
        "run", RECORD, "--out", run, "--quiet", "--effort", "none", f"--{option}", value
    )
    assert done.exit_code == 2
    (message,) = done.stderr.splitlines()
    assert (
        f"{run}: created with other settings ({option.replace('-', '_')} was "
        in message
    )
    assert "use another --out, or --fresh" in message
    assert "None" not in message


def test_an_estimate_tells_that_its_folder_cannot_take_the_run(run):
    words = ("run", RECORD, "--out", run, "--dry-run", "--effort")
    assert (
        f"{run}: holds a run with other settings (effort was none, is medium)"
        in invoke(*words, "medium").stderr
    )
    assert "other settings" not in invoke(*words, "none").stderr


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs a device that is always full"
)
def test_a_full_disk_behind_standard_output_is_reported_in_one_line():
    with Path("/dev/full").open("wb") as full:
        process = [sys.executable, "-m", "extractor", "run", RECORD]
        done = subprocess.run(
            process, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 75
    assert (
        done.stderr.splitlines()[-1]
        == "extractor: standard output: No space left on device"
    )


def test_the_version_is_that_of_the_distribution():
    assert invoke("--version").stdout.strip() == version("trial-extractor")
