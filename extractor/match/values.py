"""Read a patient's values: numbers with units, as hospitals write them."""

import re
from collections.abc import Iterator, Mapping
from math import inf, nextafter
from typing import NamedTuple

from extractor.concepts.limits.canonical import name_limit
from extractor.concepts.limits.quantity_names import list_quantities, name_quantity
from extractor.language.numbers import ROMAN, read_number
from extractor.language.shown import show_line
from extractor.match.kinds import tell_kind
from extractor.match.quantities import (
    ROOM_AIR,
    Units,
    describe_unused,
    key_quantity,
    name_value,
    read_fraction,
)
from extractor.match.synonyms import spell_key
from extractor.measures.names import spell_words
from extractor.schemas import Comparator, Constraint
from extractor.schemas.arguments import suggest

_VALUE = re.compile(
    r"(?P<sign>[<>≤≥]=?)?\s*(?:(?:grade|class|stage)\s+)?(?P<number>[-+]?\d[\d.,]*|[IV]+)\s*(?P<unit>.*)",
    re.IGNORECASE | re.DOTALL,
)
_PRESSURES = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})\s*(mm\s?hg)?", re.IGNORECASE)
_SECOND_NUMBER = re.compile(r"(?:-|–|to\b|/)\s*\d")
_POWER = re.compile(r"[x*×]?\s{0,4}10\s?(?:E|e|\*|\^|\*\*)\+?(\d+)")
_FRACTIONS = frozenset({"L/L", "l/l", "fraction", "g/g", "ratio"})
"""Units of a fraction of 1, which is a hundredth of a value in %."""
_RELATIVE = re.compile(r"%?\{(?:ULN|LLN|baseline|normal)\}")
"""A unit that relates a value to a normal value: "x ULN"."""
_BLOOD_PRESSURE = frozenset({"blood pressure", "bp", "arterial blood pressure"})
_LONGEST = 200
_SHORTEST_MISSPELT = 6
"""Shorter names are abbreviations, which resemble too many others."""


NOT_COMPARED = "not compared: "
"""The beginning of a value that a file gives with the reason why it is none of the patient."""


class _ReadValue(NamedTuple):
    """A value: the key of its quantity, its unit, and the numbers that it can mean. ``bare`` is
    the number of a value that is stated without a unit.
    """

    key: str
    unit: str | None
    numbers: tuple[float, ...]
    bare: float | None = None


class Values(NamedTuple):
    """A patient's values.

    Attributes:
        units: The numbers that each can mean, by quantity and unit.
        said: The words of the patient's data, by quantity.
        unused: The values that cannot be used, each with the reason.
        bare: The numbers that are stated without a unit, by quantity.
    """

    units: dict[str, Units]
    said: dict[str, str]
    unused: list[str]
    bare: dict[str, float]


def read_values(
    written: Mapping[str, object], upper_limits: Mapping[str, object]
) -> Values:
    """Read a patient's values."""
    reader = _ValueReader(written)
    for name, value in written.items():
        for reading in _read_value(name, str(value)):
            reader.add(name, value, reading)
    values = reader.list_believed()
    unused = [*reader.unused, *_add_ratios(values, upper_limits)]
    used = {key: units for key, units in values.items() if units}
    index = _find_body_mass_index(used)
    if index:
        used["bmi"] = {"kg/m2": (index,)}
        reader.said["bmi"] = f"{reader.said['body_weight']}, {reader.said['height']}"
    return Values(used, reader.said, unused, reader.bare)


def _find_body_mass_index(values: Mapping[str, Units]) -> float | None:
    """Return the body mass index in kg/m2 from a weight and a height; None if it is stated, too."""
    if "bmi" in values:
        return None
    weights = values.get("body_weight", {}).get("kg", ())
    heights = values.get("height", {}).get("cm", ())
    if len(weights) != 1 or len(heights) != 1 or heights[0] <= 0:
        return None
    return weights[0] / (heights[0] / 100) ** 2


