"""``extractor diff``: what changed between two versions of the same trials."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from extractor.apps.cli.console import (
    FAILED,
    LISTED,
    OK,
    USAGE,
    errors_are_usage,
    name_some,
    say,
    say_first,
    to_printable,
    warn_incomplete,
    warn_settings,
)
from extractor.apps.cli.options import (
    ExitCodeOption,
    QuietOption,
    RunOptions,
    WorkersOption,
    option,
)
from extractor.options import FILES, WHAT, split_names
from extractor.plurals import counted

if TYPE_CHECKING:
    from extractor.apps.diff import TrialChange, TrialDiff
    from extractor.apps.diff.page import Texts
    from extractor.run.finished import FinishedRun
    from extractor.schemas import TrialRecord

_INPUT = "records in any format that extractor run reads, or a run's folder"
_NAMED = 20
"""Most trials of one side alone, and most failures, that are named."""


def diff(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help=f"The old version: {_INPUT}.")
    ],
    new: Annotated[
        str,
        typer.Argument(
            metavar="NEW", help="The new version, in the same or another form."
        ),
    ],
    format_: Annotated[
        Literal["text", "json"],
        option(
            FILES, "json: one object per trial that changed, a line each.", "--format"
        ),
    ] = "text",
    html: Annotated[
        Path | None,
        option(
            FILES, "Write a page, too.", "--html", "-o", metavar="FILE", dir_okay=False
        ),
    ] = None,
    severity: Annotated[
        Literal["major", "minor", "editorial"],
        option(WHAT, "The least severe changes; editorial: other words for the same."),
    ] = "minor",
    only: Annotated[
        str | None,
        option(
            WHAT,
            "These kinds of change or items: tightened,endpoint.",
            metavar="NAME,...",
        ),
    ] = None,
    quiet: QuietOption = False,
    workers: WorkersOption = None,
    exit_code: ExitCodeOption = False,
) -> int:
    """Show what changed between two versions of the same trials.

    Criteria added, removed, tightened, loosened or moved; ages and sex; doses
    and regimens; arms; endpoints added, removed, promoted, demoted or
    redefined; enrolment, dates and status. Each change quotes both sides.
    Other words for the same meaning are no change.

    Rules alone read records. To use a model, run both versions first, and give
    the two folders.

    Exit codes: 0 done, 1 changes (with --exit-code), 2 usage or an error,
    130 interrupted.
    """
    with errors_are_usage(), TemporaryDirectory(prefix="extractor-") as scratch:
        if html and not html.parent.is_dir():
            raise ValueError(f"--html {html}: the folder {html.parent} does not exist")
        say_first(f"comparing {old} with {new}", quiet=quiet)
        kept = _read_filter(severity, only)
        old_side = _open_side(old, Path(scratch, "old"), workers)
        new_side = _open_side(new, Path(scratch, "new"), workers)
        own_fields = _check_settings(old_side.run, new_side.run)
        compared = list(_compare(old_side, new_side, kept, own_fields))
        diffs = [trial for trial, _ in compared]
        shown = [trial for trial in diffs if trial.only_in or trial.changes]
        if html:
            _write_page(html, shown, compared, old, new)
        print_diffs(shown, format_)
        sys.stdout.flush()  # the summary on standard error comes last
        if not quiet:
            _print_summary(diffs)
        differs = any(trial.differs for trial in shown)
        code = LISTED if exit_code and differs else OK
        if old_side.failed or new_side.failed:
            say("some records could not be compared")
            code = USAGE
    return code


def _write_page(
    path: Path,
    shown: "Sequence[TrialDiff]",
    compared: "Sequence[tuple[TrialDiff, Texts]]",
    old: str,
    new: str,
) -> None:
    """Write the page of ``--html``. ``compared`` are all trials, each with both its records."""
    from extractor.apps.diff.page import write_diff_page

    in_both = [trial for trial, _ in compared if trial.only_in is None]
    texts = {trial.record_id: records for trial, records in compared}
    write_diff_page(path, shown, old=old, new=new, compared=len(in_both), texts=texts)


@dataclass
class _Side:
    """One version: a run, its records, and whether some could not be extracted."""

    run: "FinishedRun"
    records: "dict[str, TrialRecord]"
    failed: bool


def _open_side(name: str, scratch: Path, workers: int | None) -> _Side:
    """Open a run, or extract the records of an input by the rules into the folder ``scratch``. A
    run that is not complete is warned of. Raises ``SystemExit`` if the extraction stops, and
    ``ValueError`` if it has no record.
    """
    from extractor.run.finished import FinishedRun, find_run

    run = None
    if Path(name).exists():
        run = find_run(Path(name))
    if run:
        warn_incomplete(run.folder)
        return _Side(run, _reread(run), failed=False)
    has_failures = _extract(name, scratch, workers)
    run = FinishedRun(scratch)
    if not run.record_ids:
        raise ValueError(f"{name}: no record could be read; name {_INPUT}")
    return _Side(run, _reread(run), has_failures)


def _extract(name: str, folder: Path, workers: int | None) -> bool:
    """Extract records by the rules into a folder, and return whether some failed; the first of
    these are named. Raises ``SystemExit`` with the exit code if the run stopped.
    """
    from extractor.apps.cli.job import open_job
    from extractor.apps.cli.perform import perform_job
    from extractor.apps.report.overview import read_failures
    from extractor.run.folder import FAILURES

    options = {
        "inputs": (name,),
        "out": str(folder),
        "effort": "none",
        "quiet": True,
        "workers": workers,
    }
    with open_job(RunOptions.read(options)) as (job, unknown):
        code = perform_job(job) or unknown
    failures = read_failures(folder / FAILURES)
    for failure in failures[:_NAMED]:
        first_line, *_ = str(failure.get("message", "")).splitlines()
        say(first_line)
    # If some records failed, the others can still be compared.
    some_failed = code == FAILED and len(failures) > 0
    if code == OK or some_failed:
        return len(failures) > 0
    raise SystemExit(code)


def _reread(run: "FinishedRun") -> "dict[str, TrialRecord]":
    """Return the records of a run whose inputs are still there, by id."""
    records = {}
    for reread in run.reread():
        if reread.record:
            records[reread.record_id] = reread.record
    return records


def _check_settings(old: "FinishedRun", new: "FinishedRun") -> set[str]:
    """Say in which settings two runs differ, and which of the user's own fields are not compared:
    those that only one run has, or that both declare differently. Return the names of the others.
    """
    from extractor.run.manifest import restore_fields

    warn_settings(old, new)
    was = old.manifest.settings
    now = new.manifest.settings
    old_fields = {field.name: field for field in restore_fields(was)}
    new_fields = {field.name: field for field in restore_fields(now)}
    alike = set()
    for name, field in old_fields.items():
        if new_fields.get(name) == field:
            alike.add(name)
    others = sorted((old_fields.keys() | new_fields.keys()) - alike)
    if others:
        say(
            f"own fields that the two runs declare otherwise are not compared: {', '.join(others)}"
        )
    return alike


def _read_filter(severity: str, only: str | None) -> set[str]:
    """Return the names of the severities, kinds and items to report. ``severity`` is the least
    severe, ``only`` has names of kinds and items, with commas between; without a name of a kind
    all kinds are meant, and so for items. Raises ``ArgumentError`` for an unknown name.
    """
    from extractor.apps.diff.changes import ChangeKind, ChangeSeverity, ItemName
    from extractor.schemas.arguments import refuse_unknown

    most_severe_first = list(ChangeSeverity)
    kinds = {kind.value for kind in ChangeKind}
    items = set(get_args(ItemName))
    wanted = set(split_names(only or ""))
    refuse_unknown("change", sorted(wanted), (*sorted(kinds), *sorted(items)))
    least_severe = most_severe_first.index(ChangeSeverity(severity))
    severities = most_severe_first[: least_severe + 1]
    wanted_kinds = wanted & kinds or kinds
    wanted_items = wanted & items or items
    return {*severities, *wanted_kinds, *wanted_items}


def _compare(
    old: _Side, new: _Side, kept: set[str], custom: set[str]
) -> "Iterator[tuple[TrialDiff, Texts]]":
    """Yield the changes of each trial, by id, with both its records. Two single records are
    compared whatever their ids. A trial of one version has no changes and no records.

    ``kept`` are the names of ``_read_filter``: the severity, the kind and the item of a change must
    all be among them. ``custom`` are the fields of the user's own that are compared.
    """
    from extractor.apps.diff import TrialDiff, diff_trials
    from extractor.schemas import TrialExtraction

    old_ids = dict.fromkeys(old.run.record_ids)
    new_ids = dict.fromkeys(new.run.record_ids)
    if len(old_ids) == len(new_ids) == 1:
        pairs = [(*old_ids, *new_ids)]
    else:
        pairs = [(record_id, record_id) for record_id in sorted({*old_ids, *new_ids})]
    for old_id, new_id in pairs:
        if new_id not in new_ids:
            yield TrialDiff(record_id=new_id, only_in="old"), (None, None)
            continue
        if old_id not in old_ids:
            yield TrialDiff(record_id=new_id, only_in="new"), (None, None)
            continue
        before = old.run.read_result(old_id, TrialExtraction)
        after = new.run.read_result(new_id, TrialExtraction)
        texts = (old.records.get(old_id), new.records.get(new_id))
        trial = diff_trials(before, after, *texts)
        changes = []
        for change in trial.changes:
            names = {change.severity, change.kind, change.item}
            if not names <= kept:
                continue
            if change.item == "custom" and change.field not in custom:
                continue
            changes.append(change)
        yield trial.model_copy(update={"changes": tuple(changes)}), texts


def print_diffs(diffs: "Sequence[TrialDiff]", form: str) -> None:
    """Print the changes of trials on standard output, as text or as JSON lines."""
    if form == "json":
        for trial in diffs:
            print(json.dumps(trial.model_dump(mode="json")))
        return
    for side in ("old", "new"):
        alone = [trial.record_id for trial in diffs if trial.only_in == side]
        if alone:
            print(f"only in the {side} version: {name_some(alone, _NAMED)}")
    for trial in diffs:
        if not trial.changes:
            continue
        print(f"\n{to_printable(trial.record_id)}: {_count_by_severity(trial.changes)}")
        for change in trial.changes:
            _print_change(change)


def _print_change(change: "TrialChange") -> None:
    """Print a change with its quotes: behind "-" those of the old version, behind "+" those of the
    new one, as ``diff`` marks lines.
    """
    message = to_printable(change.message)
    what = f"{change.item} {change.kind}"
    print(f"  {change.severity}: {what}: {message}")
    for sign, value in (("-", change.old), ("+", change.new)):
        if value is None:
            continue
        for cited in value.citations:
            quote = to_printable(cited.quote)
            place = f"{cited.section} {cited.start}-{cited.end}"
            print(f"    {sign} {quote}  [{place}]")


def _count_by_severity(changes: "Iterable[TrialChange]") -> str:
    """Return how many changes there are of each severity, the most frequent first."""
    counts = Counter(change.severity.value for change in changes)
    return ", ".join(
        f"{number} {severity}" for severity, number in counts.most_common()
    )


def _print_summary(diffs: "Sequence[TrialDiff]") -> None:
    """Say how many trials were compared and changed, and what could not be compared."""
    in_both = 0
    alone = Counter[str]()
    not_compared = Counter[str]()
    changed = 0
    changes_of_meaning = []
    for trial in diffs:
        if trial.only_in:
            alone[trial.only_in] += 1
            continue
        in_both += 1
        not_compared.update(task.value for task in trial.not_compared)
        if trial.differs:
            changed += 1
            changes_of_meaning += [
                change for change in trial.changes if change.is_of_meaning
            ]
    for task, number in not_compared.items():
        say(
            f"{task} was not compared in {number} of these trials: only one version has its "
            "sections"
        )
    summary = f"{counted(in_both, 'trial')} compared, {changed} changed: "
    summary += _count_by_severity(changes_of_meaning) or "no changes"
    for side in ("old", "new"):
        if alone[side]:
            summary += f"; {alone[side]} only in the {side} version"
    say(summary)
