"""The start, the refused starts and the end of ``extractor serve``."""

import asyncio
import re
import signal
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from extractor.apps.cli.app import app
from extractor.apps.cli.environment import read_model_spec
from extractor.apps.serve.callers import CallerBook
from tests.llm.stub import serve as serve_stub

from .running import TOKEN, check_problem, one, say_nothing, serve


def start(root, *options):
    """Run the command, which must end by itself."""
    return CliRunner().invoke(
        app, ["serve", "--port", "0", "--root", str(root), *options]
    )


@pytest.mark.parametrize(
    ("options", "token", "code", "message"),
    [
        (("--host", "0.0.0.0"), None, 2, "set EXTRACTOR_TOKEN"),
        (("--host", "::"), None, 2, "set EXTRACTOR_TOKEN"),
        ((), "short", 2, "fewer than 16 characters"),
        (("--model", "no model"), TOKEN, 2, "names no model"),
        (("--model", "gpt-5-mini"), TOKEN, 2, "set OPENAI_API_KEY"),
        (("--host", "no.such.host.invalid"), TOKEN, 1, "choose another --host"),
    ],
)
def test_a_wrong_start_is_refused(tmp_path, monkeypatch, options, token, code, message):
    if token:
        monkeypatch.setenv("EXTRACTOR_TOKEN", token)
    done = start(tmp_path / "root", *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("is_revoked", [False, True])
def test_a_caller_s_key_does_not_become_the_operator_s(
    tmp_path, monkeypatch, is_revoked
):
    with closing(CallerBook(tmp_path / "root")) as book:
        key = book.add("anna", 60)
        if is_revoked:
            book.revoke("anna")
    monkeypatch.setenv("EXTRACTOR_TOKEN", key)
    done = start(tmp_path / "root")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "EXTRACTOR_TOKEN is the key of the caller anna" in done.stderr
    assert key not in done.stderr


def test_a_folder_that_a_service_uses_is_refused(served, monkeypatch):
    monkeypatch.setenv("EXTRACTOR_TOKEN", TOKEN)
    monkeypatch.setattr("extractor.apps.serve.app._LOCK_TIMEOUT_S", 0)
    done = start(served.root)
    assert done.exit_code == 1
    assert "another process uses it" in done.stderr


def test_the_model_s_server_does_not_get_the_service_s_token(monkeypatch):
    monkeypatch.setenv("EXTRACTOR_TOKEN", TOKEN)
    assert read_model_spec("http://h:1/v1#m").api_key is None
    monkeypatch.setenv("EXTRACTOR_MODEL_TOKEN", "its-own-key")
    key = read_model_spec("http://h:1/v1#m").api_key
    assert key
    assert key.get_secret_value() == "its-own-key"


def test_the_deployment_examples_use_known_options():
    text = "".join(path.read_text("utf-8") for path in sorted(Path("deploy").iterdir()))
    lines = [line for line in text.splitlines() if re.match(r"CMD|ExecStart", line)]
    assert len(lines) == 2
    known = {
        parameter
        for param in get_command(app).commands["serve"].params
        for parameter in param.opts
    }
    for line in lines:
        assert set(re.findall(r"--[a-z-]+", line)) <= known


async def post_all(url, key, count):
    limits = httpx2.Limits(max_connections=None)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, timeout=300, limits=limits, trust_env=False
    ) as client:
        posted = (
            client.post("/v1/extractions", content=one(number + 1))
            for number in range(count)
        )
        return await asyncio.gather(*posted)


def say_nothing_slowly(request):
    time.sleep(0.1)
    return say_nothing(request)


@pytest.mark.slow
async def test_a_small_service_from_its_start_to_its_end(tmp_path):
    """It creates a token, reports its path, refuses what is beyond its queue or its wrong keys,
    and ends at Ctrl-C.
    """
    options = ("--workers", "1", "--queue", "4", "--concurrency", "2")
    with (
        serve_stub(say_nothing_slowly) as stub,
        serve(
            tmp_path / "root",
            "--model",
            f"{stub.url}#stub",
            *options,
            EXTRACTOR_TOKEN="",
        ) as service,
    ):
        command = service.errors.partition("in their shell: ")[2].splitlines()[0]
        shell = ["sh", "-c", f'{command}; printf %s "$EXTRACTOR_TOKEN"']
        token = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        assert len(token) == 64
        assert (tmp_path / "root" / "token").stat().st_mode & 0o777 == 0o600
        # with the token of another service
        assert service.client.get("/v1/jobs").status_code == 401
        answers = await post_all(service.url, token, 30)
        refused = [answer for answer in answers if answer.status_code != 200]
        assert 4 <= len(answers) - len(refused) < 30
        for answer in refused:
            check_problem(answer, 429, "queue-full")
            assert answer.headers["retry-after"] == "1"
        assert service.client.get("/healthz").status_code == 200
        assert (
            "links" in service.client.get("/", headers={"accept": "text/html"}).json()
        )  # no page unless --playground
        assert service.client.post("/playground").status_code == 404
        service.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(service.process.wait, 300) == 0
        assert token not in service.errors + service.log.read_text("utf-8")
