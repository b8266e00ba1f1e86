"""Without a model, a request and a job of a service differ in nothing, and a model that the service
gets later is not asked about what was sent before.
"""

import pytest

from tests.llm.stub import serve as serve_stub

from .running import finish, many, one, post, results, say_nothing, serve, submit

BODY = one(words="Adults aged 18 to 65 years.")


@pytest.fixture(scope="module")
def without_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("without_model")
    with serve(folder / "root", "--workers", "1", EXTRACTOR_MODEL="") as service:
        yield service


@pytest.mark.parametrize("query", [{}, {"effort": "medium"}, {"effort": "all"}])
def test_open_questions_count_what_a_model_would_be_asked(without_model, query):
    client = without_model.client
    single = post(client, BODY, **query).json()

    job = finish(client, submit(client, BODY, **query)["id"])

    (extraction,) = results(client, job["id"])
    assert job["state"] == "done"
    assert job["effort"] == query.get("effort", "medium")
    assert extraction["usage"] == single["usage"]
    usages = (single["usage"], job["usage"])
    assert [usage["calls"] for usage in usages] == [0, 0]
    assert [usage["questions"] for usage in usages] == [0, 0]
    open_single, open_job = (usage["open_questions"] for usage in usages)
    assert open_single == open_job > 0


def test_the_effort_none_leaves_no_question(without_model):
    client = without_model.client
    single = post(client, BODY, effort="none").json()
    job = finish(client, submit(client, BODY, effort="none")["id"])
    assert single["usage"]["open_questions"] == 0
    assert job["usage"]["open_questions"] == 0
    assert job["effort"] == "none"


def test_a_job_sent_to_a_service_without_a_model_never_asks_a_later_model(tmp_path):
    """Nobody agreed to what it would cost, or to send the texts."""
    with serve(tmp_path / "root", "--workers", "1", EXTRACTOR_MODEL="") as service:
        job_id = submit(service.client, many(100), effort="all")["id"]
        service.client.post(f"/v1/jobs/{job_id}/cancel")
        assert finish(service.client, job_id)["state"] == "cancelled"
    with serve_stub(say_nothing) as stub:
        model = ("--model", f"{stub.url}#stub")
        with serve(tmp_path / "root", "--workers", "1", *model) as service:
            assert service.client.post(f"/v1/jobs/{job_id}/resume").status_code == 200
            job = finish(service.client, job_id)
            asked = finish(service.client, submit(service.client, BODY)["id"])
    assert (job["state"], job["extracted"], job["by_rules"]) == ("done", 100, True)
    assert job["usage"]["calls"] == 0
    assert job["usage"]["open_questions"] > 0
    assert asked["usage"]["calls"] > 0
    assert "by_rules" not in asked
