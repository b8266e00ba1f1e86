"""What a user sees while a run goes on, and at its end. All on standard error."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, Task
    from rich.text import Text

    from extractor.run.tally import Tally


@contextmanager
def show_progress(tally: "Tally", count: Callable[[], int | None], *, quiet: bool) -> Iterator[None]:
    """A live line with records, rate, tokens and time while the body runs; nothing if quiet or piped.

    ``count`` says how many records there are, or None; from then on the time left is shown too. It runs
    beside the body, since counting half a million records takes a while.
    """
    if quiet or not sys.stderr.isatty():
        yield
        return
    with _live_line(tally) as progress:
        task = progress.add_task("extracting", total=None)
        Thread(target=lambda: progress.update(task, total=count()), daemon=True).start()
        yield


def count_records(inputs: Sequence[str], limit: int | None = None) -> int | None:
    """How many records the inputs hold, read once more for it; None for standard input, which is read only once."""
    from extractor.read import read_records
    from extractor.run.addresses import open_inputs

    if "-" in inputs:
        return limit
    return sum(1 for _ in islice(read_records(*inputs, on_error=lambda _: None, open_address=open_inputs), limit))


def _live_line(tally: "Tally") -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Counts(ProgressColumn):
        """The tally, read each time the line is drawn."""

        def render(self, task: "Task") -> "Text":
            finished = tally.extracted + tally.resumed + tally.failed
            if task.completed != finished:
                progress.update(task.id, completed=finished)
            rate = (tally.extracted + tally.failed) / task.elapsed if task.elapsed else 0.0
            new = f" ({tally.extracted:,} new)" if tally.resumed else ""
            parts = [f"{finished:,} records{new}", f"{rate:.1f}/s"]
            if tally.failed:
                parts.append(f"{tally.failed} failed")
            usage = tally.usage
            if tokens := usage.prompt_tokens + usage.output_tokens:
                parts.append(f"{tokens:,} tokens")
            if usd := tally.usd:
                parts.append(f"${usd:.4f}")
            return Text(", ".join(parts))

    progress = Progress(
        SpinnerColumn(),
        BarColumn(bar_width=16),
        Counts(),
        TimeElapsedColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        transient=True,
    )
    return progress


def print_summary(tally: "Tally", *, quiet: bool) -> None:
    """The run's counts: a table on a terminal, plain ``name: value`` lines when piped, nothing if quiet."""
    if quiet:
        return
    rows = _summary_rows(tally)
    if sys.stderr.isatty():
        names, values = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines = [f"  {name:<{names}}    {value:>{values}}" for name, value in rows]
    else:
        lines = [f"{name}: {value}" for name, value in rows]
    print("\n".join(lines), file=sys.stderr)


def _summary_rows(tally: "Tally") -> list[tuple[str, str]]:
    usage = tally.usage
    rows = [("records extracted", f"{tally.extracted}")]
    if tally.resumed:
        rows = [("records done", f"{tally.resumed + tally.extracted:,} ({tally.extracted:,} new)")]
    rows += [("records failed", f"{tally.failed}")]
    rows += [("trials that occur twice", f"{tally.repeated}")] if tally.repeated else []
    rows += [("of these with another text, left out", f"{tally.differing}")] if tally.differing else []
    counts, support = tally.counts, tally.counts.get("support", {})
    pieces = sum(support.values())
    found = [(name, f"{counts.get('items', {}).get(name, 0)}") for name in ("criteria", "regimens", "endpoints")]
    found += [("evidence " + name, f"{count} ({count / pieces:.1%})") for name, count in sorted(support.items())]
    found += [("findings", f"{counts.get('findings', 0)}")]
    found += [("finding " + name, f"{count}") for name, count in sorted(counts.get("finding_kinds", {}).items())]
    rows += [(f"new {name}" if tally.resumed else name, value) for name, value in found]
    rows += [("questions asked", f"{usage.questions}"), ("questions open", f"{usage.open_questions}")]
    rows += [("calls", f"{usage.calls}"), ("prompt tokens", f"{usage.prompt_tokens}")]
    rows += [("of these from cache", f"{usage.cached_tokens}")] if usage.cached_tokens else []
    rows += [("output tokens", f"{usage.output_tokens}")]
    for server, calls in tally.by_server().items():
        rows.append((f"calls to {server}", f"{calls.calls}" + f", {calls.faults} with a fault" * bool(calls.faults)))
    return [*rows, ("cost", f"${tally.usd:.4f}")] if tally.usd else rows
