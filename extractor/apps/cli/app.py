"""Register all commands under the root command."""

import json
import signal
from types import FrameType
from typing import Annotated, Literal

import typer

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.config_command import app as config
from extractor.apps.cli.diff import diff
from extractor.apps.cli.doctor import doctor
from extractor.apps.cli.doubts import doubts
from extractor.apps.cli.evaluate import evaluate
from extractor.apps.cli.export import export
from extractor.apps.cli.fetch import fetch
from extractor.apps.cli.findings import findings
from extractor.apps.cli.gold import app as gold
from extractor.apps.cli.mcp import mcp
from extractor.apps.cli.options import FieldsOption
from extractor.apps.cli.parse import parse
from extractor.apps.cli.results import calibrate, report
from extractor.apps.cli.review import review
from extractor.apps.cli.run import batch, run
from extractor.apps.cli.serve import app as serve
from extractor.masking import mask_standard_error


def schema(
    task: Annotated[
        Literal["eligibility", "dosing", "endpoints", "record"] | None,
        typer.Argument(
            metavar="TASK",
            help="One part of the extraction, or the input record; all parts by default.",
        ),
    ] = None,
    fields: FieldsOption = None,
) -> None:
    """Print the JSON Schema of an extraction, or of one part of it."""
    from pydantic import BaseModel

    from extractor.schemas import (
        Eligibility,
        Endpoint,
        Regimen,
        TrialExtraction,
        TrialRecord,
    )

    if fields and task:
        raise ValueError("--fields are part of the whole extraction; leave out TASK")
    if fields:
        from extractor.concepts.own.declaration import describe_extraction
        from extractor.options import read_own_fields

        schema = describe_extraction(read_own_fields(fields))
    else:
        parts: dict[str, type[BaseModel]] = {
            "eligibility": Eligibility,
            "dosing": Regimen,
            "endpoints": Endpoint,
            "record": TrialRecord,
        }
        model = parts[task] if task else TrialExtraction
        schema = model.model_json_schema(mode="serialization")
    typer.echo(json.dumps(schema, indent=2))


app = Commands(
    name="extractor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_EXTRACT = "Extract"
_READ = "Read the results"
_SCORE = "Score and compare"
_SET_UP = "Set up"
app.command(rich_help_panel=_EXTRACT)(run)
app.command(rich_help_panel=_EXTRACT)(fetch)
app.add_typer(batch, name="batch", rich_help_panel=_EXTRACT)
app.command(rich_help_panel=_EXTRACT)(parse)
for _command in (report, findings, doubts, review, export):
    app.command(rich_help_panel=_READ)(_command)
app.command(rich_help_panel=_SCORE)(evaluate)
app.add_typer(gold, name="gold", rich_help_panel=_SCORE)
app.command(rich_help_panel=_SCORE)(calibrate)
app.command(rich_help_panel=_SCORE)(diff)
app.command(rich_help_panel=_SET_UP)(doctor)
app.add_typer(config, name="config", rich_help_panel=_SET_UP)
app.add_typer(serve, name="serve", rich_help_panel=_SET_UP)
app.command(rich_help_panel=_SET_UP)(mcp)
app.command(rich_help_panel=_SET_UP)(schema)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("trial-extractor"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Extract evidence-backed eligibility, dosing and endpoints from clinical-trial records."""


def main() -> None:
    """Run the console script. SIGTERM, which batch systems and containers send, does what Ctrl-C
    does then.
    """

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        # a shell starts its background jobs with Ctrl-C ignored
        if not callable(signal.getsignal(signal.SIGINT)):
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, interrupt)
    mask_standard_error()
    app()
