"""``extractor gold``: convert gold to and from spreadsheets, and compare two annotators."""

from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.console import (
    FAILED,
    OK,
    print_text,
    say,
    to_printable,
)
from extractor.apps.cli.options import (
    ComparedFieldsOption,
    FieldsOption,
    ForceOption,
    HtmlOption,
    RecordsOption,
    option,
)
from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.page import write_score_page
from extractor.apps.evaluation.tables import write_cell
from extractor.apps.gold.files import export_gold, import_gold
from extractor.apps.pages.words import say_value as show_value
from extractor.options import FILES, read_own_fields
from extractor.plurals import counted

app = Commands(
    no_args_is_help=True,
    help="Convert gold to and from spreadsheets, and compare annotators.",
)
GoldArgument = Annotated[
    Path,
    typer.Argument(metavar="GOLD", exists=True, help="Gold, or a run's folder."),
]
ToOption = Annotated[
    Path,
    option(
        FILES,
        "The folder for imported gold, or the .csv or .xlsx file for an export.",
        "--to",
        "-o",
    ),
]


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, help="A .csv or .xlsx file."),
    ],
    to: ToOption,
    records: RecordsOption = None,
    force: ForceOption = False,
    fields: FieldsOption = None,
) -> int:
    """Import gold from a spreadsheet (.csv, .xlsx).

    One file is written per record. Errors are listed by row and column, and
    records with errors are not written. With --records, quotes are checked
    against the texts.

    Exit codes: 0 done, 1 a record has an error, 2 wrong usage.
    """
    imported = import_gold(file, records or (), read_own_fields(fields))
    imported.write(to, force=force)
    for problem in imported.problems:
        print(to_printable(str(problem)))
    say(f"gold of {counted(len(imported.gold), 'record')} in {to}")
    if imported.problems:
        return FAILED
    return OK


@app.command("export")
def export(
    gold: GoldArgument,
    to: ToOption,
    force: ForceOption = False,
) -> None:
    """Write gold, or a run's results, as a spreadsheet (.csv, .xlsx).

    After correcting the spreadsheet, import it with `extractor gold import`.
    """
    written = export_gold(gold, to, force=force)
    say(f"{counted(written, 'record')} in {to}")


@app.command("compare")
def compare(
    gold_a: GoldArgument,
    gold_b: GoldArgument,
    html: HtmlOption = None,
    records: RecordsOption = None,
    fields: ComparedFieldsOption = None,
) -> None:
    """Measure how well two annotators agree, and list their differences.

    Only records that both annotators annotated are compared. The first line is the figure to
    report: the mean F1 of the fields, with its 95% confidence interval. It does not depend on the
    order of the arguments. The HTML page lists the F1 of each field.

    To resolve the differences:
    `extractor review RUN --gold agreed --adjudicate GOLD_A GOLD_B`.
    """
    report = evaluate(
        gold_a,
        gold_b,
        neutral=True,
        # every difference is listed, because the annotators resolve them one by one
        examples=1_000_000,
        fields=fields or (),
    )
    report = report.model_copy(update={"gold": gold_a.name, "predicted": gold_b.name})
    if html:
        write_score_page(html, report, records or ())
    print_text("agreement.txt", report=report, write_cell=write_cell, show=show_value)
