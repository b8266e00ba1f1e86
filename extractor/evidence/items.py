"""The items of a record under construction, with a typed reading for each field."""

from collections.abc import Mapping
from typing import TypeAlias

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
    Category,
    Concept,
    Constraint,
    CriterionGroup,
    CriterionKind,
    EndpointCategory,
    Instrument,
    Rank,
    Sex,
    TimeKind,
    TimePoint,
    TimeWindow,
)


@value_class()
class PeopleReadings(Readings):
    """Who may take part, as the rules read the record as a whole."""

    minimum_age: Reading[Age | None] = NOT_READ
    maximum_age: Reading[Age | None] = NOT_READ
    sex: Reading[Sex | None] = NOT_READ
    healthy_volunteers: Reading[bool | None] = NOT_READ


@value_class()
class CriterionReadings(Readings):
    """A line that may be a criterion. ``stands`` states whether it is one; ``rule`` is read only
    for a line that introduces others.
    """

    stands: Reading[bool | None] = NOT_READ
    kind: Reading[CriterionKind | None] = NOT_READ
    lead_in: Reading[str | None] = NOT_READ
    category: Reading[Category | None] = NOT_READ
    constraints: Reading[tuple[Constraint, ...] | None] = NOT_READ
    time_window: Reading[TimeWindow | None] = NOT_READ
    time_windows: Reading[tuple[TimeWindow, ...] | None] = NOT_READ
    negated: Reading[bool | None] = NOT_READ
    rule: Reading[CriterionGroup | None] = NOT_READ


@value_class()
class EndpointReadings(Readings):
    """A registered outcome. ``index`` is its position among the outcomes of its rank."""

    rank: Reading[Rank]
    index: Reading[int]
    measure: Reading[str | None] = NOT_READ
    description: Reading[str | None] = NOT_READ
    time_frame: Reading[str | None] = NOT_READ
    concept: Reading[Concept | None] = NOT_READ
    category: Reading[EndpointCategory | None] = NOT_READ
    time_points: Reading[tuple[TimePoint, ...] | None] = NOT_READ
    time_kind: Reading[TimeKind | None] = NOT_READ
    instrument: Reading[Instrument | None] = NOT_READ
    start_event: Reading[str | None] = NOT_READ
    end_events: Reading[tuple[str, ...] | None] = NOT_READ
    censored: Reading[bool | None] = NOT_READ
    specimens: Reading[tuple[str, ...] | None] = NOT_READ
    methods: Reading[tuple[str, ...] | None] = NOT_READ


RecordDraft: TypeAlias = ItemDraft[PeopleReadings]
CriterionDraft: TypeAlias = ItemDraft[CriterionReadings]
EndpointDraft: TypeAlias = ItemDraft[EndpointReadings]


OwnReadings: TypeAlias = Mapping[str, Reading[object]]
"""The readings of one value of a custom field, by the path of the attribute, such as
``methods[0].name``.
"""


def list_values(readings: OwnReadings) -> dict[str, object]:
    """Return the values of the attributes, by path, without their spans and confidences."""
    return {path: reading.value for path, reading in readings.items()}


def draft_record(rules: PeopleReadings) -> RecordDraft:
    """Return the draft of the record itself, which has no chunk of its own."""
    nowhere = Span("", 0, 0)
    return ItemDraft("eligibility", Chunk(RECORD, nowhere, ""), nowhere, rules)
