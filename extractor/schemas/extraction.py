"""The extraction of one trial record: who may take part, which treatments are given, and what is
measured (guideline, parts 1 to 3).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from operator import not_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from extractor.language.shown import show_line
from extractor.plurals import counted
from extractor.schemas.base import (
    Comparison,
    EvidenceKind,
    FieldInfo,
    FrozenModel,
    JsonObject,
    Number,
    QuotingModel,
    is_none,
)
from extractor.schemas.evidence import Absence, Coverage, ExtractedItem, Finding, Usage
from extractor.schemas.record import RegisteredTerm, Source
from extractor.schemas.vocabulary import (
    DOUBTFUL_BELOW,
    Category,
    Comparator,
    Concept,
    CriterionKind,
    EndpointCategory,
    Frequency,
    GroupRule,
    MaximumPer,
    Rank,
    Role,
    Route,
    Sex,
    StepKind,
    TimeKind,
    TimeUnit,
)


def _reject_half_lives(unit: TimeUnit) -> TimeUnit:
    if unit is TimeUnit.HALF_LIFE:
        raise ValueError("only a time window can be given in half-lives")
    return unit


class _Time(QuotingModel):
    value: Number = Field(description="The number.")
    unit: Annotated[TimeUnit, AfterValidator(_reject_half_lives)]

    def __str__(self) -> str:
        return f"{self.value} {self.unit}"


class Age(_Time):
    """An age limit as stated in the free text."""


class Period(_Time):
    """A duration stated as a number, such as a 21-day cycle."""


class TimePoint(_Time):
    """A point in time or a time limit, stated as a number."""


class _Limit(QuotingModel):
    comparator: Comparator
    value: Number = Field(description="The limit, or the lower bound of 'between'.")
    value_high: Number | None = Field(
        default=None, description="The upper bound of 'between', otherwise null."
    )
    unit: str | None = Field(
        default=None, description="The unit as written; null for counts and grades."
    )

    def __str__(self) -> str:
        high = self.value_high or 0
        if self.comparator is Comparator.BETWEEN and min(self.value, high) < 0:
            limit = f"{self.value} to {self.value_high}"
        elif self.comparator is Comparator.BETWEEN:
            limit = f"{self.value}-{self.value_high}"
        else:
            limit = f"{self.comparator} {self.value}"
        return show_line(f"{limit} {self.unit or ''}")


class Quantity(_Limit):
    """A limit without a named quantity, for custom fields. "below 40 %" is read as <, 40, %."""


class _Limited(QuotingModel):
    quantity: str = Field(
        description="The quantity that is limited, as worded in the text."
    )


_QUOTE = FieldInfo(Comparison.WORDS, in_total=False)
"""A quote that is part of a value."""


class Constraint(_Limit, _Limited):  # the fields of the second base class come first
    """One numeric or graded limit. "ECOG 0-2" is read as ECOG, between, 0, 2."""

    condition: Annotated[str | None, FieldInfo(Comparison.WORDS)] = Field(
        default=None,
        description="Quote that states to whom or when the limit applies: 'for men', 'unless "
        "the marrow is involved'.",
        exclude_if=is_none,
    )
    quantity_canonical: str | None = Field(
        default=None,
        description="One name for all spellings of the quantity: 'total_bilirubin'; several are "
        "joined by |. Gold contains it only if a reviewer corrected it.",
        exclude_if=is_none,
    )

    def __str__(self) -> str:
        condition = ""
        if self.condition:
            condition = f" ({self.condition})"
        return show_line(f"{self.quantity}: {super().__str__()}{condition}")


class TimeWindow(QuotingModel):
    """A time limit. "steroids within 4 weeks before enrollment" is read as <=, 4, week, steroids,
    before enrollment.
    """

    quote: str = Field(description="The words that state the limit.")
    comparator: Comparator
    value: Number = Field(description="The number, or the lower bound of 'between'.")
    unit: TimeUnit
    value_high: Number | None = Field(
        default=None,
        description="The upper bound of 'between'.",
        exclude_if=is_none,
    )
    of: Annotated[str | None, FieldInfo(Comparison.WHOLE, in_total=False)] = Field(
        default=None,
        description="Quote of the treatment, event or state that the window applies to.",
        exclude_if=is_none,
    )
    anchor: Annotated[str | None, _QUOTE] = Field(
        default=None,
        description="Quote of the reference point of the window: 'before the first dose'.",
        exclude_if=is_none,
    )

    def __str__(self) -> str:
        return show_line(self.quote)


class Amount(QuotingModel):
    """One dose level. In a range, low < high; an "up to" dose does not have a low value."""

    low: Number | None = Field(description="The lowest amount; null for 'up to'.")
    high: Number | None = Field(description="The highest amount.")
    unit: str = Field(
        description="The unit as plain text: mg, mg/m2, ug/kg, cells/kg, IU, Gy, tablet, ..."
    )
    arms: Annotated[
        tuple[str, ...], FieldInfo(Comparison.LABEL, family="arm", in_total=False)
    ] = Field(
        default=(),
        description="Labels of the arms that receive this amount, if it differs between the "
        "regimen's arms.",
        exclude_if=not_,
    )
    condition: Annotated[str | None, FieldInfo(Comparison.WORDS, in_total=False)] = (
        Field(
            default=None,
            description="Quote that states which participants of the arms receive the amount: "
            "'body weight <= 30 kg'.",
            exclude_if=is_none,
        )
    )
    limits: Annotated[
        tuple[Constraint, ...],
        FieldInfo(Comparison.LIMIT, family="limit", in_total=False),
    ] = Field(
        default=(),
        description="The limits in the condition, as numbers.",
        exclude_if=not_,
    )

    def __str__(self) -> str:
        if self.low is None:
            level = f"up to {self.high} {self.unit}"
        elif self.high is None:
            level = f"at least {self.low} {self.unit}"
        elif self.low == self.high:
            level = f"{self.low} {self.unit}"
        else:
            level = f"{self.low}-{self.high} {self.unit}"
        groups = [", ".join(self.arms), self.condition or ""]
        whom = "; ".join(filter(None, groups))
        if not whom:
            return level
        return show_line(f"{level} ({whom})")


class Maximum(QuotingModel):
    """A cap on a dose: "up to 300 mg", "no more than 10 mg a day"."""

    value: Number = Field(description="The highest amount.")
    unit: str = Field(description="Its unit, without the time: mg, mg/kg, ...")
    per: MaximumPer

    def __str__(self) -> str:
        per = f"per {self.per}"
        if self.per is MaximumPer.TOTAL:
            per = "in total"
        return show_line(f"{self.value} {self.unit} {per}")


class Instrument(QuotingModel):
    """A named grading system, guideline, scale or set of criteria."""

    name: str = Field(description="The usual short form, if the record states it.")
    version: str | None = Field(
        default=None, description="The version as stated, such as '5.0'."
    )

    def __str__(self) -> str:
        return show_line(f"{self.name} {self.version or ''}")


class CriterionGroup(QuotingModel):
    """Criteria in one list that belong together: all, any or at least ``n`` of them must be met."""

    id: str = Field(
        description="The id that criteria and groups refer to, such as 'g1'."
    )
    lead_in: str | None = Field(
        default=None, description="Quote of the line that introduces the group."
    )
    rule: Annotated[GroupRule, FieldInfo(Comparison.POLARITY, in_total=False)]
    n: int | None = Field(
        default=None, description="For 'at_least': how many criteria must be met."
    )
    n_high: int | None = Field(
        default=None, description="For '2 to 4 of': the upper number."
    )
    parent: Annotated[str | None, FieldInfo(Comparison.PLACE, in_total=False)] = Field(
        default=None, description="The group that contains this group."
    )

    def __str__(self) -> str:
        if self.n is None:
            return f"{self.rule} of"
        if self.n_high is None:
            return f"at least {self.n} of"
        return f"{self.n} to {self.n_high} of"


_READ_FROM_QUOTE = FieldInfo(Comparison.POLARITY, EvidenceKind.NONE, in_gold=False)
"""A fact without its own evidence, because it is read from the quote of the criterion."""


class CriterionAnnotation(QuotingModel):
    """One eligibility condition, as an annotator writes it."""

    kind: Annotated[
        CriterionKind, FieldInfo(Comparison.POLARITY, question="kind", key="list")
    ]
    section: Annotated[
        str,
        FieldInfo(Comparison.PLACE, EvidenceKind.NONE),
        Field(description="The section that contains the criterion."),
    ]
    lead_in: Annotated[
        str | None,
        FieldInfo(Comparison.TEXT, label="introductory line", weight=0.5),
    ] = Field(default=None, description="Quote of the line that introduces the item.")
    quote: Annotated[
        str,
        FieldInfo(Comparison.TEXT, EvidenceKind.ITEM, question="stands", weight=0.5),
        Field(
            description="The text of the criterion, without a leading bullet or number."
        ),
    ]
    category: Annotated[
        Category | None,
        FieldInfo(
            Comparison.CHOICE, question="category", key="cat", weight=0.5, decided=True
        ),
    ] = None
    constraints: Annotated[
        tuple[Constraint, ...],
        FieldInfo(
            Comparison.LIMIT,
            question="constraints",
            key="limits",
            family="limit",
            tokens=90,
        ),
    ] = ()
    time_window: Annotated[
        TimeWindow | None,
        FieldInfo(Comparison.WINDOW, family="window"),
        Field(description="The first item of time_windows."),
    ] = None
    time_windows: Annotated[
        tuple[TimeWindow, ...],
        FieldInfo(
            Comparison.WINDOW,
            question="time_windows",
            key="windows",
            family="window",
            tokens=60,
            in_total=False,
        ),
    ] = ()
    group: Annotated[
        str | None,
        FieldInfo(Comparison.GROUP, EvidenceKind.NONE, weight=0.5, in_total=False),
    ] = Field(
        default=None, description="The innermost group that contains the criterion."
    )
    negated: Annotated[bool | None, FieldInfo(Comparison.POLARITY, in_gold=False)] = (
        Field(
            default=None,
            description="Whether the statement is negated, as in 'no history of stroke'.",
        )
    )
    turned: Annotated[bool, _READ_FROM_QUOTE] = Field(
        default=False,
        description="Whether the limits already include the negation: 'must not have INR > 2' "
        "is <= 2.",
        exclude_if=not_,
    )
    demanded: Annotated[bool, _READ_FROM_QUOTE] = Field(
        default=False,
        description="Whether an exclusion states a requirement, as in 'participants must be off "
        "steroids'.",
        exclude_if=not_,
    )
    has_exception: Annotated[bool, _READ_FROM_QUOTE] = Field(
        default=False,
        description="Whether the criterion also states an exception, such as people who may take "
        "part despite an exclusion.",
        exclude_if=not_,
    )


class Criterion(ExtractedItem, CriterionAnnotation):
    """One eligibility condition, with its provenance."""

    @property
    def is_inclusion(self) -> bool:
        """Whether the criterion is in the list of inclusions."""
        return self.kind is CriterionKind.INCLUSION


class EligibilityAnnotation(QuotingModel):
    """Everything that the record states about who may take part, as an annotator writes it."""

    minimum_age: Annotated[
        Age | None, FieldInfo(Comparison.TIME, key="min", family="age")
    ] = None
    maximum_age: Annotated[
        Age | None, FieldInfo(Comparison.TIME, key="max", family="age")
    ] = None
    sex: Annotated[Sex | None, FieldInfo(Comparison.CHOICE)] = None
    healthy_volunteers: Annotated[
        bool | None,
        FieldInfo(Comparison.POLARITY, key="healthy"),
        Field(description="Whether healthy volunteers are accepted."),
    ] = None
    groups: Annotated[
        tuple[CriterionGroup, ...],
        FieldInfo(Comparison.GROUP, EvidenceKind.NONE, in_total=False),
    ] = ()
    criteria: tuple[Criterion, ...] = ()

    def list_around(self) -> Mapping[str | None, Collection[CriterionGroup]]:
        """Return, for the id of each group, the group and the groups that contain it, innermost
        first; for any other id, nothing. A circular reference is followed only once.
        """
        groups = {group.id: group for group in self.groups}
        around = defaultdict[str | None, Collection[CriterionGroup]](tuple)
        for group in self.groups:
            enclosing: dict[str, CriterionGroup] = {}
            name: str | None = group.id
            while name in groups and name not in enclosing:
                enclosing[name] = groups[name]
                name = groups[name].parent
            around[group.id] = enclosing.values()
        return around


class Eligibility(ExtractedItem, EligibilityAnnotation):
    """Everything that the record states about who may take part, with its provenance."""


class RegimenAnnotation(QuotingModel):
    """One agent and one way of administering it, or one step of it, as an annotator writes it."""

    agent: Annotated[
        str,
        FieldInfo(Comparison.AGENT, question="agent", tokens=15),
        Field(description="The shortest full name in the text."),
    ]
    role: Annotated[
        Role | None,
        FieldInfo(Comparison.CHOICE, question="role", weight=0.5, decided=True),
    ] = None
    section: Annotated[
        str,
        FieldInfo(Comparison.PLACE, EvidenceKind.NONE, weight=0.25),
        Field(description="The section that contains the quote."),
    ]
    quote: Annotated[
        str,
        FieldInfo(
            Comparison.EXTENT,
            EvidenceKind.ITEM,
            question="regimens",
            weight=0.25,
            tokens=250,
        ),
        Field(description="The shortest text that states the dose."),
    ]
    step: Annotated[
        int | None,
        FieldInfo(Comparison.CHOICE, question="step", tokens=5, in_total=False),
    ] = Field(
        default=None,
        ge=1,
        description="1, 2, ... if the same participants receive the agent in several steps, in "
        "the order in which they are given; null if there is only one.",
    )
    step_kind: Annotated[
        StepKind | None,
        FieldInfo(Comparison.CHOICE, question="step_kind", key="phase", in_total=False),
    ] = Field(default=None, exclude_if=is_none)
    amounts: Annotated[
        tuple[Amount, ...],
        FieldInfo(
            Comparison.AMOUNT,
            question="amounts",
            key="dose",
            family="amount",
            tokens=50,
        ),
    ] = ()
    maximum: Annotated[
        tuple[Maximum, ...],
        FieldInfo(
            Comparison.CAP,
            question="maximum",
            key="cap",
            family="amount",
            tokens=20,
            in_total=False,
        ),
    ] = Field(
        default=(),
        description="The most that may be given per dose, day, week, cycle, or in total.",
        exclude_if=not_,
    )
    arms: Annotated[
        tuple[str, ...],
        FieldInfo(
            Comparison.LABEL, question="arms", family="arm", tokens=15, in_total=False
        ),
        Field(
            description="Labels of the arms that receive the regimen, in record order."
        ),
    ] = ()
    route: Annotated[Route | None, FieldInfo(Comparison.CHOICE, question="route")] = (
        None
    )
    frequency: Annotated[
        Frequency | None,
        FieldInfo(Comparison.FREQUENCY, question="frequency", key="freq"),
    ] = None
    cycle: Annotated[
        Period | None, FieldInfo(Comparison.TIME, question="cycle", family="cycle")
    ] = None
    duration: Annotated[
        Period | None,
        FieldInfo(Comparison.TIME, question="duration", key="for", family="duration"),
    ] = Field(
        default=None,
        description="The length of the treatment or, of one of several steps, of this step.",
    )
    total_duration: Annotated[
        Period | None,
        FieldInfo(
            Comparison.TIME,
            question="total_duration",
            key="total",
            family="duration",
            in_total=False,
        ),
    ] = Field(
        default=None,
        description="Of one of several steps: the length of all steps together.",
        exclude_if=is_none,
    )
    as_needed: Annotated[
        bool | None,
        FieldInfo(
            Comparison.POLARITY, question="as_needed", key="needed", in_total=False
        ),
    ] = Field(
        default=None,
        description="True if it is given on demand.",
        exclude_if=is_none,
    )
    timing: Annotated[
        str | None,
        FieldInfo(
            Comparison.EXTENT,
            question="timing",
            key="when",
            family="timing",
            weight=0.5,
            tokens=40,
        ),
    ] = Field(default=None, description="Quote of the days or times of administration.")


class Regimen(ExtractedItem, RegimenAnnotation):
    """One agent and one way of administering it, with its provenance."""


class EndpointAnnotation(QuotingModel):
    """One registered outcome, as an annotator writes it."""

    rank: Annotated[Rank, FieldInfo(Comparison.PLACE, EvidenceKind.NONE)]
    index: Annotated[
        int, FieldInfo(Comparison.PLACE, EvidenceKind.NONE, weight=0.5)
    ] = Field(ge=0, description="Position within the rank.")
    measure: Annotated[
        str | None,
        FieldInfo(Comparison.TEXT, question="split", weight=0.5, tokens=40),
        Field(description="What is measured, as stated in the text."),
    ] = None
    description: Annotated[
        str | None,
        FieldInfo(Comparison.TEXT, question="split", weight=0.25, tokens=40),
        Field(description="The explanation of the measure, as stated in the text."),
    ] = None
    time_frame: Annotated[
        str | None,
        FieldInfo(Comparison.TEXT, question="split", weight=0.5, tokens=40),
        Field(description="When it is measured, as stated in the text."),
    ] = None
    concept: Annotated[
        Concept | None,
        FieldInfo(Comparison.CHOICE, question="concept", decided=True),
    ] = None
    category: Annotated[
        EndpointCategory | None,
        FieldInfo(
            Comparison.CHOICE,
            question="category",
            key="domain",
            weight=0.5,
            decided=True,
        ),
    ] = None
    time_points: Annotated[
        tuple[TimePoint, ...],
        FieldInfo(
            Comparison.TIME,
            question="time_points",
            key="times",
            family="time_point",
            tokens=30,
        ),
    ] = ()
    time_kind: Annotated[
        TimeKind | None,
        FieldInfo(
            Comparison.CHOICE,
            question="time_kind",
            key="span",
            label="kind of time",
            weight=0.5,
            decided=True,
        ),
    ] = None
    instrument: Annotated[
        Instrument | None,
        FieldInfo(
            Comparison.NAME,
            question="instrument",
            key="tool",
            family="instrument",
            weight=0.5,
            tokens=20,
        ),
    ] = None
    start_event: Annotated[
        str | None,
        FieldInfo(
            Comparison.TEXT,
            question="start_event",
            key="start",
            family="event",
            weight=0.5,
            tokens=30,
        ),
        Field(description="Quote of the event that starts the clock."),
    ] = None
    end_events: Annotated[
        tuple[str, ...],
        FieldInfo(
            Comparison.TEXT,
            question="end_events",
            key="ends",
            family="event",
            weight=0.5,
            tokens=60,
        ),
        Field(description="Quotes of the events that stop the clock."),
    ] = ()
    censored: Annotated[
        bool | None,
        FieldInfo(Comparison.POLARITY, question="censored", weight=0.25, decided=True),
        Field(
            description="Whether the text names censoring or the last follow-up as an end event."
        ),
    ] = None
    specimens: Annotated[
        tuple[str, ...],
        FieldInfo(
            Comparison.TEXT,
            question="specimens",
            family="specimen",
            weight=0.25,
            tokens=20,
        ),
        Field(description="Quotes of specimens, such as 'serum'."),
    ] = ()
    methods: Annotated[
        tuple[str, ...],
        FieldInfo(
            Comparison.TEXT,
            question="methods",
            family="method",
            weight=0.25,
            tokens=20,
        ),
        Field(description="Quotes of techniques, such as 'flow cytometry'."),
    ] = ()


class Endpoint(ExtractedItem, EndpointAnnotation):
    """One registered outcome, with its provenance."""


def _is_whole(instrument: object) -> object:
    if isinstance(instrument, dict) and "version" not in instrument:
        raise ValueError("a dictionary with only a name is a custom value")
    return instrument


_BY_KEYS = Field(union_mode="left_to_right")
_Instrument = Annotated[Instrument, BeforeValidator(_is_whole)]
_Value = Constraint | Quantity | Amount | _Instrument | Period | Age | TimePoint
_KNOWN = TypeAdapter[Any](Annotated[_Value | Any, _BY_KEYS])


_MAX_DEPTH = 12
"""Maximum depth of lists and objects in a custom value. A declared field needs nine levels."""


def _restore_all(
    values: dict[str, object], depth: int = _MAX_DEPTH
) -> dict[str, object]:
    return {name: _restore(value, depth) for name, value in values.items()}


def _restore(value: object, depth: int) -> object:
    """Convert the JSON of a custom value to the class that its keys match, also inside nested
    objects. An age has the same keys as other times; the two can be told apart only by the
    declaration of the field.
    """
    if depth == 0:
        raise ValueError("the value is nested too deeply")
    if isinstance(value, list | tuple):
        return tuple(_restore(member, depth - 1) for member in value)
    known = _KNOWN.validate_python(value)
    if isinstance(known, dict):
        return _restore_all(known, depth - 1)
    return known


class CustomItem(ExtractedItem):
    """One value of a custom field, with its provenance."""

    of: str | None = Field(
        default=None,
        description="Path of the criterion, regimen or endpoint that the value belongs to; null "
        "for the record.",
    )
    values: Annotated[JsonObject, AfterValidator(_restore_all)] = Field(
        description="The values, keyed by attribute."
    )
    calibrated: bool = Field(
        default=False,
        description="Whether the confidence was calibrated with the user's own gold annotations.",
    )

    def value_of(self, field: str) -> object:
        """Return the value of an attribute, or None if it is not set. For an attribute of nested
        objects, such as ``methods.name``, return the values in all objects.
        """
        name, *parts = field.split(".")
        value = self.values.get(name)
        if parts:
            return tuple(_find_parts(value, parts))
        return value


def _find_parts(value: object, names: Sequence[str]) -> Iterator[object]:
    """Yield the values of an attribute in nested objects. ``names`` lead to the attribute."""
    if isinstance(value, tuple):
        for member in value:
            yield from _find_parts(member, names)
    elif names:
        # a number or a text has no parts
        parts = getattr(value, "__dict__", {})
        if isinstance(value, dict):
            parts = value
        yield from _find_parts(parts.get(names[0]), names[1:])
    elif value is not None:
        yield value


CustomItems = dict[str, tuple[CustomItem, ...]]
"""The values of custom fields, by field."""


class TrialExtraction(FrozenModel):
    """Eligibility, dosing and endpoints of one trial record, with evidence for every value.

    Gold annotations have the same structure without provenance, so this model reads and writes
    both.
    """

    record_id: str
    eligibility: Eligibility
    dosing: tuple[Regimen, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    custom: CustomItems = Field(
        default_factory=dict,
        description="Values of the custom fields, keyed by field.",
        exclude_if=not_,
    )
    declared: tuple[JsonObject, ...] = Field(
        default=(),
        description="The names and types of the attributes of the custom fields.",
        exclude_if=not_,
    )
    scored: tuple[str, ...] = Field(
        default=(),
        description="For partial gold annotations: the annotated fields, such as "
        "'minimum_age'.",
        exclude_if=not_,
    )
    source: Source | None = None
    absences: tuple[Absence, ...] = Field(
        default=(), description="The reason why each empty field is empty."
    )
    findings: tuple[Finding, ...] = ()
    coverage: Coverage | None = None
    usage: Usage | None = None
    registered_terms: tuple[RegisteredTerm, ...] = Field(
        default=(),
        exclude_if=not_,
        description="Terms that the registry assigns: MeSH terms, other names for interventions, "
        "and keywords.",
    )

    @property
    def registry_id(self) -> str | None:
        """The registry number of the trial, as in ``TrialRecord``, or None if it is unknown."""
        if self.source is None:
            return None
        return self.source.name_trial(self.record_id)

    def to_gold(self, *, exclude_unset: bool = False) -> JsonObject:
        """Return the extraction in the format of gold files, with only the guideline's keys: the
        values of all items, including custom fields, but without evidence, findings or usage. The
        canonical name of a limited quantity is kept only if it was already in gold.
        ``exclude_unset`` leaves out keys that are not set, because gold may cover only some fields.
        """
        eligibility = _include_stated(self.eligibility)
        eligibility["criteria"] = _include_each(self.eligibility.criteria)
        # only an extraction has evidence; in gold, a reviewer corrected the name
        without_name = {
            number: {"constraints": {"__all__": {"quantity_canonical"}}}
            for number, criterion in enumerate(self.eligibility.criteria)
            if criterion.evidence
        }
        custom_item_keys = {"of": True, "values": True}
        return self.model_dump(
            mode="json",
            include={
                "record_id": True,
                "eligibility": eligibility,
                "dosing": _include_each(self.dosing),
                "endpoints": _include_each(self.endpoints),
                "custom": {name: {"__all__": custom_item_keys} for name in self.custom},
                "scored": True,
            },
            exclude={"eligibility": {"criteria": without_name}},
            exclude_unset=exclude_unset,
        )

    def list_items(self) -> Iterator[tuple[str, ExtractedItem]]:
        """Yield (path, item) pairs, with paths such as ``dosing[0]``: the facts about all
        participants (``eligibility``), then the criteria, regimens, endpoints, and values of custom
        fields.
        """
        yield "eligibility", self.eligibility
        lists: dict[str, Sequence[ExtractedItem]] = {
            "eligibility.criteria": self.eligibility.criteria,
            "dosing": self.dosing,
            "endpoints": self.endpoints,
        }
        lists |= {f"custom.{name}": items for name, items in self.custom.items()}
        for path, items in lists.items():
            for number, item in enumerate(items):
                yield f"{path}[{number}]", item

    def table(
        self,
        name: str,
        to: Literal["pandas", "polars", "arrow"] = "pandas",
        fields: Any = (),
    ) -> Any:
        """Return a table of the extraction, such as ``criteria``, as a data frame.

        Columns from the registry are empty, because an extraction does not contain its record.
        ``Extractor.table`` and ``Extractor.run`` fill them in.

        Args:
            name: The name of the table; ``extractor.apps.export.list_tables`` lists them all.
            to: The library that provides the returned table.
            fields: Custom fields, if you need one of their tables (``custom_NAME``); by default,
                the fields with which the record was extracted.

        Raises:
            ValueError: The table does not exist.
            MissingExtra: The library is not installed.

        >>> extraction = TrialExtraction.model_validate(
        ...     {"record_id": "A", "eligibility": {"sex": "male"}}
        ... )
        >>> extraction.table("eligibility")["sex"].item()
        'male'
        """
        return _find_public("frame_extraction")(self, name, to, fields)

    def match(self, patient: Any, min_confidence: float = DOUBTFUL_BELOW) -> Any:
        """Compare the criteria with a patient's data, and return an ``extractor.match.Match``.

        Args:
            patient: An ``extractor.match.Patient``, or a dictionary of its fields.
            min_confidence: What is less sure decides nothing.

        Raises:
            ValueError: The data cannot be read without a guess.

        >>> extraction = TrialExtraction.model_validate(
        ...     {"record_id": "A", "eligibility": {"sex": "male"}}
        ... )
        >>> extraction.match({"sex": "female"}).answer
        'excluded'
        """
        return _find_public("match_trial")(self, patient, min_confidence)

    def to_pandas(self) -> Any:
        """Return all values as a pandas data frame with one row per value. The columns are
        ``record_id``, ``field`` (the path), ``value``, ``quote``, ``section``, ``char_start``,
        ``char_end``, ``origin``, ``support`` and ``confidence``.

        Raises ``MissingExtra`` if pandas is not installed.

        >>> extraction = TrialExtraction.model_validate(
        ...     {"record_id": "A", "eligibility": {"sex": "male"}}
        ... )
        >>> extraction.to_pandas()[["record_id", "field", "value"]]
          record_id            field value
        0         A  eligibility.sex  male
        """
        return self.table("values")

    def __repr__(self) -> str:
        counts = [
            counted(len(self.eligibility.criteria), "criterion", "criteria"),
            counted(len(self.dosing), "regimen"),
            counted(len(self.endpoints), "endpoint"),
        ]
        custom_values = sum(map(len, self.custom.values()))
        if custom_values:
            counts.append(counted(custom_values, "own value"))
        if self.findings:
            counts.append(counted(len(self.findings), "finding"))
        return f"<TrialExtraction of {self.record_id}: {', '.join(counts)}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return the values with their quotes as HTML for notebooks. ``show`` also highlights the
        quotes in the text.
        """
        html: str = _find_public("show")(self)._repr_html_()
        return html


def _find_public(name: str) -> Any:
    """Return a function that the package ``extractor`` offers (``extractor/__init__.py`` states the
    module of each). The methods that show, export or match an extraction find theirs so when they
    are called, because data classes import no app.
    """
    return getattr(import_module("extractor"), name)


def _include_stated(item: ExtractedItem) -> JsonObject:
    """Return the fields of an item that gold files contain, in the form that pydantic's ``include``
    expects.
    """
    return dict.fromkeys(item.list_stated_fields(), True)


def _include_each(items: Sequence[ExtractedItem]) -> dict[int, JsonObject]:
    return {number: _include_stated(item) for number, item in enumerate(items)}
