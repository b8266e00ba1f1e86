import pytest

from extractor.parse import parse_record
from extractor.parse.claims import ClaimTally, NumberClaim, RecordPart, list_number_claims
from extractor.schemas import Section, Source, TrialRecord


def read(**sections):
    names = {"arm": "arms[0]", "intervention": "interventions[0]", "outcome": "primary_outcomes[0]"}
    built = tuple(Section(name=names.get(name, name), text=text) for name, text in sections.items())
    record = TrialRecord(record_id="T", source=Source(path="t", format="flat"), sections=built)
    return list(list_number_claims(parse_record(record)))


def listed(*items, heading="Inclusion Criteria:"):
    return "\n\n".join([heading, *(f"{number}. {item}" for number, item in enumerate(items, 1))])


def test_numbers_of_criteria_are_claimed_by_what_was_read():
    found = read(eligibility=listed("Age 18 to 65 years", "Surgery within 4 weeks before entry"))
    assert [claim.fields for claim in found] == [
        ("constraints", "minimum_age", "maximum_age"),
        ("constraints", "minimum_age", "maximum_age"),
        ("time_window",),
    ]


def test_what_nothing_claims_is_shown_between_its_words():
    found = read(eligibility=listed("Enrolled in Cohort 7 of the registry"))
    assert found == [NumberClaim(RecordPart.CRITERIA, "cohort N of")]


@pytest.mark.parametrize("text", ["Positive for CD19", "Treated with IL-4 before", "Part of v4.0"])
def test_parts_of_names_and_numbers_of_lines_are_no_numbers(text):
    assert read(eligibility=listed(text)) == []


def test_what_is_read_as_no_criterion_has_no_numbers_to_claim():
    assert read(eligibility=listed("Pregnant", heading="Inclusion Criteria for 2 parts of the study:")) == []


def test_a_dose_that_is_told_again_is_claimed_again():
    dose = "Examplumab 300 mg subcutaneously every 4 weeks"
    found = read(arm=f"Arm A (EXPERIMENTAL)\n{dose}", intervention=f"DRUG: {dose}")
    assert [claim.part for claim in found] == [RecordPart.DOSING] * 4
    assert [claim.fields for claim in found] == [("amounts",), ("frequency",)] * 2


def test_moments_are_claimed_in_time_frames_and_baselines_are_not():
    found = read(outcome="Survival of the graft, Day 0, week 4, week 8")
    assert [(claim.shape, claim.fields) for claim in found] == [
        ("day 0 week", ()),
        ("week N week", ("time_points",)),
        ("week N", ("time_points",)),
    ]


def test_counts_add_up_over_records():
    tally = ClaimTally()
    for _ in range(3):
        tally.add(read(eligibility=listed("Age 18 to 65 years", "Enrolled in Cohort 7 of the registry")))
    criteria, dosing, _ = tally.report()
    assert (criteria.numbers, criteria.claimed, criteria.shapes) == (9, 6, (("cohort N of", 3),))
    assert dict(criteria.fields) == {"constraints": 6, "minimum_age": 6, "maximum_age": 6}
    assert (dosing.numbers, dosing.share) == (0, None)


def test_memory_is_bounded_and_the_common_shapes_are_kept():
    tally = ClaimTally(shapes=10)
    for number in range(1000):
        tally.add([NumberClaim(RecordPart.CRITERIA, f"w{number} N"), NumberClaim(RecordPart.CRITERIA, "grade N or")])
    (part, *_) = tally.report(shapes=1000)
    assert len(part.shapes) <= 10
    assert part.shapes[0] == ("grade N or", 1000)
    assert part.numbers == 2000
