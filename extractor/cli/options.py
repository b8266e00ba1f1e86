"""Options that several commands share, in the groups in which help shows them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

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

ALL_TASKS: Final = "eligibility,dosing,endpoints"

InputsArgument = Annotated[
    list[str], typer.Argument(metavar="INPUT", help="Files, folders, globs, NCT numbers, or - for stdin.")
]
RunArgument = Annotated[
    Path,
    typer.Argument(metavar="RUN", exists=True, file_okay=False, help="Folder that extractor run --out wrote."),
]
TasksOption = Annotated[
    str, typer.Option(metavar="NAME,...", help="Some of eligibility,dosing,endpoints.", rich_help_panel=WHAT)
]
MinConfidenceOption = Annotated[
    float, typer.Option(metavar="0..1", help="Leave out values below this confidence.", rich_help_panel=WHAT)
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="A hosted model's name, or http://host:port/v1#NAME; without one only the rules run.",
        envvar="EXTRACTOR_MODEL",
        rich_help_panel=MODEL,
    ),
]
EffortOption = Annotated[
    str,
    typer.Option(
        metavar="low|medium|high|0..1",
        help="Ask about what is likely wrong, about what is uncertain, about everything, or below this confidence.",
        rich_help_panel=MODEL,
    ),
]
ReasoningOption = Annotated[
    Literal["none", "low", "medium", "high"] | None,
    typer.Option(help="How much the model thinks; else as little as its family needs.", rich_help_panel=RARE),
]
ModelOptionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model-option",
        metavar="KEY=VALUE",
        help="A parameter of each request; JSON, else text. Repeatable.",
        rich_help_panel=RARE,
    ),
]
AssistOption = Annotated[
    Literal["auto", "always", "never"],
    typer.Option(
        help="Ask a model what --effort says, everything (as --effort high), or nothing.", rich_help_panel=MODEL
    ),
]
ReplayOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Answers of a recording or a run's folder; no network.", rich_help_panel=MODEL),
]
MaxUsdOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="USD", help="Most dollars for the run and all that resume it.", rich_help_panel=COST),
]
MaxTokensOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Most tokens for the run and all that resume it.", rich_help_panel=COST),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Estimate calls, time and cost; ask nothing.", rich_help_panel=COST)
]
PricesOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="A file of prices, before known ones. Repeatable.", rich_help_panel=RARE),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, max=10**12, metavar="N", help="Only the first N records.", rich_help_panel=FILES)
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Discard what an earlier run left in --out.", rich_help_panel=FILES)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.", rich_help_panel=FILES)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.", rich_help_panel=FILES)]
RecordsOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="INPUT", exists=True, help="The run's records, if they were moved.", rich_help_panel=FILES),
]
RequestsPerMinuteOption = Annotated[
    float | None,
    typer.Option(
        min=0.01, metavar="N", help="Most requests; the server's own limits apply too.", rich_help_panel=SPEED
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=10_000, metavar="N", help="Processes that share the work; else all cores.", rich_help_panel=SPEED
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option("--strict", help="A trial with two different texts is a failure.", rich_help_panel=RARE),
]
LogOption = Annotated[
    str | None, typer.Option(metavar="FILE", help="Append events as JSON; - is stderr.", rich_help_panel=RARE)
]
BaseUrlOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A mirror of ClinicalTrials.gov's API v2.",
        envvar="EXTRACTOR_REGISTRY",
        rich_help_panel=RARE,
    ),
]


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
