"""Estimate time and cost for all records of the registry, with the arithmetic, from a measured sample.

    python -m benchmarks.registry --data DIR [--records 550000] [--sample 200] [--model gpt-4.1-mini]
        [--driver 750] [--flight 64] [--latency 2] [--reads 85] [--writes 20]

Calls, tokens and money per record come from ``extractor run --dry-run`` over the first records of each file, with a
hosted model whose price is known; records per second of one core are measured here. Options give the rest:
records per second that the driver of a cluster can read, distribute and write (``--driver``), requests at once and
seconds for each (``--flight``, ``--latency``), and tokens per second that a local model reads and writes
(``--reads``, ``--writes``).
"""

import argparse
import math
import subprocess
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from benchmarks.data import RULES, format_table, parse_options
from benchmarks.processes import run_command, time_work
from extractor.llm.cost.prices import read_prices
from extractor.llm.spec import ModelSpec
from extractor.pipeline import extract_by_rules
from extractor.stages.read import read_records

_FILES = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")
_WARM = 20
_HOUR, _DAY = 3600.0, 86400.0


class PerRecord(NamedTuple):
    """The cost of the mean record: core seconds for the rules, calls, prompt and output tokens, dollars.

    ``batch`` is the price of the provider's batches as a share of the full price.
    """

    seconds: float
    calls: float
    prompt: float
    output: float
    usd: float
    batch: float


def main() -> None:
    """Print the table."""
    given: dict[str, Any] = {"driver": 750.0, "flight": 64.0, "latency": 2.0, "reads": 85.0, "writes": 20.0}
    chosen = parse_options(__doc__, data=..., records=550_000, sample=200, model="gpt-4.1-mini", **given)
    mean = measure_record([str(chosen.data / name) for name in _FILES], chosen)
    rows = [*estimate_rules(mean, chosen), *estimate_model(mean, chosen)]
    print(format_table(("what", "arithmetic", "time", "dollars"), rows, markdown=True))


def measure_record(inputs: list[str], chosen: argparse.Namespace) -> PerRecord:
    """Measure the mean record of a sample."""
    figures: dict[str, float] = {}
    for path in inputs:
        command = run_command(path, "--dry-run", "--model", chosen.model, "--limit", chosen.sample // len(inputs))
        head, *rows = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        found = {"records": float(head.split()[0].replace(",", ""))}
        found |= {name: float(expected.replace(",", "")) for name, _, expected, _ in (row.split("\t") for row in rows)}
        figures = {name: figures.get(name, 0.0) + figure for name, figure in found.items()}
    listed = read_prices(()).find(ModelSpec.parse(chosen.model))
    if listed is None:
        raise SystemExit(f"no price is known for {chosen.model}")
    names = ("calls", "prompt tokens", "output tokens", "dollars")
    calls, prompt, output, usd = (figures[name] / figures["records"] for name in names)
    return PerRecord(_time_rules(inputs, chosen.sample), calls, prompt, output, usd, float(listed.price.batch))


def _time_rules(inputs: list[str], count: int) -> float:
    """Measure core seconds per record, including reading, after a few records that load the rules."""

    def extract(limit: int) -> int:
        records = chain.from_iterable(islice(read_records(name), count // len(inputs)) for name in inputs)
        return sum(1 for one in islice(records, limit) if extract_by_rules(one, RULES).model_dump_json())

    extract(_WARM)
    found: list[int] = []
    return time_work(lambda: found.append(extract(count))) / found[0]


def estimate_rules(mean: PerRecord, chosen: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Estimate the rules alone on 1, 10 and 100 cores. A driver has a limit; several drivers share the input."""
    rate = 1 / mean.seconds
    for cores in (1, 10, 100):
        drivers = math.ceil(cores * rate / chosen.driver) if cores > 1 else 1
        seconds = chosen.records / min(cores * rate, drivers * chosen.driver)
        by = f"{drivers} drivers, each with a part of the input" if drivers > 1 else "one driver"
        arithmetic = f"{chosen.records:,} / ({cores} × {rate:.0f} records/s)" + f"; {by}" * (cores > 1)
        yield f"rules alone, {_count(cores, 'core')}", arithmetic, _duration(seconds), "0"


def estimate_model(mean: PerRecord, chosen: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Estimate a hosted model, by single calls and by batches, and a local model on 1 and on 100 machines."""
    calls, rate = mean.calls * chosen.records, chosen.flight / chosen.latency
    tokens = f"{mean.prompt:.0f} + {mean.output:.0f} tokens a record, ${1000 * mean.usd:.3f} a thousand"
    time = f"{calls:,.0f} calls / ({chosen.flight:g} at once / {chosen.latency:g} s)"
    usd = mean.usd * chosen.records
    yield chosen.model, f"{time}; {tokens}", _duration(calls / rate), f"{usd:,.0f}"
    halved = f"the same at {mean.batch:g} of the price"
    yield f"{chosen.model}, batches", halved, "the provider's: a day or more", f"{usd * mean.batch:,.0f}"
    seconds = mean.prompt / chosen.reads + mean.output / chosen.writes
    each = f"{mean.prompt:.0f} / {chosen.reads:g} + {mean.output:.0f} / {chosen.writes:g} = {seconds:.1f} s a record"
    for machines in (1, 100):
        whole = _duration(seconds * chosen.records / machines)
        yield f"a local model, {_count(machines, 'machine')}", f"{each}; / {machines}", whole, "0"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number > 1)}"


def _duration(seconds: float) -> str:
    if seconds < 2 * _HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < 3 * _DAY else f"{seconds / _DAY:.0f} days"


if __name__ == "__main__":
    main()
