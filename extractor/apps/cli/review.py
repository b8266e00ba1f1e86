"""``extractor review``: correct a run in the browser."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

from extractor.apps.cli.console import (
    requiring,
    say,
)
from extractor.apps.cli.options import RecordsOption, RunArgument, option
from extractor.apps.cli.runs import warn_incomplete
from extractor.options import FILES, SERVICE


def review(
    run: RunArgument,
    gold: Annotated[
        Path,
        option(
            FILES,
            "Folder for the gold files; use one per reviewer.",
            "--gold",
            "-o",
            metavar="DIR",
            file_okay=False,
        ),
    ],
    records: RecordsOption = None,
    adjudicate: Annotated[
        tuple[Path, Path] | None,
        option(
            SERVICE,
            "Merge two reviewers' gold by resolving the differences between GOLD_A and GOLD_B.",
            "--adjudicate",
            metavar="GOLD_A GOLD_B",
            exists=True,
        ),
    ] = None,
    port: Annotated[
        int,
        option(SERVICE, "Port; 0 uses any free port.", min=0, max=65535, metavar="N"),
    ] = 0,
) -> None:
    """Correct a run in the browser; finished records are saved as gold files.

    Prints an address that works once, on this machine only. Press Ctrl-C to stop the
    review, and run the same command to resume it. Each reviewer needs a separate --gold
    folder; --adjudicate merges two of them.


    Example: extractor review results --gold gold
    """
    with requiring("review", "markdown_it", "starlette", "uvicorn"):
        from extractor.apps.review.app import open_review  # noqa: PLC0415 - belongs to an extra
    if gold.resolve() in [path.resolve() for path in adjudicate or ()]:
        raise ValueError(
            f"--gold {gold} is also one of the --adjudicate folders, which are not changed; "
            "specify another folder"
        )
    with (
        suppress(KeyboardInterrupt),
        open_review(
            run, gold, port=port, inputs=records or (), annotators=adjudicate
        ) as opened,
    ):
        print(f"review: {opened.address}", flush=True)
        say(
            f"open it in a browser; Finish saves a record to {gold}; press Ctrl-C to stop"
        )
        # each record to review has a doubt, and each record whose text was found has a title
        record_count = len(opened.records.doubts)
        textless_count = record_count - len(opened.records.titles)
        if textless_count:
            say(
                f"{textless_count} of {record_count} records have no text; "
                "specify the inputs with --records"
            )
        warn_incomplete(run)
        opened.serve()
