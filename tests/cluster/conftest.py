"""A cluster of two nodes with one core each on this machine, shared by the tests of a module."""

import warnings

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import serve_counting
from tests.failing import path_with_failures

from .running import run_here

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Ray, at its import
    cluster_utils = pytest.importorskip("ray.cluster_utils")

_STORE_BYTES = 80 * 1024**2


def _start(head):
    """Start a cluster again if a busy machine exceeds Ray's timeout of half a minute."""
    for _ in range(2):
        try:
            return cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    return cluster_utils.Cluster(initialize_head=True, head_node_args=head)


@pytest.fixture(scope="module")
def cluster():
    """A head and one more node, on which marked records fail; ``add_node`` and ``remove_node``
    change the nodes.
    """
    node = {"num_cpus": 1, "object_store_memory": _STORE_BYTES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", path_with_failures())
        patch.setenv(
            "RAY_worker_niceness", "0"
        )  # workers get the same priority as other tests
        running = _start({**node, "include_dashboard": False})
        running.add_node(**node)
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def records(request, tmp_path_factory):
    """The ``RECORDS`` records of the module."""
    path = tmp_path_factory.mktemp("in") / "records.jsonl"
    write_distinct_records(path, request.module.RECORDS)
    return path


@pytest.fixture(scope="module")
def whole(records, tmp_path_factory):
    """The same run on one machine, and its number of calls."""
    with serve_counting() as server:
        ended = run_here(records, tmp_path_factory.mktemp("whole"), server.url)
    return ended, server.calls
