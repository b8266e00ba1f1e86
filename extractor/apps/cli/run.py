"""``extractor run`` extracts records; ``extractor batch`` asks by a provider's batch API, or by
files.
"""

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.console import say_first
from extractor.apps.cli.options import CollectOptions, RunOptions, SubmitOptions

batch = Commands(
    help="Ask by a provider's batch API or by files, at a lower price.",
    no_args_is_help=True,
)


def run(options: RunOptions) -> int:
    """Extract eligibility, dosing and endpoints from trial records.

    NCT numbers are fetched from ClinicalTrials.gov first, into DIR/fetched.jsonl.

    Without --model and --replay only the rules run, and the summary counts the
    questions that stayed open. The same command resumes a run that stopped.

    `extractor batch` asks by a provider's batch API, or by files.

    Exit codes: 0 all done, 1 some records failed, 2 usage, 3 budget reached, 75 the
    same command may succeed later (the model was away), 130 interrupted.
    After 3, 75 and 130 the same command resumes.
    """
    if options.ray and not options.out:
        raise ValueError(
            "--ray keeps what was answered in a folder; name one with --out"
        )
    if options.ray and options.replay:
        raise ValueError("--ray asks a model or the rules; drop --replay")
    if options.fresh and not options.out:
        raise ValueError("--fresh discards what --out holds; name a folder with --out")
    first, *others = options.inputs
    more = f" and {len(others)} more" if others else ""
    say_first(f"reading {first}{more}", quiet=options.quiet)
    from extractor.apps.cli.environment import read_max_lacking
    from extractor.apps.cli.job import open_job
    from extractor.apps.cli.perform import forecast_job, perform_job

    perform = forecast_job if options.dry_run else perform_job
    with open_job(options, max_lacking=read_max_lacking()) as (job, unknown):
        return perform(job) or unknown


@batch.command()
def submit(options: SubmitOptions) -> int:
    """Submit the questions about the records to the provider's batch API, and end.

    With --requests FILE the questions become a batch file, for a closed network
    or another cluster. `extractor batch collect` reads the answers of both.

    Exit codes: those of `extractor run`.
    """
    has_one_destination = bool(options.out) != bool(options.requests)
    if not has_one_destination and not options.dry_run:
        raise ValueError(
            "name a folder with --out, or a file of requests with --requests: one of the two"
        )
    if not options.model:
        raise ValueError("a batch needs a model; name it with --model")
    if options.effort == "none":
        raise ValueError("--effort none asks nothing, so there is nothing to submit")
    from extractor.apps.cli.job import open_job
    from extractor.apps.cli.perform import forecast_job, perform_job

    perform = forecast_job if options.dry_run else perform_job
    with open_job(options, batch_rounds=0 if options.requests else 1, waits=False) as (
        job,
        unknown,
    ):
        return perform(job) or unknown


@batch.command()
def collect(options: CollectOptions) -> int:
    """Wait for the answers to submitted batches, and write the results.

    Give the inputs and options of `extractor batch submit`. What is not
    submitted yet is submitted, too, and questions that answers leave open go
    into further batches. After Ctrl-C the same command waits again; nothing is
    submitted twice.

    Answers that cannot be read stay open and are fetched again, by the same
    command; --ask-again gives them up. Nothing is asked live without --live.

    With --answers the answers come from files, and --requests receives the
    questions that they leave open.

    Exit codes: those of `extractor run`.
    """
    if not options.answers:
        if options.requests or not options.out:
            raise ValueError(
                "name the submitted run's folder with --out, or files of answers with --answers"
            )
        if not options.model:
            raise ValueError("a batch needs a model; name it with --model")
    from extractor.apps.cli.job import open_job
    from extractor.apps.cli.perform import perform_job

    with open_job(options, batch_rounds=0 if options.answers else options.rounds) as (
        job,
        unknown,
    ):
        return perform_job(job) or unknown
