"""Runs on a real cluster of two nodes: one is killed, the driver is killed, the budget ends, the limit holds."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from benchmarks.soak.server import serve_counting
from extractor.ask.model import AskSettings
from extractor.ask.spec import ModelSpec
from extractor.cli.batch import Job, perform_job
from extractor.cli.cluster import ClusterSettings
from extractor.cli.exits import BUDGET, OK
from extractor.cluster.on_ray import connected
from extractor.errors import ModelAway
from extractor.pipeline import Extractor
from extractor.run import BatchLimits, Pricing
from extractor.run.budget import Limits
from tests.faults.server import serve_faults

from .running import CONCURRENCY, ROOM, count_answered_twice

RECORDS = 32
STORE_BYTES = 80 * 1024**2
NO_LIMITS = Limits()


def run_on(cluster, records, out, server, *, limits=NO_LIMITS, **asking):
    spec = ModelSpec.parse(f"{server.url}#stub")
    job = Job(
        (str(records),),
        Extractor(spec, assist="always"),
        BatchLimits(CONCURRENCY),
        out,
        fresh=False,
        quiet=True,
        asking=AskSettings(**asking),
        pricing=Pricing(spec, limits=limits),
        cluster=ClusterSettings(cluster.address, 2),
    )
    return perform_job(job)


def test_a_killed_node_costs_what_it_had_under_way(cluster, records, tmp_path, whole):
    here, calls = whole
    with serve_counting(0.3) as server:
        killing = threading.Thread(target=_kill_a_node, args=(cluster, server))
        killing.start()
        try:
            assert run_on(cluster, records, tmp_path, server) == OK
        finally:
            killing.join()
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        assert calls <= server.calls <= calls + ROOM
    assert count_answered_twice(tmp_path) == 0
    assert (tmp_path / "extractions.jsonl").read_bytes() == here.results


def test_a_budget_that_ends_in_the_middle_holds_over_all_nodes(cluster, records, tmp_path, whole, capsys):
    here, calls = whole
    with serve_counting(0.05) as server:
        assert run_on(cluster, records, tmp_path, server, limits=Limits(tokens=60_000)) == BUDGET
        assert "tokens are spent, the limit is 60000" in capsys.readouterr().err
        asked = server.calls
        assert calls / 4 < asked < calls * 3 / 4
        assert run_on(cluster, records, tmp_path, server) == OK
        assert server.calls <= calls + 2 * ROOM
    assert count_answered_twice(tmp_path) == 0
    assert (tmp_path / "extractions.jsonl").read_bytes() == here.results


def test_requests_a_minute_hold_over_all_nodes(cluster, records, tmp_path):
    with serve_faults() as server:
        assert run_on(cluster, records, tmp_path, server, requests_per_minute=600) == OK
    # Ten go at once, then ten a second; two nodes by themselves would take a third of that.
    assert len(server.times) >= RECORDS
    assert server.times[-1] - server.times[0] >= (len(server.times) - 11) / 10 - 0.5


def test_a_killed_driver_goes_on_with_the_same_command(cluster, records, tmp_path, whole):
    here, calls = whole
    with serve_counting(0.3) as server:
        options = ("--model", f"{server.url}#stub", "--assist", "always", "--concurrency", str(CONCURRENCY), "--quiet")
        ray = ("--engine", "ray", "--address", cluster.address, "--workers", "2")
        command = [sys.executable, "-m", "extractor", "run", str(records), "--out", str(tmp_path), *options, *ray]
        with subprocess.Popen(command) as driver:
            while server.calls < 20 and driver.poll() is None:
                time.sleep(0.01)
            driver.send_signal(signal.SIGKILL)
        assert driver.returncode == -signal.SIGKILL
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == OK, ended.stderr
        assert server.calls <= calls + 2 * ROOM
    assert count_answered_twice(tmp_path) == 0
    assert (tmp_path / "extractions.jsonl").read_bytes() == here.results


@pytest.mark.parametrize(
    ("address", "error", "told"),
    [
        ("ray://x:1", ValueError, "the driver must run on a node of the cluster"),
        ("somewhere", ValueError, "write host:port"),
        ("127.0.0.1:9", ModelAway, "no Ray cluster at 127.0.0.1:9"),
    ],
)
def test_an_address_without_a_cluster_is_told_at_once(address, error, told):
    with pytest.raises(error, match=told), connected(address):
        pass


def _kill_a_node(cluster, server):
    while server.calls < 12:
        time.sleep(0.01)
    node = next(node for node in cluster.list_all_nodes() if not node.head)
    cluster.remove_node(node, allow_graceful=False)
