import pytest

from extractor.assembly.check import UnreadableValue, ground_answer
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Why
from extractor.schemas import (
    Age,
    Amount,
    Category,
    Comparator,
    Constraint,
    FindingKind,
    Instrument,
    Period,
    TimeUnit,
)
from tests.trust import trial

TEXT = "Inclusion Criteria:\n\n"
TEXT += "* Platelets \\> 50 x 10\\^9/L, no transfusion within 2 weeks (WHO v2.1 grade III)\n* Consent\n"
RECORD = trial(title="Exampline in thrombocytopenia", eligibility=TEXT)
PARSED = parse_record(RECORD)
CRITERION = next(
    criterion
    for criterion in PARSED.criteria
    if criterion.chunk.text.startswith("Platelets")
)


def ground(**values):
    return ground_answer(values, CRITERION, PARSED)


def constraint(value, quantity="Platelets", comparator=Comparator.MORE, unit="/L"):
    return Constraint(quantity=quantity, comparator=comparator, value=value, unit=unit)


LIMIT = constraint(50_000_000_000)


def quoted_at(span):
    return RECORD.section(span.section).text[span.start : span.end]


@pytest.mark.parametrize(
    ("values", "why", "nearest"),
    [
        (
            {"lead_in": "transfusion within 3 weeks"},
            Why.OTHER_NUMBER,
            "transfusion within 2 weeks",
        ),
        (
            {"constraints": (constraint(60_000_000_000),)},
            Why.OTHER_NUMBER,
            "50 x 10\\^9",
        ),
        (
            {"constraints": (constraint(5e10, comparator=Comparator.LESS),)},
            Why.OTHER_COMPARATOR,
            "50 x 10\\^9",
        ),
        (
            {"constraints": (constraint(50_000_000_000, unit="/mL"),)},
            Why.OTHER_UNIT,
            "50 x 10\\^9",
        ),
        ({"duration": Period(value=2, unit=TimeUnit.DAY)}, Why.OTHER_UNIT, "2"),
        (
            {"duration": Period(value=4, unit=TimeUnit.WEEK)},
            Why.OTHER_NUMBER,
            "2 weeks",
        ),
    ],
)
def test_a_refusal_has_its_reason_and_the_place_that_says_otherwise(
    values, why, nearest
):
    (rejection,) = ground(**values).refused
    assert rejection.why is why
    assert quoted_at(rejection.nearest) == nearest


@pytest.mark.parametrize(
    ("field", "value", "read", "quote", "support"),
    [
        (
            "lead_in",
            "platelets > 50 x 10^9/L",
            "Platelets \\> 50 x 10\\^9/L",
            "Platelets \\> 50 x 10\\^9/L",
            "literal",
        ),
        ("constraints", (LIMIT,), (LIMIT,), "Platelets \\> 50 x 10\\^9/L", "parsed"),
        (
            "agent",
            "exampline",
            "Exampline",
            "Exampline",
            "literal",
        ),  # in another section
        (
            "instrument",
            Instrument(name="WHO"),
            Instrument(name="WHO"),
            "WHO",
            "literal",
        ),
        (
            "instrument",
            *(2 * [Instrument(name="WHO", version="2.1")]),
            "WHO",
            "literal",
        ),
        (
            "category",
            *(2 * [Category.ORGAN_FUNCTION]),
            PARSED.raw(CRITERION.span),
            "inferred",
        ),
    ],
)
def test_a_value_is_supported_by_raw_characters(field, value, read, quote, support):
    reading = ground(**{field: value}).model[field]
    assert (reading.value, reading.support) == (read, support)
    assert [quoted_at(span) for span in reading.spans] == [quote]


def test_a_list_keeps_its_supported_members_and_reports_the_others():
    grounded = ground(constraints=(constraint(75_000_000_000), LIMIT))
    assert grounded.model["constraints"].value == (LIMIT,)
    assert [r.kind for r in grounded.refused] == [FindingKind.QUOTE_CONFLICT]


def test_an_absence_is_an_answer():
    grounded = ground(time_windows=(), constraints=())
    assert grounded.model["time_window"].value is None
    assert grounded.model["constraints"].value == ()


def test_the_parts_of_an_outcome_are_found_in_order():
    text = "Survival at 2 years, defined as alive at 2 years, 2 years"
    parsed = parse_record(trial(primary_outcomes=text))
    parts = {
        "measure": "Survival at 2 years",
        "description": "defined as alive at 2 years",
        "time_frame": "2 years",
    }

    grounded = ground_answer(parts, parsed.outcomes[0], parsed)

    assert [(r.spans[0].start, r.spans[0].end) for r in grounded.model.values()] == [
        (0, 19),
        (21, 48),
        (50, 57),
    ]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"lead_in": "no consent"}, FindingKind.QUOTE_NOT_FOUND),
        ({"lead_in": "Platelets > 60 x 10^9/L"}, FindingKind.QUOTE_CONFLICT),
        ({"time_windows": ("no transfusion",)}, FindingKind.QUOTE_NOT_FOUND),
        (
            {"amounts": (Amount(low=50, high=60, unit="mg"),)},
            FindingKind.VALUE_NOT_IN_QUOTE,
        ),
        (
            {"amounts": (Amount(low=None, high=7, unit="mg"),)},
            FindingKind.VALUE_NOT_IN_QUOTE,
        ),
        ({"instrument": Instrument(name="RECIST")}, FindingKind.VALUE_NOT_IN_QUOTE),
        (
            {"constraints": (constraint(50_000_000_000, quantity="Unicorns"),)},
            FindingKind.VALUE_NOT_IN_QUOTE,
        ),
    ],
)
def test_an_unsupported_value_is_rejected(values, kind):
    grounded = ground(**values)
    assert grounded.model == {}
    (rejection,) = grounded.refused
    assert [rejection.field] == [*values]
    assert rejection.kind == kind
    assert (rejection.nearest is not None) is (kind is FindingKind.QUOTE_CONFLICT)


def test_a_list_that_cannot_be_read_costs_only_itself():
    parsed = parse_record(
        trial(eligibility="Inclusion Criteria:\n\n* At least 18 years old")
    )
    values = {
        "kind": UnreadableValue("maybe", "is none of: in, ex"),
        "minimum_age": Age(value=18, unit="year"),
    }

    found = ground_answer(values, parsed.criteria[0], parsed)

    assert found.model["minimum_age"].value.value == 18
    assert [(refusal.field, refusal.value) for refusal in found.refused] == [
        ("kind", "maybe")
    ]
