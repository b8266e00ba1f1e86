"""Options that several commands share, in the groups in which help shows them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from .console import split_names

if TYPE_CHECKING:
    from extractor.fields import CustomField

FILES: Final = "Input and output"
WHAT: Final = "What to extract"
MODEL: Final = "Model"
COST: Final = "Cost"
SPEED: Final = "Speed"
MACHINES: Final = "Many machines"
QUERY: Final = "Which records"
SCORES: Final = "Scores"
SERVICE: Final = "Service"
LIMITS: Final = "Limits"
RARE: Final = "Rarely needed"
PANELS: Final = (FILES, WHAT, QUERY, MODEL, COST, SERVICE, SPEED, MACHINES, LIMITS, SCORES, RARE)
"""The groups in the order in which help shows them."""

ALL_TASKS: Final = "eligibility,dosing,endpoints"


def option(panel: str, text: str, *names: str, **more: Any) -> Any:
    """Return a ``typer.Option`` in a group of help, with its help. Without names it is named after its parameter."""
    return typer.Option(*names, help=text, rich_help_panel=panel, **more)


RunArgument = Annotated[
    Path,
    typer.Argument(metavar="RUN", exists=True, file_okay=False, help="Folder that extractor run --out wrote."),
]
TasksOption = Annotated[str, option(WHAT, "Some of eligibility,dosing,endpoints.", metavar="NAME,...")]
MinConfidenceOption = Annotated[float, option(WHAT, "Leave out values below this confidence.", metavar="0..1")]
FieldsOption = Annotated[
    list[str] | None,
    option(WHAT, "Fields of your own: a TOML file, or a name of the catalogue. Repeatable.", metavar="FILE"),
]
ModelOption = Annotated[
    str | None,
    option(
        MODEL,
        "A hosted model's name, or http://host:port/v1#NAME; without one only the rules run.",
        metavar="SPEC",
        envvar="EXTRACTOR_MODEL",
    ),
]
EffortOption = Annotated[
    str,
    option(
        MODEL,
        "Ask a model about nothing, what is likely wrong, what is uncertain, everything, or below this confidence.",
        metavar="none|low|medium|high|0..1",
    ),
]
ReasoningOption = Annotated[
    Literal["none", "low", "medium", "high"] | None,
    option(RARE, "How much the model thinks; else as little as its family needs."),
]
ModelOptionOption = Annotated[
    list[str] | None,
    option(RARE, "A parameter of each request; JSON, else text. Repeatable.", "--model-option", metavar="KEY=VALUE"),
]
DryRunOption = Annotated[bool, option(COST, "Forecast calls, time and cost; ask nothing.", "--dry-run")]
PricesOption = Annotated[
    list[Path] | None, option(RARE, "A file of prices, before known ones. Repeatable.", metavar="FILE")
]
LimitOption = Annotated[int | None, option(FILES, "Only the first N records.", min=1, max=10**12, metavar="N")]
FreshOption = Annotated[bool, option(FILES, "Discard what an earlier run left in --out.", "--fresh")]
QuietOption = Annotated[bool, option(FILES, "No progress, no summary.", "--quiet", "-q")]
JsonOption = Annotated[bool, option(FILES, "Print JSON.", "--json")]
RecordsOption = Annotated[
    list[Path] | None, option(FILES, "The run's records, if they were moved.", metavar="INPUT", exists=True)
]
RequestsPerMinuteOption = Annotated[
    float | None, option(SPEED, "Most requests; the server's own limits apply too.", min=0.01, metavar="N")
]
WorkersOption = Annotated[
    int | None, option(SPEED, "Processes that share the work; else all cores.", min=1, max=10_000, metavar="N")
]
LogOption = Annotated[str | None, option(RARE, "Append events as JSON; - is stderr.", metavar="FILE")]
BaseUrlOption = Annotated[
    str | None, option(RARE, "A mirror of ClinicalTrials.gov's API v2.", metavar="URL", envvar="EXTRACTOR_REGISTRY")
]


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of every command that extracts records: ``run``, ``batch submit`` and ``batch collect``."""

    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Files, folders, globs, NCT numbers, or - for stdin.")
    ]
    limit: LimitOption = None
    fresh: FreshOption = False
    quiet: QuietOption = False
    tasks: TasksOption = ALL_TASKS
    min_confidence: MinConfidenceOption = 0.0
    fields: FieldsOption = None
    model: ModelOption = None
    effort: EffortOption = "medium"
    max_usd: Annotated[
        float | None,
        option(
            COST,
            "Most dollars for the run and all that resume it; calls without a reply count in full.",
            min=0,
            metavar="USD",
        ),
    ] = None
    prices: PricesOption = None
    reasoning: ReasoningOption = None
    model_option: ModelOptionOption = None
    log_json: LogOption = None

    @property
    def extraction(self) -> dict[str, Any]:
        """What to extract, as ``ExtractionOptions`` takes it."""
        return {
            "tasks": split_names(self.tasks),
            "effort": self.effort,
            "min_confidence": self.min_confidence,
            "fields": read_custom_fields(self.fields),
        }


def read_custom_fields(given: Sequence[str] | None) -> "tuple[CustomField, ...]":
    """The fields that ``--fields`` names. Raises ``FieldError``."""
    if not given:
        return ()
    from extractor.fields import read_fields
    from extractor.ground.claims import check_examples

    for one in given:  # each alone, so that messages name its file
        check_examples(read_fields(one), f"{one}, field ")
    return read_fields(given)


def read_model_options(given: Iterable[str]) -> dict[str, Any]:
    """The parameters that ``--model-option`` names. Raises ``ValueError`` for text without a name.

    >>> read_model_options(["top_k=40", "service_tier=flex", 'thinking={"type": "adaptive"}'])
    {'top_k': 40, 'service_tier': 'flex', 'thinking': {'type': 'adaptive'}}
    """
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"{text}: not KEY=VALUE; write --model-option top_k=40")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options
