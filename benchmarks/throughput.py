"""Measure the calls per second of a run, against a server on loopback that delays each answer.

    python -m benchmarks.throughput [--records 5000] [--concurrency 64] [--latency 0.2] [--large 50000] [--compare]

Each record is small, has its own text and one open question, and so costs one call. Prints calls per second from the
first request to the last answer, their share of the rate that latency and concurrency allow, CPU time per call (without
the start of the program) of all processes and of the one that sends requests, and the peak memory of all together.
``--large`` adds the same for that many records, and the growth of memory; ``--compare`` adds a plain loop over
instructor and langextract (extra ``compare``), with ``--peer-records`` of the same records.

The figures are valid only on an idle machine: the load is printed beside them.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from benchmarks.data import parse_options
from benchmarks.processes import Taken, run_command, watch
from benchmarks.records import write_open_records
from benchmarks.servers import read_log, serve_slowly

_PEERS = ("instructor", "langextract")


def main() -> None:
    """Print the table."""
    options: dict[str, Any] = {"records": 5000, "concurrency": 64, "latency": 0.2, "large": int, "compare": False}
    options |= {"peer_records": 1000, "peer": [str]}  # --peer is for the processes that --compare starts
    chosen = parse_options(__doc__, **options)
    if chosen.peer:
        name, records, count, server = chosen.peer
        outcomes = read_outcomes(Path(records), int(count))
        if name == "instructor":
            asyncio.run(ask_with_instructor(outcomes, chosen.concurrency, server))
        else:
            ask_with_langextract(outcomes, chosen.concurrency, server)
        return
    if chosen.compare and not find_spec("langextract"):
        raise SystemExit("--compare needs the extra 'compare': pip install '.[compare]'")
    with tempfile.TemporaryDirectory() as folder, serve_slowly(chosen.latency) as server:
        measure(Path(folder), server, chosen)


def measure(folder: Path, server: str, chosen: argparse.Namespace) -> None:
    """Run all programs in sequence, and print a line for each."""
    write_open_records(folder / "records.jsonl", max(chosen.records, chosen.large or 0))
    ideal = chosen.concurrency / chosen.latency
    print(f"{chosen.concurrency} at once, {chosen.latency:g} s each: at most {ideal:.0f} calls/s")
    print("program       calls  calls/s of ideal CPU ms/call that asks   MiB      s  load")

    def drive_and_print(program: str, count: int) -> float:
        calls, seconds, taken, idle = drive(program, folder, server, chosen.concurrency, count)
        rate = calls / seconds if seconds else 0.0
        cpu = 1000 * (taken.computed - idle.computed) / max(1, calls)
        asking = 1000 * (taken.computed_by_first - idle.computed_by_first) / max(1, calls)
        figures = f"{calls:6} {rate:8.1f} {rate / ideal:8.1%} {cpu:11.2f} {asking:9.2f} {taken.peak / 2**20:5.0f}"
        print(f"{program:12} {figures} {taken.elapsed:6.1f} {os.getloadavg()[0]:5.1f}", flush=True)
        return taken.peak

    usual = drive_and_print("extractor", chosen.records)
    if chosen.large:
        large = drive_and_print("extractor", chosen.large)
        print(f"memory at {chosen.large} records is {large / usual - 1:+.1%} of that at {chosen.records}")
    for peer in _PEERS if chosen.compare else ():
        drive_and_print(peer, chosen.peer_records)


def drive(program: str, folder: Path, server: str, concurrency: int, count: int) -> tuple[int, float, Taken, Taken]:
    """Let ``extractor`` or a peer process the first records of ``folder/records.jsonl``.

    Returns the calls, the seconds from the first to the last, and the program's resources for them and for one record.
    Raises ``RuntimeError`` if the program fails.
    """
    records, at_once = folder / "records.jsonl", ("--concurrency", str(concurrency))

    def command(some: int) -> list[str]:
        if program in _PEERS:
            peer = ("--peer", program, str(records), str(some), server)
            return [sys.executable, "-m", "benchmarks.throughput", *at_once, *peer]
        options = ("--out", folder / f"run-{some}", "--fresh", "--limit", some, "--model", f"{server}#stub")
        return run_command(records, *at_once, *options)

    idle = watch(command(1))
    read_log(server)
    taken = watch(command(count))
    return (*read_log(server), taken, idle)


def read_outcomes(records: Path, count: int) -> list[str]:
    """Read the text of the first records' outcomes."""
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
    """Run a plain loop over instructor, as in its documentation: a semaphore, one call per record, one gather."""
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
    """Run langextract over all documents in one call, with as many workers as requests at once."""
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
