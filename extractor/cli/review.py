"""``extractor review``: correct a run in the browser."""

from pathlib import Path
from typing import Annotated

from .console import say, warn_incomplete
from .options import FILES, SERVICE, RecordsOption, RunArgument, option


def review(
    run: RunArgument,
    gold: Annotated[Path, option(FILES, "Folder for the gold files.", metavar="DIR", file_okay=False)],
    records: RecordsOption = None,
    reviewer: Annotated[str | None, option(SERVICE, "Who reviews; your user name if left out.", metavar="NAME")] = None,
    port: Annotated[int, option(SERVICE, "0 for any free one.", min=0, max=65535, metavar="N")] = 0,
) -> None:
    """Correct a run in the browser; finished records become gold files.

    Prints an address that works once, on this machine only. Ctrl-C stops the
    review; the same command resumes it. Another reviewer runs the same command
    with another --reviewer name: no one overwrites another's changes.

        extractor run records --out results
        extractor review results --gold gold
        extractor evaluate gold results
    """
    try:
        from extractor.review.app import open_review
    except ImportError as error:
        from extractor.errors import MissingExtra

        if (error.name or "").partition(".")[0] in {"starlette", "uvicorn"}:
            raise MissingExtra("review needs starlette and uvicorn", "review") from error
        raise
    try:
        with open_review(run, gold, reviewer=reviewer or _name_user(), port=port, inputs=records or ()) as opened:
            print(f"review: {opened.address}", flush=True)
            say(f"open this address in a browser; Finish writes a record to {gold}; Ctrl-C ends the review")
            if missing := opened.records.count_without_text():
                total = len(opened.records.doubts)
                print(f"extractor: {missing} of {total} records have no text here; name it with --records INPUT")
            warn_incomplete(run)
            opened.serve()
    except KeyboardInterrupt:
        print()  # end the line on which the terminal shows ^C


def _name_user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reviewer"
