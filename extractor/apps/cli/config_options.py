"""The options ``--config`` and ``--no-config`` of each command, and what a file of options gave."""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any

import typer

from extractor.apps.cli.config import (
    FileOption,
    OptionsFile,
    check_file,
    choose_defaults,
    find_file,
    list_commands,
)
from extractor.apps.cli.console import errors_for_people, say
from extractor.apps.cli.trust import is_trusted
from extractor.errors import ArgumentError
from extractor.options import RARE

_STATE = "extractor.config"
"""Where typer's context keeps the state."""
_EXAMINING = "doctor"
"""The command that reports a broken file instead of ending with it."""


@dataclass
class ConfigState:
    """The file of options that a command uses, all its options, and those for the command by
    parameter; or what is wrong with it.
    """

    is_ignored: bool = False
    file: OptionsFile | None = None
    options: tuple[FileOption, ...] = ()
    chosen: "dict[str, FileOption] | None" = None
    problem: str = ""


def find_state(context: typer.Context) -> ConfigState:
    """Return the state of a command; a group and its command share one."""
    state = context.meta.setdefault(_STATE, ConfigState())
    assert isinstance(state, ConfigState)
    return state


def find_words(context: typer.Context) -> str:
    """Return the words of a command after the program's name, such as "batch submit"."""
    words: list[str] = []
    here: Any = context
    while here.parent is not None:
        words.insert(0, here.info_name)
        here = here.parent
    return " ".join(words)


def _ignore(context: typer.Context, is_ignored: bool) -> None:
    """Note that ``--no-config`` was given. It stays so for the commands inside a group."""
    if is_ignored:
        find_state(context).is_ignored = True


def _take(context: typer.Context, named: str | None) -> None:
    """Make the options of the file the defaults of the command."""
    if context.resilient_parsing:  # completion in the shell
        return
    state = find_state(context)
    if state.is_ignored:
        return
    with errors_for_people():
        try:
            _set_defaults(context, state, named)
        except ArgumentError as error:
            if find_words(context) != _EXAMINING:
                raise
            state.problem = str(error)


def _set_defaults(
    context: typer.Context, state: ConfigState, named: str | None
) -> None:
    """Read the file in use, keep it in the state, and make its options the defaults of the command;
    nothing without a file. Raises ``ArgumentError`` for a file that is not right.
    """
    state.file = find_file(named)
    if state.file is None:
        return
    commands = dict(list_commands(context.find_root().command))
    state.options = check_file(state.file, commands)
    state.chosen = choose_defaults(state.options, find_words(context), context.command)
    defaults = {name: option.value for name, option in state.chosen.items()}
    context.default_map = defaults


def list_config_parameters() -> Iterator[Parameter]:
    """Yield the parameters that typer needs for both options."""
    ignoring = typer.Option(
        "--no-config",
        callback=_ignore,
        is_eager=True,
        help="Read no file of options.",
        rich_help_panel=RARE,
    )
    reading = typer.Option(
        "--config",
        callback=_take,
        is_eager=True,
        metavar="FILE",
        envvar="EXTRACTOR_CONFIG",
        help="A file of options, trusted; else extractor.toml or pyproject.toml here.",
        rich_help_panel=RARE,
    )
    # In this order: the first decides whether the second reads a file.
    for name, kind, declared, default in (
        ("no_config", bool, ignoring, False),
        ("config", str | None, reading, None),
    ):
        annotation = Annotated[kind, declared]  # type: ignore[valid-type]
        yield Parameter(
            name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )


def tell_taken(context: typer.Context) -> dict[str, str]:
    """Say on standard error which options a file gave. Return where each stands in it, by
    parameter.

    Raises ``ArgumentError`` if the file may not set one, since the user has not trusted it.
    """
    state = find_state(context)
    file = state.file
    if file is None:
        return {}
    taken = {
        name: option
        for name, option in (state.chosen or {}).items()
        if _is_from_file(context, name)
    }
    if not taken:
        return {}
    risky = [option for option in taken.values() if option.risk]
    if risky and not is_trusted(file, state.options):
        first = risky[0]
        raise ArgumentError(
            f"{file}: {first.place} {first.risk}, so a file that merely lies in this folder may "
            "not set it; if the file is yours: extractor config trust; if not: --no-config"
        )
    places = ", ".join(sorted(option.place for option in taken.values()))
    say(f"options of {file}: {places} (--no-config leaves them out)")
    return {name: f"{file}: {option.place}" for name, option in taken.items()}


def _is_from_file(context: typer.Context, name: str) -> bool:
    """Return whether an option's value is that of the file: neither the command line nor the
    environment gave one.
    """
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT_MAP"
