"""Command options, grouped as in the help output.

``extractor.options`` declares the options that affect an extraction.
"""

from collections.abc import Iterable, Iterator
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import Field

from extractor.options import (
    COST,
    FILES,
    LIMITS,
    MODEL,
    RARE,
    SERVICE,
    SPEED,
    WHAT,
    AtOnce,
    ColumnNames,
    ExtractionOptions,
    ExtractorOptions,
    ModelOptions,
    Options,
    Shown,
    Workers,
)
from extractor.schemas import Task

PositiveCount = Annotated[int | None, Field(ge=1, le=10**12)]
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
"""The option groups in the order of the help output. Arguments have no group, so None represents
them.
"""


def option(panel: str, text: str | None, *names: str, **more: Any) -> Any:
    """Return a ``typer.Option`` in a help group. If ``names`` is empty, the option is named after
    its parameter.
    """
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


def name_option(name: str) -> str:
    """Return an option's name on the command line: ``--max-usd`` for ``max_usd``."""
    return f"--{name.replace('_', '-')}"


def option_of(model: type[Options], name: str, **more: Any) -> Any:
    """Return the ``typer.Option`` for a field of an options model, or the ``typer.Argument`` for a
    field without a help group.
    """
    field = model.model_fields[name]
    [shown] = [entry for entry in field.metadata if isinstance(entry, Shown)]
    more["metavar"] = shown.metavar
    if shown.group is None:
        return typer.Argument(help=field.description, **more)
    names = (shown.name or name_option(name)).split()
    return option(shown.group, field.description, *names, envvar=shown.envvar, **more)


def list_parameters(model: type[Options]) -> Iterator[Parameter]:
    """Yield the typer parameters of an options model. A required field has no default; a field
    whose default is not text, a number or a truth value has the default None.
    """
    for name, field in model.model_fields.items():
        [shown] = [entry for entry in field.metadata if isinstance(entry, Shown)]
        value_type = shown.kind or field.annotation
        annotation = Annotated[value_type, option_of(model, name)]  # type: ignore[valid-type]
        default = field.default
        if field.is_required():
            default = Parameter.empty
        elif not isinstance(default, str | int | float):
            # the help would show "[default: ()]" for an empty list; read_options drops None, so
            # that the field keeps its own default
            default = None
        yield Parameter(
            name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default
        )


def read_options(model: type[Options], values: dict[str, object]) -> Options:
    """Return the validated command-line options. An option whose value is None was not given and
    has its default. Raises ``ValueError`` if an option is invalid; the message refers to the option
    by its command-line name.
    """
    return model.read(
        {name: value for name, value in values.items() if value is not None},
        name_option,
    )


def split_pairs(pairs: Iterable[str], name: str, prefix: str = "") -> dict[str, str]:
    """Return the NAME=VALUE pairs of the option ``name`` as a dictionary, whose keys start with
    ``prefix``. Raises ``ValueError`` for another text, or if a name is repeated.
    """
    parts = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or prefix + key.strip() in parts:
            raise ValueError(f"{name} {pair}: write each name once, as in NAME=VALUE")
        parts[prefix + key.strip()] = text.strip()
    return parts


def find_panel_index(parameter: Parameter) -> int:
    """Return the index of a parameter's group in the help output."""
    return PANELS.index(parameter.annotation.__metadata__[0].rich_help_panel)


def check_page(path: Path | None) -> Path | None:
    """Return the path of an HTML page; None if the option is not given. Raises
    ``typer.BadParameter`` if its folder does not exist, or if its name does not end in .html or
    .htm, so that no other kind of file is overwritten.
    """
    if path and path.suffix.casefold() not in (".html", ".htm"):
        raise typer.BadParameter(f"{path}: specify a file name that ends with .html")
    if path and not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: the folder {path.parent} does not exist")
    return path


