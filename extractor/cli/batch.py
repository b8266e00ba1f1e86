"""``extractor batch``: ask a model by a provider's batch API, or by files for a closed network."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .commands import Commands
from .console import errors_for_people, split_names
from .options import (
    ALL_TASKS,
    FILES,
    RARE,
    AssistOption,
    BaseUrlOption,
    DryRunOption,
    EffortOption,
    FreshOption,
    InputsArgument,
    LimitOption,
    LogOption,
    MaxTokensOption,
    MaxUsdOption,
    MinConfidenceOption,
    ModelOption,
    ModelOptionOption,
    PricesOption,
    QuietOption,
    ReasoningOption,
    StrictOption,
    TasksOption,
    read_model_options,
)

if TYPE_CHECKING:
    from extractor.cost.budget import Limits
    from extractor.llm.exchange import Exchange

    from .job import RunJob

app = Commands(help="Ask by a provider's batch API or by files, at a lower price.", no_args_is_help=True)

FolderOption = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Folder of the results and of the submitted batches.", rich_help_panel=FILES),
]


@app.command()
def submit(
    inputs: InputsArgument,
    out: FolderOption = None,
    requests: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a batch file instead; no network.", rich_help_panel=FILES),
    ] = None,
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    tasks: TasksOption = ALL_TASKS,
    min_confidence: MinConfidenceOption = 0.0,
    model: ModelOption = None,
    effort: EffortOption = "medium",
    assist: AssistOption = "auto",
    dry_run: DryRunOption = False,
    max_usd: MaxUsdOption = None,
    max_tokens: MaxTokensOption = None,
    prices: PricesOption = None,
    reasoning: ReasoningOption = None,
    model_option: ModelOptionOption = None,
    strict: StrictOption = False,
    log_json: LogOption = None,
    base_url: BaseUrlOption = None,
) -> None:
    """Submit the questions about the records to the provider's batch API, and end.

    With --requests FILE the questions become a batch file, for a closed network
    or another cluster. `extractor batch collect` reads the answers of both.

    Exit codes: those of `extractor run`.
    """
    from extractor.cost.budget import Limits
    from extractor.llm.exchange import Exchange

    from .forecast import forecast_job
    from .job import export_job, perform_job

    with errors_for_people():
        if bool(out) == bool(requests) and not dry_run:
            raise ValueError("name a folder with --out, or a file of requests with --requests: one of the two")
        if not model:
            raise ValueError("a batch needs a model; name it with --model")
        if assist == "never":
            raise ValueError("--assist never asks nothing, so there is nothing to submit")
        _perform(
            forecast_job if dry_run else export_job if requests else perform_job,
            *(inputs, model, out, base_url, log_json, Exchange((), requests) if requests else None),
            options={
                "tasks": split_names(tasks),
                "assist": assist,
                "effort": effort,
                "min_confidence": min_confidence,
                "reasoning": reasoning,
                "model_options": read_model_options(model_option or ()),
            },
            spending=Limits(max_usd, max_tokens),
            prices=prices,
            limit=limit,
            fresh=fresh,
            quiet=quiet,
            strict=strict,
            batch_rounds=1,
            waits=False,
        )


@app.command()
def collect(
    inputs: InputsArgument,
    out: FolderOption = None,
    answers: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A provider's answers; no network. Repeatable.", rich_help_panel=FILES),
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the questions that --answers leaves open.", rich_help_panel=FILES),
    ] = None,
    limit: LimitOption = None,
    fresh: FreshOption = False,
    quiet: QuietOption = False,
    tasks: TasksOption = ALL_TASKS,
    min_confidence: MinConfidenceOption = 0.0,
    model: ModelOption = None,
    effort: EffortOption = "medium",
    assist: AssistOption = "auto",
    max_usd: MaxUsdOption = None,
    max_tokens: MaxTokensOption = None,
    prices: PricesOption = None,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most batches in sequence.", rich_help_panel=RARE)
    ] = 4,
    poll: Annotated[
        float, typer.Option(min=0, metavar="S", help="Seconds before the first poll.", rich_help_panel=RARE)
    ] = 5,
    reasoning: ReasoningOption = None,
    model_option: ModelOptionOption = None,
    strict: StrictOption = False,
    log_json: LogOption = None,
    base_url: BaseUrlOption = None,
) -> None:
    """Wait for the answers to submitted batches, and write the results.

    Give the inputs and options of `extractor batch submit`. What is not
    submitted yet is submitted, too, and questions that answers leave open go
    into further batches. After Ctrl-C the same command waits again; nothing is
    submitted twice.

    With --answers the answers come from files, and --requests receives the
    questions that they leave open.

    Exit codes: those of `extractor run`.
    """
    from extractor.cost.budget import Limits
    from extractor.llm.exchange import Exchange

    from .job import perform_job

    with errors_for_people():
        if not answers and (requests or not out):
            raise ValueError("name the submitted run's folder with --out, or files of answers with --answers")
        if not answers and not model:
            raise ValueError("a batch needs a model; name it with --model")
        _perform(
            perform_job,
            *(inputs, model, out, base_url, log_json, Exchange(answers, requests) if answers else None),
            options={
                "tasks": split_names(tasks),
                "assist": assist,
                "effort": effort,
                "min_confidence": min_confidence,
                "reasoning": reasoning,
                "model_options": read_model_options(model_option or ()),
            },
            spending=Limits(max_usd, max_tokens),
            prices=prices,
            limit=limit,
            fresh=fresh,
            quiet=quiet,
            strict=strict,
            batch_rounds=rounds,
            poll_s=poll,
        )


def _perform(
    perform: "Callable[[RunJob], int]",
    inputs: list[str],
    model: str | None,
    out: str | None,
    base_url: str | None,
    log_json: str | None,
    exchange: "Exchange | None",
    *,
    options: dict[str, Any],
    spending: "Limits",
    prices: list[Path] | None,
    limit: int | None,
    **fields: Any,
) -> NoReturn:
    """Make the job, perform it, and exit. Without an exchange of files the provider's batch API answers."""
    from extractor.api import Extractor
    from extractor.cost.budget import Pricing
    from extractor.run.records import RunLimits

    from .environment import read_model_spec
    from .forecast import find_prices
    from .interrupts import observing
    from .job import RunJob, open_job, refuse_folder

    if exchange is None and "-" in inputs:
        raise ValueError("a batch reads its records several times; name a file instead of standard input")
    refuse_folder(out, inputs)
    spec = read_model_spec(model) if model else None
    if exchange:
        fields["batch_rounds"] = 0
    extractor = Extractor(spec, exchange=exchange, **options)
    listed, reasoning = find_prices(prices or ()), extractor.asking.reasoning
    pricing = Pricing.of(spec, listed, spending, reasoning, in_batches=exchange is None)
    job = RunJob(
        inputs=tuple(inputs),
        extractor=extractor,
        asking=extractor.asking,
        limits=RunLimits(records=limit),
        out=None,
        pricing=pricing,
        **fields,
    )
    with open_job(job, out, base_url) as (opened, unknown), observing(log_json):
        raise SystemExit(perform(opened) or unknown)
