"""Which of the amounts that a regimen's statements name are its doses."""

from collections.abc import Collection

from extractor.schemas import Amount

from .units import COUNTED

__all__ = ["choose_levels"]

_VOLUMES = frozenset({"mL", "uL", "L"})


def choose_levels(levels: Collection[Amount]) -> tuple[Amount, ...]:
    """The doses among ``levels``: no volume or number of pieces beside a substance, no range beside its own levels.

    >>> mg, ml = Amount(low=5, high=5, unit="mg"), Amount(low=2, high=2, unit="mL")
    >>> choose_levels([mg, ml]) == (mg,), choose_levels([ml]) == (ml,)
    (True, True)
    """
    substances = [level for level in levels if level.unit not in _VOLUMES and level.unit not in COUNTED]
    chosen = tuple(substances or levels)
    return (
        tuple(level for level in chosen if not _is_restated(level, levels)) if any(map(_is_range, levels)) else chosen
    )


def _is_restated(level: Amount, levels: Collection[Amount]) -> bool:
    """Whether a range has more levels of its own, or a level is one of the two ends of a range."""
    others = [other for other in levels if other.unit == level.unit and other != level]
    if _is_range(level):
        return sum(not _is_range(other) and _holds(level, other) for other in others) > 2
    ranges = [other for other in others if _is_range(other) and level.high in {other.low, other.high}]
    return any(_are_ends(wide, levels) for wide in ranges)


def _are_ends(wide: Amount, levels: Collection[Amount]) -> bool:
    """Whether of the levels within a range only its ends are named."""
    inside = [level for level in levels if level.unit == wide.unit and not _is_range(level) and _holds(wide, level)]
    return all(level.high in {wide.low, wide.high} for level in inside)


def _holds(wide: Amount, level: Amount) -> bool:
    if wide.low is None or wide.high is None or level.high is None:
        return False
    return wide.low <= level.high <= wide.high


def _is_range(level: Amount) -> bool:
    return level.low is not None and level.high is not None and level.low < level.high
