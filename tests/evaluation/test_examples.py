"""The examples of a user's fields are scored, each answered without being shown."""

import pytest

from extractor.apps.evaluation.examples import list_examples
from extractor.concepts.own.models import read_fields
from tests.commands import invoke

FIELDS = r"""
from pydantic import BaseModel, Field
class Sites(BaseModel, json_schema_extra={"examples": [
    {"text": "at 12 sites", "value": {"count": 12}},
    {"text": "at twelve hospitals", "value": {"count": 12}},
    {"text": "sites of injection"},
]}):
    "How many sites take part."
    count: int = Field(json_schema_extra={"pattern": r"(?P<count>\d+) sites"})
class Gene(BaseModel, json_schema_extra={"of": "criterion",
    "examples": [{"text": "EGFR mutation", "value": "EGFR"}, {"text": "KRAS", "value": "KRAS"}]}):
    "A gene."
    name: str
class Empty(BaseModel):
    "Nothing."
    name: str
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "mine.py").write_text(FIELDS)
    return str(tmp_path / "mine.py")


def test_an_example_is_a_record_and_a_model_is_shown_only_the_others(place):
    cases = list(list_examples(read_fields(f"{place}:Sites,Gene")))
    names = [case.record.record_id for case in cases]
    assert names == ["sites-1", "sites-2", "sites-3", "gene-1", "gene-2"]
    assert cases[2].gold["custom"] == {"sites": []}
    text = cases[3].record.raw_text("eligibility")
    assert text == "Inclusion Criteria:\n\n* EGFR mutation"
    assert [example.text for example in cases[3].unanswered.examples] == ["KRAS"]


def test_patterns_are_scored_on_the_examples(place):
    result = invoke("evaluate", f"{place}:Sites,Gene", "--fail-under", "count=0.9")
    assert "custom.sites.count\t2\t0.667\t0.667" in result.stdout
    assert (result.exit_code, "below 0.9" in result.stderr) == (1, True)
    assert (
        "gene: not scored, because a field without a pattern needs a model"
        in result.stderr
    )
    none = invoke("evaluate", f"{place}:Empty")
    assert (none.exit_code, "empty: has no examples" in none.stderr) == (2, True)
