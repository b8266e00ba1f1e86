"""Starts the command ``extractor serve``, and sends requests to it."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread, current_thread

import httpx2
import pytest

from extractor.apps.cli.app import app as command_line
from extractor.apps.serve import app
from extractor.run import executor
from tests.commands import FORKS, invoke
from tests.llm.stub import completion, items

TOKEN = "operator-0123456789abcdef"
WORD = "Pseudolymphoma"
"""A word in every record that the tests send, which no log may contain."""
PRICES = (
    'as_of = 2026-11-01\n[model."stub"]\nprompt = 1.0\ncached = 0.5\noutput = 1.0\n'
)
_SERVE = app.serve_service
NOBODYS = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""An id without a job."""


def one(number=1, words="", diseases=0):
    """A study as the registry's API returns it, with a criterion for each of some diseases."""
    criteria = f"Inclusion Criteria:\n\n* {WORD}\n* Age 18 years or older"
    criteria += "".join(f"\n* Disease {number}" for number in range(diseases))
    outcome = {"measure": "Overall survival", "timeFrame": "2 years"}
    title = f"Fictucel in {WORD}, part {number}"
    section = {
        "identificationModule": {"nctId": f"NCT{number:08d}", "briefTitle": title},
        "descriptionModule": {"briefSummary": f"An invented study. {words}"},
        "eligibilityModule": {"eligibilityCriteria": criteria},
        "outcomesModule": {"primaryOutcomes": [outcome]},
    }
    return json.dumps({"protocolSection": section}).encode()


def many(count, first=1):
    return b"".join(one(number) + b"\n" for number in range(first, first + count))


def ids(count, first=1):
    return [f"NCT{number:08d}" for number in range(first, first + count)]


def say_nothing(request, tokens=1):
    """An item without a value for each line of ``one``: a model whose answers are all empty is
    given up. It reports 150 tokens, or ``tokens`` times as many.
    """
    usage = {
        "prompt_tokens": 100 * tokens,
        "completion_tokens": 50 * tokens,
        "total_tokens": 150 * tokens,
        "prompt_tokens_details": {"cached_tokens": 80 * tokens},
    }
    asked = request["messages"][1]["content"]
    lines = re.findall(r"^\[(\d+)\|", asked, re.MULTILINE)
    answers = [{"n": int(number)} for number in lines if WORD in asked]
    return completion(items(*answers), usage=usage)


class Client(httpx2.Client):
    """A client with a key."""

    def __init__(self, url, key):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        super().__init__(base_url=url, headers=headers, timeout=300, trust_env=False)

    def extract(self, body, kind="application/json", **query):
        headers = {"content-type": kind}
        return self.post("/v1/extractions", content=body, params=query, headers=headers)

    def submit(self, body, **query):
        answer = self.post("/v1/jobs", content=body, params=query)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def follow(self, job_id, last_id=""):
        """All events of a job until its end: id, name, data."""
        headers = {"last-event-id": last_id}
        answer = self.get(f"/v1/jobs/{job_id}/events", headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        pattern = r"^(?:id: (\d+)\n)?event: (\w+)\ndata: (.*)$"
        found = re.findall(pattern, answer.text, re.MULTILINE)
        return [(last, name, json.loads(data)) for last, name, data in found]

    def finish(self, job_id):
        """Wait for the end of a job, and return it."""
        return self.follow(job_id)[-1][2]

    def results(self, job_id, kind="results"):
        answer = self.get(f"/v1/jobs/{job_id}/{kind}")
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]


@dataclass(frozen=True)
class Served:
    """A running service; ``client`` has the operator's token."""

    url: str
    root: Path
    log: Path
    client: Client
    stop: Callable[[], object]
    process: subprocess.Popen | None = None

    def client_of(self, key):
        return Client(self.url, key)

    def add_caller(self, name, *options):
        """A client with a new key, added while the service runs."""
        return self.client_of(run_keys(self.root, "add", name, *options).strip())

    @property
    def errors(self):
        """The service's standard error."""
        return self.log.with_suffix(".err").read_text("utf-8")

    def list_events(self, name):
        """The events of its log with that name."""
        lines = self.log.read_text("utf-8").splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == name]


def run_keys(root, *words):
    """Run a command of keys, in another process than the service's."""
    done = invoke("serve", "keys", *words, "--root", root)
    assert done.exit_code == 0, done.output
    return done.stdout


@contextmanager
def serve(
    root,
    *options,
    program=(sys.executable, "-m", "extractor"),
    cwd=None,
    **environment,
):
    """Run the command until the block ends."""
    log = root.with_name(f"{root.name}.log")
    given = ("--port", "0", "--root", root, "--log-json", log, *options)
    with (
        log.with_suffix(".err").open("a") as errors,
        subprocess.Popen(
            [*program, "serve", *given],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "EXTRACTOR_TOKEN": TOKEN, **environment},
            cwd=cwd,
        ) as process,
    ):
        url = process.stdout.readline().strip()
        assert url, log.with_suffix(".err").read_text()
        with Client(url, TOKEN) as client:
            try:
                yield Served(url, root, log, client, process.terminate, process)
            finally:
                process.terminate()
                process.wait(300)


@contextmanager
def serve_here(root, *options, token=TOKEN):
    """Run the command until the block ends, in a thread of this process: it starts sooner, and the
    tests that run its lines are known. Signals and standard error need a process of its own.
    """
    log = root.with_name(f"{root.name}.log")
    words = ["serve", "--port", "0", "--root", str(root), "--log-json", str(log)]
    told = Queue()  # the URL, and the exit code or an error at the end
    stops = []

    def serve_service(settings, host, port, announce):
        def report(url):
            announce(url)
            told.put(url)

        _SERVE(settings, host, port, report)

    def handle_signal(loop, _number, stop):
        stops.append(lambda: loop.call_soon_threadsafe(stop))

    def stop_once():
        if stops:
            stops.pop()()
            stops.clear()

    def run():
        try:
            command_line([*words, *options])
        except SystemExit as ended:
            told.put(ended.code)

    thread = Thread(target=run)
    others = executor.get_context
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.MonkeyPatch.context() as at_start,
    ):
        patch.setattr(
            executor,
            "get_context",
            lambda kind: FORKS if current_thread() is thread else others(kind),
        )
        at_start.setenv("EXTRACTOR_TOKEN", token)
        at_start.setattr(app, "serve_service", serve_service)
        loop = asyncio.SelectorEventLoop
        at_start.setattr(loop, "add_signal_handler", handle_signal)
        thread.start()
        url = told.get(timeout=300)
        at_start.undo()
        assert isinstance(url, str), url
        with Client(url, TOKEN) as client:
            try:
                yield Served(url, root, log, client, stop_once)
            finally:
                stop_once()
                thread.join(300)
    assert told.get(timeout=1) == 0


def wait_until(condition):
    """Wait for a condition; nothing depends on how long it takes."""
    until = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def check_problem(answer, status, kind=None):
    """Check that an answer is a problem of this kind, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    type_ = f"urn:trial-extractor:problem:{kind}" if kind else "about:blank"
    assert problem["type"] == type_
    return problem
