"""Ages in one unit, to tell which of two is the higher one."""

from extractor.schemas import Age, TimeUnit

__all__ = ["AGE_UNITS", "count_days"]

_DAYS = {TimeUnit.DAY: 1.0, TimeUnit.WEEK: 7.0, TimeUnit.MONTH: 30.44, TimeUnit.YEAR: 365.25}
AGE_UNITS = tuple(_DAYS)
"""The units in which ages are stated."""


def count_days(age: Age) -> float | None:
    """About how many days an age is, None if its unit is none of an age.

    >>> count_days(Age(value=2, unit="week"))
    14.0
    """
    return float(age.value) * _DAYS[age.unit] if age.unit in _DAYS else None
