"""Whole runs against a server with faults: those seen at providers, and requests that always
fail.
"""

import random

import pytest

from extractor.errors import ModelAway
from extractor.model.spec import ClientSettings
from tests.skipping import loop_time, skipping_time
from tests.stand_ins import write_open_records

from .running import CONCURRENCY, POLICY, check_ended, read_manifest, run_against
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
        ended = await run_against(server, records, tmp_path_factory.mktemp("well"))
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
    "half bodies": every(3, Fault(sent=0.5)),
    "a proxy's page": every(4, Fault(body="<html>Sign in</html>")),
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


KINDS = (
    *(Fault(status) for status in (408, 409, 500, 502, 503, 504, 529)),
    *(Fault(429, {"Retry-After": "1"}), Fault(503, SKEWED), Fault(refused=True)),
    *(Fault(sent=0.5), Fault(sent=0)),
)


@skipping_time
async def test_a_tenth_of_faults_of_twelve_kinds_costs_no_record_and_no_answer(
    tmp_path,
):
    count = 200
    records = tmp_path / "records.jsonl"
    write_open_records(records, count)
    server = FaultServer(
        lambda number: KINDS[number // 10 % len(KINDS)] if number % 10 == 5 else WELL
    )
    ended = await run_against(server, records, tmp_path / "run")

    check_ended(ended, server, [f"NCT{number:08d}" for number in range(count)])

    assert ended.error is None
    assert not ended.failures
    assert not server.answered_twice
    assert server.calls > count + len(KINDS)


INVALID = {
    "schema-invalid": Fault(content='{"items": [{"n": "seven"}]}'),
    "truncated": Fault(content='{"items": [{"n": 1, "ca', finish_reason="length"),
    "refused": Fault(message={"content": None, "refusal": "I would rather not."}),
    "bad request": Fault(400),
}


@pytest.mark.parametrize("fault", INVALID.values(), ids=INVALID)
@skipping_time
async def test_an_invalid_answer_affects_no_other_record(fault, records, tmp_path):
    server = FaultServer(every(3, fault))
    ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)


@skipping_time
async def test_slow_replies_end_at_the_timeout(records, undisturbed, tmp_path):
    settings = ClientSettings(concurrency=CONCURRENCY, timeout=4.0)
    server = FaultServer(every(5, Fault(drip=0.5)))
    ended = await run_against(server, records, tmp_path / "run", settings=settings)
    lasted = loop_time()

    check_ended(ended, server, IDS)

    assert ended.results == undisturbed
    # The slow replies one after the other, and the wait before each retry.
    assert lasted <= server.calls / 5 * (4.0 + POLICY.first_wait + POLICY.jitter())


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


AWAY = {
    "overloaded": Fault(503),
    "rate limit without end": Fault(429),
    "no connection": Fault(refused=True),
    "limit of the day": Fault(429, {"Retry-After": "86400"}),
}


@pytest.mark.parametrize("fault", AWAY.values(), ids=AWAY)
@skipping_time
async def test_a_server_that_stays_away_stops_the_run_and_no_record_fails(
    fault, records, undisturbed, tmp_path
):
    server = FaultServer(lambda number: WELL if number < 4 else fault)
    stopped = await run_against(server, records, tmp_path / "run")
    assert isinstance(stopped.error, ModelAway)
    assert not stopped.failures
    assert len(stopped.ids) < RECORDS
    server.plan = lambda _: WELL
    ended = await run_against(server, records, tmp_path / "run")
    assert ended.error is None
    assert ended.results == undisturbed
    assert not server.answered_twice
    assert read_manifest(ended.folder)["usage"]["calls"] == server.answers


@pytest.mark.parametrize(
    ("poisons", "fault"),
    [
        ({4}, Fault(500)),
        ({13}, Fault(500)),
        ({7}, Fault(403)),  # moderated, for example
        ({11, 12, 13}, Fault(500)),
        ({11, 12, 13}, Fault(sent=0.0)),
        ({0, 1, 2, 3, 4, 5}, Fault(500)),
    ],
    ids=("one", "last", "refused", "in flight", "in flight, cut", "first six"),
)
@skipping_time
async def test_only_records_at_which_the_server_fails_fail(
    poisons, fault, records, tmp_path
):
    """They are found by the number in their title."""

    def judge(request: bytes) -> Fault:
        is_poison = any(b"Study %d of" % number in request for number in poisons)
        return fault if is_poison else WELL

    server = FaultServer(latency=1.0, judge=judge)
    ended = await run_against(server, records, tmp_path / "run")

    check_ended(ended, server, IDS)

    assert ended.error is None
    failed = {failure["record_id"]: failure["message"] for failure in ended.failures}
    assert list(failed) == [IDS[number] for number in sorted(poisons)]
    assert all("HTTP " in why or "no connection" in why for why in failed.values())
    assert loop_time() < 300.0
