"""The items of a record under construction, with a typed reading for each field."""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from extractor.evidence.drafts import (
    NOT_READ,
    RECORD,
    Chunk,
    ItemDraft,
    Reading,
    Readings,
    Span,
)
from extractor.language.values import value_class
from extractor.schemas import (
    Age,
    Amount,
    Category,
    Concept,
    Constraint,
    CriterionGroup,
    CriterionKind,
    EndpointCategory,
    Frequency,
    Instrument,
    Maximum,
    Period,
    Rank,
    Role,
    Route,
    Sex,
    StepKind,
    TimeKind,
    TimePoint,
    TimeWindow,
)

T = TypeVar("T")
Read: TypeAlias = Reading[T | None]
"""A reading whose value may be missing or unread."""


@value_class()
class PeopleReadings(Readings):
    """Who may take part, as the rules read the record as a whole."""

    minimum_age: Read[Age] = NOT_READ
    maximum_age: Read[Age] = NOT_READ
    sex: Read[Sex] = NOT_READ
    healthy_volunteers: Read[bool] = NOT_READ


@value_class()
class CriterionReadings(Readings):
    """A line that may be a criterion. ``stands`` states whether it is one; ``rule`` is read only
    for a line that introduces others.
    """

    stands: Read[bool]
    kind: Read[CriterionKind]
    lead_in: Read[str]
    category: Read[Category]
    constraints: Read[tuple[Constraint, ...]]
    time_window: Read[TimeWindow]
    time_windows: Read[tuple[TimeWindow, ...]]
    negated: Read[bool]
    rule: Read[CriterionGroup] = NOT_READ


@value_class()
class EndpointReadings(Readings):
    """A registered outcome. ``index`` is its position among the outcomes of its rank."""

    rank: Reading[Rank]
    index: Reading[int]
    measure: Read[str]
    description: Read[str]
    time_frame: Read[str]
    concept: Read[Concept]
    category: Read[EndpointCategory]
    time_points: Read[tuple[TimePoint, ...]]
    time_kind: Read[TimeKind]
    instrument: Read[Instrument]
    start_event: Read[str]
    end_events: Read[tuple[str, ...]]
    censored: Read[bool]
    specimens: Read[tuple[str, ...]]
    methods: Read[tuple[str, ...]]


@value_class()
class RegimenReadings(Readings):
    """A regimen as the rules read it. ``stands`` states whether it is one."""

    agent: Read[str]
    role: Read[Role]
    amounts: Read[tuple[Amount, ...]]
    arms: Read[tuple[str, ...]]
    frequency: Read[Frequency]
    timing: Read[str]
    route: Read[Route]
    cycle: Read[Period]
    duration: Read[Period]
    step: Read[int] = NOT_READ
    step_kind: Read[StepKind] = NOT_READ
    maximum: Read[tuple[Maximum, ...]] = NOT_READ
    total_duration: Read[Period] = NOT_READ
    as_needed: Read[bool] = NOT_READ
    stands: Reading[bool] = Reading(value=True)


RecordDraft: TypeAlias = ItemDraft[PeopleReadings]
CriterionDraft: TypeAlias = ItemDraft[CriterionReadings]
EndpointDraft: TypeAlias = ItemDraft[EndpointReadings]
RegimenDraft: TypeAlias = ItemDraft[RegimenReadings]


OwnReadings: TypeAlias = Mapping[str, Reading[object]]
"""The readings of one value of a custom field, by the path of the attribute, such as
``methods[0].name``.
"""


def list_attribute_values(readings: OwnReadings) -> dict[str, object]:
    """Return the values of the attributes, by path, without their spans and confidences."""
    return {path: reading.value for path, reading in readings.items()}


def draft_record(rules: PeopleReadings) -> RecordDraft:
    """Return the draft of the record itself, which has no chunk of its own."""
    nowhere = Span("", 0, 0)
    return ItemDraft("eligibility", Chunk(RECORD, nowhere, ""), nowhere, rules)
