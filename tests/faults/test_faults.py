"""Whole runs against a server with faults: those seen at providers, and requests that always
fail.
"""

import random
from collections.abc import Callable, Collection
from functools import partial

import pytest

from extractor.errors import ModelAway
from extractor.model.calls import MOST_CALLS
from extractor.model.spec import ClientSettings
from tests.skipping import loop_time, skipping_time

from .running import CONCURRENCY, POLICY, check_ended, run_against
from .server import WELL, Fault, FaultServer, Plan

pytestmark = pytest.mark.slow

RECORDS = 14
IDS = [f"NCT{number:08d}" for number in range(RECORDS)]
SKEWED = {
    "Date": "Thu, 01 Jan 2099 10:00:00 GMT",
    "Retry-After": "Thu, 01 Jan 2099 10:00:00 GMT",
}


@pytest.fixture(scope="module")
def undisturbed(records, tmp_path_factory):
    results = []

    @skipping_time
    async def run():
        server = FaultServer()
        ended = await run_against(
            server, records, tmp_path_factory.mktemp("well") / "run"
        )
        check_ended(ended, server, IDS)
        results.extend(ended.results)

    run()
    return results


def first(count: int, fault: Fault) -> Plan:
    return lambda number: fault if number < count else WELL


def every(step: int, fault: Fault) -> Plan:
    return lambda number: fault if number % step == 1 else WELL


def at_times(share: float, fault: Fault) -> Plan:
    lots = random.Random(1)
    drawn = [lots.random() < share for _ in range(5000)]
    return lambda number: fault if drawn[number] else WELL


TEMPORARY = {
    "429 storm": first(20, Fault(429, {"Retry-After": "1"})),
    "500 storm": at_times(0.3, Fault(500)),
    "503 storm": first(14, Fault(503, {"Retry-After": "20"})),
    "cut connections": every(3, Fault(sent=0.0)),
    "half bodies": every(3, Fault(sent=0.5)),
    "empty body": every(4, Fault(body="")),
    "invalid JSON": every(4, Fault(body='{"choices": [{"mess')),
    "a proxy's page": every(4, Fault(body="<html>Sign in</html>")),
    "an error in disguise": every(
        4, Fault(body='{"error": {"message": "backend down"}}')
    ),
    "clock skew": every(4, Fault(503, SKEWED)),
    "another model's name": every(2, Fault(model="another-model")),
}


@pytest.mark.parametrize("plan", TEMPORARY.values(), ids=TEMPORARY)
@skipping_time
async def test_temporary_faults_do_not_change_the_results(
    plan, records, undisturbed, tmp_path
):
    server = FaultServer(plan)
    ended = await run_against(server, records, tmp_path / "run")

    check_ended(ended, server, IDS)

    assert ended.error is None
    assert not ended.failures
    assert ended.results == undisturbed


INVALID = {
    "schema-invalid": every(3, Fault(content='{"items": [{"n": "seven"}]}')),
    "no JSON": every(3, Fault(content="I cannot say.")),
    "truncated": every(
        3, Fault(content='{"items": [{"n": 1, "categ', finish_reason="length")
    ),
    "refused": every(
        3, Fault(message={"content": None, "refusal": "I would rather not."})
    ),
    "filtered": every(3, Fault(content="", finish_reason="content_filter")),
    "bad request": every(5, Fault(400)),
}


@pytest.mark.parametrize("plan", INVALID.values(), ids=INVALID)
@skipping_time
async def test_an_invalid_answer_affects_no_other_record(plan, records, tmp_path):
    server = FaultServer(plan)
    ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)


@skipping_time
async def test_a_record_causes_no_more_calls_than_the_bound(records, tmp_path):
    server = FaultServer(lambda _: Fault(content="", finish_reason="length"))
    settings = ClientSettings(concurrency=CONCURRENCY, patience=None)

    ended = await run_against(server, records, tmp_path / "run", settings)

    assert ended.error is None
    assert RECORDS <= server.calls <= 2 * MOST_CALLS * RECORDS
    assert ended.tally.lacking > 0.5


