"""The root command, which lists all commands and imports only the command that is called."""

import gc
import signal
import sys
from functools import cache
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.console import errors_for_people
from extractor.apps.cli.process import prepare_process
from extractor.masking import mask_standard_error

COMMANDS: Final = {
    "run": "Extract records into a results folder.",
    "batch": "Extract through a provider's batch API, or through files.",
    "fetch": "Download records from ClinicalTrials.gov.",
    "parse": "Show what the rules extract, and which rules apply.",
    "report": "Write an HTML page that shows a run's texts and values.",
    "list": "List values, doubts, findings, absences or failures.",
    "review": "Correct a run in the browser.",
    "export": "Write tables or FHIR resources.",
    "match": "Compare patients with the criteria of trials.",
    "evaluate": "Score extractions against gold.",
    "gold": "Import and export gold as spreadsheets.",
    "diff": "Compare two versions of trials.",
    "doctor": "Check the installation.",
    "serve": "Serve extractions over HTTP.",
    "mcp": "Serve tools to an agent over MCP.",
    "schema": "Print the JSON Schema of an extraction.",
}
"""The summary of each command in the help output, keyed by the command's name. Each command's
module contains a function with the same name, or a command group called ``app``.
"""

_NEW_OBJECTS = 50_000


@cache
def _load(name: str) -> object:
    """Import a command, and return it as a click command."""
    module = import_module(f"extractor.apps.cli.{name}")
    if hasattr(module, "app"):
        group = typer.main.get_group(module.app)
        group.name = name
        return group
    single = Commands(add_completion=False)
    # The function is called `list_` because `list` is a Python built-in.
    single.command(name)(getattr(module, name, None) or getattr(module, f"{name}_"))
    return typer.main.get_command(single)


class Root(TyperGroup):
    """The group that contains all commands. Printing its help does not import them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """Import and return a command."""
        if cmd_name in COMMANDS:
            return _load(cmd_name)
        return None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """Write the command list."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = Commands(name="extractor", cls=Root, no_args_is_help=True, rich_markup_mode=None)


def _print_version(is_set: bool) -> None:
    if is_set:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and few commands need it

        typer.echo(version("trial-extractor"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Extract eligibility, dosing and endpoints, with evidence, from clinical-trial records."""


def main() -> None:
    """Run the console script. SIGTERM, which batch systems and containers send to stop a process,
    is treated as Ctrl-C.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        # in a background job, the shell may have disabled SIGINT
        if not callable(signal.getsignal(signal.SIGINT)):
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, interrupt)
    # otherwise, the collector would use a tenth of the start to scan what is imported
    gc.set_threshold(_NEW_OBJECTS)
    prepare_process(sys.argv[1:])
    mask_standard_error()
    # what the help and the version print, too
    with errors_for_people():
        app()
