"""Batches at a provider, with faults in each step, and a kill of the program after each step."""

from contextlib import closing

import pytest

from extractor.errors import ModelAway, ModelUnavailable
from extractor.llm.batch_api.provider import PollPolicy, open_batch_client
from extractor.llm.batch_api.requests import BatchRequests
from extractor.llm.database import open_run
from extractor.llm.spec import ModelSpec
from tests.provider import answer_well, serve_provider


async def no_wait(_):
    pass


POLICY = PollPolicy(sleep=no_wait)


@pytest.fixture
def requests(tmp_path):
    with closing(open_run(tmp_path)) as run:
        requests = BatchRequests(run)
        for number in range(5):
            requests.add({"model": "m", "messages": [{"role": "user", "content": f"[{number}|ok] Adults"}]})
        yield requests


async def finish(provider, requests, policy=POLICY):
    news = []
    async with open_batch_client(ModelSpec.parse(f"{provider.url}#m"), requests, policy, news.append) as client:
        return await client.finish_all(), news


def answered(requests):
    return sum(requests.find(name) is not None for name, _ in requests.not_taken())


async def test_requests_come_back_answered(requests):
    with serve_provider() as provider:
        assert requests.plan("run") == 5
        count, news = await finish(provider, requests)
        assert (count, answered(requests), requests.open_batches()) == (5, 5, [])
        assert [one.state for one in news] == ["submitted", "in_progress", "completed", "fetched"]
        assert await finish(provider, requests) == (0, [])
        assert provider.asked.count("POST /batches") == 1


@pytest.mark.parametrize("limits", [{"most_requests": 2}, {"most_bytes": 500}])
async def test_more_than_a_provider_accepts_at_once_goes_in_parts(requests, limits):
    with serve_provider() as provider:
        requests.plan("run", **limits)
        assert (await finish(provider, requests))[0] == 5
        assert [len(provider.files[b["input_file_id"]].splitlines()) for b in provider.batches.values()] == [2, 2, 1]
        assert len({line["custom_id"] for line in provider.requests}) == 5
        assert all(line.keys() == {"custom_id", "method", "url", "body"} for line in provider.requests)
        assert {(line["method"], line["url"]) for line in provider.requests} == {("POST", "/v1/chat/completions")}


ROUTES = ("POST /files", "POST /batches", "GET /batches", "GET /files/content")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", [429, 503, 0])
async def test_a_temporary_fault_costs_nothing_and_creates_no_second_batch(requests, route, fault):
    """Fault 0 means that the provider acted, but the connection broke before the response."""
    with serve_provider(faults={route: [fault, fault]}) as provider:
        requests.plan("run")
        assert (await finish(provider, requests))[0] == 5
        assert len(provider.batches) == 1


@pytest.mark.parametrize("route", ROUTES)
async def test_a_lasting_fault_is_reported_and_the_run_can_continue(requests, route):
    with serve_provider(faults={route: [500] * 99}) as provider:
        requests.plan("run")
        with pytest.raises(ModelUnavailable, match="HTTP 500"):
            await finish(provider, requests)
        provider.faults.clear()
        assert (await finish(provider, requests))[0] == 5
        assert len(provider.batches) == 1


async def test_a_provider_that_is_not_there_is_reported_after_a_few_quick_tries(requests):
    waits = []

    async def wait(seconds):
        waits.append(seconds)

    with serve_provider() as provider:
        pass
    requests.plan("run")
    message = r"no connection: .*; is the server running, and the address right\? \(after 3 attempts\)"
    with pytest.raises(ModelAway, match=message):
        await finish(provider, requests, PollPolicy(sleep=wait))
    assert waits == [1.0, 2.0]


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("step", ["note_sent", "note_made", "keep_answers"])
@pytest.mark.parametrize("after", [False, True])
async def test_a_program_that_is_killed_at_any_step_makes_no_batch_twice(requests, monkeypatch, step, after):
    noted = getattr(BatchRequests, step)

    def end(self, *arguments):
        if after:
            noted(self, *arguments)
        raise Killed

    with serve_provider() as provider:
        requests.plan("run", most_requests=3)
        with monkeypatch.context() as patch:
            patch.setattr(BatchRequests, step, end)
            with pytest.raises(Killed):
                await finish(provider, requests)
        await finish(provider, requests)
        assert answered(requests) == 5
        assert len(provider.batches) == 2
        assert len({line["custom_id"] for line in provider.requests}) == len(provider.requests) == 5


@pytest.mark.parametrize("ends", ["expired", "cancelled", "failed"])
async def test_unanswered_requests_of_a_batch_wait_for_another(requests, ends):
    def answer(body):
        return answer_well(body) if "[1|" in body["messages"][0]["content"] else None

    with serve_provider(answer=answer, ends=ends) as provider:
        requests.plan("run")
        count, news = await finish(provider, requests)
        assert count == (0 if ends == "failed" else 1)
        assert requests.count_waiting() == 5 - count
        message = "; ".join(one.message for one in news if one.message)
        assert ("too many tokens" if ends == "failed" else "not reached in time") in message
        provider.answer, provider.ends = answer_well, "completed"
        assert requests.plan("next") == 5 - count
        await finish(provider, requests)
        assert answered(requests) == 5


@pytest.mark.parametrize(("status", "kept"), [(400, 5), (429, 0), (500, 0), (404, 0)])
async def test_a_refusal_of_the_request_is_an_answer_and_a_fault_is_none(requests, status, kept):
    with serve_provider(answer=lambda _: (status, {"error": {"message": "no"}})) as provider:
        requests.plan("run")
        count, _ = await finish(provider, requests)
        assert (count, requests.count_waiting()) == (kept, 5 - kept)


async def test_a_wrong_key_is_reported_at_once(requests):
    with serve_provider(faults={"POST /files": [401] * 9}) as provider:
        requests.plan("run")
        with pytest.raises(ModelUnavailable, match="HTTP 401"):
            await finish(provider, requests)
        assert provider.asked == ["POST /files"]
