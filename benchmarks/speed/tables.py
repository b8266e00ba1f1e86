"""The figures as tables."""

from collections.abc import Sequence
from itertools import pairwise

from .growth import Growth
from .hostile import PLACES, Slowness
from .stages import Stages

__all__ = ["format_growth", "format_hostile", "format_stages"]


def format_stages(found: Stages) -> str:
    """A row for each stage, one for reading and parsing together, and one for all."""
    lines = [
        f"{found.records} records of {found.characters / found.records:,.0f} characters on average, on one core",
        f"{'stage':<16}{'records/s':>10}{'ms/record':>11}{'x yardstick':>13}{'calls/record':>14}",
    ]
    named = {stage.name: (stage.seconds, stage.calls) for stage in found.stages}
    named["read + parse"] = _add(named, "read", "parse")
    named["all"] = _add(named, *(stage.name for stage in found.stages))
    for name, (seconds, calls) in named.items():
        rate, share = found.records / seconds, seconds / found.yardstick
        lines.append(f"{name:<16}{rate:>10,.0f}{1000 / rate:>11.2f}{share:>13.1f}{calls:>14,.0f}")
    lines.append(f"yardstick (JSON and tokens): {found.yardstick / found.records * 1000:.2f} ms/record")
    lines.append(f"first record, with what it loads: {found.first:.2f} s")
    lines.append(f"extractor run, start included: {found.records / found.command:,.0f} records/s")
    return "\n".join(lines)


def _add(named: dict[str, tuple[float, float]], *names: str) -> tuple[float, float]:
    return sum(named[name][0] for name in names), sum(named[name][1] for name in names)


def format_growth(found: Sequence[Growth]) -> str:
    """A row for each part: how its costs grow, over how its text grows (1.00 is linear)."""
    times = found[0].times
    heads = "".join(f"{f'x{after // before} (of {before})':>22}" for before, after in pairwise(times))
    lines = [f"{'growth (1.00: linear)':<24}{heads}{'ms, shortest':>14}"]
    for growth in found:
        ratios = "".join(f"{f'{seconds:.2f} CPU {calls:.2f} calls':>22}" for seconds, calls in growth.ratios())
        lines.append(f"{growth.part:<24}{ratios}{growth.costs[0].seconds * 1000:>14.1f}")
    return "\n".join(lines)


def format_hostile(found: Sequence[Slowness]) -> str:
    """The slowest texts of each reader."""
    lines = []
    for place in PLACES:
        slowest = [one for one in found if one.place == place]
        lines.append(f"{place}: " + ", ".join(f"{one.piece} {one.seconds:.2f} s" for one in slowest))
    return "\n".join(["hostile lines, slowest first", *lines])
