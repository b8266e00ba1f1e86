"""Values as a model should write them: the opposite of ``extractor.ask.wire.forms``.

A value that cannot be written as the text has it (a sum, a number in words) is None: nobody should learn to guess it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from extractor.ask.wire.forms import read_amount, read_instrument, read_limit, read_period, read_time_point
from extractor.schemas import Amount, Constraint, Instrument, Period, TimePoint

__all__ = ["write_amount", "write_instrument", "write_limit", "write_list", "write_period", "write_time"]

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:\s*[x*×]\s*10\s*\^?\s*-?\d+)?")


def write_limit(label: Mapping[str, Any], text: str) -> str | None:
    """A constraint of a label.

    >>> label = {"quantity": "ANC", "comparator": ">=", "value": 1500000000, "value_high": None, "unit": "/L"}
    >>> write_limit(label, "ANC at least 1.5 x 10^9/L")
    'ANC: >= 1.5 x 10^9 /L'
    """
    sign = "" if label["comparator"] == "between" else f"{label['comparator']} "
    return _first_that_reads(
        (
            f"{label['quantity']}: {sign}{number}"
            for number in _numbers(label["value"], label["value_high"], label["unit"], text)
        ),
        read_limit,
        Constraint.model_validate(label),
    )


def write_amount(label: Mapping[str, Any], text: str) -> str | None:
    """An amount of a label.

    >>> write_amount({"low": 1, "high": 2, "unit": "mg"}, "1 to 2 mg")
    '1-2 mg'
    """
    low, high = label["low"], label["high"]
    if low is None:
        drafts: Iterable[str] = (f"up to {number}" for number in _numbers(high, None, label["unit"], text))
    elif high is None:
        drafts = (f"at least {number}" for number in _numbers(low, None, label["unit"], text))
    else:
        drafts = _numbers(low, None if low == high else high, label["unit"], text)
    return _first_that_reads(drafts, read_amount, Amount.model_validate(label))


def write_time(label: Mapping[str, Any]) -> str | None:
    """A moment or limit of a label.

    >>> write_time({"value": 30, "unit": "day"})
    '30 day'
    """
    return _first_that_reads([f"{label['value']:g} {label['unit']}"], read_time_point, TimePoint.model_validate(label))


def write_period(label: Mapping[str, Any]) -> str | None:
    """A length of time of a label."""
    return _first_that_reads([f"{label['value']:g} {label['unit']}"], read_period, Period.model_validate(label))


def write_instrument(label: Mapping[str, Any]) -> str | None:
    """A grading system, with its version after a bar.

    >>> write_instrument({"name": "CTCAE", "version": "5.0"})
    'CTCAE | 5.0'
    """
    draft = " | ".join(filter(None, (label["name"], label.get("version"))))
    return _first_that_reads([draft], read_instrument, Instrument.model_validate(label))


def write_list(
    labels: Iterable[Mapping[str, Any]], write: Callable[[Mapping[str, Any]], str | None]
) -> list[str] | None:
    """All values of a list; None if one of them cannot be written."""
    written = [write(label) for label in labels]
    return None if None in written else [text for text in written if text]


def _numbers(value: float, high: float | None, unit: str | None, text: str) -> Iterator[str]:
    """The value as each number of the text, so that one which is written with a power of ten is found."""
    shown = [found[0].strip() for found in _NUMBER.finditer(text)] + [f"{value:g}"]
    highs = (
        [f"-{number}" for number in [*(found[0].strip() for found in _NUMBER.finditer(text)), f"{high:g}"]]
        if high is not None
        else [""]
    )
    for number in shown:
        for upper in highs:
            yield f"{number}{upper} {unit or ''}".strip()


def _first_that_reads(drafts: Iterable[str], read: Callable[[str], object], wanted: object) -> str | None:
    for draft in drafts:
        try:
            if read(draft) == wanted:
                return draft
        except ValueError:
            continue
    return None
