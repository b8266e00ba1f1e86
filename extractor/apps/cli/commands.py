"""Commands whose usage errors name the nearest command, option or value."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType

from extractor.apps.cli.console import OK, errors_for_people
from extractor.apps.cli.options import PANELS, list_parameters, read_given
from extractor.options import RARE, Options


class _Helpful:
    """Behaviour that commands and groups of commands share."""

    def get_help_option(self: Any, ctx: Any) -> Any:
        """Return the option ``--help``, in the first of few groups or the last of many: none is
        for it alone.
        """
        option = super().get_help_option(ctx)  # type: ignore[misc]
        panels = [
            one.rich_help_panel
            for one in self.params
            if one.param_type_name == "option"
        ]
        if option is not None and panels and None not in panels:
            option.rich_help_panel = RARE if RARE in panels else panels[0]
        return option

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the arguments. An error of usage says what is nearest, or what to give."""
        try:
            return super().make_context(*args, **extra)  # type: ignore[misc]
        except typer.TyperException as error:
            _explain(error)
            raise


class Command(_Helpful, TyperCommand):
    """A command."""


class CommandGroup(_Helpful, TyperGroup):
    """A group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """List the options, with False for a flag that is not given: typer would load pydantic
        to read its None.
        """
        found: list[Any] = [*super().get_params(ctx)]
        for one in found:
            if one.type_descriptor.annotation is bool and one.default is None:
                one.default = False
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name. The error for another name suggests the nearest, also one
        of a group inside.
        """
        from extractor.schemas.arguments import find_nearest

        try:
            return self._click_resolve_command(ctx, args)
        except typer.TyperException as error:
            own = {
                name: command
                for name, command in self.commands.items()
                if not command.hidden
            }
            inner = (
                (each, name)
                for name, command in own.items()
                for each in getattr(command, "commands", ())
            )
            known = {each: f"{name} {each}" for each, name in inner} | {
                name: name for name in own
            }
            nearest = find_nearest(args[0], list(known))
            if nearest:
                error.message = (
                    f"No such command {args[0]!r}. Did you mean '{ctx.command_path} "
                    f"{known[nearest]}'?"
                )
            raise


class Commands(typer.Typer):
    """A ``typer.Typer`` whose commands and groups give these errors."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=CommandGroup, **options)

    def command(
        self, name: str | None = None, **options: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a command, as ``typer.Typer.command``. What it returns is the exit code; its
        errors are for people.

        A parameter that is a model of options, such as ``RunOptions``, stands for the options that
        it declares.
        """
        register = super().command(name, cls=Command, **options)

        def add(command: CommandFunctionType) -> CommandFunctionType:
            register(complete(command))
            return command

        return add


def complete(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that typer calls, with all options in the order of the groups of help.

    That of a group of commands does nothing if one of these is called.
    """
    given = signature(command)
    kinds = {name: one.annotation for name, one in given.parameters.items()}
    models = {
        name: kind
        for name, kind in kinds.items()
        if isinstance(kind, type) and issubclass(kind, Options)
    }

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        if context.invoked_subcommand:
            return
        with errors_for_people():
            made = {name: read_given(model, values) for name, model in models.items()}
            code = command(**values, **made)
        raise SystemExit(code or OK)

    found = [Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, one in given.parameters.items():
        found += (
            list_parameters(models[name])
            if name in models
            else [one.replace(kind=Parameter.KEYWORD_ONLY)]
        )

    def place_in_help(option: Parameter) -> int:  # arguments come first
        metadata = getattr(option.annotation, "__metadata__", ())
        return max(
            (
                PANELS.index(one.rich_help_panel)
                for one in metadata
                if one.rich_help_panel
            ),
            default=-1,
        )

    run.__signature__ = given.replace(parameters=sorted(found, key=place_in_help))  # type: ignore[attr-defined]
    return run


def _explain(error: Any) -> None:
    """Improve the message of a usage error. typer's classes are private; the attributes tell
    which one it is.
    """
    from extractor.schemas.arguments import suggest

    param = getattr(error, "param", None)
    if hasattr(error, "possibilities"):
        name = error.option_name
        command = error.ctx.command
        known = [
            option
            for one in command.get_params(error.ctx)
            for option in one.opts
            if option.startswith("--")
        ]
        error.message += suggest(name, known)
        error.possibilities = None
    elif param is not None and hasattr(error, "param_type"):
        error.message = param.help or ""
    elif param is not None:
        error.message = error.message.removeprefix("Value error, ")
        if error.message.endswith("does not exist."):
            error.message += f" {param.help}"
        choices = param.type_descriptor.choices
        if choices and error.__cause__ is not None:
            value = str(error.__cause__.errors()[0]["input"])
            error.message = (
                f"no such choice: {value}{suggest(value, choices)}; choose from "
                f"{', '.join(choices)}"
            )
        elif param.type_descriptor.is_datetime:
            error.message = f"no such date; write it as {param.metavar}"
