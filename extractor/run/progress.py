"""Show the progress of a run on standard error, or below the cell of a notebook."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING

from extractor.run.tally import Tally

if TYPE_CHECKING:
    from rich.progress import Progress, Task
    from rich.text import Text

_NOTE_EVERY_S = 60.0
"""How often a run whose output is piped says what it waits for."""
_COUNT_AFTER_S = 5.0
"""Shorter runs do not read their inputs again just to count the records."""


def _is_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook that can draw a bar. ``rich`` needs
    ipywidgets for it.
    """
    shell = sys.modules.get("IPython")  # a process may import ipykernel, and be none
    if shell is None:
        return False
    if not hasattr(shell.get_ipython(), "kernel"):
        return False
    return find_spec("ipywidgets") is not None


@contextmanager
def show_progress(
    tally: Tally,
    count: Callable[[], int | None],
    *,
    quiet: bool,
    counts: bool = False,
    say: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Show a live line with records, rate, tokens and time while the body runs, in a terminal or a
    notebook.

    Nothing is shown if ``quiet`` or piped. If piped, ``say`` gets once a minute what the run waits
    for, as long as it waits. ``count`` returns the number of records, or None; once it is known,
    the time left is shown too. A thread calls it after some seconds, if a line is shown or if
    ``counts`` is set because ``count`` stores the number.
    """
    shown = not quiet and (sys.stderr.isatty() or _is_notebook())
    notes = (
        telling_waits(tally, say) if say and not quiet and not shown else nullcontext()
    )
    with notes, _live_line(tally) if shown else nullcontext() as progress:

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


@contextmanager
def telling_waits(tally: Tally, say: Callable[[str], None]) -> Iterator[None]:
    """Say once a minute what the run waits for, if it waits, while the body runs."""
    ending = Event()

    def tell() -> None:
        while not ending.wait(_NOTE_EVERY_S):
            wait = tally.describe_wait()
            if wait:
                say(wait)

    thread = Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def _live_line(tally: Tally) -> "Progress":
    from rich.console import Console  # noqa: PLC0415 - slow, and most runs are piped or quiet
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415 - as above

    class Counts(ProgressColumn):
        """Shows the tally, read each time the line is drawn."""

        def render(self, task: "Task") -> "Text":
            finished = tally.extracted + tally.resumed + tally.failed
            usage = tally.usage
            if task.completed != finished:
                progress.update(task.id, completed=finished)
            rate = (
                (tally.extracted + tally.failed) / task.elapsed if task.elapsed else 0.0
            )
            tokens = usage.prompt_tokens + usage.output_tokens
            cached = usage.cached_tokens
            usd = tally.usd
            parts = (
                f"{finished:,} records"
                + f" ({tally.extracted:,} new)" * bool(tally.resumed),
                f"{rate:.1f}/s",
                f"{tally.failed} failed" if tally.failed else "",
                f"{tokens:,} tokens" + f" ({cached:,} cached)" * bool(cached)
                if tokens
                else "",
                f"${usd:.4f}" if usd else "",
                tally.describe_wait(),
            )
            return Text(", ".join(filter(None, parts)))

    remaining = TimeRemainingColumn(elapsed_when_finished=True)
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=16),
        Counts(),
        TimeElapsedColumn(),
        remaining,
    )
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.add_task("extracting", total=None)
    return progress
