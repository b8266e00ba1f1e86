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

from .commands import Commands
from .console import INTERRUPTED, errors_for_people, print_table

if TYPE_CHECKING:
    from extractor.llm.local.models import Progress

app = Commands(help="List, pull and serve models that run on this machine.", no_args_is_help=True)

CacheOption = Annotated[
    Path | None,
    typer.Option("--cache-dir", envvar="EXTRACTOR_CACHE", help="Folder of models; else the user's cache."),
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
    from extractor.llm.local.models import default_model, list_models

    with errors_for_people():
        models = list_models(cache_dir)
        if as_json:
            places = [{"default": m == default_model(), "path": str(path) if path else None} for m, path in models]
            rows = [asdict(model) | place for (model, _), place in zip(models, places, strict=True)]
            typer.echo(json.dumps(rows, indent=2))
            return
        head = ("name", "installed", "bytes", "licence", "source", "about")
        cells = [
            (m.name, "yes" if path else "no", str(m.bytes), m.licence, ", ".join(map(str, m.sources)), m.about)
            for m, path in models
        ]
        print_table(head, cells, prose={*head} - {"bytes"}, apart=False)


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Models to pull; see `extractor model list`.")],
    *,
    cache_dir: CacheOption = None,
) -> None:
    """Download models to this machine, and print where their weights are.

    The next pull resumes an interrupted one. A model that is already here is left alone, without use of the network.
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
        str, typer.Argument(metavar="NAME", help="A pulled model, or a .gguf file; else the default.")
    ] = "",
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 for any free one.")] = 0,
    slots: Annotated[int, typer.Option(min=1, help="Requests answered at once.")] = 1,
    context: Annotated[int, typer.Option(min=256, help="Longest prompt and answer of a request, in tokens.")] = 12288,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads; else all cores but one.")] = None,
    cache_dir: CacheOption = None,
) -> None:
    """Serve a pulled model to OpenAI-compatible clients on this machine, until Ctrl-C.

    Standard output gets one line, the base URL. Clients must send the token in
    EXTRACTOR_MODEL_TOKEN; without one in the environment, a random token is shown once.
    """
    from extractor.llm.local.models import find_model, locate_model
    from extractor.llm.local.server import ServerSettings, serve_model

    token = os.environ.get("EXTRACTOR_MODEL_TOKEN")  # not an option: other users of the machine can see command lines
    given: dict[str, Any] = {key: value for key, value in (("threads", threads), ("token", token)) if value}
    with errors_for_people():
        settings = ServerSettings(slots=slots, context=context, port=port, **given)
        model = find_model(name)
        label = model.stem if isinstance(model, Path) else model.name
        weights = locate_model(name, cache_dir=cache_dir)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` and container runtimes stop it like Ctrl-C
        try:
            with serve_model(weights, settings, name=label) as server:
                typer.echo(f"{label}: {slots} at once, {context} tokens each; Ctrl-C stops it", err=True)
                typer.echo(f"use it with --model {server.base_url}#{label}", err=True)
                if not token:
                    typer.echo(
                        f"and EXTRACTOR_MODEL_TOKEN={server.token} in the environment (shown only here)", err=True
                    )
                print(server.base_url, flush=True)  # last, so that a script knows that nothing follows
                server.wait()
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)


@app.command("prices")
def list_prices(
    files: Annotated[list[Path] | None, typer.Option("--prices", help="A file of prices, before known ones.")] = None,
    example: Annotated[bool, typer.Option("--example", help="Print an example file of prices.")] = False,
) -> None:
    """List the prices of tokens with their dates and sources, in US dollars per million tokens.

    A table on a terminal, tab-separated when piped.
    """
    from importlib.resources import files as resources

    from .money import find_prices, print_prices

    with errors_for_people():
        if example:
            print((resources("extractor.cli") / "prices.example.toml").read_text("utf-8"), end="")
        else:
            print_prices(find_prices(files or ()))


@contextmanager
def _show_bytes(name: str) -> "Iterator[Progress]":
    """Show a progress bar on standard error with size, rate and time left; nothing when piped."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as ProgressBar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = sys.stderr.isatty()
    with ProgressBar(*columns, TimeRemainingColumn(), console=Console(stderr=True), disable=not shown) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
