"""Progress during a run, and the summary at its end, both on standard error."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, Task
    from rich.text import Text

    from extractor.run.tally import Tally

_COUNT_AFTER_S = 5.0
"""Shorter runs do not read their inputs again just to count the records."""
_LEFT_OUT = ("value_unconfirmed", "regimen_unconfirmed")
"""Kinds of findings about what the rules read surely and the model's answers left out."""
_FINDING_KINDS = 5
"""The most kinds of findings that a summary names."""


@contextmanager
def show_progress(
    tally: "Tally", count: Callable[[], int | None], *, quiet: bool, counts: bool = False
) -> Iterator[None]:
    """Show a live line with records, rate, tokens and time while the body runs; nothing if quiet or piped.

    ``count`` returns the number of records, or None; once it is known, the time left is shown too. A thread calls it
    after some seconds, if a line is shown or if ``counts`` is set because ``count`` stores the number.
    """
    shown = not quiet and sys.stderr.isatty()
    with _live_line(tally) if shown else nullcontext() as progress:

        def note_total() -> None:
            total = count()
            if progress:
                progress.update(progress.task_ids[0], total=total)

        timer = Timer(_COUNT_AFTER_S, note_total)
        timer.daemon = True
        if shown or counts:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()


def count_records(inputs: Sequence[str], limit: int | None = None) -> int | None:
    """Count the records in the inputs. None for inputs that cannot be read twice or lie on the network."""
    from extractor.read import read_records

    if "-" in inputs:
        return limit
    if any("://" in one for one in inputs):
        return None
    return sum(1 for _ in islice(read_records(*inputs, on_error=lambda _: None), limit))


def _live_line(tally: "Tally") -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Counts(ProgressColumn):
        """Shows the tally, read each time the line is drawn."""

        def render(self, task: "Task") -> "Text":
            finished, usage = tally.extracted + tally.resumed + tally.failed, tally.usage
            if task.completed != finished:
                progress.update(task.id, completed=finished)
            rate = (tally.extracted + tally.failed) / task.elapsed if task.elapsed else 0.0
            tokens, cached, usd = usage.prompt_tokens + usage.output_tokens, usage.cached_tokens, tally.usd
            parts = (
                f"{finished:,} records" + f" ({tally.extracted:,} new)" * bool(tally.resumed),
                f"{rate:.1f}/s",
                f"{tally.failed} failed" if tally.failed else "",
                f"{tokens:,} tokens" + f" ({cached:,} cached)" * bool(cached) if tokens else "",
                f"${usd:.4f}" if usd else "",
                tally.watch.describe_wait() if tally.watch else "",
            )
            return Text(", ".join(filter(None, parts)))

    remaining = TimeRemainingColumn(elapsed_when_finished=True)
    columns = (SpinnerColumn(), BarColumn(bar_width=16), Counts(), TimeElapsedColumn(), remaining)
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.add_task("extracting", total=None)
    return progress


def print_summary(tally: "Tally", *, quiet: bool) -> None:
    """Print the run's counts: a table on a terminal, ``name: value`` lines when piped, nothing if quiet."""
    if quiet:
        return
    rows = {name: f"{value}" for name, value in _list_counts(tally) if value is not None}
    if sys.stderr.isatty():
        names, values = max(map(len, rows)), max(map(len, rows.values()))
        lines = [f"  {name:<{names}}    {value:>{values}}" for name, value in rows.items()]
    else:
        lines = [f"{name}: {value}" for name, value in rows.items()]
    print("\n".join(lines), file=sys.stderr)


def _list_counts(tally: "Tally") -> Iterator[tuple[str, object]]:
    """Yield names and values in order; None for a value that is not shown."""
    usage, counts, new = tally.usage, tally.counts, "new " if tally.resumed else ""
    if tally.resumed:
        yield "records done", f"{tally.resumed + tally.extracted:,} ({tally.extracted:,} new)"
    else:
        yield "records extracted", tally.extracted
    yield "records failed", tally.failed
    if tally.failed and not (tally.extracted or tally.resumed or usage.calls):
        return
    yield "trials that occur twice", tally.repeated or None
    yield "of these with another text, left out", tally.differing or None
    items = counts.get("items", {})
    yield f"{new}items", ", ".join(f"{items.get(name, 0):,} {name}" for name in ("criteria", "regimens", "endpoints"))
    support = counts.get("support", {})
    yield f"{new}evidence", ", ".join(f"{count:,} {name}" for name, count in sorted(support.items())) or None
    kinds = sorted(counts.get("finding_kinds", {}).items(), key=lambda kind: -kind[1])
    named = ", ".join(f"{name} {count:,}" for name, count in kinds[:_FINDING_KINDS]) + ", ..." * (
        len(kinds) > _FINDING_KINDS
    )
    yield f"{new}findings", f"{counts.get('findings', 0):,}" + f" ({named})" * bool(named)
    left_out = sum(counts.get("finding_kinds", {}).get(name, 0) for name in _LEFT_OUT)
    yield "read by the rules, left out by the model", f"{left_out:,}" if left_out else None
    yield (
        "questions",
        f"{usage.questions:,} asked, {usage.open_questions:,} open"
        + (f" ({usage.unanswered:,} without any usable answer)" if usage.unanswered else ""),
    )
    if usage.calls:
        cached = f" ({usage.cached_tokens:,} of them cached)" if usage.cached_tokens else ""
        tokens = f"{usage.prompt_tokens:,} prompt tokens{cached}, {usage.output_tokens:,} output tokens"
        yield "model", f"{usage.calls:,} calls, {tokens}"
        yield "cost", f"${tally.usd:.4f}" if tally.usd else None
