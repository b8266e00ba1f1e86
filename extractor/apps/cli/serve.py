"""``extractor serve``: serve extractions over HTTP, and manage callers' keys."""

import os
import shlex
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from extractor.apps.cli.commands import Commands, as_command
from extractor.apps.cli.console import print_table, requiring, say
from extractor.apps.cli.options import option, option_of
from extractor.apps.cli.progress import observing
from extractor.apps.serve.drain import drain
from extractor.apps.serve.settings import (
    ServiceOptions,
    ServiceSettings,
    choose_root,
    choose_token,
)
from extractor.apps.serve.store import check_root, has_begun, open_store
from extractor.options import COST, LIMITS, SERVICE

if TYPE_CHECKING:
    from extractor.apps.serve.keys import Keys

RootOption = Annotated[Path | None, option_of(ServiceOptions, "root")]
DaysOption = Annotated[
    float | None,
    option(
        LIMITS,
        "Days until the key expires (default: never).",
        min=0.001,
        metavar="DAYS",
    ),
]
MoneyOption = Annotated[
    float | None,
    option(
        COST,
        "Maximum total model cost in dollars (default: no limit).",
        min=0,
        metavar="USD",
    ),
]
NewOption = Annotated[
    bool,
    option(SERVICE, "Create the root if it does not exist yet.", "--new"),
]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Lower-case letters, digits, - and _.")
]

app = Commands(invoke_without_command=True)
keys = Commands(help="Manage callers' keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@app.callback(invoke_without_command=True)
@as_command
def serve(options: ServiceOptions) -> None:
    """Serve extractions over HTTP until Ctrl-C is pressed, and manage callers' keys.

    When the service is ready, it prints one line to standard output: its URL. Clients send the
    token in EXTRACTOR_TOKEN as a bearer token. If EXTRACTOR_TOKEN is not set, the service uses the
    token in ROOT/token, a file that it creates on its first start and that only you can read. To
    create keys for other callers, use `keys add`.

    Jobs are stored under --root, and resume when the service restarts. The key for
    a model server is EXTRACTOR_MODEL_TOKEN.
    """
    with requiring(
        "serve",
        "fastapi",
        "prometheus_client",
        "sse_starlette",
        "starlette",
        "uvicorn",
    ):
        from extractor.apps.serve.app import serve_service  # noqa: PLC0415 - belongs to an extra
    from extractor.apps.cli.environment import choose_model  # noqa: PLC0415 - slow, and `serve keys` needs none of it
    from extractor.run.executor import count_cores  # noqa: PLC0415 - as above

    root = choose_root(options.root)
    # opening the keys below creates the service
    is_new = not has_begun(root)
    token, token_file = choose_token(
        os.environ.get("EXTRACTOR_TOKEN"), options.host, root
    )
    with _open_keys(root, creates=True) as known_keys:
        owner = known_keys.find_owner(token)
    if owner:
        raise ValueError(
            f"EXTRACTOR_TOKEN is the key of the caller {owner}, who would see all jobs; unset it, "
            "or set it to the operator's token"
        )
    setup, pricing = choose_model(options)
    settings = ServiceSettings(
        options,
        root,
        token,
        setup.choice.spec,
        pricing,
        options.workers or count_cores(),
    )

    def announce(url: str) -> None:
        if is_new:
            say(f"created a new service in {root}, without callers or jobs")
        if token_file:
            command = f"$(cat {shlex.quote(str(token_file))})"
            say(f"clients need the token: export EXTRACTOR_TOKEN={command}")
        if options.playground:
            say(f"to try a text, open {url} in a browser and enter the token")
        print(url, flush=True)  # last, so that scripts can wait for it

    with observing(options.log_json):
        serve_service(settings, options.host, options.port, announce)
    say("stopped")


@app.command("spent")
def show_spent(root: RootOption = None) -> None:
    """Print the total model cost in dollars, including the cost incurred before any restarts. You
    can use this command while the service is running.

    This is the amount that --max-usd limits. Calls in progress and calls without a reply are
    counted at their maximum cost; calls without a known price are not counted.
    """
    with closing(open_store(check_root(choose_root(root)))) as store:
        dollars = store.value("SELECT total(dollars) FROM spending")
    print(f"{dollars:.4f}")


@app.command("drain")
def drain_service(root: RootOption = None) -> None:
    """Wait until no job is running, so that you can stop the service for an update. New jobs are
    rejected until the service restarts; single extractions are still answered.

    Press Ctrl-C to stop waiting and accept new jobs again.
    """
    drain(check_root(choose_root(root)))
    print(
        "no job is running, and none will start before the next restart: stop the service now"
    )


@keys.command("add")
def add_key(
    name: NameArgument,
    root: RootOption = None,
    days: DaysOption = None,
    max_usd: MoneyOption = None,
    new: NewOption = False,
) -> None:
    """Create a key and print it. The key is not stored and cannot be shown again.

    To create a key before the service's first start, use --new, which creates the root.
    """
    with _open_keys(root, creates=new) as book:
        print(book.add(name, days, max_usd))


@keys.command("renew")
def renew_key(
    name: NameArgument, root: RootOption = None, days: DaysOption = None
) -> None:
    """Replace a caller's key and print the new one. The caller keeps its jobs."""
    with _open_keys(root) as book:
        print(book.renew(name, days))


@keys.command("limit")
def limit_key(
    name: NameArgument, root: RootOption = None, max_usd: MoneyOption = None
) -> None:
    """Change a caller's total spending limit immediately. Paused jobs can then be resumed."""
    with _open_keys(root) as book:
        book.limit(name, max_usd)


@keys.command("list")
def list_keys(root: RootOption = None) -> None:
    """List callers with their limits and spending, tab-separated."""
    with _open_keys(root) as book:
        print_table(
            ("name", "made", "expires", "id", "max usd", "spent usd", "key"),
            (map(str, row) for row in book.list_callers()),
        )


@keys.command("revoke")
def revoke_key(name: NameArgument, root: RootOption = None) -> None:
    """Revoke a key at once, and stop the caller's jobs. The results are kept for the
    operator.
    """
    with _open_keys(root) as book:
        book.revoke(name)


@contextmanager
def _open_keys(root: Path | None, *, creates: bool = False) -> "Iterator[Keys]":
    """Open the keys of the service in ``root``. If ``creates`` is set, creates the service if it
    does not exist; otherwise, raises ``ArgumentError`` if no service has used the folder.
    """
    with requiring("serve", "fastapi"):
        from extractor.apps.serve.keys import Keys  # noqa: PLC0415 - belongs to an extra

    place = choose_root(root)
    if not creates:
        check_root(place)
    with closing(open_store(place)) as store:
        yield Keys(store)
