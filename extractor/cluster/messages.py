"""What the driver and a worker say to each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from extractor.errors import ExtractorError
from extractor.llm.client import ClientSettings
from extractor.llm.sending.relay import KeptAnswer, RelayedReply, RelayedRequest, Unanswered
from extractor.llm.spec import ModelSpec
from extractor.llm.trace import NotedAnswer, Verdict
from extractor.options import ExtractionOptions
from extractor.run.extracted import ExtractedLine

__all__ = [
    "Answered",
    "Assignment",
    "ChainEnded",
    "Extract",
    "Extracted",
    "Failed",
    "FromWorker",
    "Go",
    "Refused",
    "Replied",
    "ToWorker",
    "Wish",
]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is there for. ``concurrency`` bounds its requests under way; without ``spec`` it asks nobody."""

    spec: ModelSpec | None
    options: ExtractionOptions
    asking: ClientSettings
    concurrency: int
    cache_dir: Path | None = None

    @property
    def room(self) -> int:
        """Records that a worker has at once: enough that requests are ready whenever one may be sent."""
        return self.concurrency + self.concurrency // 2 + 4


@dataclass(frozen=True, slots=True)
class Extract:
    """A record to extract, as JSON."""

    number: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Go:
    """The request of that number may be sent."""

    number: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The request of that number has an answer already."""

    number: int
    answer: KeptAnswer


@dataclass(frozen=True, slots=True)
class Refused:
    """The request of that number may not be sent."""

    number: int
    error: ExtractorError


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that would be sent."""

    number: int
    request: RelayedRequest


@dataclass(frozen=True, slots=True)
class Replied:
    """What became of the request of that number, which was sent."""

    number: int
    outcome: RelayedReply | Unanswered


@dataclass(frozen=True, slots=True)
class ChainEnded:
    """How a chain of requests ended."""

    chain: int
    verdict: Verdict | None
    why: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """A finished record: its line, the answers in it, and whether some are missing."""

    number: int
    line: ExtractedLine
    answers: tuple[NotedAnswer, ...]
    lacking: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that could not be extracted."""

    number: int
    error: Exception


ToWorker = Sequence[Extract | Go | Answered | Refused]
FromWorker = Sequence[Wish | Replied | ChainEnded | Extracted | Failed]
