"""Console output for commands: messages, errors with exit codes, tables, and text without control
characters.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import EBADF, EDQUOT, EFBIG, EIO, ENOSPC
from functools import cache
from typing import TYPE_CHECKING

from extractor.errors import ExtractorError, MissingExtra
from extractor.masking import mask
from extractor.plurals import counted, percent, show_some

if TYPE_CHECKING:
    from jinja2 import Environment

OK = 0
FAILED = 1
USAGE = 2
BUDGET = 3
LATER = 75
"""A later attempt may succeed: ``EX_TEMPFAIL`` in ``sysexits.h``."""
INTERRUPTED = 130

_CODES = {
    "ValueError": USAGE,
    "MissingExtra": USAGE,
    "MissingKey": USAGE,
    "SettingsDiffer": USAGE,
    "FolderNotWritable": USAGE,
    "BudgetReached": BUDGET,
    "BatchUnfinished": LATER,
    "DiskFull": LATER,
    "EngineError": LATER,
    "FolderInUse": LATER,
    "ModelAway": LATER,
    "RegistryError": LATER,
    "RegistryRefused": FAILED,  # the registry would reject the same request again
}
"""The exit codes of errors, by the name of their class."""
MAX_LISTED = 5
"""Maximum number of names that a message lists."""

_NO_ROOM = frozenset({ENOSPC, EDQUOT})
_WRITE_ERRORS = _NO_ROOM | {EFBIG, EIO, EBADF}
"""Errors that only a write can raise. An error without a file name refers to standard output."""

Row = tuple[str, ...]


def say(text: str) -> None:
    """Print a message to standard error, with credentials masked and control characters replaced.

    Standard output is flushed first, so that both outputs appear in order.
    """
    sys.stdout.flush()
    print(f"extractor: {without_controls(mask(text))}", file=sys.stderr, flush=True)


@contextmanager
def errors_for_people() -> Iterator[None]:
    """Turn an expected error into an exit code and one line on standard error."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of standard output has closed it
        # otherwise Python would report the same error again at exit
        sys.stderr.close()
        raise SystemExit(FAILED) from None
    except (ValueError, ExtractorError) as error:
        say(str(error))
        raise SystemExit(find_error_code(error)) from error
    except MemoryError as error:
        say(
            "not enough memory; allow this process more, or give it fewer records at once"
        )
        raise SystemExit(LATER) from error
    except OSError as error:
        is_output_error = _discard_if_closed() or error.errno in _WRITE_ERRORS
        problem = error.strerror or str(error)
        if error.errno == EBADF:
            problem = "it is closed"
        if error.filename:
            problem = f"{error.filename}: {problem}"
        elif is_output_error:
            problem = f"standard output: {problem}"
        say(problem)
        code = FAILED
        # the same command continues once there is space
        if error.errno in _NO_ROOM:
            code = LATER
        raise SystemExit(code) from error


def find_error_code(error: Exception) -> int:
    """Return a command's exit code for an expected error: the code of the most specific class that
    has one.
    """
    for kind in type(error).__mro__:
        if kind.__name__ in _CODES:
            return _CODES[kind.__name__]
    return FAILED


@contextmanager
def requiring(extra: str, *libraries: str) -> Iterator[None]:
    """Turn the failed import of one of the ``libraries`` into an error that states the ``extra`` to
    install.

    Raises ``MissingExtra``.
    """
    try:
        yield
    except ImportError as error:
        # another missing library is a defect, which installing the extra would not mend
        if (error.name or "").partition(".")[0] not in libraries:
            raise
        raise MissingExtra(f"{extra} needs {error.name}", extra) from error


def _discard_if_closed() -> bool:
    """Return whether standard output is closed and, if so, discard buffered output, which would
    otherwise make Python report the error again at exit.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def print_table(head: Row, rows: Iterable[Iterable[str]]) -> None:
    """Print a table to standard output, with aligned columns on a terminal or tab-separated
    columns otherwise.
    """
    lines = [head, *(tuple(map(to_printable, row)) for row in rows)]
    # a script reads tabs more easily than aligned columns
    if not sys.stdout.isatty():
        print(*map("\t".join, lines), sep="\n")
        return
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())


@cache
def _open_texts() -> "Environment":
    from jinja2 import Environment, PackageLoader  # noqa: PLC0415 - slow, and few commands need it

    texts = Environment(  # noqa: S701 - plain text
        loader=PackageLoader(__package__, "texts"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    texts.globals |= {"counted": counted, "name_some": name_some}
    texts.filters |= {
        "number": "{:,}".format,
        "percent": percent,
        "dollars": "${:.4f}".format,
        "printable": to_printable,
    }
    return texts


def write_lines(name: str, **values: object) -> list[str]:
    """Return the lines of the template ``name`` with these values."""
    return _open_texts().get_template(name).render(values).splitlines()


def print_text(name: str, **values: object) -> None:
    """Print the template ``name`` with these values to standard output, chunk by chunk."""
    sys.stdout.writelines(_open_texts().get_template(name).generate(values))


def name_some(names: Iterable[str], most: int = MAX_LISTED) -> str:
    """Return the first few names on one line, followed by the number of remaining names."""
    return show_some(map(to_printable, names), most)


def to_printable(text: str) -> str:
    r"""Return the text on one line, with control characters replaced.

    >>> to_printable("NCT01\n\x1b[31m")
    'NCT01 \ufffd[31m'
    """
    return without_controls(" ".join(text.split()))


def without_controls(text: str) -> str:
    r"""Return the text with replacement characters in place of control characters and characters
    that cannot be encoded. Spaces and line breaks are kept.

    >>> without_controls("two\n  lines \x1b[31m")
    'two\n  lines \ufffd[31m'
    """
    return "".join(
        character if character.isprintable() or character == "\n" else "\ufffd"
        for character in text
    )
