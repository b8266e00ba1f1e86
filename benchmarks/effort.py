"""How right extractions are, and what they cost, by the effort with which a model is asked.

    python -m benchmarks.effort GOLD RECORDS... (--model SPEC --keep DIR | --replay DIR) [--effort
                                medium,all] [--folds 3,4] [--limit N] [--price SPEC] [--json FILE]
                                [--plot FILE]
    python -m benchmarks.effort GOLD RECORDS... --forecast benchmarks/figures/effort.json [--folds
    3,4] [--limit N] python -m benchmarks.effort --from FILE... (--plot FILE | --costs [--gpu
    2.5,3000,400])

GOLD is a file with folds and areas such as benchmarks/gold/gold.jsonl. ``--keep`` stores all
answers in a folder, from which ``--replay`` takes them. ``--limit`` takes at most N trials of each
group of areas. Prints macro-F1 by group and task, by field, calls and tokens a record, and dollars
per 1,000 records at the price of a model of genai-prices. TokenCounts are measured; what a cache serves
and what a model thinks is forecast, as ``--dry-run`` does. ``--plot`` draws macro-F1 over dollars
as an image; ``--from`` takes the figures from files of ``--json``, those of ``benchmarks.peers``
too.

``--costs`` prints the table of docs/how-to/cost.md. ``--gpu`` is the assumption for own hardware:
dollars of a GPU's hour, the tokens that it reads a second beside those of its prefix cache, and the
tokens that it writes a second. ``--forecast`` prints what ``--dry-run`` expects for the same trials
beside what was measured. It asks no model.
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

from benchmarks.data import PEER, format_table, keeping_calls, parse_options, read_folds
from benchmarks.gold import name_group, read_pairs
from extractor import Extractor
from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.fields import FIELDS
from extractor.evidence.drafts import Chunk, Span
from extractor.model.asking.planner import estimate_record
from extractor.model.asking.prompt import Trial, render_call
from extractor.model.asking.questions import Question
from extractor.model.calls import CHARACTERS_PER_TOKEN
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import ListedPrice, Price, PriceList
from extractor.model.cost.tokens import (
    RequestSize,
    TokenCounts,
    forecast_calls,
    measure_call,
)
from extractor.model.spec import ModelSpec
from extractor.model.store import OpenStore
from extractor.options import ExtractionOptions
from extractor.run.forecast import forecast_usage
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage

PRICE = "anthropic/claude-sonnet-4-5"
"""A model that does not think unless it is told to, as the one that was measured."""
_HOSTED = ("openai/gpt-5-mini", PRICE)
_RECORDS = 1000
_CONCURRENCY = 8
_COUNTS = ("calls", "prompt_tokens", "static_tokens", "output_tokens")
Group = Sequence[tuple[TrialRecord, TrialExtraction]]
_TOTALS = (*Task, "all")


def main() -> None:
    """Run the command line."""
    options: dict[str, Any] = {
        "model": str,
        "keep": Path,
        "replay": Path,
        "effort": "rules,medium",
    }
    options |= {
        "folds": "",
        "limit": int,
        "price": PRICE,
        "json": Path,
        "forecast": Path,
    }
    options |= {"from": [Path], "plot": Path, "costs": False, "gpu": "2.5,3000,400"}
    chosen = parse_options(__doc__, "gold?", "records*", **options)
    chosen.folds, figures = read_folds(chosen.folds), vars(chosen)["from"]
    if not figures and not chosen.records:
        raise SystemExit("name GOLD and RECORDS, or figures with --from")
    pricing = find_pricing(chosen.price)
    if chosen.forecast:
        groups = read_groups(chosen.gold, chosen.records, chosen.folds, chosen.limit)
        print(
            format_forecast(
                json.loads(chosen.forecast.read_text("utf-8")), groups, pricing
            )
        )
        return
    if figures:
        results = [
            one for path in figures for one in json.loads(path.read_text("utf-8"))
        ]
        if chosen.costs:
            print(format_costs(results, chosen.gpu))
        else:
            print(format_results(results, pricing), format_fields(results), sep="\n")
    else:
        results = measure_all(chosen)
    if chosen.json:
        write_figures(results, chosen.json)
    if chosen.plot:
        label = f"dollars per 1,000 records at the prices of {chosen.price}"
        plot_effort(
            results, [bill(one, pricing).dollars for one in results], label, chosen.plot
        )


def measure_all(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure and print the figures of each effort and group."""
    pricing = find_pricing(chosen.price)
    groups = read_groups(chosen.gold, chosen.records, chosen.folds, chosen.limit)
    results: list[dict[str, Any]] = []
    for effort in chosen.effort.split(","):
        options: dict[str, Any] = (
            {"effort": "none"} if effort == "rules" else {"effort": effort}
        )
        extractor = Extractor(chosen.model, replay=chosen.replay, **options)
        with keeping_calls(chosen.keep) as calls:
            for name, pairs in groups.items():
                figures = asyncio.run(measure(extractor, pairs, calls))
                results.append({"effort": effort, "group": name, **figures})
        print(format_results(results[-len(groups) :], pricing), flush=True)
    print(format_fields(results))
    return results


