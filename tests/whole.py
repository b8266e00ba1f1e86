"""Whole outputs, compared with files beside the tests.

``WRITE_WHOLE=1 python -m pytest -n 0 tests/FOLDER`` writes the files anew: look at each difference.
"""

import json
import os
from pathlib import Path
from typing import Any


def check_whole(path: Path, found: Any) -> None:
    """Compare a value as JSON with a file."""
    text = json.dumps(found, indent=1, ensure_ascii=False, default=str)
    if "WRITE_WHOLE" in os.environ:
        path.write_text(f"{text}\n", "utf-8")
    assert json.loads(text) == json.loads(path.read_text("utf-8"))


def read_cases(module: str) -> dict[str, list[Any]]:
    """The tables of a module's tests: the file of its name that ends with .json."""
    cases: dict[str, list[Any]] = json.loads(
        Path(module).with_suffix(".json").read_text("utf-8")
    )
    return cases
