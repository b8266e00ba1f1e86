"""Summarise a run on standard error: its counts, its missing results, and the next step. The
templates are in ``texts``.
"""

import shlex
import sys
from collections.abc import Iterator

from extractor.apps.cli.console import write_lines
from extractor.run.files import FAILURES, read_failures
from extractor.run.folder import RunFolder
from extractor.run.run import Run

_SHOWN = 3
"""Maximum number of failures to print."""


def list_remarks(job: Run, folder: RunFolder | None) -> Iterator[str]:
    """Yield messages about missing results and, without ``--quiet``, about open questions and the
    next step.
    """
    failures = []
    if folder and job.tally.failed:
        failures = [
            failure["message"]
            for failure in read_failures(folder.path / FAILURES)[:_SHOWN]
        ]
    return render("remarks.txt", job, folder, failures=failures)


def render(
    name: str, job: Run, folder: RunFolder | None, **values: object
) -> Iterator[str]:
    """Render a template with the job, its ``folder`` and this command, and yield the lines."""
    lines = write_lines(
        name,
        job=job,
        folder=folder,
        # without "extractor batch submit"
        words=_quote_command(3),
        resume=how_to_resume(job),
        quote=shlex.quote,
        **values,
    )
    return filter(None, lines)


def how_to_resume(job: Run) -> str:
    """Return a message with the command that resumes this run."""
    if job.out is None:
        return "use --out DIR to be able to resume a run"
    input_note = ""
    if job.reads_stream:
        input_note = "with the same input, "
    return f"{input_note}resume with: extractor {_quote_command()}"


def _quote_command(first: int = 1) -> str:
    """Return the words of this command from index ``first``, without ``--fresh``, quoted for a
    shell.
    """
    return shlex.join(word for word in sys.argv[first:] if word != "--fresh")


def is_unread(job: Run) -> bool:
    """Return True if some lines of ``--answers`` are broken and no line answered a question."""
    exchange = job.setup.choice.exchange
    return bool(exchange and exchange.failed and not exchange.is_matched)


def explain_lacking_answers(
    job: Run, most: float, folder: RunFolder | None
) -> str | None:
    """Return the reason why unanswered questions make a run fail, or None if their share in the
    whole run does not exceed ``most``. Unread ``--answers`` are a failure, too.
    """
    usage = job.tally.usage
    # also that of the commands before
    if folder and job.tally.resumed:
        usage = folder.manifest.usage
    lacking_share = usage.unanswered / max(1, usage.questions)
    unread = is_unread(job)
    if lacking_share <= most and not unread:
        return None
    return " ".join(render("lacking.txt", job, folder, usage=usage, unread=unread))
