"""The real command, serving, and what callers send it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.servers import answer_request
from extractor.serve.callers import CallerBook, CallerLimits
from tests.llm.stub import Scripted, completion, items

TOKEN = "operator-0123456789abcdef"
WORD = "Pseudolymphoma"
"""Stands in every record that the tests send, so that a log that holds it is found."""
PRICES = 'as_of = 2026-11-01\n[model."stub"]\nprompt = 1.0\noutput = 1.0\n'


def study(number: int, words: str = "") -> dict[str, Any]:
    return {
        "protocolSection": {
            "identificationModule": {"nctId": f"NCT{number:08d}", "briefTitle": f"Fictucel in {WORD}, part {number}"},
            "descriptionModule": {"briefSummary": f"An invented study. {words}"},
            "eligibilityModule": {"eligibilityCriteria": f"Inclusion Criteria:\n\n* {WORD}\n* Age 18 years or older"},
            "outcomesModule": {"primaryOutcomes": [{"measure": "Overall survival", "timeFrame": "2 years"}]},
        }
    }


def one(number: int = 1) -> bytes:
    return json.dumps(study(number)).encode()


def many(count: int, first: int = 1) -> bytes:
    return b"".join(one(number) + b"\n" for number in range(first, first + count))


def say_nothing(_: dict[str, Any]) -> Scripted:
    return completion(items())


def say_nothing_slowly(request: dict[str, Any]) -> Scripted:
    time.sleep(0.1)
    return say_nothing(request)


class Answers:
    """Answers that keep the schema: a tenth of a second each, and none while they are ``held`` beyond the first ten."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._left = 10

    def __call__(self, request: dict[str, Any]) -> Scripted:
        self._left -= 1
        if self._left < 0:
            self._free.wait()
        time.sleep(0.1)
        return Scripted(body=json.dumps(answer_request(request)))

    def hold(self) -> None:
        self._left = 10
        self._free.clear()

    def release(self) -> None:
        self._free.set()


@dataclass(frozen=True)
class Served:
    """A service that runs; ``client`` has the operator's token."""

    url: str
    root: Path
    log: Path
    process: subprocess.Popen[str]
    client: httpx2.Client

    def client_of(self, key: str | None) -> httpx2.Client:
        return open_client(self.url, key)

    def add_key(self, name: str, **limits: Any) -> str:
        """As ``extractor serve keys add`` does it, while the service runs."""
        with closing(CallerBook(self.root)) as book:
            return book.add(name, CallerLimits(**limits))

    @property
    def errors(self) -> str:
        """What it said on standard error."""
        return self.log.with_suffix(".err").read_text("utf-8")

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]


def open_client(url: str, key: str | None) -> httpx2.Client:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx2.Client(base_url=url, headers=headers, timeout=300, trust_env=False)


@contextmanager
def serve(
    root: Path,
    *options: str,
    log: Path | None = None,
    program: Sequence[str] = (sys.executable, "-m", "extractor"),
    cwd: Path | None = None,
    **environment: str,
) -> Iterator[Served]:
    """The command as the operator starts it, until the block ends; then it must have ended well, or been killed."""
    log = log or root.with_name(f"{root.name}.log")
    command = [*program, "serve", "--port", "0", "--root", str(root), "--log-json", str(log)]
    environment = {**os.environ, "EXTRACTOR_TOKEN": TOKEN, **environment}
    with (
        log.with_suffix(".err").open("a") as errors,
        subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=cwd
        ) as process,
    ):
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url, log.with_suffix(".err").read_text()
        with open_client(url, TOKEN) as client:
            try:
                yield Served(url, root, log, process, client)
            finally:
                process.terminate()
                process.wait(300)


def submit(client: httpx2.Client, body: bytes, **query: str) -> dict[str, Any]:
    headers = {"content-type": "application/octet-stream"}
    answer = client.post("/v1/jobs", content=body, params=query, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def follow(
    client: httpx2.Client, job_id: str, last_id: str | None = None
) -> list[tuple[str | None, str, dict[str, Any]]]:
    """All events of a job until its end: id, name, data."""
    headers = {"last-event-id": last_id} if last_id else {}
    answer = client.get(f"/v1/jobs/{job_id}/events", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = []
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            told.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return told


def finish(client: httpx2.Client, job_id: str) -> dict[str, Any]:
    """The job at its end."""
    return follow(client, job_id)[-1][2]


def results(client: httpx2.Client, job_id: str) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/jobs/{job_id}/results")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def check_problem(answer: httpx2.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    """That an answer is a problem of this kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert problem["type"] == (f"urn:trial-extractor:problem:{kind}" if kind else "about:blank")
    return problem
