"""``extractor batch``: ask a model by a provider's batch API, or by files for a closed network."""

from pathlib import Path
from typing import Annotated

from .commands import Commands
from .console import refuse
from .options import FILES, RARE, DryRunOption, RunOptions, option

app = Commands(help="Ask by a provider's batch API or by files, at a lower price.", no_args_is_help=True)

FolderOption = Annotated[
    str | None, option(FILES, "Folder of the results and of the submitted batches.", metavar="DIR")
]


@app.command()
def submit(
    out: FolderOption = None,
    requests: Annotated[Path | None, option(FILES, "Write a batch file instead; no network.", metavar="FILE")] = None,
    *,
    given: RunOptions,
    dry_run: DryRunOption = False,
) -> int:
    """Submit the questions about the records to the provider's batch API, and end.

    With --requests FILE the questions become a batch file, for a closed network
    or another cluster. `extractor batch collect` reads the answers of both.

    Exit codes: those of `extractor run`.
    """
    both = bool(out) == bool(requests)
    refuse(
        {
            "name a folder with --out, or a file of requests with --requests: one of the two": both and not dry_run,
            "a batch needs a model; name it with --model": not given.model,
            "--effort none asks nothing, so there is nothing to submit": given.effort == "none",
        }
    )
    from extractor.llm.exchange import Exchange

    from .forecast import forecast_job
    from .job import open_job
    from .perform import export_job, perform_job

    exchange = Exchange((), requests) if requests else None
    rounds = 0 if exchange else 1
    with open_job(given, out, exchange=exchange, dry_run=dry_run, batch_rounds=rounds, waits=False) as (job, unknown):
        perform = forecast_job if dry_run else export_job if requests else perform_job
        return perform(job) or unknown


@app.command()
def collect(
    out: FolderOption = None,
    answers: Annotated[
        list[Path] | None, option(FILES, "A provider's answers; no network. Repeatable.", metavar="FILE")
    ] = None,
    requests: Annotated[
        Path | None, option(FILES, "Write the questions that --answers leaves open.", metavar="FILE")
    ] = None,
    rounds: Annotated[int, option(RARE, "Most batches in sequence.", min=1, metavar="N")] = 4,
    poll: Annotated[float, option(RARE, "Seconds before the first poll.", min=0, metavar="S")] = 5,
    *,
    given: RunOptions,
) -> int:
    """Wait for the answers to submitted batches, and write the results.

    Give the inputs and options of `extractor batch submit`. What is not
    submitted yet is submitted, too, and questions that answers leave open go
    into further batches. After Ctrl-C the same command waits again; nothing is
    submitted twice.

    With --answers the answers come from files, and --requests receives the
    questions that they leave open.

    Exit codes: those of `extractor run`.
    """
    if not answers and (requests or not out):
        raise ValueError("name the submitted run's folder with --out, or files of answers with --answers")
    if not answers and not given.model:
        raise ValueError("a batch needs a model; name it with --model")
    from extractor.llm.exchange import Exchange

    from .job import open_job
    from .perform import perform_job

    exchange = Exchange(answers, requests) if answers else None
    rounds = 0 if exchange else rounds
    with open_job(given, out, exchange=exchange, batch_rounds=rounds, poll_s=poll) as (job, unknown):
        return perform_job(job) or unknown
