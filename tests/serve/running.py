"""Starts the command ``extractor serve``, and sends requests to it."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from extractor.apps.serve.callers import CallerBook
from tests.llm.stub import Scripted, completion, items

TOKEN = "operator-0123456789abcdef"
WORD = "Pseudolymphoma"
"""A word in every record that the tests send, which no log may contain."""
PRICES = (
    'as_of = 2026-11-01\n[model."stub"]\nprompt = 1.0\ncached = 0.5\noutput = 1.0\n'
)
OPERATIONS = [
    tuple(name.split())
    for name in tomllib.loads(
        Path("extractor/apps/serve/assets/operations.toml").read_text("utf-8")
    )
]
"""Method and path of each operation."""
NOBODYS = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""An id without a job."""


def study(number: int, words: str = "") -> dict[str, Any]:
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": f"NCT{number:08d}",
                "briefTitle": f"Fictucel in {WORD}, part {number}",
            },
            "descriptionModule": {"briefSummary": f"An invented study. {words}"},
            "eligibilityModule": {
                "eligibilityCriteria": f"Inclusion Criteria:\n\n* {WORD}\n* Age 18 years or older"
            },
            "outcomesModule": {
                "primaryOutcomes": [
                    {"measure": "Overall survival", "timeFrame": "2 years"}
                ]
            },
        }
    }


def one(number: int = 1, words: str = "") -> bytes:
    return json.dumps(study(number, words)).encode()


def many(count: int, first: int = 1) -> bytes:
    return b"".join(one(number) + b"\n" for number in range(first, first + count))


def ids(count: int, first: int = 1) -> list[str]:
    return [f"NCT{number:08d}" for number in range(first, first + count)]


def say_nothing(request: dict[str, Any], tokens: int = 1) -> Scripted:
    """An item without a value for each line of ``study``: a model whose answers are all empty is
    given up.

    It reports 150 tokens, or ``tokens`` times as many.
    """
    usage = {
        "prompt_tokens": 100 * tokens,
        "completion_tokens": 50 * tokens,
        "total_tokens": 150 * tokens,
    }
    usage["prompt_tokens_details"] = {"cached_tokens": 80 * tokens}
    lines = re.findall(r"^\[(\d+)\|", request["messages"][1]["content"], re.MULTILINE)
    answer = items(
        *(
            {"n": int(number)}
            for number in lines
            if WORD in request["messages"][1]["content"]
        )
    )
    return completion(answer, usage=usage)


@dataclass(frozen=True)
class Served:
    """A running service; ``client`` has the operator's token."""

    url: str
    root: Path
    log: Path
    process: subprocess.Popen[str]
    client: httpx2.Client

    def client_of(self, key: str | None) -> httpx2.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(
            base_url=self.url, headers=headers, timeout=300, trust_env=False
        )

    def add_caller(
        self, name: str, requests_per_minute: int = 600, max_usd: float | None = None
    ) -> httpx2.Client:
        """A client with a new key, added while the service runs, as by ``extractor serve keys
        add``.
        """
        with closing(CallerBook(self.root)) as book:
            return self.client_of(book.add(name, requests_per_minute, max_usd=max_usd))

    @property
    def errors(self) -> str:
        """The service's standard error."""
        return self.log.with_suffix(".err").read_text("utf-8")


@contextmanager
def serve(
    root: Path,
    *options: str,
    program: Sequence[str] = (sys.executable, "-m", "extractor"),
    cwd: Path | None = None,
    **environment: str,
) -> Iterator[Served]:
    """Run the command until the block ends."""
    log = root.with_name(f"{root.name}.log")
    options = (
        "serve",
        "--port",
        "0",
        "--root",
        str(root),
        "--log-json",
        str(log),
        *options,
    )
    environment = {**os.environ, "EXTRACTOR_TOKEN": TOKEN, **environment}
    with (
        log.with_suffix(".err").open("a") as errors,
        subprocess.Popen(
            [*program, *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            cwd=cwd,
        ) as process,
    ):
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url, log.with_suffix(".err").read_text()
        served = Served(url, root, log, process, httpx2.Client())
        with served.client, served.client_of(TOKEN) as client:
            try:
                while "are starting" in client.get("/readyz").text:
                    time.sleep(0.1)
                yield replace(served, client=client)
            finally:
                process.terminate()
                process.wait(300)


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for a condition; nothing depends on how long it takes."""
    until = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def post(
    client: httpx2.Client, body: bytes, kind: str = "application/json", **query: Any
) -> httpx2.Response:
    return client.post(
        "/v1/extractions", content=body, params=query, headers={"content-type": kind}
    )


def submit(client: httpx2.Client, body: bytes, **query: Any) -> dict[str, Any]:
    answer = client.post(
        "/v1/jobs",
        content=body,
        params=query,
        headers={"content-type": "application/octet-stream"},
    )
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def follow(
    client: httpx2.Client, job_id: str, last_id: str | None = None
) -> list[tuple[str | None, str, dict[str, Any]]]:
    """All events of a job until its end: id, name, data."""
    answer = client.get(
        f"/v1/jobs/{job_id}/events",
        headers={"last-event-id": last_id} if last_id else {},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = (
        dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        for block in answer.text.split("\n\n")
    )
    return [
        (fields.get("id"), fields["event"], json.loads(fields["data"]))
        for fields in blocks
        if fields
    ]


def finish(client: httpx2.Client, job_id: str) -> dict[str, Any]:
    """Wait for the end of a job, and return it."""
    return follow(client, job_id)[-1][2]


def results(
    client: httpx2.Client, job_id: str, kind: str = "results"
) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/jobs/{job_id}/{kind}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def failures(client: httpx2.Client, job_id: str) -> list[dict[str, Any]]:
    return results(client, job_id, "failures")


def check_problem(
    answer: httpx2.Response, status: int, kind: str | None = None
) -> dict[str, Any]:
    """Check that an answer is a problem of this kind, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert problem["type"] == (
        f"urn:trial-extractor:problem:{kind}" if kind else "about:blank"
    )
    return problem


def check_policy(page: httpx2.Response) -> None:
    """Check that a page allows its own style and script, requests to its server, and nothing
    else.
    """
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    (policy,) = re.findall(
        r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.text
    )
    digests = []
    for element in ("style", "script"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", page.text, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        digests.append(f"{element}-src 'sha256-{digest}'")
    others = ("base-uri 'none'", "form-action 'none'", "connect-src 'self'")
    assert unescape(policy) == "; ".join(["default-src 'none'", *digests, *others])
