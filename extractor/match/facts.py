"""Read a patient's data, and give them the names and units that limits have."""

import re
from collections.abc import Iterable, Mapping
from math import floor
from typing import Literal, NamedTuple

from pydantic import Field

from extractor.concepts.doses.names import unify_name
from extractor.concepts.limits.canonical import CanonicalLimit, name_limit
from extractor.concepts.limits.quantity_names import list_quantities, name_quantity
from extractor.concepts.people.registered_ages import (
    OLDEST,
    count_days,
    read_registered_age,
)
from extractor.errors import ArgumentError
from extractor.language.book import read_words
from extractor.language.numbers import DAYS, ROMAN, find_durations, read_number
from extractor.measures.names import spell_words
from extractor.schemas import Comparator, Constraint
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel

_VALUE = re.compile(
    r"(?:(?:grade|class|stage)\s+)?(-?\d[\d.,]*|[IV]+)\s*(.*)", re.IGNORECASE
)
_OF_BODY = frozenset({"age", "body_weight", "height"})
"""Quantities that each patient has, although their names are also used for other things."""
_RELATIVE = re.compile(r"%?\{(?:ULN|LLN|baseline|normal)\}")
"""A unit that relates a value to a normal value: "x ULN"."""
SEXES = ("female", "male")
Units = dict[str | None, tuple[float, ...]]
"""The numbers that a value can mean, by unit."""
_TRUE: Units = {None: (1.0,)}
"""The number for a name that the patient's data contain."""

Synonyms = Mapping[str, Iterable[str]]
"""The keys of all names for a thing, by the key of each name."""


class Patient(FrozenModel):
    """What is known of a patient. What is missing is not known; it is not absent.

    >>> Patient(age=70, values={"eGFR": "45 mL/min/1.73m2"}).age
    70
    """

    id: str = Field(default="patient", description="The name in results.")
    age: float | int | str | None = Field(
        default=None, description="In years, or with a unit: '6 months'."
    )
    sex: Literal["female", "male"] | None = None
    values: Mapping[str, float | int | str] = Field(
        default={}, description="Numbers with their units, by quantity."
    )
    drugs: tuple[str, ...] = Field(default=(), description="What the patient takes.")
    conditions: tuple[str, ...] = Field(default=(), description="What the patient has.")
    since: Mapping[str, str] = Field(
        default={}, description="The time since an event, by event: '3 weeks'."
    )


class Facts(NamedTuple):
    """A patient's data in the form that limits have.

    Attributes:
        id: The patient's id.
        values: The numbers that each value can mean, by quantity and unit. An age has several: 1
            year can be 12 to 23 months. A sex, a drug and a condition are numbers, too.
        names: The keys of drugs, conditions and events.
        unused: The values that no limit can be compared with, each with the reason.
    """

    id: str
    values: Mapping[str, Units]
    names: tuple[str, ...]
    unused: tuple[str, ...] = ()


def name_value(named: CanonicalLimit) -> str | None:
    """Return the name by which a quantity is compared; None if the vocabulary does not name it, or
    uses the name for many things ("score", "lesions").
    """
    name = named.quantity_canonical
    known = list_quantities().get(name or "")
    if known and known.weak and name not in _OF_BODY:
        return None
    return name


def join_synonyms(rows: Iterable[Iterable[str]]) -> Synonyms:
    """Return synonyms, given rows of names for the same thing. Rows that share a name are joined.

    >>> sorted(join_synonyms([("heart attacks", "MI")])["mi"])
    ['heart attack', 'mi']
    """
    joined: dict[str, set[str]] = {}
    for row in rows:
        keys = {" ".join(spell_words(name)) for name in row} - {""}
        # the names of earlier rows with one of these keys
        keys = keys.union(*(joined.get(key, ()) for key in keys))
        for key in keys:
            joined[key] = keys
    return joined


def make_key(name: str) -> str:
    """Return the key of a drug, condition or event: its substance, in singular words."""
    return " ".join(spell_words(unify_name(name)))


