"""Values as a model writes them in one short string: "AST: <= 3 x ULN", "300 mg/m2", "21 day", "CTCAE | 5.0".

A small model copies words well and fills nested numbers badly; a string also takes a third of the tokens.
Every reader raises ``ValueError`` with the form that would do.
"""

import re

from extractor.parse.durations import find_durations
from extractor.parse.numbers import NUMBER, read_number
from extractor.schemas import Amount, Comparator, Constraint, Instrument, Period, TimePoint, TimeUnit

__all__ = ["read_amount", "read_instrument", "read_limit", "read_period", "read_time_point"]

_RANGE = rf"(?P<low>-?{NUMBER})(?:\s*(?:-|–|to|and)\s*(?P<high>{NUMBER}))?\s*(?P<unit>.*)"
_LIMIT = re.compile(
    rf"(?P<quantity>[^\s:<>=≤≥].*?)\s*(?::\s*(?P<sign><=|>=|≤|≥|<|>|=)?|(?P<bare><=|>=|≤|≥|<|>|=))\s*"
    rf"(?:(?:grade|class|stage|level)\s+)?{_RANGE}",
    re.IGNORECASE,
)
_AMOUNT = re.compile(rf"(?P<cap>up to\s+)?(?P<floor>at least\s+)?{_RANGE}", re.IGNORECASE)
_SIGNS = {"≤": "<=", "≥": ">="}
_POWER = re.compile(r"\s?(?:x|\*|million|billion|thousand).*", re.IGNORECASE)
_UNIT_FIRST = re.compile(rf"([A-Za-z]+)\s+({NUMBER})", re.IGNORECASE)
_VERSION = re.compile(r"(?P<name>.+?)(?:\s*\|\s*|[\s,]+v(?:ersion)?\.?\s*(?=\d))(?P<version>.*)", re.IGNORECASE)


def read_limit(text: str) -> Constraint:
    """A numeric limit written as "quantity: comparator number unit".

    >>> limit = read_limit("neutrophils: >= 1.5 x 10^9 /L")
    >>> limit.quantity, limit.comparator.value, limit.value, limit.unit
    ('neutrophils', '>=', 1500000000, '/L')
    >>> limit = read_limit("ECOG: 0-2")
    >>> limit.comparator.value, limit.value, limit.value_high, limit.unit
    ('between', 0, 2, None)
    """
    found = _LIMIT.fullmatch(text.strip())
    if not found:
        raise ValueError(f'{text!r}: write a limit as "quantity: comparator number unit", such as "AST: <= 3 x ULN"')
    low, high = _bounds(found)
    sign = found["sign"] or found["bare"] or "="
    return Constraint(
        quantity=found["quantity"],
        comparator=Comparator.BETWEEN if high is not None else Comparator(_SIGNS.get(sign, sign)),
        value=low,
        value_high=high,
        unit=found["unit"].strip() or None,
    )


def read_amount(text: str) -> Amount:
    """A dose written as "number unit", "low-high unit" or "up to number unit".

    >>> amount = read_amount("1-2 x 10^6 cells/kg")
    >>> amount.low, amount.high, amount.unit
    (1000000, 2000000, 'cells/kg')
    """
    found = _AMOUNT.fullmatch(text.strip())
    if not found or not re.match(r"[^\W\d_]|%", found["unit"]):
        raise ValueError(f'{text!r}: write a dose as number and unit, such as "300 mg/m2", "1-2 mg" or "up to 40 mg"')
    low, high = _bounds(found)
    if high is None and not found["floor"]:
        high = low
    return Amount(low=None if found["cap"] else low, high=high, unit=found["unit"].strip())


def read_period(text: str) -> Period:
    """A length of time.

    >>> read_period("21 day")
    Period(value=21, unit=<TimeUnit.DAY: 'day'>)
    """
    value, unit = _read_time(text)
    return Period(value=value, unit=unit)


def read_time_point(text: str) -> TimePoint:
    """A moment or limit, unit last or first.

    >>> read_time_point("day 30") == read_time_point("30 days")
    True
    """
    value, unit = _read_time(text)
    return TimePoint(value=value, unit=unit)


def read_instrument(text: str) -> Instrument:
    """A grading system, with its version after a bar or "v".

    >>> read_instrument("CTCAE | 5.0") == read_instrument("CTCAE v5.0")
    True
    """
    found = _VERSION.fullmatch(text.strip())
    if not found:
        return Instrument(name=text.strip())
    return Instrument(name=found["name"], version=found["version"].strip() or None)


def _bounds(found: re.Match[str]) -> tuple[int | float, int | float | None]:
    """Both numbers of a range; a power behind the second one is the first one's too ("1-2 x 10^6")."""
    low_text, high_text = found["low"], found["high"]
    power = _POWER.search(high_text) if high_text else None
    if power and not _POWER.search(low_text):
        low_text += power[0]
    low, high = read_number(low_text.lstrip("-")), read_number(high_text) if high_text else None
    if low is None or (high_text and high is None):
        raise ValueError(f"{found[0]!r}: write the number in digits")
    return -low if low_text.startswith("-") else low, high


def _read_time(text: str) -> tuple[int | float, TimeUnit]:
    turned = _UNIT_FIRST.sub(r"\2 \1", text, count=1)
    found = next(find_durations(text), None) or next(find_durations(turned), None)
    if not found or found.low != found.high:
        raise ValueError(f'{text!r}: write a time as one number and a unit, such as "30 day" or "2 year"')
    return found.low, found.unit
