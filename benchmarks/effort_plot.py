"""Draws the figures of ``benchmarks.effort``. Only this module imports matplotlib."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.data import PEER


def plot_effort(results: Iterable[Mapping[str, Any]], dollars: Iterable[float], label: str, path: Path) -> None:
    """Draw macro-F1 over the dollars of each result: a line for each group of areas, a square for the peer's.

    ``label`` says what the dollars are. The suffix of ``path`` chooses the format, such as ``.png``.
    """
    axes = (figure := Figure(figsize=(8, 5), layout="constrained")).add_subplot()
    lines: dict[tuple[str, bool], list[tuple[float, Mapping[str, Any]]]] = defaultdict(list)
    for one, cost in zip(results, dollars, strict=True):
        lines[one["group"], one["effort"] == PEER].append((cost, one))
    groups = sorted({group for group, _ in lines})
    for (group, is_peer), points in lines.items():
        costs, f1 = [cost for cost, _ in points], [one["figures"]["all"] for _, one in points]
        name = f"{PEER}, " * is_peer + f"{group} ({points[0][1]['records']} trials)"
        axes.plot(costs, f1, "s" if is_peer else "o-", label=name, color=f"C{groups.index(group)}")
        for x, y, (_, one) in [] if is_peer else zip(costs, f1, points, strict=True):
            axes.annotate(one["effort"], (x, y), xytext=(4, -12), textcoords="offset points", fontsize=8)
    axes.set(xlabel=label, ylabel="macro-F1")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
