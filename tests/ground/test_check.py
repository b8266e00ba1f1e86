import pytest

from extractor.ground.check import Answer, ground_answer
from extractor.ground.quotes import QuoteStatus
from extractor.parse import parse_record
from extractor.schemas import Amount, Category, Comparator, Constraint, FindingKind, Instrument, Period, Task, TimeUnit
from tests.trust import trial

TEXT = "Inclusion Criteria:\n\n"
TEXT += "* Platelets \\> 50 x 10\\^9/L, no transfusion within 2 weeks (WHO v2.1 grade III)\n* Consent\n"
RECORD = trial(title="Exampline in thrombocytopenia", eligibility=TEXT)
PARSED = parse_record(RECORD)
CHUNK = next(c.chunk.number for c in PARSED.eligibility.criteria if c.chunk.text.startswith("Platelets"))


def ground(**values):
    return ground_answer(Answer(Task.ELIGIBILITY, CHUNK, values), PARSED)


def constraint(value, quantity="Platelets", comparator=Comparator.MORE, unit="/L"):
    return Constraint(quantity=quantity, comparator=comparator, value=value, unit=unit)


LIMIT = constraint(50_000_000_000)


def quoted_at(span):
    return RECORD.section(span.section).text[span.start : span.end]


@pytest.mark.parametrize(
    ("values", "kind", "quoted", "stated", "nearest"),
    [
        ({"lead_in": "transfusion within 3 weeks"}, "number", "3", "2", "transfusion within 2 weeks"),
        ({"constraints": (constraint(60_000_000_000),)}, "number", "6e+10", "50 x 10^9", "50 x 10\\^9"),
        ({"constraints": (constraint(5e10, comparator=Comparator.LESS),)}, "comparator", "<", ">", "50 x 10\\^9"),
        ({"constraints": (constraint(50_000_000_000, unit="/mL"),)}, "unit", "/mL", "/L", "50 x 10\\^9"),
        ({"duration": Period(value=2, unit=TimeUnit.DAY)}, "time_unit", "day", "weeks", "2"),
        ({"duration": Period(value=4, unit=TimeUnit.WEEK)}, "number", "4", "2 weeks", "2 weeks"),
        ({"instrument": Instrument(name="WHO", version="3.0")}, "number", "3.0", "2.1", "2.1"),
    ],
)
def test_a_refusal_reports_the_conflict_and_its_place(values, kind, quoted, stated, nearest):
    (rejection,) = ground(**values).rejections
    (conflict,) = rejection.refusal.conflicts
    assert rejection.refusal.status is QuoteStatus.CONFLICT
    assert (conflict.kind.value, conflict.quoted, conflict.stated) == (kind, quoted, stated)
    assert quoted_at(rejection.refusal.nearest) == nearest


@pytest.mark.parametrize(
    ("field", "value", "read", "quote", "support"),
    [
        ("lead_in", "platelets > 50 x 10^9/L", "Platelets \\> 50 x 10\\^9/L", "Platelets \\> 50 x 10\\^9/L", "literal"),
        ("constraints", (LIMIT,), (LIMIT,), "Platelets \\> 50 x 10\\^9/L", "parsed"),
        ("agent", "exampline", "Exampline", "Exampline", "literal"),  # in another section
        ("instrument", Instrument(name="WHO"), Instrument(name="WHO"), "WHO", "literal"),
        ("instrument", *(2 * [Instrument(name="WHO", version="2.1")]), "WHO", "literal"),
        ("category", *(2 * [Category.ORGAN_FUNCTION]), PARSED.raw(PARSED.chunks[CHUNK].span), "inferred"),
    ],
)
def test_a_value_is_supported_by_raw_characters(field, value, read, quote, support):
    reading = ground(**{field: value}).readings[field]
    assert (reading.value, reading.support) == (read, support)
    assert [quoted_at(span) for span in reading.spans] == [quote]


def test_a_list_keeps_its_supported_members_and_reports_the_others():
    grounded = ground(constraints=(constraint(75_000_000_000), LIMIT))
    assert grounded.readings["constraints"].value == (LIMIT,)
    assert [r.kind for r in grounded.rejections] == [FindingKind.QUOTE_CONFLICT]


def test_an_absence_is_an_answer():
    grounded = ground(time_window=None, constraints=())
    assert grounded.readings["time_window"].value is None
    assert grounded.readings["constraints"].value == ()


def test_the_parts_of_an_outcome_are_found_in_order():
    text = "Survival at 2 years, defined as alive at 2 years, 2 years"
    parsed = parse_record(trial(primary_outcomes=text))
    parts = {"measure": "Survival at 2 years", "description": "defined as alive at 2 years", "time_frame": "2 years"}
    grounded = ground_answer(Answer(Task.ENDPOINTS, parsed.outcomes[0].chunk.number, parts), parsed)
    assert [(r.spans[0].start, r.spans[0].end) for r in grounded.readings.values()] == [(0, 19), (21, 48), (50, 57)]


@pytest.mark.parametrize(
    ("values", "kind", "status"),
    [
        ({"lead_in": "no consent"}, FindingKind.QUOTE_NOT_FOUND, QuoteStatus.ABSENT),
        ({"lead_in": "Platelets > 60 x 10^9/L"}, FindingKind.QUOTE_CONFLICT, QuoteStatus.CONFLICT),
        ({"time_window": "no transfusion"}, FindingKind.QUOTE_NOT_FOUND, QuoteStatus.ABSENT),
        ({"amounts": (Amount(low=50, high=60, unit="mg"),)}, FindingKind.VALUE_NOT_IN_QUOTE, QuoteStatus.ABSENT),
        ({"amounts": (Amount(low=None, high=7, unit="mg"),)}, FindingKind.VALUE_NOT_IN_QUOTE, QuoteStatus.ABSENT),
        ({"instrument": Instrument(name="RECIST")}, FindingKind.VALUE_NOT_IN_QUOTE, QuoteStatus.ABSENT),
        (
            {"constraints": (constraint(50_000_000_000, quantity="Unicorns"),)},
            FindingKind.VALUE_NOT_IN_QUOTE,
            QuoteStatus.ABSENT,
        ),
    ],
)
def test_an_unsupported_value_is_rejected(values, kind, status):
    grounded = ground(**values)
    assert grounded.readings == {}
    assert [(one.field, one.kind, one.refusal.status) for one in grounded.rejections] == [(*values, kind, status)]
