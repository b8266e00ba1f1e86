"""``extractor reparse`` and ``extractor impact``: today's rules and prompts on an earlier run's replies."""

import json
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .console import FAILED, INTERRUPTED, OK, errors_for_people, without_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from extractor.run.reparse import ComparisonReport
    from extractor.run.tally import Tally

_LONGEST = 60

_Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of an earlier run.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")]
_Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that share the work; as many as cores if left out.")
]


def reparse(
    run: _Run,
    out: Annotated[Path | None, typer.Option(help="New folder for the results; RUN-reparsed if left out.")] = None,
    workers: _Workers = None,
    as_json: _AsJson = False,
) -> None:
    """Make a run anew from its inputs and its stored replies, with today's rules. No model is asked.

    Prints what changed. What the run was never asked stays open, and is counted;
    the run's own command, with the new folder as its --out, goes on from there.

    Exit codes: 0 done, 1 some records failed, 2 usage, 130 interrupted.
    """
    from extractor.run.reparse import reparse_run

    with errors_for_people():
        folder = out or run.resolve().with_name(f"{run.resolve().name}-reparsed")
        left = f"remove {folder} and give the command again"
        report = _watch(run, lambda tally: reparse_run(run, folder, _say_failure, tally, workers), left)
        ask = f"; the run's own command with --out {folder} asks what is open" if report.open else ""
        _end(report, f"the results are in {folder}{ask}", as_json=as_json)


def impact(run: _Run, workers: _Workers = None, as_json: _AsJson = False) -> None:
    """Show what today's rules and prompts would change in a run. Asks nothing and writes nothing.

    A call whose request is another one would be made anew; its tokens are estimated.

    Exit codes: 0 done, 1 some records failed, 2 usage, 130 interrupted.
    """
    from extractor.run.reparse import reparse_run

    with errors_for_people():
        report = _watch(run, lambda tally: reparse_run(run, None, _say_failure, tally, workers), "nothing was written")
        apply = f"; to apply it: extractor reparse {shlex.quote(str(run))}" if report.changed or report.open else ""
        _end(report, f"nothing was written{apply}", as_json=as_json)


def _watch(
    run: Path, compare: "Callable[[Tally], Coroutine[Any, Any, ComparisonReport]]", if_interrupted: str
) -> "ComparisonReport":
    """The comparison, with the progress of a run."""
    import asyncio

    from extractor.run.tally import Tally

    from .progress import show_progress

    tally = Tally()
    try:
        with show_progress(tally, lambda: _count(run), quiet=False):
            return asyncio.run(compare(tally))
    except KeyboardInterrupt:
        print(f"extractor: interrupted; {without_controls(if_interrupted)}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def _count(run: Path) -> int | None:
    """How many records the run has; None where it cannot be read, which the comparison reports."""
    from extractor.errors import StoreError
    from extractor.run.folder import MANIFEST
    from extractor.run.manifest import read_manifest

    with suppress(StoreError):
        if manifest := read_manifest(run / MANIFEST):
            return manifest.records["extracted"]
    return None


def _end(report: "ComparisonReport", next_step: str, *, as_json: bool) -> NoReturn:
    """Print the report, say how it ended, and exit."""
    print(report.model_dump_json(indent=2) if as_json else "\n".join(_describe(report)))
    failed = f", {report.failed} failed" if report.failed else ""
    print(f"extractor: done{failed}; {without_controls(next_step)}", file=sys.stderr)
    raise SystemExit(FAILED if report.failed else OK)


def _describe(report: "ComparisonReport") -> list[str]:
    """The comparison in ``name: value`` lines, and a line for each field that changed."""
    rows = {
        "records read": report.records,
        "new records, not in the run": report.new,
        "records whose text has changed": report.other_text,
        "records of the run that are not in its inputs": report.gone,
        "records failed": report.failed,
        "calls answered by the run": report.calls_unchanged,
        "calls to be made": report.calls_to_ask,
        "their prompt tokens, about": report.prompt_tokens_to_ask,
        "records that wait for these calls, not compared": report.open,
        "records with changed values": report.changed,
    }
    lines = [f"{name}: {value}" for name, value in rows.items()]
    for change in report.changes:
        first = change.examples[0]
        example = f"{first['record_id']}: {_shorten(first['old'])} -> {_shorten(first['new'])}"
        lines.append(f"{change.field}: {change.records}, such as {example}")
    return lines


def _shorten(value: Any) -> str:
    text = without_controls(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _say_failure(failure: dict[str, Any]) -> None:
    print(f"extractor: {without_controls(str(failure['message']).splitlines()[0])}", file=sys.stderr)
