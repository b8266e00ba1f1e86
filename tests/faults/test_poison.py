"""Records whose requests the server fails at, each time: they fail, and the server is not taken to be away."""

import os
from collections.abc import Collection

import pytest

from benchmarks.records import write_open_records
from tests.skipping import loop_time, skipping_time

from .running import POLICY, check_ended, run_against
from .server import WELL, Fault, FaultServer, listen_here

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such sockets")
RECORDS = 9
IDS = [f"NCT{number:08d}" for number in range(RECORDS)]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = tmp_path_factory.mktemp("poison") / "records.jsonl"
    write_open_records(path, RECORDS)
    return path


def fails_at(server: FaultServer, poisons: Collection[int], fault: Fault) -> None:
    """The server fails at what is asked about these records, whose title tells their number."""

    def judge(request: bytes) -> Fault:
        return fault if any(b"Study %d of" % number in request for number in poisons) else WELL

    server.judge = judge


@pytest.mark.parametrize(
    ("poisons", "fault"),
    [
        ({4}, Fault(500)),
        ({8}, Fault(500)),
        ({6, 7, 8}, Fault(500)),
        ({6, 7, 8}, Fault(503)),
        ({6, 7, 8}, Fault(sent=0.0)),
        ({0, 1, 2, 3, 4, 5}, Fault(500)),
    ],
    ids=["one", "the last", "all in flight", "all in flight, 503", "all in flight, cut", "the first six"],
)
@skipping_time
async def test_a_record_at_which_the_server_fails_fails_alone(poisons, fault, records, tmp_path):
    async with listen_here(latency=1.0) as server:
        fails_at(server, poisons, fault)
        ended = await run_against(server, records, tmp_path / "run")
    check_ended(ended, server, IDS)
    assert ended.error is None
    assert {failure["record_id"] for failure in ended.failures} == {IDS[number] for number in poisons}
    assert all("HTTP 50" in failure["message"] or "no connection" in failure["message"] for failure in ended.failures)
    assert loop_time() < POLICY.longest_absence
