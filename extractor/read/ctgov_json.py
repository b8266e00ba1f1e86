"""Studies in the JSON of the ClinicalTrials.gov API, version 2.

A document is one study, an array of studies, a page ``{"studies": [...]}``, or studies line by line (JSONL).
Arrays and pages are streamed; in JSONL a broken line costs that line only.
"""

import io
import json
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]

from .drafts import Found, Unreadable, build_draft
from .limits import CappedStream, peek_block, read_lines
from .nesting import NestingGuard
from .study import build_study

__all__ = ["read_ctgov_json"]

_OPENING, _CLOSING = ("start_map", "start_array"), ("end_map", "end_array")
_DOWNLOAD_AGAIN = "check or download the file again"


class _Layout(Enum):
    ARRAY = auto()
    PAGE = auto()
    LINES = auto()
    VALUES = auto()


_PREFIXES = {_Layout.ARRAY: "item", _Layout.PAGE: "studies.item", _Layout.VALUES: ""}


def read_ctgov_json(stream: BinaryIO) -> Iterator[Found]:
    """The studies of one document, in order."""
    layout = _detect_layout(peek_block(stream))
    return _read_lines(stream) if layout is _Layout.LINES else _read_values(stream, _PREFIXES[layout])


def _detect_layout(head: bytes) -> _Layout:
    if head.lstrip().startswith(b"["):
        return _Layout.ARRAY
    if _is_page(head):
        return _Layout.PAGE
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    starts_lines = _is_json(lines[0]) or len(lines) == 1
    # A first line that is broken still stands before lines that are studies.
    breaks_first_line = len(lines) > 1 and lines[1].startswith(b"{") and (_is_json(lines[1]) or len(lines) == 2)
    return _Layout.LINES if starts_lines or breaks_first_line else _Layout.VALUES


def _is_page(head: bytes) -> bool:
    """Whether the first object has a key "studies" with an array, as far as the first block shows."""
    depth, key = 0, None
    try:
        # As floats: of an integer that is longer than Python takes, the parser dies.
        for event, value in ijson.basic_parse(io.BytesIO(head), multiple_values=True, use_float=True):
            if event == "map_key" and depth == 1:
                key = value
            elif event == "start_array" and depth == 1 and key == "studies":
                return True
            depth += (event in _OPENING) - (event in _CLOSING)
            if depth == 0:
                break
    except (ijson.JSONError, ValueError):
        pass  # the block ends somewhere inside a study
    return False


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_lines(stream: BinaryIO) -> Iterator[Found]:
    for number, line in read_lines(stream):
        if isinstance(line, Unreadable):
            yield line
        elif line.strip():
            yield _read_line(line, f"line {number}")


def _read_line(line: bytes, place: str) -> Found:
    try:
        study = json.loads(line)
    except UnicodeDecodeError as problem:
        return Unreadable("text that is not UTF-8", "save the file as UTF-8", place=f"{place}, byte {problem.start}")
    except json.JSONDecodeError as problem:
        return Unreadable(f"broken JSON ({problem.msg})", _DOWNLOAD_AGAIN, place=f"{place}, character {problem.pos}")
    except (ValueError, RecursionError) as problem:
        return Unreadable(f"JSON that no study looks like ({problem})", _DOWNLOAD_AGAIN, place=place)
    return build_draft(build_study, study, place)


def _read_values(stream: BinaryIO, prefix: str) -> Iterator[Found]:
    capped, number = CappedStream(stream), 0
    try:
        for study in ijson.items(NestingGuard(capped), prefix, multiple_values=True, use_float=True):
            number += 1
            yield build_draft(build_study, study, f"record {number}")
            capped.start_record()
    except Unreadable as problem:
        raise Unreadable(problem.problem, problem.remedy, place=f"record {number + 1}") from problem
    except (ijson.JSONError, ValueError, RecursionError) as problem:
        raise Unreadable(_describe(problem), _DOWNLOAD_AGAIN, place=f"record {number + 1}") from problem


def _describe(problem: Exception) -> str:
    """The first line of the parser's message; those that follow quote the data."""
    message: Any = problem.args[0] if problem.args else problem
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    text = text.strip().partition("\n")[0]
    if "premature EOF" in text or "incomplete JSON" in text.lower():
        return "the JSON ends too early"
    if "UTF8" in text:
        return "text that is not UTF-8"
    return f"broken JSON ({text})"
