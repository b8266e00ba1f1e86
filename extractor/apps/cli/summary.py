"""Sum up a run on standard error: its counts, what is missing, and the next step. The words are in
``texts``.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from typing import Any

from extractor.apps.cli.console import write_text
from extractor.apps.cli.job import CommandJob
from extractor.run.files import FAILURES
from extractor.run.folder import RunFolder

_SHOWN = 3
"""Maximum number of failures that are printed."""


def list_remarks(job: CommandJob, folder: RunFolder | None) -> Iterator[str]:
    """Yield what is missing in the results; without ``--quiet`` also what remains open, and last
    the next step.
    """
    failures = []
    if folder and job.tally.failed:
        lines = (folder.path / FAILURES).read_text("utf-8").splitlines()
        failures = [json.loads(line)["message"] for line in lines[:_SHOWN]]
    return render("remarks.txt", job, folder, failures=failures)


def render(
    name: str, job: CommandJob, folder: RunFolder | None, **more: Any
) -> Iterator[str]:
    """Yield the lines of a text about a job, its ``folder`` and this command."""
    text = write_text(
        name,
        job=job,
        folder=folder,
        words=_repeat(3),
        resume=how_to_resume(job),
        quote=shlex.quote,
        **more,
    )
    return filter(None, "".join(text).splitlines())


def how_to_resume(job: CommandJob) -> str:
    """Return the command that continues this one."""
    if job.out is None:
        return "with --out DIR a run can continue where it stopped"
    again = "with the same input, " if job.reads_stream else ""
    return f"{again}go on with: extractor {_repeat()}"


def _repeat(first: int = 1) -> str:
    """Return the words of this command that continue it, quoted for a shell."""
    return shlex.join(word for word in sys.argv[first:] if word != "--fresh")


def explain_lacking(job: CommandJob) -> str | None:
    """Return why the run fails for questions without an answer; None if their share is within
    ``EXTRACTOR_MAX_LACKING``.

    It fails as well if some lines of ``--answers`` are broken and no line answered a question.
    """
    tally = job.tally
    exchange = job.setup.choice.exchange
    is_unread = exchange and exchange.failed and not tally.usage.calls
    if tally.lacking <= job.max_lacking and not is_unread:
        return None
    return " ".join(render("lacking.txt", job, None, unread=is_unread))
