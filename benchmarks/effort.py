"""Measure the accuracy and the cost of extractions at each effort level.

    python -m benchmarks.effort GOLD RECORDS... (--model SPEC --keep DIR | --replay DIR)
        [--effort rules,full] [--folds 3,4] [--json FILE]
    python -m benchmarks.effort GOLD RECORDS... --runs DIR... [--json FILE]
    python -m benchmarks.effort --from FILE... [--costs]

GOLD is a file with folds and areas, such as benchmarks/gold/gold.jsonl. ``--keep`` stores all
answers in a folder, from which ``--replay`` reads them. Prints macro-F1 by group of areas and task,
and by field, and the calls and tokens per record. ``--runs`` are finished runs of these records,
whose figures are the means over the runs and over all areas. ``--json`` stores the figures; ``--from`` reads
them, and averages the files of several annotators. ``--costs`` prints the table of costs in the
documentation: calls and tokens are measured; cached tokens, reasoning tokens and dollars are
forecast, as by ``--dry-run``.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import sub
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import Row, format_table, keeping_calls, parse_options, read_folds
from benchmarks.gold import name_group, read_pairs
from extractor import Extractor, read_results
from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.fields import FIELDS
from extractor.model.asking.prompt import load_prompt
from extractor.model.asking.reply_models import reply_for
from extractor.model.calls import CHARACTERS_PER_TOKEN, schema_of
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import PriceList
from extractor.model.cost.tokens import TokenCounts
from extractor.model.spec import ModelSpec
from extractor.model.store import OpenStore
from extractor.run.forecast import forecast_usage
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage

PRICE = "anthropic/claude-sonnet-4-5"
"""A model that, like the measured model, does not reason by default."""
_HOSTED = ("openai/gpt-5-mini", PRICE)
_RECORDS = 1000
_CONCURRENCY = 8
_COUNTS = ("calls", "prompt_tokens", "static_tokens", "output_tokens")
Group = Sequence[tuple[TrialRecord, TrialExtraction]]
_TOTALS = (*Task, "all")


def main() -> None:
    """Run the command line."""
    options: dict[str, Any] = {"model": str, "keep": Path, "replay": Path}
    options |= {"effort": "rules,full", "folds": ""}
    options |= {"json": Path, "from": [Path], "costs": False, "runs": [Path]}
    chosen = parse_options(__doc__, "gold?", "records*", **options)
    results: list[Row] = []
    files = vars(chosen)["from"]
    if files:
        results = average([json.loads(path.read_text("utf-8")) for path in files])
        if chosen.costs:
            print(format_costs(results))
        else:
            print(format_results(results))
    elif chosen.runs:
        results = [measure_runs(chosen.gold, chosen.records, chosen.runs)]
        print(format_results(results))
    elif chosen.records:
        for of_effort in measure_all(chosen):
            print(format_results(of_effort), flush=True)
            results += of_effort
    else:
        raise SystemExit("name GOLD and RECORDS, or figures with --from")
    if not chosen.costs:
        print(format_fields(results))
    if chosen.json:
        chosen.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def average(measured: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows with mean figures over annotators, whose rows must be in the same order."""
    results = []
    for rows in zip(*measured, strict=True):
        figures: dict[str, list[float]] = defaultdict(list)
        for row in rows:
            for name, figure in row["figures"].items():
                if figure is not None:
                    figures[name].append(figure)
        means = {name: sum(each) / len(each) for name, each in figures.items()}
        results.append(rows[0] | {"figures": means})
    return results


def measure_all(chosen: argparse.Namespace) -> Iterator[list[Row]]:
    """Yield the figures for each effort level, by group."""
    folds = read_folds(chosen.folds)
    groups = read_groups(chosen.gold, chosen.records, folds)
    for name in chosen.effort.split(","):
        effort = "none" if name == "rules" else name
        extractor = Extractor(chosen.model, replay=chosen.replay, effort=effort)
        results = []
        with keeping_calls(chosen.keep) as calls:
            for group, pairs in groups.items():
                figures = asyncio.run(measure(extractor, pairs, calls))
                results.append({"effort": name, "group": group, **figures})
        yield results


