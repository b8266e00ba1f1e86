"""The options of ``extractor mcp``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from extractor.face import FILES, Count, ExtractionOptions, ModelOptions, Seconds, Shown

if TYPE_CHECKING:
    from extractor.face import Pricing, Setup


class ToolOptions(ExtractionOptions, ModelOptions):
    """The options of ``extractor mcp``. The tasks and the effort apply to all calls."""

    files: Annotated[Path, Shown(FILES, "DIR")] = Path()
    """Folder from which a client may read files (default: the current one)."""
    timeout: Seconds = 60.0
    """Maximum duration of a tool call in seconds."""
    max_bytes: Count = 5_000_000
    """Maximum size of a text or a file in bytes."""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """The tools' options, and the setup of all calls with the model's pricing."""

    options: ToolOptions
    setup: "Setup"
    pricing: "Pricing"
