"""Metrics of the whole service, and the limit of requests of each key."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from extractor.apps.serve import keys
from extractor.apps.serve.job import JobState
from tests.faults.server import serve_faults
from tests.llm.stub import serve as serve_stub

from .running import (
    TOKEN,
    WORD,
    check_problem,
    many,
    one,
    say_nothing,
    serve_here,
    wait_until,
)

EXTRACTIONS = "/v1/extractions"


def scrape(client):
    """All samples by name and label values."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def busy(tmp_path, prices):
    """A service with a model that has answered every kind of request."""
    with serve_stub(say_nothing) as stub:
        model = ("--model", f"{stub.url}#stub", "--workers", "1", *prices)
        with serve_here(tmp_path / "root", *model) as service:
            yield service


def test_the_metrics_count_requests_jobs_and_what_the_model_costs(busy):
    """A call of the stub has 100 prompt tokens, 80 of them cached, and 50 output tokens. Each of the
    three records has one call.
    """
    with busy.add_caller("anna") as anna:
        assert anna.extract(one(1), effort="full").status_code == 200
        job = anna.finish(anna.submit(many(2), effort="full")["id"])
        assert anna.get(f"/v1/jobs/{job['id']}").status_code == 200
        made_up = [f"/{job['id']}", "/v1/jobs/a/b/c", "/NCT00000001"]
        for path in made_up:
            assert anna.request("BREW", path).status_code == 404
        assert anna.delete(EXTRACTIONS).status_code == 405
        with busy.client_of("xk_wrong") as nobody:
            check_problem(nobody.get("/metrics"), 401, "no-key")
        metrics = scrape(anna)
        text = anna.get("/metrics").text
    requests = {key[1:]: n for key, n in metrics.items() if key[0] == "extractor_requests_total"}  # fmt: skip
    assert requests == {
        ("POST", EXTRACTIONS, "200"): 1,
        ("DELETE", EXTRACTIONS, "405"): 1,
        ("POST", "/v1/jobs", "202"): 1,
        ("GET", "/v1/jobs/{job_id}/events", "200"): 1,
        ("GET", "/v1/jobs/{job_id}", "200"): 1,
        ("other", "none", "404"): 3,
        ("GET", "/metrics", "401"): 1,
    }
    name = "extractor_request_seconds"
    buckets = [
        n
        for (metric, *labels), n in metrics.items()
        if metric == f"{name}_bucket" and labels[-2:] == ["POST", EXTRACTIONS]
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == metrics[f"{name}_count", "POST", EXTRACTIONS] == 1
    states = {key[1]: n for key, n in metrics.items() if key[0] == "extractor_jobs"}
    assert states == dict.fromkeys(JobState, 0) | {"done": 1}
    tokens = [metrics["extractor_tokens_total", kind] for kind in ("prompt", "cached", "output")]  # fmt: skip
    assert tokens == [300, 240, 150]
    # by the prices of the tests, in millionths: 20 prompt, 80 cached at half the price, 50 output
    assert metrics["extractor_dollars_total",] == pytest.approx(3 * 110e-6)
    assert metrics["extractor_queue_length",] == 0
    for secret in (job["id"], "anna", "xk_", WORD, "NCT0", "BREW", *made_up):
        assert secret not in text


def test_without_a_price_the_metrics_state_no_dollars(failing):
    assert ("extractor_dollars_total",) not in scrape(failing.client)


def test_each_key_may_send_so_many_requests_per_minute(tmp_path, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(keys, "monotonic", lambda: now)
    options = ("--requests-per-minute", "3", "--workers", "1")
    with (
        serve_here(tmp_path / "root", *options) as service,
        service.add_caller("anna") as anna,
        service.client_of(None) as nobody,
    ):
        for client in (anna, service.client):
            for seconds in (0, 20, 30):
                now = 1000.0 + seconds
                assert client.get("/v1/jobs").status_code == 200
            for path in ("/v1/jobs", "/metrics", EXTRACTIONS):
                answer = client.request("POST" if path == EXTRACTIONS else "GET", path)
                problem = check_problem(answer, 429, "too-many-requests")
                assert answer.headers["retry-after"] == "30"
                assert "3 per minute" in problem["detail"]
        # probes need no key, and a wrong key has no requests to use up
        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert nobody.get(path).status_code == 200
        for _ in range(4):
            check_problem(nobody.get("/v1/jobs"), 401, "no-key")
        now = 1060.0
        assert anna.get("/v1/jobs").status_code == 200
        answer = anna.get("/v1/jobs")
        check_problem(answer, 429, "too-many-requests")
        assert answer.headers["retry-after"] == "20"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("DELETE", EXTRACTIONS, 405)],
)
def test_requests_that_no_operation_answers_count_as_well(
    method, path, status, tmp_path
):
    options = ("--requests-per-minute", "2", "--workers", "1")
    with (
        serve_here(tmp_path / "root", *options) as service,
        service.client_of("xk_wrong") as nobody,
    ):
        for _ in range(2):
            assert service.client.request(method, path).status_code == status
        for request in ((method, path), ("GET", "/v1/jobs")):
            check_problem(service.client.request(*request), 429, "too-many-requests")
        for _ in range(3):
            assert nobody.request(method, path).status_code == status


def test_without_the_option_no_number_of_requests_is_too_many(served):
    statuses = {served.client.get("/v1/jobs").status_code for _ in range(200)}
    assert statuses == {200}


def test_a_silent_model_is_not_asked_for_every_request(tmp_path, prices):
    with serve_faults() as server:
        server.holds_after = 0
        model = ("--model", f"{server.url}#stub", "--workers", "1", *prices)
        with serve_here(tmp_path / "root", *model, "--timeout", "2") as service:
            for number in range(2):
                answer = service.client.extract(one(number), effort="full")
                check_problem(answer, 504, "took-too-long")
            asked = server.calls
            spent = scrape(service.client)["extractor_dollars_total",]
            for number in range(3):
                answer = service.client.extract(one(number), effort="full")
                check_problem(answer, 503, "model-away")
                assert answer.headers["retry-after"] in ("1", "2")
            assert service.client.extract(one(), effort="none").status_code == 200
            assert server.calls == asked
            assert scrape(service.client)["extractor_dollars_total",] == spent > 0
            server.holds_after = None
            wait_until(
                lambda: service.client.extract(one(), effort="full").status_code == 200
            )


def test_the_queue_length_counts_extractions_that_wait_for_the_model(tmp_path):
    with serve_faults() as server:
        server.holds_after = 0
        model = ("--model", f"{server.url}#stub", "--workers", "1")
        with (
            serve_here(tmp_path / "root", *model) as service,
            ThreadPoolExecutor(1) as thread,
        ):
            answer = thread.submit(service.client.extract, one(), effort="full")
            with service.client_of(TOKEN) as client:
                wait_until(lambda: scrape(client)["extractor_queue_length",] == 1)
                server.holds_after = None
                assert answer.result().status_code == 200
                assert scrape(client)["extractor_queue_length",] == 0
