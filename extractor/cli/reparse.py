"""``extractor reparse`` and ``extractor impact``: an earlier run's replies under today's rules and prompts."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import FAILED, OK, errors_for_people

if TYPE_CHECKING:
    from extractor.run.comparison import ComparisonReport

__all__ = ["impact", "reparse"]

_LONGEST = 60

_Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of an earlier run.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")]


def reparse(
    run: _Run,
    out: Annotated[Path | None, typer.Option(help="New folder for the results; RUN-reparsed if left out.")] = None,
    as_json: _AsJson = False,
) -> None:
    """Make a run anew from its inputs and its stored replies, with today's rules. No model is asked.

    Prints what changed. What the run was never asked stays open, and is counted;
    the run's own command, with the new folder as its --out, goes on from there.
    """
    import asyncio

    from extractor.run.reparse import reparse_run

    with errors_for_people():
        folder = out or run.resolve().with_name(f"{run.resolve().name}-reparsed")
        report = asyncio.run(reparse_run(run, folder, _say_failure))
        print(report.model_dump_json(indent=2) if as_json else "\n".join([f"results: {folder}", *_describe(report)]))
        raise SystemExit(FAILED if report.failed else OK)


def impact(run: _Run, as_json: _AsJson = False) -> None:
    """Show what today's rules and prompts would change in a run. Asks nothing and writes nothing.

    A call whose request is another one would be made anew; its tokens are estimated.
    """
    import asyncio

    from extractor.run.reparse import measure_impact

    with errors_for_people():
        report = asyncio.run(measure_impact(run, _say_failure))
        print(report.model_dump_json(indent=2) if as_json else "\n".join(_describe(report)))
        raise SystemExit(FAILED if report.failed else OK)


def _describe(report: "ComparisonReport") -> list[str]:
    """The comparison in ``name: value`` lines, and a line for each field that changed."""
    rows = {
        "records": report.records,
        "records not in the run": report.new,
        "records with another text now": report.other_text,
        "records of the run that are gone": report.gone,
        "records failed": report.failed,
        "calls unchanged": report.calls_unchanged,
        "calls to be asked": report.calls_to_ask,
        "their prompt tokens, about": report.prompt_tokens_to_ask,
        "records that lack these answers, not compared": report.open,
        "records with another value": report.changed,
    }
    lines = [f"{name}: {value}" for name, value in rows.items()]
    for change in report.changes:
        first = change.examples[0]
        told = f"{first['record_id']}: {_shorten(first['old'])} -> {_shorten(first['new'])}"
        lines.append(f"{change.field}: {change.records}, such as {told}")
    return lines


def _shorten(value: Any) -> str:
    from .tables import without_controls

    text = without_controls(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _say_failure(failure: dict[str, Any]) -> None:
    from .tables import without_controls

    print(f"extractor: {without_controls(str(failure['message']).splitlines()[0])}", file=sys.stderr)
