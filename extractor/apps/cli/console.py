"""Print for commands: error messages with exit codes, tables, and text without terminal control
characters.
"""

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING

from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.run.finished import FinishedRun

OK = 0
FAILED = 1
LISTED = 1
"""With ``--exit-code``: the command worked, and listed something."""
USAGE = 2
BUDGET = 3
LATER = 75
"""The same command may succeed later, once what its message names is over. Other programs use the
number for this, too: it is ``EX_TEMPFAIL`` of ``sysexits.h``.
"""
INTERRUPTED = 130

NAMED = 5
"""Most records that are named in a message."""

_NO_ROOM = frozenset({ENOSPC, EDQUOT})
_OF_WRITING = frozenset({ENOSPC, EDQUOT, EFBIG, EIO, EBADF})
"""Numbers of errors that only writing has. One of them without the name of a file is of standard
output.
"""

Row = tuple[str, ...]
_GAP = 2


def say(text: str) -> None:
    """Print a message on standard error, without control characters and credentials, after what
    standard output got.
    """
    from extractor.masking import mask

    sys.stdout.flush()
    print(f"extractor: {without_controls(mask(text))}", file=sys.stderr, flush=True)


def say_first(text: str, *, quiet: bool) -> None:
    """Say on a terminal what is being done before the rules are loaded, which takes a second."""
    if sys.stderr.isatty() and not quiet:
        say(text)


@contextmanager
def errors_for_people() -> Iterator[None]:
    """Turn expected errors into one line on standard error and an exit code.

    The codes are those of ``find_error_code``. An error of the operating system has 75 if a disk is
    full, else 1.
    """
    from extractor.errors import ExtractorError

    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of standard output has closed it.
        sys.stderr.close()
        raise SystemExit(FAILED) from None
    except (ValueError, ExtractorError) as error:
        say(str(error))
        raise SystemExit(find_error_code(error)) from error
    except OSError as error:
        # Asked in any case, since it also discards what standard output does not take.
        is_broken = _is_output_broken()
        is_of_output = is_broken or error.errno in _OF_WRITING
        if error.filename:
            say(f"{error.filename}: {error.strerror}")
        elif is_of_output:
            say(f"standard output: {error.strerror}")
        else:
            say(error.strerror or str(error))
        code = LATER if error.errno in _NO_ROOM else FAILED
        raise SystemExit(code) from error


def find_error_code(error: Exception) -> int:
    """Return the exit code of a command that an expected error ends: 2 for a usage error, a missing
    extra or key, and settings that differ from the run's; 3 for a reached budget; 75 for what may
    be over later; 1 for any other error.
    """
    from extractor.errors import (
        BatchUnfinished,
        BudgetReached,
        DiskFull,
        EngineError,
        FolderInUse,
        MissingExtra,
        MissingKey,
        ModelAway,
        RegistryError,
        RegistryRefused,
        SettingsDiffer,
    )

    of_usage = (ValueError, MissingExtra, MissingKey, SettingsDiffer)
    over_later = (
        BatchUnfinished,
        DiskFull,
        EngineError,
        FolderInUse,
        ModelAway,
        RegistryError,
    )
    if isinstance(error, BudgetReached):
        return BUDGET
    if isinstance(error, of_usage):
        return USAGE
    # the registry would refuse the same request again
    if isinstance(error, RegistryRefused):
        return FAILED
    if isinstance(error, over_later):
        return LATER
    return FAILED


@contextmanager
def errors_are_usage() -> Iterator[None]:
    """Turn expected errors into one line on standard error and the exit code 2, for commands whose
    exit code 1 says that there is something to see.
    """
    try:
        with errors_for_people():
            yield
    except SystemExit as ended:
        is_error = ended.code in (FAILED, LATER)
        raise SystemExit(USAGE if is_error else ended.code) from ended


