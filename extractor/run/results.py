"""``extractions.jsonl``: where each record's line starts, and the lines brought into another order."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from extractor.errors import StoreError
from extractor.schemas import TrialExtraction

__all__ = ["index_results", "read_results", "sort_results"]


def index_results(path: Path) -> dict[str, int]:
    """Record ids of the complete lines and the byte at which they start. A torn last line is cut off.

    Raises ``StoreError`` for a line that is no extraction.
    """
    if not path.exists():
        return {}
    found: dict[str, int] = {}
    position = 0
    with path.open("r+b") as file:
        for line in file:
            if not line.endswith(b"\n"):
                file.truncate(position)
                break
            found[_record_id(line, path, position)] = position
            position += len(line)
    return found


def read_results(path: Path) -> Iterator[TrialExtraction]:
    """The extractions of all lines. Raises ``StoreError`` for a line that is none."""
    if not path.exists():
        return
    with path.open("rb") as file:
        try:
            yield from map(TrialExtraction.model_validate_json, file)
        except ValidationError as error:
            raise StoreError(f"{path}: holds what is no extraction; use --fresh or another --out") from error


def sort_results(path: Path, positions: list[int]) -> None:
    """Put the lines that start at these bytes into this order; others are dropped."""
    fresh = path.with_name(f".{path.name}.new")
    with path.open("rb") as file, fresh.open("wb") as ordered:
        for position in positions:
            file.seek(position)
            ordered.write(file.readline())
    fresh.replace(path)


def _record_id(line: bytes, path: Path, position: int) -> str:
    try:
        return str(json.loads(line)["record_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}, byte {position}: is no extraction; use --fresh or another --out") from error
