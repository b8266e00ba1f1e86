"""Sum up a run on standard error: its counts, why records failed, and the next steps."""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from extractor.apps.cli.console import name_some, to_printable
from extractor.apps.cli.job import RunJob
from extractor.apps.report.overview import count_reasons, read_failures
from extractor.model.patience import TOO_SMALL
from extractor.plurals import counted
from extractor.run.folder import FAILURES, REPEATED, RunFolder
from extractor.run.manifest import Manifest
from extractor.run.reading import is_stream
from extractor.run.tally import Tally
from extractor.schemas import Usage

_MOST_SHOWN = 3
_MOST_REASONS = 5
"""Most reasons for failures that are shown, and most records that are named for a reason."""
_LONGEST = 300
_ITEMS = {"criteria": "criterion", "regimens": "regimen", "endpoints": "endpoint"}
"""What is counted of a run's items, with the word for a single item."""
_LEFT_OUT = ("value_unconfirmed", "regimen_unconfirmed")
"""Kinds of findings about what the rules read surely and the model's answers left out."""


def print_summary(tally: Tally, manifest: Manifest | None) -> None:
    """Print the run's counts as ``name: value`` lines.

    Questions and cost are those of the whole run, also of records that an earlier invocation
    finished.
    """
    for name, value in _list_counts(tally, sum_usage(tally, manifest)):
        print(f"{name}: {value}", file=sys.stderr)
    for name, value in _list_costs(tally, manifest.cost if manifest else None):
        print(f"{name}: {value}", file=sys.stderr)


def sum_usage(tally: Tally, manifest: Manifest | None) -> Usage:
    """Return the usage of the whole run. The manifest counts all records with a result, the
    tally also failed ones.
    """
    if manifest and tally.resumed:
        return manifest.usage
    return tally.usage


def _list_counts(tally: Tally, whole: Usage) -> Iterator[tuple[str, object]]:
    """Yield the names and values of the summary in order. Questions are those of the whole run,
    whose usage is ``whole``; items, evidence, findings and calls are those of this command. If
    nothing was extracted and records failed, only the records are counted.
    """
    if tally.resumed:
        done = tally.resumed + tally.extracted
        yield "records done", f"{done:,} ({tally.extracted:,} new)"
    else:
        yield "records extracted", tally.extracted
    yield "records failed", tally.failed
    usage = tally.usage
    has_results = tally.extracted or tally.resumed or usage.calls
    # All other counts would be 0.
    if tally.failed and not has_results:
        return
    if tally.repeated:
        yield "trials that occur twice", tally.repeated
    if tally.differing:
        yield "of these with another text, left out", tally.differing
    new = "new " if tally.resumed else ""
    items = tally.counts.get("items", {})
    counts = [counted(items.get(name, 0), item, name) for name, item in _ITEMS.items()]
    yield f"{new}items", ", ".join(counts)
    support = tally.counts.get("support")
    if support:
        levels = [f"{number:,} {level}" for level, number in sorted(support.items())]
        yield f"{new}evidence", ", ".join(levels)
    yield from _list_findings(tally, new)
    questions = f"{whole.questions:,} asked, {whole.open_questions:,} open"
    if whole.unanswered:
        questions += f" ({whole.unanswered:,} without any usable answer)"
    yield ("questions in all" if tally.resumed else "questions"), questions
    if usage.calls:
        prompt = counted(usage.prompt_tokens, "prompt token")
        if usage.cached_tokens:
            prompt += f" ({usage.cached_tokens:,} of them cached)"
        output = counted(usage.output_tokens, "output token")
        calls = counted(usage.calls, f"{new}call")
        yield "model", f"{calls}, {prompt}, {output}"


def _list_findings(tally: Tally, new: str) -> Iterator[tuple[str, str]]:
    """Yield the number of findings by kind, then what the rules read and a model did not
    confirm.
    """
    kinds = tally.counts.get("finding_kinds", {})
    most_first = sorted(kinds.items(), key=lambda kind: -kind[1])
    findings = f"{tally.counts.get('findings', 0):,}"
    if kinds:
        counts = ", ".join(f"{name} {count:,}" for name, count in most_first)
        findings += f" ({counts})"
    yield f"{new}findings", findings
    left_out = sum(kinds.get(name, 0) for name in _LEFT_OUT)
    if left_out:
        yield "read by the rules, left out by the model", f"{left_out:,}"
    skipped = kinds.get("line_unanswered")
    if skipped:
        yield "lines that the model skipped, as the rules read them", f"{skipped:,}"


