"""One round of calls to a served model: what it took by the server's own counts."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from openai import AsyncOpenAI

from extractor.llm.local import LocalServer, serve_model
from extractor.llm.requests import AnswerMode, Call, compact_schema

from .variants import Way

__all__ = ["Served", "serve_calls"]

MEGABYTE = 1024**2
_COUNTS = ("prompt_n", "cache_n", "predicted_n")


@dataclass(frozen=True, slots=True)
class Served:
    """Tokens read anew, from the cache, and written; seconds by the clock and of computing; megabytes at the end."""

    read: int
    cached: int
    written: int
    seconds: float
    cpu_seconds: float
    megabytes: int


def serve_calls(weights: Path, way: Way, calls: Sequence[Call], output_tokens: int) -> Served:
    """Serve the weights so, put all calls at once as far as there are slots, and stop the server.

    An answer is cut at ``output_tokens``: a weak model's rambling would drown what is measured.
    """
    with serve_model(weights, way.settings) as server:
        process = psutil.Process(server.process.pid)
        asyncio.run(_put_all(server, calls[:1], way, 8))  # the first request of a server is slower
        start, computed = time.perf_counter(), _computed(process)
        timings = asyncio.run(_put_all(server, calls, way, output_tokens))
        seconds, computed = time.perf_counter() - start, _computed(process) - computed
        held = process.memory_info().rss // MEGABYTE
    read, cached, written = (sum(int(timing.get(name, 0)) for timing in timings) for name in _COUNTS)
    return Served(read, cached, written, seconds, computed, held)


def _computed(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _put_all(server: LocalServer, calls: Sequence[Call], way: Way, output_tokens: int) -> list[dict[str, Any]]:
    gate = asyncio.Semaphore(way.settings.slots)
    async with AsyncOpenAI(base_url=server.base_url, api_key=server.token, max_retries=0, timeout=600) as client:

        async def put(call: Call) -> dict[str, Any]:
            async with gate:
                reply = await client.chat.completions.create(
                    model=server.model,
                    messages=[{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
                    max_tokens=output_tokens,
                    temperature=0,
                    extra_body=_tell_schema(call, way.mode),
                )
            timings: dict[str, Any] = (reply.model_extra or {}).get("timings", {})
            return timings

        return list(await asyncio.gather(*map(put, calls)))


def _tell_schema(call: Call, mode: AnswerMode) -> dict[str, Any]:
    if mode is AnswerMode.LINES and call.line_grammar:
        return {"grammar": call.line_grammar()}
    schema = compact_schema(call.reply_model.model_json_schema())
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "Reply", "schema": schema}}}
