"""``extractor run``: the main job, from record files to extractions."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .exits import errors_for_people

__all__ = ["run"]


def run(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for stdin.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the results; standard output if left out.")] = None,
    tasks: Annotated[str, typer.Option(help="Which of eligibility,dosing,endpoints.")] = "eligibility,dosing,endpoints",
    assist: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(help="Ask a model what the rules left open, everything, or nothing."),
    ] = "auto",
    model: Annotated[
        str | None,
        typer.Option(
            help="A hosted model's name, http://host:port/v1#NAME, local, local:NAME or local:PATH.gguf.",
            envvar="EXTRACTOR_MODEL",
        ),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Take answers from this recording, or from this run's folder; no network.")
    ] = None,
    record: Annotated[Path | None, typer.Option(help="Keep every answer in this folder, for --replay.")] = None,
    export_requests: Annotated[
        Path | None,
        typer.Option(help="Write what would be asked, and is not answered yet, as a provider's batch file."),
    ] = None,
    import_answers: Annotated[
        list[Path] | None, typer.Option(help="Take answers from a provider's batch output. Repeatable; no network.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Records in flight at once.")] = 8,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Stop once this many tokens are used.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N records.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be asked, and ask nothing.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Discard what --out holds of an earlier run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
) -> None:
    """Extract eligibility, dosing and endpoints from trial records.

    Without --model and --replay the rules work alone, and the summary says how
    many questions stayed open. The same command again goes on where it stopped.

    --export-requests alone extracts nothing: it writes the questions for --model as
    a batch file, for a provider's batch API, another cluster or a closed network.
    --import-answers takes what came back; with both, what is still open is written.

    Exit codes: 0 all done, 1 some records failed, 2 usage, 3 budget reached,
    130 interrupted.
    """
    from extractor.ask.exchange import Exchange
    from extractor.pipeline import Extractor
    from extractor.run import BatchLimits

    from .batch import Job, estimate_job, export_job, perform_job
    from .environment import read_cache_folder, read_model_spec

    with errors_for_people():
        if fresh and not out:
            raise ValueError("--fresh discards what --out holds; name a folder with --out")
        if out and any(Path(location).resolve() == out.resolve() for location in inputs):
            raise ValueError(f"{out} is an input; name another folder with --out")
        if out and replay and out.resolve() == replay.resolve():
            raise ValueError(f"{out} is replayed; name another folder with --out")
        if export_requests and assist == "never":
            raise ValueError("--assist never asks nothing, so there is nothing to export")
        if export_requests and not import_answers and out:
            raise ValueError("--export-requests alone extracts nothing; drop --out or add --import-answers")
        wanted = [task.strip() for task in tasks.split(",") if task.strip()]
        spec = read_model_spec(model) if model and not replay else None
        exchange = Exchange(import_answers or (), export_requests) if import_answers or export_requests else None
        extractor = Extractor(
            spec,
            tasks=wanted,
            assist=assist,
            replay=replay,
            record=record,
            cache_dir=read_cache_folder(),
            exchange=exchange,
        )
        job = Job(tuple(inputs), extractor, BatchLimits(concurrency, limit, max_tokens), out, fresh=fresh, quiet=quiet)
        perform = estimate_job if dry_run else export_job if export_requests and not import_answers else perform_job
        raise SystemExit(perform(job))
