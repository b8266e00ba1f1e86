"""All commands in one place."""

from typing import Annotated

import typer

from .cassettes import app as cassettes
from .evaluate import evaluate
from .export import export
from .import_gold import app as import_gold
from .model import app as model
from .parse import parse
from .reparse import impact, reparse
from .report import report
from .review import review
from .run import run
from .schema import schema
from .serve import app as serve

__all__ = ["app", "main"]

app = typer.Typer(
    name="extractor",
    help="Clinical-trial records in, evidence-backed eligibility, dosing and endpoints out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(run)
app.command()(parse)
app.command()(schema)
app.command()(evaluate)
app.command()(reparse)
app.command()(impact)
app.command()(report)
app.command()(review)
app.command()(export)
app.add_typer(import_gold, name="import")
app.add_typer(model, name="model")
app.add_typer(cassettes, name="cassettes")
app.add_typer(serve, name="serve")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("trial-extractor"))
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Clinical-trial records in, evidence-backed eligibility, dosing and endpoints out."""


def main() -> None:
    """Entry point of the console script."""
    app()
