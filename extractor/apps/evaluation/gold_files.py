"""Read gold and extractions from files, one at a time."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from extractor.concepts.own.declaration import CustomField
from extractor.errors import GoldError
from extractor.schemas import CustomItem, TrialExtraction

_RUN_FILE = "extractions.jsonl"
_SOURCES = "a folder of JSON, a JSONL file or a run's folder"

ExtractionSource = str | Path | Iterable[TrialExtraction | Mapping[str, Any]]


class GoldPlace(NamedTuple):
    """The place of an extraction; ``line`` and ``start``, its first byte, are of JSON lines."""

    path: Path
    line: int | None = None
    start: int = 0

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}" if self.line else str(self.path)

    def read(self) -> Any:
        """Return its JSON. Raises ``ValueError`` if it is broken."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return json.loads(file.readline() if self.line else file.read())


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw of an annotation. One that ``warns`` may be right.

    >>> print(Flaw("dosing[0].unit", "is empty", "write mg", place="a.json"))
    a.json: dosing[0].unit: is empty; write mg
    """

    path: str
    problem: str
    remedy: str
    warns: bool = False
    place: object = None

    def __str__(self) -> str:
        warning = "warning" if self.warns else None
        parts = (warning, self.place, self.path, f"{self.problem}; {self.remedy}")
        return ": ".join(str(part) for part in parts if part)


def list_places(source: Path) -> Iterator[GoldPlace]:
    """Yield the places of all extractions: each JSON file of a folder, each line of JSON lines."""
    files = [source]
    if (source / "run.json").exists():
        # A run without results has no such file.
        files = list(source.glob(_RUN_FILE))
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


class Extractions:
    """Extractions by record, read one at a time. Of files, only the places stay in memory."""

    def __init__(
        self, name: str, entries: Iterable[tuple[str, GoldPlace | TrialExtraction]]
    ) -> None:
        self.name = name
        self._places: dict[str, GoldPlace | TrialExtraction] = {}
        for record_id, place in entries:
            if record_id in self._places:
                raise GoldError(f"{name}: {record_id!r} is there twice; keep one")
            self._places[record_id] = place

    @property
    def record_ids(self) -> list[str]:
        """All ids, sorted."""
        return sorted(self._places)

    def get(self, record_id: str) -> TrialExtraction | None:
        """Return the extraction of a record, or None. Raises ``GoldError`` if it is invalid."""
        place = self._places.get(record_id)
        if isinstance(place, GoldPlace):
            return _validate(place.read(), str(place))
        return place

    def read(self, record_id: str) -> TrialExtraction:
        """Return the extraction of one of ``record_ids``. Raises ``GoldError`` if it is invalid."""
        extraction = self.get(record_id)
        assert extraction is not None
        return extraction


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
    places = ((_read_id(place), place) for place in list_places(path))
    extractions = Extractions(str(source), places)
    if not extractions.record_ids:
        raise GoldError(f"{path}: holds no extractions; name {_SOURCES}")
    return extractions


def _read_id(place: GoldPlace) -> str:
    try:
        return str(place.read()["record_id"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GoldError(
            f"{place}: is not an extraction (JSON with a record_id); correct or remove it"
        ) from error


def add_eligibility(data: Any) -> Any:
    """Return the JSON of gold with an empty ``eligibility`` if it has none: gold may be of doses or
    outcomes alone.
    """
    return {"eligibility": {}, **data} if isinstance(data, Mapping) else data


def _validate(data: Any, shown: str) -> TrialExtraction:
    try:
        return TrialExtraction.model_validate(add_eligibility(data))
    except ValidationError as error:
        first, *others = list_flaws(error)
        more = f" (and {len(others)} more; extractor evaluate --check lists them)"
        raise GoldError(f"{shown}: {first}{more if others else ''}") from error


def list_flaws(error: ValidationError) -> list[Flaw]:
    """Return the violations of the schema, one for each place."""
    flaws: dict[str, Flaw] = {}
    for violation in error.errors(include_url=False):
        # For a number, pydantic also names the branches of the union.
        keys = [key for key in violation["loc"] if key not in ("int", "float")]
        path = join_path(keys)
        flaws[path] = Flaw(path, violation["msg"], "correct it")
    return list(flaws.values())


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
            try:
                values = _parse_values(field, item)
            except ValueError as error:
                place = f"{extraction.record_id}: custom.{field.name}[{number}]"
                raise GoldError(f"{place}.values: {error}") from error
            host = hosts.get(item.of or "")
            words = getattr(host, "quote", None) or getattr(host, "measure", None)
            update = {"values": values, "of": words, "calibrated": False}
            items.append(item.model_copy(update=update))
        if field.name in custom:
            custom[field.name] = tuple(items)
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
