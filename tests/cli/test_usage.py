"""A wrong call, a missing extra or key, and a broken file exit with 2 and a remedy."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.commands import extract, invoke
from tests.tables import read_cases

CASES = read_cases(__file__)

_WITHOUT = (
    "import sys; sys.modules[sys.argv.pop(1)] = None; "
    "from extractor.apps.cli import main; main()"
)
RECORD = "tests/records/study.json"
CALLS = CASES["calls"]


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
    ("module", "command", "extra"), CASES["a_missing_extra_is_named"]
)
def test_a_missing_extra_is_named(run, tmp_path, module, command, extra):
    command = command.replace("RUN", str(run)).replace("OUT", str(tmp_path / "out"))
    process = [sys.executable, "-c", _WITHOUT, module, *command.split()]
    done = subprocess.run(process, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"pip install '.[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out.duckdb").exists()


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"# none\n" * 200_000,
        b'x = "\xe9"\n',
        b"x = " + b"[" * 5_000 + b"]" * 5_000,
        b"[model.m]\nprompt = " + b"[" * 200 + b"]" * 200,
    ],
)
def test_a_file_of_prices_that_cannot_be_read_is_one_line(content, tmp_path):
    path = tmp_path / "prices.toml"
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    done = invoke("run", RECORD, "--model", "m", "--prices", path)
    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
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


_MAIN = f"{sys.executable} -m extractor"
_LIMITS = "needs a shell that closes streams and limits memory"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason=_LIMITS)
@pytest.mark.parametrize(
    ("command", "code", "last"),
    [
        ("run RECORD >&-", 1, "extractor: standard output: it is closed"),
        ("--help >&-", 1, "extractor: standard output: it is closed"),
        ("run RECORD --out OUT --quiet >&- <&-", 0, ""),
        ("run RECORD --out OUT <&- >&- 2>&-", 0, ""),
        ("run nosuch 2>&-", 2, ""),
        ("run - --quiet <&-", 2, "<stdin>: the file is empty"),
        ("run RECORD --out OUT", 75, "address space"),
    ],
)
def test_a_closed_stream_or_too_little_memory_is_one_line(
    tmp_path, command, code, last
):
    words = command.replace("RECORD", str(Path(RECORD).absolute()))
    words = words.replace("OUT", str(tmp_path / "out"))
    limit = "ulimit -v 250000; " if "address" in last else ""
    done = subprocess.run(
        ["/bin/sh", "-c", f"{limit}exec {_MAIN} {words}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert last in "".join(lines)
    assert "Traceback" not in done.stderr
    if "--help" in command or code == 75 or not last:
        assert len(lines) == bool(last)


@pytest.mark.slow
def test_what_an_encoding_lacks_is_written_as_json_writes_it(tmp_path):
    record = tmp_path / "record.txt"
    record.write_text("Inclusion criteria:\n- INR ≥ 2, “stable” 😀\n", "utf-8")
    command = [sys.executable, "-m", "extractor", "run", record, "--quiet"]
    done = subprocess.run(
        command,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    (criterion,) = json.loads(done.stdout)["eligibility"]["criteria"]
    assert criterion["quote"] == "INR ≥ 2, “stable” 😀"
    assert done.stderr == b""


def test_the_version_is_that_of_the_distribution():
    assert invoke("--version").stdout.strip() == version("trial-extractor")
