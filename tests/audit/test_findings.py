"""Each finding of the audit: the studies of ``cases.toml``, and what a table of kinds and quotes
cannot say.
"""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.language.book import terms_of
from extractor.schemas import Severity
from tests.audit.studies import audit, find, make_study

TABLES = tomllib.loads((Path(__file__).parent / "cases.toml").read_text("utf-8"))
CASES = [
    pytest.param(one, id=f"{name} {n}")
    for name, table in TABLES.items()
    for n, one in enumerate(table)
]
RESPONSE = ("Objective response rate", "RECIST 1.1", "6 months")


@pytest.mark.parametrize("case", CASES)
def test_the_findings_of_a_study_are_those_of_the_table(case):
    study = {key: value for key, value in case.items() if key != "found"}
    assert find(make_study(**study)) == [tuple(one) for one in case["found"]]


@pytest.mark.parametrize(
    ("noun", "severity"),
    [("objective is to determine", Severity.INFO), ("endpoint is", Severity.WARNING)],
)
def test_an_objective_matters_less_than_an_endpoint_and_searched_sections_are_named(
    noun, severity
):
    (finding,) = audit(
        make_study(
            summary=f"The secondary {noun} the immunogenicity.", primary=(RESPONSE,)
        )
    )
    assert finding.severity == severity
    assert finding.sections == ("primary_outcomes[0]",)


def test_an_age_that_is_not_taken_is_ambiguous_and_contradicts_nothing():
    text = "Inclusion Criteria:\n\n* An adolescent aged 13 to 16 years\n* Both parents"
    record = make_study(
        eligibility=text, fields={"minimumAge": "13 Years", "maximumAge": "75 Years"}
    )
    extraction = Extractor(effort="none").extract(record)
    assert extraction.eligibility.maximum_age is None
    assert extraction.findings == ()
    assert (
        next(
            absence.reason
            for absence in extraction.absences
            if absence.field == "eligibility.maximum_age"
        )
        == "ambiguous"
    )


@pytest.mark.parametrize(
    ("fields", "cited"),
    [
        ({"minimumAge": "18 Years"}, []),
        (
            {"minimumAge": "18 Years", "maximumAge": "75 Years"},
            ["registry.maximum_age"],
        ),
    ],
)
@pytest.mark.parametrize(
    "texts",
    [
        {"eligibility": "Inclusion Criteria:\n\n* Age 18 to 65 years\n* Asthma"},
        {"summary": "Twenty adults aged 18 to 65 will be enrolled."},
    ],
)
def test_the_registered_age_is_cited_or_named_as_empty(texts, fields, cited):
    (finding,) = audit(make_study(**texts, fields=fields))
    assert finding.severity == Severity.WARNING
    assert [citation.section for citation in finding.citations[1:]] == cited
    assert finding.sections == (() if cited else ("registry.maximum_age",))


def test_ages_of_a_task_that_is_not_wanted_are_not_compared():
    record = make_study(
        summary="Twenty adults aged 18 to 65 will be enrolled.",
        fields={"minimumAge": "18 Years", "maximumAge": "75 Years"},
    )
    assert Extractor(effort="none", tasks=("dosing",)).extract(record).findings == ()


def test_ages_that_leave_nobody_are_told_and_not_taken():
    text = "Inclusion Criteria:\n\n* Aged 65 years or older\n* Age below 18 years"
    extraction = Extractor(effort="none").extract(make_study(eligibility=text))
    assert extraction.eligibility.minimum_age is None
    assert extraction.eligibility.maximum_age is None
    assert [
        (finding.kind, *(citation.quote for citation in finding.citations))
        for finding in extraction.findings
    ] == [
        ("limits_contradict", "65 years or older", "below 18 years"),
        ("limits_contradict", "below 18 years", "65 years or older"),
    ]
    registered = make_study(
        eligibility=text, fields={"minimumAge": "65 Years", "maximumAge": "80 Years"}
    )
    assert (
        Extractor(effort="none").extract(registered).eligibility.minimum_age.value == 65
    )


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (
            "- Age over 65 years\n- Age below 60 years",
            "over 65 years",
            "below 60 years",
        ),
        ("- Age 75 to 18 years", "75", "18 years"),
        ("- At least 70 years old\n- Aged up to 50 years", "least 70", "50 years"),
    ],
)
def test_a_text_alone_may_contradict_itself_in_its_ages(text, low, high):
    extraction = Extractor().extract_text(f"Inclusion criteria:\n{text}")
    for finding in extraction.findings:
        assert finding.kind == "limits_contradict"
    lowest, _ = extraction.findings
    assert low in lowest.citations[0].quote
    assert high in lowest.citations[1].quote


@pytest.mark.parametrize(
    "text", ["- Age 18 to 75 years", "- Age over 18 years\n- Signed consent"]
)
def test_a_text_alone_is_not_compared_with_a_registry_that_it_lacks(text):
    assert Extractor().extract_text(f"Inclusion criteria:\n{text}").findings == ()


@pytest.mark.parametrize(
    "entry", terms_of("promised_endpoints"), ids=lambda entry: entry.value
)
def test_a_registered_outcome_of_the_same_name_is_always_recognised(entry):
    for term in entry.terms:
        record = make_study(
            summary=f"The secondary endpoint is {term}.",
            primary=((term, "As defined", "1 year"),),
        )
        assert "endpoint_not_registered" not in [kind for kind, *_ in find(record)], (
            term
        )


@pytest.mark.parametrize(
    ("time_frame", "places"),
    [("1 year", [["primary_outcomes[0]", "secondary_outcomes[1]"]]), ("3 years", [])],
)
def test_an_outcome_registered_twice_at_one_time_is_found(time_frame, places):
    safety = ("Adverse events", "CTCAE 5.0")
    survival = ("Overall survival", "From enrolment to death", "2 years")

    found = audit(
        make_study(
            primary=((*safety, "1 year"),), secondary=(survival, (*safety, time_frame))
        )
    )

    assert [
        [citation.section for citation in finding.citations] for finding in found
    ] == places
    assert {finding.kind.value for finding in found} <= {"outcome_repeated"}
