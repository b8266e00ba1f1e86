"""Progress during a run, on standard error."""

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
