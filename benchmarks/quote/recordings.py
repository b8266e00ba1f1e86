"""Recorded exchanges of a folder or a run's store, as requests with what their answers took."""

import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.llm.database import RUN_FILE, open_run_to_read

__all__ = ["Exchange", "read_exchanges"]


@dataclass(frozen=True)
class Exchange:
    """One request and its reply. ``narrow``: what the text did not bear out was asked again."""

    model: str
    narrow: bool
    request: dict[str, Any]
    content: str
    prompt_tokens: int
    output_tokens: int

    @property
    def asked_again(self) -> bool:
        """Whether it is a second request of its call."""
        return len(self.request["messages"]) > 2


def read_exchanges(folder: Path) -> Iterator[Exchange]:
    """All exchanges of a folder of ``--record``, or of a run."""
    if (folder / RUN_FILE).is_file():
        yield from _read_store(folder)
        return
    for path in sorted(folder.glob("*.json")):
        kept = json.loads(path.read_text("utf-8"))
        usage = kept["usage"] or {}
        yield Exchange(
            kept["model"],
            (kept["prompt"] or {}).get("name") == "conflict",
            kept["request"],
            kept["reply"]["message"].get("content") or "",
            usage.get("prompt_tokens") or 0,
            usage.get("completion_tokens") or 0,
        )


def _read_store(folder: Path) -> Iterator[Exchange]:
    sql = (
        "SELECT model, prompt, request, reply, prompt_tokens, output_tokens FROM calls JOIN chains"
        " ON chains.id = calls.chain WHERE status = 200 ORDER BY calls.id"
    )
    with closing(open_run_to_read(folder)) as run:
        for model, prompt, request, reply, read, written in run.execute(sql):
            message = json.loads(zlib.decompress(reply))["choices"][0]["message"]
            body = json.loads(zlib.decompress(request))
            yield Exchange(model, prompt == "conflict", body, message.get("content") or "", read, written)
