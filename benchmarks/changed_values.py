"""Labelled values compared with the text that states them: as they are, and changed in one part."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.data import Row, read_labels
from extractor.ground.support import find_support
from extractor.schemas import Amount, Comparator, Constraint, Instrument, Period, Support, TimePoint, TimeUnit
from extractor.text.passage import read_passage

_STATED = re.compile(r"\d+(?:\.\d+)?")
_OTHER = {
    Comparator.AT_LEAST: Comparator.AT_MOST,
    Comparator.AT_MOST: Comparator.AT_LEAST,
    Comparator.LESS: Comparator.MORE,
    Comparator.MORE: Comparator.LESS,
}
_LOOSER = {
    Comparator.AT_LEAST: Comparator.MORE,
    Comparator.AT_MOST: Comparator.LESS,
    Comparator.LESS: Comparator.AT_MOST,
    Comparator.MORE: Comparator.AT_LEAST,
}
_UNITS = ("mg", "g", "ug", "mL", "mg/kg", "mg/m2", "%", "g/dL", "x ULN", "cells/kg", "IU", "mm", "kg")


@dataclass(frozen=True, slots=True)
class ValueTrial:
    """A value and the text that states it; ``change`` tells what was changed, "" for nothing."""

    text: str
    value: Any
    change: str

    @property
    def name(self) -> str:
        return f"{type(self.value).__name__}{f': {self.change}' if self.change else ''}"


def is_supported(trial: ValueTrial) -> bool:
    """Whether the value can be derived again from the text; what is only inferred bears no changed value out."""
    found = find_support(trial.value, read_passage(trial.text))
    return found is not None and not (trial.change and found.support is Support.INFERRED)


def make_value_trials(data: Path, rng: random.Random) -> Iterator[ValueTrial]:
    """Every labelled limit, dose, time and instrument, and each of its changes that no other label states."""
    for text, values in _read_all(data):
        for value in values:
            yield ValueTrial(text, value, "")
            for change, other in _change(value, text, rng):
                if not any(_says(stated, other) for stated in values):
                    yield ValueTrial(text, other, change)


def _read_all(data: Path) -> Iterator[tuple[str, Sequence[Any]]]:
    for row in read_labels(data, "limits"):
        yield row["text"], [Constraint(**constraint) for constraint in row["constraints"]]
    for row in read_labels(data, "time_frames"):
        yield row["time_frame"], [TimePoint(**point) for point in row["time_points"]]
    for row in read_labels(data, "instruments"):
        text = "\n".join(filter(None, (row["measure"], row["description"])))
        yield text, [Instrument(**row["instrument"])] if row["instrument"] else []
    for row in read_labels(data, "dosing"):
        yield from _read_doses(row)


def _read_doses(row: Row) -> Iterator[tuple[str, Sequence[Any]]]:
    for name, text in row["sections"].items():
        regimens = [regimen for regimen in row["dosing"] if regimen["section"] == name]
        values: list[Amount | Period] = [Amount(**a) for regimen in regimens for a in regimen["amounts"]]
        values += [Period(**r[part]) for r in regimens for part in ("cycle", "duration") if r[part]]
        yield text, [value for value in values if _has_digits(value, text)]


def _has_digits(value: Amount | Period, text: str) -> bool:
    """Whether a section has a dose in figures: labels take some from another section, or from words."""
    numbers = (value.low, value.high) if isinstance(value, Amount) else (value.value,)
    written = [f"{number:f}".rstrip("0").rstrip(".") for number in numbers if number is not None]
    return all(number in text or number.rstrip("0") in text for number in written)


def _says(stated: Any, other: Any) -> bool:
    """Whether a labelled value and a changed one make one statement, whatever it is of which they make it."""
    if isinstance(stated, Constraint) and isinstance(other, Constraint):
        same = stated.comparator, stated.value, stated.value_high, stated.unit
        return same == (other.comparator, other.value, other.value_high, other.unit)
    return bool(stated == other)


_Changes = Iterator[tuple[str, dict[str, Any]]]


def _change(value: Any, text: str, rng: random.Random) -> Iterator[tuple[str, Any]]:
    changes: _Changes
    match value:
        case Constraint():
            changes = _change_constraint(value, text, rng)
        case Amount():
            changes = _change_amount(value, text, rng)
        case Instrument():
            changes = _change_instrument(text)
        case _:
            changes = _change_time(value, text, rng)
    for change, update in changes:
        yield change, value.model_copy(update=update)


def _change_constraint(value: Constraint, text: str, rng: random.Random) -> _Changes:
    yield "number", {"value": value.value + rng.choice((1, 5))}
    if other := _stated_elsewhere(text, {value.value, value.value_high}, rng):
        yield "another number of the text", {"value": other, "value_high": None}
    if value.comparator in _OTHER:
        yield "comparator flipped", {"comparator": _OTHER[value.comparator]}
        yield "comparator loosened", {"comparator": _LOOSER[value.comparator]}
    if value.value_high is not None:
        yield "upper bound", {"value_high": value.value_high + rng.choice((1, 5))}
    if value.unit:
        yield "unit", {"unit": _other_unit(value.unit, text, rng)}


def _change_amount(value: Amount, text: str, rng: random.Random) -> _Changes:
    yield "number", {key: v * 10 for key in ("low", "high") if (v := getattr(value, key)) is not None}
    yield "unit", {"unit": _other_unit(value.unit, text, rng)}
    if other := _stated_elsewhere(text, {value.low, value.high}, rng):
        yield "another number of the text", {"low": other, "high": other}


def _change_time(value: Period | TimePoint, text: str, rng: random.Random) -> _Changes:
    yield "number", {"value": value.value + rng.choice((1, 5))}
    unit = rng.choice([unit for unit in TimeUnit if unit is not value.unit and unit not in text.lower()])
    yield "unit of time", {"unit": unit}


def _change_instrument(text: str) -> _Changes:
    yield "version", {"version": "7.5"}
    if "PHQ" not in text:
        yield "name", {"name": "PHQ-9"}


def _stated_elsewhere(text: str, own: set[float | None], rng: random.Random) -> float | None:
    return rng.choice([n for found in _STATED.findall(text) if (n := float(found)) not in own and n] or [None])


def _other_unit(unit: str, text: str, rng: random.Random) -> str:
    folded = text.lower()
    return rng.choice([u for u in _UNITS if u != unit and not re.search(rf"(?<!\w){re.escape(u.lower())}", folded)])
