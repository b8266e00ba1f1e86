"""Sum up a run on standard error: at most a dozen counts, what is missing, and the next step."""

import json
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from extractor.apps.cli.console import NAMED, name_some
from extractor.apps.cli.job import RunJob
from extractor.model.patience import TOO_SMALL
from extractor.plurals import counted
from extractor.run.folder import FAILURES, REPEATED, RunFolder
from extractor.run.manifest import Manifest
from extractor.run.reading import is_stream
from extractor.run.tally import Tally
from extractor.schemas import Usage

_SHOWN = 3
"""Most failures that are printed."""
_ITEMS = {"criteria": "criterion", "regimens": "regimen", "endpoints": "endpoint"}
_UNCONFIRMED = {
    "read by the rules, left out by the model": (
        "value_unconfirmed",
        "regimen_unconfirmed",
    ),
    "lines that the model skipped, as the rules read them": ("line_unanswered",),
}
"""Lines that sum findings about values that a model did not confirm."""
_UNKNOWN_COSTS = {
    "calls without a reply": "without_reply",
    "calls whose price is unknown, since their replies state no usage": "without_usage",
}
"""Lines on calls of unknown cost, and how the manifest names them."""


def print_summary(tally: Tally, manifest: Manifest | None) -> None:
    """Print the run's counts as ``name: value`` lines. Questions and cost are those of the whole
    run, with records that an earlier command finished.
    """
    for name, value in _list_records(tally):
        print(f"{name}: {value}", file=sys.stderr)
    for name, value in _list_usage(tally, manifest):
        print(f"{name}: {value}", file=sys.stderr)


def _list_records(tally: Tally) -> Iterator[tuple[str, str]]:
    """Yield the counts of records, items and findings."""
    new = ""
    if tally.resumed:
        new = "new "
        done = tally.resumed + tally.extracted
        yield "records done", f"{done:,} ({tally.extracted:,} new)"
    else:
        yield "records extracted", f"{tally.extracted:,}"
    yield "records failed", f"{tally.failed:,}"
    if tally.repeated:
        differing = f"{tally.differing:,} with another text, left out"
        yield "trials that occur twice", f"{tally.repeated:,} ({differing})"
    number = tally.counts.get("items", {})
    items = [counted(number.get(name, 0), one, name) for name, one in _ITEMS.items()]
    yield f"{new}items", ", ".join(items)
    support = tally.counts.get("support", {})
    levels = [f"{count:,} {level}" for level, count in sorted(support.items())]
    yield f"{new}evidence", ", ".join(levels) or "0"
    kinds = Counter[str](tally.counts.get("finding_kinds", {}))
    named = ", ".join(f"{name} {count:,}" for name, count in kinds.most_common())
    yield f"{new}findings", f"{kinds.total():,}" + (f" ({named})" if named else "")
    for name, summed in _UNCONFIRMED.items():
        count = sum(kinds[kind] for kind in summed)
        if count:
            yield name, f"{count:,}"


def _list_usage(tally: Tally, manifest: Manifest | None) -> Iterator[tuple[str, str]]:
    """Yield the counts of questions and calls, the cost, and the calls of unknown cost with the
    most that they may have cost. Without a folder only the cost of this command is known.
    """
    whole = sum_usage(tally, manifest)
    questions = f"{whole.questions:,} asked, {whole.open_questions:,} open"
    if whole.unanswered:
        questions += f" ({whole.unanswered:,} without any usable answer)"
    yield "questions in all" if tally.resumed else "questions", questions
    usage = tally.usage
    if usage.calls:
        cached = ""
        if usage.cached_tokens:
            cached = f" ({usage.cached_tokens:,} of them cached)"
        calls = counted(usage.calls, "call")
        prompt = f"{usage.prompt_tokens:,} prompt tokens{cached}"
        yield "model", f"{calls}, {prompt}, {usage.output_tokens:,} output tokens"
    cost = manifest.cost if manifest else {"usd": tally.usd}
    usd = cost.get("usd_known") or cost["usd"]
    if usd:
        yield "cost", f"${usd:.4f}"
    for name, key in _UNKNOWN_COSTS.items():
        calls = cost.get(f"calls_{key}")
        most = cost.get(f"usd_{key}")
        at_most = (
            "" if most is None else f", which may have cost up to ${most:.4f} more"
        )
        if calls:
            yield name, f"{calls:,}{at_most}"


def sum_usage(tally: Tally, manifest: Manifest | None) -> Usage:
    """Return the usage of the whole run. The manifest counts all records with a result, the tally
    also failed ones.
    """
    return manifest.usage if manifest and tally.resumed else tally.usage


