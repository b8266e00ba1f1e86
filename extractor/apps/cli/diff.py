"""``extractor diff``: what changed between two versions of the same trials."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from extractor.apps.cli.console import (
    FAILED,
    OK,
    USAGE,
    errors_for_people,
    say,
    say_first,
    to_printable,
    warn_incomplete,
)
from extractor.apps.cli.options import QuietOption, RunOptions, WorkersOption, option
from extractor.options import FILES, WHAT, split_names

if TYPE_CHECKING:
    from extractor.apps.diff import TrialChange, TrialDiff
    from extractor.apps.diff.page import Texts
    from extractor.run.finished import FinishedRun
    from extractor.schemas import TrialRecord

CHANGED = 1
"""The exit code if the versions differ, as that of ``diff``; errors have ``USAGE``."""
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
) -> None:
    """Show what changed between two versions of the same trials.

    Criteria added, removed, tightened, loosened or moved; ages and sex; doses
    and regimens; arms; endpoints added, removed, promoted, demoted or
    redefined; enrolment, dates and status. Each change quotes both sides.
    Other words for the same meaning are no change.

    Rules alone read records. To use a model, run both versions first, and give
    the two folders.

    Exit codes: 0 no change, 1 changes, 2 usage or an error, 130 interrupted.
    """
    try:
        with errors_for_people(), TemporaryDirectory(prefix="extractor-") as scratch:
            if html and not html.parent.is_dir():
                raise ValueError(
                    f"--html {html}: the folder {html.parent} does not exist"
                )
            say_first(f"comparing {old} with {new}", quiet=quiet)
            kept = _read_filter(severity, only)
            sides = [
                _open_side(one, Path(scratch, name), workers)
                for name, one in (("old", old), ("new", new))
            ]
            pairs = list(
                _compare(
                    sides[0],
                    sides[1],
                    kept,
                    _check_settings(sides[0].run, sides[1].run),
                )
            )
            found = [one for one, _ in pairs]
            shown = [one for one in found if one.only_in or one.changes]
            if html:
                from extractor.apps.diff.page import write_diff_page

                compared = sum(one.only_in is None for one in found)
                texts = {one.record_id: both for one, both in pairs}
                write_diff_page(
                    html, shown, old=old, new=new, compared=compared, texts=texts
                )
            print_diffs(shown, format_)
            sys.stdout.flush()  # the summary on standard error comes last
            if not quiet:
                _print_summary(found)
            code = CHANGED if any(one.differs for one in shown) else OK
            if any(side.failed for side in sides):
                say("some records could not be compared")
                code = USAGE
    except SystemExit as ended:
        # 1 means that the versions differ.
        raise SystemExit(USAGE if ended.code == FAILED else ended.code) from ended
    raise SystemExit(code)


@dataclass
class _Side:
    """One version: a run, its records, and whether some could not be extracted."""

    run: "FinishedRun"
    records: "dict[str, TrialRecord]"
    failed: bool


def _open_side(name: str, scratch: Path, workers: int | None) -> _Side:
    """Open a run, or extract records by the rules into the folder ``scratch``. Raises
    ``SystemExit`` if that stops.
    """
    from extractor.run.finished import FinishedRun, find_run

    failed = False
    run = find_run(Path(name)) if Path(name).exists() else None
    if run:
        warn_incomplete(run.folder)
    else:
        from extractor.apps.cli.job import open_job
        from extractor.apps.cli.perform import perform_job
        from extractor.apps.report.overview import read_failures
        from extractor.run.folder import FAILURES

        options = {
            "inputs": (name,),
            "out": str(scratch),
            "effort": "none",
            "quiet": True,
            "workers": workers,
        }
        with open_job(RunOptions.read(options)) as (job, unknown):
            code = perform_job(job) or unknown
        failures = read_failures(scratch / FAILURES)
        for failure in failures[:_NAMED]:
            say(str(failure.get("message", "")).splitlines()[0])
        if code not in (OK, FAILED) or (code and not failures):
            raise SystemExit(code)
        failed = bool(failures)
        run = FinishedRun(scratch)
        if not run.record_ids:
            raise ValueError(f"{name}: no record could be read; name {_INPUT}")
    return _Side(
        run, {one.record_id: one.record for one in run.reread() if one.record}, failed
    )


def _check_settings(old: "FinishedRun", new: "FinishedRun") -> set[str]:
    """Say in which settings two runs differ. Return the names of the user's own fields that both
    declare alike.
    """
    from extractor.run.manifest import explain_changed, restore_fields

    was = old.manifest.settings
    now = new.manifest.settings
    changed = explain_changed(now, was) if now else {}
    if was.get("model") == now.get("model") == "none":
        changed.pop("effort", None)  # without a model it changes nothing
    if changed:
        names = ", ".join(changed)
        say(
            f"the two runs had other settings ({names}); some changes may come from that"
        )
    ours, theirs = (
        {one.name: one for one in restore_fields(each)} for each in (was, now)
    )
    alike = {name for name, field in ours.items() if theirs.get(name) == field}
    others = sorted((ours.keys() | theirs.keys()) - alike)
    if others:
        say(
            f"own fields that the two runs declare otherwise are not compared: {', '.join(others)}"
        )
    return alike


def _read_filter(severity: str, only: str | None) -> set[str]:
    """Return the names of the severities, kinds and items to report."""
    from extractor.apps.diff.changes import ChangeKind, ChangeSeverity, ItemName
    from extractor.schemas.arguments import refuse_unknown

    severities = list(ChangeSeverity)
    kinds = {kind.value for kind in ChangeKind}
    items = set(get_args(ItemName))
    wanted = set(split_names(only or ""))
    refuse_unknown("change", sorted(wanted), (*sorted(kinds), *sorted(items)))
    least = severities[: severities.index(ChangeSeverity(severity)) + 1]
    return {*least, *(wanted & kinds or kinds), *(wanted & items or items)}


def _compare(
    old: _Side, new: _Side, kept: set[str], custom: set[str]
) -> "Iterator[tuple[TrialDiff, Texts]]":
    """Yield the changes of each trial, by id, with its records. Two single records are compared
    whatever their ids.

    ``custom`` are the fields of the user's own that are compared.
    """
    from extractor.apps.diff import TrialDiff, diff_trials
    from extractor.schemas import TrialExtraction

    ours = dict.fromkeys(old.run.record_ids)
    theirs = dict.fromkeys(new.run.record_ids)
    if len(ours) == len(theirs) == 1:
        pairs = [(*ours, *theirs)]
    else:
        pairs = [(one, one) for one in sorted({*ours, *theirs})]
    for was, now in pairs:
        if was not in ours or now not in theirs:
            yield (
                TrialDiff(record_id=now, only_in="old" if was in ours else "new"),
                (None, None),
            )
            continue
        before = old.run.read_result(was, TrialExtraction)
        after = new.run.read_result(now, TrialExtraction)
        texts = old.records.get(was), new.records.get(now)
        found = diff_trials(before, after, *texts)
        changes = tuple(
            one
            for one in found.changes
            if {one.severity, one.kind, one.item} <= kept
            and (one.item != "custom" or one.field in custom)
        )
        yield found.model_copy(update={"changes": changes}), texts


def print_diffs(diffs: "Sequence[TrialDiff]", form: str) -> None:
    """Print the changes of trials on standard output, as text or as JSON lines."""
    if form == "json":
        for one in diffs:
            print(json.dumps(one.model_dump(mode="json")))
        return
    for side in ("old", "new"):
        alone = [to_printable(one.record_id) for one in diffs if one.only_in == side]
        if alone:
            more = f" and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
            print(f"only in the {side} version: {', '.join(alone[:_NAMED])}{more}")
    for one in (one for one in diffs if one.changes):
        print(f"\n{to_printable(one.record_id)}: {_count(one.changes)}")
        for change in one.changes:
            print(
                f"  {change.severity}: {change.item} {change.kind}: {to_printable(change.message)}"
            )
            for sign, value in (("-", change.old), ("+", change.new)):
                for cited in value.citations if value else ():
                    print(
                        f"    {sign} {to_printable(cited.quote)}  [{cited.section} "
                        f"{cited.start}-{cited.end}]"
                    )


def _count(changes: "Sequence[TrialChange]") -> str:
    counts = Counter(change.severity.value for change in changes)
    return ", ".join(
        f"{number} {severity}" for severity, number in counts.most_common()
    )


def _print_summary(diffs: "Sequence[TrialDiff]") -> None:
    both = [one for one in diffs if one.only_in is None]
    changed = [one for one in both if one.differs]
    total = (
        _count(
            [
                change
                for one in changed
                for change in one.changes
                if change.is_of_meaning
            ]
        )
        or "no changes"
    )
    for task, number in Counter(
        task.value for one in both for task in one.not_compared
    ).items():
        say(
            f"{task} was not compared in {number} of these trials: only one version has its "
            "sections"
        )
    alone = Counter(one.only_in for one in diffs if one.only_in)
    sides = "".join(
        f"; {number} only in the {side} version"
        for side, number in sorted(alone.items(), reverse=True)
    )
    say(
        f"{len(both)} trial{'s' * (len(both) != 1)} compared, {len(changed)} changed: "
        f"{total}{sides}"
    )
