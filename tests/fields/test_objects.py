"""Objects and dates of a user's field through what reads a run: export, evaluation, report, diff."""

import json

import pytest

from extractor import diff_trials
from extractor.apps.evaluation import evaluate
from extractor.apps.pages.view import view
from extractor.apps.pages.words import say
from extractor.apps.review.forms import list_forms
from extractor.schemas import TrialExtraction
from tests.commands import invoke, read_lines
from tests.llm.stub import serve
from tests.trust import answering

from .models import read_declared
from .test_commands import write_study

FIELDS = '''
from datetime import date
from pydantic import BaseModel
from extractor.schemas import Period

class Method(BaseModel):
    name: str
    lasts: Period | None = None

class Contraceptives(BaseModel):
    """Methods of contraception."""

    methods: list[Method]
    first: Method | None = None
    since: date | None = None
'''
METHODS = [{"name": "no steroids", "lasts": "4 week"}, {"name": "weeks"}]
ANSWER = {"quote": "no steroids for 4 weeks", "methods": METHODS, "first": METHODS[0]}


@pytest.fixture
def run(tmp_path):
    fields = tmp_path / "objects.py"
    fields.write_text(FIELDS, "utf-8")
    study = write_study(tmp_path / "study.json", 40)
    with serve(answering({"": {"contraceptives": ANSWER, "cat": "other"}})) as stub:
        model = f"{stub.url}#stub"
        out = tmp_path / "run"
        done = invoke(
            "run", study, "--fields", fields, "--model", model, "--out", out, "--quiet"
        )
    assert done.exit_code == 0, done.output
    return out


def test_an_object_is_a_value_in_all_that_reads_a_run(run, tmp_path):
    (line,) = read_lines(run / "extractions.jsonl")
    (item,) = line["custom"]["contraceptives"]
    lasts = {"value": 4, "unit": "week"}
    assert item["values"]["methods"] == [
        {"name": "no steroids", "lasts": lasts},
        {"name": "weeks"},
    ]
    assert (
        invoke("export", run, "--to", tmp_path / "t", "--format", "jsonl").exit_code
        == 0
    )
    (row,) = read_lines(tmp_path / "t" / "custom_contraceptives.jsonl")
    assert "no steroids" in row["methods"]
    assert invoke("report", run).exit_code == 0
    (shown,) = view(None, list(TrialExtraction.model_validate(line).list_items())[-1:])[
        "items"
    ]
    assert [value["said"] for value in shown["values"]] == [
        "no steroids, 4 weeks",
        "weeks",
        "no steroids, 4 weeks",
    ]
    assert say({"dose": 5, "unit": "mg", "rule": "once"}) == "5, mg, once"
    changed = TrialExtraction.model_validate_json(json.dumps(line))
    gold = tmp_path / "gold.jsonl"
    line["custom"]["contraceptives"][0]["values"]["methods"][1]["name"] = "no steroids"
    gold.write_text(json.dumps(line), "utf-8")
    changes = diff_trials(changed, TrialExtraction.model_validate(line))
    assert "weeks" in {change.old.value["name"] for change in changes if change.old}
    (field,) = read_declared(run)
    report = evaluate(gold, run, fields=[field])
    f1 = {
        field.name: field.normalised
        for field in report.fields
        if field.name.startswith("custom.")
    }
    assert f1["custom.contraceptives.first"] == 1
    assert 0 < f1["custom.contraceptives.methods"] < 1


def test_a_reviewer_writes_an_object_as_its_parts(run):
    form = list_forms(read_declared(run))["custom.contraceptives"]
    methods = form.fields["values.methods"]
    assert (methods["kind"], methods["many"]) == ("object", True)
    assert [part["name"] for part in methods["parts"]] == ["name", "lasts"]
