"""Measure what models add to the rules, field by field, and their cost, on the same records in one run.

    python -m benchmarks.comparison GOLD RECORDS [RECORDS ...] [--model NAME=SPEC[@DIR] ...] [--effort EFFORT]
                                    [--keep DIR] [--held-out] [--json FILE] [--limit N] [--resamples N]

A SPEC is as for ``--model`` (``gpt-5-mini``, ``http://127.0.0.1:8000/v1#capable``); with ``@DIR`` its recorded
answers are replayed, without timing. A live model is asked about one record at a time; the seconds do not include
parsing. ``--keep DIR`` stores its answers in ``DIR/NAME``. A model that is not available is left out, with a reason.

Prints as Markdown: F1 of each field by the rules alone, and for each model with its paired difference and a 95 %
interval; the fields that a model lowers; questions, calls, tokens, seconds. ``--held-out`` adds the scores with a
policy counted on the other records only, so that no scored record influences its own policy.
"""

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from benchmarks.data import Pairs, format_table, keeping_calls, option_parser, read_pairs
from benchmarks.policy import Counts, count_situations, nest
from extractor.ask.dialogue import dialogue
from extractor.ask.querying import converse
from extractor.assemble import ModelResult, assemble_extraction
from extractor.assemble.policy import combine_policy
from extractor.cli.environment import read_model_spec
from extractor.errors import AnswersError, ModelError, ModelUnavailable, StoreError
from extractor.evaluation import evaluate
from extractor.evaluation.report import PairedScore, ScoreReport
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.spec import LOOPBACK, ModelSpec
from extractor.llm.store import OpenStore
from extractor.options import Effort, ExtractionOptions, read_effort
from extractor.parse.parsed import ParsedRecord
from extractor.schemas import Task, TrialExtraction

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_CONNECT_S = 5.0


