"""What the text promises against what is registered, and the registered outcomes among themselves."""

from dataclasses import replace

import pytest

from extractor.assemble import ModelResult, assemble_extraction
from extractor.audit import audit_extraction
from extractor.parse import parse_record
from extractor.parse.parsed import HostileText, Span
from extractor.schemas import FindingKind, Severity
from tests.audit.studies import audit, find, make_study

RESPONSE = ("Objective response rate", "RECIST 1.1", "6 months")
SAFETY = ("Number of participants with adverse events", "CTCAE 5.0", "1 year")
SURVIVAL = ("Overall survival", "From enrolment to death", "2 years")


@pytest.mark.parametrize(
    ("summary", "promised"),
    [
        ("Secondary endpoints are overall survival and quality of life.", ["overall survival", "quality of life"]),
        ("The secondary outcome measures include OS.", ["OS"]),
        ("Overall survival and relapse are secondary endpoints.", ["Overall survival", "relapse"]),
        ("Clinical outcomes including relapse and adverse effects will be evaluated.", ["relapse", "adverse effects"]),
        ("SECONDARY OBJECTIVES:\n\nI. Determine the overall survival.\n\nII. Describe the diet.", ["overall survival"]),
        ("Secondary Endpoints:\n* Progression-free survival (PFS)", ["Progression-free survival"]),
    ],
)
def test_what_is_promised_and_not_registered_is_found(summary: str, promised: list[str]) -> None:
    found = find(make_study(summary=summary, primary=(RESPONSE,)))
    assert found == [("endpoint_not_registered", words) for words in promised]


@pytest.mark.parametrize(
    "summary",
    [
        "Secondary endpoints are overall survival and adverse events.",  # registered below
        "In a previous trial the primary endpoint was quality of life.",
        "Exploratory endpoints include quality of life.",
        "Relapse is common, and quality of life is poor.",
        "The primary objective is to reduce toxicity and to improve quality of life.",
        "Secondary endpoints include the correlation of biomarkers with pharmacokinetics.",
        "Secondary endpoints are death and tolerability.",
        "The outcome is poor: relapse within a year.",
        "A kinetic model of outcomes:\n\nA pharmacokinetic model will be fitted.",
        "Secondary objectives:\n\n* To learn how well the score captures quality of life",
        "Secondary outcomes: no immunogenicity is expected.",
        "Secondary objectives:\n\n* Survival\n\nBackground: care differs in quality of life.",
    ],
)
def test_what_is_registered_or_no_promise_is_not_reported(summary: str) -> None:
    record = make_study(summary=summary, primary=(RESPONSE,), secondary=(SURVIVAL, SAFETY))
    assert find(record) == []


def test_pcr_in_capitals_is_the_chain_reaction() -> None:
    said = "The primary endpoint is {} after six weeks."
    outcome = (("Height", "in cm", "Week 6"),)
    assert find(make_study(summary=said.format("the copy number by PCR"), primary=outcome)) == []
    assert find(make_study(summary=said.format("pCR"), primary=outcome)) == [("endpoint_not_registered", "pCR")]


def test_complications_may_be_named_in_a_description() -> None:
    outcome = ("Number with pneumothorax", "Complications of the procedure", "1 day")
    assert find(make_study(summary="Secondary outcomes are adverse events.", primary=(outcome,))) == []


def test_an_objective_matters_less_than_an_endpoint() -> None:
    objective = make_study(summary="The secondary objective is to determine the immunogenicity.", primary=(RESPONSE,))
    endpoint = make_study(summary="The secondary endpoint is the immunogenicity.", primary=(RESPONSE,))
    assert [one.severity for record in (objective, endpoint) for one in audit(record)] == [
        Severity.INFO,
        Severity.WARNING,
    ]


def test_what_was_searched_is_named() -> None:
    (finding,) = audit(make_study(summary="The secondary endpoint is overall survival.", primary=(RESPONSE,)))
    assert finding.sections == ("primary_outcomes[0]",)


@pytest.mark.parametrize(
    ("summary", "quote"),
    [
        ("Secondary endpoints are ORR on days 45, 90, 120; survival.", "ORR on days 45, 90, 120"),
        ("Secondary endpoints are ORR at 9 months and 2 years.", "ORR at 9 months and 2 years"),
    ],
)
def test_times_that_no_outcome_has_are_found(summary: str, quote: str) -> None:
    outcome = ("Objective response rate", "RECIST 1.1", "Day 30, day 45, day 90")
    record = make_study(summary=summary, primary=(outcome, SURVIVAL))
    assert find(record) == [("time_points_differ", quote, "Day 30, day 45, day 90")]


