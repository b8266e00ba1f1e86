"""``extractor serve``: the product as a service over HTTP, and the keys of its callers."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import OK, errors_for_people

if TYPE_CHECKING:
    from extractor.serve.callers import CallerBook
    from extractor.serve.settings import ServiceSettings

__all__ = ["app"]

_REMEDY = "serve needs fastapi, uvicorn and prometheus-client; install them with: pip install 'trial-extractor[serve]'"
_EXTRA = frozenset({"fastapi", "prometheus_client", "starlette", "uvicorn"})
_SHORTEST_TOKEN = 16

RootOption = Annotated[
    Path | None,
    typer.Option("--root", file_okay=False, envvar="EXTRACTOR_ROOT", help="Where keys and jobs are kept."),
]

app = typer.Typer(help="Serve extractions over HTTP, and the keys of those who call.", invoke_without_command=True)
keys = typer.Typer(help="Who may call, and how much.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8400,
    root: RootOption = None,
    model: Annotated[
        str | None,
        typer.Option(help="A hosted model's name, or http://host:port/v1#NAME.", envvar="EXTRACTOR_MODEL"),
    ] = None,
    prices: Annotated[
        list[Path] | None, typer.Option(help="A file of prices, before those that are known. Repeatable.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Records at the model at once.")] = 16,
    requests_per_minute: Annotated[
        float | None, typer.Option(min=0.01, help="Each process sends the model no more.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that extract by the rules; all cores if left out.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs under way at once.")] = 2,
    queue: Annotated[int, typer.Option(min=1, help="Extractions under way or waiting; then 429.")] = 256,
    max_bytes: Annotated[int, typer.Option(min=1, help="Largest body of an extraction.")] = 5_000_000,
    max_upload_bytes: Annotated[int, typer.Option(min=1, help="Largest upload of a job.")] = 1_000_000_000,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one extraction.")] = 60.0,
    log_json: Annotated[
        str | None, typer.Option(metavar="FILE", help="Append what happens to a file, as JSON lines; - is stderr.")
    ] = None,
) -> None:
    """Serve extractions over HTTP until Ctrl-C.

    Standard output gets one line, the URL. Clients send the token in
    EXTRACTOR_TOKEN as a bearer token; without one in the environment, the one in
    ROOT/token is used, which is made at the first start and which only you can
    read. `keys add` makes keys for others.

    Jobs are kept under --root, and go on when the service starts again. A model
    server that wants a key gets the one in EXTRACTOR_MODEL_TOKEN.
    """
    if context.invoked_subcommand:
        return
    with errors_for_people():
        serve_service = _load()
        chosen_root = _choose_root(root)
        token, token_file = _choose_token(host, chosen_root)
        from extractor.run.executor import count_cores
        from extractor.serve.settings import Bounds

        bounds = Bounds(max_bytes, max_upload_bytes, queue, workers or count_cores(), concurrency, jobs, timeout)
        asked = {"model": model, "prices": prices or (), "requests_per_minute": requests_per_minute}
        settings = _settle(chosen_root, token, bounds, asked)
        from .interrupts import observing

        with observing(log_json):
            try:
                serve_service(settings, host, port, lambda url: _say(url, token_file))
            except KeyboardInterrupt:
                typer.echo("stopped", err=True)
    raise SystemExit(OK)


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Small letters, digits, - and _.")],
    root: RootOption = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="600 if left out.")] = None,
    max_bytes: Annotated[int | None, typer.Option(min=1, help="Largest body; the service's if left out.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="Extractions at once; 16 if left out.")] = None,
    max_jobs: Annotated[int | None, typer.Option(min=1, help="Jobs kept at once; 20 if left out.")] = None,
    max_usd: Annotated[
        float | None, typer.Option(min=0, help="Dollars for the model in a calendar month; no limit if left out.")
    ] = None,
) -> None:
    """Make a key, and print it. It is not kept, and cannot be shown again."""
    from extractor.serve.callers import CallerLimits

    chosen: dict[str, Any] = {
        "requests_per_minute": requests_per_minute,
        "max_bytes": max_bytes,
        "max_concurrent": max_concurrent,
        "max_jobs": max_jobs,
        "max_usd": max_usd,
    }
    with errors_for_people():
        limits = CallerLimits(**{what: limit for what, limit in chosen.items() if limit is not None})
        print(_open_book(root).add(name, limits))


@keys.command("list")
def list_keys(root: RootOption = None) -> None:
    """List callers, tab-separated: their limits, and what they have spent this month."""
    with errors_for_people():
        print("name\tmade\trequests per minute\tbytes\tat once\tjobs\tusd\tspent usd\ttokens")
        for caller, made, spent in _open_book(root):
            limits = caller.limits
            told = (
                limits.requests_per_minute,
                limits.max_bytes,
                limits.max_concurrent,
                limits.max_jobs,
                limits.max_usd,
            )
            cells = ["" if limit is None else str(limit) for limit in told]
            tokens = spent.usage.prompt_tokens + spent.usage.output_tokens
            cost = f"{spent.picodollars / 1e12:.4f}" + " and more" * bool(spent.unpriced)
            print("\t".join((caller.name, made, *cells, cost, str(tokens))))


@keys.command("revoke")
def revoke_key(name: str, root: RootOption = None) -> None:
    """Make a key invalid at once. The caller's jobs are kept."""
    with errors_for_people():
        _open_book(root).revoke(name)


def _load() -> "Any":
    """The server, or a word on the extra that it needs."""
    from extractor.errors import MissingExtra

    try:
        from extractor.serve.serve import serve_service
    except ImportError as error:
        if (error.name or "").partition(".")[0] in _EXTRA:
            raise MissingExtra(_REMEDY) from error
        raise
    return serve_service


def _settle(root: Path, token: str, bounds: "Any", asked: dict[str, Any]) -> "ServiceSettings":
    from extractor.llm.client import ClientSettings
    from extractor.llm.spec import ModelKind
    from extractor.run.budget import Limits, Pricing
    from extractor.serve.settings import ServiceSettings

    from .environment import read_service_model
    from .money import find_prices

    spec = read_service_model(asked["model"]) if asked["model"] else None
    if spec and spec.kind is ModelKind.LOCAL:
        raise ValueError(f"{spec} would run in each process: start `extractor model serve`, and name the URL it prints")
    pricing = Pricing.of(spec, find_prices(asked["prices"]), Limits(), in_batches=False)
    asking = ClientSettings(requests_per_minute=asked["requests_per_minute"])
    return ServiceSettings(root, token, spec, pricing, asking, bounds)


def _choose_token(host: str, root: Path) -> tuple[str, Path | None]:
    """The token of the operator, and the file that it is in unless it comes from the environment."""
    from extractor.serve.loopback import is_loopback
    from extractor.serve.token_file import read_or_make_token

    from .environment import read_token

    token, file = read_token(), None
    if token is None:
        if not is_loopback(host):
            raise ValueError(f"--host {host} can be reached by others: set EXTRACTOR_TOKEN to a secret of your own")
        token, file = read_or_make_token(root)
    if len(token) < _SHORTEST_TOKEN:
        raise ValueError(
            f"{file or 'EXTRACTOR_TOKEN'} has less than {_SHORTEST_TOKEN} characters; `openssl rand -hex 32` makes one"
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


def _say(url: str, token: Path | None) -> None:
    if token:
        command = f"export EXTRACTOR_TOKEN=$(cat {shlex.quote(str(token))})"
        typer.echo(f"extractor: clients need the token in {token}; in their shell: {command}", err=True)
    print(url)  # last: a script that reads it knows that all is said
    sys.stdout.flush()