@skipping_time
async def test_slow_replies_end_at_the_timeout(records, undisturbed, tmp_path):
    settings = ClientSettings(concurrency=CONCURRENCY, timeout=4.0)
    server = FaultServer(every(5, Fault(drip=0.5)))
    ended = await run_against(server, records, tmp_path / "run", settings=settings)
    lasted = loop_time()

    check_ended(ended, server, IDS)

    assert ended.results == undisturbed
    # The slow replies one after the other, and the wait before each retry.
    assert lasted <= server.calls / 5 * (4.0 + POLICY.wait_before(1, None))


@skipping_time
async def test_a_temporary_outage_loses_no_record_and_wastes_few_requests(
    records, undisturbed, tmp_path
):
    faults = []

    def plan(number: int) -> Fault:
        if number < 6 or (faults and loop_time() > faults[0] + 200.0):
            return WELL
        faults.append(loop_time())
        return Fault(503)

    server = FaultServer(plan)
    ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)
    assert ended.results == undisturbed
    # Each request in flight is repeated after 1, 2, 4, 8, 16, 32, 60, 60 and 60 seconds.
    assert len(faults) <= 10 * CONCURRENCY


@skipping_time
async def test_a_server_that_never_replied_stops_the_run_within_seconds(
    records, undisturbed, tmp_path
):
    missing = FaultServer(missing=True)
    stopped = await run_against(missing, records, tmp_path / "run")
    assert loop_time() < 10.0
    assert isinstance(stopped.error, ModelAway)
    assert "is the server running, and the address right?" in str(stopped.error)
    assert (stopped.failures, stopped.ids) == ([], [])
    missing.missing = False
    ended = await run_against(missing, records, tmp_path / "run")
    assert ended.results == undisturbed


AWAY: dict[str, Callable[[], Fault]] = {
    "overloaded": partial(Fault, 503),
    "rate limit without end": partial(Fault, 429),
    "no connection": partial(Fault, refused=True),
    "no credit": partial(Fault, 429, error={"code": "insufficient_quota"}),
    "limit of the day": partial(Fault, 429, {"Retry-After": "86400"}),
}


@pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY)
@skipping_time
async def test_a_server_that_stays_away_stops_the_run_and_no_record_fails(
    fault, records, undisturbed, tmp_path
):
    server = FaultServer(lambda number: WELL if number < 4 else fault())
    stopped = await run_against(server, records, tmp_path / "run")
    assert isinstance(stopped.error, ModelAway)
    assert not stopped.failures
    assert len(stopped.ids) < RECORDS
    server.plan = lambda _: WELL
    ended = await run_against(server, records, tmp_path / "run")
    assert ended.error is None
    assert ended.results == undisturbed
    assert not server.answered_twice
    assert ended.manifest["usage"]["calls"] == server.answers


def fails_at(server: FaultServer, poisons: Collection[int], fault: Fault) -> None:
    """Make the server fail at questions about these records, found by the number in their title."""

    def judge(request: bytes) -> Fault:
        return (
            fault
            if any(b"Study %d of" % number in request for number in poisons)
            else WELL
        )

    server.judge = judge


@pytest.mark.parametrize(
    ("poisons", "fault"),
    [
        ({4}, Fault(500)),
        ({13}, Fault(500)),
        ({11, 12, 13}, Fault(500)),
        ({11, 12, 13}, Fault(sent=0.0)),
        ({0, 1, 2, 3, 4, 5}, Fault(500)),
    ],
    ids=["one", "the last", "all in flight", "all in flight, cut", "the first six"],
)
@skipping_time
async def test_only_records_at_which_the_server_fails_fail(
    poisons, fault, records, tmp_path
):
    server = FaultServer(latency=1.0)
    fails_at(server, poisons, fault)
    ended = await run_against(server, records, tmp_path / "run")

    check_ended(ended, server, IDS)

    assert ended.error is None
    assert {failure["record_id"] for failure in ended.failures} == {
        IDS[number] for number in poisons
    }
    assert all(
        "HTTP 50" in failure["message"] or "no connection" in failure["message"]
        for failure in ended.failures
    )
    assert loop_time() < 300.0
