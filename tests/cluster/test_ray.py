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


def run_on(cluster, records, out, model=None, *options):
    asking = ("--model", model, "--effort", "all") if model else ("--effort", "none")
    cluster_options = (
        "--ray",
        cluster.address,
        "--workers",
        2,
        "--concurrency",
        CONCURRENCY,
    )
    return invoke(
        "run", records, "--out", out, "--quiet", *asking, *cluster_options, *options
    )


def test_a_run_continues_after_its_driver_or_a_node_ends(
    cluster, records, tmp_path, whole
):
    """One test, because starts are slow: the driver is killed, then the budget ends, then a node
    is killed.
    """
    here, calls = whole

    with serve_counting(0.2) as server:
        model = f"{server.url}#stub"
        options = (
            "--model",
            model,
            "--effort",
            "all",
            "--concurrency",
            str(CONCURRENCY),
            "--quiet",
        )
        ray = ("--ray", cluster.address, "--workers", "2")
        command = [
            sys.executable,
            "-m",
            "extractor",
            "run",
            str(records),
            "--out",
            str(tmp_path / "run"),
            *options,
            *ray,
        ]
        with subprocess.Popen(command) as driver:
            while server.calls < 8 and driver.poll() is None:
                time.sleep(0.01)
            driver.send_signal(signal.SIGKILL)
        assert driver.returncode == -signal.SIGKILL
        (prices := tmp_path / "prices.toml").write_text(
            "as_of = 2026-11-01\n[model.stub]\nprompt = 1\noutput = 1\n"
        )
        stopped = run_on(
            cluster,
            records,
            tmp_path / "run",
            model,
            "--max-usd",
            0.18,
            "--prices",
            prices,
        )
        assert stopped.exit_code == BUDGET
        assert "of $0.18 are spent" in stopped.stderr
        assert (
            calls / 8 < server.calls < calls * 3 / 4
        )  # those of the killed driver count in full
        killing = threading.Thread(
            target=_kill_a_node, args=(cluster, server, server.calls + 8)
        )
        killing.start()
        try:
            assert run_on(cluster, records, tmp_path / "run", model).exit_code == OK
        finally:
            killing.join()
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        assert calls <= server.calls <= calls + 3 * 2 * CONCURRENCY

    assert count_answered_twice(tmp_path / "run") == 0
    assert (tmp_path / "run" / "extractions.jsonl").read_bytes() == here


def test_only_records_with_a_bug_fail(cluster, tmp_path):
    failing = {50: "MemoryError", 51: "SystemExit", 52: "kill"}
    lines = [
        json.dumps(study(number, f"It fails by {how}."))
        for number, how in failing.items()
    ]
    records = tmp_path / "records.jsonl"
    records.write_text("\n".join([one(1).decode(), *lines, one(2).decode()]))
    out = tmp_path / "out"

    done = run_on(cluster, records, out)

    assert done.exit_code == FAILED
    assert "Traceback" not in done.stderr
    extracted = [line["record_id"] for line in read_lines(out / "extractions.jsonl")]
    assert extracted == ["NCT00000001", "NCT00000002"]
    failures = read_lines(out / "failures.jsonl")
    messages = {failure["record_id"]: failure["message"] for failure in failures}
    assert messages.keys() == {"NCT00000050", "NCT00000051", "NCT00000052"}
    assert len(failures) == 3
    assert "MemoryError" in messages["NCT00000050"]
    assert "SystemExit" in messages["NCT00000051"]
    assert "3 workers were lost" in messages["NCT00000052"]


@pytest.mark.parametrize(
    ("address", "error", "reported"),
    [
        ("ray://x:1", ValueError, "the driver must run on a node of the cluster"),
        ("somewhere", ValueError, "write host:port"),
        ("127.0.0.1:9", ModelAway, "no Ray cluster at 127.0.0.1:9"),
    ],
)
def test_an_address_without_a_cluster_is_reported_at_once(address, error, reported):
    with pytest.raises(error, match=reported), connected(address):
        pass


def _kill_a_node(cluster, server, calls):
    while server.calls < calls:
        time.sleep(0.01)
    node = next(node for node in cluster.list_all_nodes() if not node.head)
    cluster.remove_node(node, allow_graceful=False)