def read_facts(patient: Patient, synonyms: Synonyms | None = None) -> Facts:
    """Return a patient's data in the form that limits have.

    A value that no limit can be compared with, such as a score that the vocabulary does not know,
    is unused. Raises ``ArgumentError`` for data that cannot be read without a guess: a missing or
    unknown unit, a negative age, or two values of one quantity.

    >>> read_facts(Patient(values={"creatinine": "177 umol/L"})).values
    {'serum_creatinine': {'mg/dL': (2.002224,)}}
    >>> names = join_synonyms([("warfarin", "Coumadin")])
    >>> read_facts(Patient(drugs=("warfarin",)), names).names
    ('warfarin', 'coumadin')
    """
    values: dict[str, Units] = {}
    names: dict[str, None] = {}  # a set in order
    unused: list[str] = []
    place = f"data of {patient.id}"
    for written, value in patient.values.items():
        reading = _read_value(f"{place}: {written}", written, str(value))
        # the reason why the value cannot be compared
        if isinstance(reading, str):
            unused.append(f"{written}: {value}: {reading}")
            continue
        quantity, unit, number = reading
        units = values.setdefault(quantity, {})
        if unit in units:
            raise ArgumentError(f"{place}: {written}: is given twice; keep one value")
        units[unit] = (number,)
    # a drug that the patient takes was taken 0 days ago, unless ``since`` says otherwise
    days_since = dict.fromkeys(patient.drugs, 0.0)
    for name, time in patient.since.items():
        days_since[name] = _read_days(f"{place}: since {name}", time)
    for name in (*patient.drugs, *patient.conditions, *days_since):
        key = " ".join(spell_words(name))
        same = sorted((synonyms or {}).get(key, ()))
        # the quantities of ``plan``: "has" and "had" a disease, "takes" and "took" a drug
        for spelling in filter(None, dict.fromkeys((key, make_key(name), *same))):
            names[spelling] = None
            values[f"had {spelling}"] = _TRUE
            if name in days_since:
                values[f"took {spelling}"] = _TRUE
                values[f"since {spelling}"] = {"day": (days_since[name],)}
            if name in patient.drugs:
                values[f"takes {spelling}"] = _TRUE
            if name in patient.drugs or name in patient.conditions:
                values[f"has {spelling}"] = _TRUE
    if patient.sex:
        values["sex"] = {None: (float(SEXES.index(patient.sex)),)}
    if patient.age is not None:
        values["age"] = _read_age(f"{place}: age", str(patient.age))
    return Facts(patient.id, values, tuple(names), tuple(unused))


def _read_number(place: str, written: str) -> tuple[float, str | None]:
    """Return the number of a value ("45", or "II" of "class II") and its unit as written."""
    parts = _VALUE.fullmatch(written.strip())
    number = ROMAN.get(parts[1].upper(), read_number(parts[1])) if parts else None
    if parts is None or number is None:
        raise ArgumentError(
            f"{place}: {written!r} is not a number with its unit; write it as in '45 mL/min'"
        )
    return number, parts[2] or None


def _read_value(
    place: str, name: str, written: str
) -> tuple[str, str | None, float] | str:
    """Return the canonical quantity, unit and number of a value, or the reason why no limit can be
    compared with it.
    """
    number, written_unit = _read_number(place, written)
    known = name if name in list_quantities() else None
    limit = Constraint(
        quantity=name,
        comparator=Comparator.EQUAL,
        value=number,
        unit=written_unit,
        quantity_canonical=known,
    )
    named = name_limit(limit)
    quantity = name_value(named)
    unit = named.unit_ucum
    # unlike a score of which the vocabulary has many, such a name may be misspelt
    if quantity is None and name_quantity(name) is None:
        remedy = (
            suggest(name, list_quantities()) or "; use another name, or leave it out"
        )
        raise ArgumentError(f"{place}: no criterion limits such a quantity{remedy}")
    # the age of the patient is a field of its own
    if quantity and named.value_canonical is not None and quantity != "age":
        return quantity, named.unit_canonical, named.value_canonical
    if quantity and unit and _RELATIVE.fullmatch(unit):
        return quantity, unit, number
    reason = named.canonical_note or "cannot be compared"
    # only the user can mend the unit
    if reason not in ("unknown unit", "no unit"):
        return reason
    raise ArgumentError(
        f"{place}: {written!r}: {reason}; state one quantity, with a usual unit and number"
    )


def _read_days(place: str, written: str) -> float:
    """Return a time in days."""
    times = [one.days for one in find_durations(read_words(written))]
    # "2-3 weeks" is a range, and "-3 weeks" lies in the future
    if len(times) != 1 or times[0] is None or "-" in written:
        raise ArgumentError(f"{place}: {written!r} is not a time such as '3 weeks'")
    return float(times[0])


def _read_age(place: str, written: str) -> Units:
    """Return the numbers that an age can mean in each unit, in ascending order. Texts count
    completed units, so 30 months are 2 or 2.5 years.
    """
    age = read_registered_age(written)
    if age is None or count_days(age) > OLDEST:
        raise ArgumentError(
            f"{place}: {written!r} is not an age such as 70 or '6 months'"
        )
    fewest_days = most_days = count_days(age)
    if age.value % 1 == 0:
        # until just before the next birthday
        most_days += DAYS[age.unit] * (1 - 1e-6)
    ages: Units = {}
    for unit, days in DAYS.items():
        exact = round(fewest_days / days, 6)
        ages[unit] = tuple(
            sorted({exact, float(floor(exact)), float(floor(most_days / days))})
        )
    return ages
