"""How right extractions are, and what they cost, by the effort with which a model is asked.

    python -m benchmarks.effort GOLD RECORDS... (--model SPEC --keep DIR | --replay DIR) [--effort low,0.8,high]
                                [--folds 3,4] [--limit N] [--price NAME] [--json FILE] [--plot FILE]
    python -m benchmarks.effort --from FILE... --plot FILE

GOLD is a folder of gold JSON, or a file without text such as benchmarks/gold/gold.jsonl. ``--keep`` stores all answers
in a folder, from which ``--replay`` takes them. ``--limit`` takes at most N trials of each group of areas. Prints
macro-F1 by group and task, by field, calls and tokens a record, and dollars per 1,000 records at the price of a model
of genai-prices: with the static part of the prompt billed as cached from the second call on, and without. ``--plot``
draws macro-F1 over dollars (with the cache) as an image; ``--from`` takes the figures from files of ``--json``, those
of ``benchmarks.peers`` too.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.data import FOLDS, format_table, keeping_calls, option_parser, read_pairs
from benchmarks.gold import name_group, read_gold
from extractor import Extractor
from extractor.ask.prompt import render_call
from extractor.ask.questions import Question
from extractor.evaluation import evaluate
from extractor.evaluation.fields import FIELDS
from extractor.llm.estimates import CHARACTERS_PER_TOKEN, measure_call
from extractor.llm.prices import PICO, Price, PriceList
from extractor.llm.spec import ModelSpec
from extractor.llm.store import OpenStore
from extractor.parse.parsed import Chunk, ChunkKind, Span
from extractor.schemas import Source, Task, TrialExtraction, TrialRecord, Usage

Group = Sequence[tuple[TrialRecord, TrialExtraction]]
_TOTALS = (*Task, "all")


def main() -> None:
    """The command line."""
    parser = option_parser(__doc__)
    parser.add_argument("gold", type=Path, nargs="?")
    parser.add_argument("records", type=Path, nargs="*")
    parser.add_argument("--model")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--effort", default="rules,low,medium,high")
    parser.add_argument("--folds", type=lambda text: set(map(int, text.split(","))), default=set(range(FOLDS)))
    parser.add_argument("--limit", type=int)
    parser.add_argument("--price", default="gpt-5-mini")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--from", dest="figures", type=Path, nargs="+")
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    if not chosen.figures and not chosen.records:
        parser.error("name GOLD and RECORDS, or figures with --from")
    if chosen.figures:
        results = [one for path in chosen.figures for one in json.loads(path.read_text("utf-8"))]
        print(format_results(results), format_fields(results), sep="\n")
    else:
        results = measure_all(chosen)
    if chosen.json:
        write_figures(results, chosen.json)
    if chosen.plot:
        from benchmarks.effort_plot import plot_effort  # noqa: PLC0415 - only a drawing needs matplotlib

        plot_effort(results, chosen.plot)


def measure_all(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure and print the figures of each effort and group."""
    listed = PriceList().find(ModelSpec.parse(chosen.price))
    if listed is None:
        raise SystemExit(f"{chosen.price}: genai-prices knows no such model")
    groups = read_groups(chosen.gold, chosen.records, chosen.folds, chosen.limit)
    results: list[dict[str, Any]] = []
    for effort in chosen.effort.split(","):
        options: dict[str, Any] = {"assist": "never"} if effort == "rules" else {"effort": effort}
        extractor = Extractor(chosen.model, replay=chosen.replay, **options)
        with keeping_calls(chosen.keep) as calls:
            for name, pairs in groups.items():
                figures = asyncio.run(measure(extractor, pairs, listed.price, calls))
                results.append({"effort": effort, "group": name, **figures})
        print(format_results(results[-len(groups) :]), flush=True)
    print(format_fields(results))
    return results


def read_groups(gold: Path, records: Sequence[Path], folds: set[int], limit: int | None) -> Mapping[str, Group]:
    """The annotated records of these folds by group of areas, at most ``limit`` of each."""
    known = read_gold(gold)
    groups: dict[str, list[tuple[TrialRecord, TrialExtraction]]] = defaultdict(list)
    for parsed, label in read_pairs(gold, records):
        line = known[label.record_id]
        if line["fold"] in folds:
            groups[name_group(line["area"])].append((parsed.record, label))
    return {name: sorted(groups[name], key=lambda pair: pair[0].record_id)[:limit] for name in sorted(groups)}


async def measure(extractor: Extractor, pairs: Group, price: Price, calls: OpenStore | None = None) -> dict[str, Any]:
    """F1 by field and total, and means a record of calls, tokens and dollars."""
    async with extractor.open(64, calls) as opened:
        extract = replace(opened, in_thread=True)
        found = await asyncio.gather(*(extract(record) for record, _ in pairs))
    return summarise(pairs, found, price, count_static_tokens())


def summarise(pairs: Group, found: Sequence[TrialExtraction], price: Price, static_tokens: int) -> dict[str, Any]:
    """Score extractions; ``static_tokens`` of each call are billed as cached in ``dollars``."""
    figures = evaluate([gold for _, gold in pairs], found, resamples=0, examples=0).figures()
    usage = sum((one.usage or Usage() for one in found), Usage())
    static = min(usage.prompt_tokens, usage.calls * static_tokens)
    cached = usage.model_copy(update={"cached_tokens": max(usage.cached_tokens, static)})
    plain = usage.model_copy(update={"cached_tokens": 0})
    return {
        "records": len(pairs),
        "figures": figures,
        **{name: getattr(usage, name) / len(pairs) for name in ("calls", "prompt_tokens", "output_tokens")},
        "dollars": price.cost(cached) / PICO / len(pairs) * 1000,
        "dollars_uncached": price.cost(plain) / PICO / len(pairs) * 1000,
    }


def write_figures(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Store the figures."""
    path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def count_static_tokens() -> int:
    """Estimated tokens of the part that is the same in every call: system prompt and reply schema."""
    record = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=())
    line = Question(Task.ELIGIBILITY, Chunk(1, ChunkKind.ITEM, Span("eligibility", 0, 0), ""), ("category",))
    size = measure_call(render_call(record, [line]))
    return (size.system + size.schema) // CHARACTERS_PER_TOKEN


def format_results(results: Sequence[Mapping[str, Any]]) -> str:
    """One line for each group and effort."""
    head = ["effort", "group", "trials", *_TOTALS, "calls", "prompt", "output", "$/1000", "$ uncached"]
    return format_table(head, map(_row, results))


def _row(one: Mapping[str, Any]) -> list[object]:
    tokens = [f"{one[name]:.1f}" for name in ("calls", "prompt_tokens", "output_tokens")]
    dollars = [f"{one[name]:.2f}" for name in ("dollars", "dollars_uncached")]
    figures = [one["figures"][total] for total in _TOTALS]
    return [one["effort"], one["group"], one["records"], *figures, *tokens, *dollars]


def format_fields(results: Sequence[Mapping[str, Any]]) -> str:
    """F1 of each field, a column for each group and effort."""
    head = ["field", *(f"{one['group'].split()[0]} {one['effort']}" for one in results)]
    return format_table(head, _field_rows(results))


def _field_rows(results: Sequence[Mapping[str, Any]]) -> Iterator[list[object]]:
    for field in FIELDS:
        yield [field.name, *(one["figures"].get(field.name) for one in results)]


if __name__ == "__main__":
    main()
