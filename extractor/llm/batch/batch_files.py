"""Requests and answers as a provider's batch files: one JSON object a line, answers in any order."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from extractor.errors import CassetteError
from extractor.llm.cache import exchange_key

__all__ = ["MOST_BYTES", "MOST_REQUESTS", "AnswerFiles", "RequestFile", "name_request"]

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000
"""What a file may hold; providers take 50,000 requests and 200 MB."""

_PATH = "/v1/chat/completions"


def name_request(body: Mapping[str, Any]) -> str:
    """The ``custom_id`` of a request: the same question has the same one, whichever model it is put to.

    >>> len(name_request({"messages": []}))
    32
    """
    return exchange_key(body)[:32]


class RequestFile:
    """Writes distinct requests to ``path``, and beyond a file's limits to ``<stem>-2<suffix>`` and so on.

    The files appear whole, when the ``with`` block ends; a block that fails leaves none.
    """

    def __init__(self, path: Path, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self.written = 0
        self.parts: list[Path] = []
        self._most = (most_requests, most_bytes)
        self._names: set[bytes] = set()
        self._room = (0, 0)
        self._file: BinaryIO | None = None

    def __enter__(self) -> "RequestFile":
        self._open_part()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file
        self._file.close()
        for part in self.parts:
            if kind is None:
                _unfinished(part).replace(part)
            else:
                _unfinished(part).unlink(missing_ok=True)

    def add(self, body: Mapping[str, Any]) -> None:
        """Write a request, unless it is there already."""
        name = name_request(body)
        if bytes.fromhex(name) in self._names:
            return
        self._names.add(bytes.fromhex(name))
        line = json.dumps({"custom_id": name, "method": "POST", "url": _PATH, "body": body}, ensure_ascii=False)
        encoded = line.encode("utf-8") + b"\n"
        requests, size = self._room
        if not requests or len(encoded) > size:
            self._open_part()
            requests, size = self._room
        assert self._file
        self._file.write(encoded)
        self._room = (requests - 1, size - len(encoded))
        self.written += 1

    def _open_part(self) -> None:
        if self._file:
            self._file.close()
        number = len(self.parts) + 1
        part = self.path if number == 1 else self.path.with_stem(f"{self.path.stem}-{number}")
        self.parts.append(part)
        self._file = _unfinished(part).open("wb")
        self._room = self._most


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


@dataclass(frozen=True, slots=True)
class _Place:
    file: int
    start: int


class AnswerFiles:
    """Answers by the name of their request, read from disk when they are wanted: only places are held in memory.

    A later answer to the same request replaces an earlier one. ``failed`` lists the lines that hold no
    completion, as ``file, line: why``, unless another line answers the same request. Lines that are no JSON are among
    them. Raises ``CassetteError`` for a file that cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = tuple(paths)
        self._places: dict[bytes, _Place] = {}
        failures: dict[bytes | str, str] = {}
        digest = sha256()
        for number, path in enumerate(self._paths):
            for place, start, line in _read_lines(path):
                digest.update(line)
                name, why = _judge_line(line)
                if why is None:
                    self._places[name] = _Place(number, start)
                else:
                    failures[name or place] = f"{path}, {place}: {why}"
        self.failed = tuple(text for name, text in failures.items() if name not in self._places)
        self.sha256 = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._places)

    def find(self, name: str) -> dict[str, Any] | None:
        """The completion that answers the request of that name, or None."""
        place = self._places.get(bytes.fromhex(name))
        if place is None:
            return None
        with self._paths[place.file].open("rb") as file:
            file.seek(place.start)
            completion: dict[str, Any] = json.loads(file.readline())["response"]["body"]
        return completion


def _read_lines(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Each line that is not blank, with its place for people and its first byte."""
    try:
        with path.open("rb") as file:
            start = 0
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"line {number}", start, line
                start += len(line)
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read: {error.strerror}; name a file of answers") from error


def _judge_line(line: bytes) -> tuple[bytes, str | None]:
    """The name of the request that a line answers, and why it does not; no name where that cannot be told."""
    try:
        answer = json.loads(line)
        name = bytes.fromhex(answer["custom_id"])
    except (ValueError, LookupError, TypeError):
        return b"", "no answer to a request of this program (no custom_id that it gave)"
    response = answer.get("response")
    status = response.get("status_code", 200) if isinstance(response, dict) else None
    body = response.get("body") if isinstance(response, dict) else None
    if status == 200 and isinstance(body, dict) and body.get("choices"):
        return name, None
    return name, _explain(answer, status, body)


def _explain(answer: Mapping[str, Any], status: object, body: object) -> str:
    error = answer.get("error") or (body.get("error") if isinstance(body, dict) else None)
    told = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return f"status {status}, {str(told)[:200]}" if told else f"no completion (status {status})"
