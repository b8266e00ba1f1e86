"""Records that a run could not extract."""

import json
from pathlib import Path
from typing import Any

from extractor.run.results import telling

__all__ = ["read_failures"]


def read_failures(path: Path) -> list[dict[str, Any]]:
    """What ``failures.jsonl`` says, nothing where there is none. A line that is no JSON is left out: it was torn."""
    if not path.exists():
        return []
    with telling(path):
        lines = path.read_text("utf-8", "replace").splitlines()
    return [failure for line in lines if isinstance(failure := _read(line), dict)]


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