def read_groups(
    gold: Path, records: Sequence[Path], folds: set[int], limit: int | None
) -> Mapping[str, Group]:
    """Return the annotated records of these folds by group of areas, at most ``limit`` of each."""
    groups: dict[str, list[tuple[TrialRecord, TrialExtraction]]] = defaultdict(list)
    for record, line, label in read_pairs(gold, records):
        if line["fold"] in folds:
            groups[name_group(line["area"])].append((record, label))
    return {
        name: sorted(groups[name], key=lambda pair: pair[0].record_id)[:limit]
        for name in sorted(groups)
    }


async def measure(
    extractor: Extractor, pairs: Group, calls: OpenStore | None = None
) -> dict[str, Any]:
    """F1 by field and total, and means a record of calls and tokens."""
    async with extractor.setup.open(64, calls) as opened:
        extract = replace(opened, in_thread=True)
        found = await asyncio.gather(*(extract(record) for record, _ in pairs))
    return summarise(pairs, found, count_static_tokens())


def summarise(
    pairs: Group, found: Sequence[TrialExtraction], static_tokens: int
) -> dict[str, Any]:
    """Score extractions, and count calls and tokens; ``static_tokens`` of each call are the same
    in all.
    """
    figures = evaluate(
        [gold for _, gold in pairs], found, resamples=0, examples=0
    ).figures()
    usage = sum((one.usage or Usage() for one in found), Usage())
    static = min(usage.prompt_tokens, usage.calls * static_tokens)
    counts = zip(
        _COUNTS,
        (usage.calls, usage.prompt_tokens, static, usage.output_tokens),
        strict=True,
    )
    return {
        "records": len(pairs),
        "figures": figures,
        **{name: count / len(pairs) for name, count in counts},
    }


