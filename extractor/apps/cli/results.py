"""Commands for the results of a run: ``report`` shows, ``calibrate`` counts confidences."""

import json
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Annotated

import typer

from extractor.apps.cli.console import FAILED, OK, print_table, say, warn_incomplete
from extractor.apps.cli.options import RecordsOption, RunArgument, option
from extractor.options import FILES
from extractor.plurals import counted

_NAME = "report.html"


def report(
    run: RunArgument,
    out: Annotated[
        Path | None,
        option(
            FILES,
            "RUN/report.html if left out.",
            "--out",
            "-o",
            metavar="FILE",
            dir_okay=False,
        ),
    ] = None,
    records: RecordsOption = None,
    limit: Annotated[
        int, option(FILES, "Most records that the page can open.", min=0, metavar="N")
    ] = 20_000,
    open_it: Annotated[
        bool, option(FILES, "Open the page in the browser.", "--open")
    ] = False,
) -> None:
    """Write a run as one page of HTML: an overview, and each record's text beside its values.

    The page loads nothing and sends nothing. It holds the text of the records;
    share it only with people who may read them.
    """
    from extractor.apps.report import write_report
    from extractor.errors import DiskFull, StoreError

    path = out or run / _NAME
    if out and not out.parent.is_dir():
        raise ValueError(f"--out {out}: the folder {out.parent} does not exist")
    try:
        summary = write_report(run, path, records=records or (), limit=limit)
    except OSError as error:
        is_full = error.errno in (ENOSPC, EDQUOT)
        kind = DiskFull if is_full else StoreError
        raise kind(
            f"{path}: {error.strerror}; name a file in another place with --out"
        ) from error
    print(path)
    warn_incomplete(run)
    if summary.without_text:
        missing = f"{summary.without_text} of {counted(summary.records, 'record')}"
        say(
            f"no text for {missing}: it is missing or has changed, and only quotes are shown (give "
            "the inputs with --records)"
        )
    if summary.shown < summary.records:
        say(
            f"{summary.shown} of {counted(summary.records, 'record')} can be opened (--limit)"
        )
    if open_it:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            say(f"no browser can be opened here; open {path}")


def calibrate(
    gold: Annotated[
        Path,
        typer.Argument(
            metavar="GOLD", exists=True, help="Annotations with values under custom."
        ),
    ],
    run: RunArgument,
) -> int:
    """Count how often a model's values of your own fields are right.

    Prints a line for each field with at least 50 values, to add to the
    json_schema_extra of its model: from then on it is the confidence of new
    values, which are marked as calibrated. A field with fewer keeps the prior.

    Exit codes: 0 done, 1 no field has 50 values, 2 usage.
    """
    from extractor.apps.evaluation.calibration import LEAST_VALUES, count_support
    from extractor.run.finished import FinishedRun
    from extractor.run.manifest import restore_fields

    fields = restore_fields(FinishedRun(run).manifest.settings)
    if not fields:
        raise ValueError(
            f"{run}: has no fields of your own; give them to extractor run with --fields"
        )
    shares = count_support(gold, run, fields)
    rows = []
    confidences: dict[str, dict[str, float]] = {field.name: {} for field in fields}
    for share in shares:
        support = share.support.value
        counts = (str(share.right), str(share.total))
        rows.append((share.field, support, *counts, f"{share.confidence:g}"))
        if share.total >= LEAST_VALUES:
            confidences[share.field][support] = share.confidence
    print_table(
        ("own field", "support", "right", "values", "confidence"), rows, apart=False
    )
    for name, by_support in confidences.items():
        if by_support:
            say(f'add to {name}: "confidence": {json.dumps(by_support)}')
        else:
            few = f"{LEAST_VALUES} of one support are needed"
            say(f"{name} has too few values of a model in gold; {few}")
    return OK if any(confidences.values()) else FAILED
