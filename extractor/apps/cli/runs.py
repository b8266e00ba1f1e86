"""Open the runs that a command reads, and warn about what they lack."""

from collections.abc import Iterable
from pathlib import Path

from extractor.apps.cli.console import name_some, say
from extractor.options import read_columns
from extractor.plurals import counted
from extractor.run.files import name_failed
from extractor.run.finished import find_run
from extractor.run.joined import JoinedRuns


def open_runs(
    paths: Iterable[Path],
    records: Iterable[Path] | None = (),
    columns: Iterable[str] | None = (),
) -> JoinedRuns:
    """Open one or more runs, and warn about records that occur more than once."""
    runs = JoinedRuns(paths, tuple(records or ()), read_columns(columns))
    repeated = runs.explain_repeated()
    if repeated:
        say(repeated)
    return runs


def warn_incomplete(*results: Path) -> None:
    """Warn about each incomplete run. Paths that are not runs are ignored."""
    for run in map(find_run, results):
        if run and run.incomplete:
            say(f"{run.folder}: {run.incomplete}")


def warn_failed(runs: JoinedRuns, missing: str) -> None:
    """Print the ids of the failed records: first those without a result, which lack the kind of
    output named ``missing``, such as rows, and then those with the result of an earlier command.
    """
    extracted = set(runs.record_ids)
    failed = [*map(name_failed, runs.failures)]
    outdated = [name for name in failed if name in extracted]
    without = [name for name in failed if name not in extracted]
    for names, outcome in (
        (without, f"added no {missing}"),
        (outdated, "kept the values of an earlier version, which may be out of date"),
    ):
        if names:
            say(
                f"{counted(len(names), 'record')} failed and {outcome}: {name_some(names)} "
                "(see failures.jsonl)"
            )
