"""A server that takes requests and never answers them, against the command."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from tests.commands import extractor

from .running import read_manifest

pytestmark = pytest.mark.slow

RECORDS = 12


@contextmanager
def serve_silence():
    """Accept each connection, read what comes, and never write a byte. Yields the address, and the
    requests.
    """
    requests = []
    held = []
    listening = socket.create_server(("127.0.0.1", 0))

    def hold(connection):
        with suppress(OSError):
            while part := connection.recv(65536):
                if part.startswith(b"POST "):
                    requests.append(part)

    def accept():
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                held.append(connection)
                threading.Thread(target=hold, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", requests
    finally:
        listening.close()
        for connection in held:
            connection.close()


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_run_whose_server_never_answers_ends_after_one_timeout_and_one_repeat(
    records, tmp_path, concurrency
):
    out = tmp_path / "run"
    options = ("--effort", "all", "--timeout", "1", "--concurrency", concurrency)
    with serve_silence() as (url, requests):
        model = ("--model", f"{url}#stub")
        ended = extractor("run", records, "--out", out, *model, *options)
    said = ended.stderr.decode()
    assert ended.returncode == 75
    assert f"model stub at {url}: no answer in time to the first calls (1 sec" in said
    assert "is the server running, and the address right?" in said
    assert "--timeout SECONDS" in said
    assert "go on with: extractor" in said
    assert "Traceback" not in said
    assert 2 <= len(requests) <= 2 * concurrency
    manifest = read_manifest(out)
    assert manifest["stopped_by"] == "the model was away"
    assert manifest["records"]["failed"] == 0
