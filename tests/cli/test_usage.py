"""A wrong call, a missing extra or key, and a broken file exit with 2 and a remedy."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.commands import extract, extractor, invoke

_WITHOUT = (
    "import sys; sys.modules[sys.argv.pop(1)] = None; "
    "from extractor.apps.cli import main; main()"
)
RECORD = "tests/records/study.json"
CALLS = [
    # places
    ("run tests/recods", "no such file or folder (did you mean records?)"),
    ("run none.json --out OUT", "none.json: there is no such file or folder"),
    ("run EMPTY --out OUT", "the folder or pattern has no files; check the path"),
    ("run EMPTY EMPTY/*.txt --out OUT", "the folder or pattern has no files; check"),
    ("run RECORD --out RECORD", "is an input"),
    ("run RECORD --out README.md", "--out README.md is not a folder; specify one"),
    ("parse none.json", "none.json: there is no such file or folder"),
    ("report none", "'RUN': dir 'none' does not exist."),
    ("export none --to OUT.duckdb", "none: there is no such file or folder"),
    ("export RUN --to OUT", "a folder needs --format"),
    ("export RUN --to OUT.csv", "holds one table"),
    ("export RUN --to OUT.csv --tables limits", "limits: no such table"),
    ("export RUN --to OUT --format csv --gold EMPTY", "no finished record"),
    ("evaluate none RUN", "none: does not exist; specify a folder of JSON"),
    ("run tests/records --out tests/records", "is an input"),
    ("run RECORD --out s3://bucket/out", "is not a folder"),
    ("run RECORD --replay no-such-folder", "no-such-folder"),
    ("run RECORD --replay tests/records", "no run to replay"),
    ("run RECORD --replay seeds/answers --out seeds/answers --fresh", "is replayed"),
    ("run RECORD --prices none.toml --model m", "none.toml"),
    ("batch submit - --out OUT --model m", "instead of standard input"),
    ("batch collect RECORD --answers none.jsonl", "no such file"),
    # values
    ("run RECORD --tasks colours", "should be 'eligibility', 'dosing' or 'endp"),
    ("run RECORD --min-confidence 90", "--min-confidence: 90.0: input should be less"),
    ("run RECORD --workers 999999999999", "should be less than or equal to 10000"),
    ("run RECORD --timeout 0", "--timeout: 0.0: input should be greater than or"),
    ("run RECORD --effort huge", "'huge' is not one of 'none', 'medium', 'all'"),
    ("list RUN valuse", "'valuse' is not one of 'values', 'doubts'"),
    (
        "list RUN values --min-confidence 0.9 --max-confidence 0.5",
        "no confidence is at least 0.9 and below",
    ),
    ("run RECORD --model http://localhost:8000/v1", "#NAME"),
    ("run RECORD --model-option top_k", "is not KEY=VALUE; write top_k=40"),
    # options that do not fit together
    ("run RECORD --fresh", "--fresh needs a folder; specify one with --out"),
    ("run RECORD --max-usd 1", "--model"),
    ("run RECORD --max-usd 1 --model no-such-model", "--prices"),
    ("batch submit RECORD --requests r.jsonl", "--model"),
    (
        "batch submit RECORD --requests r --model m --out OUT",
        "specify either a results folder with --out",
    ),
    ("batch submit RECORD --model m", "--out"),
    ("batch submit RECORD --requests r --model m --effort none", "nothing to submit"),
    ("batch collect RECORD --model m", "--out"),
    ("batch collect RECORD --out OUT", "--model"),
    ("batch collect RECORD --out OUT --model m --requests r", "--answers"),
    # keys
    ("run RECORD --model gpt-5-mini --effort all", "is no key for it; set OPENAI_API"),
    ("batch collect RECORD --model gpt-5-mini --out OUT", "set OPENAI_API_KEY"),
    # names and missing words
    ("rnu", "No such command 'rnu'. Did you mean 'run'?"),
    ("run x --modle y", "No such option: --modle (Possible options: --model)"),
    ("schema dosign", "Invalid value for 'TASK'"),
    ("run", "Missing argument 'INPUT'."),
    ("review RUN", "Missing option '--gold' / '-o'."),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return extract(RECORD, tmp_path_factory.mktemp("usage") / "run")


@pytest.mark.parametrize(("command", "hint"), CALLS)
def test_a_wrong_call_prints_a_remedy(run, tmp_path, command, hint):
    (empty := tmp_path / "empty").mkdir()
    names = {"RECORD": RECORD, "RUN": run, "OUT": tmp_path / "out", "EMPTY": empty}
    for name, place in names.items():
        command = re.sub(rf"\b{name}\b", str(place), command)
    words = command.split()
    done = invoke(*words)
    assert done.exit_code == 2
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [empty]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("duckdb", "export RUN --to OUT.duckdb", "export"),
        ("fhir", "export RUN --to OUT --format fhir", "fhir"),
        ("fastapi", "serve --root OUT", "serve"),
        ("starlette", "review RUN --gold OUT", "review"),
        ("mcp", "mcp", "mcp"),
    ],
)
def test_a_missing_extra_is_named(run, tmp_path, module, command, extra):
    command = command.replace("RUN", str(run)).replace("OUT", str(tmp_path / "out"))
    process = [sys.executable, "-c", _WITHOUT, module, *command.split()]
    done = subprocess.run(process, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"pip install '.[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out.duckdb").exists()


PRICES = {
    "device": "/dev/zero",
    "no file": "/missing.toml",
    "folder": "/tmp",
    "pipe": None,
    "long": b"# none\n" * 200_000,
    "in another encoding": b'x = "\xe9"\n',
    "deep lists": b"x = " + b"[" * 5_000 + b"]" * 5_000,
    "deep tables": b"x = " + b"{a = " * 5_000 + b"1" + b"}" * 5_000,
    "deep keys": b"x" + b".a" * 5_000 + b" = 1",
    "a deep price": b"[model.m]\nprompt = " + b"[" * 200 + b"]" * 200,
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes")
@pytest.mark.parametrize("content", PRICES.values(), ids=PRICES)
def test_a_file_of_prices_that_cannot_be_read_is_one_line(content, tmp_path):
    path = content if isinstance(content, str) else tmp_path / "prices.toml"
    if content is None:
        os.mkfifo(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    done = extractor("run", RECORD, "--model", "m", "--prices", path)
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert f"{path}: " in line
    assert len(line) < 1_000


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device always full")
def test_a_full_disk_behind_standard_output_may_pass_later():
    with Path("/dev/full").open("wb") as full:
        process = [sys.executable, "-m", "extractor", "run", RECORD]
        done = subprocess.run(
            process, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 75
    last = done.stderr.splitlines()[-1]
    assert last == "extractor: standard output: No space left on device"


def test_the_version_is_that_of_the_distribution():
    assert invoke("--version").stdout.strip() == version("trial-extractor")
