"""Promised endpoints against registered outcomes, and registered outcomes against each other."""

from dataclasses import replace

import pytest

from extractor.schemas import FindingKind, Severity
from extractor.stages.assemble import ModelResult, assemble_extraction
from extractor.stages.audit import audit_extraction
from extractor.stages.parse import parse_record
from extractor.stages.parse.drafts import Span
from extractor.stages.parse.parsed import HostileText
from extractor.text.book import terms_of
from tests.audit.studies import audit, find, make_study

RESPONSE = ("Objective response rate", "RECIST 1.1", "6 months")
SAFETY = ("Number of participants with adverse events", "CTCAE 5.0", "1 year")
ORR = ("Objective response rate", "RECIST 1.1", "Day 30, day 45, day 90")
SURVIVAL = ("Overall survival", "From enrolment to death", "2 years")


@pytest.mark.parametrize(
    ("summary", "promised"),
    [
        ("Secondary endpoints are overall survival and quality of life.", ["overall survival", "quality of life"]),
        ("Overall survival and relapse are secondary endpoints.", ["Overall survival", "relapse"]),
        ("Clinical outcomes including relapse and adverse effects will be evaluated.", ["relapse", "adverse effects"]),
        ("SECONDARY OBJECTIVES:\n\nI. Determine the overall survival.\n\nII. Describe the diet.", ["overall survival"]),
        ("Secondary Endpoints:\n* Progression-free survival (PFS)", ["Progression-free survival"]),
    ],
)
def test_promised_endpoints_that_are_not_registered_are_found(summary, promised):
    found = find(make_study(summary=summary, primary=(RESPONSE,)))
    assert found == [("endpoint_not_registered", words) for words in promised]


@pytest.mark.parametrize(
    "summary",
    [
        "Secondary endpoints are overall survival and adverse events.",  # registered below
        "In a previous trial the primary endpoint was quality of life.",
        "The primary objective is to reduce toxicity and to improve quality of life.",
        "Secondary endpoints include the correlation of biomarkers with pharmacokinetics.",
        "Secondary endpoints are death and tolerability.",
        "Secondary objectives:\n\n* To learn how well the score captures quality of life",
        "Secondary objectives:\n\n* Survival\n\nBackground: care differs in quality of life.",
    ],
)
def test_registered_endpoints_and_other_statements_are_not_reported(summary):
    record = make_study(summary=summary, primary=(RESPONSE,), secondary=(SURVIVAL, SAFETY))
    assert find(record) == []


def test_the_primary_endpoint_s_time_is_that_of_a_primary_outcome():
    said = "The primary endpoint is the change in FEV1 at week {}."
    assert find(make_study(summary=said.format(12))) == []
    (finding,) = find(make_study(summary=said.format(24)))
    assert finding[0] == "time_points_differ"
    assert finding[2] == "Week 12"


def test_a_time_frame_that_was_blanked_is_not_missing():
    parsed = parse_record(make_study(primary=(("Body weight", "in kg", None),)))
    span = Span("primary_outcomes[0]", 12, 17)
    hostile = (HostileText(FindingKind.MARKUP, span, blanked=True, quote="in kg"),)
    extraction = assemble_extraction(parsed, ModelResult())
    assert [one.kind for one in audit_extraction(parsed, extraction)] == [FindingKind.TIME_FRAME_MISSING]
    assert audit_extraction(replace(parsed, hostile=hostile), extraction) == ()


@pytest.mark.parametrize(
    ("noun", "severity"), [("objective is to determine", Severity.INFO), ("endpoint is", Severity.WARNING)]
)
def test_an_objective_matters_less_than_an_endpoint_and_searched_sections_are_named(noun, severity):
    (finding,) = audit(make_study(summary=f"The secondary {noun} the immunogenicity.", primary=(RESPONSE,)))
    assert (finding.severity, finding.sections) == (severity, ("primary_outcomes[0]",))


