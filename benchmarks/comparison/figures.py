"""The figures of a comparison as values: what they cost, which fields they raise or lower, and all of it for JSON."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.models.tables import index_differences, list_losses
from extractor.evaluation.report import Difference, ScoreReport
from extractor.schemas import Task

from .measuring import Comparison, Measured

__all__ = ["Costs", "collect_figures", "count_costs", "is_beyond", "list_lower", "list_names", "stated_of"]


@dataclass(frozen=True, slots=True)
class Costs:
    """What a model took for all records. ``asked_records`` are those that left a question.

    Medians are of all records. There are no seconds of a replay, and none of the processor where the server is no
    process of ours.
    """

    asked_records: int
    questions: int
    open_questions: int
    calls: int
    prompt_tokens: int
    prompt_median: float
    cached_tokens: int
    output_tokens: int
    output_median: float
    seconds_median: float | None
    seconds_p90: float | None
    cpu_seconds: float | None


def count_costs(measured: Measured) -> Costs:
    """The costs of one model, by the usage of each record."""
    asked = measured.interview.asked
    seconds = [one.seconds for one in asked.records] if measured.contestant.is_live else []
    counts = {name: asked.total(name) for name in ("questions", "open_questions", "calls")}
    tokens = {name: asked.total(name) for name in ("prompt_tokens", "cached_tokens", "output_tokens")}
    return Costs(
        asked_records=sum(count > 0 for count in asked.tokens("calls")),
        **counts,
        **tokens,
        prompt_median=statistics.median(asked.tokens("prompt_tokens") or [0]),
        output_median=statistics.median(asked.tokens("output_tokens") or [0]),
        seconds_median=statistics.median(seconds) if seconds else None,
        seconds_p90=float(np.percentile(seconds, 90)) if seconds else None,
        cpu_seconds=measured.interview.cpu_seconds,
    )


def list_names(report: ScoreReport) -> list[str]:
    """The figures of a table: the averages over fields first, then every field."""
    return ["all", *Task, *(field.name for field in report.fields)]


def stated_of(report: ScoreReport, name: str) -> int:
    """How many values gold states for a figure's fields."""
    return sum(field.stated for field in report.fields if name in ("all", field.task, field.name))


def is_beyond(difference: Difference) -> bool:
    """Whether a difference is more than chance among the records would make: zero lies outside of its interval.

    >>> from extractor.evaluation.report import Interval
    >>> figures = {"name": "all", "f1": 0.92, "other": 0.9, "difference": 0.02}
    >>> [is_beyond(Difference(**figures, interval=Interval(low=low, high=0.04))) for low in (0.01, -0.01)]
    [True, False]
    """
    interval = difference.interval
    return interval is not None and (interval.low > 0 or interval.high < 0)


def list_lower(report: ScoreReport) -> list[Difference]:
    """The fields that are lower than with the rules alone; averages are no fields."""
    fields, differences = {field.name for field in report.fields}, index_differences(report)
    return [differences[name] for name in list_losses(report) if name in fields]


def collect_figures(comparison: Comparison) -> dict[str, Any]:
    """All figures, as JSON has them."""
    return {
        "records": comparison.records,
        "assist": "auto",
        "rules": {"f1": comparison.rules.figures()},
        "stated": {name: stated_of(comparison.rules, name) for name in list_names(comparison.rules)},
        "models": {one.contestant.name: _collect_model(one) for one in comparison.measured},
        "left_out": {one.contestant.name: one.why for one in comparison.left_out},
    }


def _collect_model(measured: Measured) -> dict[str, Any]:
    choice = measured.contestant.choice
    return {
        "spec": str(choice.spec),
        "replay": str(choice.replay) if choice.replay else None,
        "costs": asdict(count_costs(measured)),
        "figures": _collect_report(measured.shipped),
        "held_out": _collect_report(measured.held_out) if measured.held_out else None,
    }


def _collect_report(report: ScoreReport) -> dict[str, Any]:
    return {
        "resamples": report.resamples,
        "lower": [difference.name for difference in list_lower(report)],
        "differences": dict(_collect_differences(report)),
    }


def _collect_differences(report: ScoreReport) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, difference in index_differences(report).items():
        yield name, difference.model_dump(exclude={"name"}) | {"beyond": is_beyond(difference)}
