"""Runs on a cluster of two nodes: a node or the driver is killed, the budget ends, records fail."""

import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from benchmarks.servers import serve_counting
from extractor.apps.cli.console import BUDGET, FAILED, OK
from extractor.errors import ModelAway
from extractor.run.ray import connected
from tests.commands import invoke, read_lines
from tests.serve.running import one, study

from .running import CONCURRENCY, count_answered_twice

pytestmark = pytest.mark.slow

RECORDS = 32
STORE_BYTES = 80 * 1024**2


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
    assert count_answered_twice(out) == 0
    assert (out / "extractions.jsonl").read_bytes() == here


def test_only_records_with_a_bug_fail(cluster, tmp_path):
    failing = {50: "MemoryError", 51: "SystemExit", 52: "3 workers were lost"}
    kinds = ("MemoryError", "SystemExit", "kill")
    lines = [
        json.dumps(study(number, f"It fails by {kind}."))
        for number, kind in zip(failing, kinds, strict=True)
    ]
    records = tmp_path / "records.jsonl"
    records.write_text("\n".join([one(1).decode(), *lines, one(2).decode()]))
    out = tmp_path / "out"
    done = invoke(*words(cluster, records, out))
    assert done.exit_code == FAILED
    assert "Traceback" not in done.stderr
    extracted = [line["record_id"] for line in read_lines(out / "extractions.jsonl")]
    assert extracted == ["NCT00000001", "NCT00000002"]
    failures = read_lines(out / "failures.jsonl")
    messages = {failure["record_id"]: failure["message"] for failure in failures}
    assert len(failures) == len(messages) == 3
    for number, problem in failing.items():
        assert problem in messages[f"NCT{number:08}"]


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
