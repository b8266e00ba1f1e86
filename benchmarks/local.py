"""Measure how fast a local model answers with different server settings.

    python -m benchmarks.local [RECORDS ...] [--model local:NAME] [--limit N] [--output-tokens N] [--rounds N]
                               [--only NAME ...]

Each variant differs in one setting from the defaults, which are ``ServerSettings`` and a grammar for the lines of each
call. Variant and defaults are measured in turns, on the calls of ``--assist auto`` for the same records (by default the
seeds), each round with a new server, so that other load on the machine affects both. The figures are the ratios of
elapsed time and of the server's processor time, as medians over the rounds. On a busy machine, elapsed time includes
the other load; processor time does not, but does not show how well cores are used. Tokens read anew, from the cache and
written are the server's own counts. Pull the model first.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
from openai import AsyncOpenAI

from benchmarks.data import option_parser
from extractor.cli.environment import read_cache_folder
from extractor.llm.local.models import locate_model
from extractor.llm.local.server import LocalServer, ServerSettings, serve_model
from extractor.llm.planner import pack_questions, plan_questions
from extractor.llm.prompt import render_call
from extractor.llm.requests import AnswerMode, Call, compact_schema
from extractor.options import ExtractionOptions
from extractor.parse import parse_record
from extractor.read import read_records

_SEEDS = Path(__file__).parents[1] / "seeds" / "records"
_MEGABYTE = 1024**2
_COUNTS = ("prompt_n", "cache_n", "predicted_n")


@dataclass(frozen=True, slots=True)
class Variant:
    """The server's settings, and the form in which requests give the schema of answers."""

    settings: ServerSettings = field(default_factory=ServerSettings)
    mode: AnswerMode = AnswerMode.LINES


DEFAULTS = Variant()


def _served(**settings: Any) -> Variant:
    return replace(DEFAULTS, settings=replace(DEFAULTS.settings, **settings))


_Q8_0 = 8
"""llama.cpp's number for its 8-bit type."""


def _with_parameters(**parameters: Any) -> Variant:
    return _served(parameters=parameters)


VARIANTS = {
    "2 slots": _served(slots=2),
    "4 slots": _served(slots=4),
    "1 thread more": _served(threads=DEFAULTS.settings.threads + 1),
    "context 4096": _served(context=4096),
    "context 16384": _served(context=16384),
    "batch 128": _with_parameters(n_ubatch=128),
    "batch 256": _with_parameters(n_ubatch=256),
    "batch 1024": _with_parameters(n_ubatch=1024),
    "flash attention on": _with_parameters(flash_attn_type=1),
    "flash attention off": _with_parameters(flash_attn_type=0),
    "8-bit cache": _with_parameters(cache_type_k=_Q8_0, cache_type_v=_Q8_0),
    "no prefix cache": _with_parameters(cache_prompt=False),
    "reuse from 64 tokens": _with_parameters(n_cache_reuse=64),
    "schema, no grammar": replace(DEFAULTS, mode=AnswerMode.JSON_SCHEMA),
}
"""The variants by name, each with one difference to the defaults."""