def _is_output_broken() -> bool:
    """Return whether standard output takes no more, and discard the rest: Python would report it
    again at exit.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def warn_incomplete(*results: Path | None) -> None:
    """Warn on standard error about each run that is not complete, and about its results whose
    record is not in its input any more. Paths that are no run, and None, are ignored.
    """
    from extractor.run.finished import find_run

    for path in filter(None, results):
        run = find_run(path)
        if not run:
            continue
        if run.incomplete:
            say(f"{path}: {run.incomplete}")
        if run.left_out:
            verb = (
                "is of a record that is"
                if run.left_out == 1
                else "are of records that are"
            )
            say(
                f"{path}: {run.left_out} of its results {verb} not in its input any more"
            )


def warn_failed(failed: Sequence[str], missing: str) -> None:
    """Say on standard error which records failed and have nothing new in what is written, such as
    rows, if there are any. What an earlier run of the folder read of them is written.
    """
    if not failed:
        return
    verb = "has" if len(failed) == 1 else "have"
    say(
        f"{counted(len(failed), 'record')} failed and {verb} no new {missing}: "
        f"{name_some(failed, NAMED)} (failures.jsonl says why)"
    )


def warn_settings(old: "FinishedRun", new: "FinishedRun") -> None:
    """Warn on standard error about the settings in which two runs differ. The effort is no
    difference if neither run has a model: it only counts open questions.
    """
    from extractor.run.manifest import explain_changed

    was = old.manifest.settings
    now = new.manifest.settings
    changed = explain_changed(now, was) if now else {}
    if was.get("model") == now.get("model") == "none":
        changed.pop("effort", None)
    if changed:
        names = ", ".join(changed)
        say(
            f"the two runs had other settings ({names}); some changes may come from that"
        )


def print_table(
    head: Row,
    rows: Iterable[Row],
    priority: Sequence[str] = (),
    prose: Collection[str] = frozenset(),
    *,
    apart: bool = True,
) -> None:
    """Print a table on standard output, tab-separated in a pipe; with ``apart``, after an empty
    line.

    A narrow terminal drops columns, the last of ``priority`` first, and names them below the table;
    the first column and the first of ``priority`` always stay. Columns in ``prose`` may wrap; they
    and the first column are aligned left. Control characters in cells, which may come from a
    record, are replaced.
    """
    lines = [head, *(tuple(map(to_printable, row)) for row in rows)]
    if apart:
        print()
    if sys.stdout.isatty():
        _print_on_terminal(lines, priority, prose)
    else:
        print("\n".join("\t".join(row) for row in lines))


def _print_on_terminal(
    lines: Sequence[Row], priority: Sequence[str], prose: Collection[str]
) -> None:
    """Print a table whose first line is its head. Where the terminal is too narrow, the columns of
    ``priority`` are dropped from the last to the second, until the others fit; dropped columns are
    named below the table.
    """
    from rich.console import Console
    from rich.table import Table

    head, *rows = lines
    console = Console(highlight=False, markup=False, emoji=False)
    widths: dict[str, int] = {}
    for name, cells in zip(head, zip(*lines, strict=True), strict=True):
        widths[name] = _find_width(cells, wraps=name in prose) + _GAP
    for name in reversed(priority[1:]):
        if sum(widths.values()) - _GAP > console.width:
            del widths[name]
    is_too_narrow = sum(widths.values()) - _GAP > console.width
    table = Table(box=None, pad_edge=False)
    for name in widths:
        is_name = name == head[0]
        is_prose = name in prose
        # Names wrap only where dropping columns did not make room enough.
        wraps = is_prose or (is_name and is_too_narrow)
        is_text = is_name or is_prose
        table.add_column(
            name,
            justify="left" if is_text else "right",
            no_wrap=not wraps,
            overflow="fold",
        )
    for row in rows:
        cells_by_name = dict(zip(head, row, strict=True))
        table.add_row(*(cells_by_name[name] for name in widths))
    console.print(table)
    missing = ", ".join(name for name in head if name not in widths)
    if missing:
        console.print(f"(too narrow to show: {missing}; a pipe shows all)", style="dim")


def _find_width(cells: Iterable[str], *, wraps: bool) -> int:
    """Return the characters of the longest cell; of the longest word, if cells may wrap."""
    if not wraps:
        return max(map(len, cells))
    words = [word for cell in cells for word in cell.split()]
    return max(map(len, words), default=0)


def name_some(names: Sequence[str], most: int) -> str:
    """Return the first names on one line, and how many more there are.

    >>> name_some(["NCT01", "NCT02", "NCT03"], 2)
    'NCT01, NCT02 and 1 more'
    """
    listed = ", ".join(to_printable(name) for name in names[:most])
    left = len(names) - most
    if left <= 0:
        return listed
    return f"{listed} and {left} more"


def to_printable(text: str) -> str:
    r"""Return the text on one line, without control characters and characters that cannot be
    encoded.

    >>> to_printable("NCT01\n\x1b[31m")
    'NCT01 \ufffd[31m'
    """
    return without_controls(" ".join(text.split()))


def without_controls(text: str) -> str:
    r"""Return the text with its line breaks and spaces, without control characters.

    >>> without_controls("two\n  lines \x1b[31m")
    'two\n  lines \ufffd[31m'
    """
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd"
        for character in text
    )
