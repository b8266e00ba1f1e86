"""The examples of a user's fields are scored, each answered without being shown."""

import pytest

import extractor.api
from extractor.apps.evaluation.examples import list_examples
from extractor.concepts.own.models import read_fields
from extractor.schemas import CustomItem, TrialExtraction
from tests.commands import invoke

FIELDS = """
from pydantic import BaseModel, Field
class Sites(BaseModel, json_schema_extra={"examples": [
    {"text": "at 12 sites", "value": {"count": 12}},
    {"text": "at twelve hospitals", "value": {"count": 12}},
    {"text": "sites of injection"},
]}):
    "How many sites take part."
    count: int = Field(json_schema_extra={"pattern": "count=( # ) sites"})
class Gene(BaseModel, json_schema_extra={"of": "criterion", "where": {"kind": "exclusion"},
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


def test_an_example_is_a_record_where_the_field_is_read(place):
    cases = list(list_examples(read_fields(f"{place}:Sites,Gene")))
    assert [case.record.record_id for case in cases] == [
        "sites-1",
        "sites-2",
        "sites-3",
        "gene-1",
        "gene-2",
    ]
    assert cases[2].gold["custom"] == {"sites": []}
    assert (
        cases[3].record.raw_text("eligibility")
        == "Exclusion Criteria:\n\n* EGFR mutation"
    )
    texts = [example.text for example in cases[3].field.examples]
    assert texts == ["KRAS"]


def test_patterns_are_scored_on_the_examples(place):
    result = invoke(
        "evaluate", f"{place}:Sites", "--fail-under", "custom.sites.count=0.9"
    )
    rows = {
        line.split("\t")[0]: line.split("\t") for line in result.stdout.splitlines()
    }
    assert rows["custom.sites.count"][1:4] == ["2", "0.667", "0.667"]
    assert (result.exit_code, "under 0.9" in result.stderr) == (1, True)
    other = invoke("evaluate", f"{place}:Gene")
    assert (
        "gene: not scored, since without a pattern only a model answers; name one with --model"
        in other.stderr
    )
    none = invoke("evaluate", f"{place}:Empty")
    assert (none.exit_code, "empty: has no examples to score" in none.stderr) == (
        2,
        True,
    )


def test_a_model_does_not_see_the_example_that_it_answers(place, monkeypatch):
    asked = []

    class Model:
        def __init__(self, model=None, *, fields, max_usd=None):
            self.fields = fields
            asked.append(
                (model, max_usd, [example.text for example in fields[0].examples])
            )

        def extract(self, record):
            item = CustomItem(values={"name": "EGFR"})
            return TrialExtraction(
                record_id=record.record_id, eligibility={}, custom={"gene": (item,)}
            )

    monkeypatch.setattr(extractor.api, "Extractor", Model)
    result = invoke("evaluate", f"{place}:Gene", "--model", "a/b", "--max-usd", "1")
    assert asked == [("a/b", 1.0, ["KRAS"]), ("a/b", 1.0, ["EGFR mutation"])]
    assert "custom.gene.name\t2\t0.500" in result.stdout


def test_what_does_not_go_with_examples_is_refused(place, tmp_path):
    page = str(tmp_path / "page.html")
    result = invoke("evaluate", place, "--html", page)
    assert "examples are scored alone; leave out --html" in result.stderr
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"record_id": "A"}\n')
    assert "name what to score against" in invoke("evaluate", str(gold)).stderr
    result = invoke("evaluate", str(gold), str(gold), "--model", "a/b")
    assert "leave out --model" in result.stderr
