"""Every character of a record is claimed, boilerplate or unclaimed; text that looks unread is
reported.
"""

from collections import Counter
from itertools import pairwise

import pytest

from extractor import read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.coverage import TextClass, list_covered_spans
from extractor.assembly.unread import find_unread
from extractor.concepts.parse import parse_record
from extractor.schemas import FindingKind, Task, TimeKind
from tests.trust import trial

SAMPLES = ["flat.txt", "study.json", "study.xml", "studies.csv"]
UNREAD = {
    FindingKind.CRITERION_UNREAD,
    FindingKind.DOSE_UNREAD,
    FindingKind.NUMBER_UNREAD,
}


def extract(record):
    return assemble_extraction(parse_record(record), ModelResult())


def covered(record):
    return list(list_covered_spans(record, extract(record).list_items()))


def classes(record):
    """Return the words and the class of each span with words."""
    found = []
    for covered_span in covered(record):
        span = covered_span.span
        words = record.section(span.section).text[span.start : span.end]
        if words.strip():
            found.append((words, covered_span.text_class.value))
    return found


def unread(record):
    return [
        (finding.kind, finding.citations[0].quote)
        for finding in extract(record).findings
        if finding.kind in UNREAD
    ]


@pytest.fixture(params=SAMPLES)
def record(request):
    return next(read_records(f"tests/records/{request.param}"))


def test_headings_and_bullets_are_boilerplate():
    text = (
        "Inclusion Criteria:\n\n* Age 18 to 65 years\n2. Consent\n\nOther protocol-defined "
        "criteria may apply"
    )
    assert classes(trial(eligibility=text)) == [
        ("Inclusion Criteria:\n\n* ", "boilerplate"),
        ("Age 18 to 65 years", "claimed"),
        ("\n2. ", "boilerplate"),
        ("Consent", "claimed"),
        ("\n\nOther protocol-defined criteria may apply", "boilerplate"),
    ]


@pytest.mark.parametrize(
    ("text", "has_content"),
    [
        ("Exclusion Criteria:", False),
        ("Note: subjects with mild disease are an exception", False),
        ("Patients must meet all of the following", False),
        ("No asthma in the past", True),
        ("Patients with asthma", True),
    ],
)
def test_a_line_without_content_is_boilerplate(text, has_content):
    found = {
        span.text_class for span in list_covered_spans(trial(eligibility=text), [])
    }
    assert (TextClass.UNCLAIMED in found) is has_content


def test_every_character_is_in_exactly_one_span(record):
    spans = [covered_span.span for covered_span in covered(record)]

    for section in record.sections:
        own = [span for span in spans if span.section == section.name]
        for before, after in pairwise(own):
            assert before.end == after.start
        if section.text:
            assert own[0].start == 0
            assert own[-1].end == len(section.text)


def test_claimed_spans_are_those_of_items(record):
    for covered_span in covered(record):
        is_claimed = covered_span.text_class is TextClass.CLAIMED
        assert bool(covered_span.items) == is_claimed


def test_every_character_is_counted_by_its_class(record):
    lengths = Counter()
    for covered_span in covered(record):
        span = covered_span.span
        kind, _, _ = span.section.partition("[")
        lengths[kind, covered_span.text_class] += span.length
        lengths["", covered_span.text_class] += span.length

    coverage = extract(record).coverage

    check_counts(coverage, "", lengths)
    for section in coverage.sections:
        check_counts(section, section.kind, lengths)


def check_counts(counted, kind, lengths):
    claimed = lengths[kind, TextClass.CLAIMED]
    boilerplate = lengths[kind, TextClass.BOILERPLATE]
    unclaimed = lengths[kind, TextClass.UNCLAIMED]
    assert counted.claimed == claimed
    assert counted.boilerplate == boilerplate
    assert counted.characters == claimed + boilerplate + unclaimed


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
    "line",
    [
        "Muscle strength of at least half the maximum",
        "A score of at least two thirds of the maximum score",
        "ALT greater than double the baseline value",
        "Grip strength of less than half of normal",
        "Must have eaten at least half of the meals",
    ],
)
def test_a_relative_limit_is_reported_and_gives_its_reason(line):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Consent")
    assert [kind for kind, _ in unread(record)] == [FindingKind.NUMBER_UNREAD]
    reasons = {absence.field: absence.reason for absence in extract(record).absences}
    assert reasons["eligibility.criteria[0].constraints"] == "unread_number"


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


def test_a_maximum_that_was_read_hides_no_other_one():
    parsed = parse_record(
        trial(title="A trial", arms_0="Study product up to 20 mg twice daily")
    )
    other = trial(
        title="A trial",
        detailed_description="Drugamab up to 5 mg twice daily",
        interventions_0="Drugamab",
    )
    extraction = extract(other)
    assert [dose.agent for dose in extraction.dosing] == ["Drugamab"]

    findings, _ = find_unread(parsed, extraction, {Task.DOSING})

    assert [finding.kind for finding in findings] == [FindingKind.DOSE_UNREAD]


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
    "arm",
    [
        # one amount of the clause was read, the other was not
        "Drugamab 5 mg and 0.45 mg of conjugated testamides daily",
        # what a piece contains: the regimen has the pieces alone
        "Two 212.5 mg pills of Drugamab daily",
        "Drugamab, 2 sachets (3 g) daily",
        # a limit elsewhere in the clause makes the dose none
        "Drugamab 5 mg daily, then study product 30 mg weekly, and at the end of each month a dose "
        "that does not exceed the one of the last month",
    ],
)
def test_an_amount_beside_one_that_was_read_is_reported(arm):
    record = trial(
        title="Drugamab in hay fever", arms_0=arm, interventions_0="Drugamab"
    )
    assert [kind for kind, _ in unread(record)] == [FindingKind.DOSE_UNREAD]


def test_an_amount_is_reported_once():
    record = trial(
        title="A trial", arms_0="Study product 5 mg", arms_1="Study product 5 mg daily"
    )
    assert [kind for kind, _ in unread(record)] == [FindingKind.DOSE_UNREAD]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Drugamab 20% + laser once every 2 weeks", "unread_number"),
        ("Drugamab once every 2 weeks", "not_reported"),
        ("Drugamab once every 2 weeks, in 20% of the patients", "not_reported"),
    ],
)
def test_a_regimen_without_an_amount_tells_whether_a_number_was_left(text, reason):
    record = trial(title="A trial", arms_0=text, interventions_0="DRUG: Drugamab")
    reasons = {absence.field: absence.reason for absence in extract(record).absences}
    assert reasons["dosing[0].amounts"] == reason


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
