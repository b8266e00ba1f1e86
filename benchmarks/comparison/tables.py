"""A comparison as Markdown: accuracy by field, what is lower than with the rules alone, and what it cost."""

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.models.tables import index_differences
from extractor.evaluation.report import Difference, ScoreReport

from .figures import count_costs, is_beyond, list_lower, list_names, stated_of
from .measuring import Comparison, LeftOut, Measured

__all__ = ["format_accuracy", "format_comparison", "format_costs", "format_losses", "format_table"]

_COSTS = (
    *("model", "records asked", "questions", "left open", "calls", "prompt tokens", "median", "from the cache"),
    *("output tokens", "median", "s a record, median", "90th percentile", "server's processor s"),
)


def format_comparison(comparison: Comparison) -> str:
    """All tables of a comparison."""
    parts = [f"{comparison.records} records, `--assist auto`. F1, normalised.", format_accuracy(comparison)]
    if comparison.measured:
        parts += ["Bold: zero lies outside of the difference's 95 % interval.", format_losses(comparison.columns)]
        parts.append(format_costs(comparison.measured))
    parts += [f"Left out: {_flatten(_tell(one))}" for one in comparison.left_out]
    return "\n\n".join(parts)


def format_accuracy(comparison: Comparison) -> str:
    """F1 of each field: the rules alone, and for each model its own with the difference to them."""
    rules, columns = comparison.rules, comparison.columns
    differences = [index_differences(report) for report in columns.values()]
    head = ["field", "stated", "rules alone"]
    for name in columns:
        head += [name, f"{name}: difference (95 %)"]
    rows = []
    for name in list_names(rules):
        row = [name, f"{stated_of(rules, name):,}", _number(rules.figure(name))]
        for by_name in differences:
            row += [_number(by_name[name].f1), _show_difference(by_name[name])]
        rows.append(row)
    return format_table(head, rows)


def format_losses(columns: dict[str, ScoreReport]) -> str:
    """For each column, how many fields are lower than with the rules alone, and which."""
    return "\n".join(f"- {name}: {_tell_losses(report)}" for name, report in columns.items())


def format_costs(measured: Iterable[Measured]) -> str:
    """Questions, calls, tokens and seconds of each model."""
    return format_table(_COSTS, [list(_show_costs(one)) for one in measured])


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]], ruler: str = "--:") -> str:
    """A Markdown table; ``ruler`` is that of all columns but the first, which are figures unless it says otherwise.

    >>> print(format_table(["model", "calls"], [["small", "3"]]))
    | model | calls |
    |---|--:|
    | small | 3 |
    """
    rulers = "|".join(["---", *(ruler for _ in head[1:])])
    return "\n".join([_row(head), f"|{rulers}|", *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _show_difference(difference: Difference) -> str:
    if difference.difference is None:
        return "-"
    interval = difference.interval
    shown = f"{difference.difference:+.3f}"
    if interval:
        shown = f"{shown} ({interval.low:+.3f} to {interval.high:+.3f})"
    return f"**{shown}**" if is_beyond(difference) else shown


def _tell_losses(report: ScoreReport) -> str:
    lower, beyond = list_lower(report), [one.name for one in list_lower(report) if is_beyond(one)]
    told = f"{len(lower)} of {len(report.fields)} fields lower than with the rules alone"
    if not lower:
        return told
    names = (f"**{one.name}**" if one.name in beyond else one.name for one in lower)
    return f"{told}, {len(beyond)} of them beyond the interval ({', '.join(names)})"


def _show_costs(measured: Measured) -> Iterator[str]:
    costs = count_costs(measured)
    yield measured.contestant.name
    yield from (f"{count:,}" for count in (costs.asked_records, costs.questions, costs.open_questions, costs.calls))
    yield from (f"{costs.prompt_tokens:,}", f"{costs.prompt_median:,.0f}")
    yield f"{costs.cached_tokens / max(1, costs.prompt_tokens):.0%}"
    yield from (f"{costs.output_tokens:,}", f"{costs.output_median:,.0f}")
    yield from (_number(costs.seconds_median, 2), _number(costs.seconds_p90, 2), _number(costs.cpu_seconds, 1))


def _tell(one: LeftOut) -> str:
    return f"{one.contestant.name} ({one.contestant.choice}): {one.why}"


def _flatten(text: str) -> str:
    return " ".join(text.split())


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
