"""Commands that return their exit code, print expected errors in plain words, and take models of
options.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import typer
from typer.models import CommandFunctionType

from extractor.apps.cli.console import OK, errors_for_people


class Commands(typer.Typer):
    """A ``typer.Typer`` of such commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            context_settings={"help_option_names": ["-h", "--help"]},
            pretty_exceptions_enable=False,
            **settings,
        )

    def command(
        self, name: str | None = None, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a command, as ``typer.Typer.command``."""
        register = super().command(name, **settings)

        def add(command: CommandFunctionType) -> CommandFunctionType:
            register(complete(command))
            return command

        return add


def complete(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that typer calls. It ends with the exit code that ``command`` returns.

    The only parameter ``options`` of a command, a model such as ``RunOptions``, becomes the options
    that the model declares. The function of a group does nothing if a command of the group is
    called.
    """
    from extractor.apps.cli.options import find_place, list_parameters, read_given

    declared = signature(command)
    model = declared.parameters.get("options")

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        if context.invoked_subcommand:
            return
        with errors_for_people():
            if model:
                values = {"options": read_given(model.annotation, values)}
            code = command(**values)
        raise SystemExit(code or OK)

    given: Iterable[Parameter] = declared.parameters.values()
    if model:
        given = list_parameters(model.annotation)
    parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in given]
    parameters.sort(key=find_place)
    context = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    run.__signature__ = declared.replace(parameters=[context, *parameters])  # type: ignore[attr-defined]
    return run
