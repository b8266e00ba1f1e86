"""Read gold and extractions from files, one at a time."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from extractor.concepts.own.declaration import CustomField
from extractor.errors import GoldError
from extractor.schemas import CustomItem, TrialExtraction

_SOURCES = "a folder of JSON, a JSONL file or a run's folder"
_BROKEN = (ValueError, KeyError, TypeError, RecursionError)
ExtractionSource = str | Path | Iterable[TrialExtraction | Mapping[str, Any]]


class GoldPlace(NamedTuple):
    """The place of an extraction; ``line`` and ``start``, its first byte, are of JSON lines."""

    path: Path
    line: int = 0
    start: int = 0

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}" if self.line else str(self.path)

    def read(self) -> tuple[str, Any]:
        """Return the record and the JSON. Raises ``GoldError`` if it is no extraction."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                data = json.loads(file.readline() if self.line else file.read())
            return str(data["record_id"]), data
        except _BROKEN as error:
            raise GoldError(
                f"{self}: is not an extraction (JSON with a record_id); correct or remove it"
            ) from error


def list_places(source: Path) -> Iterator[GoldPlace]:
    """Yield the places of all extractions: each JSON file of a folder, each line of JSON lines."""
    files = [source]
    if (source / "run.json").exists():
        # A run without results has no such file.
        files = list(source.glob("extractions.jsonl"))
    elif source.is_dir():
        files = sorted([*source.glob("*.json"), *source.glob("*.jsonl")])
    for file in files:
        if file.suffix == ".json":
            yield GoldPlace(file)
            continue
        start = 0
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield GoldPlace(file, number, start)
                start += len(line)


class Extractions(Mapping[str, TrialExtraction]):
    """Extractions by record, read one at a time. Of files, only the places stay in memory.

    Raises ``GoldError`` for a repeated id, and where an invalid extraction is read.
    """

    def __init__(
        self, name: str, entries: Iterable[tuple[str, GoldPlace | TrialExtraction]]
    ) -> None:
        self.name = name
        self._entries: dict[str, GoldPlace | TrialExtraction] = {}
        for record_id, entry in entries:
            if record_id in self._entries:
                raise GoldError(f"{name}: {record_id!r} is there twice; keep one")
            self._entries[record_id] = entry

    def __getitem__(self, record_id: str) -> TrialExtraction:
        entry = self._entries[record_id]
        if isinstance(entry, GoldPlace):
            return _validate(entry.read()[1], str(entry))
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


def open_extractions(source: ExtractionSource, name: str) -> Extractions:
    """Index extractions, so that each can be read alone; ``name`` is that of a source in memory.

    Raises ``GoldError`` for a path without extractions, an invalid file, or a repeated id.
    """
    if not isinstance(source, str | Path):
        valid = [
            _validate(entry, f"{name}[{number}]") for number, entry in enumerate(source)
        ]
        return Extractions(name, ((entry.record_id, entry) for entry in valid))
    path = Path(source)
    if not path.exists():
        raise GoldError(f"{path}: does not exist; name {_SOURCES}")
    places = ((place.read()[0], place) for place in list_places(path))
    extractions = Extractions(str(source), places)
    if not extractions:
        raise GoldError(f"{path}: holds no extractions; name {_SOURCES}")
    return extractions


def add_eligibility(data: Any) -> Any:
    """Return the JSON of gold with an empty ``eligibility`` if it has none: gold may be of doses or
    outcomes alone.
    """
    return {"eligibility": {}, **data} if isinstance(data, Mapping) else data


def _validate(data: Any, place: str) -> TrialExtraction:
    try:
        return TrialExtraction.model_validate(add_eligibility(data))
    except ValidationError as error:
        (path, problem), *others = list_violations(error).items()
        more = f" (and {len(others)} more; extractor evaluate --check lists them)"
        message = f"{place}: {path}: {problem}; correct it{more if others else ''}"
        raise GoldError(message) from error


def list_violations(error: ValidationError) -> dict[str, str]:
    """Return the violations of the schema by their paths."""
    # For a number, pydantic also names the branches of the union.
    return {
        join_path([key for key in one["loc"] if key not in ("int", "float")]): one[
            "msg"
        ]
        for one in error.errors(include_url=False)
    }


def join_path(parts: Sequence[str | int]) -> str:
    """Write a JSON path as output names fields.

    >>> join_path(("eligibility", "criteria", 3, "quote"))
    'eligibility.criteria[3].quote'
    """
    written = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return "".join(written).removeprefix(".")


def parse_own_values(
    extraction: TrialExtraction, fields: Iterable[CustomField]
) -> TrialExtraction:
    """Return an extraction whose values of the user's ``fields`` are parsed by their declarations,
    each with the words of its item in place of its path.

    Raises ``GoldError`` for a value that cannot be parsed.
    """
    hosts = dict(extraction.list_items())
    custom = dict(extraction.custom)
    for field in fields:
        items = []
        for number, item in enumerate(custom.get(field.name, ())):
            host = hosts.get(item.of or "")
            words = getattr(host, "quote", None) or getattr(host, "measure", None)
            try:
                values = _parse_values(field, item)
            except ValueError as error:
                place = f"{extraction.record_id}: custom.{field.name}[{number}]"
                raise GoldError(f"{place}.values: {error}") from error
            update = {"values": values, "of": words, "calibrated": False}
            items.append(item.model_copy(update=update))
        custom |= {field.name: tuple(items)} if items else {}
    return extraction.model_copy(update={"custom": custom})


def _parse_values(field: CustomField, item: CustomItem) -> dict[str, Any]:
    attributes = {attribute.name: attribute for attribute in field.attributes}
    unknown = item.values.keys() - attributes.keys()
    if unknown:
        raise ValueError(f"the field has no attribute {', '.join(sorted(unknown))}")
    # An empty value states nothing, as a missing one does.
    return {
        name: attributes[name].read_all(value)
        for name, value in item.values.items()
        if value not in (None, "", [], ())
    }
