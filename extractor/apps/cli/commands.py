"""Commands whose usage errors name the nearest command, option or value."""

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType

from extractor.apps.cli.config_options import (
    find_words,
    list_config_parameters,
    tell_taken,
)
from extractor.apps.cli.console import OK, errors_for_people
from extractor.apps.cli.help_examples import list_examples
from extractor.apps.cli.options import PANELS, list_parameters, read_given
from extractor.options import RARE, Options

_HELP: Final = ["--help", "-h"]


def _show_no_type(ctx: Any) -> str:  # noqa: ARG001 - called as typer's own
    return ""


class _Helpful:
    """Behaviour that commands and groups of commands share."""

    def get_help_option(self: Any, ctx: Any) -> Any:
        """Return the option ``--help``, in the first of few groups or the last of many: none is
        for it alone.
        """
        option = super().get_help_option(ctx)  # type: ignore[misc]
        panels = [
            parameter.rich_help_panel
            for parameter in self.params
            if parameter.param_type_name == "option"
        ]
        are_all_in_panels = bool(panels) and None not in panels
        if option is None or not are_all_in_panels:
            return option
        option.rich_help_panel = RARE if RARE in panels else panels[0]
        return option

    def get_help_option_names(self: Any, ctx: Any) -> list[str]:
        """Return the names of the option for help, the short one last."""
        return list(ctx.help_option_names)

    def get_params(self, ctx: Any) -> list[Any]:
        """List arguments and options. Help shows no type for a flag, which takes no value, and
        none for an argument, whose help says what it is.
        """
        parameters: list[Any] = [*super().get_params(ctx)]  # type: ignore[misc]
        for parameter in parameters:
            is_argument = parameter.param_type_name == "argument"
            if is_argument or parameter.is_flag:
                parameter.display_type_rich = _show_no_type
        return parameters

    def format_help(self: Any, ctx: Any, formatter: Any) -> None:
        """Print the help with the command's examples at its end."""
        examples = list_examples(find_words(ctx))
        if examples:
            ctx.command.epilog = "\n".join(("Examples:", *examples))
        super().format_help(ctx, formatter)  # type: ignore[misc]

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
        parameters = super().get_params(ctx)
        for parameter in parameters:
            is_flag = parameter.type_descriptor.annotation is bool
            if is_flag and parameter.default is None:
                parameter.default = False
        return parameters

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name. The error for another name suggests the nearest, also one
        of a group inside.
        """
        from extractor.schemas.arguments import find_nearest

        try:
            return self._click_resolve_command(ctx, args)
        except typer.TyperException as error:
            full_names = self._list_full_names()
            nearest = find_nearest(args[0], list(full_names))
            if nearest:
                error.message = (
                    f"No such command {args[0]!r}. Did you mean '{ctx.command_path} "
                    f"{full_names[nearest]}'?"
                )
            raise

    def _list_full_names(self) -> dict[str, str]:
        """Return what to write for each command, also for those of a group inside: "batch submit"
        for "submit".
        """
        full_names: dict[str, str] = {}
        own_names: dict[str, str] = {}
        for name, command in self.commands.items():
            if command.hidden:
                continue
            own_names[name] = name
            for inner_name in getattr(command, "commands", ()):
                full_names[inner_name] = f"{name} {inner_name}"
        return full_names | own_names


class Commands(typer.Typer):
    """A ``typer.Typer`` whose commands and groups give these errors."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            cls=CommandGroup, context_settings={"help_option_names": _HELP}, **options
        )

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
    declared = signature(command)
    models: dict[str, type[Options]] = {}
    of_context: list[str] = []
    for name, parameter in declared.parameters.items():
        kind = parameter.annotation
        if kind is typer.Context:
            of_context.append(name)
        elif isinstance(kind, type) and issubclass(kind, Options):
            models[name] = kind

    @wraps(command)
    def run(context: typer.Context, **values: Any) -> None:
        if context.invoked_subcommand:
            return
        del values["config"], values["no_config"]  # their callbacks have read them
        with errors_for_people():
            places = tell_taken(context)
            # Reading a model takes its values out of those that remain for the command.
            options = {
                name: read_given(model, values, places)
                for name, model in models.items()
            }
            contexts = dict.fromkeys(of_context, context)
            code = command(**values, **options, **contexts)
        raise SystemExit(code or OK)

    parameters = [
        Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    ]
    for name, parameter in declared.parameters.items():
        if name in models:
            parameters += list_parameters(models[name])
        elif name not in of_context:
            parameters.append(parameter.replace(kind=Parameter.KEYWORD_ONLY))
    parameters += list_config_parameters()
    parameters.sort(key=_find_place_in_help)
    run.__signature__ = declared.replace(parameters=parameters)  # type: ignore[attr-defined]
    return run


def _find_place_in_help(parameter: Parameter) -> int:
    """Return the place of an option's group in help; arguments, which have none, come first."""
    for shown in getattr(parameter.annotation, "__metadata__", ()):
        if shown.rich_help_panel:
            return PANELS.index(shown.rich_help_panel)
    return -1


def _explain(error: Any) -> None:
    """Improve the message of a usage error. typer's classes are private; the attributes tell
    which one it is.
    """
    from extractor.schemas.arguments import suggest

    is_unknown_option = hasattr(error, "possibilities")
    if is_unknown_option:
        options = []
        for parameter in error.ctx.command.get_params(error.ctx):
            options += [name for name in parameter.opts if name.startswith("--")]
        error.message += suggest(error.option_name, options)
        # typer would add its own suggestion.
        error.possibilities = None
        return
    param = getattr(error, "param", None)
    if param is None:
        return
    is_missing = hasattr(error, "param_type")
    if is_missing:
        error.message = param.help or ""
        return
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
