"""What commands print: errors for people with exit codes, tables, and text that a terminal cannot obey."""

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

OK, FAILED, USAGE, BUDGET, INTERRUPTED = 0, 1, 2, 3, 130


@contextmanager
def errors_for_people() -> Iterator[None]:
    """Turn expected errors into one line on standard error and an exit code.

    A caller's mistake, a missing extra or key, and other settings than a run's exit with 2, a reached budget with 3,
    any other expected error with 1, also of the operating system, such as a full disk.
    """
    from extractor.errors import BudgetReached, ExtractorError, MissingExtra, MissingKey, SettingsDiffer

    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BudgetReached as error:
        _leave(error, BUDGET)
    except (ValueError, MissingExtra, MissingKey, SettingsDiffer) as error:
        _leave(error, USAGE)
    except ExtractorError as error:
        _leave(error, FAILED)
    except BrokenPipeError:
        # The reader of our output has gone.
        sys.stderr.close()
        raise SystemExit(FAILED) from None
    except OSError as error:
        _give_up_stdout()
        _leave(OSError(f"{error.filename or 'standard output'}: {error.strerror}"), FAILED)


def warn_incomplete(*results: Path | None) -> None:
    """Warn about runs that are incomplete; other paths are passed over."""
    from extractor.run.finished import find_run

    for path in filter(None, results):
        if (run := find_run(path)) and run.incomplete:
            print(f"extractor: {path}: {run.incomplete}", file=sys.stderr)


def _give_up_stdout() -> None:
    """Where standard output cannot be written, send the rest nowhere: Python would complain at its end once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(error: Exception, code: int) -> None:
    print(f"extractor: {without_controls(str(error))}", file=sys.stderr)  # a file's name may hold anything
    raise SystemExit(code) from error


Row = tuple[str, ...]
_GAP = 2


def print_listing(head: Row, rows: Iterable[Row], numbers: Collection[str] = frozenset()) -> None:
    """Print rows on standard output: a table on a terminal, with columns of ``numbers`` aligned right; else tabs."""
    if not sys.stdout.isatty():
        print("\n".join("\t".join(row) for row in (head, *rows)))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in head:
        table.add_column(name, justify="right" if name in numbers else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_table(
    head: Row, rows: Iterable[Row], priority: Sequence[str] = (), prose: Collection[str] = frozenset()
) -> None:
    """Print a table on standard output, an empty line before it.

    On a narrow terminal columns are left out, the last of ``priority`` first, and named. Columns in
    ``prose`` may be wrapped; the first column and those of prose are aligned left. A pipe gets every column.
    Control characters in cells, which may come from a record, are replaced.
    """
    lines = [tuple(map(to_printable, row)) for row in rows]
    print()
    if not sys.stdout.isatty():
        for row in (head, *lines):
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False, emoji=False)
    kept = choose_columns((head, *lines), console.width, priority, prose)
    table = Table(box=None, pad_edge=False)
    for place in kept:
        left = place == 0 or head[place] in prose
        # Names are wrapped only where they leave no room for any figure.
        wraps = head[place] in prose or (place == 0 and _count_width((head, *lines), kept, prose) > console.width)
        table.add_column(head[place], justify="left" if left else "right", no_wrap=not wraps, overflow="fold")
    for row in lines:
        table.add_row(*(row[place] for place in kept))
    console.print(table)
    if len(kept) < len(head):
        missing = ", ".join(name for place, name in enumerate(head) if place not in kept)
        console.print(f"(not shown for want of width: {missing}; a pipe shows all)", style="dim")


def choose_columns(
    rows: Sequence[Row], width: int, priority: Sequence[str] = (), prose: Collection[str] = frozenset()
) -> list[int]:
    """The places of the columns that fit into ``width`` characters; the first of ``rows`` is the head.

    The first column and the first of ``priority`` are always among them: a name without a figure says nothing.

    >>> choose_columns([("name", "count", "share"), ("a", "12", "0.5")], 12, ["count", "share"])
    [0, 1]
    """
    head = rows[0]
    kept = list(range(len(head)))
    for name in reversed(priority[1:]):
        if _count_width(rows, kept, prose) <= width:
            break
        kept.remove(head.index(name))
    return kept


def to_printable(text: str) -> str:
    r"""The text on one line, without characters that a terminal would obey, or that could not be written.

    >>> to_printable("NCT01\n\x1b[31m")
    'NCT01 \ufffd[31m'
    """
    return without_controls(" ".join(text.split()))


def without_controls(text: str) -> str:
    r"""The text, line by line as it is, without characters that a terminal would obey.

    >>> without_controls("two\n  lines \x1b[31m")
    'two\n  lines \ufffd[31m'
    """
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def _count_width(rows: Sequence[Row], kept: Sequence[int], prose: Collection[str]) -> int:
    """Characters that a table of these columns needs."""
    widths = (max(_measure(row[place], wraps=rows[0][place] in prose) for row in rows) for place in kept)
    return sum(widths) + _GAP * (len(kept) - 1)


def _measure(cell: str, *, wraps: bool) -> int:
    return max(map(len, cell.split()), default=0) if wraps else len(cell)
