"""Show the progress of a run on standard error, or below the cell of a notebook."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING

from extractor.plurals import counted
from extractor.run.tally import Tally

if TYPE_CHECKING:
    from rich.spinner import Spinner


_COUNT_AFTER_S = 5.0
"""A shorter run ends before its records are counted."""


@contextmanager
def show_progress(
    tally: Tally, count: Callable[[], None], *, quiet: bool
) -> Iterator[None]:
    """Show while the body runs what the ``tally`` counts, unless ``quiet``: in a terminal, and in a
    notebook that can draw it, a live line with records, rate, tokens, cost and time, which goes
    away at the end.

    ``count`` counts the records for the time left. A thread calls it after some seconds, since it
    reads the inputs again.
    """
    if quiet or not (sys.stderr.isatty() or _is_notebook()):
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - slow, and most runs are piped or quiet
    from rich.live import Live  # noqa: PLC0415 - as above
    from rich.spinner import Spinner  # noqa: PLC0415 - as above

    since = monotonic()
    spinner = Spinner("dots")
    timer = Timer(_COUNT_AFTER_S, count)
    timer.daemon = True
    timer.start()

    def draw() -> "Spinner":
        spinner.update(text=", ".join(_list_figures(tally, monotonic() - since)))
        return spinner

    console = Console(stderr=True)
    try:
        with Live(get_renderable=draw, console=console, transient=True):
            yield
    finally:
        timer.cancel()


def _is_notebook() -> bool:
    """Return whether this runs in the kernel of a notebook that can draw a line. ``rich`` needs
    ipywidgets for it.
    """
    shell = sys.modules.get("IPython")  # a process may import ipykernel, and be none
    if shell is None or not hasattr(shell.get_ipython(), "kernel"):
        return False
    return find_spec("ipywidgets") is not None


def _list_figures(tally: Tally, elapsed_s: float) -> Iterator[str]:
    """Yield the figures of a live line: records, rate and time always, the time left if the
    number of all records is known, then failures, tokens and cost, if there are any. Resumed
    records took no time in this run.
    """
    new = tally.extracted + tally.failed
    done = new + tally.resumed
    records = counted(done, "record")
    yield f"{records} ({tally.extracted:,} new)" if tally.resumed else records
    yield f"{new / max(elapsed_s, 0.001):.1f}/s"
    yield f"{elapsed_s:.0f} s"
    if tally.total and new:
        left_s = (tally.total - done) * elapsed_s / new
        yield f"{left_s:.0f} s left of {tally.total:,} records"
    if tally.failed:
        yield f"{tally.failed} failed"
    usage = tally.usage
    if usage.calls:
        yield f"{usage.prompt_tokens + usage.output_tokens:,} tokens"
    if tally.usd:
        yield f"${tally.usd:.4f}"
