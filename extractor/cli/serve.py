"""``extractor serve``: serve extractions over HTTP, and manage the callers' keys."""

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .commands import Commands
from .console import OK, errors_for_people
from .options import (
    COST,
    LIMITS,
    MODEL,
    SERVICE,
    SPEED,
    EffortOption,
    LogOption,
    ModelOptionOption,
    PricesOption,
    ReasoningOption,
    RequestsPerMinuteOption,
    WorkersOption,
    read_model_options,
)

if TYPE_CHECKING:
    from extractor.serve.callers import CallerBook

_EXTRA = frozenset({"aiolimiter", "fastapi", "sse_starlette", "starlette", "uvicorn"})
_SHORTEST_TOKEN = 16

RootOption = Annotated[
    Path | None,
    typer.Option(
        "--root", file_okay=False, envvar="EXTRACTOR_ROOT", help="Folder of keys and jobs.", rich_help_panel=SERVICE
    ),
]

app = Commands(invoke_without_command=True)
keys = Commands(help="Manage callers' keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.", rich_help_panel=SERVICE)] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="0 for any free one.", rich_help_panel=SERVICE)
    ] = 8400,
    root: RootOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="A hosted model's name, or http://host:port/v1#NAME.",
            envvar="EXTRACTOR_MODEL",
            rich_help_panel=MODEL,
        ),
    ] = None,
    effort: EffortOption = "medium",
    concurrency: Annotated[
        int, typer.Option(min=1, metavar="N", help="Records at the model at once.", rich_help_panel=SPEED)
    ] = 16,
    requests_per_minute: RequestsPerMinuteOption = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="S", help="Seconds for one extraction.", rich_help_panel=SPEED)
    ] = 60.0,
    workers: WorkersOption = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Jobs under way at once.", rich_help_panel=LIMITS)] = 2,
    queue: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Extractions under way or waiting; then 429.", rich_help_panel=LIMITS),
    ] = 256,
    max_bytes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Largest body of an extraction.", rich_help_panel=LIMITS)
    ] = 5_000_000,
    max_upload_bytes: Annotated[
        int, typer.Option(min=1, metavar="N", help="Largest upload of a job.", rich_help_panel=LIMITS)
    ] = 1_000_000_000,
    max_usd: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="USD", help="Most dollars for the model while the service runs.", rich_help_panel=COST
        ),
    ] = None,
    prices: PricesOption = None,
    reasoning: ReasoningOption = None,
    model_option: ModelOptionOption = None,
    log_json: LogOption = None,
) -> None:
    """Serve extractions over HTTP until Ctrl-C, and manage callers' keys.

    Standard output gets one line, the URL. Clients send the token in
    EXTRACTOR_TOKEN as a bearer token. Without one in the environment, the service
    uses ROOT/token, a file that it creates at the first start and that only you
    can read. `keys add` makes keys for others.

    Jobs are kept under --root, and resume when the service restarts. The key for
    a model server is EXTRACTOR_MODEL_TOKEN.
    """
    if context.invoked_subcommand:
        return
    with errors_for_people():
        serve_service = _load()
        chosen_root = _choose_root(root)
        token, token_file = _choose_token(host, chosen_root)
        from extractor.cost.budget import Limits, Pricing
        from extractor.llm.providers import Reasoning
        from extractor.options import read_effort
        from extractor.run.executor import count_cores
        from extractor.serve.settings import ServiceSettings

        from .environment import read_model_spec
        from .forecast import find_prices
        from .interrupts import observing

        spec = read_model_spec(model) if model else None
        effort_of_reasoning = Reasoning(reasoning) if reasoning else None
        settings = ServiceSettings(
            chosen_root,
            token,
            spec,
            read_effort(effort),
            Pricing.of(spec, find_prices(prices or ()), Limits(max_usd), effort_of_reasoning),
            requests_per_minute,
            max_bytes,
            max_upload_bytes,
            queue,
            workers or count_cores(),
            concurrency,
            jobs,
            timeout,
            effort_of_reasoning,
            read_model_options(model_option or ()),
        )
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the server has its own handler, and ends by the signal itself
        with observing(log_json):
            try:
                serve_service(settings, host, port, lambda url: _announce(url, token_file))
            except KeyboardInterrupt:
                typer.echo("stopped", err=True)
    raise SystemExit(OK)


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, - and _.")],
    root: RootOption = None,
    requests_per_minute: Annotated[int, typer.Option(min=1, metavar="N", help="Most requests in a minute.")] = 600,
) -> None:
    """Create a key and print it. It is not stored, and cannot be shown again."""
    with errors_for_people():
        print(_open_book(root).add(name, requests_per_minute))


@keys.command("list")
def list_keys(root: RootOption = None) -> None:
    """List callers, tab-separated, with their limits."""
    with errors_for_people():
        print("name\tmade\trequests per minute")
        for caller, made in _open_book(root):
            print(caller.name, made, caller.requests_per_minute, sep="\t")


@keys.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `keys list` shows it.")], root: RootOption = None
) -> None:
    """Revoke a key at once. The caller's jobs are kept."""
    with errors_for_people():
        _open_book(root).revoke(name)


def _load() -> Any:
    """Import the server. Raises ``MissingExtra`` if its libraries are not installed."""
    from extractor.errors import MissingExtra

    try:
        from extractor.serve.app import serve_service
    except ImportError as error:
        if (error.name or "").partition(".")[0] in _EXTRA:
            raise MissingExtra(f"serve needs {error.name}", "serve") from error
        raise
    return serve_service


def _choose_token(host: str, root: Path) -> tuple[str, Path | None]:
    """Return the operator's token, and its file unless the token comes from the environment."""
    from extractor.serve.settings import is_loopback, read_or_make_token

    token, file = os.environ.get("EXTRACTOR_TOKEN"), None
    if not token:
        if not is_loopback(host):
            raise ValueError(f"--host {host} can be reached by others: set EXTRACTOR_TOKEN to a secret of your own")
        token, file = read_or_make_token(root)
    if len(token) < _SHORTEST_TOKEN:
        raise ValueError(
            f"{file or 'EXTRACTOR_TOKEN'} has fewer than {_SHORTEST_TOKEN} characters; `openssl rand -hex 32` makes one"
        )
    return token, file


def _choose_root(root: Path | None) -> Path:
    if root:
        return root
    import platformdirs

    return platformdirs.user_data_path("trial-extractor", appauthor=False) / "service"


def _open_book(root: Path | None) -> "CallerBook":
    from extractor.serve.callers import CallerBook

    return CallerBook(_choose_root(root))


def _announce(url: str, token: Path | None) -> None:
    if token:
        command = f"export EXTRACTOR_TOKEN=$(cat {shlex.quote(str(token))})"
        typer.echo(f"extractor: clients need the token in {token}; in their shell: {command}", err=True)
    print(url)  # last, so that a script knows that nothing follows
    sys.stdout.flush()
