"""The options of ``extractor mcp``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from extractor.apps.serve.settings import LIMITS
from extractor.options import FILES, SPEED, ExtractionOptions, ModelOptions, Shown

if TYPE_CHECKING:
    from extractor.model.cost.budget import Pricing
    from extractor.setup import Setup


class ToolOptions(ExtractionOptions, ModelOptions):
    """The options of ``extractor mcp``. The tasks and the effort apply to all calls."""

    files: Annotated[Path, Shown(FILES, "DIR")] = Path()
    """Folder from which a client may read files (default: the current one)."""
    timeout: Annotated[float, Field(ge=0.1), Shown(SPEED, "S")] = 60.0
    """Maximum duration of a tool call in seconds."""
    max_bytes: Annotated[int, Field(ge=1), Shown(LIMITS, "N")] = 5_000_000
    """Maximum size of a text or a file in bytes."""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """The tools' options, and the setup of all calls with the model's pricing."""

    options: ToolOptions
    setup: "Setup"
    pricing: "Pricing"
