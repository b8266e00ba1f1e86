"""One round of calls to a served model: what it took by the server's own counts."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from openai import AsyncOpenAI

from extractor.ask.call import Call
from extractor.ask.compact import compact_schema
from extractor.ask.local import LocalServer, ServerSettings, serve_model

__all__ = ["Served", "serve_calls"]

MEGABYTE = 1024**2
_COUNTS = ("prompt_n", "cache_n", "predicted_n")


@dataclass(frozen=True, slots=True)
class Served:
    """Tokens read anew, from the cache, and written; seconds by the clock; megabytes held at the end."""

    read: int
    cached: int
    written: int
    seconds: float
    megabytes: int


def serve_calls(path: Path, settings: ServerSettings, calls: Sequence[Call], output_tokens: int) -> Served:
    """Serve the weights so, put all calls at once as far as there are slots, and stop the server.

    An answer is cut at ``output_tokens``: a weak model's rambling would drown what is measured.
    """
    with serve_model(path, settings) as server:
        asyncio.run(_put_all(server, calls[:1], 1, 8))  # the first request of a server is slower
        start = time.perf_counter()
        timings = asyncio.run(_put_all(server, calls, settings.slots, output_tokens))
        seconds = time.perf_counter() - start
        held = psutil.Process(server.process_id).memory_info().rss // MEGABYTE
    total = {
        name: sum(int(timing.get(name, 0)) for timing in timings) for name in ("prompt_n", "cache_n", "predicted_n")
    }
    return Served(total["prompt_n"], total["cache_n"], total["predicted_n"], seconds, held)


async def _put_all(server: LocalServer, calls: Sequence[Call], slots: int, output_tokens: int) -> list[dict[str, Any]]:
    gate = asyncio.Semaphore(slots)
    async with AsyncOpenAI(base_url=server.base_url, api_key=server.token, max_retries=0, timeout=600) as client:

        async def put(call: Call) -> dict[str, Any]:
            schema = compact_schema(call.reply_model.model_json_schema())
            async with gate:
                reply = await client.chat.completions.create(
                    model=server.model,
                    messages=[{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
                    response_format={"type": "json_schema", "json_schema": {"name": "Reply", "schema": schema}},
                    max_tokens=output_tokens,
                    temperature=0,
                )
            timings: dict[str, Any] = (reply.model_extra or {}).get("timings", {})
            return timings

        return list(await asyncio.gather(*map(put, calls)))