def read_groups(
    gold: Path, records: Sequence[Path], folds: set[int]
) -> Mapping[str, Group]:
    """Return the annotated records in the given folds, by group of areas."""
    groups: dict[str, list[tuple[TrialRecord, TrialExtraction]]] = defaultdict(list)
    for record, line, label in read_pairs(gold, records):
        if line["fold"] in folds:
            groups[name_group(line["area"])].append((record, label))
    return {
        name: sorted(groups[name], key=lambda pair: pair[0].record_id)
        for name in sorted(groups)
    }


def measure_runs(gold: Path, records: Sequence[Path], runs: Sequence[Path]) -> Row:
    """Return the figures of finished runs, which are averaged, over all areas."""
    golds = {record.record_id: label for record, _, label in read_pairs(gold, records)}
    rows: list[list[Row]] = []
    for run in runs:
        found = [one for one in read_results(run).extractions if one.record_id in golds]
        pairs = [golds[one.record_id] for one in found]
        figures = evaluate(pairs, found, resamples=0, examples=0).figures()
        usage = sum((one.usage or Usage() for one in found), Usage())
        effort = "full" if usage.calls else "rules"
        known = {"effort": effort, "group": "all areas"}
        rows.append([known | _describe_usage(usage, len(found)) | {"figures": figures}])
    (row,) = average(rows)
    return row


def _describe_usage(usage: Usage, count: int) -> Row:
    """Return the number of records, and the mean calls and tokens of each."""
    static = min(usage.prompt_tokens, usage.calls * count_static_tokens())
    counts = (usage.calls, usage.prompt_tokens, static, usage.output_tokens)
    means = [each / count for each in counts]
    return {"records": count} | dict(zip(_COUNTS, means, strict=True))


async def measure(extractor: Extractor, pairs: Group, calls: OpenStore | None) -> Row:
    """Return F1 by field and in total, and the mean calls and tokens per record."""
    async with extractor.setup.open(64, calls) as opened:
        extract = replace(opened, in_thread=True)
        found = await asyncio.gather(*(extract(record) for record, _ in pairs))
    golds = [gold for _, gold in pairs]
    figures = evaluate(golds, found, resamples=0, examples=0).figures()
    usage = sum((extraction.usage or Usage() for extraction in found), Usage())
    return _describe_usage(usage, len(pairs)) | {"figures": figures}


def count_static_tokens() -> int:
    """Estimate the tokens in the system prompt and the reply schema, which all calls share."""
    characters = len(load_prompt().system) + len(schema_of(reply_for(())))
    return characters // CHARACTERS_PER_TOKEN


class Bill(NamedTuple):
    """The cost of 1,000 records in dollars: in total, the parts for reasoning and for writing the
    cache, and the total without a cache.

    ``cached`` is the number of tokens read from the cache.
    """

    dollars: float
    thinking: float
    writing: float
    uncached: float
    cached: float


def find_pricing(model: str) -> Pricing:
    """Return the prices of a model, and its default number of reasoning tokens."""
    pricing = Pricing.of(ModelSpec.parse(model), PriceList())
    if pricing.price is None:
        raise SystemExit(f"{model}: genai-prices knows no such model")
    return pricing


