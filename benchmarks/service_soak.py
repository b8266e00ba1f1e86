"""Let callers of every kind use the service for an hour, and check that it stays right, ready and small.

    python -m benchmarks.service_soak [--minutes 60] [--workers 1] [--callers 6] [--seed 0]

``extractor serve`` runs on loopback with a model server that is at times slow, broken, silent or right. Callers send,
at random: good records without and with the model, hostile bodies, records that take too long or kill their process,
jobs, wrong keys, and requests that break off. Checked are:

- each answer is right, or a problem of a documented kind; a record without the model has the bytes of a direct call;
- each job ends with all its records accounted for, whether it was cancelled and resumed or not;
- the service stays ready, and after three minutes or more, its memory is at most ``_GROWTH`` times that after
  the warm-up;
- after SIGTERM it ends, and no process is left.

Prints a table of the answers and the memory by the minute. If anything is wrong, exits with 1 and prints the reasons.
Needs the extra `dev`.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil

from benchmarks.data import parse_options
from benchmarks.processes import list_tree
from benchmarks.records import write_distinct_records
from benchmarks.servers import answer_request
from extractor.api import Extractor
from extractor.read import read_stream
from extractor.schemas import TrialExtraction
from extractor.serve.callers import CallerBook
from extractor.serve.problems import PROBLEMS, problem_type
from tests.failing import path_with_failures

_GROWTH, _SAMPLE_S, _WARM = 1.25, 5.0, 0.25
_RECORDS, _JOB_RECORDS, _LIMIT_S, _TIMEOUT_S, _STOP_S = 40, 30, 20, 60, 120
_BUSY = frozenset({"queue-full", "took-too-long"})
"""Problems that any extraction may have while others take long."""


def _study(text: str, **more: Any) -> bytes:
    known = {"nctId": "NCT99999999", "briefTitle": "A Study of Fictumab"}
    fields = {"identificationModule": known, "descriptionModule": {"briefSummary": text}, **more}
    return json.dumps({"protocolSection": fields}, ensure_ascii=False).encode()


def _criteria(text: str) -> bytes:
    return _study("An invented study.", eligibilityModule={"eligibilityCriteria": f"Inclusion Criteria:\n{text}"})


_LONG_TEXT = "Platelets >= 100 x 10^9/L within 14 days, unless on dialysis"
HOSTILE = {
    "letters that are not ASCII": (_criteria("* " + "\u00e9\u4e2d" * 450_000), "ok"),
    "many criteria": (_criteria("\n".join(f"* Age {n % 90} years or older" for n in range(10_000))), "unreadable"),
    "long criteria": (_criteria("\n".join(f"* {_LONG_TEXT}, {n}" for n in range(2_000))), "ok"),
    "a line of 20 MB": (gzip.compress(_study("word " * 4_000_000)), "unreadable"),
    "deep JSON": (b'{"protocolSection":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "unreadable"),
    "wide JSON": (b'[{"a":[' + b"{}," * 1_000_000 + b"1]}]", "unreadable"),
    "many sections": (b"A Study\nSummary.\nAsthma\n" + b"DRUG: a|" * 500_000 + b"\nSurvival, 2 years", "unreadable"),
    "many lines": (b"a\n" * 2_000_000, "unreadable"),
    "entities": (b'<!DOCTYPE a [<!ENTITY b "bbb">]><clinical_study>&b;</clinical_study>', "unreadable"),
    "an external entity": (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hosts">]><a>&b;</a>', "unreadable"),
    "deep XML": (b"<clinical_study>" + b"<a>" * 1_000_000, "unreadable"),
    "wide XML": (b"<clinical_study>" + b"<a/>" * 500_000 + b"</clinical_study>", "unreadable"),
    "zeros in gzip": (gzip.compress(bytes(100_000_000)), "unreadable"),
    "a bomb": (gzip.compress(b"x" * 100_000_000), "unreadable"),
    "nothing": (b"", "unreadable"),
    "too much": (b" " * 6_000_000, "too-large"),
    "a record that sleeps": (_study("It fails by sleep."), "took-too-long"),
    "a record that kills": (_study("It fails by kill."), "internal"),
    "a record that fails": (_study("It fails by KeyError."), "internal"),
}
"""Bodies, each with the answer that it must get."""


@asynccontextmanager
async def moody_model(rng: random.Random) -> AsyncIterator[str]:
    """A model server during the block; yields its address. Three of ten replies are bad or late."""
    moods = ["good"] * 14 + ["slow", "slow", "500", "429", "login", "cut", "silent"]

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
                request = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                mood = rng.choice(moods)
                await asyncio.sleep({"slow": 3.0, "silent": 30.0}.get(mood, 0.05))
                if mood == "silent":
                    break
                body, kind = json.dumps(answer_request(request)).encode(), "application/json"
                if mood == "login":
                    body, kind = b"<html><body>Please log in</body></html>", "text/html"
                status = {"500": "500 Error\r\nX: y", "429": "429 Slow down\r\nRetry-After: 1"}.get(mood, "200 OK")
                start = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(start.encode() + body[: len(body) // 2 if mood == "cut" else None])
                await writer.drain()
                if mood == "cut":
                    break
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


@dataclass
class Soak:
    """The callers of one service, and what they saw."""

    url: str
    keys: dict[str, str]
    rng: random.Random
    good: dict[str, bytes]
    expected: dict[str, bytes]
    until: float
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    longest: float = 0.0

    def client(self, caller: str) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {self.keys.get(caller, caller)}", "content-type": "application/json"}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=300, trust_env=False)

    def judge(self, what: str, answer: httpx2.Response, *allowed: str) -> str:
        """Count an answer and return its kind: ``ok`` or a problem's. Any other than ``allowed`` is a fault."""
        kind = "ok"
        if answer.status_code >= 400:
            is_problem = answer.headers.get("content-type") == "application/problem+json"
            shown = answer.json()["type"] if is_problem else f"no problem but {answer.status_code}"
            named = (name for name, (status, _) in PROBLEMS.items() if problem_type(name) == shown)
            kind = next((name for name in named if PROBLEMS[name][0] == answer.status_code), shown)
        self.answers[what, kind] += 1
        if kind not in allowed:
            self.faults[f"{what}: {kind} instead of {', '.join(allowed)}: {answer.text[:300]}"] += 1
        return kind

    def expect(self, holds: object, fault: str) -> None:
        """Count a fault unless something holds."""
        if not holds:
            self.faults[fault] += 1

    async def call(self) -> None:
        """Do what callers do, one thing after the other, until the time is over."""
        deeds: dict[Callable[[], Awaitable[None]], int] = {
            self.post_good: 40, self.post_with_model: 10, self.post_hostile: 10, self.run_job: 4, self.vanish: 8,
            self.post_with_wrong_key: 3, self.post_too_often: 6, self.drip: 1,
        }  # fmt: skip
        while time.monotonic() < self.until:
            (deed,) = self.rng.choices(list(deeds), list(deeds.values()))
            try:
                await deed()
            except (httpx2.HTTPError, OSError, AssertionError, LookupError, ValueError) as error:
                self.faults[f"{deed.__name__}: {type(error).__name__}: {error}"] += 1
            await asyncio.sleep(self.rng.uniform(0, 0.5))

    async def post_good(self) -> None:
        name, begun = self.rng.choice(list(self.good)), time.monotonic()
        async with self.client("anna") as client:
            answer = await client.post(f"/v1/extractions?effort=none&name={name}", content=self.good[name])
        if self.judge("a good record", answer, "ok", *_BUSY) == "ok":
            self.longest = max(self.longest, time.monotonic() - begun)
            self.expect(answer.content == self.expected[name], f"{name}: not the bytes of a direct call")

    async def post_with_model(self) -> None:
        name, effort = self.rng.choice(list(self.good)), self.rng.choice(["medium", "high"])
        async with self.client("anna") as client:
            answer = await client.post(f"/v1/extractions?effort={effort}&name={name}", content=self.good[name])
        if self.judge("with the model", answer, "ok", "model-away", *_BUSY) == "ok":
            found = TrialExtraction.model_validate_json(answer.content)
            self.expect(found.record_id == name and found.usage, f"{name}: {found.record_id}, usage {found.usage}")

    async def post_hostile(self) -> None:
        name = self.rng.choice(list(HOSTILE))
        body, kind = HOSTILE[name]
        async with self.client("mallory") as client:
            answer = await client.post("/v1/extractions?effort=none", content=body)
        self.judge(name, answer, kind, *_BUSY)

    async def post_with_wrong_key(self) -> None:
        async with self.client("a wrong key") as client:
            self.judge("a wrong key", await client.post("/v1/extractions", content=b"{}"), "no-key")

    async def post_too_often(self) -> None:
        async with self.client("hasty") as client:
            for _ in range(3):
                self.judge("a hasty caller", await client.get("/v1/jobs"), "ok", "rate-limit")

    async def vanish(self) -> None:
        """Break a request off: in its head, in its body, or while the answer is awaited."""
        name = self.rng.choice(list(self.good))
        where = self.rng.choice(["/v1/extractions?effort=medium", "/v1/jobs?effort=none"])
        body = self.good[name]
        request = await self._begin(where, len(body)) + body
        reader, writer = await self._connect()
        writer.write(request[: self.rng.choice([50, len(request) - len(body) // 2, len(request)])])
        await writer.drain()
        await asyncio.sleep(self.rng.uniform(0, 1))
        self.answers["a caller that vanishes", "none"] += 1
        writer.close()
        del reader

    async def drip(self) -> None:
        """Send a body byte by byte until it is refused."""
        if self.until - time.monotonic() < 2 * _TIMEOUT_S:
            return
        reader, writer = await self._connect()
        writer.write(await self._begin("/v1/extractions?effort=none", 1_000_000))
        answer = asyncio.create_task(reader.read(100))
        while not answer.done():
            writer.write(b" ")
            await asyncio.wait([answer], timeout=1)
        self.answers["a body that drips", answer.result().split(b"\r\n")[0].decode()] += 1
        self.expect(answer.result().startswith(b"HTTP/1.1 408"), f"a body that drips: {answer.result()!r}")
        writer.close()

    async def _begin(self, where: str, length: int) -> bytes:
        head = f"POST {where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.keys['mallory']}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", urlsplit(self.url).port)

    async def run_job(self) -> None:
        """Submit good and hostile records, sometimes cancel and resume the job, and account for each record."""
        names = self.rng.sample(list(self.good), _JOB_RECORDS)
        bad = [_study("It fails by KeyError."), b'{"protocolSection": {', HOSTILE["many criteria"][0]]
        bad = self.rng.sample(bad, self.rng.randint(0, len(bad)))
        lines = [self.good[name] for name in names] + bad
        self.rng.shuffle(lines)
        effort = self.rng.choice(["none", "none", "medium"])
        async with self.client("ben") as client:
            answer = await client.post(f"/v1/jobs?effort={effort}", content=b"\n".join(lines))
            if self.judge("a job", answer, "ok") != "ok":
                return
            url = f"/v1/jobs/{answer.json()['id']}"
            if self.rng.random() < 0.3:
                await asyncio.sleep(self.rng.uniform(0, 3))
                self.judge("a job's cancellation", await client.post(f"{url}/cancel"), "ok", "not-finished")
            job = await self._await_end(client, url)
            while job["state"] in {"cancelled", "paused"}:
                await self._check_job(client, url, job)
                self.judge("a job's resumption", await client.post(f"{url}/resume"), "ok")
                job = await self._await_end(client, url)
            self.answers["a job's end", job["state"]] += 1
            found = await self._check_job(client, url, job)
            self.expect(job["state"] == "done", f"a job ended as {job['state']}: {job['reason']}")
            counted = sum(job[count] for count in ("extracted", "failed", "repeated"))
            self.expect(counted == len(lines), f"a job counts {counted} of {len(lines)} records")
            self.expect(effort == "medium" or found >= set(names), f"a job lost {sorted(set(names) - found)}")
            self.judge("a job's deletion", await client.delete(url), "ok")

    async def _await_end(self, client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
        while (job := (await client.get(url)).json())["state"] in {"queued", "running"}:
            await asyncio.sleep(0.5)
        return dict(job)

    async def _check_job(self, client: httpx2.AsyncClient, url: str, job: dict[str, Any]) -> set[str]:
        """Check a job's counts, and return the ids of its results."""
        if job["extracted"] + job["failed"] == 0:  # cancelled before it began
            return set()
        results, failures = [(await client.get(f"{url}/{kind}")).text.splitlines() for kind in ("results", "failures")]
        counts = job["extracted"], job["failed"]
        self.expect(counts == (len(results), len(failures)), f"a job has {counts}, not {len(results), len(failures)}")
        return {json.loads(line)["record_id"] for line in results}


async def soak(folder: Path, chosen: argparse.Namespace) -> int:
    """Run the service with its callers, print what they saw, and return the exit code."""
    rng, begun, root = random.Random(chosen.seed), time.monotonic(), folder / "root"
    write_distinct_records(folder / "records.jsonl", _RECORDS)
    good = {f"NCT{n:08d}": line for n, line in enumerate((folder / "records.jsonl").read_bytes().splitlines())}
    direct = Extractor(effort="none")
    records = {name: next(read_stream(name, BytesIO(body))) for name, body in good.items()}
    expected = {name: direct.extract(record).model_dump_json().encode() for name, record in records.items()}
    with closing(CallerBook(root)) as book:
        rates = {"anna": 100_000, "ben": 100_000, "mallory": 100_000, "hasty": 20}
        keys = {name: book.add(name, rate) for name, rate in rates.items()}
    async with moody_model(rng) as model, _served(root, model, chosen.workers) as (url, process):
        callers = Soak(url, keys, rng, good, expected, time.monotonic() + 60 * chosen.minutes)
        watching = asyncio.create_task(_watch(callers, process))
        await asyncio.gather(*(callers.call() for _ in range(chosen.callers)))
        memory = await watching
        tree = list_tree(process)
        process.send_signal(signal.SIGTERM)
        _, alive = await asyncio.to_thread(psutil.wait_procs, tree, _STOP_S)
        callers.expect(not alive, f"{len(alive)} processes did not end")
    warm, final = memory[round(_WARM * len(memory)) :][: max(1, len(memory) // 6)], memory[-max(1, len(memory) // 6) :]
    first, last = median(warm), median(final)
    is_long = chosen.minutes >= 3  # before, parts of it are used for the first time
    callers.expect(not is_long or last <= _GROWTH * first, f"memory grew from {first:.0f} to {last:.0f} MB")
    for (what, kind), count in sorted(callers.answers.items()):
        print(f"{count:8,}  {what}: {kind}")
    every = max(1, round(60 / _SAMPLE_S))
    print("MB by the minute:", *(f"{median(memory[n : n + every]):.0f}" for n in range(0, len(memory), every)))
    print(f"memory after the warm-up {first:.0f} MB, at the end {last:.0f} MB, at most {max(memory):.0f} MB")
    print(f"longest wait of a good record without a model: {callers.longest:.1f} s")
    for fault, count in callers.faults.most_common():
        print(f"wrong, {count} times: {fault}")
    print(f"{time.monotonic() - begun:.0f} s, seed {chosen.seed}:", "faults" if callers.faults else "all is well")
    return 1 if callers.faults else 0


@asynccontextmanager
async def _served(root: Path, model: str, workers: int) -> AsyncIterator[tuple[str, psutil.Process]]:
    """A service during the block: its address and its process."""
    options = ("--port", "0", "--root", str(root), "--workers", str(workers), "--model", f"{model}#stub")
    command = [sys.executable, "-m", "extractor", "serve", *options, "--timeout", str(_TIMEOUT_S)]
    own = {"PYTHONPATH": path_with_failures(), "LIMIT_S": str(_LIMIT_S), "EXTRACTOR_TOKEN": "operator-of-the-soak"}
    process = psutil.Popen(command, stdout=-1, text=True, env=os.environ | own)
    try:
        url = (await asyncio.to_thread(process.stdout.readline)).strip()
        async with httpx2.AsyncClient(trust_env=False) as client:
            while (await client.get(f"{url}/readyz")).status_code != 200:
                await asyncio.sleep(0.1)
        yield url, process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()
        process.wait()


async def _watch(callers: Soak, process: psutil.Process) -> list[float]:
    """Sample the memory of all processes, in MB, until the time is over, and check that the service is ready."""
    memory = []
    async with callers.client("nobody") as client:
        while time.monotonic() < callers.until:
            await asyncio.sleep(min(_SAMPLE_S, max(0.1, callers.until - time.monotonic())))
            memory.append(sum(one.memory_info().rss for one in list_tree(process)) / 1e6)
            callers.expect((await client.get("/readyz")).status_code == 200, "the service was not ready")
    return memory


def main() -> None:
    """Print the figures."""
    chosen = parse_options(__doc__, minutes=60.0, workers=1, callers=6, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(asyncio.run(soak(Path(folder), chosen)))


if __name__ == "__main__":
    main()
