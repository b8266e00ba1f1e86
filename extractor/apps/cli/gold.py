"""``extractor gold``: gold from spreadsheets and annotation tools, and back to them."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from extractor.apps.cli.commands import Commands
from extractor.apps.cli.console import (
    FAILED,
    OK,
    Row,
    name_some,
    print_table,
    say,
    to_printable,
)
from extractor.apps.cli.options import (
    ComparedFieldsOption,
    FieldsOption,
    JsonOption,
    option,
)
from extractor.options import FILES, RARE, read_own_fields
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.evaluation.agreement import (
        Agreement,
        Difference,
        FieldAgreement,
    )
    from extractor.apps.evaluation.report import ErrorSide
    from extractor.apps.gold.marks import Labels

_NAMED = 10
"""Most records named in a line."""

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
    to: Annotated[
        Path,
        option(FILES, "Folder for the gold files.", "--to", "-o", metavar="DIR"),
    ],
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

    Exit codes: 0 done, 1 something could not be taken over, 2 usage.
    """
    from extractor.apps.gold.files import import_gold, write_gold_files
    from extractor.apps.review.gold import name_gold

    if not records:
        raise ValueError("name the records whose gold it is with --records INPUT")
    labels = _read_labels(fields)
    imported = import_gold(file, records, labels, annotator)
    if not force:
        for gold in imported.gold:
            path = to / name_gold(gold)
            if path.exists():
                raise ValueError(
                    f"{path}: exists already; add --force, or name another folder"
                )
    write_gold_files(to, imported.gold)
    problems = [problem for problem in imported.problems if not problem.warns]
    warnings = [problem for problem in imported.problems if problem.warns]
    warnings += imported.few
    # warnings last: what they speak of is in the gold
    for problem in (*problems, *warnings):
        print(to_printable(str(problem)))
    summary = f"gold of {counted(len(imported.gold), 'record')} in {to}"
    summary += f", {counted(len(problems), 'problem')}"
    if warnings:
        summary += f", {counted(len(warnings), 'warning')}"
    if imported.gold:
        summary += f"; next: extractor evaluate {to} RUN"
    say(summary)
    return FAILED if problems else OK


