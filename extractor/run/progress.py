"""Show the progress of a run on standard error, or below the cell of a notebook."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Timer
from typing import TYPE_CHECKING

from extractor.plurals import counted
from extractor.run.tally import Tally

if TYPE_CHECKING:
    from rich.progress import Progress, Task
    from rich.text import Text

_COUNT_AFTER_S = 5.0
"""Shorter runs do not read their inputs again just to count the records."""


@contextmanager
def show_progress(
    tally: Tally, count: Callable[[], int | None], *, quiet: bool
) -> Iterator[None]:
    """Show while the body runs how far the run is, unless ``quiet``: in a terminal, and in a
    notebook that can draw it, a live line with records, rate, tokens, cost and time.

    Args:
        tally: The counts that are shown.
        count: Returns the number of records, or None if it cannot be known. A thread calls it after
            five seconds; the line then shows the time left, too.
        quiet: Whether nothing is shown.
    """
    if quiet or not (sys.stderr.isatty() or _is_notebook()):
        yield
        return
    with _live_line(tally) as line:
        # counting reads the inputs again, which may take long: in a thread, beside the run
        timer = Timer(
            _COUNT_AFTER_S, lambda: line.update(line.task_ids[0], total=count())
        )
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _is_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook that can draw a bar. ``rich`` needs
    ipywidgets for it.
    """
    shell = sys.modules.get("IPython")  # a process may import ipykernel, and be none
    if shell is None or not hasattr(shell.get_ipython(), "kernel"):
        return False
    return find_spec("ipywidgets") is not None


def _live_line(tally: Tally) -> "Progress":
    """Return a line on standard error that shows the tally while it is open, and goes away at its
    end. The total of its task is unknown until somebody sets it; then the bar and the time left
    appear.
    """
    from rich import progress as rich  # noqa: PLC0415 - slow, and most runs are piped or quiet
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    class Counts(rich.ProgressColumn):
        """Shows the tally, read each time the line is drawn."""

        def render(self, task: "Task") -> "Text":
            finished = tally.extracted + tally.resumed + tally.failed
            if task.completed != finished:
                line.update(task.id, completed=finished)
            return Text(", ".join(_list_figures(tally, task.elapsed or 0.0)))

    columns = (
        rich.SpinnerColumn(),
        rich.BarColumn(bar_width=16),
        Counts(),
        rich.TimeElapsedColumn(),
        rich.TimeRemainingColumn(elapsed_when_finished=True),
    )
    line = rich.Progress(*columns, console=Console(stderr=True), transient=True)
    line.add_task("extracting", total=None)
    return line


def _list_figures(tally: Tally, elapsed_s: float) -> Iterator[str]:
    """Yield the figures of a live line: records and rate always, then failures, tokens and cost, if
    there are any. Resumed records took no time in this run.
    """
    new = tally.extracted + tally.failed
    records = counted(new + tally.resumed, "record")
    yield f"{records} ({tally.extracted:,} new)" if tally.resumed else records
    yield f"{new / elapsed_s if elapsed_s else 0:.1f}/s"
    if tally.failed:
        yield f"{tally.failed} failed"
    usage = tally.usage
    tokens = f"{usage.prompt_tokens + usage.output_tokens:,} tokens"
    if usage.cached_tokens:
        tokens += f" ({usage.cached_tokens:,} cached)"
    if usage.calls:
        yield tokens
    if tally.usd:
        yield f"${tally.usd:.4f}"
