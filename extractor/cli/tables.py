"""Tables for people and scripts: drawn on a terminal, tab-separated elsewhere."""

import sys
from collections.abc import Collection, Iterable, Sequence

__all__ = ["Row", "choose_columns", "print_table", "to_printable", "without_controls"]

Row = tuple[str, ...]
_GAP = 2


def print_table(
    head: Row, rows: Iterable[Row], worth: Sequence[str] = (), prose: Collection[str] = frozenset()
) -> None:
    """Print a table on standard output, an empty line before it.

    A terminal that is too narrow is spared columns, the last of ``worth`` first, and they are named. Columns in
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
    kept = choose_columns((head, *lines), console.width, worth, prose)
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
    rows: Sequence[Row], width: int, worth: Sequence[str] = (), prose: Collection[str] = frozenset()
) -> list[int]:
    """The places of the columns that fit into ``width`` characters; the first of ``rows`` is the head.

    The first column and the first of ``worth`` are always among them: names without a figure tell nothing.

    >>> choose_columns([("name", "count", "share"), ("a", "12", "0.5")], 12, ["count", "share"])
    [0, 1]
    """
    head = rows[0]
    kept = list(range(len(head)))
    for name in reversed(worth[1:]):
        if _count_width(rows, kept, prose) <= width:
            break
        kept.remove(head.index(name))
    return kept


def to_printable(text: str) -> str:
    r"""The text on one line, without what a terminal would obey, or that could not be written.

    >>> to_printable("NCT01\n\x1b[31m")
    'NCT01 \ufffd[31m'
    """
    return without_controls(" ".join(text.split()))


def without_controls(text: str) -> str:
    r"""The text, line by line as it is, without what a terminal would obey.

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
