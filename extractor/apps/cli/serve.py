"""``extractor serve``: serve extractions over HTTP, and manage the callers' keys."""

import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.apps.cli.commands import Commands, complete
from extractor.apps.cli.console import say
from extractor.apps.cli.options import option_of
from extractor.apps.serve.settings import (
    LIMITS,
    SERVICE,
    ServiceOptions,
    ServiceSettings,
    choose_root,
    choose_token,
)
from extractor.options import COST, SPEED

if TYPE_CHECKING:
    from extractor.apps.serve.callers import CallerBook

_EXTRA = frozenset({"aiolimiter", "fastapi", "sse_starlette", "starlette", "uvicorn"})

RootOption = Annotated[Path | None, option_of(ServiceOptions, "root")]
DaysOption = Annotated[
    float | None,
    typer.Option(
        "--days",
        min=0.001,
        metavar="DAYS",
        help="Days until the key expires; never if left out.",
        rich_help_panel=LIMITS,
    ),
]
MoneyOption = Annotated[
    float | None,
    typer.Option(
        "--max-usd",
        min=0,
        metavar="USD",
        help="Most dollars for the model in all; no limit if left out.",
        rich_help_panel=COST,
    ),
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="As `keys list` shows it.")
]

app = Commands(invoke_without_command=True)
keys = Commands(help="Manage callers' keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
@complete
def serve(options: ServiceOptions) -> None:
    """Serve extractions over HTTP until Ctrl-C, and manage callers' keys.

    Standard output gets one line, the URL. Clients send the token in
    EXTRACTOR_TOKEN as a bearer token. Without one in the environment, the service
    uses ROOT/token, a file that it creates at the first start and that only you
    can read. `keys add` makes keys for others.

    Jobs are kept under --root, and resume when the service restarts. The key for
    a model server is EXTRACTOR_MODEL_TOKEN.
    """
    with _needing_extra():
        from extractor.apps.serve.app import serve_service
        from extractor.apps.serve.callers import has_begun
    from extractor.apps.cli.environment import choose_model
    from extractor.apps.cli.progress import observing
    from extractor.run.executor import count_cores

    root = choose_root(options.root)
    is_new = not has_begun(root)
    token, token_file = choose_token(
        os.environ.get("EXTRACTOR_TOKEN"), options.host, root
    )
    if not is_new:
        _refuse_key_of_caller(root, token)
    spec, pricing = choose_model(options)
    settings = ServiceSettings(
        options, root, token, spec, pricing, options.workers or count_cores()
    )

    def announce(url: str) -> None:
        if is_new:
            say(f"a new service begins in {root}: it has no callers and no jobs")
        if token_file:
            command = f"export EXTRACTOR_TOKEN=$(cat {shlex.quote(str(token_file))})"
            say(f"clients need the token in {token_file}; in their shell: {command}")
        if options.playground:
            say(f"to try a text, open {url} in a browser, and give it the token")
        print(url, flush=True)  # last, so that a script knows that nothing follows

    # the server has its own handler, and ends by the signal itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with observing(options.log_json, is_private=True):
        try:
            serve_service(settings, options.host, options.port, announce)
        except KeyboardInterrupt:
            typer.echo("stopped", err=True)


def _refuse_key_of_caller(root: Path, token: str) -> None:
    """Raise ``ValueError`` if the operator's token is a caller's key: the caller would become the
    operator, who sees the jobs of all.
    """
    from extractor.apps.serve.callers import CallerBook

    with closing(CallerBook(root)) as book:
        owner = book.find_owner(token)
    if owner:
        raise ValueError(
            f"EXTRACTOR_TOKEN is the key of the caller {owner}, who would see the jobs of all: "
            "unset it, or set the operator's token"
        )


@app.command("spent")
def show_spent(root: RootOption = None) -> None:
    """Print the dollars that the model has cost over all starts, also while the service runs.

    It is what --max-usd limits: calls under way and calls without a reply count at
    the most that they may cost, calls without a known price not at all.
    """
    with _needing_extra():
        from extractor.apps.serve.callers import check_root, read_spent

    print(f"{read_spent(check_root(choose_root(root))):.4f}")


@app.command("drain")
def drain_service(root: RootOption = None) -> None:
    """Wait until no job runs, before you stop the service for an update. New jobs are
    refused meanwhile, and until the next start; single extractions go on.

    Ctrl-C ends the wait, and the service takes new jobs again.
    """
    with _needing_extra():
        from extractor.apps.serve.callers import check_root
        from extractor.apps.serve.drain import drain
        from extractor.apps.serve.job import JobState

    states = drain(check_root(choose_root(root)), say)
    print("no job runs, and none begins before the next start: stop the service now")
    for state, remark in (
        (JobState.QUEUED, "begins after the start"),
        (JobState.PAUSED, "goes on after the start"),
    ):
        if states[state]:
            print(f"{state.value}: {states[state]} ({remark})")


@keys.command("add")
def add_key(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Small letters, digits, - and _.")
    ],
    root: RootOption = None,
    requests_per_minute: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Most requests in a minute.",
            rich_help_panel=SPEED,
        ),
    ] = 600,
    days: DaysOption = None,
    max_usd: MoneyOption = None,
    new: Annotated[
        bool,
        typer.Option(
            "--new",
            help="Begin the root if no service has begun there.",
            rich_help_panel=SERVICE,
        ),
    ] = False,
) -> None:
    """Create a key and print it. It is not stored, and cannot be shown again.

    Before the first start of the service there is no root yet: --new begins it.
    """
    book = _open_book(root, begins=new)
    print(book.add(name, requests_per_minute, days, max_usd))


