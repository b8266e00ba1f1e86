"""The tables of a module's tests, in a file beside it: ``test_scores.json`` for ``test_scores.py``."""

import json
from pathlib import Path
from typing import Any


def read_cases(module: str) -> dict[str, list[Any]]:
    """Return the tables of a module by name."""
    cases: dict[str, list[Any]] = json.loads(
        Path(module).with_suffix(".json").read_text("utf-8")
    )
    return cases