def how_to_resume(job: RunJob) -> str:
    """Return the command that continues this one."""
    if job.out is None:
        return "with --out DIR a run can go on where it stopped"
    again = "with the same input, " if any(map(is_stream, job.inputs)) else ""
    return f"{again}go on with: extractor {_repeat()}"


def _repeat(first: int = 1) -> str:
    """Return the words of this command that continue it, quoted for a shell."""
    return shlex.join(word for word in sys.argv[first:] if word != "--fresh")


def explain_lacking(job: RunJob) -> str | None:
    """Return why the run fails for questions without an answer; None if their share is within
    ``EXTRACTOR_MAX_LACKING``.

    It fails as well if some lines of ``--answers`` are broken and no line answered a question.
    """
    tally = job.run.tally
    choice = job.setup.choice
    usage = tally.usage
    if choice.exchange and choice.exchange.failed and not usage.calls:
        return f"no line of --answers answers a question of these records; {how_to_resume(job)}"
    if tally.lacking <= job.max_lacking:
        return None
    explained = (
        f"no usable answer to {usage.unanswered:,} of {counted(usage.questions, 'question')}, more "
        f"than EXTRACTOR_MAX_LACKING ({job.max_lacking:g}) allows"
    )
    if tally.watch and tally.watch.problem:
        explained += f"; such as: {tally.watch.problem}"
    if tally.watch and tally.watch.is_too_small:
        explained += f"; {TOO_SMALL}"
    if not choice.replay:  # a recorded answer that lacks now would lack again
        explained += f"; to ask again, {how_to_resume(job)}"
    return explained


def list_remarks(job: RunJob, folder: RunFolder | None) -> Iterator[str]:
    """Yield what is missing in the results; without ``--quiet`` also what remains open, and last
    the next step.
    """
    tally = job.run.tally
    exchange = job.setup.choice.exchange
    if exchange:
        yield from (f"no answer in {broken}" for broken in exchange.failed)
    if folder:
        yield from _list_missing(tally, folder)
    if job.options.quiet:
        return
    if not job.waits:
        yield f"to collect the answers: extractor batch collect {_repeat(3)}"
        return
    if folder:
        yield from _list_changes(folder)
    yield from _list_open(job, folder)
    if job.out and (tally.extracted or tally.resumed):
        yield f"to read the results: extractor report {shlex.quote(str(job.out))}"


def _list_missing(tally: Tally, folder: RunFolder) -> Iterator[str]:
    """Yield the first records that failed or have another text, and the files that name all."""
    if tally.failed:
        failures = folder.path / FAILURES
        with failures.open(encoding="utf-8") as lines:
            for line in islice(lines, _SHOWN):
                yield json.loads(line)["message"]
        yield f"{counted(tally.failed, 'record')} failed; all are in {failures}"
    if tally.differing:
        yield from map(str, folder.differing[:_SHOWN])
        differing = counted(tally.differing, "record")
        yield f"{differing} with another text left out; all are in {folder.path / REPEATED}"


def _list_changes(folder: RunFolder) -> Iterator[str]:
    """Yield how many records changed since an earlier run, lack an answer, or left the input."""
    manifest = folder.manifest
    counts = manifest.records
    if folder.changed:
        yield f"records with another text than in an earlier run: {folder.changed}"
    if counts["lacking"]:
        yield f"records that lack an answer: {counts['lacking']}"
    if counts["left"]:
        left = f"{counts['left']} ({name_some(manifest.left_ids, NAMED)})"
        yield f"results whose records are not in the input now: {left}; readers leave them out"


def _list_open(job: RunJob, folder: RunFolder | None) -> Iterator[str]:
    """Yield the questions that a model could answer, and those whose answers are not there yet."""
    choice = job.setup.choice
    manifest = folder.manifest if folder else None
    number = sum_usage(job.run.tally, manifest).open_questions
    if number and job.setup.options.asks and not choice.answers:
        them = "it" if number == 1 else "them"
        stayed_open = f"{counted(number, 'question')} stayed open"
        yield f"{stayed_open}; a model can answer {them} (--model)"
    replayed = choice.tally
    if replayed and replayed.missing:
        yield (
            f"no answer in {choice.replay} to {counted(replayed.missing, 'call')}, of about "
            f"{counted(replayed.missing_tokens, 'prompt token')}; to ask, name a model with "
            "--model in place of --replay"
        )
    exchange = choice.exchange
    if exchange and exchange.requests:
        files = ", ".join(map(str, exchange.parts)) or "no file"
        yield f"still open: {counted(exchange.written, 'request')}, in {files}"
