"""``extractor serve``: serve extractions over HTTP, and manage the callers' keys."""

import os
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import Commands
from .console import OK, errors_for_people, say
from .options import (
    COST,
    LIMITS,
    SERVICE,
    SPEED,
    EffortOption,
    FieldsOption,
    LogOption,
    ModelOption,
    ModelOptionOption,
    PricesOption,
    ReasoningOption,
    RequestsPerMinuteOption,
    WorkersOption,
    option,
    read_custom_fields,
    read_model_options,
)

if TYPE_CHECKING:
    from extractor.serve.callers import CallerBook

_EXTRA = frozenset({"aiolimiter", "fastapi", "sse_starlette", "starlette", "uvicorn"})
_SHORTEST_TOKEN = 16

RootOption = Annotated[
    Path | None, option(SERVICE, "Folder of keys and jobs.", "--root", file_okay=False, envvar="EXTRACTOR_ROOT")
]

DaysOption = Annotated[
    float | None,
    typer.Option("--days", min=0.001, metavar="DAYS", help="Days until the key expires; never if left out."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As `keys list` shows it.")]

app = Commands(invoke_without_command=True)
keys = Commands(help="Manage callers' keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
def serve(
    context: typer.Context,
    host: Annotated[str, option(SERVICE, "Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, option(SERVICE, "0 for any free one.", min=0, max=65535, metavar="N")] = 8400,
    root: RootOption = None,
    model: ModelOption = None,
    effort: EffortOption = "medium",
    fields: FieldsOption = None,
    concurrency: Annotated[int, option(SPEED, "Records at the model at once.", min=1, metavar="N")] = 16,
    requests_per_minute: RequestsPerMinuteOption = None,
    timeout: Annotated[float, option(SPEED, "Seconds for one extraction.", min=0.1, metavar="S")] = 60.0,
    workers: WorkersOption = None,
    jobs: Annotated[int, option(LIMITS, "Jobs under way at once.", min=1, metavar="N")] = 2,
    queue: Annotated[int, option(LIMITS, "Extractions under way or waiting; then 429.", min=1, metavar="N")] = 256,
    max_bytes: Annotated[int, option(LIMITS, "Largest body of an extraction.", min=1, metavar="N")] = 5_000_000,
    max_upload_bytes: Annotated[int, option(LIMITS, "Largest upload of a job.", min=1, metavar="N")] = 1_000_000_000,
    keep_days: Annotated[
        float | None, option(LIMITS, "Delete jobs this many days after they end.", min=0, metavar="DAYS")
    ] = None,
    max_usd: Annotated[
        float | None, option(COST, "Most dollars for the model, over all starts with this root.", min=0, metavar="USD")
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
        try:
            from extractor.serve.app import serve_service
        except ImportError as error:
            from extractor.errors import MissingExtra

            if (error.name or "").partition(".")[0] in _EXTRA:
                raise MissingExtra(f"serve needs {error.name}", "serve") from error
            raise
        chosen_root = _choose_root(root)
        token, token_file = _choose_token(host, chosen_root)
        from extractor.cost.budget import Limits, Pricing
        from extractor.llm.providers import Reasoning
        from extractor.options import read_effort
        from extractor.run.executor import count_cores
        from extractor.serve.settings import ServiceSettings

        from .environment import find_prices, read_model_spec
        from .interrupts import observing

        spec = read_model_spec(model) if model else None
        effort_of_reasoning = Reasoning(reasoning) if reasoning else None
        settings = ServiceSettings(
            root=chosen_root,
            token=token,
            model=spec,
            effort=read_effort(effort),
            pricing=Pricing.of(spec, find_prices(prices or ()), Limits(max_usd), effort_of_reasoning),
            requests_per_minute=requests_per_minute,
            max_bytes=max_bytes,
            max_upload_bytes=max_upload_bytes,
            queue=queue,
            workers=workers or count_cores(),
            concurrency=concurrency,
            jobs=jobs,
            timeout_s=timeout,
            keep_days=keep_days,
            reasoning=effort_of_reasoning,
            model_options=read_model_options(model_option or ()),
            fields=read_custom_fields(fields),
        )

        def announce(url: str) -> None:
            if token_file:
                command = f"export EXTRACTOR_TOKEN=$(cat {shlex.quote(str(token_file))})"
                say(f"clients need the token in {token_file}; in their shell: {command}")
            print(url, flush=True)  # last, so that a script knows that nothing follows

        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the server has its own handler, and ends by the signal itself
        with observing(log_json):
            try:
                serve_service(settings, host, port, announce)
            except KeyboardInterrupt:
                typer.echo("stopped", err=True)
    raise SystemExit(OK)


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, - and _.")],
    root: RootOption = None,
    requests_per_minute: Annotated[int, typer.Option(min=1, metavar="N", help="Most requests in a minute.")] = 600,
    days: DaysOption = None,
) -> None:
    """Create a key and print it. It is not stored, and cannot be shown again."""
    print(_open_book(root).add(name, requests_per_minute, days))


@keys.command("renew")
def renew_key(name: NameArgument, root: RootOption = None, days: DaysOption = None) -> None:
    """Replace a caller's key and print the new one. The caller keeps its jobs."""
    print(_open_book(root).renew(name, days))


@keys.command("list")
def list_keys(root: RootOption = None) -> None:
    """List callers, tab-separated, with their limits."""
    print("name\tmade\trequests per minute\texpires\tid")
    for caller in _open_book(root):
        expires = caller.expires or "never"
        print(caller.name, caller.made, caller.requests_per_minute, expires, caller.id, sep="\t")


@keys.command("log")
def list_changes(root: RootOption = None) -> None:
    """List all changes of keys, tab-separated, the oldest first."""
    print("time\tchange\tid")
    for change in _open_book(root).changes():
        print(*change, sep="\t")


@keys.command("revoke")
def revoke_key(name: NameArgument, root: RootOption = None) -> None:
    """Revoke a key at once, and stop the caller's jobs. Their results are kept, for the operator."""
    _open_book(root).revoke(name)


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
