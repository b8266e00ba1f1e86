"""Draws the figures of ``benchmarks.effort``. Only this module imports matplotlib."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Peer = tuple[str, float, float]
"""A name, dollars per 1,000 records, and macro-F1."""


def read_peer(text: str) -> Peer:
    """Read ``NAME=DOLLARS,F1``. Raises ``ValueError`` for another form.

    >>> read_peer("plain prompt=21.5,0.83")
    ('plain prompt', 21.5, 0.83)
    """
    name, _, figures = text.rpartition("=")
    dollars, _, f1 = figures.partition(",")
    if not name:
        raise ValueError(f"{text!r}: write NAME=DOLLARS,F1")
    return name, float(dollars), float(f1)


def plot_effort(results: Iterable[Mapping[str, Any]], peers: Sequence[Peer], path: Path) -> None:
    """Draw macro-F1 over dollars per 1,000 records: a line for each group of areas, a point for each peer.

    The suffix of ``path`` chooses the format, such as ``.png``.
    """
    axes = (figure := Figure(figsize=(8, 5), layout="constrained")).add_subplot()
    for group, found in groupby(sorted(results, key=itemgetter("group")), key=itemgetter("group")):
        points = sorted((one["dollars"], one["figures"]["all"], str(one["effort"])) for one in found)
        axes.plot([dollars for dollars, _, _ in points], [f1 for _, f1, _ in points], marker="o", label=group)
        for dollars, f1, effort in points:
            axes.annotate(effort, (dollars, f1), xytext=(4, -12), textcoords="offset points", fontsize=8)
    for name, dollars, f1 in peers:
        axes.plot(dollars, f1, linestyle="none", marker="s", label=name)
    axes.set(xlabel="dollars per 1,000 records", ylabel="macro-F1")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