class _ValueReader:
    """Collects the values of a patient, of which no two may contradict each other."""

    def __init__(self, written: Mapping[str, object]) -> None:
        self.written = written
        self.values: dict[str, Units] = {}
        # the name under which each was stated first
        self.names: dict[tuple[str, str | None], str] = {}
        self.said: dict[str, str] = {}
        self.unused: list[str] = []
        self.bare: dict[str, float] = {}

    def add(self, name: str, value: object, reading: "_ReadValue | str") -> None:
        """Add what a value says, or why it cannot be used."""
        if isinstance(reading, str):
            written = str(value)
            if written == NOT_COMPARED + reading:
                self.unused.append(f"{show_line(name)}: {reading}")
            else:
                self.unused.append(describe_unused(name, written, reading))
            return
        units = self.values.setdefault(reading.key, {})
        earlier = units.get(reading.unit)
        if earlier is not None and earlier != reading.numbers:
            # neither is believed
            units[reading.unit] = ()
            first = self.names[reading.key, reading.unit]
            reason = f"{first} states another value; keep one"
            self.unused.append(describe_unused(name, value, reason))
            return
        self.names.setdefault((reading.key, reading.unit), name)
        self._add_plain(name, value, reading)
        self.said.setdefault(reading.key, f"{name}: {value}")
        units[reading.unit] = reading.numbers
        if reading.bare is not None:
            self.bare[reading.key] = reading.bare

    def _add_plain(self, name: str, value: object, reading: "_ReadValue") -> None:
        """Add a saturation without oxygen as a saturation, unless that is stated, too."""
        plain = reading.key.removesuffix(f" ({ROOM_AIR})")
        if plain == reading.key or plain in self.written:
            return
        self.values.setdefault(plain, {}).setdefault(reading.unit, reading.numbers)
        self.said.setdefault(plain, f"{name}: {value}")

    def list_believed(self) -> dict[str, Units]:
        """Return the values that nothing contradicts."""
        believed: dict[str, Units] = {}
        for key, units in self.values.items():
            believed[key] = {
                unit: numbers for unit, numbers in units.items() if numbers
            }
        return believed


def _add_ratios(
    values: Mapping[str, Units], upper_limits: Mapping[str, object]
) -> Iterator[str]:
    """Add to each value its ratio to the upper limit of normal. Yield the upper limits that cannot
    be used.
    """
    for name, value in upper_limits.items():
        for reading in _read_value(name, str(value)):
            if isinstance(reading, str):
                yield describe_unused(f"upper limit of {name}", value, reading)
                continue
            [limit, *_] = reading.numbers
            numbers = values.get(reading.key, {}).get(reading.unit)
            if len(reading.numbers) > 1 or limit <= 0:
                yield describe_unused(
                    f"upper limit of {name}", value, "is not one number"
                )
            elif numbers:
                ratios = tuple(number / limit for number in numbers)
                values[reading.key].setdefault("{ULN}", ratios)
            else:
                yield describe_unused(
                    f"upper limit of {name}", value, "there is no value in such a unit"
                )


def _read_value(name: str, written: str) -> Iterator[_ReadValue | str]:
    """Yield what a value says, or the reason why no limit can be compared with it."""
    if written.startswith(NOT_COMPARED):
        yield written.removeprefix(NOT_COMPARED)
        return
    pressures = _PRESSURES.fullmatch(written.strip())
    if pressures and " ".join(spell_words(name)) in _BLOOD_PRESSURE:
        for side, number in zip(
            ("systolic", "diastolic"), pressures.groups()[:2], strict=True
        ):
            yield _read_one(f"{side} blood pressure", f"{number} mmHg")
        return
    yield _read_one(name, written)


