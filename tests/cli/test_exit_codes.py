"""A missing extra, a missing key and settings that conflict exit with 2, and say in one line what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import extractor

_WITHOUT = "import sys; sys.modules[sys.argv.pop(1)] = None; from extractor.cli import main; main()"
RECORD = "tests/records/study.json"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("codes") / "run"
    assert extractor("run", RECORD, "--out", folder, "--quiet").returncode == 0
    return folder


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [
        ("duckdb", ["export", "RUN", "--to", "OUT.duckdb"], "export"),
        ("fastapi", ["serve", "--root", "OUT"], "serve"),
        ("starlette", ["review", "RUN", "--gold", "OUT"], "review"),
        ("ray", ["run", RECORD, "--engine", "ray", "--out", "OUT"], "ray"),
        ("scipy", ["evaluate", "seeds/gold", "seeds/gold"], "evaluate"),
        ("fsspec", ["run", "s3://bucket/records.jsonl"], "s3"),
    ],
)
def test_a_missing_extra_is_named(run, tmp_path, module, words, extra):
    words = [word.replace("RUN", str(run)).replace("OUT", str(tmp_path / "out")) for word in words]
    command = [sys.executable, "-c", _WITHOUT, module, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"pip install 'trial-extractor[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not Path(f"{tmp_path / 'out'}.duckdb").exists()


@pytest.mark.parametrize("more", [(), ("--batch", "--max-usd", "1")])
def test_a_missing_key_is_named(tmp_path, more):
    done = extractor("run", RECORD, "--model", "gpt-5-mini", "--assist", "always", "--quiet", "--out", tmp_path, *more)
    assert done.returncode == 2
    assert done.stderr == b"extractor: model gpt-5-mini: there is no key for it; set OPENAI_API_KEY\n"


@pytest.mark.parametrize("options", [("--tasks", "dosing"), ("--assist", "never")])
def test_other_settings_than_those_of_the_run_say_what_differs(run, options):
    done = extractor("run", RECORD, "--out", run, "--quiet", *options)
    assert done.returncode == 2
    (told,) = done.stderr.decode().splitlines()
    assert f"{run}: was made with other settings ({options[0].removeprefix('--')} was " in told
    assert "use --fresh or another --out" in told
    assert "None" not in told
