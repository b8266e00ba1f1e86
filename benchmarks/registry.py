"""What all records of the registry would take, with the arithmetic, from figures measured on a sample.

    python -m benchmarks.registry --data DIR [--records 550000] [--sample 200] [--model gpt-4.1-mini]
        [--driver 750] [--flight 64] [--latency 2] [--reads 85] [--writes 20]

Calls, tokens and money a record are those of ``extractor run --dry-run`` over the records of the folder, drawn by size;
records a second of one core are measured here. The rest is given: records a second that the driver of a cluster can
read, hand out and write (``--driver``), requests under way and seconds for each (``--flight``, ``--latency``), and
tokens a second that a machine's own model reads and writes (``--reads``, ``--writes``).
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from time import process_time
from typing import Any

from benchmarks.label_files import add_data_option
from extractor.llm.spec import ModelSpec
from extractor.options import Assist, ExtractionOptions
from extractor.read import read_records
from extractor.run.prices import read_prices
from extractor.run.worker import advance_record

_FILES = ("records/ctgov_v2.jsonl.gz", "records/eligibility_general.jsonl.gz")
_WARM = 20
_HOUR, _DAY = 3600.0, 86400.0


@dataclass(frozen=True)
class PerRecord:
    """What the mean record takes: seconds of a core by the rules, calls, prompt and output tokens, dollars."""

    seconds: float
    calls: float
    prompt: float
    output: float
    usd: float
    batch: float


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(arguments)
    arguments.add_argument("--records", type=int, default=550_000)
    arguments.add_argument("--sample", type=int, default=200)
    arguments.add_argument("--model", default="gpt-4.1-mini", help="a hosted model with a known price")
    arguments.add_argument("--driver", type=float, default=750.0)
    arguments.add_argument("--flight", type=int, default=64)
    arguments.add_argument("--latency", type=float, default=2.0)
    arguments.add_argument("--reads", type=float, default=85.0)
    arguments.add_argument("--writes", type=float, default=20.0)
    chosen = arguments.parse_args()
    mean = measure_record([str(chosen.data / name) for name in _FILES], chosen)
    print("| what | arithmetic | time | dollars |\n|---|---|---|---|")
    for cells in (*estimate_rules(mean, chosen), *estimate_hosted(mean, chosen), *estimate_local(mean, chosen)):
        print(f"| {' | '.join(cells)} |")


def measure_record(inputs: list[str], chosen: argparse.Namespace) -> PerRecord:
    """The mean record of a sample."""
    command = [sys.executable, "-m", "extractor", "run", *inputs, "--dry-run", "--model", chosen.model]
    told = subprocess.run([*command, "--sample", str(chosen.sample)], capture_output=True, text=True, check=False)
    quote: dict[str, Any] = json.loads(told.stdout)
    listed = read_prices(()).find(ModelSpec.parse(chosen.model))
    if listed is None:
        raise SystemExit(f"no price is known of {chosen.model}")
    calls, prompt, output, usd = (
        quote[name]["expected"] / quote["records"] for name in ("calls", "prompt_tokens", "output_tokens", "usd")
    )
    return PerRecord(_time_rules(inputs, chosen.sample), calls, prompt, output, usd, float(listed.price.batch))


def estimate_rules(mean: PerRecord, chosen: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """The rules alone on 1, 10 and 100 cores. One driver has its limit; several have a part of the input each."""
    rate, driver, records = 1 / mean.seconds, chosen.driver, chosen.records
    for cores in (1, 10, 100):
        drivers = max(1, round(cores * rate / driver + 0.5)) if cores > 1 else 1
        seconds = records / min(cores * rate, drivers * driver)
        by = f"{drivers} driver{'s' * (drivers > 1)}, each with a part of the input" if drivers > 1 else "one driver"
        told = f"{records:,} / ({cores} × {rate:.0f} records/s)" + f"; {by}" * (cores > 1)
        yield f"rules alone, {_count(cores, 'core')}", told, _duration(seconds), "0"


def estimate_hosted(mean: PerRecord, chosen: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """A hosted model, by single calls and by the provider's batches."""
    calls, rate = mean.calls * chosen.records, chosen.flight / chosen.latency
    tokens = f"{mean.prompt:.0f} + {mean.output:.0f} tokens a record, ${1000 * mean.usd:.3f} a thousand"
    time = f"{calls:,.0f} calls / ({chosen.flight} at once / {chosen.latency:g} s)"
    yield chosen.model, f"{time}; {tokens}", _duration(calls / rate), f"{mean.usd * chosen.records:,.0f}"
    usd = mean.usd * mean.batch * chosen.records
    yield (
        f"{chosen.model}, --batch",
        f"the same at {mean.batch:g} of the price",
        "the provider's: a day or more",
        f"{usd:,.0f}",
    )


def estimate_local(mean: PerRecord, chosen: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """A model on 1 and on 100 machines."""
    seconds = mean.prompt / chosen.reads + mean.output / chosen.writes
    told = f"{mean.prompt:.0f} / {chosen.reads:g} + {mean.output:.0f} / {chosen.writes:g} = {seconds:.1f} s a record"
    for machines in (1, 100):
        took = _duration(seconds * chosen.records / machines)
        yield f"a local model, {_count(machines, 'machine')}", f"{told}; / {machines}", took, "0"


def _time_rules(inputs: list[str], count: int) -> float:
    """Seconds of a core for a record, reading included, the first few apart."""
    records = [record for name in inputs for record in islice(read_records(name), count // len(inputs))]
    for record in records[:_WARM]:
        advance_record(record, ExtractionOptions(assist=Assist.NEVER), [None])
    since = process_time()
    for name in inputs:
        for record in islice(read_records(name), count // len(inputs)):
            advance_record(record, ExtractionOptions(assist=Assist.NEVER), [None])
    return (process_time() - since) / len(records)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number > 1)}"


def _duration(seconds: float) -> str:
    if seconds < 2 * _HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / _HOUR:.1f} h" if seconds < 3 * _DAY else f"{seconds / _DAY:.0f} days"


if __name__ == "__main__":
    main()
