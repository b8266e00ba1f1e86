"""Typer commands that return their exit code, print each expected error on one line, and take their
options as a pydantic model.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

from extractor.apps.cli.console import OK, errors_for_people


class Command(TyperCommand):
    """A command whose messages about wrong values are without pydantic's words."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises ``typer.BadParameter`` for a wrong value."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            # typer reads choices with pydantic: "Value error, 'doubt' is not one of ..."
            error.message = error.message.removeprefix("Value error, ")
            raise


class Commands(typer.Typer):
    """A ``typer.Typer`` whose commands are wrapped by ``as_command``."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            context_settings={"help_option_names": ["-h", "--help"]},
            pretty_exceptions_enable=False,
            **settings,
        )

    def command(
        self, name: str | None = None, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a command, like ``typer.Typer.command``."""
        register = super().command(name, cls=Command, **settings)

        def add(command: CommandFunctionType) -> CommandFunctionType:
            register(as_command(command))
            return command

        return add


def as_command(command: Callable[..., object]) -> Callable[..., object]:
    """Wrap ``command`` so that typer can call it and its return value becomes the exit code.

    If the command has a parameter ``options``, annotated with a model such as ``RunOptions``, the
    model's fields become the command's options. A parameter ``context`` is typer's context. The
    function of a command group, such as ``serve``,
    is not called when one of its subcommands is called.
    """
    from extractor.apps.cli.options import (  # noqa: PLC0415 - loads pydantic, which the list of commands does not need
        find_panel_index,
        list_parameters,
        read_options,
    )

    command_signature = signature(command)
    model = command_signature.parameters.get("options")

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        if context.invoked_subcommand:
            return
        with errors_for_people():
            if model:
                values = {"options": read_options(model.annotation, values)}
            if "context" in command_signature.parameters:
                values["context"] = context
            code = command(**values)
        raise SystemExit(code or OK)

    command_parameters: Iterable[Parameter] = [
        parameter
        for name, parameter in command_signature.parameters.items()
        if name != "context"
    ]
    if model:
        command_parameters = list_parameters(model.annotation)
    # as the groups of options follow each other in the help
    parameters = sorted(
        (
            parameter.replace(kind=Parameter.KEYWORD_ONLY)
            for parameter in command_parameters
        ),
        key=find_panel_index,
    )
    context_parameter = Parameter(
        "context", Parameter.KEYWORD_ONLY, annotation=typer.Context
    )
    # typer reads the options of a command from its signature
    taken = [context_parameter, *parameters]
    run.__signature__ = command_signature.replace(parameters=taken)  # type: ignore[attr-defined]
    return run


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether an option stands on the command line, and not only in the environment."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
