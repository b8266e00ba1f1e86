"""``extractor run``: extract from files of records."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .console import errors_for_people, split_names
from .fetch import BaseUrl

EffortOption = Annotated[
    str,
    typer.Option(
        metavar="low|medium|high|0..1",
        help="Ask about what is likely wrong, about what is uncertain, about everything, or below this confidence.",
    ),
]


def run(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, NCT numbers, or - for stdin.")
    ],
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder or address of the results; else standard output.")
    ] = None,
    tasks: Annotated[str, typer.Option(help="Some of eligibility,dosing,endpoints.")] = "eligibility,dosing,endpoints",
    assist: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(help="Ask a model what the rules left open, everything, or nothing."),
    ] = "auto",
    effort: EffortOption = "medium",
    min_confidence: Annotated[float, typer.Option(help="Leave out values below this confidence, 0 to 1.")] = 0.0,
    model: Annotated[
        str | None,
        typer.Option(
            help="A hosted model's name, http://host:port/v1#NAME (or several, with commas between), local, local:NAME "
            "or local:PATH.gguf.",
            envvar="EXTRACTOR_MODEL",
        ),
    ] = None,
    replay: Annotated[Path | None, typer.Option(help="Answers of a recording or a run's folder; no network.")] = None,
    record: Annotated[Path | None, typer.Option(help="Keep every answer in this folder, for --replay.")] = None,
    export_requests: Annotated[
        Path | None, typer.Option(help="Write the questions without an answer as a provider's batch file.")
    ] = None,
    import_answers: Annotated[
        list[Path] | None, typer.Option(help="Answers of a provider's batch; no network. Repeatable.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at once, for each worker on a cluster.")] = 8,
    requests_per_minute: Annotated[
        float | None, typer.Option(min=0.01, help="Most requests; the server's own limits apply too.")
    ] = None,
    tokens_per_minute: Annotated[
        float | None, typer.Option(min=1, help="Most tokens, prompts and answers together.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one request, to its last byte.")] = 600.0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that share the work; else all cores.")] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Extract on this machine, or on a Ray cluster (extra ray).")
    ] = "local",
    address: Annotated[str | None, typer.Option(help="The Ray cluster's host:port, or auto; else one here.")] = None,
    max_usd: Annotated[
        float | None, typer.Option(min=0, help="Most dollars for the run and all that resume it.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Most tokens for the run and all that resume it.")
    ] = None,
    prices: Annotated[list[Path] | None, typer.Option(help="A file of prices, before known ones. Repeatable.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Ask by the provider's batch API, at its price.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="For --batch: most batches in sequence.")] = 4,
    poll: Annotated[float, typer.Option(min=0, help="For --batch: seconds before the first poll.")] = 5,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N records.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Estimate calls, time and cost; ask nothing.")] = False,
    sample: Annotated[int | None, typer.Option(min=20, help="For --dry-run: estimate from this many records.")] = None,
    latency: Annotated[float | None, typer.Option(min=0, help="For --dry-run: seconds per call.")] = None,
    log_json: Annotated[str | None, typer.Option(metavar="FILE", help="Append events as JSON; - is stderr.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Discard an earlier run in --out.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="A trial with two different texts is a failure.")] = False,
    base_url: BaseUrl = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    open_report: Annotated[bool, typer.Option("--open", help="At the end, open the report in the browser.")] = False,
) -> None:
    """Extract eligibility, dosing and endpoints from trial records.

    NCT numbers are fetched from ClinicalTrials.gov first, into DIR/fetched.jsonl.

    Without --model and --replay only the rules run, and the summary counts the
    questions that stayed open. The same command resumes a run that stopped.

    --export-requests alone extracts nothing: it writes the questions for --model as
    a batch file, for a provider's batch API, another cluster or a closed network.
    --import-answers reads the answers; with both, the remaining questions are written.

    Exit codes: 0 all done, 1 some records failed or the model went away, 2 usage,
    3 budget reached, 130 interrupted. After 1, 3 and 130 the same command resumes.
    """
    from extractor.api import Extractor
    from extractor.llm.batch_api.requests import Exchange
    from extractor.llm.client import ClientSettings
    from extractor.run.addresses import is_address
    from extractor.run.batch import BatchLimits
    from extractor.run.budget import Limits, Pricing

    from .batch import Job, export_job, kept_at, perform_job
    from .environment import read_cache_folder, read_model_spec
    from .fetch import find_records
    from .interrupts import observing
    from .money import find_prices, quote_job
    from .report import open_report_of

    ray, by_file = engine == "ray", bool(export_requests or import_answers)
    recorded = bool(replay or record or by_file)
    place = Path(out).resolve() if out else None
    only_here = out and is_address(out) and (open_report or batch)
    refusals = {
        "--address names a Ray cluster; add --engine ray": address and not ray,
        "--engine ray keeps what was answered in a folder; name one with --out": ray and not out,
        "--engine ray asks a model or the rules; drop --replay, --record, --batch and files": ray
        and (batch or recorded),
        "--batch goes on from its folder if it is stopped; name one with --out": batch and not out,
        "--batch needs a model; name it with --model": batch and not model,
        "--batch asks the provider; drop --replay, --record and files of requests and answers": batch and recorded,
        "--batch reads its records several times; name a file instead of standard input": batch and "-" in inputs,
        "--open needs a run's folder; name one with --out, without --dry-run": open_report and (dry_run or not out),
        f"--open and --batch need a folder of this machine, which {out} is not": only_here,
        "--assist never asks nothing, so there is nothing to export": export_requests and assist == "never",
        "--export-requests alone extracts nothing; drop --out": export_requests and out and not import_answers,
        "--sample and --latency are for --dry-run": not dry_run and (sample or latency is not None),
        "--fresh discards what --out holds; name a folder with --out": fresh and not out,
        f"{out} is an input; name another folder with --out": place in [Path(one).resolve() for one in inputs],
        f"{out} is replayed; name another folder with --out": replay and place == replay.resolve(),
    }
    with errors_for_people():
        if refused := [reason for reason, applies in refusals.items() if applies]:
            raise ValueError(refused[0])
        spec = read_model_spec(model) if model and not replay else None
        extractor = Extractor(
            spec,
            tasks=split_names(tasks),
            assist=assist,
            effort=effort,
            min_confidence=min_confidence,
            replay=replay,
            record=record,
            cache_dir=read_cache_folder(),
            exchange=Exchange(import_answers or (), export_requests) if by_file else None,
        )
        with (
            kept_at(out, fresh=fresh) as (folder, mirror),
            find_records(inputs, None if dry_run else folder, base_url, fresh=fresh, quiet=quiet) as (found, unknown),
        ):
            job = Job(
                inputs=found,
                extractor=extractor,
                limits=BatchLimits(concurrency, limit),
                out=folder,
                fresh=fresh,
                quiet=quiet,
                strict=strict,
                asking=ClientSettings(
                    timeout=timeout, requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute
                ),
                workers=workers,
                pricing=Pricing.of(spec, find_prices(prices or ()), Limits(max_usd, max_tokens), in_batches=batch),
                batch_rounds=rounds if batch else 0,
                poll_s=poll,
                engine=engine,
                address=address,
                mirror=mirror,
            )
            if dry_run:
                raise SystemExit(quote_job(job, sample, latency) or unknown)
            with observing(log_json):
                code = export_job(job) if export_requests and not import_answers else perform_job(job)
            if open_report and folder:
                open_report_of(folder)
            raise SystemExit(code or unknown)