def _list_costs(
    tally: Tally, cost: Mapping[str, int | float | None] | None
) -> Iterator[tuple[str, str | None]]:
    """Yield the names and figures of the costs: what all commands of the run cost, with the part of
    this one if it is another sum; nothing if both are 0. Then the calls of unknown cost, with the
    most that they may have cost beside it.

    ``cost`` is that of ``run.json``; None for a run without a folder.
    """
    new = tally.usd or 0.0
    total = cost and (cost.get("usd_known") or cost["usd"])
    shown_new = f"${new:.4f}"
    shown_total = f"${total:.4f}" if total else shown_new
    if shown_total != shown_new:
        yield "cost", f"{shown_total} ({shown_new} new)"
    elif new or total:
        yield "cost", shown_new
    yield from _list_unknown_costs(
        "calls without a reply",
        tally.lost(),
        tally,
        cost,
        counted="calls_without_reply",
        at_most="usd_without_reply",
    )
    yield from _list_unknown_costs(
        "calls whose price is unknown, since their replies state no usage",
        tally.unmetered(),
        tally,
        cost,
        counted="calls_without_usage",
        at_most="usd_without_usage",
    )


def _list_unknown_costs(
    name: str,
    used: Usage,
    tally: Tally,
    cost: Mapping[str, int | float | None] | None,
    *,
    counted: str,
    at_most: str,
) -> Iterator[tuple[str, str]]:
    """Yield the number of calls whose cost is unknown, and the most that they may have cost.

    ``cost`` has both of the whole run, if it has a folder; ``used`` is the most that the calls of
    this command may have used.
    """
    calls = used.calls
    most = tally.price(used) if tally.price else None
    if cost:
        calls = int(cost.get(counted) or 0)
        most = cost.get(at_most)
    if not calls:
        return
    if most is None:
        yield name, f"{calls:,}"
    else:
        yield name, f"{calls:,}, which may have cost up to ${most:.4f} more"


def how_to_resume(job: RunJob, *, raises_limits: bool = False) -> str:
    """Name the command that continues this one, with ``MORE`` for its limit of money if asked."""
    if job.out is None:
        return "with --out DIR a run can go on where it stopped"
    again = "with the same input, " if any(map(is_stream, job.inputs)) else ""
    command = shlex.join(_words())
    if raises_limits:
        command = re.sub(r"(--max-usd[= ])\S+", r"\1MORE", command)
    return f"{again}go on with: extractor {command}"


def explain_lacking(job: RunJob) -> str | None:
    """Say why the run fails for questions without an answer; None if it does not: the share of
    these questions is within ``EXTRACTOR_MAX_LACKING``.

    It fails as well if some lines of ``--answers`` are broken and no line answered a question.
    """
    tally = job.run.tally
    choice = job.setup.choice
    usage = tally.usage
    has_broken_answers = choice.exchange and choice.exchange.failed
    if has_broken_answers and not usage.calls:
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
    if not choice.replay:
        # A recorded answer that lacks now would lack again.
        explained += f"; to ask again, {how_to_resume(job)}"
    return explained


def _words() -> list[str]:
    """Return the words of this command that continue it."""
    return [word for word in sys.argv[1:] if word != "--fresh"]


def list_remarks(job: RunJob, folder: RunFolder | None) -> Iterator[str]:
    """Yield lines on failures, omitted records and open questions, and on the next steps.

    With ``--quiet`` only what is missing is named: answers of files that cannot be used, records
    that failed, and records with another text than an earlier one. If the run does not wait for its
    batches, the command that collects them is named instead of open questions.
    """
    exchange = job.setup.choice.exchange
    tally = job.run.tally
    if exchange:
        for broken in exchange.failed:
            yield f"no answer in {broken}"
    if folder:
        if job.options.quiet:
            yield from _count_missing(tally)
        yield from _list_missing(folder, tally)
    if job.options.quiet:
        return
    if not job.waits:
        yield f"to collect the answers: extractor batch collect {shlex.join(_words()[2:])}"
        return
    if folder:
        yield from _list_changes(job, folder)
    usage = sum_usage(tally, folder.manifest if folder else None)
    yield from _list_open_questions(job, usage.open_questions)
    yield from _list_not_replayed(job, folder)
    if exchange and exchange.requests:
        files = ", ".join(map(str, exchange.parts))
        if files:
            yield f"still open: {counted(exchange.written, 'request')}, in {files}"
        else:
            yield "all requests are answered"
    has_results = tally.extracted > 0 or tally.resumed > 0
    if job.out and has_results:
        out = shlex.quote(str(job.out))
        yield f"to read the results: extractor report {out}"
        yield f"to correct them: extractor review {out} --gold GOLD"