def bill(result: Mapping[str, Any], pricing: Pricing) -> Bill:
    """Return the cost of 1,000 records, with the caching and reasoning expected in such a run."""
    price = pricing.price
    assert price
    calls, prompt, static, output = (result[name] * _RECORDS for name in _COUNTS)
    thinking = calls * pricing.thinking.expected
    tokens = TokenCounts(calls, prompt, static, output + thinking)
    usage = forecast_usage(tokens, pricing, _CONCURRENCY)
    uncached = usage.model_copy(update={"cached_tokens": 0, "written_tokens": 0})
    # without a price of its own, writing into a cache costs nothing beside the prompt
    has_price = price.written != price.prompt
    return Bill(
        dollars=price.cost(usage),
        thinking=thinking * price.output / 1e6,
        writing=usage.written_tokens * price.written / 1e6 if has_price else 0.0,
        uncached=price.cost(uncached),
        cached=usage.cached_tokens,
    )


def format_results(results: Sequence[Row]) -> str:
    """Format a line for each group and effort level."""
    head = ["effort", "group", "trials", *_TOTALS, "calls", "prompt", "output"]
    rows = []
    for result in results:
        row = [result["effort"], result["group"], result["records"]]
        row += [result["figures"][total] for total in _TOTALS]
        for name in ("calls", "prompt_tokens", "output_tokens"):
            row.append(f"{result[name]:.1f}")
        rows.append(row)
    return format_table(head, rows)


def format_costs(results: Sequence[Row]) -> str:
    """Format the costs of 1,000 records, with a column for each effort level that uses a model.
    Each cell contains a figure for each group of areas.
    """
    by_effort: dict[str, list[Row]] = defaultdict(list)
    for result in results:
        if result["calls"]:
            by_effort[result["effort"]].append(result)
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for measured in by_effort.values():
        calls = [result["calls"] * _RECORDS for result in measured]
        rows["calls", "measured"].append(_pair(calls, 0))
        for name, basis, figures in (
            *_list_millions(measured),
            *_list_dollars(measured),
        ):
            rows[name, basis].append(_pair(figures))
    lines = [[name, *cells, basis] for (name, basis), cells in rows.items()]
    return format_table(["1,000 records", *by_effort, "is"], lines, markdown=True)


def _list_dollars(measured: Sequence[Row]) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the costs of models in dollars as (name, basis, figure for each group of areas) tuples.
    Costs of reasoning and of writing the cache are omitted if they are zero.
    """
    for model in _HOSTED:
        pricing = find_pricing(model)
        costs = [bill(result, pricing) for result in measured]
        # as --model takes it
        shown = model.removeprefix("openai/")
        yield f"{shown}: dollars", "forecast", [cost.dollars for cost in costs]
        thinking = [cost.thinking for cost in costs]
        if any(thinking):
            yield "of them for thinking", "assumption", thinking
        writing = [cost.writing for cost in costs]
        if any(writing):
            yield "of them for writing the cache", "forecast", writing
        uncached = [cost.uncached for cost in costs]
        yield f"{shown}: dollars without a cache", "forecast", uncached


def _list_millions(measured: Sequence[Row]) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the millions of tokens for 1,000 records as (name, basis, figures by group) tuples."""
    pricing = find_pricing(PRICE)
    prompt = [result["prompt_tokens"] * _RECORDS / 1e6 for result in measured]
    output = [result["output_tokens"] * _RECORDS / 1e6 for result in measured]
    cached = [bill(result, pricing).cached / 1e6 for result in measured]
    yield "million prompt tokens", "measured", prompt
    yield "of them from a cache", "forecast", cached
    yield "of them not", "forecast", list(map(sub, prompt, cached))
    yield "million output tokens", "measured", output


def _pair(figures: Iterable[float], digits: int = 2) -> str:
    return " / ".join(f"{figure:,.{digits}f}" for figure in figures)


def format_fields(results: Sequence[Row]) -> str:
    """Format the F1 of each field, with a column for each group and effort level."""
    head = [
        "field",
        *(f"{result['group'].split()[0]} {result['effort']}" for result in results),
    ]
    rows = []
    for field in FIELDS:
        figures = [result["figures"].get(field.name) for result in results]
        rows.append([field.name, *figures])
    return format_table(head, rows)


if __name__ == "__main__":
    main()
