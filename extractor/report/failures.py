"""Records that a run could not extract."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from extractor.run.results import naming_file

__all__ = ["Reason", "count_reasons", "read_failures"]

_NUMBER = re.compile(r"(?<!HTTP )\d+")


class Reason(NamedTuple):
    """Why so many records failed, and one of them: its id, or its place where it has none."""

    message: str
    records: int
    example: str


def read_failures(path: Path) -> list[dict[str, Any]]:
    """What ``failures.jsonl`` says, nothing where there is none. A line that is no JSON is left out: it was torn."""
    if not path.exists():
        return []
    with naming_file(path):
        lines = path.read_text("utf-8", "replace").splitlines()
    return [failure for line in lines if isinstance(failure := _read(line), dict)]


def count_reasons(failures: Iterable[dict[str, Any]]) -> list[Reason]:
    """Why records failed, the commonest first. Messages of one class that differ in a place, an id or a number are one.

    >>> count_reasons([
    ...     {"record_id": None, "path": "a.json", "place": "line 2", "error": "RecordError",
    ...      "message": "a.json, line 2: broken JSON; check the file"},
    ...     {"record_id": None, "path": "a.json", "place": "line 9", "error": "RecordError",
    ...      "message": "a.json, line 9: broken JSON; check the file"}])
    [Reason(message='broken JSON; check the file', records=2, example='a.json, line 2')]
    """
    reasons: dict[tuple[str, str], Reason] = {}
    for failure in failures:
        place = ", ".join(str(failure[name]) for name in ("path", "place") if failure.get(name))
        example = str(failure.get("record_id") or place)
        message = str(failure.get("message", "")).removeprefix(f"{place}: ")
        alike = str(failure.get("error")), _NUMBER.sub("N", message.replace(example, "ID"))
        known = reasons.get(alike, Reason(message, 0, example))
        reasons[alike] = known._replace(records=known.records + 1)
    return sorted(reasons.values(), key=lambda reason: -reason.records)


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
