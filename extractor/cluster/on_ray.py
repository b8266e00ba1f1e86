"""Workers on a Ray cluster. Only this module imports Ray, which the extra ``ray`` brings.

Plain actors and no Ray Data: which records are done, which are read twice and what may still be spent is decided record
by record, before anything is asked, and a lost worker costs the records that it had, not a block of a data set.
"""

import logging
import os
import re
import secrets
import socket
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from extractor.children import child_environment, environment
from extractor.errors import ModelAway

from .messages import Assignment, FromWorker, ToWorker
from .seat import WorkerLost
from .worker import Greeting, Worker

__all__ = ["RayCluster", "connected"]

T = TypeVar("T")

_KNOCK_S = 5.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_DEFAULTS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Nobody is told of a closed network's usage; and this program shows no warnings about accelerators."""
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
"""So Ray's own processes listen on loopback alone, on any system, and let nobody else in. Read when Ray is imported."""
_TOKEN = {"RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_AUTH_TOKEN_PATH": ""}
"""Opens clusters of this process alone. Without it Ray writes one into the home directory, for all later clusters."""
_WORKERS = {"worker_process_setup_hook": "extractor.cluster.worker.introduce"}
"""A worker imports this program before Ray puts the driver's current directory first on its path: that may hold another
version, such as a checkout.
"""


@contextmanager
def connected(address: str | None) -> Iterator["RayCluster"]:
    """The cluster at an address (``auto`` or ``host:port``), or one on this machine alone, until the block ends.

    Raises ``ValueError`` if Ray is not installed or the address cannot be one, ``ModelAway`` if there is no cluster.
    """
    if address and address != "auto":
        _check_address(address)
    defaults = _DEFAULTS if address else _DEFAULTS | _ALONE
    chosen = {name: os.environ.get(name, value) for name, value in defaults.items()}
    with environment(chosen if address else chosen | _TOKEN | child_environment()):
        ray = _import_ray()
        try:
            ray.init(address=address or "local", runtime_env=_WORKERS, **_options(address))
        except (ConnectionError, RuntimeError) as error:
            raise ModelAway(f"no Ray cluster at {address or 'this machine'} ({_first_line(error)})") from None
        try:
            yield RayCluster(ray)
        finally:
            ray.shutdown()


@dataclass(frozen=True)
class RayCluster:
    """A connected cluster."""

    _ray: Any

    @property
    def cores(self) -> int:
        """The cores of all its nodes."""
        return int(self._ray.cluster_resources().get("CPU", 0)) or 1

    @property
    def nodes(self) -> int:
        """The nodes that are alive."""
        return sum(node["Alive"] for node in self._ray.nodes())

    def hire(self) -> "RayColleague":
        """Start a worker on any node with a free core, on the emptiest first."""
        actor = self._ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(Worker)
        return RayColleague(self._ray, actor.remote())


class RayColleague:
    """A worker in an actor. Ray says when it is lost."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    async def greet(self, assignment: Assignment) -> Greeting:
        """Wait for a free core, for the process to start, for its model to open."""
        greeting: Greeting = await self._told(self._actor.greet.remote(assignment))
        return greeting

    async def exchange(self, inbox: ToWorker) -> FromWorker:
        """One turn of the conversation."""
        told: FromWorker = await self._told(self._actor.exchange.remote(inbox))
        return told

    async def hear(self, inbox: ToWorker) -> None:
        """Tell it something."""
        await self._told(self._actor.hear.remote(inbox))

    def dismiss(self) -> None:
        """End it at once, wherever it is."""
        self._ray.kill(self._actor)

    async def _told(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayError as error:
            raise WorkerLost(_describe_loss(error)) from None


def _check_address(address: str) -> None:
    """Find out at once that nobody is there, which Ray tries for minutes."""
    if address.startswith("ray://"):
        raise ValueError(f"--address {address}: the driver must run on a node of the cluster; use host:port there")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--address {address}: write host:port, as `ray start --head` tells it, or auto")
    try:
        socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
    except OSError as error:
        raise ModelAway(f"no Ray cluster at {address} ({_first_line(error)})") from None


def _import_ray() -> Any:
    try:
        import ray  # noqa: PLC0415 - of an extra, and takes a second
    except ImportError:
        raise ValueError("--engine ray needs the extra ray: pip install 'trial-extractor[ray]'") from None
    return ray


def _options(address: str | None) -> dict[str, Any]:
    own = {} if address else {"include_dashboard": False}
    return {"log_to_driver": False, "logging_level": logging.ERROR, **own}


def _describe_loss(error: BaseException) -> str:
    """Ray's reason; where it has a worker's traceback, what that ends with."""
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1 if any("Traceback" in line for line in lines) else 0]


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
