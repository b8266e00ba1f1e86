"""How fast a run asks, against a server on loopback that takes its time for each answer.

    python -m benchmarks.throughput [--records 5000] [--concurrency 64] [--latency 0.2] [--large 50000] [--compare]

Each record is small, has a text of its own and one open question, so that each costs one call. Printed are calls a
second from the first question to the last answer, their share of what latency and concurrency allow, CPU time a call
(without the start of the program) of all processes and of the one that asks, and the peak memory of all together.
With ``--large`` the same for so many records, and how much memory grew; with ``--compare`` the same for a plain loop
over instructor and for langextract (extra ``compare``), which get ``--peer-records`` of the same records in the same
run.

The figures are those of a quiet machine only: the load is printed beside them.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from benchmarks.data import option_parser
from benchmarks.processes import run_command, watch
from benchmarks.records import write_open_records
from benchmarks.servers import read_log, serve_slowly

_PEERS = ("instructor", "langextract")


def main() -> None:
    """Print the table."""
    parser = option_parser(__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds that an answer takes")
    parser.add_argument("--large", type=int, help="so many records as well, for the growth of memory")
    parser.add_argument("--compare", action="store_true", help="measure instructor and langextract, too")
    parser.add_argument("--peer-records", type=int, default=1000)
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)  # the processes that --compare starts
    chosen = parser.parse_args()
    if chosen.peer:
        name, records, count, server = chosen.peer
        outcomes = read_outcomes(Path(records), int(count))
        if name == "instructor":
            asyncio.run(ask_with_instructor(outcomes, chosen.concurrency, server))
        else:
            ask_with_langextract(outcomes, chosen.concurrency, server)
        return
    if chosen.compare and not find_spec("langextract"):
        parser.error("--compare needs the extra 'compare': pip install '.[compare]'")
    with tempfile.TemporaryDirectory() as folder, serve_slowly(chosen.latency) as server:
        measure(Path(folder), server, chosen)


@dataclass(frozen=True)
class Load:
    """What is asked: the records of a file, so many at once, each answered after ``latency`` seconds."""

    records: Path
    server: str
    concurrency: int
    latency: float

    @property
    def ideal(self) -> float:
        """Calls a second that latency and concurrency allow."""
        return self.concurrency / self.latency


@dataclass(frozen=True)
class Driven:
    """What one program did: calls a second, and their share of the ideal; milliseconds of CPU time a call, of all its
    processes and of the first; MiB at the peak; seconds of the whole program.
    """

    calls: int
    rate: float
    share: float
    cpu_ms: float
    asking_ms: float
    memory: float
    seconds: float


def measure(folder: Path, server: str, chosen: argparse.Namespace) -> None:
    """Run all programs one after the other, and print a line for each."""
    load = Load(folder / "records.jsonl", server, chosen.concurrency, chosen.latency)
    write_open_records(load.records, max(chosen.records, chosen.large or 0))
    print(f"{load.concurrency} at once, {load.latency:g} s each: at most {load.ideal:.0f} calls/s")
    print("program       calls  calls/s of ideal CPU ms/call that asks   MiB      s  load")
    usual = drive("extractor", load, folder, chosen.records)
    if chosen.large:
        large = drive("extractor", load, folder, chosen.large)
        print(f"memory at {chosen.large} records is {large.memory / usual.memory - 1:+.1%} of that at {chosen.records}")
    for peer in _PEERS if chosen.compare else ():
        drive(peer, load, folder, chosen.peer_records)


def drive(program: str, load: Load, folder: Path, count: int) -> Driven:
    """Let ``extractor`` or a peer ask about so many records, and print what it took. Raises ``RuntimeError`` if it
    fails.
    """
    idle = watch(_command(program, load, folder, 1))
    read_log(load.server)
    ended = watch(_command(program, load, folder, count))
    calls, seconds = read_log(load.server)
    rate = calls / seconds if seconds else 0.0
    cpu_ms = 1000 * (ended.computed - idle.computed) / max(1, calls)
    asking_ms = 1000 * (ended.computed_by_first - idle.computed_by_first) / max(1, calls)
    found = Driven(calls, rate, rate / load.ideal, cpu_ms, asking_ms, ended.peak / 2**20, ended.elapsed)
    figures = f"{found.calls:6} {found.rate:8.1f} {found.share:8.1%} {found.cpu_ms:11.2f} {found.asking_ms:9.2f}"
    beside = f"{found.memory:5.0f} {found.seconds:6.1f} {os.getloadavg()[0]:5.1f}"
    print(f"{program:12} {figures} {beside}", flush=True)
    return found


def _command(program: str, load: Load, folder: Path, count: int) -> list[str]:
    concurrency = ("--concurrency", str(load.concurrency))
    if program in _PEERS:
        peer = ("--peer", program, str(load.records), str(count), load.server)
        return [sys.executable, "-m", "benchmarks.throughput", *concurrency, *peer]
    options = ("--out", folder / f"run-{count}", "--fresh", "--limit", count, "--model", f"{load.server}#stub")
    return run_command(load.records, *concurrency, *options)


def read_outcomes(records: Path, count: int) -> list[str]:
    """The text of the first records' outcomes."""
    with records.open(encoding="utf-8") as lines:
        studies = [json.loads(line)["protocolSection"] for line in islice(lines, count)]
    outcomes = (study["outcomesModule"]["primaryOutcomes"][0] for study in studies)
    return [f"{outcome['measure']} // {outcome['timeFrame']}" for outcome in outcomes]


class _Item(BaseModel):
    n: int
    concept: str
    domain: str


class _Items(BaseModel):
    items: list[_Item]


async def ask_with_instructor(outcomes: list[str], concurrency: int, server: str) -> None:
    """A plain loop over instructor, as its documentation shows it: a semaphore, one call a record, one gather."""
    import instructor  # noqa: PLC0415 - the other programs do without it
    from openai import AsyncOpenAI  # noqa: PLC0415

    plain = AsyncOpenAI(api_key="none", base_url=server, max_retries=0)
    client = instructor.from_openai(plain, mode=instructor.Mode.JSON_SCHEMA)
    slots = asyncio.Semaphore(concurrency)

    async def ask(outcome: str) -> None:
        text = f"Classify the outcome.\n[1|concept domain] {outcome}"
        async with slots:
            await client.chat.completions.create(
                model="stub", response_model=_Items, messages=[{"role": "user", "content": text}]
            )

    await asyncio.gather(*map(ask, outcomes))


def ask_with_langextract(outcomes: list[str], concurrency: int, server: str) -> None:
    """Langextract over all documents in one call, with as many workers as requests at once."""
    lx: Any = import_module("langextract")
    example = lx.data.ExampleData(
        text="Nights at home // 4 weeks", extractions=[lx.data.Extraction("outcome", "Nights at home")]
    )
    provider = import_module("langextract.providers.openai").OpenAILanguageModel
    lx.extract(
        [lx.data.Document(outcome) for outcome in outcomes],
        prompt_description="Extract the outcome.",
        examples=[example],
        model=provider("stub", api_key="none", base_url=server, max_workers=concurrency),
        batch_length=concurrency,
        max_workers=concurrency,
        show_progress=False,
        use_schema_constraints=False,
    )


if __name__ == "__main__":
    main()
