"""Format numbers and names for messages, for example as "1 record", "2 records", "84 %" or "A, B
and 3 more".
"""

from collections.abc import Iterable
from math import floor

_DIGITS = 6
"""Number of decimal places in a percentage that are not affected by rounding errors."""


def plural(number: int, noun: str, nouns: str = "") -> str:
    """Return a noun in the singular or plural, depending on the number.

    ``nouns`` is the plural form, for nouns whose plural is not formed by adding "s".

    >>> plural(1, "record"), plural(0, "record")
    ('record', 'records')
    >>> plural(2, "criterion", "criteria")
    'criteria'
    """
    if number == 1:
        return noun
    return nouns or f"{noun}s"


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number followed by the noun that it counts.

    >>> counted(1, "criterion", "criteria"), counted(1204, "record")
    ('1 criterion', '1,204 records')
    """
    return f"{number:,} {plural(number, noun, nouns)}"


def percent(confidence: float) -> str:
    """Return a confidence as a percentage, rounded down, so that a value below a threshold never
    appears to reach the threshold.

    >>> percent(0.849), percent(0.85), percent(0.29)
    ('84 %', '85 %', '29 %')
    """
    return f"{floor(round(100 * confidence, _DIGITS))} %"


def show_some(names: Iterable[str], most: int = 5) -> str:
    """Return the first few names and the number of names that remain.

    >>> show_some("abc"), show_some("abc", most=2)
    ('a, b, c', 'a, b and 1 more')
    """
    listed = list(names)
    shown = ", ".join(listed[:most])
    more = len(listed) - most
    if more > 0:
        return f"{shown} and {more:,} more"
    return shown