class Answered(NamedTuple):
    """A record with a model's answers, who was right, and the seconds of querying."""

    parsed: ParsedRecord
    result: ModelResult
    counts: Counts
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Scores on the same records. The rules' are compared with themselves, a model's with the rules'.

    Attributes:
        records: The number of scored records.
        rules: The scores of the rules alone.
        scores: The scores of each model by name; with a held-out policy, under "NAME, held out".
        costs: The costs of each model by name of the figure; None if it was not measured.
        choices: The models that were queried.
        left_out: A line for each model that could not be queried.
    """

    records: int
    rules: ScoreReport
    scores: dict[str, ScoreReport] = field(default_factory=dict)
    costs: dict[str, dict[str, float | None]] = field(default_factory=dict)
    choices: dict[str, ModelChoice] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def main() -> None:
    """Query the models, score, print and write."""
    parser = option_parser(__doc__)
    parser.add_argument("gold", type=Path)
    parser.add_argument("records", type=Path, nargs="+")
    parser.add_argument("--model", metavar="NAME=SPEC[@DIR]", action="append", default=[])
    parser.add_argument("--effort", type=read_effort, default=Effort.MEDIUM)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--limit", type=int, metavar="N")
    parser.add_argument("--resamples", type=int, default=1000, metavar="N")
    chosen = parser.parse_args()
    try:
        models = read_models(chosen.model)
    except ValueError as error:
        parser.error(str(error))
    if chosen.keep and all(choice.replay for choice in models.values()):
        parser.error("there is no live model whose answers could be kept; add --model or drop --keep")
    pairs = read_pairs(chosen.gold, chosen.records, chosen.limit)
    options = {"effort": chosen.effort, "resamples": chosen.resamples, "held_out": chosen.held_out, "keep": chosen.keep}
    comparison = compare_models(pairs, models, **options)
    print(f"`--effort {chosen.effort}`. {format_comparison(comparison)}")
    if chosen.json:
        chosen.json.parent.mkdir(parents=True, exist_ok=True)
        figures = collect_figures(comparison) | {"effort": chosen.effort}
        chosen.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_models(texts: Sequence[str]) -> dict[str, ModelChoice]:
    """Read the models of a comparison by name, from ``NAME=SPEC``, or ``NAME=SPEC@DIR`` to replay recorded answers.

    The text after the last ``@`` is a folder; end the SPEC with ``@`` if the model's own name holds one. Raises
    ``ValueError`` for bad syntax and a repeated name.

    >>> read_models(["small=smollm2-135m@tests/small_answers"])["small"].replay
    PosixPath('tests/small_answers')
    >>> str(read_models(["mine=http://127.0.0.1:8000/v1#org/name@2@"])["mine"].spec)
    'http://127.0.0.1:8000/v1#org/name@2'
    """
    found: dict[str, ModelChoice] = {}
    for text in texts:
        name, mark, rest = text.partition("=")
        if not mark or not _NAME.fullmatch(name):
            form = "write NAME=SPEC, or NAME=SPEC@DIR to replay recorded answers"
            raise ValueError(f"{text!r}: {form}; a NAME has letters, digits and . _ + -")
        if name in found:
            raise ValueError(f"{name}: more than one model has this name; give each its own")
        spec_text, folder = rest.rsplit("@", 1) if "@" in rest else (rest, "")
        spec = read_model_spec(spec_text)
        if folder and not Path(folder).is_dir():
            hint = f"if the @ belongs to the model's name, write {rest}@"
            raise ValueError(f"{text!r}: there is no folder {folder} to replay; {hint}")
        found[name] = ModelChoice(spec, replay=Path(folder) if folder else None)
    return found


def compare_models(
    pairs: Pairs,
    models: Mapping[str, ModelChoice],
    *,
    effort: Effort | float = Effort.MEDIUM,
    resamples: int = 1000,
    held_out: bool = False,
    keep: Path | None = None,
) -> Comparison:
    """Query one model after the other, with a line on stderr for each. Unavailable models are left out.

    The answers of each live model are stored in a folder in ``keep``.
    """
    gold = [label for _, label in pairs]
    rules = [assemble_extraction(parsed, ModelResult()) for parsed, _ in pairs]

    def score(found: Sequence[TrialExtraction], resamples: int = resamples) -> ScoreReport:
        return evaluate(gold, found, compare=rules, resamples=resamples, examples=0)

    comparison = Comparison(len(pairs), score(rules, 0))
    for name, choice in models.items():
        print(f"{name}: {choice}", file=sys.stderr)
        try:
            with keeping_calls(keep / name if keep and not choice.replay else None) as calls:
                answered = asyncio.run(_ask_all(pairs, choice, ExtractionOptions(effort=effort), calls))
        except (ModelError, AnswersError, StoreError) as error:
            why = str(error).partition("\n")[0]
            comparison.left_out.append(" ".join(f"Left out: {name} ({choice}): {why}".split()))
            continue
        comparison.choices[name] = choice
        comparison.costs[name] = count_costs(answered, is_live=choice.replay is None)
        comparison.scores[name] = score([assemble_extraction(one.parsed, one.result) for one in answered])
        if held_out:
            comparison.scores[f"{name}, held out"] = score(assemble_held_out(answered))
    return comparison


async def _ask_all(
    pairs: Pairs, choice: ModelChoice, options: ExtractionOptions, calls: OpenStore | None
) -> list[Answered]:
    """Query about one record after the other."""
    if choice.spec and choice.replay is None:
        _check_available(choice.spec)
    answered = []
    async with open_model(choice, store=calls) as model:
        for parsed, gold in pairs:
            begun = time.perf_counter()
            result = await converse(dialogue(parsed, options), model)
            seconds = time.perf_counter() - begun
            answered.append(Answered(parsed, result, count_situations(parsed, result, gold), seconds))
        return answered


def _check_available(spec: ModelSpec) -> None:
    """Raise ``ModelUnavailable`` if the model's server is on this machine and does not listen."""
    place = urlsplit(spec.base_url or "")
    if place.hostname not in LOOPBACK:
        return
    try:
        socket.create_connection((place.hostname, place.port or 80), _CONNECT_S).close()
    except OSError:
        raise ModelUnavailable(f"nothing listens at {spec}") from None


def assemble_held_out(answered: Sequence[Answered]) -> list[TrialExtraction]:
    """Assemble the extractions in the same order, each with a policy counted on the other records only."""
    total = sum((one.counts for one in answered), Counts())
    policies = [combine_policy(one.result.policy.model_class, nest(total - one.counts)) for one in answered]
    return [
        assemble_extraction(one.parsed, replace(one.result, policy=policy))
        for one, policy in zip(answered, policies, strict=True)
    ]


