"""Extract on a Ray cluster. Only this module imports Ray, from the extra ``cluster``.

It uses plain tasks, not Ray Data: the head process handles resumed, repeated and paid records one
by one, and a lost node loses only its current steps, not a block of a data set.
"""

import asyncio
import logging
import os
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from extractor.errors import EngineError, MissingExtra, ModelAway, RecordError
from extractor.formats.documents.children import child_environment, environment
from extractor.model.events import Event, tell
from extractor.run.executor import Executor, FromSource
from extractor.run.manifest import digest_rules
from extractor.run.worker import KILL_S, call_picklable

T = TypeVar("T")

_CONNECT_S = 5.0
_CHECK_S = 60.0
"""Seconds between checks that the cluster still has a core, while a step waits for its result."""
_ATTEMPTS = 3
"""A record fails after this many lost workers. A lost node also loses records that did not kill
it.
"""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_DEFAULTS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Disables usage reports and warnings about accelerators."""
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
"""Makes Ray's own processes listen on loopback only and require a token. Ray reads it at import."""
_TOKEN = {"RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_AUTH_TOKEN_PATH": ""}
"""For clusters of this process only. Without it, Ray writes one for all later clusters into the
home directory.
"""
_WORKERS = {"worker_process_setup_hook": "extractor.run.worker.relax_garbage_collector"}
"""Makes a worker import this program before Ray puts the driver's current directory on its path."""


class RayExecutor(Executor):
    """Computes each step as a task with one core, on any node, at most ``workers`` at once.

    Without ``workers`` there are as many as the cluster has cores, and twice as many tasks, so that
    no core waits for the next one. ``ray`` is the module, connected to a cluster. A step is
    repeated elsewhere if its worker or node is lost.
    """

    def __init__(self, ray: Any, workers: int | None = None) -> None:
        self._ray = ray
        self.cluster_workers = workers or self._count_cores() or 1
        self.capacity = 2 * self.cluster_workers
        # a waiting task uses no core
        self._slots = asyncio.Semaphore(workers or self.capacity)
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._call = ray.remote(**options)(_call_same_rules)
        self._rules = digest_rules()

    async def compute(
        self, function: Callable[..., T], record: FromSource, *arguments: Any
    ) -> T:
        """Compute on a node, on another one if it is lost, at most ``_ATTEMPTS`` times.

        Raises the error of the function, ``RecordError`` if all attempts lost their workers, and
        ``EngineError`` also if no node is left, or one has another version.
        """
        async with self._slots:
            for _ in range(_ATTEMPTS):
                answer = asyncio.wrap_future(
                    self._call.remote(
                        self._rules, function, record, *arguments
                    ).future()
                )
                await asyncio.wait([answer], timeout=_CHECK_S)
                while not answer.done():
                    # Ray would wait for another node as long as there is none.
                    if not self._count_cores():
                        raise EngineError(
                            "the cluster has no node with a core left; the same command continues"
                        )
                    await asyncio.wait([answer], timeout=_CHECK_S)
                try:
                    computed: T = answer.result()
                except self._ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                except self._ray.exceptions.RayError:
                    tell(Event.WORKER_LOST)
                else:
                    return computed
        problem = f"{_ATTEMPTS} workers were lost while they extracted the record"
        remedy = "run this record alone, without --ray"
        raise RecordError(
            record.source.path, problem, remedy, place=record.source.place
        )

    def _count_cores(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))


def _call_same_rules(rules: str, function: Callable[..., T], *arguments: Any) -> T:
    """Compute on a node, if it has the same program as the head."""
    if rules != digest_rules():
        problem = "another version of this program, or other rules"
        raise EngineError(
            f"a node of the cluster has {problem}; install the same one on every node"
        )
    return call_picklable(KILL_S, function, *arguments)


@contextmanager
def connected(address: str, workers: int | None = None) -> Iterator[RayExecutor]:
    """Connect to the cluster at ``address``: ``host:port``, ``auto``, or ``local`` for one that
    starts here.

    Raises ``MissingExtra`` without Ray, ``ValueError`` for an invalid address, ``ModelAway`` if
    there is no cluster.
    """
    is_local = address == "local"
    if address not in ("local", "auto"):
        _check_address(address)
    with environment(_choose_environment(is_local=is_local)):
        try:
            import ray  # noqa: PLC0415 - from an extra, and slow
        except ImportError:
            raise MissingExtra("--ray needs Ray", "cluster") from None
        options: dict[str, Any] = {
            "address": address,
            "runtime_env": _WORKERS,
            "log_to_driver": False,
            "logging_level": logging.ERROR,
        }
        if is_local:
            options["include_dashboard"] = False
        try:
            ray.init(**options)
        except (ConnectionError, RuntimeError) as error:
            cluster = "this machine" if is_local else address
            raise ModelAway(
                f"no Ray cluster at {cluster} ({_first_line(error)})"
            ) from None
        try:
            yield RayExecutor(ray, workers)
        finally:
            ray.shutdown()


def _choose_environment(*, is_local: bool) -> dict[str, str]:
    """Return the variables that Ray reads, those of a cluster that starts here if ``is_local``."""
    defaults = _DEFAULTS | _ALONE if is_local else _DEFAULTS
    chosen = {}
    for name, default in defaults.items():
        chosen[name] = os.environ.get(name, default)
    if is_local:
        return chosen | _TOKEN | child_environment()
    return chosen


def _check_address(address: str) -> None:
    """Raise ``ValueError`` for an address that is not ``host:port``, and ``ModelAway`` if nothing
    listens there: Ray would try for minutes.
    """
    if address.startswith("ray://"):
        raise ValueError(
            f"--ray {address}: the driver must run on a node of the cluster; use host:port there"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(
            f"--ray {address}: write host:port, as `ray start --head` prints it, auto or local"
        )
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except OSError as error:
        raise ModelAway(f"no Ray cluster at {address} ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    """Return the first line of an error's text without colours, or the name of its class."""
    text = _COLOUR.sub("", str(error)).strip() or type(error).__name__
    return text.splitlines()[0]
