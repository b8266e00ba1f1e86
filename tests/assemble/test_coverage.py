"""Every character of a record is claimed, boilerplate or unexplained; what looks unread is
reported, or explains an empty field.
"""

import pytest

from extractor import read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.coverage import list_words
from extractor.assembly.unread import find_unread
from extractor.concepts.parse import parse_record
from extractor.schemas import Absence, FindingKind, Task, TimeKind
from tests.trust import trial


def extract(record):
    return assemble_extraction(parse_record(record), ModelResult())


def test_headings_and_bullets_are_boilerplate():
    text = "Inclusion Criteria:\n\n* Age 18 to 65 years\n2. Consent\n\n"
    counted = extract(trial(eligibility=text)).coverage
    assert counted.claimed == len("Age 18 to 65 years") + len("Consent")
    assert counted.claimed + counted.boilerplate == counted.characters == len(text)


@pytest.mark.parametrize(
    ("text", "unexplained"),
    [
        ("Exclusion Criteria:", []),
        ("* No asthma in the past.", ["No asthma in the past"]),
        ("1. Asthma\n\n2. Rhinitis;", ["Asthma", "Rhinitis"]),
    ],
)
def test_a_line_without_content_is_boilerplate(text, unexplained):
    places = list_words(text, 0, len(text))
    assert [text[start:end] for start, end in places] == unexplained


@pytest.mark.parametrize("name", ["flat.txt", "study.json", "studies.csv"])
def test_every_character_is_counted_once(name):
    record = next(read_records(f"tests/records/{name}"))
    coverage = extract(record).coverage
    for counted in coverage.sections:
        sections = [
            section
            for section in record.sections
            if section.name.partition("[")[0] == counted.kind
        ]
        assert counted.characters == sum(len(section.text) for section in sections)
        assert counted.claimed + counted.boilerplate <= counted.characters
    for kind in ("characters", "claimed", "boilerplate"):
        parts = [getattr(one, kind) for one in coverage.sections]
        assert getattr(coverage, kind) == sum(parts)


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        ("Hb 9", "constraints", "unread_number"),
        ("Hb as usual", "constraints", "not_reported"),
        ("Hospital stay of 3 weeks for asthma", "time_windows", "unread_number"),
        ("Carriers of CDK4", "constraints", "not_reported"),
    ],
)
def test_a_number_that_is_in_no_value_is_the_reason_of_an_empty_field(
    line, field, reason
):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Consent")
    absences = extract(record).absences
    found = {absence.field: absence.reason.value for absence in absences}
    assert found[f"eligibility.criteria[0].{field}"] == reason


@pytest.mark.parametrize(
    ("arm", "kinds"),
    [
        ("Study product 5 mg twice daily", ["dose_unread"]),
        ("Drugamab 5 mg twice daily", []),
        ("Study product reconstituted with 5 mg of salt", []),
        ("Blood is drawn, 5 mL", []),
    ],
)
def test_a_dose_that_no_regimen_has_is_reported(arm, kinds):
    sections = {} if kinds else {"interventions_0": "Drugamab"}
    record = trial(title="Drugamab in hay fever", arms_0=arm, **sections)
    found = [finding.kind.value for finding in extract(record).findings]
    assert [kind for kind in found if kind == FindingKind.DOSE_UNREAD] == kinds


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("At month 12 and later", "unread_number"),
        ("Day 1", "not_reported"),
        ("Visit", "not_reported"),
    ],
)
def test_a_time_frame_from_which_nothing_was_read_is_the_reason(frame, reason):
    outcome = f"Zinc in plasma, {frame}"
    parsed = parse_record(trial(title="A trial", primary_outcomes_0=outcome))
    extraction = assemble_extraction(parsed, ModelResult())
    (endpoint,) = extraction.endpoints
    unread = endpoint.model_copy(update={"time_points": (), "time_kind": TimeKind.AT})
    absence = Absence(field="endpoints[0].time_points", reason="not_reported")
    changed = extraction.model_copy(
        update={"endpoints": (unread,), "absences": (absence,)}
    )
    _, (explained,) = find_unread(parsed, changed, {Task.ENDPOINTS})
    assert explained.reason == reason
