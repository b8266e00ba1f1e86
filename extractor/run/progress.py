"""Show the progress of a run on standard error, or below the cell of a notebook."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING

from extractor.plurals import counted
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
    """Show while the body runs how far the run is.

    In a terminal, and in a notebook that can draw it, this is a live line with records, rate,
    tokens and time. Elsewhere, as in a pipe, no line is shown, and ``say`` gets once a minute what
    the run waits for. ``quiet`` shows and says nothing.

    Args:
        tally: The counts that are shown.
        count: Returns the number of records, or None if it cannot be known. A thread calls it after
            five seconds, if a line is shown or ``counts`` is set; the line then shows the time
            left, too.
        quiet: Whether nothing is shown or said.
        counts: Whether ``count`` is called even if no line is shown, because it stores the number
            as well.
        say: Takes a sentence for the user; None if nothing is to be said in a pipe.
    """
    can_draw = sys.stderr.isatty() or _is_notebook()
    is_shown = can_draw and not quiet
    shown: AbstractContextManager[Progress | None] = nullcontext()
    if is_shown:
        shown = _live_line(tally)
    elif say and not quiet:
        shown = telling_waits(tally, say)
    with shown as live_line:

        def note_total() -> None:
            total = count()
            if live_line:
                live_line.update(live_line.task_ids[0], total=total)

        # counting reads the inputs again, which may take long: in a thread, beside the run
        timer = Timer(_COUNT_AFTER_S, note_total)
        timer.daemon = True
        if is_shown or counts:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextmanager
def telling_waits(tally: Tally, say: Callable[[str], None]) -> Iterator[None]:
    """Say once a minute what the run waits for, while the body runs. A thread calls ``say``;
    nothing is said in a minute in which the run waits for nothing. The end of the body waits for
    the thread.
    """
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
    """Return a line on standard error that shows the tally while it is open, and goes away at its
    end. The total of its task is unknown until somebody sets it; then the bar and the time left
    appear.
    """
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
            if task.completed != finished:
                progress.update(task.id, completed=finished)
            return Text(", ".join(_list_figures(tally, finished, task.elapsed)))

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


def _list_figures(
    tally: Tally, finished: int, elapsed_s: float | None
) -> Iterator[str]:
    """Yield the figures of a live line: records and rate always, then failures, tokens, cost and
    what is waited for, if there are any.

    The rate leaves out resumed records, which took no time in this run.
    """
    records = counted(finished, "record")
    if tally.resumed:
        records += f" ({tally.extracted:,} new)"
    yield records
    rate = 0.0
    if elapsed_s:
        rate = (tally.extracted + tally.failed) / elapsed_s
    yield f"{rate:.1f}/s"
    if tally.failed:
        yield f"{tally.failed} failed"
    usage = tally.usage
    tokens = usage.prompt_tokens + usage.output_tokens
    if tokens:
        shown_tokens = f"{tokens:,} tokens"
        if usage.cached_tokens:
            shown_tokens += f" ({usage.cached_tokens:,} cached)"
        yield shown_tokens
    if tally.usd:
        yield f"${tally.usd:.4f}"
    wait = tally.describe_wait()
    if wait:
        yield wait
