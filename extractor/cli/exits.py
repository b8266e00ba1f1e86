"""Exit codes that scripts can use, and errors as messages for people."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["BUDGET", "FAILED", "INTERRUPTED", "OK", "USAGE", "errors_for_people", "warn_incomplete"]

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
        # The reader of our output has gone; there is nobody left to tell.
        sys.stderr.close()
        raise SystemExit(FAILED) from None
    except OSError as error:
        _give_up_stdout()
        _leave(OSError(f"{error.filename or 'standard output'}: {error.strerror}"), FAILED)


def warn_incomplete(*results: Path | None) -> None:
    """Say of which of these runs there is only a part. What is no run is passed over."""
    from extractor.run.finished import describe_incomplete

    for path in filter(None, results):
        if incomplete := describe_incomplete(path):
            print(f"extractor: {path}: {incomplete}", file=sys.stderr)


def _give_up_stdout() -> None:
    """Where standard output cannot be written, send the rest nowhere: Python would complain at its end once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(error: Exception, code: int) -> None:
    from .tables import without_controls

    print(f"extractor: {without_controls(str(error))}", file=sys.stderr)  # a file's name may hold anything
    raise SystemExit(code) from error
