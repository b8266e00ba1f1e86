"""``extractor batch``: ask by a provider's batch API, or by files."""

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.options import CollectOptions, SubmitOptions
from extractor.apps.cli.run import extract

app = Commands(
    help="Extract by a provider's batch API, or by files, at a lower price.",
    no_args_is_help=True,
)


@app.command()
def submit(options: SubmitOptions) -> int:
    """Submit the questions to the provider's batch API, and end.

    With --requests FILE they become a batch file, for a closed network.
    `extractor batch collect` reads the answers. Exit codes are those of `run`.

    Example: extractor batch submit records --model gpt-5-mini --out results
    """
    has_one_destination = bool(options.out) != bool(options.requests)
    if not has_one_destination and not options.dry_run:
        raise ValueError(
            "give either a folder with --out or a file of requests with --requests"
        )
    if not options.model:
        raise ValueError("a batch needs a model; name it with --model")
    if options.effort == "none":
        raise ValueError("--effort none asks nothing, so there is nothing to submit")
    return extract(options, rounds=0 if options.requests else 1, waits=False)


@app.command()
def collect(options: CollectOptions) -> int:
    """Wait for the answers to submitted batches, and write the results.

    Give the inputs and options of `extractor batch submit`. Nothing is submitted
    twice; questions that answers leave open go into further batches. Answers that
    cannot be read are fetched again by the same command. With --answers the answers
    come from files, and --requests receives the questions that they leave open.
    Exit codes are those of `run`.

    Example: extractor batch collect records --model gpt-5-mini --out results
    """
    if options.answers:
        return extract(options)
    if options.requests or not options.out:
        raise ValueError(
            "name the submitted run's folder with --out, or files of answers with --answers"
        )
    if not options.model:
        raise ValueError("a batch needs a model; name it with --model")
    return extract(options, rounds=options.rounds)
