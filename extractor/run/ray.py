"""Extraction on a Ray cluster. Only this module imports Ray, which the extra ``ray`` brings.

Plain tasks and no Ray Data: the head process decides record by record what is done, read twice or paid for, and a lost
node costs the steps that it was computing, not a block of a data set.
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

from extractor.children import child_environment, environment
from extractor.errors import EngineError, ModelAway, RecordError
from extractor.events import Event, tell
from extractor.schemas import TrialRecord

from .executor import Executor
from .manifest import digest_rules
from .worker import call_picklable

T = TypeVar("T")

_CONNECT_S = 5.0
_LOOK_S = 60.0
"""How often a step that waits for its result checks that the cluster still has a core."""
_ATTEMPTS = 3
"""Lost workers after which their record fails. A lost node also takes records with it that did not kill it."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_DEFAULTS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""No usage reports from a closed network, and no warnings about accelerators."""
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
"""Ray's own processes listen on loopback alone, on any system, and need a token. Read when Ray is imported."""
_TOKEN = {"RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_AUTH_TOKEN_PATH": ""}
"""For clusters of this process alone. Without it Ray writes one into the home directory, for all later clusters."""
_WORKERS = {"worker_process_setup_hook": "extractor.run.worker.relax_garbage_collector"}
"""A worker imports this program before Ray puts the driver's current directory first on its path: that may hold another
version, such as a checkout.
"""


class RayExecutor(Executor):
    """Computes each step as a task with one core, on any node. At most ``workers`` at once, one a core if None.

    A step whose worker or node is lost is computed again elsewhere.
    """

    def __init__(self, ray: Any, workers: int | None = None) -> None:
        self._ray = ray
        self.workers = workers or self._count_cores() or 1
        self.capacity = 2 * self.workers
        self._slots = asyncio.Semaphore(workers or self.capacity)  # a task that waits in the cluster costs no core
        options = {"num_cpus": 1, "max_retries": 0, "scheduling_strategy": "SPREAD"}
        self._call = ray.remote(**options)(_call_same_rules)
        self._rules = digest_rules()

    async def compute(self, function: Callable[..., T], record: TrialRecord, *arguments: Any) -> T:
        """As ``Executor.compute``. Raises ``EngineError`` also where a node has another version of this program, or no
        node is left.
        """
        async with self._slots:
            for _ in range(_ATTEMPTS):
                answer = asyncio.wrap_future(self._call.remote(self._rules, function, record, *arguments).future())
                while not (await asyncio.wait([answer], timeout=_LOOK_S))[0]:
                    if not self._count_cores():
                        raise EngineError("the cluster has no node with a core any more; the same command goes on")
                try:
                    computed: T = answer.result()
                except self._ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                except self._ray.exceptions.RayError:
                    tell(Event.WORKER_LOST)
                else:
                    return computed
        problem = f"{_ATTEMPTS} workers were lost while they extracted {record.record_id}"
        remedy = "run this record alone, without --engine ray"
        raise RecordError(record.source.path, problem, remedy, place=record.source.place)

    def _count_cores(self) -> int:
        return int(self._ray.cluster_resources().get("CPU", 0))


def _call_same_rules(rules: str, function: Callable[..., T], *arguments: Any) -> T:
    """On a node: compute, if its program is the head's."""
    if rules != digest_rules():
        problem = "another version of this program, or other rules"
        raise EngineError(f"a node of the cluster has {problem}; install the same one on every node")
    return call_picklable(None, function, *arguments)


@contextmanager
def connected(address: str | None, workers: int | None = None) -> Iterator[RayExecutor]:
    """An executor on the cluster at an address (``auto`` or ``host:port``), or on one of this machine alone.

    Raises ``ValueError`` if Ray is not installed or the address cannot be one, ``ModelAway`` if there is no cluster.
    """
    if address and address != "auto":
        _check_address(address)
    defaults = _DEFAULTS if address else _DEFAULTS | _ALONE
    chosen = {name: os.environ.get(name, value) for name, value in defaults.items()}
    with environment(chosen if address else chosen | _TOKEN | child_environment()):
        try:
            import ray  # noqa: PLC0415 - of an extra, and takes a second
        except ImportError:
            raise ValueError("--engine ray needs the extra ray: pip install 'trial-extractor[ray]'") from None
        own: dict[str, Any] = {} if address else {"include_dashboard": False}
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            ray.init(address=address or "local", runtime_env=_WORKERS, **quiet, **own)
        except (ConnectionError, RuntimeError) as error:
            raise ModelAway(f"no Ray cluster at {address or 'this machine'} ({_first_line(error)})") from None
        try:
            yield RayExecutor(ray, workers)
        finally:
            ray.shutdown()


def _check_address(address: str) -> None:
    """Fail at once where nothing listens: Ray would try for minutes."""
    if address.startswith("ray://"):
        raise ValueError(f"--address {address}: the driver must run on a node of the cluster; use host:port there")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--address {address}: write host:port, as `ray start --head` prints it, or auto")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except OSError as error:
        raise ModelAway(f"no Ray cluster at {address} ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    return (_COLOUR.sub("", str(error)).strip() or type(error).__name__).splitlines()[0]