def count_costs(answered: Sequence[Answered], *, is_live: bool) -> dict[str, float | None]:
    """Count the costs of one model. Medians are over all records; a replay has no times."""
    usages = [one.result.usage for one in answered]
    seconds = [one.seconds for one in answered] if is_live else []
    prompt, output = ([getattr(one, f"{side}_tokens") for one in usages] for side in ("prompt", "output"))

    def percentile(values: Sequence[float], share: float) -> float | None:
        return float(np.percentile(values, share)) if values else None

    return {
        "records asked": sum(one.calls > 0 for one in usages),
        "questions": sum(one.questions for one in usages),
        "left open": sum(one.open_questions for one in usages),
        "calls": sum(one.calls for one in usages),
        "prompt tokens": sum(prompt),
        "median prompt": percentile(prompt, 50),
        "from the cache": sum(one.cached_tokens for one in usages),
        "output tokens": sum(output),
        "median output": percentile(output, 50),
        "s a record, median": percentile(seconds, 50),
        "s, 90th percentile": percentile(seconds, 90),
    }


def index_differences(report: ScoreReport) -> dict[str, PairedScore]:
    """Index the differences to the rules by the name of the figure."""
    return {one.name: one for one in report.comparison.differences} if report.comparison else {}


def list_lower(report: ScoreReport) -> list[PairedScore]:
    """List the fields that score lower than by the rules alone, without averages."""
    by_name = index_differences(report)
    found = [by_name[one.name] for one in report.fields if one.name in by_name]
    return [one for one in found if one.difference is not None and one.difference < 0]


def is_beyond(difference: PairedScore) -> bool:
    """Whether a difference is more than chance: zero lies outside its interval."""
    interval = difference.interval
    return interval is not None and (interval.low > 0 or interval.high < 0)


def collect_figures(comparison: Comparison) -> dict[str, Any]:
    """Return all figures as JSON-compatible data."""
    scores = {
        name: {one.name: one.model_dump(exclude={"name"}) for one in index_differences(report).values()}
        for name, report in comparison.scores.items()
    }
    return {
        "records": comparison.records,
        "rules": comparison.rules.figures(),
        "models": {name: str(choice) for name, choice in comparison.choices.items()},
        "scores": scores,
        "costs": comparison.costs,
        "left_out": comparison.left_out,
    }


def format_comparison(comparison: Comparison) -> str:
    """Format all tables: accuracy by field, the fields that score lower, and the costs."""
    rules, scores = comparison.rules, comparison.scores
    head = ["field", "stated", "rules alone"]
    head += [cell for name in scores for cell in (name, f"{name}: difference (95 %)")]
    rows = []
    for name in ["all", *Task, *(one.name for one in rules.fields)]:
        stated = sum(one.stated for one in rules.fields if name in ("all", one.task, one.name))
        differences = [index_differences(report)[name] for report in scores.values()]
        rows.append([name, f"{stated:,}", rules.figure(name)])
        rows[-1] += [cell for one in differences for cell in (one.f1, _show(one))]
    parts = [f"{comparison.records} records. F1, normalised.", format_table(head, rows, markdown=True)]
    if scores:
        losses = "\n".join(f"- {name}: {_describe_losses(report)}" for name, report in scores.items())
        counted = next(iter(comparison.costs.values()))
        costs = [(name, *map(_show_cost, cost.values())) for name, cost in comparison.costs.items()]
        parts += ["Bold: zero lies outside the difference's 95 % interval.", losses]
        parts.append(format_table(("model", *counted), costs, markdown=True))
    return "\n\n".join([*parts, *comparison.left_out])


def _show(difference: PairedScore) -> str:
    if difference.difference is None:
        return "-"
    interval, shown = difference.interval, f"{difference.difference:+.3f}"
    if interval:
        shown = f"{shown} ({interval.low:+.3f} to {interval.high:+.3f})"
    return f"**{shown}**" if is_beyond(difference) else shown


def _show_cost(cost: float | None) -> str:
    return "-" if cost is None else f"{cost:,.2f}".removesuffix(".00")


def _describe_losses(report: ScoreReport) -> str:
    lower = list_lower(report)
    text = f"{len(lower)} of {len(report.fields)} fields lower than by the rules alone"
    names = ", ".join(f"**{one.name}**" if is_beyond(one) else one.name for one in lower)
    return f"{text}, {sum(map(is_beyond, lower))} of them beyond the interval ({names})" if lower else text


if __name__ == "__main__":
    main()
