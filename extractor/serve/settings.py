"""How a service is set up, settled before it starts."""

from dataclasses import dataclass, field
from pathlib import Path

from extractor.llm.client import ClientSettings
from extractor.llm.spec import ModelSpec
from extractor.run.budget import Pricing

__all__ = ["Bounds", "ServiceSettings"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the service takes at once and at most, whoever calls.

    ``queue`` extractions may wait or be under way, ``workers`` processes extract by the rules, ``concurrency`` bounds
    the records that are with a model, ``jobs`` the jobs under way; ``timeout_s`` is for one extraction.
    """

    max_bytes: int = 5_000_000
    max_upload_bytes: int = 1_000_000_000
    queue: int = 256
    workers: int = 2
    concurrency: int = 16
    jobs: int = 2
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """``root`` is where keys and jobs are kept, ``token`` the operator's. Without a ``model`` the rules work alone."""

    root: Path
    token: str
    model: ModelSpec | None = None
    pricing: Pricing = field(default_factory=Pricing)
    asking: ClientSettings = field(default_factory=ClientSettings)
    bounds: Bounds = field(default_factory=Bounds)
