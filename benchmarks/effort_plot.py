"""Draws the figures of ``benchmarks.effort``. Only this module imports matplotlib."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.data import PEER


def plot_effort(results: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Draw macro-F1 over dollars per 1,000 records: a line for each group of areas, a square for the peer's.

    The suffix of ``path`` chooses the format, such as ``.png``.
    """
    axes = (figure := Figure(figsize=(8, 5), layout="constrained")).add_subplot()
    lines: dict[tuple[str, bool], list[Mapping[str, Any]]] = defaultdict(list)
    for one in results:
        lines[one["group"], one["effort"] == PEER].append(one)
    groups = sorted({group for group, _ in lines})
    for (group, is_peer), points in lines.items():
        dollars, f1 = [one["dollars"] for one in points], [one["figures"]["all"] for one in points]
        label = f"{PEER}, " * is_peer + f"{group} ({points[0]['records']} trials)"
        axes.plot(dollars, f1, "s" if is_peer else "o-", label=label, color=f"C{groups.index(group)}")
        for effort, x, y in [] if is_peer else zip([one["effort"] for one in points], dollars, f1, strict=True):
            axes.annotate(effort, (x, y), xytext=(4, -12), textcoords="offset points", fontsize=8)
    axes.set(xlabel="dollars per 1,000 records", ylabel="macro-F1")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