@app.command("export")
def export(
    gold: Annotated[
        Path,
        typer.Argument(metavar="GOLD", exists=True, help="Gold, or a run's folder."),
    ],
    to: Annotated[
        Path,
        option(
            FILES,
            "A folder; of a sheet a .csv or .xlsx file.",
            "--to",
            "-o",
            metavar="PATH",
        ),
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
    inputs: Sequence[str | PathLike[str]] = records or ()
    if run and not inputs:
        inputs = run.find_inputs()
    if not inputs:
        raise ValueError("name the records whose gold it is with --records INPUT")
    labels = _read_labels(fields)
    # A run knows the user's own fields with which it was made.
    if run and not fields:
        declared = restore_fields(run.manifest.settings)
        labels = type(labels)({field.name: field for field in declared})
    written = export_gold(pair_records(gold, inputs), to, layout, labels)
    say(f"{counted(written, 'record')} in {to}")


@app.command("compare")
def compare(
    one: Annotated[
        Path,
        typer.Argument(metavar="GOLD_A", exists=True, help="Gold of one annotator."),
    ],
    other: Annotated[
        Path,
        typer.Argument(metavar="GOLD_B", exists=True, help="Gold of another."),
    ],
    html: Annotated[
        Path | None,
        option(
            FILES,
            "Write a page with each difference in its text.",
            "--html",
            "-o",
            metavar="FILE",
            dir_okay=False,
        ),
    ] = None,
    records: RecordsOption = None,
    fields: ComparedFieldsOption = None,
    as_json: JsonOption = False,
    listed: Annotated[
        int,
        option(RARE, "Differences that are listed.", "--list", min=0, metavar="N"),
    ] = 20,
    resamples: Annotated[
        int,
        option(
            RARE, "Bootstrap samples for the intervals; 0 for none.", min=0, metavar="N"
        ),
    ] = 1000,
) -> None:
    """Say how far two annotators agree, and list their differences.

    Only records that both have are compared. The first line is the figure to
    report: the F1 of one against the other, the mean over the fields, with its
    95 % interval. It is the same in either order. 1 is full agreement.

    To make one gold of two, decide the differences in the review:
    `extractor review RUN --gold agreed --adjudicate GOLD_A GOLD_B`.
    """
    from extractor.apps.evaluation.agreement import compare_annotators
    from extractor.apps.evaluation.chosen import split_fields
    from extractor.run.finished import find_run

    if html and not html.parent.is_dir():
        raise ValueError(f"--html {html}: the folder {html.parent} does not exist")
    if records and not html:
        raise ValueError("--records is for the page; give --html FILE too")
    for gold in (one, other):
        if find_run(gold):
            raise ValueError(
                f"{gold} is a run, not the gold of an annotator; `extractor evaluate GOLD {gold}` "
                "scores it"
            )
    chosen, places = split_fields(fields or ())
    agreement = compare_annotators(
        one,
        other,
        resamples=resamples,
        fields=(*chosen, *read_own_fields(places)),
    )
    if html:
        from extractor.apps.evaluation.agreement_page import write_agreement_page

        write_agreement_page(html, agreement, records or ())
    if as_json:
        print(agreement.model_dump_json(indent=2))
        return
    _print_agreement(agreement)
    _print_differences(agreement, listed)


def _print_agreement(agreement: "Agreement") -> None:
    """Print the figure to report, what it means, the records, and the figures of the fields."""
    one = to_printable(agreement.one)
    other = to_printable(agreement.other)
    print(f"agreement of {one} and {other}: {agreement.describe()}")
    print(f"same value where either states one: {agreement.describe_share()}")
    for name, ids in ((one, agreement.only_one), (other, agreement.only_other)):
        if ids:
            print(f"only in {name}, not compared: {name_some(ids, _NAMED)}")
    head = (
        "field",
        "F1",
        "in mean",
        "95 % interval",
        "both",
        "differ",
        f"only in {one}",
        f"only in {other}",
    )
    rows = [_show_agreement(field) for field in agreement.fields]
    priority = ("F1", "differ", *head[6:], "in mean", "both", "95 % interval")
    print_table(head, rows, priority)


def _show_agreement(field: "FieldAgreement") -> Row:
    bounds = field.interval
    interval = f"{bounds.low:.3f} to {bounds.high:.3f}" if bounds else ""
    counts = (field.both, field.differ, field.only_one, field.only_other)
    figure = "" if field.f1 is None else f"{field.f1:.3f}"
    in_mean = "yes" if field.in_mean else "no"
    return (field.name, figure, in_mean, interval, *map(str, counts))


def _print_differences(agreement: "Agreement", most: int) -> None:
    """Print the first differences, with the values of both, those in words alone last, and say how
    many more there are.
    """
    if not agreement.differences:
        print("\nno difference is left")
    differences = (*agreement.differences, *agreement.variants)
    head = ("record", "item", "field", "how", agreement.one, agreement.other, "words")
    rows = [_show_difference(row) for row in differences[:most]]
    if rows:
        print_table(head, rows, head[:6], prose=head[4:])
    same = len(agreement.variants)
    if same:
        are = "is" if same == 1 else "are"
        say(
            f"{counted(same, 'value')} {are} the same in other words, another unit or another "
            "name, and counted as agreement"
        )
    left = len(differences) - most
    if left > 0:
        say(
            f"{counted(left, 'more difference')}; --list {len(differences)} or --html FILE shows "
            "all"
        )


def _show_difference(difference: "Difference") -> Row:
    from extractor.apps.pages.words import say as say_value

    quotes = [difference.words] if difference.words else []

    def tell(side: "ErrorSide | None") -> str:
        return "-" if side is None else say_value(side.value, quotes)

    return (
        difference.record_id,
        difference.item,
        difference.field,
        difference.relation,
        tell(difference.one),
        tell(difference.other),
        say_value(difference.words) if difference.words else "",
    )


@app.command("template")
def template(
    to: Annotated[
        Path | None,
        option(
            FILES,
            "A .csv or .xlsx file; else standard output.",
            "--to",
            "-o",
            metavar="FILE",
        ),
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


def _read_labels(fields: list[str] | None) -> "Labels":
    """Return the labels of marks, with those of the user's own fields."""
    from extractor.apps.gold.marks import Labels

    return Labels({field.name: field for field in read_own_fields(fields)})
