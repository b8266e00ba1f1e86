"""The annotated records in files of gold, as plain JSON with the place of each one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from .files import is_single, list_files
from .gold_problems import GoldProblem

__all__ = ["GoldEntry", "read_entries"]


@dataclass(frozen=True, slots=True)
class GoldEntry:
    """One annotated record: the JSON as it stands in the file, and the line of a JSONL file."""

    file: str
    line: int | None
    data: Any


def read_entries(gold: str | PathLike[str]) -> Iterator[GoldEntry | GoldProblem]:
    """Every record of a JSON file, a JSONL file, a run's folder, or a folder of such files; broken JSON is a problem.

    >>> next(read_entries("seeds/gold")).data["record_id"]
    '000_071fc1b3f362aea9'
    """
    place = Path(gold)
    files = list_files(place)
    if not files:
        yield GoldProblem(str(place), None, "", "the folder holds no .json or .jsonl file", "name the folder with gold")
    for file in files:
        yield from _read_file(file)


def _read_file(file: Path) -> Iterator[GoldEntry | GoldProblem]:
    try:
        text = file.read_text("utf-8-sig")
    except OSError as problem:
        yield GoldProblem(str(file), None, "", f"cannot be read ({problem.strerror})", "check the path")
        return
    except UnicodeDecodeError as problem:
        yield GoldProblem(str(file), None, "", f"is not UTF-8 at byte {problem.start}", "save it as UTF-8")
        return
    if is_single(file):
        yield _read_entry(str(file), None, text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _read_entry(str(file), number, line)


def _read_entry(file: str, line: int | None, text: str) -> GoldEntry | GoldProblem:
    try:
        data = json.loads(text, object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}" if line is None else f"column {problem.colno}"
        return GoldProblem(file, line, "", f"broken JSON at {place}: {problem.msg}", "correct the JSON")
    except ValueError as problem:
        return GoldProblem(file, line, "", str(problem), "correct the JSON")
    except RecursionError:
        return GoldProblem(file, line, "", "is nested too deep to be an annotation", "correct the JSON")
    return GoldEntry(file, line, data)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Plain JSON readers keep the last of two equal keys and lose the other silently."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")
