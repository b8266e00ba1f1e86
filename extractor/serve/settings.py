"""Configuration of a service: its limits, its folder and the operator's token."""

import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.cost.budget import Pricing
from extractor.errors import StoreError
from extractor.fields import CustomField
from extractor.llm.providers import Reasoning
from extractor.llm.spec import ModelSpec
from extractor.options import Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Settings of a service.

    ``root`` is the folder of keys and jobs, ``token`` the operator's key. Without a ``model``, only the rules run.
    ``effort`` is that of requests which name none; ``reasoning`` and ``model_options`` are the model's; ``fields`` are
    the service's own. The rest are limits for all callers together: the money of ``pricing``; ``requests_per_minute``
    to the model; ``max_bytes`` of an extraction's body and ``max_upload_bytes`` of a job's; ``queue`` extractions
    running or waiting; ``workers`` processes; ``concurrency`` records that use the model at once; ``jobs`` running;
    ``timeout_s`` seconds for one extraction; ``keep_days`` after their end for jobs, None for ever.
    """

    root: Path
    token: str
    model: ModelSpec | None
    effort: Effort | float
    pricing: Pricing
    requests_per_minute: float | None
    max_bytes: int
    max_upload_bytes: int
    queue: int
    workers: int
    concurrency: int
    jobs: int
    timeout_s: float
    keep_days: float | None
    reasoning: Reasoning | None
    model_options: Mapping[str, Any]
    fields: tuple[CustomField, ...] = ()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("::1")
    (True, True, False, True)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_or_make_token(root: Path) -> tuple[str, Path]:
    """Return the token in ``ROOT/token`` and the path of that file, which only its owner can read.

    Creates a missing file. Raises ``StoreError`` if the file cannot be read or created.
    """
    path = (root / "token").absolute()
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(0o600)
        path.chmod(0o600)  # the permissions of a restored backup may differ
        if not path.read_text("ascii").strip():
            path.write_text(f"{secrets.token_hex(32)}\n", "ascii")
        return path.read_text("ascii").strip(), path
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StoreError(f"{path}: {why}; set EXTRACTOR_TOKEN, or choose another --root") from error
