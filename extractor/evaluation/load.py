"""Extractions by record id, from a folder of JSON, a JSONL file, a run's folder, or values at hand."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.errors import GoldError
from extractor.schemas import TrialExtraction

__all__ = ["ExtractionSource", "Extractions", "open_extractions"]

ExtractionSource = str | Path | Iterable[TrialExtraction | Mapping[str, Any]]
_RUN_FILE = "extractions.jsonl"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one extraction stands. ``start`` is a byte of a JSONL file, None for a whole file."""

    path: Path
    line: int | None = None
    start: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}, line {self.line}"

    def read(self) -> bytes:
        if self.start is None:
            return self.path.read_bytes()
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.readline()


class Extractions:
    """Extractions read one at a time. Only ids and places stay in memory, where they come from files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._places: dict[str, _Place | TrialExtraction] = {}

    @property
    def record_ids(self) -> list[str]:
        """All ids, sorted."""
        return sorted(self._places)

    def add(self, record_id: str, place: _Place | TrialExtraction, shown: str) -> None:
        """Note where a record is. Raises ``GoldError`` if it is there twice."""
        if record_id in self._places:
            first = self._places[record_id]
            where = first if isinstance(first, _Place) else "an earlier value"
            raise GoldError(f"{shown}: record_id {record_id} is in {where} too; keep one of them")
        self._places[record_id] = place

    def get(self, record_id: str) -> TrialExtraction | None:
        """The extraction of a record, or None. Raises ``GoldError`` if it breaks the schema."""
        place = self._places.get(record_id)
        if not isinstance(place, _Place):
            return place
        try:
            return TrialExtraction.model_validate_json(place.read())
        except ValidationError as error:
            raise GoldError(f"{place}: {_first_problem(error)}; correct it to the schema (extractor schema)") from error

    def place(self, record_id: str) -> str | None:
        """Where a record stands: a file, and the line in it. The source's name if it came from no file."""
        place = self._places.get(record_id)
        return None if place is None else str(place) if isinstance(place, _Place) else self.name


def open_extractions(source: ExtractionSource, name: str) -> Extractions:
    """Index extractions. ``name`` is what values that come from no file are called.

    Raises ``GoldError`` for a path that holds none, a file that is no extraction, or an id given twice.
    """
    if not isinstance(source, str | Path):
        return _index_values(source, name)
    path = Path(source)
    found = Extractions(str(source))
    if path.is_dir():
        run = path / _RUN_FILE
        if run.exists():
            _index_lines(found, run)
        for file in () if run.exists() else sorted(path.glob("*.json")):
            found.add(_read_id(file.read_bytes(), str(file)), _Place(file), str(file))
    elif path.suffix == ".json" and path.exists():
        found.add(_read_id(path.read_bytes(), str(path)), _Place(path), str(path))
    elif path.exists():
        _index_lines(found, path)
    else:
        raise GoldError(f"{path}: does not exist; name a folder of JSON, a JSONL file or a run's folder")
    if not found.record_ids:
        raise GoldError(f"{path}: holds no extractions; name a folder of JSON, a JSONL file or a run's folder")
    return found


def _index_values(values: Iterable[TrialExtraction | Mapping[str, Any]], name: str) -> Extractions:
    found = Extractions(name)
    for position, value in enumerate(values):
        shown = f"{name}[{position}]"
        try:
            extraction = value if isinstance(value, TrialExtraction) else TrialExtraction.model_validate(value)
        except ValidationError as error:
            raise GoldError(f"{shown}: {_first_problem(error)}; correct it to the schema") from error
        found.add(extraction.record_id, extraction, shown)
    return found


def _index_lines(found: Extractions, path: Path) -> None:
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                place = _Place(path, number, start)
                found.add(_read_id(line, str(place)), place, str(place))
            start += len(line)


def _read_id(data: bytes, shown: str) -> str:
    try:
        return str(json.loads(data)["record_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise GoldError(f"{shown}: is no extraction (JSON with a record_id); correct or remove it") from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).removeprefix(".")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}: {first['msg']}{more}"
