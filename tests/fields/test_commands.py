"""Custom fields in the commands: run, resume, replay, export, evaluate, diff, schema, batches and
the service.
"""

import json

import pytest

from tests.commands import invoke, read_lines
from tests.llm.stub import serve as serve_stub
from tests.serve.running import TOKEN, serve
from tests.trust import answering

FIELDS = r'''
from pydantic import BaseModel, Field
from extractor.schemas import Period, Quantity

class EjectionFraction(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "examples": [{"text": "ejection fraction below 30 %", "value": "< 30 %"}],
    },
):
    """The limit of the ejection fraction."""

    value: Quantity = Field(
        json_schema_extra={"pattern": r"ejection fraction (?P<value>(below|above) \d+ %)"}
    )

class Washout(BaseModel):
    """How long before the start a drug must have been stopped."""

    value: Period
'''
WASHOUT = {
    "": {
        "washout": {"quote": "no steroids for 4 weeks", "value": "4 week"},
        "cat": "other",
    }
}


def write_study(path, limit):
    criteria = f"Inclusion Criteria:\n\n* Ejection fraction below {limit} %\n* no steroids for 4 weeks"
    module = {
        "identificationModule": {
            "nctId": "NCT90000001",
            "briefTitle": "Examplumab in heart failure",
        },
        "eligibilityModule": {"eligibilityCriteria": criteria},
    }
    path.write_text(json.dumps({"protocolSection": module}), "utf-8")
    return path


@pytest.fixture
def fields(tmp_path):
    path = tmp_path / "my_fields.py"
    path.write_text(FIELDS, "utf-8")
    return path


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "study.json", 40)


def extract(study, fields, out, *options):
    done = invoke("run", study, "--fields", fields, "--out", out, "--quiet", *options)
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.slow
def test_a_run_resumes_and_is_replayed_with_its_fields_and_refuses_others(
    study, fields, tmp_path
):
    run = tmp_path / "run"
    with serve_stub(answering(WASHOUT)) as stub:
        model = f"{stub.url}#stub"
        extract(study, fields, run, "--model", model, "--workers", 2)
        asked = len(stub.requests)
        extract(study, fields, run, "--model", model)
        assert len(stub.requests) == asked

    again = extract(study, fields, tmp_path / "again", "--replay", run)
    replayed = (again / "extractions.jsonl").read_bytes()
    assert replayed == (run / "extractions.jsonl").read_bytes()
    (row,) = read_lines(run / "extractions.jsonl")
    (item,) = row["custom"]["washout"]
    assert item["values"] == {"value": {"value": 4, "unit": "week"}}

    fields.write_text(FIELDS.replace("a drug must", "any drug must"), "utf-8")
    refused = invoke("run", study, "--fields", fields, "--out", run, "--quiet")
    assert refused.exit_code == 2
    assert "the fields have changed" in refused.output
    assert "the prompts have changed" not in refused.output


@pytest.mark.slow
def test_a_service_extracts_fields_of_its_own(study, fields, tmp_path):
    with serve(tmp_path / "root", "--fields", str(fields), "--workers", "1") as service:
        client = service.client
        body = study.read_bytes()
        answer = client.post("/v1/extractions", content=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["custom"].keys() == {"ejection_fraction", "washout"}
        job = client.finish(client.submit(body)["id"])
        assert job["fields"] == ["ejection_fraction", "washout"]
        for name, status in (("washout", 200), ("other", 422), ("a" * 300, 422)):
            query = {"format": "parquet", "table": f"custom_{name}"}
            answer = client.get(f"/v1/jobs/{job['id']}/results", params=query)
            assert answer.status_code == status
    assert TOKEN not in service.errors
