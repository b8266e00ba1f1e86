"""``extractor diff``: what changed between two versions of the same trials."""

import codecs
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .console import FAILED, OK, USAGE, errors_for_people, say, say_first, split_names, to_printable, warn_incomplete
from .options import (
    ALL_TASKS,
    COST,
    FILES,
    WHAT,
    AssistOption,
    EffortOption,
    MinConfidenceOption,
    ModelOption,
    QuietOption,
    ReplayOption,
    TasksOption,
    WorkersOption,
)

if TYPE_CHECKING:
    from extractor.diff import StatedValue, TrialChange, TrialDiff
    from extractor.evaluation.gold_files import Extractions
    from extractor.run.finished import FinishedRun
    from extractor.schemas import TrialRecord

    from .job import RunJob

CHANGED = 1
"""The exit code if the versions differ, as that of ``diff``; errors have ``USAGE``."""
_INPUT = "records in any format that extractor run reads, a run's folder, or a file of extractions"
_HEAD = 200
"""How many bytes of a file tell whether it holds extractions."""
_NAMED = 20
"""Most trials of one side alone that are named in the text."""


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=f"The old version: {_INPUT}.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new version, in the same or another form.")],
    format_: Annotated[
        Literal["text", "json"],
        typer.Option("--format", help="json: one object per trial that changed, a line each.", rich_help_panel=FILES),
    ] = "text",
    html: Annotated[
        Path | None,
        typer.Option("--html", "-o", metavar="FILE", dir_okay=False, help="Write a page, too.", rich_help_panel=FILES),
    ] = None,
    severity: Annotated[
        Literal["major", "minor", "editorial"],
        typer.Option(
            help="The least severe changes to report; editorial ones are other words for the same.",
            rich_help_panel=WHAT,
        ),
    ] = "minor",
    only: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Only these kinds of change or items, such as tightened,endpoint.",
            rich_help_panel=WHAT,
        ),
    ] = None,
    quiet: QuietOption = False,
    tasks: TasksOption = ALL_TASKS,
    min_confidence: MinConfidenceOption = 0.0,
    model: ModelOption = None,
    effort: EffortOption = "medium",
    assist: AssistOption = "auto",
    replay: ReplayOption = None,
    max_usd: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", help="Most dollars for each of the two sides.", rich_help_panel=COST),
    ] = None,
    workers: WorkersOption = None,
) -> None:
    """Show what changed between two versions of the same trials.

    Criteria added, removed, tightened, loosened or moved, and the lines above
    them; ages and sex; arms; doses and regimens; endpoints added, removed,
    promoted, demoted or redefined; enrolment, dates and status. Each change
    quotes both sides. Other words for the same meaning are no change.

    Records are extracted as extractor run does it. For a budget, a resume or
    another engine, run both versions first, and give the two folders.

    Exit codes: 0 no change, 1 changes, 2 usage or an error, 3 budget reached,
    130 interrupted.
    """
    try:
        with errors_for_people(), TemporaryDirectory(prefix="extractor-") as scratch:
            if html and not html.parent.is_dir():
                raise ValueError(f"--html {html}: the folder {html.parent} does not exist")
            some = split_names(tasks)
            options = {"tasks": some, "assist": assist, "effort": effort, "min_confidence": min_confidence}
            say_first(f"comparing {old} with {new}", quiet=quiet)
            kept = _read_filter(only)
            job = _make_job(options, model, replay, max_usd, workers)
            sides = [
                _open_side(one, replace(job, out=Path(scratch, name))) for name, one in (("old", old), ("new", new))
            ]
            _warn_settings(*sides)
            found = list(_compare(sides[0], sides[1], severity, kept))
            shown = [one for one in found if one.only_in or one.changes]
            if html:
                from extractor.diff.page import write_diff_page

                compared = sum(one.only_in is None for one in found)
                write_diff_page(html, shown, old=old, new=new, compared=compared)
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


def _make_job(
    options: dict[str, Any],
    model: str | None,
    replay: Path | None,
    max_usd: float | None,
    workers: int | None,
) -> "RunJob":
    from extractor.api import Extractor
    from extractor.cost.budget import Limits, Pricing
    from extractor.run.batch import BatchLimits

    from .environment import read_model_spec
    from .job import RunJob
    from .money import find_prices

    spec = read_model_spec(model) if model and not replay else None
    extractor = Extractor(spec, replay=replay, **options)
    pricing = Pricing.of(spec, find_prices(()), Limits(max_usd))
    return RunJob(
        inputs=(),
        extractor=extractor,
        limits=BatchLimits(),
        out=None,
        fresh=False,
        quiet=True,
        workers=workers,
        pricing=pricing,
    )


@dataclass
class _Side:
    """One version: its extractions, its records if they are at hand, and the settings of its run."""

    name: str
    extractions: "Extractions"
    records: "dict[str, TrialRecord]"
    settings: dict[str, Any]
    failed: bool = False


def _open_side(name: str, job: "RunJob") -> _Side:
    """Open finished results, or extract the records into the job's folder."""
    from extractor.evaluation.gold_files import open_extractions
    from extractor.run.finished import find_run

    path, failed = Path(name), False
    run = find_run(path) if path.exists() else None
    if run is None and _holds_extractions(path):
        return _Side(name, open_extractions(path, name), {}, {})
    if run is None:
        run, failed = _extract(name, job)
    else:
        warn_incomplete(path)
    records = {one.record_id: one.record for one in run.reread() if one.record}
    return _Side(name, open_extractions(run.folder, name), records, run.manifest.settings, failed)


