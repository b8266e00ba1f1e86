import pytest

from extractor.ground.check import Answer, ground_answer
from extractor.ground.quotes import QuoteStatus
from extractor.parse import parse_record
from extractor.schemas import (
    Amount,
    Category,
    Comparator,
    Constraint,
    FindingKind,
    Instrument,
    Period,
    Section,
    Source,
    Support,
    Task,
    TimeUnit,
    TrialRecord,
)

TEXT = "Inclusion Criteria:\n\n"
TEXT += "* Platelets \\> 50 x 10\\^9/L, no transfusion within 2 weeks (WHO v2.1 grade III)\n* Consent\n"
RECORD = TrialRecord(
    record_id="NCT90000050",
    source=Source(path="made.json", format="ctgov_json"),
    sections=(
        Section(name="title", text="Exampline in thrombocytopenia"),
        Section(name="eligibility", text=TEXT),
    ),
)
PARSED = parse_record(RECORD)
CHUNK = next(c.chunk.number for c in PARSED.eligibility.criteria if c.chunk.text.startswith("Platelets"))


def ground(**values):
    return ground_answer(Answer(Task.ELIGIBILITY, CHUNK, values), PARSED)


def constraint(value, quantity="Platelets", comparator=Comparator.MORE):
    return Constraint(quantity=quantity, comparator=comparator, value=value, unit="/L")


def quoted_at(span):
    return RECORD.section(span.section).text[span.start : span.end]


def test_a_quote_becomes_the_raw_characters():
    reading = ground(lead_in="platelets > 50 x 10^9/L").readings["lead_in"]
    assert reading.value == "Platelets \\> 50 x 10\\^9/L"
    assert [quoted_at(span) for span in reading.spans] == [reading.value]
    assert reading.support is Support.LITERAL


@pytest.mark.parametrize(
    ("quote", "kind"),
    [
        ("Platelets > 60 x 10^9/L", FindingKind.QUOTE_CONFLICT),
        ("transfusion within 3 weeks", FindingKind.QUOTE_CONFLICT),
        ("no consent", FindingKind.QUOTE_NOT_FOUND),
    ],
)
def test_a_quote_that_is_not_in_the_chunk_is_kept_out_and_reported(quote, kind):
    grounded = ground(lead_in=quote)
    assert "lead_in" not in grounded.readings
    assert [(r.value, r.kind) for r in grounded.rejections] == [(quote, kind)]


@pytest.mark.parametrize(
    ("values", "kind", "quoted", "stated", "nearest"),
    [
        ({"lead_in": "transfusion within 3 weeks"}, "number", "3", "2", "transfusion within 2 weeks"),
        ({"constraints": (("Platelets", ">", 60_000_000_000, "/L"),)}, "number", "6e+10", "50 x 10^9", "50 x 10\\^9"),
        ({"constraints": (("Platelets", "<", 50_000_000_000, "/L"),)}, "comparator", "<", ">", "50 x 10\\^9"),
        ({"constraints": (("Platelets", ">", 50_000_000_000, "/mL"),)}, "unit", "/mL", "/L", "50 x 10\\^9"),
        ({"duration": Period(value=2, unit=TimeUnit.DAY)}, "time_unit", "day", "weeks", "2"),
        ({"duration": Period(value=4, unit=TimeUnit.WEEK)}, "number", "4", "2 weeks", "2 weeks"),
        ({"instrument": Instrument(name="WHO", version="3.0")}, "number", "3.0", "2.1", "2.1"),
    ],
)
def test_a_refusal_tells_the_conflict_and_where_it_is(values, kind, quoted, stated, nearest):
    if "constraints" in values:
        ((quantity, comparator, value, unit),) = values["constraints"]
        limit = Constraint(quantity=quantity, comparator=comparator, value=value, unit=unit)
        values = {"constraints": (limit,)}
    (rejection,) = ground(**values).rejections
    (conflict,) = rejection.refusal.conflicts
    assert rejection.refusal.status is QuoteStatus.CONFLICT
    assert (conflict.kind.value, conflict.quoted, conflict.stated) == (kind, quoted, stated)
    assert quoted_at(rejection.refusal.nearest) == nearest


def test_what_has_nothing_like_it_in_the_text_is_absent():
    (rejection,) = ground(lead_in="a wholly different statement").rejections
    assert (rejection.refusal.status, rejection.refusal.nearest) == (QuoteStatus.ABSENT, None)


