"""What decides a run's results, for its manifest: the same settings continue a run, others do not."""

from importlib.metadata import version
from typing import Any

from extractor.ask.prompt import load_prompt
from extractor.pipeline import Extractor

__all__ = ["describe_settings"]


def describe_settings(extractor: Extractor) -> dict[str, Any]:
    """Versions, tasks, model and prompts with their hashes, ready for JSON. Never a key."""
    prompt = load_prompt().version
    return {
        "extractor": version("trial-extractor"),
        "tasks": sorted(extractor.tasks),
        "assist": extractor.assist.value,
        "model": str(extractor.choice),
        "prompts": {f"{prompt.name}.v{prompt.version}": prompt.sha256},
    }
