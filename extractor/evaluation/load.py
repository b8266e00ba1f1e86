"""Extractions of a file or a folder, by record."""

import codecs
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.errors import GoldError
from extractor.schemas import TrialExtraction

from .gold_models import list_flaws

__all__ = ["ExtractionSource", "Extractions", "is_single", "list_files", "open_extractions"]

_RUN_FILE = "extractions.jsonl"


def list_files(source: Path) -> list[Path]:
    """The JSON and JSONL files of a folder, of a run's folder its extractions alone. A file is itself.

    >>> [file.suffix for file in list_files(Path("seeds/gold"))][:2]
    ['.json', '.json']
    """
    if not source.is_dir():
        return [source]
    run = source / _RUN_FILE
    if run.is_file():
        return [run]
    return sorted(file for file in source.iterdir() if file.suffix in (".json", ".jsonl") and file.is_file())


def is_single(file: Path) -> bool:
    """Whether a file holds one extraction; all others hold one a line."""
    return file.suffix == ".json"


ExtractionSource = str | Path | Iterable[TrialExtraction | Mapping[str, Any]]
_SOURCES = "a folder of JSON, a JSONL file or a run's folder"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one extraction stands. ``start`` is a byte of a JSONL file, None for a whole file."""

    path: Path
    line: int | None = None
    start: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}, line {self.line}"

    def read(self) -> bytes:
        with self.path.open("rb") as file:
            file.seek(self.start or 0)
            data = file.read() if self.start is None else file.readline()
        return data.removeprefix(codecs.BOM_UTF8)


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
            raise GoldError(f"{shown}: record_id {record_id!r} is in {where} too; keep one of them")
        self._places[record_id] = place

    def get(self, record_id: str) -> TrialExtraction | None:
        """The extraction of a record, or None. Raises ``GoldError`` if it breaks the schema."""
        place = self._places.get(record_id)
        if not isinstance(place, _Place):
            return place
        data = place.read()
        try:
            return TrialExtraction.model_validate_json(data)
        except ValidationError as error:
            raise _refuse(str(place), json.loads(data), error) from error

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
    if not path.exists():
        raise GoldError(f"{path}: does not exist; name {_SOURCES}")
    found = Extractions(str(source))
    for file in list_files(path):
        if is_single(file):
            found.add(_read_id(file.read_bytes(), str(file)), _Place(file), str(file))
        else:
            _index_lines(found, file)
    if not found.record_ids:
        raise GoldError(f"{path}: holds no extractions; name {_SOURCES}")
    return found


def _index_values(values: Iterable[TrialExtraction | Mapping[str, Any]], name: str) -> Extractions:
    found = Extractions(name)
    for position, value in enumerate(values):
        shown = f"{name}[{position}]"
        try:
            extraction = value if isinstance(value, TrialExtraction) else TrialExtraction.model_validate(value)
        except ValidationError as error:
            raise _refuse(shown, value, error) from error
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
        record_id = json.loads(data)["record_id"]
        # What is no text, or cannot be written as such, has no such method, or refuses.
        record_id.encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GoldError(f"{shown}: is no extraction (JSON with a record_id); correct or remove it") from error
    return str(record_id)


def _refuse(shown: str, data: Any, error: ValidationError) -> GoldError:
    """The first violation of the schema, and how many more there are."""
    first, *others = list_flaws(data, error).values()
    more = f" (and {len(others)} more; extractor evaluate --check lists them)" if others else ""
    return GoldError(f"{shown}: {first}{more}")
