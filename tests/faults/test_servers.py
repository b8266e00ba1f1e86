"""Several servers of one model share its calls, and each may fail and return."""

import json
from collections import Counter
from io import StringIO

import pytest

from extractor.errors import ModelAway, StoreError
from extractor.events import EventLog, listening
from extractor.llm.client import ClientSettings
from tests.skipping import loop_time, skipping_time

from .running import POLICY, check_ended, run_against
from .server import WELL, Fault, FaultServer

RECORDS = 48
IDS = [f"NCT{number:08d}" for number in range(RECORDS)]
FIRST, SECOND = "http://first.test/v1", "http://second.test/v1"


def two_servers(first=lambda _: WELL, second=lambda _: WELL, latencies=(1.0, 1.0)):
    return [FaultServer(first, latencies[0], FIRST), FaultServer(second, latencies[1], SECOND)]


@skipping_time
async def test_equal_servers_get_equal_shares(records, tmp_path):
    servers = two_servers()
    ended = await run_against(servers, records, tmp_path / "run")
    first, second = (server.calls for server in servers)
    assert abs(first - second) <= 1
    assert first + second >= RECORDS
    assert [server.most_under_way for server in servers] == [3, 3]
    check_ended(ended, servers, IDS)
    counts = {FIRST: {"calls": first, "faults": 0}, SECOND: {"calls": second, "faults": 0}}
    assert ended.manifest["servers"] == counts
    assert ended.manifest["settings"]["model"] == f"{FIRST}#stub,{SECOND}#stub"


@skipping_time
async def test_logs_number_the_servers(records, tmp_path):
    reported = StringIO()
    servers = two_servers(second=lambda number: Fault(429) if number == 3 else WELL)
    with listening(EventLog(reported)):
        await run_against(servers, records, tmp_path / "run")
    events = [json.loads(line) for line in reported.getvalue().splitlines()]
    counts = Counter(event["server"] for event in events if event["event"] == "call_ended")
    assert counts == {1: servers[0].calls, 2: servers[1].calls}
    assert [event["server"] for event in events if event["event"] == "rate_limited"] == [2]
    assert ".test" not in reported.getvalue()


@pytest.mark.parametrize("fault", [Fault(sent=0.0), Fault(500)], ids=["cut", "500"])
@skipping_time
async def test_a_failing_server_loses_nothing_and_is_used_again_when_it_returns(fault, records, tmp_path):
    servers = two_servers()
    servers[1].plan = lambda _: WELL if not 2.0 < loop_time() < 12.0 else fault
    ended = await run_against(servers, records, tmp_path / "run", ClientSettings(concurrency=2))
    last = servers[1].times[-1]
    check_ended(ended, servers, IDS)
    assert ended.error is None
    assert not ended.failures
    assert last > 12.0
    faults = ended.manifest["servers"][SECOND]["faults"]
    assert 0 < faults <= POLICY.breaker_after
    assert ended.manifest["servers"][SECOND]["calls"] - faults == servers[1].answered.total()


@pytest.mark.parametrize("status", [401, 404])
@skipping_time
async def test_a_server_that_refuses_everything_gets_no_more_requests(status, records, tmp_path):
    servers = two_servers(second=lambda _: Fault(status))
    ended = await run_against(servers, records, tmp_path / "run")
    check_ended(ended, servers, IDS)
    assert not ended.failures
    assert servers[1].calls <= 3


@skipping_time
async def test_the_run_stops_if_all_servers_fail_and_continues_with_the_first_that_returns(records, tmp_path):
    def dies(number):
        return WELL if number < 5 else Fault(503)

    servers = two_servers(dies, dies)
    stopped = await run_against(servers, records, tmp_path / "run")
    assert isinstance(stopped.error, ModelAway)
    assert str(stopped.error).startswith(f"model stub at {FIRST} and {SECOND}: ")
    assert not stopped.failures
    assert 0 < len(stopped.ids) <= 10
    servers[1].plan = lambda _: WELL
    ended = await run_against(servers[1:], records, tmp_path / "run")
    assert ended.ids == IDS
    assert ended.manifest["usage"]["calls"] == sum(server.calls for server in servers)
    assert not ended.paid_twice
    assert ended.manifest["settings"]["model"] == f"{FIRST}#stub,{SECOND}#stub"


@skipping_time
async def test_a_run_cannot_continue_with_unknown_servers_only(records, tmp_path):
    servers = two_servers()
    await run_against(servers[:1], records, tmp_path / "run")
    with pytest.raises(StoreError, match="other settings"):
        await run_against(servers[1:], records, tmp_path / "run")
