"""Every character of a record is claimed, boilerplate or unexplained; text that looks unread is
reported.
"""

import pytest

from extractor import read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.coverage import list_words
from extractor.assembly.unread import find_unread
from extractor.concepts.parse import parse_record
from extractor.schemas import FindingKind, Task, TimeKind
from tests.trust import trial

UNREAD = {FindingKind.DOSE_UNREAD, FindingKind.NUMBER_UNREAD}


def extract(record):
    return assemble_extraction(parse_record(record), ModelResult())


def list_unread(findings):
    return [
        (finding.kind.value, finding.citations[0].quote)
        for finding in findings
        if finding.kind in UNREAD
    ]


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


def test_a_limit_that_is_in_no_value_is_reported():
    line = "Protein of ≥ 300 mg/dL or blood"
    parsed = parse_record(trial(eligibility=f"Inclusion Criteria:\n\n* {line}"))
    extraction = assemble_extraction(parsed, ModelResult())
    (criterion,) = extraction.eligibility.criteria
    evidence = tuple(
        piece
        for piece in criterion.evidence
        if not piece.field.startswith("constraints")
    )
    criteria = (criterion.model_copy(update={"evidence": evidence}),)
    eligibility = extraction.eligibility.model_copy(update={"criteria": criteria})
    without_limit = extraction.model_copy(update={"eligibility": eligibility})

    findings, _ = find_unread(parsed, without_limit, {Task.ELIGIBILITY})

    assert list_unread(findings) == [("number_unread", "≥ 300 mg/dL")]


@pytest.mark.parametrize(
    "line",
    [
        "ALT \\< 40 U/L",
        "Asthma for \\> 3 months and no attack for \\> 2 weeks",
        "Age \\>18 years",
    ],
)
def test_times_and_limits_that_were_read_are_not_findings(line):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Consent")
    assert list_unread(extract(record).findings) == []


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
    assert [kind for kind, _ in list_unread(extract(record).findings)] == kinds


@pytest.mark.parametrize(
    ("frame", "reported"),
    [
        ("4 weeks", True),
        ("At month 12 and later", True),
        ("Day 1", False),
        ("Visit", False),
    ],
)
def test_a_time_frame_from_which_nothing_was_read_is_reported(frame, reported):
    outcome = f"Zinc in plasma, {frame}"
    parsed = parse_record(trial(title="A trial", primary_outcomes_0=outcome))
    extraction = assemble_extraction(parsed, ModelResult())
    (endpoint,) = extraction.endpoints
    unread = {"time_points": (), "time_kind": TimeKind.AT}
    changed = extraction.model_copy(
        update={"endpoints": (endpoint.model_copy(update=unread),)}
    )

    findings, _ = find_unread(parsed, changed, {Task.ENDPOINTS})

    assert list_unread(findings) == ([("number_unread", frame)] if reported else [])
