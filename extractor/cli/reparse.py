"""``extractor reparse``: apply today's rules and prompts to an earlier run's replies."""

import json
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from .console import FAILED, INTERRUPTED, OK, say, without_controls
from .options import COST, FILES, JsonOption, RunArgument, WorkersOption, option

if TYPE_CHECKING:
    from extractor.run.reparse import ComparisonReport

_LONGEST = 60


def reparse(
    run: RunArgument,
    out: Annotated[Path | None, option(FILES, "New folder of results; else RUN-reparsed.", metavar="DIR")] = None,
    dry_run: Annotated[bool, option(COST, "Show what would change; write nothing.", "--dry-run")] = False,
    as_json: JsonOption = False,
    workers: WorkersOption = None,
) -> int:
    """Redo a run from its inputs and its stored replies, with today's rules. Calls no model.

    Prints what changed. Questions that the run never asked stay open, and are
    counted with their tokens, about; the run's own command with the new folder as
    --out asks them.

    Exit codes: 0 done, 1 some records failed, 2 usage, 130 interrupted.
    """
    if dry_run and out:
        raise ValueError("--dry-run writes nothing; drop --out")
    folder = None if dry_run else out or run.resolve().with_name(f"{run.resolve().name}-reparsed")
    report = _compare(run, folder, workers)
    print(report.model_dump_json(indent=2) if as_json else "\n".join(_describe(report)))
    if folder is None:
        apply = f"; to apply it: extractor reparse {shlex.quote(str(run))}" if report.changed or report.open else ""
        following = f"nothing was written{apply}"
    elif not report.records:
        following = f"no record could be read; see {folder}"
    else:
        ask = f"; the run's own command with --out {folder} asks what is open" if report.open else ""
        following = f"the results are in {folder}{ask}"
    say(f"done{f', {report.failed} failed' if report.failed else ''}; {following}")
    return FAILED if report.failed else OK


def _compare(run: Path, folder: Path | None, workers: int | None) -> "ComparisonReport":
    """Compare a run with today's results, write these to ``folder`` if there is one, and show progress."""
    import asyncio

    from extractor.errors import StoreError
    from extractor.run.folder import MANIFEST
    from extractor.run.manifest import read_manifest
    from extractor.run.reparse import reparse_run
    from extractor.run.tally import Tally

    from .progress import show_progress

    def count() -> int | None:
        with suppress(StoreError):  # the comparison reports it
            if manifest := read_manifest(run / MANIFEST):
                return manifest.records["extracted"]
        return None

    def say_failure(failure: dict[str, Any]) -> None:
        say(str(failure["message"]).splitlines()[0])

    tally = Tally()
    try:
        with show_progress(tally, count, quiet=False):
            return asyncio.run(reparse_run(run, folder, say_failure, tally, workers))
    except KeyboardInterrupt:
        remedy = f"remove {folder} and give the command again" if folder else "nothing was written"
        say(f"interrupted; {remedy}")
        raise SystemExit(INTERRUPTED) from None


def _describe(report: "ComparisonReport") -> Iterator[str]:
    """Yield the comparison as ``name: value`` lines, and a line for each field that changed."""
    yield f"records read: {report.records}"
    yield f"new records, not in the run: {report.new}"
    yield f"records whose text has changed: {report.other_text}"
    yield f"records of the run that are not in its inputs: {report.gone}"
    yield f"records failed: {report.failed}"
    yield f"calls answered by the run: {report.calls_unchanged}"
    yield f"calls to be made: {report.calls_to_ask}"
    yield f"their prompt tokens, about: {report.prompt_tokens_to_ask}"
    yield f"records that wait for these calls, not compared: {report.open}"
    yield f"records with changed values: {report.changed}"
    for change in report.changes:
        first = change.examples[0]
        example = f"{first['record_id']}: {_shorten(first['old'])} -> {_shorten(first['new'])}"
        yield f"{change.field}: {change.records}, such as {example}"


def _shorten(value: Any) -> str:
    text = without_controls(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
