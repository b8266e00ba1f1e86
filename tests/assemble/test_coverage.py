"""Every character of a record is claimed, boilerplate or unexplained; text that looks unread is
reported.
"""

import pytest

from extractor import read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.coverage import list_unexplained
from extractor.assembly.unread import find_unread
from extractor.concepts.parse import parse_record
from extractor.schemas import Absence, FindingKind, Regimen, Task, TimeKind
from tests.trust import trial

UNREAD = {
    FindingKind.DOSE_UNREAD,
    FindingKind.NUMBER_UNREAD,
}


def extract(record):
    return assemble_extraction(parse_record(record), ModelResult())


def unread(record):
    return [
        (finding.kind, finding.citations[0].quote)
        for finding in extract(record).findings
        if finding.kind in UNREAD
    ]


def test_headings_bullets_and_notes_are_boilerplate():
    text = (
        "Inclusion Criteria:\n\n* Age 18 to 65 years\n2. Consent\n\nOther protocol-defined "
        "criteria may apply"
    )
    counted = extract(trial(eligibility=text)).coverage
    assert counted.claimed == len("Age 18 to 65 years") + len("Consent")
    assert counted.claimed + counted.boilerplate == counted.characters == len(text)


@pytest.mark.parametrize(
    ("text", "unexplained"),
    [
        ("Exclusion Criteria:", []),
        ("Note: subjects with mild disease are an exception", []),
        ("Patients must meet all of the following", []),
        ("* No asthma in the past.", ["No asthma in the past"]),
        ("1. Asthma\n\n2. Rhinitis;", ["Asthma", "Rhinitis"]),
    ],
)
def test_a_line_without_content_is_boilerplate(text, unexplained):
    section = trial(eligibility=text).section("eligibility")
    places = list_unexplained(section, [])
    assert [text[start:end] for start, end in places] == unexplained


@pytest.mark.parametrize("name", ["flat.txt", "study.json", "study.xml", "studies.csv"])
def test_every_character_is_counted_once(name):
    record = next(read_records(f"tests/records/{name}"))
    extraction = extract(record)
    for counted in extraction.coverage.sections:
        sections = [
            section
            for section in record.sections
            if section.name.partition("[")[0] == counted.kind
        ]
        assert counted.characters == sum(len(section.text) for section in sections)
        assert counted.claimed + counted.boilerplate <= counted.characters
    for kind in ("characters", "claimed", "boilerplate"):
        parts = [getattr(one, kind) for one in extraction.coverage.sections]
        assert getattr(extraction.coverage, kind) == sum(parts)


def test_a_limit_that_is_in_no_value_is_reported():
    parsed = parse_record(
        trial(
            eligibility="Inclusion Criteria:\n\n* Protein of ≥ 300 mg/dL or blood\n* Consent"
        )
    )
    extraction = assemble_extraction(parsed, ModelResult())
    first, *others = extraction.eligibility.criteria
    evidence = tuple(
        piece for piece in first.evidence if not piece.field.startswith("constraints")
    )
    criteria = (first.model_copy(update={"evidence": evidence}), *others)
    eligibility = extraction.eligibility.model_copy(update={"criteria": criteria})
    without_limit = extraction.model_copy(update={"eligibility": eligibility})

    findings, _ = find_unread(parsed, without_limit, {Task.ELIGIBILITY})

    (finding,) = findings
    assert finding.kind == FindingKind.NUMBER_UNREAD
    assert finding.citations[0].quote == "≥ 300 mg/dL"


@pytest.mark.parametrize(
    "eligibility",
    [
        "Inclusion Criteria:\n\n* ALT \\< 40 U/L\n* Consent",
        "Inclusion Criteria:\n\n* Asthma for \\> 3 months and no attack for \\> 2 weeks\n* Consent",
        "Inclusion Criteria:\n\n* Age \\>18 years",
    ],
)
def test_times_and_limits_that_were_read_are_not_findings(eligibility):
    assert unread(trial(title="A trial", eligibility=eligibility)) == []


def test_a_dose_that_no_regimen_has_is_reported():
    record = trial(
        title="Drugamab in hay fever", arms_0="Study product 5 mg twice daily"
    )
    assert extract(record).dosing == ()
    assert [kind for kind, _ in unread(record)] == [FindingKind.DOSE_UNREAD]


@pytest.mark.parametrize(
    "arm",
    [
        "Drugamab 5 mg twice daily",
        "Study product reconstituted with 5 mg of salt",
        "Blood is drawn, 5 mL",
    ],
)
def test_doses_that_were_read_or_are_not_given_are_not_reported(arm):
    record = trial(
        title="Drugamab in hay fever", arms_0=arm, interventions_0="Drugamab"
    )
    assert FindingKind.DOSE_UNREAD not in [kind for kind, _ in unread(record)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("Drugamab 20 mg daily", "unread_number"), ("Drugamab daily", "not_reported")],
)
def test_a_regimen_without_an_amount_tells_whether_a_number_was_left(text, reason):
    parsed = parse_record(trial(title="A trial", arms_0=text))
    absence = Absence(field="dosing[0].amounts", reason="not_reported")
    regimen = Regimen(agent="Drugamab", section="arms[0]", quote="Drugamab")
    extraction = assemble_extraction(parsed, ModelResult())
    without = extraction.model_copy(
        update={"dosing": (regimen,), "absences": (absence,)}
    )
    _, (explained,) = find_unread(parsed, without, {Task.DOSING})
    assert explained.reason == reason


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
    parsed = parse_record(
        trial(title="A trial", primary_outcomes_0=f"Zinc in plasma, {frame}")
    )
    extraction = assemble_extraction(parsed, ModelResult())
    (endpoint,) = extraction.endpoints
    unread_endpoint = endpoint.model_copy(
        update={"time_points": (), "time_kind": TimeKind.AT}
    )
    changed = extraction.model_copy(update={"endpoints": (unread_endpoint,)})

    findings, _ = find_unread(parsed, changed, {Task.ENDPOINTS})

    quotes = [finding.citations[0].quote for finding in findings]
    assert quotes == ([frame] if reported else [])
