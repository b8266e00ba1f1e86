"""The server's process: started, reached with its token only, and gone afterwards, whatever happens.

A stand-in for the model runtime lies first on the child's path, so that no weights are needed. The real one
is tried in ``test_live``.
"""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import httpx2
import psutil
import pytest

from extractor.errors import MissingExtra, ModelUnavailable
from extractor.llm.local import LocalServer, ServerSettings, serve_model
from extractor.llm.local.server import set_parameters

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
REFUSING = """
    from types import SimpleNamespace
    CommonParams = lambda: SimpleNamespace(
        model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace()
    )
    def Server(parameters):
        raise RuntimeError("Failed to init server")
"""
ABSENT = "raise ImportError"
PATIENCE_S = 300.0
"""After which something is taken to hang; an end in order takes no such time, however busy the machine is."""


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(b"GGUF and so on")
    return path


@pytest.fixture
def use_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make the child import the given code as its model runtime."""

    def use(code: str) -> None:
        (tmp_path / "runtime").mkdir()
        (tmp_path / "runtime" / "xllamacpp.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(tmp_path / "runtime")  # the process imports what this one would
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "runtime"), prepend=os.pathsep)  # for a parent of its own

    return use


def get(server: LocalServer, path: str, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(trust_env=False) as client:
        return client.get(server.base_url + path, headers=headers).status_code


def test_server_answers_its_token_only_and_is_gone_afterwards(use_runtime, weights: Path) -> None:
    use_runtime(STAND_IN)
    with serve_model(weights) as server:
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.model == "tiny"
        assert get(server, "/models", server.token) == 200
        assert get(server, "/models", None) == 401
        assert server.token not in repr(server)
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE_S
    assert not psutil.pid_exists(server.process.pid)


def test_token_is_not_on_the_command_line(use_runtime, weights: Path) -> None:
    use_runtime(STAND_IN)
    with serve_model(weights, ServerSettings(token="hush")) as server:
        assert get(server, "/models", "hush") == 200
        shown = psutil.Process(server.process.pid).cmdline()
        assert "extractor.llm.local.server" in " ".join(shown)
        assert "hush" not in " ".join(shown)


def test_server_is_stopped_when_the_body_fails(use_runtime, weights: Path) -> None:
    use_runtime(STAND_IN)
    with pytest.raises(KeyboardInterrupt), serve_model(weights) as server:
        raise KeyboardInterrupt
    assert not psutil.pid_exists(server.process.pid)


def test_server_ends_when_its_parent_is_killed(use_runtime, weights: Path) -> None:
    use_runtime(STAND_IN)
    parent = textwrap.dedent(f"""
        import os
        from pathlib import Path
        from extractor.llm.local import serve_model
        with serve_model(Path({str(weights)!r})) as server:
            print(server.process.pid, flush=True)
            os.kill(os.getpid(), 9)
    """)
    ended = subprocess.run(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False
    )
    process_id = int(ended.stdout)
    deadline = time.monotonic() + PATIENCE_S
    while psutil.pid_exists(process_id) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(process_id)


def test_server_that_dies_says_its_last_words(use_runtime, weights: Path) -> None:
    use_runtime(STAND_IN)
    with serve_model(weights) as server:
        get(server, "/die", server.token)
        with pytest.raises(ModelUnavailable, match="ended with code 3: it died of the test"):
            server.wait()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (REFUSING, r"tiny\.gguf: llama\.cpp cannot serve it \(Failed to init server\)"),
        (ABSENT, r"xllamacpp is not installed; `pip install 'trial-extractor\[local\]'`"),
        ("import os; os._exit(7)", "ended with code 7"),
    ],
    ids=["refuses", "absent", "crashes"],
)
def test_failed_start_is_explained(use_runtime, weights: Path, code: str, told: str) -> None:
    use_runtime(code)
    with pytest.raises((ModelUnavailable, MissingExtra), match=told), serve_model(weights):
        pytest.fail("it started")


@pytest.mark.parametrize(("content", "told"), [(None, "No such file"), (b"PK\x03\x04", "is no GGUF file")])
def test_file_that_holds_no_weights_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "odd.gguf"
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=told), serve_model(path):
        pytest.fail("it started")


def test_parameters_bind_to_loopback_and_share_the_context() -> None:
    empty = SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())
    request = {"path": "a.gguf", "name": "a", "slots": 3, "context": 1000, "threads": 5, "port": 0, "token": "t"}
    filled = set_parameters(empty, {**request, "parameters": {"n_ubatch": 128}})
    assert (filled.hostnames, filled.api_keys) == (["127.0.0.1"], ["t"])
    assert (filled.n_parallel, filled.n_ctx, filled.n_ubatch) == (3, 3000, 128)
    assert filled.cpuparams.n_threads == filled.cpuparams_batch.n_threads == 5


@pytest.mark.parametrize(
    "wrong", [{"slots": 0}, {"threads": 0}, {"context": 10}, {"context": 10**9}, {"port": 70000}, {"token": ""}]
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs|is no port"):
        ServerSettings(**wrong)


def test_tokens_are_random_and_one_core_is_left_free() -> None:
    assert ServerSettings().token != ServerSettings().token
    assert 1 <= ServerSettings().threads <= max(1, (os.cpu_count() or 1) - 1)
