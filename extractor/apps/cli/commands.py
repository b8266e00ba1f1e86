"""Commands that return their exit code, print expected errors in plain words, and take models of
options.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

from extractor.apps.cli.console import OK, errors_for_people

_NO_NUMBER = {"int_parsing": "is no whole number", "float_parsing": "is no number"}


class Command(TyperCommand):
    """A command that tells in plain words which choice or number is wrong."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of a call, as ``TyperCommand.parse_args``."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            # typer prints the words of pydantic, whose error it raises from
            list_problems = getattr(error.__cause__, "errors", list)
            for problem in list_problems()[:1]:
                reason = problem.get("ctx", {}).get("error")
                if problem["type"] in _NO_NUMBER:
                    reason = f"{problem['input']!r} {_NO_NUMBER[problem['type']]}."
                error.message = str(reason or error.message)
            raise


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
        register = super().command(name, **{"cls": Command, **settings})

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
