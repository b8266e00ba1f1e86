"""A patient and extractions return a verdict on each criterion."""

import json

from extractor import Extractor

from .running import check_problem

TRIAL = Extractor(effort="none").extract_text(
    "Inclusion criteria:\n- ECOG 0-1\n- Age over 18 years", record_id="A"
)
PATIENT = {"age": 70, "values": {"ECOG": 2}}


def ask(service, **body):
    trials = [TRIAL.model_dump(mode="json")]
    asked = {"patient": PATIENT, "extractions": trials} | body
    headers = {"content-type": "application/json"}
    return service.client.post("/v1/match", content=json.dumps(asked), headers=headers)


def test_the_answer_is_that_of_the_library(served):
    expected = json.loads(json.dumps([TRIAL.match(PATIENT).to_dict()]))
    assert ask(served).json() == expected
    assert expected[0]["answer"] == "excluded"


def test_what_cannot_be_read_is_a_problem_with_its_place(served):
    unknown = check_problem(ask(served, patient={"height": 3}), 422, "wrong-parameter")
    assert unknown["place"] == "patient.height"
    unit = {"values": {"haemoglobin": "12 furlongs"}}
    [match] = ask(served, patient=unit).json()
    assert match["unused"] == [
        "haemoglobin: 12 furlongs: unknown unit; state a usual unit"
    ]
    check_problem(ask(served, min_confidence=2), 422, "wrong-parameter")
    many = {"drugs": [f"drug {number}" for number in range(6000)]}
    wrong = check_problem(ask(served, patient=many), 422, "wrong-parameter")
    assert wrong["place"] == "patient.drugs"


def test_a_job_is_matched_with_excluded_trials_last(served):
    text = "Inclusion criteria:\n- ECOG {}\n- Age over 18 years"
    lines = [{"text": text.format(limit)} for limit in ("0-1", "0-2")]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    job = served.client.submit(body, name="trials.jsonl", effort="none")
    served.client.finish(job["id"])
    url = f"/v1/jobs/{job['id']}/match"
    found = served.client.post(url, json={"patient": PATIENT}).json()
    assert [match["answer"] for match in found] == ["no_reason_against", "excluded"]
    unknown = served.client.post(url, json={"patient": {"height": 3}})
    check_problem(unknown, 422, "wrong-parameter")
