"""Read the ages in registry fields, and compare them with an age in the text."""

import re
from collections.abc import Iterable, Mapping
from math import inf

from extractor.language.book import read_words
from extractor.language.numbers import DAYS, find_durations, read_number
from extractor.schemas import Age, Comparator, Evidence, RegistryFields, TimeUnit

SIDES = {"minimum_age": Comparator.AT_LEAST, "maximum_age": Comparator.AT_MOST}
"""The comparator for an age that is stated without a comparator."""
AGES = tuple(SIDES)
DESCRIPTIONS = frozenset({"brief_summary", "detailed_description"})
"""Sections that may also describe the illness, other trials and comparison groups."""
UNLIKE = "age unlike the registry's"
"""The feature of an age that differs from the registered age."""
# Chosen by hand: a week in a year.
_ROUNDED = 1.02
"""The factor by which the tolerance is multiplied to allow for rounding. Registries may convert
"under 18" to 17.
"""
_YEAR = DAYS[TimeUnit.YEAR]
_INFANCY = 2 * _YEAR
"""Ages up to this number of days are registered in months or weeks."""
OLDEST = 120 * _YEAR
"""The highest age in days."""
_EVERYBODY = 99 * _YEAR
"""Registered upper limits of at least this many days are ignored, since they admit everybody."""
_SHORT_AGE = re.compile(
    r"(?:[<>]=?|[≤≥])?\s?(?P<number>\d{1,3}(?:[.,]\d{1,2})?)\s?(?:(?P<months>m)|age(?:s|d)?(?: "
    r"old)?|yrs?\.?)?",
    re.IGNORECASE,
)
"""Matches an age in a form that only registries use: a bare number, "6M" or "20age old"."""


def count_days(age: Age) -> float:
    """Return an age in days.

    >>> count_days(Age(value=2, unit=TimeUnit.WEEK))
    14.0
    """
    return float(age.value * DAYS[age.unit])


def read_comparator(name: str, evidence: Iterable[Evidence] = ()) -> Comparator:
    """Return the comparator of an age limit, given the evidence for the eligibility: the
    comparator of "over 18 years" is ``>``. If the text has no comparator, or if the age comes from
    the register, the age itself is admitted.

    >>> read_comparator("minimum_age").value, read_comparator("maximum_age").value
    ('>=', '<=')
    """
    stated = (piece.comparator for piece in evidence if piece.field == name)
    return next(stated, None) or SIDES[name]


def read_registered_age(written: str) -> Age | None:
    """Read an age in a registry's notation; return None if the text is not an age.

    Registries write "18 Years", "15Y", "6M", "20age old" (Japan) or only the number of years. In
    these fields, unlike in running text, "M" means months.

    >>> [
    ...     str(read_registered_age(text))
    ...     for text in ("18 Years", "15Y", "6M", "20age old", "65")
    ... ]
    ['18 year', '15 year', '6 month', '20 year', '65 year']
    >>> read_registered_age("Adults") is None
    True
    """
    duration = next(iter(find_durations(read_words(written))), None)
    if duration and duration.days is not None:
        return Age(value=duration.low, unit=duration.unit)
    short = _SHORT_AGE.fullmatch(written.strip())
    if not short:
        return None
    number = read_number(short["number"])
    # an "M" is never a metre or a million here
    unit = TimeUnit.MONTH if short["months"] else TimeUnit.YEAR
    if number is None:
        return None
    return Age(value=number, unit=unit)


def read_registered_ages(registry: RegistryFields) -> Mapping[str, float | None]:
    """Return the registered ages in days, keyed by field. An age is None if it cannot be read;
    both ages are None if the record has no registered age. If only one limit is registered, the
    other is treated as unlimited: 0 days or infinity. An upper limit of 99 years or more is also
    treated as unlimited. "N/A" and "-" are treated as empty.

    >>> ages = read_registered_ages(
    ...     RegistryFields(minimum_age="2 Years", maximum_age="N/A")
    ... )
    >>> ages["minimum_age"], ages["maximum_age"]
    (730.5, inf)
    """
    if not any(map(registry.text, AGES)):
        return dict.fromkeys(AGES)
    ages: dict[str, float | None] = {"minimum_age": 0.0, "maximum_age": inf}
    for name in AGES:
        written = registry.text(name)
        if written is not None:
            age = read_registered_age(written)
            ages[name] = count_days(age) if age else None
    highest = ages["maximum_age"]
    # "120 Years" limits nobody
    if highest is not None and highest >= _EVERYBODY:
        ages["maximum_age"] = inf
    return ages


def agrees(age: Age | None, registered: float | None) -> bool:
    """Return whether an age agrees with the registered age: they differ by at most a year or, for
    infants up to two years old, by at most a month. If either age is missing, the two ages are
    treated as not agreeing.
    """
    if age is None or registered is None:
        return False
    stated = count_days(age)
    # no limit is registered: only an age that admits everybody is the same
    if registered == inf:
        return stated >= _EVERYBODY
    tolerance = _YEAR
    if max(stated, registered) <= _INFANCY:
        tolerance = DAYS[TimeUnit.MONTH]
    return abs(stated - registered) <= _ROUNDED * tolerance


def differs(age: Age | None, registered: float | None) -> bool:
    """Return whether an age in the text differs from the registered one. If either age is missing,
    the two ages are treated as not differing.
    """
    if age is None or registered is None:
        return False
    return not agrees(age, registered)
