"""The service matches its OpenAPI document."""

import re
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from extractor.apps.serve.problems import KINDS

from .running import TOKEN, many

OPERATIONS = [
    operation.replace("JOB", "/v1/jobs/{job_id}").split()
    for operation in [
        "POST /v1/extractions",
        "POST /v1/match",
        "POST /v1/jobs",
        "GET /v1/jobs",
        "GET JOB",
        "DELETE JOB",
        "POST JOB/cancel",
        "POST JOB/match",
        "POST JOB/resume",
        "GET JOB/events",
        "GET JOB/results",
        "GET JOB/failures",
        "GET /metrics",
        "GET /healthz",
        "GET /readyz",
    ]
]
WITH_QUERY = "/v1/jobs/{job_id}/results"


@pytest.fixture(scope="module")
def described(served):
    with served.client_of(None) as client:
        return client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def ended_job(served):
    job = served.client.submit(many(2), effort="none")
    served.client.finish(job["id"])
    return job["id"]


def test_all_operations_are_described_with_their_problems(described):
    operations = [
        [method.upper(), path]
        for path, item in described["paths"].items()
        for method in item
    ]
    assert sorted(operations) == sorted(OPERATIONS)
    assert described["openapi"].startswith("3.1")
    for path, item in described["paths"].items():
        for operation in item.values():
            (problem,) = operation["responses"]["default"]["content"].items()
            assert problem[0] == "application/problem+json", path
    assert "ValidationError" not in described["components"]["schemas"]


def test_the_reference_lists_each_operation_and_problem():
    text = Path("docs/reference/service.md").read_text("utf-8")
    for kind, (status, _, _) in KINDS.items():
        assert re.search(rf"`{kind}`[^|]*\| {status}", text), kind
    for method, path in OPERATIONS:
        assert f"{method} {path.replace('job_id', 'id')}" in text


load_all_checks()
AVOIDED = {
    # Any bytes may be a record, and any text after Bearer a key, so a schema cannot exclude invalid
    # ones.
    "positive_data_acceptance",
    # It ignores that events end with their job, and that an unknown job has none.
    "ensure_resource_availability",
    "use_after_free",
}
EVERY_CHECK = [check for check in CHECKS.get_all() if check.__name__ not in AVOIDED]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        *((*operation, GenerationMode.POSITIVE) for operation in OPERATIONS),
        ("GET", WITH_QUERY, GenerationMode.NEGATIVE),
    ],
)
def test_schemathesis_finds_nothing(served, described, ended_job, method, path, mode):
    """Elsewhere only the body could be wrong, and it may be anything."""
    operation = schemathesis.openapi.from_dict(described)[path][method]

    @given(operation.as_strategy(generation_mode=mode), booleans())
    @settings(
        max_examples=5 if method == "POST" else 12,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def attack(case, known):
        if known and method == "GET" and "job_id" in case.path_parameters:
            case.path_parameters["job_id"] = ended_job
        # an empty list leaves no trace in the address
        query = (case.query or {}).values()
        assume(all(value not in (None, [], {}, ()) for value in query))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        case.call_and_validate(base_url=served.url, headers=headers, checks=EVERY_CHECK)

    attack()
