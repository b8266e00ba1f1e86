"""The server's process starts, requires its token, and always ends.

A fake runtime is first on the child's path, so no weights are needed; ``test_live`` uses the real one.
"""

import os
import subprocess
import sys
import textwrap
import time

import httpx2
import psutil
import pytest

from extractor.errors import MissingExtra, ModelUnavailable
from extractor.llm.local.server import ServerSettings, serve_model

STAND_IN = """
    import os, threading, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from types import SimpleNamespace

    def CommonParams():
        return SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())

    class Server:
        def __init__(self, parameters):
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    known = self.headers.get("Authorization") == "Bearer " + parameters.api_keys[0]
                    self.send_response(200 if known or self.path == "/health" else 401)
                    self.end_headers()
                    if self.path == "/v1/die":
                        os.write(2, b"it died of the test")
                        threading.Timer(0.2, os._exit, [3]).start()
                def log_message(self, *_):
                    pass
            http = ThreadingHTTPServer((parameters.hostnames[0], parameters.port), Handler)
            threading.Thread(target=http.serve_forever, daemon=True).start()
            self.listening_address = f"http://127.0.0.1:{http.server_port}"
        def __del__(self):
            time.sleep(600)  # as llama.cpp's does while a request is under way
"""
PATIENCE_S = 300.0
"""Seconds after which a test counts as hanging, far more than a normal end takes on a busy machine."""


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF and so on")
    return path


@pytest.fixture
def use_runtime(tmp_path, monkeypatch):
    """Return a function that makes the child import some code as its runtime."""

    def use(code):
        (tmp_path / "runtime").mkdir()
        (tmp_path / "runtime" / "xllamacpp.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(tmp_path / "runtime")  # the child imports from the paths of this process
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "runtime"), prepend=os.pathsep)  # for a parent of its own

    return use


def get(server, path, token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(trust_env=False) as client:
        return client.get(server.base_url + path, headers=headers).status_code


def test_the_server_requires_its_token_hides_it_and_ends_even_if_the_block_fails(use_runtime, weights):
    use_runtime(STAND_IN)
    with pytest.raises(KeyboardInterrupt), serve_model(weights, ServerSettings(token="hush")) as server:  # noqa: PT012
        assert server.base_url.startswith("http://127.0.0.1:")
        assert (server.model, server.token) == ("tiny", "hush")
        assert (get(server, "/models", "hush"), get(server, "/models", None)) == (200, 401)
        command = " ".join(psutil.Process(server.process.pid).cmdline())
        assert "extractor.llm.local.server" in command
        assert "hush" not in repr(server) + command
        raise KeyboardInterrupt
    assert not psutil.pid_exists(server.process.pid)


def test_server_ends_when_its_parent_is_killed(use_runtime, weights):
    use_runtime(STAND_IN)
    parent = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from extractor.llm.local.server import serve_model
        with serve_model(Path({str(weights)!r})) as server:
            print(server.process.pid, flush=True)
            os.kill(os.getpid(), 9)
    """)
    command = [sys.executable, "-c", parent]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False)
    deadline = time.monotonic() + PATIENCE_S
    while psutil.pid_exists(int(ended.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(ended.stdout))


def test_server_that_dies_leaves_its_last_messages(use_runtime, weights):
    use_runtime(STAND_IN)
    with serve_model(weights) as server:
        get(server, "/die", server.token)
        with pytest.raises(ModelUnavailable, match="ended with code 3: it died of the test"):
            server.wait()


REFUSING = STAND_IN + "    def Server(parameters):\n        raise RuntimeError('Failed to init server')\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (REFUSING, r"tiny\.gguf: llama\.cpp cannot serve it \(Failed to init server\)"),
        ("raise ImportError", r"needs xllamacpp; .*: pip install '\.\[local\]'"),
        ("import os; os._exit(7)", "ended with code 7"),
    ],
    ids=["refuses", "absent", "crashes"],
)
def test_failed_start_is_explained(use_runtime, weights, code, message):
    use_runtime(code)
    with pytest.raises((ModelUnavailable, MissingExtra), match=message), serve_model(weights):
        pytest.fail("it started")


@pytest.mark.parametrize(("content", "message"), [(None, "No such file"), (b"PK\x03\x04", "not a GGUF file")])
def test_file_that_holds_no_weights_is_refused(tmp_path, content, message):
    path = tmp_path / "odd.gguf"
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=message), serve_model(path):
        pytest.fail("it started")


@pytest.mark.parametrize(
    "wrong", [{"slots": 0}, {"threads": 0}, {"context": 10}, {"context": 10**9}, {"port": 70000}, {"token": ""}]
)
def test_impossible_settings_are_refused_and_tokens_are_random(wrong):
    with pytest.raises(ValueError, match=r"needs|is not a port"):
        ServerSettings(**wrong)
    assert ServerSettings().token != ServerSettings().token
    assert 1 <= ServerSettings().threads <= max(1, (os.cpu_count() or 1) - 1)
