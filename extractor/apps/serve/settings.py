"""Configure a service: the options of ``extractor serve``, its folder and the operator's token."""

import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from extractor.options import RARE, SPEED, ExtractionOptions, ModelOptions, Shown

if TYPE_CHECKING:
    from extractor.model.cost.budget import Pricing
    from extractor.model.spec import ModelSpec

SERVICE: Final = "Service"
LIMITS: Final = "Limits"
_SHORTEST_TOKEN = 16


class ServiceOptions(ExtractionOptions, ModelOptions):
    """The options of ``extractor serve``. The tasks and the effort are defaults for requests
    that do not set them.
    """

    host: Annotated[str, Shown(SERVICE)] = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65535), Shown(SERVICE, "N")] = 8400
    """0 for any free port."""
    root: Annotated[Path | None, Shown(SERVICE, "DIR", envvar="EXTRACTOR_ROOT")] = None
    """Folder of keys and jobs."""
    playground: Annotated[bool, Shown(SERVICE)] = False
    """Show a page to paste a text and see its values, at /."""
    concurrency: Annotated[int, Field(ge=1), Shown(SPEED, "N")] = 16
    """Records sent to the model concurrently."""
    timeout: Annotated[float, Field(ge=0.1), Shown(SPEED, "S")] = 60.0
    """Seconds for one extraction."""
    workers: Annotated[int | None, Field(ge=1, le=10_000), Shown(SPEED, "N")] = None
    """Number of worker processes (default: all cores)."""
    jobs: Annotated[int, Field(ge=1), Shown(LIMITS, "N")] = 2
    """Concurrent jobs."""
    queue: Annotated[int, Field(ge=1), Shown(LIMITS, "N")] = 256
    """Most extractions running or waiting; more get 429."""
    max_bytes: Annotated[int, Field(ge=1), Shown(LIMITS, "N")] = 5_000_000
    """Largest body of an extraction."""
    max_upload_bytes: Annotated[int, Field(ge=1), Shown(LIMITS, "N")] = 1_000_000_000
    """Largest upload of a job."""
    keep_days: Annotated[float | None, Field(ge=0), Shown(LIMITS, "DAYS")] = None
    """Delete jobs this many days after they end."""
    log_json: Annotated[str | None, Shown(RARE, "FILE")] = None
    """Append events as JSON; - is stderr."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """A service's options, its folder of keys and jobs, the operator's key, the model with its
    key, and its pricing.
    """

    options: ServiceOptions
    root: Path
    token: str
    model: "ModelSpec | None"
    pricing: "Pricing"
    workers: int


def choose_root(root: Path | None) -> Path:
    """Return the folder of a service: ``root`` if there is one, else the usual one of this user."""
    import platformdirs  # noqa: PLC0415 - of few commands

    if root:
        return root
    return platformdirs.user_data_path("trial-extractor", appauthor=False) / "service"


def choose_token(
    environment_token: str | None, host: str, root: Path
) -> tuple[str, Path | None]:
    """Return the operator's token: that of EXTRACTOR_TOKEN, or else that of a file, with its path.

    The file is ``ROOT/token``, which only its owner can read; a missing one is created. Raises
    ``ValueError`` for a token that is easy to guess, and for an address that others can reach
    without one.
    """
    path = None
    token = environment_token
    if not token:
        if not is_loopback(host):
            raise ValueError(
                f"--host {host} can be reached by others: set EXTRACTOR_TOKEN to a secret of your "
                "own"
            )
        path = (root / "token").absolute()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(0o600)
        # the permissions of a restored backup may differ
        path.chmod(0o600)
        token = path.read_text("utf-8").strip() or secrets.token_hex(32)
        path.write_text(f"{token}\n", "utf-8")
    if len(token) < _SHORTEST_TOKEN:
        raise ValueError(
            f"{path or 'EXTRACTOR_TOKEN'} has fewer than {_SHORTEST_TOKEN} characters; `openssl "
            "rand -hex 32` makes one"
        )
    return token, path


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address. A host name other than localhost is
    taken for one that others reach.

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
