"""Configure a service: its options, its folder and the operator's token."""

import ipaddress
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from extractor.errors import ArgumentError
from extractor.face import (
    LIMITS,
    RARE,
    SERVICE,
    AtOnce,
    Count,
    ExtractionOptions,
    ModelOptions,
    Seconds,
    Shown,
    Workers,
)

if TYPE_CHECKING:
    from extractor.face import ModelSpec, Pricing

_SHORTEST_TOKEN = 16


class ServiceOptions(ExtractionOptions, ModelOptions):
    """The options of ``extractor serve``. Requests may override the tasks and the effort."""

    host: Annotated[str, Shown(SERVICE)] = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535), Shown(SERVICE, "N")] = 8400
    """Port; 0 uses any free port."""
    root: Annotated[Path | None, Shown(SERVICE, "DIR", envvar="EXTRACTOR_ROOT")] = None
    """Folder for keys and jobs."""
    playground: Annotated[bool, Shown(SERVICE)] = False
    """Serve a page at / for trying out the extractor on a text."""
    concurrency: AtOnce = 16
    """Maximum number of records sent to the model concurrently."""
    timeout: Seconds = 60.0
    """Maximum duration of an extraction in seconds."""
    record_timeout: Seconds = 5.0
    """Maximum processor time in seconds of a record until a model is asked, and again after it
    replies; jobs may take longer."""
    workers: Workers = None
    """Number of worker processes (default: one per core)."""
    jobs: Count = 2
    """Maximum number of concurrent jobs."""
    queue: Count = 256
    """Maximum number of extractions running or waiting; further requests are rejected with status
    429.
    """
    requests_per_minute: Annotated[int | None, Field(ge=1), Shown(LIMITS, "N")] = None
    """Maximum number of requests of each key per minute; further requests are rejected with status
    429 (default: no limit).
    """
    max_bytes: Count = 5_000_000
    """Maximum size of an extraction's body in bytes."""
    max_upload_bytes: Count = 1_000_000_000
    """Maximum size of a job's upload in bytes."""
    keep_days: Annotated[float | None, Field(ge=0), Shown(LIMITS, "DAYS")] = None
    """Delete jobs this many days after they end."""
    log_json: Annotated[str | None, Shown(RARE, "FILE")] = None
    """Append events to FILE as JSON; - writes to stderr."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """A service's options, its root folder, the operator's token, the model with its key, and the
    model's pricing.
    """

    options: ServiceOptions
    root: Path
    token: str
    model: "ModelSpec | None"
    pricing: "Pricing"
    workers: int


def choose_root(root: Path | None) -> Path:
    """Return ``root`` or, by default, the current user's service folder."""
    import platformdirs  # noqa: PLC0415 - used by few commands

    if root:
        return root
    return platformdirs.user_data_path("trial-extractor", appauthor=False) / "service"


def make_root(root: Path) -> None:
    """Create the service's folder, unless it exists. Raises ``ArgumentError`` if it cannot be
    created or written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = str(error.strerror)
    else:
        if os.access(root, os.W_OK):
            return
        reason = "it is read-only"
    raise ArgumentError(
        f"{root}: the folder cannot be written ({reason}); change its permissions, or choose "
        "another folder with --root or EXTRACTOR_ROOT"
    )


def choose_token(
    environment_token: str | None, host: str, root: Path
) -> tuple[str, Path | None]:
    """Return the operator's token, and the path of its file if it was read from a file.

    If ``environment_token``, the value of EXTRACTOR_TOKEN, is empty, the token is read from the
    file ``ROOT/token``. A missing file is created, readable only by its owner. Raises
    ``ValueError`` if the token is shorter than 16 characters, if the folder cannot be written, or
    if other machines can reach the address and EXTRACTOR_TOKEN is not set.
    """
    path = None
    token = environment_token
    if not token:
        if not is_loopback(host):
            raise ValueError(
                f"--host {host} can be reached from other machines: set EXTRACTOR_TOKEN to a secret"
            )
        path = (root / "token").absolute()
        make_root(root)
        path.touch(0o600)
        # the permissions of a restored backup may differ
        path.chmod(0o600)
        token = path.read_text("utf-8").strip() or secrets.token_hex(32)
        path.write_text(f"{token}\n", "utf-8")
    if len(token) < _SHORTEST_TOKEN:
        raise ValueError(
            f"{path or 'EXTRACTOR_TOKEN'} has fewer than {_SHORTEST_TOKEN} characters; create one "
            "with `openssl rand -hex 32`"
        )
    return token, path


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable only from this machine. Host names other than
    localhost are assumed to be reachable from other machines.

    >>> (
    ...     is_loopback("127.0.0.1"),
    ...     is_loopback("localhost"),
    ...     is_loopback("0.0.0.0"),
    ...     is_loopback("::1"),
    ... )
    (True, True, False, True)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