@pytest.mark.parametrize(
    "summary",
    [
        "Secondary endpoints are ORR on days 45 and 90.",
        "Secondary endpoints are ORR at one month and at 3 months.",
        "Secondary endpoints are 2-year overall survival and ORR.",
        "Secondary endpoints are overall survival at 1 year.",
        "Secondary endpoints are ORR every 6 weeks.",
    ],
)
def test_times_that_an_outcome_covers_are_not_reported(summary: str) -> None:
    outcome = ("Objective response rate", "RECIST 1.1", "Day 30, day 45, day 90")
    assert find(make_study(summary=summary, primary=(outcome, SURVIVAL))) == []


def test_five_years_are_not_covered_by_two() -> None:
    record = make_study(summary="Secondary endpoints include 5-year overall survival.", primary=(SURVIVAL,))
    assert find(record) == [("time_points_differ", "5-year overall survival", "2 years")]


def test_the_primary_endpoint_s_time_is_that_of_a_primary_outcome() -> None:
    said = "The primary endpoint is the change in FEV1 at week {}."
    assert find(make_study(summary=said.format(12))) == []
    (finding,) = find(make_study(summary=said.format(24)))
    assert finding[0] == "time_points_differ"
    assert finding[2] == "Week 12"


@pytest.mark.parametrize(
    "measure", ["Progression-free survival", "Objective response rate (ORR)", "Duration of response"]
)
def test_a_name_alone_defines_no_endpoint(measure: str) -> None:
    assert find(make_study(primary=((measure, None, "2 years"),))) == [("endpoint_undefined", measure)]


@pytest.mark.parametrize(
    ("measure", "description", "time_frame", "summary"),
    [
        ("Progression-free survival", "From enrolment to progression or death", "2 years", "A trial."),
        ("Objective response rate by RECIST 1.1", None, "2 years", "A trial."),
        ("Objective response rate", None, "2 years", "Response is assessed by RECIST."),
        ("Progression-free survival", None, "From enrolment to progression", "A trial."),
        ("Overall survival", None, "2 years", "A trial."),
        ("Response rate of the OMERACT-OARSI", None, "Week 12", "A trial."),
        ("Response rate: a fall of the score by 50%", None, "Week 12", "A trial."),
    ],
)
def test_a_definition_anywhere_is_enough(measure: str, description: str | None, time_frame: str, summary: str) -> None:
    assert find(make_study(summary=summary, primary=((measure, description, time_frame),))) == []


def test_outcomes_without_time_frame_are_one_finding() -> None:
    record = make_study(primary=(("Body weight", None, None), ("Height", "in cm", None), ("Pulse", None, "Day 1")))
    assert find(record) == [("time_frame_missing", "Body weight", "Height")]


@pytest.mark.parametrize("words", ["There is no primary outcome measure specified for this study.", "None", "N/A"])
def test_a_placeholder_lacks_no_time_frame(words: str) -> None:
    assert find(make_study(primary=((words, None, None),))) == []


def test_a_time_frame_that_was_blanked_is_not_missing() -> None:
    parsed = parse_record(make_study(primary=(("Body weight", "in kg", None),)))
    span = Span("primary_outcomes[0]", 12, 17)
    hostile = (HostileText(FindingKind.MARKUP, span, blanked=True, quote="in kg"),)
    extraction = assemble_extraction(parsed, ModelResult())
    assert [one.kind for one in audit_extraction(parsed, extraction)] == [FindingKind.TIME_FRAME_MISSING]
    assert audit_extraction(replace(parsed, hostile=hostile), extraction) == ()


def test_an_outcome_that_names_its_time_in_the_measure_lacks_none() -> None:
    assert find(make_study(primary=(("Body weight after 6 months", None, None),))) == []


def test_an_outcome_registered_twice_is_found() -> None:
    record = make_study(primary=(SAFETY,), secondary=(SURVIVAL, SAFETY))
    (finding,) = audit(record)
    assert finding.kind == "outcome_repeated"
    assert [one.section for one in finding.citations] == ["primary_outcomes[0]", "secondary_outcomes[1]"]


def test_the_same_measure_at_another_time_is_another_outcome() -> None:
    assert find(make_study(primary=(SAFETY,), secondary=((SAFETY[0], SAFETY[1], "3 years"),))) == []
