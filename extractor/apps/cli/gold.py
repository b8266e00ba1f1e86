"""``extractor gold``: gold from sheets and back to them; two annotators."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.console import (
    FAILED,
    OK,
    say,
    to_printable,
    write_text,
)
from extractor.apps.cli.options import (
    ComparedFieldsOption,
    FieldsOption,
    ForceOption,
    HtmlOption,
    RecordsOption,
    option,
)
from extractor.options import FILES, read_own_fields
from extractor.plurals import counted

app = Commands(no_args_is_help=True, help="Exchange gold with sheets; compare it.")
GoldArgument = Annotated[
    Path,
    typer.Argument(metavar="GOLD", exists=True, help="Gold, or a run's folder."),
]
ToOption = Annotated[
    Path,
    option(
        FILES,
        "A folder for imported gold; a .csv or .xlsx file for an export.",
        "--to",
        "-o",
    ),
]


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, help="A sheet."),
    ],
    to: ToOption,
    records: RecordsOption = None,
    force: ForceOption = False,
    fields: FieldsOption = None,
) -> int:
    """Read gold from a sheet (.csv, .xlsx).

    Each record gets a file. Errors are listed with their rows and columns, and
    their records are not written. With --records, quotes are checked
    against the texts.

    Exit codes: 0 done, 1 a record has an error, 2 usage.
    """
    from extractor.apps.gold.files import import_gold

    found = import_gold(file, records or (), read_own_fields(fields))
    found.write(to, force=force)
    for problem in found.problems:
        print(to_printable(str(problem)))
    say(f"gold of {counted(len(found.gold), 'record')} in {to}")
    return FAILED if found.problems else OK


@app.command("export")
def export(
    gold: GoldArgument,
    to: ToOption,
    force: ForceOption = False,
) -> None:
    """Write gold, or a run, as a sheet (.csv, .xlsx).

    `extractor gold import` reads the corrected sheet.
    """
    from extractor.apps.gold.files import export_gold

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
    """Measure how far two annotators agree, and list their differences.

    Only records that both have are compared. The first line is the figure to
    report: the mean F1 of the fields with its 95 % interval, the same in either
    order. The page has the F1 of each field.

    To decide the differences:
    `extractor review RUN --gold agreed --adjudicate GOLD_A GOLD_B`.
    """
    from extractor.apps.evaluation import evaluate
    from extractor.apps.evaluation.page import write_score_page
    from extractor.apps.evaluation.scoring import split_fields
    from extractor.apps.evaluation.tables import write_cell
    from extractor.apps.pages.words import say as show_value

    chosen, places = split_fields(fields or ())
    report = evaluate(
        gold_a,
        gold_b,
        neutral=True,
        examples=1_000_000,
        fields=(*chosen, *read_own_fields(places)),
    )
    report = report.model_copy(update={"gold": gold_a.name, "predicted": gold_b.name})
    if html:
        write_score_page(html, report, records or ())
    sys.stdout.writelines(
        write_text(
            "agreement.txt", report=report, write_cell=write_cell, show=show_value
        )
    )
