"""The figures as text: accuracy by field with paired intervals, and what it cost."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from extractor.evaluation import evaluate
from extractor.evaluation.report import Difference, ScoreReport
from extractor.schemas import TrialExtraction

from .asking import Round

__all__ = ["compare_with_rules", "format_accuracy", "format_costs", "index_differences", "list_losses"]


def compare_with_rules(
    gold: Sequence[TrialExtraction], found: Sequence[TrialExtraction], rules: Sequence[TrialExtraction], resamples: int
) -> ScoreReport:
    """A report on ``found`` with paired differences to what the rules give alone."""
    return evaluate(gold, found, compare=rules, resamples=resamples, examples=0)


def format_accuracy(reports: Mapping[str, ScoreReport]) -> str:
    """Normalised F1 of each field: the rules alone, and for each way of asking with its difference to them."""
    first = next(iter(reports.values()))
    stated = {field.name: str(field.stated) for field in first.fields}
    head = f"{'field':<34}{'stated':>8}{'never':>8}" + "".join(f"{name:>34}" for name in reports)
    rows = [head]
    by_name = {name: index_differences(report) for name, report in reports.items()}
    for name, rules in index_differences(first).items():
        cells = "".join(f"{_show(by_name[column].get(name)):>34}" for column in reports)
        rows.append(f"{name:<34}{stated.get(name, ''):>8}{_number(rules.other):>8}{cells}")
    return "\n".join(rows)


def format_costs(rounds: Mapping[str, Round]) -> str:
    """Calls, tokens and seconds of each way of asking; shares are of the last one."""
    head = ("asked", "calls", "prompt", "median", "cached", "output", "median", "share", "s/record")
    rows = ["".join(f"{title:>10}" for title in head)]
    *_, last = rounds.values()
    most = max(1, last.total("prompt_tokens", "output_tokens"))
    for name, asked in rounds.items():
        prompt, cached = asked.total("prompt_tokens"), asked.total("cached_tokens")
        cells = (
            name,
            asked.total("calls"),
            prompt,
            round(statistics.median(asked.tokens("prompt_tokens"))),
            f"{cached / max(1, prompt):.1%}",
            asked.total("output_tokens"),
            round(statistics.median(asked.tokens("output_tokens"))),
            f"{asked.total('prompt_tokens', 'output_tokens') / most:.1%}",
            f"{asked.seconds / max(1, len(asked.records)):.2f}",
        )
        rows.append("".join(f"{cell:>10}" for cell in cells))
    return "\n".join(rows)


def index_differences(report: ScoreReport) -> dict[str, Difference]:
    """The differences to the rules by the name of the figure."""
    return {difference.name: difference for difference in report.comparison.differences} if report.comparison else {}


def list_losses(report: ScoreReport) -> Iterator[str]:
    """Fields that are worse than with the rules alone."""
    for name, difference in index_differences(report).items():
        if difference.difference is not None and difference.difference < 0:
            yield name


def _show(difference: Difference | None) -> str:
    if difference is None or difference.difference is None:
        return "-"
    interval = difference.interval
    around = f" ({interval.low:+.3f} to {interval.high:+.3f})" if interval else ""
    return f"{_number(difference.f1)} {difference.difference:+.3f}{around}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