def write_figures(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Store the figures."""
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def count_static_tokens() -> int:
    """Estimated tokens of the part that is the same in every call: system prompt and reply
    schema.
    """
    line = Question(
        Task.ELIGIBILITY, Chunk(1, Span("eligibility", 0, 0), ""), ("category",)
    )
    size = measure_call(render_call(Trial("x"), [line]))
    return (size.system + size.schema) // CHARACTERS_PER_TOKEN


class Bill(NamedTuple):
    """What 1,000 records cost, in dollars: all, the thinking and the writing of a cache in it, and
    all without a cache.

    ``cached`` is the number of tokens that the cache serves.
    """

    dollars: float
    thinking: float
    writing: float
    uncached: float
    cached: float


def find_pricing(model: str) -> Pricing:
    """Return the prices of a model, and its thinking by default."""
    pricing = Pricing.of(ModelSpec.parse(model), PriceList())
    if pricing.price is None:
        raise SystemExit(f"{model}: genai-prices knows no such model")
    return pricing


def price_hardware(hour: float, reads: float, writes: float) -> Pricing:
    """Return the prices of tokens on a machine of ``hour`` dollars that reads and writes this
    many tokens a second.
    """
    prompt, output = (hour / 3600 / rate * 1e6 for rate in (reads, writes))
    return Pricing(
        None,
        ListedPrice("own", Price(prompt=prompt, output=output, cached=0.0), "--gpu"),
    )


def bill(one: Mapping[str, Any], pricing: Pricing) -> Bill:
    """Return the cost of measured calls and tokens, with the cache and thinking that a run of
    1,000 records expects.
    """
    price = pricing.price
    assert price
    calls, prompt, static, output = (one[name] * _RECORDS for name in _COUNTS)
    thinking = calls * pricing.thinking.expected
    tokens = TokenCounts(calls, prompt, static, output + thinking)
    usage = forecast_usage(tokens, pricing, _CONCURRENCY)
    uncached = usage.model_copy(update={"cached_tokens": 0, "written_tokens": 0})
    # without a price of its own, writing into a cache costs nothing beside the prompt
    has_price = price.written != price.prompt
    written = usage.written_tokens * price.written / 1e6 if has_price else 0.0
    return Bill(
        price.cost(usage),
        thinking * price.output / 1e6,
        written,
        price.cost(uncached),
        usage.cached_tokens,
    )


def format_results(results: Sequence[Mapping[str, Any]], pricing: Pricing) -> str:
    """Format one line for each group and effort."""
    head = [
        "effort",
        "group",
        "trials",
        *_TOTALS,
        "calls",
        "prompt",
        "output",
        "$/1000",
        "$ uncached",
    ]
    rows = []
    for one in results:
        cost = bill(one, pricing)
        figures = [one["figures"][total] for total in _TOTALS]
        tokens = [
            f"{one[name]:.1f}" for name in ("calls", "prompt_tokens", "output_tokens")
        ]
        dollars = [f"{cost.dollars:.2f}", f"{cost.uncached:.2f}"]
        rows.append(
            [one["effort"], one["group"], one["records"], *figures, *tokens, *dollars]
        )
    return format_table(head, rows)


def format_costs(results: Sequence[Mapping[str, Any]], gpu: str) -> str:
    """Format the costs of 1,000 records: a column for each effort that asks a model, with a figure
    for each group of areas. ``gpu`` has the dollars of an hour, and the tokens that it reads and
    writes in a second.
    """
    hour, reads, writes = map(float, gpu.split(","))
    models: dict[str, Pricing] = {}
    for model in _HOSTED:
        # as --model takes it
        name = model.removeprefix("openai/")
        models[name] = find_pricing(model)
    models["a GPU"] = price_hardware(hour, reads, writes)
    by_effort: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for result in results:
        if result["calls"]:
            by_effort[result["effort"]].append(result)
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for measured in by_effort.values():
        calls = [result["calls"] * _RECORDS for result in measured]
        rows["calls", "measured"].append(_pair(calls, 0))
        on_gpu = [bill(result, models["a GPU"]) for result in measured]
        for name, basis, millions in _list_millions(measured, on_gpu):
            rows[name, basis].append(_pair(millions))
        for name, pricing in models.items():
            costs = [bill(result, pricing) for result in measured]
            basis = "forecast" if pricing.spec else "assumption"
            for row_name, row_basis, dollars in _list_dollars(name, basis, costs):
                rows[row_name, row_basis].append(_pair(dollars))
        minutes = [cost.dollars / hour * 60 for cost in on_gpu]
        rows["a GPU: minutes", "assumption"].append(_pair(minutes, 0))
    lines = [[name, *cells, basis] for (name, basis), cells in rows.items()]
    return format_table(["1,000 records", *by_effort, "is"], lines, markdown=True)


def _list_dollars(
    name: str, basis: str, costs: Sequence[Bill]
) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the dollars that a model costs: their name, their basis, and a figure for each group of
    areas. Thinking, and writing the cache, are left out if they cost nothing.
    """
    yield f"{name}: dollars", basis, [cost.dollars for cost in costs]
    thinking = [cost.thinking for cost in costs]
    if any(thinking):
        yield "of them for thinking", "assumption", thinking
    writing = [cost.writing for cost in costs]
    if any(writing):
        yield "of them for writing the cache", "forecast", writing
    uncached = [cost.uncached for cost in costs]
    yield f"{name}: dollars without a cache", basis, uncached


def _list_millions(
    measured: Sequence[Mapping[str, Any]], on_gpu: Sequence[Bill]
) -> Iterator[tuple[str, str, list[float]]]:
    """Yield the millions of tokens of 1,000 records: their name, their basis, and a figure for each
    group of areas.
    """
    prompt = [result["prompt_tokens"] * _RECORDS / 1e6 for result in measured]
    output = [result["output_tokens"] * _RECORDS / 1e6 for result in measured]
    cached = [cost.cached / 1e6 for cost in on_gpu]
    yield "million prompt tokens", "measured", prompt
    yield "of them from a cache", "forecast", cached
    yield "of them not", "forecast", list(map(sub, prompt, cached))
    yield "million output tokens", "measured", output


def _pair(figures: Iterable[float], digits: int = 2) -> str:
    return " / ".join(f"{figure:,.{digits}f}" for figure in figures)


def format_forecast(
    results: Sequence[Mapping[str, Any]], groups: Mapping[str, Group], pricing: Pricing
) -> str:
    """Format the forecast of a dry run for a record of these groups, without thinking, beside
    what was measured.
    """
    rates = replace(pricing.rates.expected, thinking=0)
    rows = []
    for one in results:
        pairs = groups[one["group"]]
        if one["calls"]:
            options = ExtractionOptions(effort=one["effort"])
            size = sum(
                (estimate_record(record, options) for record, _ in pairs),
                RequestSize(),
            )
            tokens = forecast_calls(size, rates)
            expected = {
                name: count / len(pairs)
                for name, count in zip(_COUNTS, tokens, strict=True)
            }
            found = [
                (name, expected[name], one[name])
                for name in _COUNTS
                if name != "static_tokens"
            ]
            found.append(
                ("$/1000", bill(expected, pricing).dollars, bill(one, pricing).dollars)
            )
            for name, mean, measured in found:
                figures = (
                    f"{mean:,.2f}",
                    f"{measured:,.2f}",
                    f"{mean / measured - 1:+.0%}",
                )
                rows.append([one["effort"], one["group"], len(pairs), name, *figures])
    return format_table(
        ["effort", "group", "trials", "a record", "forecast", "measured", "difference"],
        rows,
    )


def format_fields(results: Sequence[Mapping[str, Any]]) -> str:
    """F1 of each field, a column for each group and effort."""
    head = ["field", *(f"{one['group'].split()[0]} {one['effort']}" for one in results)]
    return format_table(
        head,
        (
            [field.name, *(one["figures"].get(field.name) for one in results)]
            for field in FIELDS
        ),
    )


def plot_effort(
    results: Iterable[Mapping[str, Any]],
    dollars: Iterable[float],
    label: str,
    path: Path,
) -> None:
    """Draw macro-F1 over the dollars of each result: a line for each group of areas, a square for
    the peer's.

    ``label`` says what the dollars are. The suffix of ``path`` chooses the format, such as
    ``.png``.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 - only a drawing needs it

    axes = (figure := Figure(figsize=(8, 5), layout="constrained")).add_subplot()
    lines: dict[tuple[str, bool], list[tuple[float, Mapping[str, Any]]]] = defaultdict(
        list
    )
    for one, cost in zip(results, dollars, strict=True):
        lines[one["group"], one["effort"] == PEER].append((cost, one))
    groups = sorted({group for group, _ in lines})
    for (group, is_peer), points in lines.items():
        costs = [cost for cost, _ in points]
        f1 = [one["figures"]["all"] for _, one in points]
        name = f"{PEER}, " * is_peer + f"{group} ({points[0][1]['records']} trials)"
        axes.plot(
            costs,
            f1,
            "s" if is_peer else "o-",
            label=name,
            color=f"C{groups.index(group)}",
        )
        for x, y, (_, one) in [] if is_peer else zip(costs, f1, points, strict=True):
            axes.annotate(
                one["effort"],
                (x, y),
                xytext=(4, -12),
                textcoords="offset points",
                fontsize=8,
            )
    axes.set(xlabel=label, ylabel="macro-F1")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
