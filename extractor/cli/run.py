"""``extractor run``: extract from files of records."""

from dataclasses import replace
from typing import Annotated, Any, Literal

import typer

from .console import errors_for_people, say_first, split_names
from .options import (
    ALL_TASKS,
    FILES,
    MACHINES,
    RARE,
    SPEED,
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
    ReplayOption,
    RequestsPerMinuteOption,
    StrictOption,
    TasksOption,
    WorkersOption,
    read_model_options,
)


def run(
    inputs: InputsArgument,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder of the results; else standard output.", rich_help_panel=FILES),
    ] = None,
    limit: LimitOption = None,
    fresh: FreshOption = False,
    open_report: Annotated[
        bool, typer.Option("--open", help="At the end, open the report in the browser.", rich_help_panel=FILES)
    ] = False,
    quiet: QuietOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="For --dry-run: print JSON.", rich_help_panel=FILES)] = False,
    tasks: TasksOption = ALL_TASKS,
    min_confidence: MinConfidenceOption = 0.0,
    model: ModelOption = None,
    effort: EffortOption = "medium",
    assist: AssistOption = "auto",
    replay: ReplayOption = None,
    dry_run: DryRunOption = False,
    max_usd: MaxUsdOption = None,
    max_tokens: MaxTokensOption = None,
    concurrency: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Requests at once, for each worker on a cluster.", rich_help_panel=SPEED),
    ] = 8,
    workers: WorkersOption = None,
    requests_per_minute: RequestsPerMinuteOption = None,
    tokens_per_minute: Annotated[
        float | None,
        typer.Option(min=1, metavar="N", help="Most tokens, prompts and answers together.", rich_help_panel=SPEED),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=0.1, metavar="S", help="Seconds for one request, to its last byte.", rich_help_panel=SPEED),
    ] = 600.0,
    patience: Annotated[
        float,
        typer.Option(
            min=1, metavar="S", help="Stop if the model answers nothing for so many seconds.", rich_help_panel=SPEED
        ),
    ] = 300.0,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Extract on this machine, or on a Ray cluster (extra ray).", rich_help_panel=MACHINES),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The Ray cluster's, or auto; else one here.", rich_help_panel=MACHINES),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=20, metavar="N", help="For --dry-run: estimate from this many records.", rich_help_panel=RARE),
    ] = None,
    latency: Annotated[
        float | None,
        typer.Option(min=0, metavar="S", help="For --dry-run: seconds per call.", rich_help_panel=RARE),
    ] = None,
    prices: PricesOption = None,
    reasoning: ReasoningOption = None,
    model_option: ModelOptionOption = None,
    max_lacking: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="0..1",
            help="Exit with 1 if a larger share of the questions got no usable answer.",
            envvar="EXTRACTOR_MAX_LACKING",
            rich_help_panel=RARE,
        ),
    ] = 0.05,
    strict: StrictOption = False,
    log_json: LogOption = None,
    base_url: BaseUrlOption = None,
) -> None:
    """Extract eligibility, dosing and endpoints from trial records.

    NCT numbers are fetched from ClinicalTrials.gov first, into DIR/fetched.jsonl.

    Without --model and --replay only the rules run, and the summary counts the
    questions that stayed open. The same command resumes a run that stopped.

    `extractor batch` asks by a provider's batch API, or by files.

    Exit codes: 0 all done, 1 some records failed, or the model gave no usable
    answers (--max-lacking, --patience), 2 usage, 3 budget reached, 130 interrupted.
    After 1, 3 and 130 the same command resumes.
    """
    from extractor.options import ExtractionOptions

    ray = engine == "ray"
    refusals = {
        "--address names a Ray cluster; add --engine ray": address and not ray,
        "--engine ray keeps what was answered in a folder; name one with --out": ray and not out,
        "--engine ray asks a model or the rules; drop --replay": ray and replay,
        "--open needs a run's folder; name one with --out, without --dry-run": open_report and (dry_run or not out),
        "--sample, --latency and --json are for --dry-run": not dry_run and (sample or latency is not None or as_json),
        "--fresh discards what --out holds; name a folder with --out": fresh and not out,
    }
    with errors_for_people():
        if refused := [reason for reason, applies in refusals.items() if applies]:
            raise ValueError(refused[0])
        options: dict[str, Any] = {"tasks": split_names(tasks), "assist": assist, "effort": effort}
        options["min_confidence"] = min_confidence
        ExtractionOptions(**options)  # a wrong value is refused before anything is loaded
        more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
        say_first(f"reading {inputs[0]}{more}", quiet=quiet)
        from extractor.api import Extractor
        from extractor.cost.budget import Limits, Pricing
        from extractor.llm.patience import Patience
        from extractor.run.records import RunLimits

        from .environment import read_model_spec
        from .forecast import find_prices, forecast_job
        from .interrupts import observing
        from .job import RunJob, open_job, perform_job, refuse_folder
        from .report import open_report_of

        refuse_folder(out, inputs, replay)
        spec = read_model_spec(model) if model and not replay else None
        extractor = Extractor(
            spec,
            **options,
            replay=replay,
            reasoning=reasoning,
            model_options=read_model_options(model_option or ()),
        )
        given = RunJob(
            inputs=tuple(inputs),
            extractor=extractor,
            limits=RunLimits(concurrency, limit),
            out=None,
            fresh=fresh,
            quiet=quiet,
            strict=strict,
            asking=replace(
                extractor.asking,
                timeout=timeout,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                patience=Patience(seconds=patience),
            ),
            workers=workers,
            pricing=Pricing.of(
                spec, find_prices(prices or ()), Limits(max_usd, max_tokens), extractor.asking.reasoning
            ),
            engine=engine,
            address=address,
            max_lacking=max_lacking,
        )
        with open_job(given, out, base_url, keeps_fetched=not dry_run) as (job, unknown):
            if dry_run:
                raise SystemExit(forecast_job(job, sample, latency, as_json=as_json) or unknown)
            with observing(log_json):
                code = perform_job(job)
            if open_report and job.out:
                open_report_of(job.out)
            raise SystemExit(code or unknown)