def _extract(name: str, job: "RunJob") -> "tuple[FinishedRun, bool]":
    """Extract the records of one side, and tell whether some failed. Raises ``SystemExit`` if the run stopped."""
    from extractor.report.overview import read_failures
    from extractor.run.finished import FinishedRun
    from extractor.run.folder import FAILURES

    from .job import perform_job

    assert job.out
    code = perform_job(replace(job, inputs=(name,)))
    failures = read_failures(job.out / FAILURES)
    for failure in failures[:_NAMED]:
        say(str(failure.get("message", "")).splitlines()[0])
    run = FinishedRun(job.out)
    if code not in (OK, FAILED) or (code and not failures):
        raise SystemExit(code)
    if not run.record_ids:
        raise ValueError(f"{name}: no record could be read; name {_INPUT}")
    return run, bool(failures)


def _holds_extractions(path: Path) -> bool:
    """Whether a file, or the first file of a folder, begins as an extraction does, and not as a record."""
    from extractor.evaluation.gold_files import list_files

    files = [one for one in list_files(path) if one.suffix in (".json", ".jsonl")] if path.exists() else []
    if not files:
        return False
    with files[0].open("rb") as file:
        head = file.read(_HEAD).removeprefix(codecs.BOM_UTF8).lstrip()
    return head.startswith(b"{") and b'"record_id"' in head


def _warn_settings(old: _Side, new: _Side) -> None:
    if not old.settings or not new.settings:
        return
    names = [name for name in old.settings if old.settings[name] != new.settings.get(name)]
    if old.settings.get("model") == new.settings.get("model") == "none":
        names = [name for name in names if name not in _OF_MODELS]
    if names:
        say(f"the two runs had other settings ({', '.join(names)}); some changes may come from that")


_OF_MODELS = ("assist", "effort")
"""Settings without effect on the rules."""

Filter = tuple[set[str], set[str]]
"""Kinds of changes, and items."""


def _read_filter(only: str | None) -> Filter:
    from typing import get_args

    from extractor.diff.changes import ChangeKind, ItemName
    from extractor.suggestions import refuse_unknown

    kinds, items = {kind.value for kind in ChangeKind}, set(get_args(ItemName))
    wanted = set(split_names(only or ""))
    refuse_unknown("change", sorted(wanted), (*sorted(kinds), *sorted(items)))
    return wanted & kinds or kinds, wanted & items or items


def _compare(old: _Side, new: _Side, severity: str, kept: Filter) -> "Iterator[TrialDiff]":
    """Yield the changes of each trial, by id. Two single records are compared whatever their ids."""
    from extractor.diff import ChangeSeverity, TrialDiff, diff_trials

    ours, theirs = old.extractions.record_ids, new.extractions.record_ids
    pairs = {name: (name, name) for name in sorted({*ours, *theirs})}
    if len(ours) == len(theirs) == 1:
        pairs = {theirs[0]: (ours[0], theirs[0])}
    for name, (was, now) in pairs.items():
        before, after = old.extractions.get(was), new.extractions.get(now)
        if before is None or after is None:
            yield TrialDiff(record_id=name, only_in="new" if before is None else "old")
            continue
        found = diff_trials(before, after, old.records.get(was), new.records.get(now))
        least = found.keep(ChangeSeverity(severity))
        changes = tuple(one for one in least.changes if one.kind in kept[0] and one.item in kept[1])
        yield found.model_copy(update={"changes": changes})


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
    for one in diffs:
        if one.changes:
            print(f"\n{to_printable(one.record_id)}: {_count(one.changes)}")
            for change in one.changes:
                print("\n".join(_describe(change)))


def _describe(change: "TrialChange") -> Iterator[str]:
    yield f"  {change.severity.value}: {change.item} {change.kind.value}: {to_printable(change.message)}"
    for sign, side in (("-", change.old), ("+", change.new)):
        yield from (f"    {sign} {line}" for line in _quote(side))


def _quote(side: "StatedValue | None") -> Iterator[str]:
    for one in side.citations if side else ():
        yield f"{to_printable(one.quote)}  [{one.section} {one.start}-{one.end}]"


def _count(changes: "Sequence[TrialChange]") -> str:
    counts = Counter(change.severity.value for change in changes)
    return ", ".join(f"{number} {severity}" for severity, number in counts.most_common())


def _print_summary(diffs: "Sequence[TrialDiff]") -> None:
    both = [one for one in diffs if one.only_in is None]
    changed = [one for one in both if one.differs]
    total = _count([change for one in changed for change in one.changes if change.is_of_meaning]) or "no changes"
    alone = Counter(one.only_in for one in diffs if one.only_in)
    parts = Counter(task.value for one in both for task in one.not_compared)
    for task, number in parts.items():
        say(f"{task} was not compared in {number} of these trials: only one version has its sections")
    sides = "".join(f"; {alone[side]} only in the {side} version" for side in ("old", "new") if alone[side])
    say(f"{len(both)} trial{'s' * (len(both) != 1)} compared, {len(changed)} changed: {total}{sides}")
