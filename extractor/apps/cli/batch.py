"""``extractor batch``: ask questions through a provider's batch API, or through files."""

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.options import CollectOptions, SubmitOptions
from extractor.apps.cli.run import extract

app = Commands(
    help="Extract through a provider's batch API, or through files, at a lower price.",
    no_args_is_help=True,
)


@app.command()
def submit(options: SubmitOptions) -> int:
    """Submit the questions to the provider's batch API, then exit.

    With --requests FILE, the questions are written to a batch file instead, without using the
    network. `extractor batch collect` reads the answers. Exit codes are the same as for `run`.

    Example: extractor batch submit records --model gpt-5-mini --out results
    """
    has_one_destination = bool(options.out) != bool(options.requests)
    if not has_one_destination and not options.dry_run:
        raise ValueError(
            "specify either a results folder with --out or a request file with --requests"
        )
    if not options.model:
        raise ValueError("a batch needs a model; specify one with --model")
    if options.effort == "none":
        raise ValueError(
            "with --effort none, no questions are asked, so there is nothing to submit"
        )
    rounds = CollectOptions.model_fields["rounds"].default
    # a file of requests is no batch
    if options.requests:
        rounds = 0
    return extract(options, rounds=rounds, waits=False)


@app.command()
def collect(options: CollectOptions) -> int:
    """Wait for the answers to submitted batches, and write the results.

    Use the same inputs and options as for `extractor batch submit`. Nothing is submitted
    twice; questions that remain open are sent in further batches. If some answers
    cannot be read, run the command again to download them. With --answers, the answers
    are read from files, and the remaining questions are written to --requests.
    Exit codes are the same as for `run`.

    Example: extractor batch collect records --model gpt-5-mini --out results
    """
    if options.answers:
        return extract(options, max_lacking=options.max_lacking)
    if options.requests or not options.out:
        raise ValueError(
            "specify the submitted run's folder with --out, or answer files with --answers"
        )
    if not options.model:
        raise ValueError("a batch needs a model; specify one with --model")
    return extract(options, rounds=options.rounds, max_lacking=options.max_lacking)