RunArgument = Annotated[
    Path,
    typer.Argument(metavar="RUN", exists=True, file_okay=False, help="A run's folder."),
]
_RUNS = typer.Argument(
    metavar="RUN",
    help="Folders of runs, their extractions.jsonl, or gold; several are one input.",
)
RunsArgument = Annotated[list[Path], _RUNS]
RunsOrNone = Annotated[list[Path] | None, _RUNS]
"""For a command whose last argument is not a run: it reports missing runs itself."""
ForceOption = Annotated[bool, option(FILES, "Overwrite existing files.", "--force")]
SheetOption = Annotated[
    Path | None,
    option(
        FILES, "Write the rows to a file, such as rows.csv or rows.xlsx.", "--to", "-o"
    ),
]
HtmlOption = Annotated[
    Path | None,
    option(FILES, "Write an HTML page.", "--html", callback=check_page),
]
JsonOption = Annotated[bool, option(FILES, "Print JSON.", "--json")]
RecordsOption = Annotated[
    list[Path] | None,
    option(
        FILES,
        "The input records, if they were moved after the run; repeatable.",
        metavar="INPUT",
        exists=True,
    ),
]


class RecordOptions(ExtractionOptions, ModelOptions):
    """The options of ``run``, ``batch submit`` and ``batch collect``."""

    inputs: Annotated[tuple[str, ...], Shown(None, "INPUT", list[str])]
    """Files, folders, globs, NCT numbers, or - for stdin."""
    columns: ColumnNames = {}  # noqa: RUF012 - pydantic copies it
    """Your names of a table's columns: id=trial,title=name."""
    out: Annotated[str | None, Shown(FILES, "DIR", name="--out -o")] = None
    """Results folder (default: standard output)."""
    limit: Annotated[PositiveCount, Shown(FILES, "N")] = None
    """Extract only the first N records."""
    fresh: Annotated[bool, Shown(FILES)] = False
    """Replace the results of an earlier run in --out; its cost no longer counts."""
    quiet: Annotated[bool, Shown(FILES, name="--quiet -q")] = False
    """Hide the progress display and the summary."""
    log_json: Annotated[str | None, Shown(RARE, "FILE")] = None
    """Append events to FILE as JSON; - writes to stderr."""


class AnswerOptions(RecordOptions):
    """The options of ``run`` and ``batch collect``, which read answers."""

    max_lacking: Annotated[
        float, Field(ge=0, le=1), Shown(RARE, "0..1", envvar="EXTRACTOR_MAX_LACKING")
    ] = 0.05
    """Maximum share of questions without a usable answer."""


class RunOptions(AnswerOptions, ExtractorOptions):
    """The options of ``run``."""

    dry_run: Annotated[bool, Shown(COST)] = False
    """Forecast calls, time and cost without calling the model."""
    concurrency: AtOnce = 8
    """Maximum number of concurrent requests."""
    workers: Workers = None
    """Number of processes (default: all cores)."""


class SubmitOptions(RecordOptions):
    """The options of ``batch submit``."""

    requests: Annotated[Path | None, Shown(FILES, "FILE")] = None
    """Write the questions to a batch file, without using the network."""
    dry_run: Annotated[bool, Shown(COST)] = False
    """Forecast calls, time and cost without calling the model."""


class CollectOptions(AnswerOptions):
    """The options of ``batch collect``."""

    answers: Annotated[
        tuple[Path, ...] | None, Shown(FILES, "FILE", list[Path] | None)
    ] = None
    """Read answers from a provider's file, without using the network; repeatable."""
    requests: Annotated[Path | None, Shown(FILES, "FILE")] = None
    """Write to FILE the questions that --answers leaves unanswered."""
    rounds: Annotated[int, Field(ge=1), Shown(RARE, "N")] = 4
    """Maximum number of consecutive batches, and of batches that a question is in."""
    poll: Annotated[float, Field(ge=0), Shown(RARE, "S")] = 5.0
    """Seconds until the first poll."""


FieldsOption = Annotated[list[str] | None, option_of(RunOptions, "fields")]
ComparedFieldsOption = Annotated[
    list[str] | None,
    option(
        WHAT,
        "Compare only these fields, such as minimum_age,constraints, or those defined in a file "
        "of custom fields; repeatable.",
        metavar="NAME,...|PLACE",
    ),
]
LimitOption = Annotated[int | None, option_of(RunOptions, "limit", min=1)]
ColumnsOption = Annotated[list[str] | None, option_of(RunOptions, "columns")]
FreshOption = Annotated[bool, option_of(RunOptions, "fresh")]
QuietOption = Annotated[bool, option_of(RunOptions, "quiet")]
TasksOption = Annotated[str, option_of(RunOptions, "tasks")]
MinConfidenceOption = Annotated[float, option_of(RunOptions, "min_confidence")]
ModelOption = Annotated[str | None, option_of(RunOptions, "model")]
