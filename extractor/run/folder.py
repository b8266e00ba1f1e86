"""A run's folder: results, failures and the manifest, written so that a crash loses at most the line in flight."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from extractor.errors import StoreError
from extractor.schemas import TrialExtraction

__all__ = ["RunFolder"]

EXTRACTIONS, FAILURES, MANIFEST = "extractions.jsonl", "failures.jsonl", "run.json"


class RunFolder:
    """``extractions.jsonl`` (one line a record), ``failures.jsonl`` and ``run.json`` under one path.

    Opening a folder of an earlier run continues it: ``done`` holds the records that it already has.
    Raises ``StoreError`` if the folder was made with other settings or holds foreign files.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.path = path
        self._settings = dict(settings)
        self._order: list[str] = []
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: cannot be created ({error.strerror}); choose another --out") from error
        if fresh:
            for name in (EXTRACTIONS, FAILURES, MANIFEST):
                (path / name).unlink(missing_ok=True)
        self._check_settings()
        self.done = self._index()
        self._results = (path / EXTRACTIONS).open("ab")
        self._failures = (path / FAILURES).open("w", encoding="utf-8")

    def skip(self, record_id: str) -> None:
        """Note that a record which an earlier run finished stands at this place of the input."""
        self._order.append(record_id)

    def write(self, extraction: TrialExtraction) -> None:
        """Append a result; it is on disk when this returns."""
        line = extraction.model_dump_json().encode() + b"\n"
        self.done[extraction.record_id] = self._results.tell()
        self._order.append(extraction.record_id)
        self._results.write(line)
        self._results.flush()

    def write_failure(self, failure: Mapping[str, Any]) -> None:
        """Append a failure."""
        self._failures.write(json.dumps(failure, ensure_ascii=False) + "\n")
        self._failures.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._results.close()
        self._failures.close()

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write the manifest and bring the results into input order, where a resumed run appended out of order."""
        self._results.flush()
        ordered = dict.fromkeys(self._order)
        others = (record_id for record_id in self.done if record_id not in ordered)
        positions = [self.done[record_id] for record_id in (*ordered, *others)]
        if positions != sorted(positions):
            self._sort(positions)
        _write_atomically(
            self.path / MANIFEST, json.dumps({"settings": self._settings, **manifest}, indent=2).encode() + b"\n"
        )

    def _check_settings(self) -> None:
        manifest = self.path / MANIFEST
        if not manifest.exists():
            if (self.path / EXTRACTIONS).exists():
                raise StoreError(f"{self.path}: has {EXTRACTIONS} but no {MANIFEST}; choose another --out")
            _write_atomically(manifest, json.dumps({"settings": self._settings}, indent=2).encode() + b"\n")
            return
        try:
            earlier = json.loads(manifest.read_text("utf-8"))["settings"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{manifest}: is no manifest of a run; use --fresh or another --out") from error
        changed = [name for name in self._settings if earlier.get(name) != self._settings[name]]
        if changed:
            differences = "; ".join(
                f"{name} was {earlier.get(name)!r}, is {self._settings[name]!r}" for name in changed
            )
            raise StoreError(f"{self.path}: was made with other settings ({differences}); use --fresh or another --out")

    def _index(self) -> dict[str, int]:
        """Record ids of the complete lines and where they start. A torn last line is cut off."""
        results = self.path / EXTRACTIONS
        if not results.exists():
            return {}
        found: dict[str, int] = {}
        position = 0
        with results.open("r+b") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    file.truncate(position)
                    break
                found[_record_id(line, results, position)] = position
                position += len(line)
        return found

    def _sort(self, positions: list[int]) -> None:
        results = self.path / EXTRACTIONS
        fresh = self.path / f".{EXTRACTIONS}.new"
        with results.open("rb") as file, fresh.open("wb") as ordered:
            for line in _lines_at(file, positions):
                ordered.write(line)
        fresh.replace(results)


def _lines_at(file: Any, positions: list[int]) -> Iterator[bytes]:
    for position in positions:
        file.seek(position)
        yield file.readline()


def _record_id(line: bytes, path: Path, position: int) -> str:
    try:
        return str(json.loads(line)["record_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}, byte {position}: is no extraction; use --fresh or another --out") from error


def _write_atomically(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
