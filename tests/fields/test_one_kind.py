"""A field that a user declares and the same field built in give the same evidence, table cell,
report card and line.
"""

import pytest
from pydantic import BaseModel, Field

from extractor import Extractor
from extractor.apps.export import tabulate
from extractor.apps.report.record import RunRecord, show_record
from extractor.run.finished import TextState
from tests.trust import trial


class Negation(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "examples": [
            {"text": "no history of stroke", "value": True},
            {"text": "a history of stroke"},
        ],
    },
):
    """Whether the statement of a criterion is negated, as in 'no history of stroke'."""

    value: bool = Field(json_schema_extra={"pattern": {"true": r"\bno(?= history)"}})


RECORD = trial(
    title="A trial",
    eligibility="Inclusion Criteria:\n\n* Adults\n* No history of stroke",
)
BUILT_IN = "negated"
OWN = "negation"


@pytest.fixture(scope="module")
def extraction():
    return Extractor(effort="none", fields=Negation).extract(RECORD)


def test_value_and_evidence_are_the_same(extraction):
    criterion = extraction.eligibility.criteria[1]
    (own,) = extraction.custom[OWN]
    assert own.of == "eligibility.criteria[1]"
    assert own.value_of("value") is criterion.value_of(BUILT_IN) is True
    (built_in,) = [piece for piece in criterion.evidence if piece.field == BUILT_IN]
    assert own.evidence == (
        built_in.model_copy(update={"field": "values.value", "confidence": 0.85}),
    )


def test_both_are_a_boolean_column_of_the_criterion(extraction):
    tables = tabulate([extraction], fields=Negation)
    (row,) = tables[f"custom_{OWN}"]
    criterion = tables["criteria"][1]
    assert row["value"] == criterion[BUILT_IN]
    assert row["of"] == f"eligibility.criteria[{criterion['criterion_index']}]"
    quotes = {row["field"]: row["quote"] for row in tables["values"]}
    own_quote = quotes[f"custom.{OWN}[0].values.value"]
    assert own_quote == quotes[f"eligibility.criteria[1].{BUILT_IN}"]


def test_both_stand_in_the_card_of_the_criterion(extraction):
    items = {
        item["path"]: item
        for item in show_record(RunRecord(extraction, RECORD, TextState.SAME))["items"]
    }
    (built_in,) = [
        value
        for value in items["eligibility.criteria[1]"]["values"]
        if value["name"] == BUILT_IN
    ]
    (own,) = items[f"custom.{OWN}[0]"]["values"]

    assert items[f"custom.{OWN}[0]"]["of"] == "eligibility.criteria[1]"
    assert all(own[name] == built_in[name] for name in ("said", "support", "spans"))
