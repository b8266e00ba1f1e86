"""``extractor gold``: gold from spreadsheets and annotation tools, and back to them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.console import FAILED, OK, say, to_printable
from extractor.apps.cli.options import FieldsOption, option
from extractor.options import FILES, RARE, read_own_fields

if TYPE_CHECKING:
    from extractor.apps.gold.marks import Labels

app = Commands(
    no_args_is_help=True, help="Bring gold in from a sheet or a tool, and take it back."
)
RecordsOption = Annotated[
    list[Path] | None,
    option(FILES, "The records of the gold.", metavar="INPUT", exists=True),
]


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A .csv or .xlsx sheet, Label Studio's .json, or a folder of BRAT's files.",
        ),
    ],
    to: Annotated[Path, option(FILES, "Folder for the gold files.", metavar="DIR")],
    records: RecordsOption = None,
    force: Annotated[
        bool, option(FILES, "Replace gold files that exist.", "--force")
    ] = False,
    fields: FieldsOption = None,
    annotator: Annotated[
        str,
        option(RARE, "Of Label Studio: whose annotations, by email or id."),
    ] = "",
) -> int:
    """Read gold from a spreadsheet, Label Studio or BRAT.

    Each value is read as a model's answer is ("18 year", "ANC: >= 1.5 x 10^9 /L"),
    and its quote is looked for in the record. What cannot be taken over is listed
    with its row, and the field is not scored in this record; the rest is written,
    a file for each record.

        extractor gold template --to sheet.csv
        extractor gold import sheet.csv --to gold --records records
        extractor evaluate gold results

    Exit codes: 0 done, 1 something could not be taken over, 2 usage.
    """
    from extractor.apps.gold.files import import_gold, write_gold_files
    from extractor.apps.review.gold import name_gold

    if not records:
        raise ValueError("name the records whose gold it is with --records INPUT")
    labels = _read_labels(fields)
    found = import_gold(file, records, labels, annotator)
    exist = [one for one in found.gold if (to / name_gold(one)).exists()]
    if exist and not force:
        raise ValueError(
            f"{to / name_gold(exist[0])}: exists already; add --force, or name another folder"
        )
    write_gold_files(to, found.gold)
    # warnings last: what they speak of is in the gold
    for problem in sorted(found.problems, key=lambda one: one.warns):
        print(to_printable(str(problem)))
    wrong = sum(not one.warns for one in found.problems)
    warned = len(found.problems) - wrong
    written = f"gold of {_count(len(found.gold), 'record')} in {to}"
    warnings = f", {_count(warned, 'warning')}" if warned else ""
    then = f"; next: extractor evaluate {to} RUN" if found.gold else ""
    say(f"{written}, {_count(wrong, 'problem')}{warnings}{then}")
    return FAILED if wrong else OK


@app.command("export")
def export(
    gold: Annotated[
        Path,
        typer.Argument(metavar="GOLD", exists=True, help="Gold, or a run's folder."),
    ],
    to: Annotated[
        Path,
        option(FILES, "A folder; of a sheet a .csv or .xlsx file.", metavar="PATH"),
    ],
    format_: Annotated[
        Literal["label-studio", "brat", "sheet"] | None,
        option(FILES, "What to write; a .csv or .xlsx is a sheet.", "--format"),
    ] = None,
    records: RecordsOption = None,
    force: Annotated[
        bool, option(FILES, "Replace an earlier export.", "--force")
    ] = False,
    fields: FieldsOption = None,
) -> None:
    """Write gold, or a run, for Label Studio, BRAT or a spreadsheet.

    For Label Studio these are tasks with predictions, and the labelling interface
    of the project; for BRAT a text and annotations for each record, and its
    configuration. What is corrected there, `extractor gold import` reads.
    """
    from extractor.apps.gold.files import export_gold, pair_records
    from extractor.apps.gold.layouts import Layout
    from extractor.errors import GoldError
    from extractor.run.finished import find_run
    from extractor.run.manifest import restore_fields

    try:
        layout = Layout.choose(to, format_)
    except GoldError as error:
        raise ValueError(str(error)) from None
    if to.exists() and not force:
        raise ValueError(f"{to}: exists already; add --force, or name another path")
    run = find_run(gold)
    inputs = records or (run.find_inputs() if run else ())
    if not inputs:
        raise ValueError("name the records whose gold it is with --records INPUT")
    labels = _read_labels(fields)
    if run and not fields:
        declared = restore_fields(run.manifest.settings)
        labels = type(labels)({one.name: one for one in declared})
    count = export_gold(pair_records(gold, inputs), to, layout, labels)
    say(f"{count} record{'s' * (count != 1)} in {to}")


@app.command("template")
def template(
    to: Annotated[
        Path | None,
        option(FILES, "A .csv or .xlsx file; else standard output.", metavar="FILE"),
    ] = None,
    fields: FieldsOption = None,
) -> None:
    """Write an empty sheet for gold: a row for each field, which says how it is written.

    Copy a row for each value, and fill in record, value and quote.
    """
    from extractor.apps.gold.layouts import SHEETS
    from extractor.apps.gold.sheets import show_template, write_template

    labels = _read_labels(fields)
    if to is None:
        print(show_template(labels), end="")
        return
    if to.suffix.casefold() not in SHEETS:
        raise ValueError(f"{to}: a sheet is a file; name it as .csv or .xlsx")
    if to.exists():
        raise ValueError(f"{to}: exists already; name another file")
    write_template(to, labels)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def _read_labels(fields: list[str] | None) -> "Labels":
    from extractor.apps.gold.marks import Labels

    return Labels({one.name: one for one in read_own_fields(fields)})
