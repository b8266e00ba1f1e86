"""Each finding of the audit, in the studies of ``cases.toml`` and in cases that a table cannot
express.
"""

import tomllib
from pathlib import Path

import pytest

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


def test_the_sections_that_were_searched_for_an_endpoint_are_named():
    study = make_study(
        summary="The secondary endpoint is the immunogenicity.", primary=(RESPONSE,)
    )
    (finding,) = audit(study)
    assert finding.severity == Severity.WARNING
    assert finding.sections == ("primary_outcomes[0]",)


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
def test_the_registered_age_is_cited_or_named_as_empty(fields, cited):
    text = "Inclusion Criteria:\n\n* Age 18 to 65 years\n* Asthma"
    (finding,) = audit(make_study(eligibility=text, fields=fields))
    assert finding.severity == Severity.WARNING
    assert [citation.section for citation in finding.citations[1:]] == cited
    assert finding.sections == (() if cited else ("registry.maximum_age",))


@pytest.mark.parametrize(
    "entry", terms_of("promised_endpoints"), ids=lambda entry: entry.value
)
def test_a_registered_outcome_of_the_same_name_is_always_recognised(entry):
    for term in entry.terms:
        record = make_study(
            summary=f"The secondary endpoint is {term}.",
            primary=((term, "As defined", "1 year"),),
        )
        kinds = [kind for kind, *_ in find(record)]
        assert "endpoint_not_registered" not in kinds, term
