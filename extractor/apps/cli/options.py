"""Command options, grouped as the help output shows them.

``extractor.options`` declares those that decide an extraction.
"""

from collections.abc import Iterator
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import Field

from extractor.apps.serve.settings import LIMITS, SERVICE
from extractor.options import (
    COST,
    FILES,
    MODEL,
    RARE,
    SPEED,
    WHAT,
    ExtractionOptions,
    ExtractorOptions,
    ModelOptions,
    Options,
    Shown,
)
from extractor.schemas import Task

Most = Annotated[int | None, Field(ge=1, le=10**12)]
ALL_TASKS: Final = ",".join(Task)
QUERY: Final = "Which records"
SCORES: Final = "Scores"
PANELS: Final = (
    None,
    FILES,
    WHAT,
    QUERY,
    MODEL,
    COST,
    SERVICE,
    SPEED,
    LIMITS,
    SCORES,
    RARE,
)
"""The groups in the order of help; arguments have none."""


def option(panel: str, text: str | None, *names: str, **more: Any) -> Any:
    """Return a ``typer.Option`` of a group of help. Without names it is named after its
    parameter.
    """
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def name_option(name: str) -> str:
    """Return how the command line names an option: ``--max-usd`` for ``max_usd``."""
    return f"--{name.replace('_', '-')}"


def option_of(model: type[Options], name: str, **more: Any) -> Any:
    """Return the ``typer.Option`` or ``typer.Argument`` of a field of a model of options."""
    field = model.model_fields[name]
    [shown] = [one for one in field.metadata if isinstance(one, Shown)]
    more["metavar"] = shown.metavar
    if shown.group is None:
        return typer.Argument(help=field.description, **more)
    names = (shown.name or name_option(name)).split()
    return option(shown.group, field.description, *names, envvar=shown.envvar, **more)


def list_parameters(model: type[Options]) -> Iterator[Parameter]:
    """Yield the parameters by which typer reads a model of options."""
    for name, field in model.model_fields.items():
        [shown] = [one for one in field.metadata if isinstance(one, Shown)]
        kind = shown.kind or field.annotation
        annotation = Annotated[kind, option_of(model, name)]  # type: ignore[valid-type]
        default = field.default
        if field.is_required():
            default = Parameter.empty
        elif not isinstance(default, str | int | float):
            default = None  # help shows no default for an empty list
        yield Parameter(
            name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default
        )


def read_given(model: type[Options], values: dict[str, Any]) -> Options:
    """Check the given options of a model. Raises ``ValueError`` that names the option as the
    command line does.
    """
    given = {name: value for name, value in values.items() if value is not None}
    return model.read(given, name_option)


def find_place(parameter: Parameter) -> int:
    """Return the place of a parameter's group in help."""
    return PANELS.index(parameter.annotation.__metadata__[0].rich_help_panel)


def check_page(path: Path | None) -> Path | None:
    """Reject a path if writing the page would overwrite a file of another kind, or if its folder
    does not exist.
    """
    if path and path.suffix.casefold() not in (".html", ".htm"):
        raise typer.BadParameter(f"{path}: name a file that ends with .html")
    if path and not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: the folder {path.parent} does not exist")
    return path


RunArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", exists=True, file_okay=False, help="The folder of a run."
    ),
]
ForceOption = Annotated[bool, option(FILES, "Replace files that exist.", "--force")]
SheetOption = Annotated[
    Path | None, option(FILES, "Write a file, such as .csv or .xlsx.", "--to", "-o")
]
HtmlOption = Annotated[
    Path | None,
    option(FILES, "Write a page of HTML.", "--html", callback=check_page),
]
JsonOption = Annotated[bool, option(FILES, "Print JSON.", "--json")]
RecordsOption = Annotated[
    list[Path] | None,
    option(
        FILES,
        "The records, if they have moved since the run.",
        metavar="INPUT",
        exists=True,
    ),
]


class RecordOptions(ExtractionOptions, ModelOptions):
    """The options of ``run``, ``batch submit`` and ``batch collect``."""

    inputs: Annotated[tuple[str, ...], Shown(None, "INPUT", list[str])]
    """Files, folders, globs, NCT numbers, or - for stdin."""
    out: Annotated[str | None, Shown(FILES, "DIR", name="--out -o")] = None
    """Folder for the results (default: standard output)."""
    limit: Annotated[Most, Shown(FILES, "N")] = None
    """Only the first N records."""
    fresh: Annotated[bool, Shown(FILES)] = False
    """Replace what an earlier run left in --out."""
    quiet: Annotated[bool, Shown(FILES, name="--quiet -q")] = False
    """No progress, no summary."""
    log_json: Annotated[str | None, Shown(RARE, "FILE")] = None
    """Append events as JSON; - is stderr."""


class RunOptions(RecordOptions, ExtractorOptions):
    """The options of ``run``."""

    dry_run: Annotated[bool, Shown(COST)] = False
    """Forecast calls, time and cost; ask nothing."""
    concurrency: Annotated[int, Field(ge=1), Shown(SPEED, "N")] = 8
    """Concurrent requests."""
    workers: Annotated[int | None, Field(ge=1, le=10_000), Shown(SPEED, "N")] = None
    """Number of processes (default: all cores)."""
    max_lacking: Annotated[
        float, Field(ge=0, le=1), Shown(RARE, "0..1", envvar="EXTRACTOR_MAX_LACKING")
    ] = 0.05
    """Maximum number of questions without a usable answer, as a share."""


class SubmitOptions(RecordOptions):
    """The options of ``batch submit``."""

    requests: Annotated[Path | None, Shown(FILES, "FILE")] = None
    """Write a batch file; no network."""
    dry_run: Annotated[bool, Shown(COST)] = False
    """Forecast calls, time and cost; ask nothing."""


class CollectOptions(RecordOptions):
    """The options of ``batch collect``."""

    answers: Annotated[
        tuple[Path, ...] | None, Shown(FILES, "FILE", list[Path] | None)
    ] = None
    """Answers of a provider; no network. Repeatable."""
    requests: Annotated[Path | None, Shown(FILES, "FILE")] = None
    """Write the questions that --answers leaves open."""
    rounds: Annotated[int, Field(ge=1), Shown(RARE, "N")] = 4
    """Maximum number of batches in sequence."""
    poll: Annotated[float, Field(ge=0), Shown(RARE, "S")] = 5.0
    """Seconds before the first poll."""


FieldsOption = Annotated[list[str] | None, option_of(RunOptions, "fields")]
ComparedFieldsOption = Annotated[
    list[str] | None,
    option(
        WHAT,
        "Only these, such as minimum_age,constraints; or the file of your own fields. "
        "Repeatable.",
        metavar="NAME,...|PLACE",
    ),
]
LimitOption = Annotated[int | None, option_of(RunOptions, "limit", min=1)]
FreshOption = Annotated[bool, option_of(RunOptions, "fresh")]
QuietOption = Annotated[bool, option_of(RunOptions, "quiet")]
TasksOption = Annotated[str, option_of(RunOptions, "tasks")]
MinConfidenceOption = Annotated[float, option_of(RunOptions, "min_confidence")]
ModelOption = Annotated[str | None, option_of(RunOptions, "model")]