@keys.command("renew")
def renew_key(
    name: NameArgument, root: RootOption = None, days: DaysOption = None
) -> None:
    """Replace a caller's key and print the new one. The caller keeps its jobs."""
    print(_open_book(root).renew(name, days))


@keys.command("limit")
def limit_key(
    name: NameArgument, root: RootOption = None, max_usd: MoneyOption = None
) -> None:
    """Change what a caller may spend in all, at once. Paused jobs can then be resumed."""
    _open_book(root).limit(name, max_usd)


@keys.command("list")
def list_keys(
    root: RootOption = None,
    all_: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also callers whose key was revoked.",
            rich_help_panel=SERVICE,
        ),
    ] = False,
) -> None:
    """List callers, tab-separated, with their limits and the dollars that they have spent."""
    book = _open_book(root)
    from extractor.apps.serve.callers import read_spent_of_callers

    spent = read_spent_of_callers(choose_root(root))
    callers = book.list_all() if all_ else book
    print("name\tmade\trequests per minute\texpires\tid\tmax usd\tspent usd\tkey")
    for caller in callers:
        expires = caller.expires or "never"
        limit = "none" if caller.max_usd is None else f"{caller.max_usd:g}"
        print(
            caller.name,
            caller.made,
            caller.requests_per_minute,
            expires,
            caller.id,
            limit,
            f"{spent.get(caller.id, 0):.4f}",
            caller.state,
            sep="\t",
        )


@keys.command("revoke")
def revoke_key(name: NameArgument, root: RootOption = None) -> None:
    """Revoke a key at once, and stop the caller's jobs. Their results are kept, for the
    operator.
    """
    _open_book(root).revoke(name)


def _open_book(root: Path | None, *, begins: bool = False) -> "CallerBook":
    """Open the callers of a service. Raises ``ArgumentError`` for a folder in which no service has
    begun, unless this ``begins`` it.
    """
    with _needing_extra():
        from extractor.apps.serve.callers import CallerBook, check_root

    from extractor.apps.cli.environment import find_user

    folder = choose_root(root)
    if not begins:
        check_root(folder)
    return CallerBook(folder, by=find_user())


@contextmanager
def _needing_extra() -> Iterator[None]:
    """Name the extra if a library that the block imports is not installed."""
    try:
        yield
    except ImportError as error:
        from extractor.errors import MissingExtra

        if (error.name or "").partition(".")[0] in _EXTRA:
            raise MissingExtra(f"serve needs {error.name}", "serve") from error
        raise
