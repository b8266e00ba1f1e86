"""Whole runs against a server that does wrong: each fault that providers were seen to make."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from benchmarks.soak.records import write_distinct_records
from extractor.ask.model import AskSettings
from extractor.errors import ModelAway, ModelUnavailable

from .running import BRISK, CONCURRENCY, check_ended, run_against
from .server import WELL, Fault, Plan, serve_faults

RECORDS = 14
IDS = [f"NCT{number:08d}" for number in range(RECORDS)]
SKEWED = {"Date": "Thu, 01 Jan 2099 10:00:00 GMT", "Retry-After": "Thu, 01 Jan 2099 10:00:00 GMT"}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = tmp_path_factory.mktemp("faults") / "records.jsonl"
    write_distinct_records(path, RECORDS)
    return path


@pytest.fixture(scope="module")
def undisturbed(records, tmp_path_factory):
    with serve_faults() as server:
        ended = asyncio.run(run_against(server, records, tmp_path_factory.mktemp("well") / "run"))
    check_ended(ended, server, IDS)
    return ended.results


def first(count: int, fault: Fault) -> Plan:
    return lambda number: fault if number < count else WELL


def every(step: int, fault: Fault) -> Plan:
    return lambda number: fault if number % step == 1 else WELL


def at_times(share: float, fault: Fault) -> Plan:
    lots = random.Random(7)
    drawn = [lots.random() < share for _ in range(5000)]
    return lambda number: fault if drawn[number] else WELL


MENDED = {
    "429 storm": first(20, Fault(429, {"Retry-After-Ms": "10"})),
    "429 without a wait": first(10, Fault(429)),
    "500 storm": at_times(0.3, Fault(500)),
    "503 storm": first(30, Fault(503, {"Retry-After-Ms": "20"})),
    "a third of all 503": at_times(0.33, Fault(503)),
    "cut connections": every(3, Fault(sent=0.0)),
    "half bodies": every(3, Fault(sent=0.5)),
    "empty body": every(4, Fault(body="")),
    "invalid JSON": every(4, Fault(body='{"choices": [{"mess')),
    "a proxy's page": every(4, Fault(body="<html>Sign in</html>")),
    "an error in disguise": every(4, Fault(body='{"error": {"message": "backend down"}}')),
    "clock skew": every(4, Fault(503, SKEWED)),
    "another model's name": every(2, Fault(model="another-model")),
}


@pytest.mark.parametrize("plan", MENDED.values(), ids=MENDED)
async def test_what_waiting_mends_leaves_no_trace_in_the_results(plan, records, undisturbed, tmp_path):
    with serve_faults(plan) as server:
        ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)
    assert ended.error is None
    assert not ended.failures
    assert ended.results == undisturbed


SPOILT = {
    "schema-invalid": every(3, Fault(content='{"items": [{"n": "seven"}]}')),
    "no JSON": every(3, Fault(content="I cannot say.")),
    "truncated": every(3, Fault(content='{"items": [{"n": 1, "categ', finish_reason="length")),
    "refused": every(3, Fault(message={"content": None, "refusal": "I would rather not."})),
    "filtered": every(3, Fault(content="", finish_reason="content_filter")),
    "bad request": every(5, Fault(400)),
    "all invalid": lambda _: Fault(content="{}"),
    "all refused": lambda _: Fault(message={"content": None, "refusal": "No."}),
    "all garbled": lambda _: Fault(body="<html>"),
}


@pytest.mark.parametrize("plan", SPOILT.values(), ids=SPOILT)
async def test_a_spoilt_answer_costs_no_other_record(plan, records, tmp_path):
    with serve_faults(plan) as server:
        ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)


async def test_what_was_spoilt_is_asked_again_by_the_same_command(records, undisturbed, tmp_path):
    with serve_faults(SPOILT["refused"]) as server:
        await run_against(server, records, tmp_path / "run")
        server.plan = lambda _: WELL
        ended = await run_against(server, records, tmp_path / "run")
    assert ended.results == undisturbed
    assert not server.answered_twice


async def test_slow_drips_end_at_the_time_out(records, undisturbed, tmp_path):
    settings = AskSettings(concurrency=CONCURRENCY, timeout=0.4)
    with serve_faults(every(5, Fault(drip=0.05))) as server:
        started = asyncio.get_running_loop().time()
        ended = await run_against(server, records, tmp_path / "run", settings=settings)
    assert asyncio.get_running_loop().time() - started < 30
    check_ended(ended, server, IDS)
    assert ended.results == undisturbed


async def test_waiting_for_a_turn_is_no_time_out(records, tmp_path):
    settings = AskSettings(concurrency=1, timeout=1.0)
    with serve_faults(latency=0.1) as server:
        ended = await run_against(server, records, tmp_path / "run", settings=settings)
    assert (server.most_under_way, server.calls) == (1, len(server.asked))
    check_ended(ended, server, IDS)


async def test_a_wrong_model_name_stops_the_run_at_once(records, tmp_path):
    with serve_faults(lambda _: Fault(404, error={"code": "model_not_found"})) as server:
        ended = await run_against(server, records, tmp_path / "run")
    assert isinstance(ended.error, ModelUnavailable)
    assert "check the model's name" in str(ended.error)
    assert server.calls <= CONCURRENCY


@pytest.mark.xfail(strict=False, reason="how often the server is tried depends on the load of the machine")
async def test_a_server_that_goes_away_for_a_while_costs_no_record_and_few_requests(records, undisturbed, tmp_path):
    away = {"faults": 0}

    def plan(number: int) -> Fault:
        if number < 6 or asyncio.get_running_loop().time() > away.setdefault("until", _now() + 1.0):
            return WELL
        away["faults"] += 1
        return Fault(503)

    with serve_faults(plan) as server:
        ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)
    assert ended.results == undisturbed
    # A try at most each tenth of a second: without the breaker, six times as many.
    assert away["faults"] < BRISK.breaker_after + CONCURRENCY + 24


def _now() -> float:
    return asyncio.get_running_loop().time()


AWAY: dict[str, Callable[[], Fault]] = {
    "overloaded": partial(Fault, 503),
    "rate limit without end": partial(Fault, 429),
    "cut": partial(Fault, sent=0.0),
    "no credit": partial(Fault, 429, error={"code": "insufficient_quota"}),
    "limit of the day": partial(Fault, 429, {"Retry-After": "86400"}),
}


@pytest.mark.xfail(strict=False, reason="how often the server is tried depends on the load of the machine")
@pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY)
async def test_a_server_that_stays_away_stops_the_run_and_no_record_fails(fault, records, undisturbed, tmp_path):
    policy = replace(BRISK, longest_absence=0.3)
    with serve_faults(lambda number: WELL if number < 4 else fault()) as server:
        stopped = await run_against(server, records, tmp_path / "run", policy)
        assert isinstance(stopped.error, ModelAway)
        assert not stopped.failures
        assert len(stopped.ids) < RECORDS
        server.plan = lambda _: WELL
        ended = await run_against(server, records, tmp_path / "run", policy)
    assert ended.error is None
    assert ended.results == undisturbed
    assert not server.answered_twice
    assert ended.manifest["usage"]["calls"] == server.calls


async def test_requests_a_minute_are_kept(records, tmp_path):
    settings = AskSettings(concurrency=CONCURRENCY, requests_per_minute=1200)
    with serve_faults() as server:
        await run_against(server, records, tmp_path / "run", settings=settings)
    # 20 a second, and at most those of one second at once.
    assert all(later - earlier > 0.95 for earlier, later in zip(server.times, server.times[40:], strict=False))
    assert server.times[-1] - server.times[0] >= (server.calls - 20) / 20 - 0.05


async def test_one_refusal_makes_all_wait(records, tmp_path):
    policy = replace(BRISK, longest_wait=1.0)
    plan = [WELL] * 12 + [Fault(429, {"Retry-After-Ms": "400"})]
    with serve_faults(lambda number: plan[number] if number < len(plan) else WELL, latency=0.02) as server:
        ended = await run_against(server, records, tmp_path / "run", policy)
    check_ended(ended, server, IDS)
    refused = server.times[12] + 0.02
    assert not [time for time in server.times if refused + 0.03 < time < refused + 0.35]