def test_a_limit_whose_number_the_text_states_is_supported_by_it():
    reading = ground(constraints=(constraint(50_000_000_000),)).readings["constraints"]
    assert [quoted_at(span) for span in reading.spans] == ["Platelets \\> 50 x 10\\^9"]
    assert reading.support is Support.PARSED


def test_a_negative_limit_is_supported_where_the_minus_stands():
    record = RECORD.model_copy(update={"sections": (Section(name="eligibility", text="* T-score \\<= -2.5\n"),)})
    parsed = parse_record(record)
    number = next(c.chunk.number for c in parsed.eligibility.criteria)
    limit = Constraint(quantity="T-score", comparator=Comparator.AT_MOST, value=-2.5, unit=None)
    grounded = ground_answer(Answer(Task.ELIGIBILITY, number, {"constraints": (limit,)}), parsed)
    assert grounded.readings["constraints"].value == (limit,)


def test_a_list_keeps_its_supported_members_and_reports_the_others():
    good, bad = constraint(50_000_000_000), constraint(75_000_000_000)
    grounded = ground(constraints=(bad, good))
    assert grounded.readings["constraints"].value == (good,)
    assert [r.kind for r in grounded.rejections] == [FindingKind.QUOTE_CONFLICT]


def test_a_list_of_which_nothing_is_supported_is_no_answer():
    grounded = ground(constraints=(constraint(75_000_000_000),))
    assert "constraints" not in grounded.readings


def test_a_time_window_is_read_from_its_quote():
    window = ground(time_window="within 2 weeks").readings["time_window"].value
    assert (window.comparator, window.value, window.unit) == (Comparator.AT_MOST, 2, TimeUnit.WEEK)


def test_a_time_window_without_a_time_is_kept_out():
    assert ground(time_window="no transfusion").readings == {}


def test_an_agent_may_stand_in_another_section():
    reading = ground(agent="exampline").readings["agent"]
    assert (reading.value, reading.spans[0].section) == ("Exampline", "title")


def test_a_class_rests_on_the_whole_chunk():
    reading = ground(category=Category.ORGAN_FUNCTION).readings["category"]
    assert quoted_at(reading.spans[0]) == PARSED.raw(PARSED.chunks[CHUNK].span)
    assert reading.support is Support.INFERRED


def test_nothing_stated_is_an_answer_too():
    grounded = ground(time_window=None, constraints=())
    assert grounded.readings["time_window"].value is None
    assert grounded.readings["constraints"].value == ()


@pytest.mark.parametrize("amount", [Amount(low=50, high=60, unit="mg"), Amount(low=None, high=7, unit="mg")])
def test_every_number_of_a_value_must_stand_in_the_text(amount):
    assert ground(amounts=(amount,)).readings == {}


def test_an_instrument_nobody_names_is_kept_out():
    assert ground(instrument=Instrument(name="RECIST")).readings == {}
    assert ground(instrument=Instrument(name="WHO")).readings["instrument"].value == Instrument(name="WHO")


def test_the_version_of_an_instrument_must_stand_there_too():
    assert ground(instrument=Instrument(name="WHO", version="2.1")).readings["instrument"].support is Support.LITERAL
    assert ground(instrument=Instrument(name="WHO", version="3.0")).readings == {}


@pytest.mark.parametrize(
    "limit",
    [
        constraint(50_000_000_000, quantity="Unicorns"),
        constraint(50_000_000_000, comparator=Comparator.LESS),
        constraint(50_000_000_000).model_copy(update={"unit": "furlong"}),
    ],
)
def test_a_limit_must_keep_its_quantity_comparator_and_unit(limit):
    assert ground(constraints=(limit,)).readings == {}


def test_the_parts_of_an_outcome_are_found_one_behind_the_other():
    text = "Survival at 2 years, defined as alive at 2 years, 2 years"
    record = RECORD.model_copy(update={"sections": (Section(name="primary_outcomes", text=text),)})
    parsed = parse_record(record)
    parts = {"measure": "Survival at 2 years", "description": "defined as alive at 2 years", "time_frame": "2 years"}
    grounded = ground_answer(Answer(Task.ENDPOINTS, parsed.outcomes[0].chunk.number, parts), parsed)
    assert [(r.spans[0].start, r.spans[0].end) for r in grounded.readings.values()] == [(0, 19), (21, 48), (50, 57)]
