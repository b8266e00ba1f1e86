"""The fields that are scored, as data: name, where the value stands, how it is compared, how much it weighs."""

from dataclasses import dataclass

from extractor.schemas import Task

from .quantities import Amounts, Limits, Quantities, Windows
from .shapes import Choice, ErrorKind, Frequencies, Named, Shape, Texts

__all__ = ["FIELDS", "INDEX", "Field", "Group"]


@dataclass(frozen=True, slots=True)
class Field:
    """One scored field.

    ``attribute`` is None for the item itself, which is right if it has a counterpart. ``family``
    names the fields whose values a reader could take for one another: a right value on a wrong
    item is looked for within it. ``weight`` multiplies the harm of an error.
    """

    name: str
    attribute: str | None
    shape: Shape
    family: str | None = None
    weight: float = 1.0

    @property
    def task(self) -> Task:
        """The task that the field belongs to."""
        return Task(self.name.split(".", 1)[0])


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind with their fields. ``path`` leads to them in an extraction."""

    path: str
    fields: tuple[Field, ...]


_CLASS, _YES_NO, _PLACE = Choice(), Choice(ErrorKind.POLARITY), Choice(ErrorKind.WRONG_SECTION)
_TEXT, _TIME = Texts(), Quantities()

ELIGIBILITY = Group(
    "eligibility",
    (
        Field("eligibility.minimum_age", "minimum_age", _TIME, "age"),
        Field("eligibility.maximum_age", "maximum_age", _TIME, "age"),
        Field("eligibility.sex", "sex", _CLASS),
        Field("eligibility.healthy_volunteers", "healthy_volunteers", _YES_NO),
    ),
)
CRITERIA = Group(
    "eligibility.criteria",
    (
        Field("eligibility.criteria", None, _TEXT),
        Field("eligibility.criteria.quote", "quote", _TEXT, weight=0.5),
        Field("eligibility.criteria.kind", "kind", _YES_NO),
        Field("eligibility.criteria.section", "section", _PLACE),
        Field("eligibility.criteria.lead_in", "lead_in", _TEXT, weight=0.5),
        Field("eligibility.criteria.category", "category", _CLASS, weight=0.5),
        Field("eligibility.criteria.constraints", "constraints", Limits(), "limit"),
        Field("eligibility.criteria.time_window", "time_window", Windows(), "window"),
    ),
)
DOSING = Group(
    "dosing",
    (
        Field("dosing.regimens", None, _TEXT),
        Field("dosing.agent", "agent", _TEXT),
        Field("dosing.quote", "quote", _TEXT, weight=0.25),
        Field("dosing.section", "section", _PLACE, weight=0.25),
        Field("dosing.role", "role", _CLASS, weight=0.5),
        Field("dosing.amounts", "amounts", Amounts(), "amount"),
        Field("dosing.route", "route", _CLASS),
        Field("dosing.frequency", "frequency", Frequencies()),
        Field("dosing.cycle", "cycle", _TIME, "cycle"),
        Field("dosing.duration", "duration", _TIME, "duration"),
        Field("dosing.timing", "timing", _TEXT, "timing", weight=0.5),
    ),
)
ENDPOINTS = Group(
    "endpoints",
    (
        Field("endpoints.outcomes", None, _TEXT),
        Field("endpoints.rank", "rank", _PLACE),
        Field("endpoints.measure", "measure", _TEXT, weight=0.5),
        Field("endpoints.description", "description", _TEXT, weight=0.25),
        Field("endpoints.time_frame", "time_frame", _TEXT, weight=0.5),
        Field("endpoints.concept", "concept", _CLASS),
        Field("endpoints.category", "category", _CLASS, weight=0.5),
        Field("endpoints.time_points", "time_points", _TIME, "time_point"),
        Field("endpoints.time_kind", "time_kind", _CLASS, weight=0.5),
        Field("endpoints.instrument", "instrument", Named(), "instrument", weight=0.5),
        Field("endpoints.start_event", "start_event", _TEXT, "event", weight=0.5),
        Field("endpoints.end_events", "end_events", _TEXT, "event", weight=0.5),
        Field("endpoints.censored", "censored", _YES_NO, weight=0.25),
        Field("endpoints.specimens", "specimens", _TEXT, "specimen", weight=0.25),
        Field("endpoints.methods", "methods", _TEXT, "method", weight=0.25),
    ),
)
INDEX = Field("endpoints.index", "index", Choice(ErrorKind.WRONG_PAIRING), weight=0.5)
"""Which outcome of its rank an endpoint is: another one is told as an error. It is not scored, for it is no reading."""

FIELDS: tuple[Field, ...] = (*ELIGIBILITY.fields, *CRITERIA.fields, *DOSING.fields, *ENDPOINTS.fields)
"""All scored fields, in the order of reports."""
