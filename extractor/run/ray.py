"""Extract on a Ray cluster. Only this module imports Ray, from the extra ``cluster``.

Each step is a plain task: the driver handles resumed, repeated and paid records one by one, and a
lost node loses only its current steps.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from extractor.errors import EngineError, MissingExtra, ModelAway, RecordError
from extractor.model.events import Event, tell
from extractor.run.executor import Executor, FromSource
from extractor.run.manifest import digest_rules
from extractor.run.worker import KILL_S, call_within

T = TypeVar("T")

_CONNECT_S = 5.0
_ATTEMPTS = 3
"""A record fails after this many lost workers. A lost node also loses records that did not kill
it.
"""
_DEFAULTS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Disables usage reports and warnings about accelerators."""


class RayExecutor(Executor):
    """Computes each step as a task with one core, on any node, at most ``workers`` at once.

    Without ``workers`` there are as many as the cluster has cores now, and twice as many tasks, so
    that no core waits for the next one. Ray repeats a task whose node is lost. ``ray`` is the
    module, connected to a cluster.
    """

    def __init__(self, ray: Any, workers: int | None = None) -> None:
        self._errors = ray.exceptions
        cores = int(ray.cluster_resources().get("CPU", 0))
        self.cluster_workers = workers or cores or 1
        self.capacity = 2 * self.cluster_workers
        # a waiting task uses no core
        self._slots = asyncio.Semaphore(workers or self.capacity)
        self._call = ray.remote(
            num_cpus=1, max_retries=_ATTEMPTS - 1, scheduling_strategy="SPREAD"
        )(_call_same_rules)

    async def compute(
        self, function: Callable[..., T], record: FromSource, *arguments: Any
    ) -> T:
        """Compute on a node, on another one if it is lost, at most ``_ATTEMPTS`` times.

        Raises the error of the function, ``RecordError`` if all attempts lost their workers, and
        ``EngineError`` if a node has another version.
        """
        async with self._slots:
            task = self._call.remote(digest_rules(), function, record, *arguments)
            try:
                computed: T = await asyncio.wrap_future(task.future())
            except self._errors.RayTaskError as error:
                raise error.cause from None
            except self._errors.RayError:
                tell(Event.WORKER_LOST)
            else:
                return computed
        problem = f"{_ATTEMPTS} workers were lost while they extracted the record"
        remedy = "run this record alone, without --ray"
        source = record.source
        raise RecordError(source.path, problem, remedy, place=source.place)


def _call_same_rules(rules: str, function: Callable[..., T], *arguments: Any) -> T:
    """Compute on a node, if it has the same program as the driver."""
    if rules != digest_rules():
        problem = "another version of this program, or other rules"
        raise EngineError(
            f"a node of the cluster has {problem}; install the same one on every node"
        )
    return call_within(KILL_S, function, *arguments)


@asynccontextmanager
async def connected(
    address: str, workers: int | None = None
) -> AsyncIterator[RayExecutor]:
    """Connect to the cluster at ``address``: ``host:port``, or ``auto`` for that of this
    machine.

    Raises ``MissingExtra`` without Ray, ``ValueError`` for an invalid address, ``ModelAway`` if
    there is no cluster.
    """
    if address != "auto":
        _check_address(address)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        import ray  # noqa: PLC0415 - from an extra, and slow
    except ImportError:
        raise MissingExtra("--ray needs Ray", "cluster") from None
    # a worker imports this program before Ray puts the driver's current directory on its path
    hook = "extractor.run.worker.relax_garbage_collector"
    try:
        ray.init(
            address=address,
            runtime_env={"worker_process_setup_hook": hook},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError) as error:
        raise ModelAway(f"no Ray cluster at {address} ({error})") from None
    try:
        yield RayExecutor(ray, workers)
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raise ``ValueError`` for an address that is not ``host:port``, and ``ModelAway`` if nothing
    listens there: Ray would try for minutes.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except ValueError:
        raise ValueError(
            f"--ray {address}: write host:port, as `ray start --head` prints it, or auto"
        ) from None
    except OSError as error:
        raise ModelAway(f"no Ray cluster at {address} ({error})") from None
