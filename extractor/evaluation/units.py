"""Quantities in one unit, so that 24 hours are a day and 1,500/mm3 are 1.5 x 10^9/L."""

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["fold_unit", "is_time_unit", "scale_number", "scale_quantity"]

_TIME = {"minute", "month"}
# Registries lose the caret: 109/L is 10^9/L. No exponent begins with 0: 1000/mm3 is a thousand.
_POWER = re.compile(r"[x×]?10(?:(0+)|([1-9]\d?))(?=\D)")


def scale_quantity(value: float | None, unit: str | None) -> tuple[str | None, str]:
    """A number and its unit as comparable text, in the canonical unit.

    >>> scale_quantity(24, "hours") == scale_quantity(1, "day")
    True
    >>> scale_quantity(30, "day") == scale_quantity(1, "month")
    False
    """
    canonical, factor = fold_unit(unit)
    return scale_number(value, factor), canonical


def scale_number(value: float | None, factor: float = 1.0) -> str | None:
    """A number as text with twelve figures, so that rounding of the machine does not tell."""
    return None if value is None else f"{value * factor:.12g}"


@lru_cache(maxsize=1024)
def fold_unit(unit: str | None) -> tuple[str, float]:
    """The canonical name of a unit, and how many of it one is. No unit is "".

    >>> fold_unit("mcg")
    ('mg', 0.001)
    >>> fold_unit("x 10^9/L")
    ('/L', 1000000000.0)
    >>> fold_unit("x 1000/mm3") == fold_unit("x 10^3/uL")
    True
    """
    folded = re.sub(r"[\s^*·.\\]", "", unit or "").casefold()
    power = _POWER.match(folded)
    name = folded[power.end() :] if power else folded
    canonical, factor = _read_units().get(name, (name, 1.0))
    if power is None:
        return canonical, factor
    zeros, exponent = power.groups()
    return canonical, factor * 10.0 ** (int(exponent) if exponent else 1 + len(zeros))


def is_time_unit(unit: str | None) -> bool:
    """Whether a unit measures time."""
    return fold_unit(unit)[0] in _TIME


@cache
def _read_units() -> dict[str, tuple[str, float]]:
    table = tomllib.loads((files(__package__) / "units.toml").read_text("utf-8"))
    return {
        name: (entry["canonical"], float(entry.get("factor", 1))) for entry in table["unit"] for name in entry["names"]
    }
