"""Show the progress of a run on standard error or under the cell of a notebook."""

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
"""Seconds after which records are counted; shorter runs do not need the total."""


@contextmanager
def show_progress(
    tally: Tally, count: Callable[[], None], *, quiet: bool
) -> Iterator[None]:
    """Show the counts in ``tally`` while the body runs, unless ``quiet`` is true. In a terminal,
    or in a notebook that supports it, a live line shows records, rate, tokens, cost and time, and
    disappears at the end.

    ``count`` counts all records, so that the remaining time can be shown. It is called in a thread
    after a few seconds, because it reads all the inputs again.
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
    """Return True in a notebook kernel that can show a live line; for this, ``rich`` requires
    ipywidgets.
    """
    # a process may import ipykernel without being a kernel
    shell = sys.modules.get("IPython")
    if shell is None:
        return False
    if not hasattr(shell.get_ipython(), "kernel"):
        return False
    return find_spec("ipywidgets") is not None


def _list_figures(tally: Tally, elapsed_s: float) -> Iterator[str]:
    """Yield the figures for a live line: records, rate and time; the remaining time if the total
    number of records is known; and failures, tokens and cost if there are any. Resumed records are
    excluded from the rate, because they did not take any time.
    """
    new = tally.extracted + tally.failed
    done = new + tally.resumed
    records = counted(done, "record")
    if tally.resumed:
        records = f"{records} ({tally.extracted:,} new)"
    yield records
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
