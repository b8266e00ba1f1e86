"""The command against a model that answers nothing usable, and the key that it sends."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli.test_terminal import read_terminal
from tests.commands import extractor
from tests.llm.stub import Scripted, completion, serve

from .server import Fault, serve_faults

RECORDS = 12
KEY = "a-key-of-this-server"


def run(records, out, url, *options, **environment):
    command = ("run", records, "--assist", "always", "--concurrency", "3", "--model", f"{url}#stub", "--out", out)
    return extractor(*command, *options, **environment)


def test_a_run_that_brought_nothing_usable_says_so_first_and_ends_with_1(records, tmp_path):
    """Three calls in four are empty: the model is not given up, but most questions have no answer."""
    empty = Fault(content='{"items": []}')
    with serve_faults(lambda number: Fault() if number % 4 == 0 else empty) as server:
        ended = run(records, tmp_path / "run", server.url, "--max-lacking", "0.05")
        said = ended.stderr.decode().splitlines()
        assert ended.returncode == 1
        assert " questions got no usable answer, more than --max-lacking 0.05 allows; such as: " in said[0]
        assert "go on with: extractor run" in said[0]
        assert any("without any usable answer)" in line for line in said if line.startswith("questions: "))
        quiet = run(records, tmp_path / "quiet", server.url, "--max-lacking", "0.05", "--quiet")
        assert quiet.returncode == 1
        assert "no usable answer" in quiet.stderr.decode()
        assert run(records, tmp_path / "other", server.url, "--max-lacking", "1").returncode == 0


def test_a_run_stops_at_a_login_page_and_shows_it(records, tmp_path):
    page = Scripted(200, "<html><title>Sign in</title></html>", {"Content-Type": "text/html"})
    with serve([page]) as server:
        ended = run(records, tmp_path / "run", server.url, "--concurrency", "12")
    said = ended.stderr.decode()
    assert ended.returncode == 1
    assert "the first 10 calls brought no usable answer (" in said
    assert "not JSON: '<html><title>Sign in</title></html>'" in said
    assert "go on with: extractor run" in said


def test_patience_is_an_option(records, tmp_path):
    with serve_faults() as server:
        server.holds_after = 0
        ended = run(records, tmp_path / "run", server.url, "--patience", "1")
        server.holds_after = None
    assert ended.returncode == 1
    assert "no answer for 1 seconds (3 requests), and nothing came back" in ended.stderr.decode()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_the_progress_line_says_what_the_run_waits_for(records, tmp_path):
    terminal, stderr = os.openpty()
    with serve_faults() as server:
        server.holds_after = 0
        command = [sys.executable, "-m", "extractor", "run", records, "--assist", "always", "--patience", "5"]
        command += ["--model", f"{server.url}#stub", "--out", tmp_path / "run"]
        environment = {**os.environ, "COLUMNS": "200"}
        with subprocess.Popen(command, stderr=stderr, stdout=subprocess.DEVNULL, env=environment) as running:
            os.close(stderr)
            shown = "".join(iter(lambda: read_terminal(terminal), ""))
        server.holds_after = None
    os.close(terminal)
    assert running.returncode == 1
    assert f"waiting for the first answer of model stub at {server.url}, 4 s" in shown


def test_the_findings_on_what_a_model_left_out_are_counted(tmp_path):
    with serve([completion('{"items": []}')]) as server:
        ended = run("tests/records/study.json", tmp_path / "run", server.url, "--tasks", "dosing")
    kinds = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["finding_kinds"]
    assert kinds["regimen_unconfirmed"] > 0
    assert f"read by the rules, left out by the model: {kinds['regimen_unconfirmed']}\n" in ended.stderr.decode()


@pytest.mark.parametrize(
    ("environment", "is_sent"),
    [
        ({"EXTRACTOR_MODEL_TOKEN": KEY}, True),
        ({"EXTRACTOR_TOKEN": KEY}, False),
        ({"EXTRACTOR_MODEL_TOKEN": KEY, "EXTRACTOR_MODEL": "http://other.invalid/v1#m"}, False),
    ],
    ids=["the server's", "the service's", "another server's"],
)
def test_a_key_goes_only_to_the_server_that_it_is_for(tmp_path, environment, is_sent):
    with serve([completion('{"items": []}')]) as server:
        ended = run("tests/records/study.json", tmp_path / "run", server.url, **environment)
    assert server.headers
    assert [KEY in str(headers) for headers in server.headers] == [is_sent] * len(server.headers)
    assert ("127.0.0.1:" in ended.stderr.decode().partition("does not get it")[0]) is ("EXTRACTOR_MODEL" in environment)


def test_a_redirect_takes_no_key_to_another_host(tmp_path):
    with serve([completion('{"items": []}')]) as other:
        elsewhere = Scripted(307, "", {"Location": f"{other.url}/chat/completions"})
        with serve([elsewhere]) as server:
            run("tests/records/study.json", tmp_path / "run", server.url, EXTRACTOR_MODEL_TOKEN=KEY)
    assert server.headers
    assert KEY in str(server.headers[0])
    assert KEY not in str(other.headers)