def _read_one(name: str, written: str) -> _ReadValue | str:
    if len(written) > _LONGEST or len(name) > _LONGEST:
        return "is too long"
    text = _POWER.sub(r"x 10^\1", written.strip())
    parts = _VALUE.fullmatch(text)
    number = _read_signed(parts["number"]) if parts else None
    if parts is None or number is None:
        return _explain_no_number(name, text)
    sign = parts["sign"] or ""
    unit = parts["unit"].strip() or None
    if unit and _SECOND_NUMBER.match(unit) and not _POWER.match(unit):
        return "is not one number"
    return _convert(name, number, unit, sign)


_ANSWERS = frozenset({"true", "false", "yes", "no", "y", "n", "positive", "negative"})


def _explain_no_number(name: str, text: str) -> str:
    """Return why a value that is no number is not used."""
    is_name = bool(tell_kind(spell_key(name)))
    if is_name and text.casefold() in _ANSWERS:
        return "is no number; state it in conditions or had, or else in absent or never"
    if name_quantity(name) is not None:
        return "is not a number with its unit, as in '45 mL/min'"
    return "is neither a known field or quantity nor a number with its unit"


def _read_signed(text: str) -> float | None:
    """Return a number that may be negative, or a Roman one; None for anything else.

    >>> _read_signed("-2.5"), _read_signed("III")
    (-2.5, 3.0)
    """
    number = ROMAN.get(text.upper(), read_number(text.removeprefix("-")))
    if number is None:
        return None
    return -float(number) if text.startswith("-") else float(number)


def _convert(name: str, number: float, unit: str | None, sign: str) -> _ReadValue | str:
    known = name if name in list_quantities() else None
    # the vocabulary has some scores with the word alone: "CAT score"
    score = name_quantity(f"{name} score")
    if name_quantity(name) is None and score and not score.weak:
        name = f"{name} score"
    quantity = name_quantity(name)
    if unit in _FRACTIONS and quantity and quantity.unit == "%":
        number, unit = number * 100, "%"
    percent = quantity and read_fraction(quantity.name, number, unit)
    if percent:
        number, unit = percent, "%"
    limit = Constraint(
        quantity=name,
        comparator=Comparator.EQUAL,
        value=number,
        unit=unit,
        quantity_canonical=known,
    )
    named = name_limit(limit)
    canonical = name_value(named)
    if canonical is None:
        return _keep_own(name, number, unit, sign, is_known=quantity is not None)
    if canonical == "age":
        # the age of the patient is a field of its own
        return "state the age as age"
    key = key_quantity(canonical, name)
    if named.value_canonical is not None:
        numbers = _span(named.value_canonical, sign)
        bare = None if unit else number
        return _ReadValue(key, named.unit_canonical, numbers, bare)
    if named.unit_ucum and _RELATIVE.fullmatch(named.unit_ucum):
        return _ReadValue(key, named.unit_ucum, _span(number, sign))
    reason = named.canonical_note or "cannot be compared"
    if reason in ("unknown unit", "no unit"):
        return f"{reason}; state a usual unit"
    return reason


def _keep_own(
    name: str, number: float, unit: str | None, sign: str, *, is_known: bool
) -> _ReadValue | str:
    """Return a value of a score that the vocabulary does not name. It is compared with the limits
    of a trial that names it in the same words.
    """
    key = key_quantity("", name)
    if key == "own":
        return "its name says nothing"
    is_short = len(name) < _SHORTEST_MISSPELT
    near = "" if is_known or is_short else suggest(name, list_quantities())
    if near:
        return f"no criterion limits such a quantity{near}"
    return _ReadValue(key, unit, _span(number, sign))


def _span(number: float, sign: str) -> tuple[float, ...]:
    """Return the numbers that "<5" or ">60" can mean, in ascending order."""
    if sign == "<":
        return (-inf, nextafter(number, -inf))
    if sign in ("<=", "≤"):
        return (-inf, number)
    if sign == ">":
        return (nextafter(number, inf), inf)
    if sign in (">=", "≥"):
        return (number, inf)
    return (number,)