def test_complications_may_be_named_in_a_description():
    outcome = ("Number with pneumothorax", "Complications of the procedure", "1 day")
    assert find(make_study(summary="Secondary outcomes are adverse events.", primary=(outcome,))) == []


@pytest.mark.parametrize("entry", terms_of("promised_endpoints"), ids=lambda entry: entry.value)
def test_a_registered_outcome_of_the_same_name_is_always_recognised(entry):
    for term in entry.terms:
        record = make_study(summary=f"The secondary endpoint is {term}.", primary=((term, "As defined", "1 year"),))
        assert "endpoint_not_registered" not in [kind for kind, *_ in find(record)], term


@pytest.mark.parametrize(
    ("promised", "found"),
    [
        ("are ORR on days 45, 90, 120; survival.", ("ORR on days 45, 90, 120", ORR[2])),
        ("are ORR at 9 months and 2 years.", ("ORR at 9 months and 2 years", ORR[2])),
        ("include 5-year overall survival.", ("5-year overall survival", SURVIVAL[2])),
        ("are 2-year overall survival and ORR.", None),
        ("are overall survival at 1 year.", None),
    ],
)
def test_times_that_no_outcome_covers_are_found(promised, found):
    record = make_study(summary=f"Secondary endpoints {promised}", primary=(ORR, SURVIVAL))
    assert find(record) == ([("time_points_differ", *found)] if found else [])


@pytest.mark.parametrize(
    ("outcome", "summary", "is_defined"),
    [
        (("Progression-free survival", None, "2 years"), "A trial.", False),
        (("Objective response rate (ORR)", None, "2 years"), "A trial.", False),
        (("Progression-free survival", "From enrolment to progression or death", "2 years"), "A trial.", True),
        (("Objective response rate by RECIST 1.1", None, "2 years"), "A trial.", True),
        (("Objective response rate", None, "2 years"), "Response is assessed by RECIST.", True),
        (("Progression-free survival", None, "From enrolment to progression"), "A trial.", True),
        (("Overall survival", None, "2 years"), "A trial.", True),
        (("Response rate: a fall of the score by 50%", None, "Week 12"), "A trial.", True),
    ],
)
def test_a_name_alone_defines_no_endpoint_but_a_definition_anywhere_is_enough(outcome, summary, is_defined):
    found = find(make_study(summary=summary, primary=(outcome,)))
    assert found == ([] if is_defined else [("endpoint_undefined", outcome[0])])


@pytest.mark.parametrize(
    ("outcomes", "missing"),
    [
        ([("Body weight", None, None), ("Height", "in cm", None), ("Pulse", None, "Day 1")], ["Body weight", "Height"]),
        ([("Body weight after 6 months", None, None)], []),
        ([("There is no primary outcome measure specified for this study.", None, None)], []),
        ([("None", None, None)], []),
    ],
)
def test_outcomes_without_time_frame_are_one_finding(outcomes, missing):
    assert find(make_study(primary=tuple(outcomes))) == ([("time_frame_missing", *missing)] if missing else [])


@pytest.mark.parametrize(
    ("time_frame", "places"), [("1 year", [["primary_outcomes[0]", "secondary_outcomes[1]"]]), ("3 years", [])]
)
def test_an_outcome_registered_twice_at_one_time_is_found(time_frame, places):
    found = audit(make_study(primary=(SAFETY,), secondary=(SURVIVAL, (*SAFETY[:2], time_frame))))
    assert [[citation.section for citation in one.citations] for one in found] == places
    assert {one.kind.value for one in found} <= {"outcome_repeated"}


@pytest.mark.parametrize(
    ("words", "found"), [("the copy number by PCR", []), ("pCR", [("endpoint_not_registered", "pCR")])]
)
def test_pcr_in_capitals_is_the_chain_reaction(words, found):
    summary = f"The primary endpoint is {words} after six weeks."
    assert find(make_study(summary=summary, primary=(("Height", "in cm", "Week 6"),))) == found
