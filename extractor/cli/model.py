"""``extractor model``: models that run on this machine."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import INTERRUPTED, errors_for_people, print_listing

if TYPE_CHECKING:
    from extractor.llm.local.models import LocalModel, Progress
    from extractor.llm.local.server import ServerSettings

app = typer.Typer(help="List, pull and serve models that run on this machine.", no_args_is_help=True)

CacheOption = Annotated[
    Path | None,
    typer.Option("--cache-dir", envvar="EXTRACTOR_CACHE", help="Where models are kept. The user's cache if left out."),
]


@app.command("list")
def list_rows(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    cache_dir: CacheOption = None,
) -> None:
    """List the models that can run here, and which of them are pulled.

    A table on a terminal, tab-separated when piped.
    """
    from extractor.llm.local.models import list_models

    with errors_for_people():
        rows = list_models(cache_dir)
        if as_json:
            typer.echo(json.dumps([_row_for_programs(*row) for row in rows], indent=2))
        else:
            head = ("name", "installed", "bytes", "licence", "source", "about")
            print_listing(head, [_cells(*row) for row in rows], {"bytes"})


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models to pull; see `extractor model list`.")],
    *,
    cache_dir: CacheOption = None,
) -> None:
    """Bring models to this machine, once, and print where their weights are.

    An interrupted pull is continued by the next. What is here already is left alone, without use of the network.
    """
    from extractor.llm.local.models import find_catalogued, pull_model

    with errors_for_people():
        models = [find_catalogued(name) for name in names]
        for model in models:
            try:
                with _show_bytes(model.name) as progress:
                    path = pull_model(model, cache_dir=cache_dir, progress=progress)
            except KeyboardInterrupt:
                typer.echo(f"\ninterrupted; `extractor model pull {model.name}` goes on from here", err=True)
                raise SystemExit(INTERRUPTED) from None
            typer.echo(path)


@app.command()
def serve(
    name: Annotated[
        str, typer.Argument(help="A pulled model, or the path of a .gguf file. The default if left out.")
    ] = "",
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    slots: Annotated[int, typer.Option(min=1, help="Requests answered at once.")] = 1,
    context: Annotated[int, typer.Option(min=256, help="Longest prompt and answer of a request, in tokens.")] = 8192,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor threads. All cores but one if left out.")
    ] = None,
    cache_dir: CacheOption = None,
) -> None:
    """Serve a pulled model to OpenAI-compatible clients on this machine, until Ctrl-C.

    Standard output gets one line, the base URL. Clients must send the token in EXTRACTOR_TOKEN; without one in the
    environment, a token is made up and shown once.
    """
    from extractor.llm.local.server import ServerSettings

    token = os.environ.get("EXTRACTOR_TOKEN")  # not an option: other users of the machine see command lines
    chosen: dict[str, Any] = {"threads": threads, "token": token}
    with errors_for_people():
        chosen = {key: value for key, value in chosen.items() if value}
        settings = ServerSettings(slots=slots, context=context, port=port, **chosen)
        try:
            _serve_until_stopped(name, settings, cache_dir, show_token=not token)
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)


def _serve_until_stopped(name: str, settings: "ServerSettings", cache_dir: Path | None, *, show_token: bool) -> None:
    from extractor.llm.local.models import find_model, locate_model
    from extractor.llm.local.server import serve_model

    model = find_model(name)
    label = model.stem if isinstance(model, Path) else model.name
    weights = locate_model(name, cache_dir=cache_dir)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` and container runtimes stop it like Ctrl-C
    with serve_model(weights, settings, name=label) as server:
        typer.echo(f"{label}: {settings.slots} at once, {settings.context} tokens each; Ctrl-C stops it", err=True)
        typer.echo(f"use it with --model {server.base_url}#{label}", err=True)
        if show_token:
            typer.echo(f"and EXTRACTOR_TOKEN={server.token} in the environment (shown only here)", err=True)
        typer.echo(server.base_url)  # last: a script that reads it knows that all is said
        sys.stdout.flush()
        server.wait()


@app.command("prices")
def list_prices(
    files: Annotated[
        list[Path] | None, typer.Option("--prices", help="A file of prices, before those that are known. Repeatable.")
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a file of prices to begin with.")] = False,
) -> None:
    """List what tokens cost, since when, and where that is from; US dollars per million tokens.

    A table on a terminal, tab-separated when piped.
    """
    from .money import EXAMPLE, find_prices, print_prices

    with errors_for_people():
        if example:
            print(EXAMPLE, end="")
        else:
            print_prices(find_prices(files or ()))


def _cells(model: "LocalModel", path: Path | None) -> tuple[str, ...]:
    sources = ", ".join(map(str, model.sources))
    return (model.name, "yes" if path else "no", str(model.bytes), model.licence, sources, model.about)


def _row_for_programs(model: "LocalModel", path: Path | None) -> dict[str, object]:
    from extractor.llm.local.models import default_model

    fields = asdict(model)
    fields["sources"] = [asdict(source) for source in model.sources]
    return {**fields, "default": model == default_model(), "path": str(path) if path else None}


@contextmanager
def _show_bytes(name: str) -> "Iterator[Progress]":
    """A bar on standard error with size, rate and time left; nothing when piped."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as ProgressBar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with ProgressBar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
