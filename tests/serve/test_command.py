"""``extractor serve`` as it starts, and as it refuses to."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from extractor.cli.app import app
from extractor.cli.environment import read_service_model

from .running import TOKEN


def start(root, *options):
    """The command, which must end by itself."""
    return CliRunner().invoke(app, ["serve", "--port", "0", "--root", str(root), *options])


@pytest.mark.parametrize(
    ("options", "token", "code", "told"),
    [
        (("--host", "0.0.0.0"), None, 2, "set EXTRACTOR_TOKEN"),
        (("--host", "::"), None, 2, "set EXTRACTOR_TOKEN"),
        ((), "short", 2, "less than 16 characters"),
        (("--model", "local"), TOKEN, 2, "extractor model serve"),
        (("--model", "no model"), TOKEN, 2, "names no model"),
        (("--host", "no.such.host.invalid"), TOKEN, 1, "choose another --host"),
    ],
)
def test_a_start_that_cannot_be_is_refused(tmp_path, monkeypatch, options, token, code, told):
    if token:
        monkeypatch.setenv("EXTRACTOR_TOKEN", token)
    done = start(tmp_path / "root", *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_it_is_named(tmp_path):
    code = "import sys; sys.modules['fastapi'] = None; from extractor.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'trial-extractor[serve]'" in done.stderr


def test_a_folder_that_a_service_uses_is_refused(served, monkeypatch):
    monkeypatch.setenv("EXTRACTOR_TOKEN", TOKEN)
    monkeypatch.setattr("extractor.serve.serve._PATIENCE_S", 0)
    done = start(served.root)
    assert done.exit_code == 1
    assert "another process works in it" in done.stderr


def test_the_model_s_server_does_not_get_the_service_s_token(monkeypatch):
    monkeypatch.setenv("EXTRACTOR_TOKEN", TOKEN)
    assert read_service_model("http://h:1/v1#m").api_key is None
    monkeypatch.setenv("EXTRACTOR_MODEL_TOKEN", "its own")
    key = read_service_model("http://h:1/v1#m").api_key
    assert key
    assert key.get_secret_value() == "its own"


def test_what_is_deployed_starts_what_there_is():
    """The examples' command lines have options that the command has."""
    text = "".join(path.read_text("utf-8") for path in sorted(Path("deploy").iterdir()))
    lines = [line for line in text.splitlines() if re.match(r"CMD|ExecStart", line)]
    assert len(lines) == 2
    known = {parameter for param in get_command(app).commands["serve"].params for parameter in param.opts}
    for line in lines:
        assert set(re.findall(r"--[a-z-]+", line)) <= known