def main() -> None:
    """Serve, query and print."""
    parser = option_parser(__doc__)
    parser.add_argument("records", type=Path, nargs="*")
    parser.add_argument("--model", default="local:smollm2-135m", metavar="SPEC")
    parser.add_argument("--limit", type=int, default=8, metavar="N")
    parser.add_argument("--output-tokens", type=int, default=48, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", action="append", choices=list(VARIANTS))
    chosen = parser.parse_args()
    weights = locate_model(chosen.model.removeprefix("local:"), cache_dir=read_cache_folder())
    calls = render_calls(chosen.records or [_SEEDS], chosen.limit)
    settings = DEFAULTS.settings
    defaults = f"slots={settings.slots} threads={settings.threads} context={settings.context}"
    print(f"{chosen.model}, {len(calls)} calls, by default {defaults}\n")
    print(f"{'variant':<24}{'clock':>9}{'CPU':>9}{'anew':>8}{'cached':>8}{'written':>9}{'MB':>7}")
    for name in chosen.only or VARIANTS:
        each = (DEFAULTS, VARIANTS[name])
        rounds = [
            [serve_calls(weights, one, calls, chosen.output_tokens) for one in each] for _ in range(chosen.rounds)
        ]
        print(format_row(name, rounds), flush=True)
    base = serve_calls(weights, DEFAULTS, calls, chosen.output_tokens)
    print(f"{'defaults':<24}{base.seconds:>7.1f} s{base.cpu_seconds:>7.1f} s{_format_counts(base)}")


def render_calls(sources: Sequence[Path], limit: int) -> list[Call]:
    """Render the calls that ``--assist auto`` would make for the first records."""
    calls: list[Call] = []
    for record in read_records(*map(str, sources)):
        questions = plan_questions(parse_record(record), ExtractionOptions())
        calls += (render_call(record, pack) for pack in pack_questions(questions))
        if len(calls) >= limit:
            break
    return calls[:limit]


@dataclass(frozen=True, slots=True)
class Served:
    """Tokens read anew, from the cache, and written; elapsed and processor seconds; megabytes at the end."""

    read: int
    cached: int
    written: int
    seconds: float
    cpu_seconds: float
    megabytes: int


def serve_calls(weights: Path, variant: Variant, calls: Sequence[Call], output_tokens: int) -> Served:
    """Serve the weights, make all calls, as many at once as there are slots, and stop the server.

    An answer is cut at ``output_tokens``: long answers of a weak model would dominate the figures.
    """
    with serve_model(weights, variant.settings) as server:
        process = psutil.Process(server.process.pid)
        asyncio.run(_put_all(server, calls[:1], variant, 8))  # the first request of a server is slower
        start, computed = time.perf_counter(), _computed(process)
        timings = asyncio.run(_put_all(server, calls, variant, output_tokens))
        seconds, computed = time.perf_counter() - start, _computed(process) - computed
        held = process.memory_info().rss // _MEGABYTE
    read, cached, written = (sum(int(timing.get(name, 0)) for timing in timings) for name in _COUNTS)
    return Served(read, cached, written, seconds, computed, held)


def _computed(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _put_all(
    server: LocalServer, calls: Sequence[Call], variant: Variant, output_tokens: int
) -> list[dict[str, Any]]:
    gate = asyncio.Semaphore(variant.settings.slots)
    async with AsyncOpenAI(base_url=server.base_url, api_key=server.token, max_retries=0, timeout=600) as client:

        async def put(call: Call) -> dict[str, Any]:
            async with gate:
                reply = await client.chat.completions.create(
                    model=server.model,
                    messages=[{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
                    max_tokens=output_tokens,
                    temperature=0,
                    extra_body=_give_schema(call, variant.mode),
                )
            timings: dict[str, Any] = (reply.model_extra or {}).get("timings", {})
            return timings

        return list(await asyncio.gather(*map(put, calls)))


def _give_schema(call: Call, mode: AnswerMode) -> dict[str, Any]:
    if mode is AnswerMode.LINES and call.line_grammar:
        return {"grammar": call.line_grammar()}
    schema = compact_schema(call.reply_model.model_json_schema())
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "Reply", "schema": schema}}}


def format_row(name: str, rounds: Sequence[Sequence[Served]]) -> str:
    """Format a variant's elapsed and processor seconds as multiples of the defaults', and its counts.

    >>> rounds = [(Served(900, 100, 50, 4.0, 3.0, 500), Served(900, 100, 50, 5.0, 3.3, 400))]
    >>> format_row("1 slot", rounds)
    '1 slot                     1.25 x   1.10 x     900     100       50    400'
    """
    clock = statistics.median(variant.seconds / defaults.seconds for defaults, variant in rounds)
    cpu = statistics.median(variant.cpu_seconds / defaults.cpu_seconds for defaults, variant in rounds)
    return f"{name:<24}{clock:>7.2f} x{cpu:>7.2f} x{_format_counts(rounds[-1][1])}"


def _format_counts(served: Served) -> str:
    return f"{served.read:>8}{served.cached:>8}{served.written:>9}{served.megabytes:>7}"


if __name__ == "__main__":
    main()
