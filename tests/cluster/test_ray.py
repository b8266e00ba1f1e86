"""Runs on a cluster of two nodes: a node or the driver is killed, the budget ends, records fail."""

import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
from tenacity import retry, retry_if_exception_message, stop_after_attempt

from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from extractor.apps.cli.console import BUDGET, FAILED, OK
from extractor.errors import ModelAway
from extractor.run.ray import connected
from tests.commands import invoke, read_lines
from tests.failing import path_with_failures, write_failing_records
from tests.faults.running import count_paid_twice

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray, at its import
    cluster_utils = pytest.importorskip("ray.cluster_utils")

pytestmark = pytest.mark.slow

RECORDS = 32
CONCURRENCY = 4
STORE_BYTES = 80 * 1024**2


@pytest.fixture(scope="module")
def cluster():
    """A head and one more node, on which marked records fail; ``add_node`` and ``remove_node``
    change the nodes.
    """
    # a busy machine exceeds Ray's timeout of half a minute
    is_slow = retry_if_exception_message(match=".*timed out during startup")
    again = retry(retry=is_slow, stop=stop_after_attempt(3), reraise=True)
    start = again(cluster_utils.Cluster)
    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path_with_failures())
        patch.setenv("RAY_worker_niceness", "0")  # as other tests
        head = {**node, "include_dashboard": False}
        running = start(initialize_head=True, head_node_args=head)
        running.add_node(**node)
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "records.jsonl"
    write_distinct_records(path, RECORDS)
    return path


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory):
    """The results of the same run in this process, and its number of calls."""
    out = tmp_path_factory.mktemp("whole")
    with serve_counting() as server:
        model = ("--effort", "all", "--workers", 1, "--model", f"{server.url}#stub")
        invoke("run", records, "--out", out, *model)
    return (out / "extractions.jsonl").read_bytes(), server.calls


def words(cluster, records, out, model=None, *more):
    asking = ("--model", model, "--effort", "all") if model else ("--effort", "none")
    ray = ("--ray", cluster.address, "--workers", 2, "--concurrency", CONCURRENCY)
    return ("run", records, "--out", out, "--quiet", *asking, *ray, *more)


def kill_a_node(cluster, server, calls):
    while server.calls < calls:
        time.sleep(0.01)
    node = next(node for node in cluster.list_all_nodes() if not node.head)
    cluster.remove_node(node, allow_graceful=False)


def test_a_run_continues_after_its_driver_or_a_node_ends(
    cluster, records, tmp_path, whole
):
    """One test, because starts are slow: the driver is killed, then the budget ends, then a node
    is killed.
    """
    here, calls = whole
    out = tmp_path / "run"
    with serve_counting(0.2) as server:
        prices = tmp_path / "prices.toml"
        prices.write_text("as_of = 2026-11-01\n[model.stub]\nprompt = 1\noutput = 1\n")
        command = words(cluster, records, out, f"{server.url}#stub", "--prices", prices)
        program = [sys.executable, "-m", "extractor", *map(str, command)]
        with subprocess.Popen(program) as driver:
            while server.calls < 8 and driver.poll() is None:
                time.sleep(0.01)
            driver.send_signal(signal.SIGKILL)
        assert driver.returncode == -signal.SIGKILL
        stopped = invoke(*command, "--max-usd", 0.18)
        assert stopped.exit_code == BUDGET
        assert "of $0.18 are spent" in stopped.stderr
        # those of the killed driver count in full
        assert calls / 8 < server.calls < calls * 3 / 4
        node = (cluster, server, server.calls + 8)
        killing = threading.Thread(target=kill_a_node, args=node)
        killing.start()
        try:
            assert invoke(*command).exit_code == OK
        finally:
            killing.join()
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        assert calls <= server.calls <= calls + 3 * 2 * CONCURRENCY
    assert count_paid_twice(out) == 0
    assert (out / "extractions.jsonl").read_bytes() == here


def test_only_records_with_a_bug_fail(cluster, tmp_path):
    problems = {"kill": "3 workers were lost"}
    kinds = write_failing_records(tmp_path / "in.jsonl", ["SystemExit", "kill"])
    out = tmp_path / "out"
    done = invoke(*words(cluster, tmp_path / "in.jsonl", out))
    assert done.exit_code == FAILED
    assert "Traceback" not in done.stderr
    extracted = [line["record_id"] for line in read_lines(out / "extractions.jsonl")]
    assert extracted == ["NCT00000000", "NCT00000002", "NCT00000004"]
    failures = read_lines(out / "failures.jsonl")
    assert [failure["record_id"] for failure in failures] == list(kinds)
    for kind, failure in zip(kinds.values(), failures, strict=True):
        assert problems.get(kind, kind) in failure["message"]


@pytest.mark.parametrize(
    ("address", "error", "reported"),
    [
        ("somewhere", ValueError, "write host:port"),
        ("ray://127.0.0.1:9", ModelAway, "no Ray cluster at ray://127.0.0.1:9"),
        ("127.0.0.1:9", ModelAway, "no Ray cluster at 127.0.0.1:9"),
    ],
)
async def test_an_address_without_a_cluster_is_reported_at_once(
    address, error, reported
):
    with pytest.raises(error, match=reported):
        async with connected(address):
            pass