def _list_open_questions(job: RunJob, number: int) -> Iterator[str]:
    """Yield a line on the questions that a model could answer, if none was there to be asked."""
    lacks_model = job.uses_rules_alone and job.setup.options.asks
    if lacks_model and number:
        them = "it" if number == 1 else "them"
        stayed_open = f"{counted(number, 'question')} stayed open"
        yield f"{stayed_open}; a model can answer {them} (--model)"


def _list_not_replayed(job: RunJob, folder: RunFolder | None) -> Iterator[str]:
    """Yield a line on the calls that have no recorded answer, and how to ask them.

    The folder of a replay names the model of the run that it replays. Without a folder, or if that
    run was a replay, too, the model is not known, and the user has to name one.
    """
    replayed = job.setup.choice.tally
    if not replayed or not replayed.missing:
        return
    model = folder.manifest.settings["model"] if folder else "none"
    is_model_known = model != "none" and not model.startswith("replay of ")
    how = ", name a model with --model"
    if is_model_known:
        how = f": extractor {_ask_instead(_words(), model)}"
    yield (
        f"no answer in {job.setup.choice.replay} to {counted(replayed.missing, 'call')}, of about "
        f"{counted(replayed.missing_tokens, 'prompt token')}; to ask{how}"
    )


def _ask_instead(words: Sequence[str], model: str) -> str:
    """Return the words of a command, quoted for a shell, with ``--model`` in place of
    ``--replay``.

    >>> _ask_instead(["run", "trials", "--replay", "my run"], "gpt-5-mini")
    'run trials --model gpt-5-mini'
    """
    asking: list[str] = []
    is_folder = False
    for word in words:
        if is_folder:
            is_folder = False
        elif word == "--replay":
            asking += ["--model", model]
            is_folder = True
        elif word.startswith("--replay="):
            asking += ["--model", model]
        else:
            asking.append(word)
    return shlex.join(asking)


def _explain_failures(path: Path) -> Iterator[str]:
    """Yield a line for each reason with the records that failed for it, then where all are."""
    reasons = count_reasons(read_failures(path))
    for reason in reasons[:_MOST_REASONS]:
        message = to_printable(reason.message)[:_LONGEST]
        places = name_some(reason.places, _MOST_REASONS)
        if len(reason.places) == 1:
            yield f"failed: {places}: {message}"
        else:
            yield f"{len(reason.places):,} records failed: {message} ({places})"
    others = [place for reason in reasons[_MOST_REASONS:] for place in reason.places]
    if others:
        yield f"failed for other reasons: {name_some(others, _MOST_REASONS)}"
    yield f"all failures, with place and remedy: {path}"


def _count_missing(tally: Tally) -> Iterator[str]:
    """Yield the counts of records without a result, as the summary has them, if there are any."""
    if tally.failed:
        with_result = tally.extracted + tally.resumed
        read = with_result + tally.failed + tally.differing
        yield f"records failed: {tally.failed:,} of {read:,}"
    if tally.differing:
        yield f"records with another text, left out: {tally.differing:,}"


def _list_missing(folder: RunFolder, tally: Tally) -> Iterator[str]:
    """Yield lines on why records failed, and on records that stand twice with different texts."""
    if tally.failed:
        yield from _explain_failures(folder.path / FAILURES)
    yield from map(str, folder.differing[:_MOST_SHOWN])
    if len(folder.differing) > _MOST_SHOWN:
        yield f"all of these are in {folder.path / REPEATED}"


def _list_changes(job: RunJob, folder: RunFolder) -> Iterator[str]:
    """Yield lines on records changed since an earlier run, on those that lack an answer of a
    model, and on results whose records are not in the input now.
    """
    if folder.changed:
        yield f"records with another text than in an earlier run: {folder.changed}"
    counts = folder.manifest.records
    if counts["lacking"]:
        replay = job.setup.choice.replay
        again = f"{replay} has none" if replay else "the same command asks again"
        yield f"records that lack an answer: {counts['lacking']}; {again}"
    left = counts["left"]
    if left:
        examples = ", ".join(folder.manifest.left_ids[:_MOST_SHOWN])
        if left > _MOST_SHOWN:
            examples += ", ..."
        yield (
            f"results whose records are not in the input now: {left} ({examples}); "
            "readers leave them out"
        )
