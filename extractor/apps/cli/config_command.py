"""``extractor config``: which file of options is in use, and whether it is trusted."""

from typing import Annotated

import typer

from extractor.apps.cli.commands import Commands, complete
from extractor.apps.cli.config import OptionsFile
from extractor.apps.cli.config_options import ConfigState, find_state
from extractor.apps.cli.console import OK, print_table, say
from extractor.apps.cli.trust import forget, is_trusted, trust
from extractor.errors import ArgumentError

app = Commands(invoke_without_command=True)


@app.callback(invoke_without_command=True)
@complete
def config(context: typer.Context) -> int:
    """Show which file gives options to commands in this folder.

    It is extractor.toml, or the table [tool.extractor] of pyproject.toml. Some
    options send records, spend money or run code: model, fields, base-url and
    the like. A file may set these only if you trust it, or name it with --config.
    """
    state = find_state(context)
    file = _find_file(state)
    trusted = is_trusted(file, state.options)
    rows = [
        (option.place, str(option.value), _describe(option.risk, trusted=trusted))
        for option in state.options
    ]
    names = ("option", "value", "needs trust")
    print_table(names, rows, prose=names, apart=False)
    say(f"options of {file}")
    return OK


def _describe(risk: str, *, trusted: bool) -> str:
    """Return whether an option needs trust: why (``risk``, empty if it needs none), and whether the
    file has it.
    """
    if not risk:
        return "no"
    if trusted:
        return f"{risk}: trusted"
    return f"{risk}: not trusted"


@app.command("trust")
def trust_(
    context: typer.Context,
    undo: Annotated[bool, typer.Option("--undo", help="Trust it no more.")] = False,
) -> None:
    """Trust the file of options in this folder, as it is now.

    Look at it first. If it later sets another model, or another option that
    needs trust, commands refuse it until you trust it again.
    """
    state = find_state(context)
    file = _find_file(state)
    if undo:
        forget(file)
        say(f"{file} is not trusted now")
        return
    trust(file, state.options)
    risky = [option.place for option in state.options if option.risk]
    needing = ", ".join(risky) or "no option that needs it"
    say(f"{file} is trusted, with {needing}")


def _find_file(state: ConfigState) -> OptionsFile:
    """Return the file in use. Raises ``ArgumentError`` if there is none."""
    if state.file is None:
        raise ArgumentError(
            "no file of options is in use here; write extractor.toml, or a table "
            "[tool.extractor] in pyproject.toml"
        )
    return state.file
