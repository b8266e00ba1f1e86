"""What a run that was killed again and again must still fulfil, counted."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from extractor.llm.database import open_run_to_read

from .server import CountingServer

__all__ = ["Soaked", "judge_soaked", "measure_soaked"]


@dataclass(frozen=True)
class Soaked:
    """Figures of one run's folder, and of the server that it asked.

    ``calls`` are noted in the store, ``unanswered`` of them have no reply; ``asked`` came to the server. ``repeated``
    are requests that had a good answer already when they were sent. ``counted`` is what ``run.json`` says, ``summed``
    what the calls in the store add up to: calls, prompt tokens, output tokens.
    """

    same_results: bool
    calls: int
    unanswered: int
    asked: int
    repeated: int
    counted: tuple[int, int, int]
    summed: tuple[int, int, int]


def measure_soaked(folder: Path, undisturbed: Path, server: CountingServer) -> Soaked:
    """The figures of ``folder``, held against a run of the same records that nothing disturbed."""
    results = [(path / "extractions.jsonl").read_bytes() for path in (folder, undisturbed)]
    usage = json.loads((folder / "run.json").read_text("utf-8"))["usage"]
    with closing(open_run_to_read(folder)) as run:
        sums = "sum(exchanges), sum(prompt_tokens), sum(output_tokens)"
        summed = run.row(f"SELECT {sums} FROM calls") or (0, 0, 0)
        return Soaked(
            same_results=results[0] == results[1],
            calls=run.value("SELECT count(*) FROM calls"),
            unanswered=run.value("SELECT count(*) FROM calls WHERE status IS NULL"),
            asked=server.calls,
            repeated=run.value(
                "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier JOIN chains"
                " ON chains.id = earlier.chain WHERE earlier.key = later.key AND earlier.id < later.id"
                " AND earlier.status = 200 AND verdict = 'valid')"
            ),
            counted=(usage["calls"], usage["prompt_tokens"], usage["output_tokens"]),
            summed=summed,
        )


def judge_soaked(soaked: Soaked, killed: int, concurrency: int) -> Iterator[str]:
    """What is wrong, in words; nothing if all is well."""
    if not soaked.same_results:
        yield "the results are not those of an undisturbed run"
    if soaked.repeated:
        yield f"{soaked.repeated} requests were sent again that had been answered"
    if soaked.unanswered > killed * concurrency:
        yield f"{soaked.unanswered} calls are without a reply, more than were in flight at {killed} kills"
    if not soaked.calls - soaked.unanswered <= soaked.asked <= soaked.calls:
        yield f"the server was asked {soaked.asked} times, the store knows of {soaked.calls}"
    if soaked.counted != soaked.summed:
        yield f"run.json counts {soaked.counted}, its calls add up to {soaked.summed}"
