"""Fields of a caller's own, brought by a JSON Schema: for a record and for a job."""

import json

from pydantic import BaseModel

from .running import check_problem, finish, many, one, post, results, submit


class PriorLines(BaseModel):
    """How many prior lines of therapy are allowed."""

    lines: int


SCHEMA = json.dumps(PriorLines.model_json_schema())


def test_a_record_and_a_job_are_asked_for_the_field(served):
    answer = post(served.client, one(), schema=SCHEMA)
    assert answer.status_code == 200, answer.text
    gaps = {
        absence["field"]: absence["reason"] for absence in answer.json()["absences"]
    }
    assert "custom.prior_lines" in gaps
    plain = post(served.client, one()).json()
    assert not any("custom" in absence["field"] for absence in plain["absences"])
    job = submit(served.client, many(2), schema=SCHEMA)
    assert job["fields"] == ["prior_lines"]
    assert finish(served.client, job["id"])["state"] == "done"
    for extraction in results(served.client, job["id"]):
        assert "custom.prior_lines" in {
            absence["field"] for absence in extraction["absences"]
        }
    table = served.client.get(
        f"/v1/jobs/{job['id']}/results",
        params={"format": "csv", "table": "custom_prior_lines"},
    )
    assert table.status_code == 200, table.text
    assert table.text.startswith("record_id,")
    assert "lines" in table.text.partition("\n")[0]


def test_a_wrong_schema_names_its_place_before_anything_runs(served):
    wrong = SCHEMA.replace('"integer"', '"lines"')
    for answer in (
        post(served.client, one(), schema=wrong),
        served.client.post("/v1/jobs", content=many(1), params={"schema": wrong}),
    ):
        problem = check_problem(answer, 422, "wrong-parameter")
        assert (
            "PriorLines/properties/lines/type: 'lines' is no type" in problem["detail"]
        )


def test_a_field_that_nothing_would_read_is_refused(served):
    problem = check_problem(
        post(served.client, one(), schema=SCHEMA, effort="none"), 422, "wrong-parameter"
    )
    assert "stay empty, since no model is asked: prior_lines" in problem["detail"]
    assert "serve --model" in problem["remedy"]


def test_too_many_and_too_large_schemas_are_refused(served):
    many_schemas = [
        SCHEMA.replace("PriorLines", f"Lines{letter}") for letter in "ABCDEF"
    ]
    check_problem(
        post(served.client, one(), schema=many_schemas), 422, "wrong-parameter"
    )
    large = SCHEMA.replace("How many", "How many" * 3000)
    check_problem(post(served.client, one(), schema=large), 422, "wrong-parameter")
    twice = [SCHEMA, SCHEMA]
    problem = check_problem(
        post(served.client, one(), schema=twice), 422, "wrong-parameter"
    )
    assert "two fields have this name" in problem["detail"]


def test_the_document_shows_the_parameter(anybody):
    described = anybody.get("/openapi.json").json()
    for path in ("/v1/extractions", "/v1/jobs"):
        parameters = described["paths"][path]["post"]["parameters"]
        (shown,) = [one for one in parameters if one["name"] == "schema"]
        assert "model_json_schema" in shown["description"]
