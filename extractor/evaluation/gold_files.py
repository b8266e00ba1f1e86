"""Annotations and extractions in files: read one at a time, with every violation of the schema."""

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from extractor.errors import GoldError
from extractor.schemas import Criterion, Eligibility, Endpoint, Regimen, TrialExtraction

_RUN_FILE = "extractions.jsonl"
_SOURCES = "a folder of JSON, a JSONL file or a run's folder"
_SHOWN = 90
"""How many characters of a quoted text a message shows."""
_NUMBER_ERRORS = {"int_type", "int_parsing", "int_from_float", "float_type", "float_parsing", "finite_number"}

ExtractionSource = str | Path | Iterable[TrialExtraction | Mapping[str, Any]]
Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


def list_files(source: Path) -> list[Path]:
    """The JSON and JSONL files of a folder; of a run's folder its extractions alone. A file is returned itself.

    >>> [file.suffix for file in list_files(Path("seeds/gold"))][:2]
    ['.json', '.json']
    """
    if not source.is_dir():
        return [source]
    run = source / _RUN_FILE
    if run.is_file():
        return [run]
    return sorted(file for file in source.iterdir() if file.suffix in (".json", ".jsonl") and file.is_file())


class Place(NamedTuple):
    """Where an extraction is. ``line`` and ``start``, its first byte, are of a JSONL file; None for a whole file."""

    path: Path
    line: int | None = None
    start: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}, line {self.line}"

    def read(self) -> bytes:
        """Its JSON."""
        with self.path.open("rb") as file:
            file.seek(self.start or 0)
            data = file.read() if self.start is None else file.readline()
        return data.removeprefix(codecs.BOM_UTF8)


def list_places(path: Path) -> Iterator[tuple[Place, bytes]]:
    """The extractions of a file, with their JSON: one in a JSON file, else one a line."""
    if path.suffix == ".json":
        yield Place(path), Place(path).read()
        return
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield Place(path, number, start), line.removeprefix(codecs.BOM_UTF8)
            start += len(line)


class Extractions:
    """Extractions read one at a time. Only ids and places stay in memory, where they come from files."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._places: dict[str, Place | TrialExtraction] = {}

    @property
    def record_ids(self) -> list[str]:
        """All ids, sorted."""
        return sorted(self._places)

    def add(self, record_id: str, place: Place | TrialExtraction, shown: str) -> None:
        """Note where a record is. Raises ``GoldError`` if it is there twice."""
        if record_id in self._places:
            first = self._places[record_id]
            where = first if isinstance(first, Place) else "an earlier value"
            raise GoldError(f"{shown}: record_id {record_id!r} is in {where} too; keep one of them")
        self._places[record_id] = place

    def get(self, record_id: str) -> TrialExtraction | None:
        """The extraction of a record, or None. Raises ``GoldError`` if it breaks the schema."""
        place = self._places.get(record_id)
        if not isinstance(place, Place):
            return place
        data = place.read()
        try:
            return TrialExtraction.model_validate_json(data)
        except ValidationError as error:
            raise _describe_broken(str(place), json.loads(data), error) from error

    def place(self, record_id: str) -> str | None:
        """Where a record is: a file, and the line in it. The source's name if it came from no file."""
        place = self._places.get(record_id)
        return None if place is None else str(place) if isinstance(place, Place) else self.name


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
        for place, data in list_places(file):
            found.add(_read_id(data, str(place)), place, str(place))
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
            raise _describe_broken(shown, value, error) from error
        found.add(extraction.record_id, extraction, shown)
    return found


def _read_id(data: bytes, shown: str) -> str:
    try:
        record_id = json.loads(data)["record_id"]
        record_id.encode()  # refuses what is no text, or cannot be written
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GoldError(f"{shown}: is no extraction (JSON with a record_id); correct or remove it") from error
    return str(record_id)


def _describe_broken(shown: str, data: Any, error: ValidationError) -> GoldError:
    """The first violation of the schema, and how many more there are."""
    first, *others = _list_flaws(data, error).values()
    more = f" (and {len(others)} more; extractor evaluate --check lists them)" if others else ""
    return GoldError(f"{shown}: {first}{more}")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong within one annotated record."""

    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{f'{self.path}: ' if self.path else ''}{self.problem}; {self.remedy}"


def join_path(parts: Sequence[str | int]) -> str:
    """A JSON path as output names fields. A key that is no name is put in quotation marks.

    >>> join_path(("eligibility", "criteria", 3, "quote")), join_path(("dosing", 0, "the dose"))
    ('eligibility.criteria[3].quote', "dosing[0]['the dose']")
    """
    named = (f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{part!r}]" for part in parts)
    return "".join(named).removeprefix(".")


def shorten(text: str) -> str:
    r"""A text in one line and in quotation marks, its middle left out if it is long.

    >>> shorten("ECOG\n 0-2")
    "'ECOG 0-2'"
    """
    line = " ".join(text.split())
    half = _SHOWN // 2
    return repr(line if len(line) <= _SHOWN else f"{line[:half]} ... {line[-half:]}")


@dataclass(frozen=True, slots=True)
class GoldItems:
    """The parts of one annotation that the schema accepts, each with its JSON path; faulty fields are left out."""

    eligibility: Eligibility | None
    criteria: tuple[tuple[str, Criterion], ...]
    regimens: tuple[tuple[str, Regimen], ...]
    endpoints: tuple[tuple[str, Endpoint], ...]


def read_items(data: Any) -> tuple[list[Flaw], GoldItems]:
    """Every violation of the schema, and what can be read in spite of it.

    >>> flaws, items = read_items({"record_id": "x", "eligibility": {"sex": "men"}})
    >>> print(flaws[0].path, flaws[0].problem)
    eligibility.sex 'men' is not allowed
    """
    flaws: dict[Location, Flaw] = {}
    try:
        TrialExtraction.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        flaws = _list_flaws(data, error)
    whole = data.get("eligibility") if isinstance(data, dict) else None
    eligibility = _repair(Eligibility, whole, ("eligibility",), {*flaws, ("eligibility", "criteria")})
    return list(flaws.values()), GoldItems(
        eligibility,
        tuple(_repair_list(Criterion, data, ("eligibility", "criteria"), flaws)),
        tuple(_repair_list(Regimen, data, ("dosing",), flaws)),
        tuple(_repair_list(Endpoint, data, ("endpoints",), flaws)),
    )


def _repair_list(
    model: type[Model], rows: Any, path: Location, faulty: Iterable[Location]
) -> Iterator[tuple[str, Model]]:
    for part in path:
        rows = rows.get(part) if isinstance(rows, dict) else None
    for number, raw in enumerate(rows if isinstance(rows, list) else ()):
        if item := _repair(model, raw, (*path, number), faulty):
            yield join_path((*path, number)), item


def _repair(model: type[Model], raw: Any, path: Location, faulty: Iterable[Location]) -> Model | None:
    """The item without its faulty fields, or None if it is not valid without them."""
    if not isinstance(raw, dict):
        return None
    broken = {place[len(path)] for place in faulty if place[: len(path)] == path and len(place) > len(path)}
    # No check of the text depends on the kind of a criterion.
    kept = {"kind": "inclusion"} if model is Criterion else {}
    kept |= {name: value for name, value in raw.items() if name not in broken}
    try:
        return model.model_validate_json(json.dumps(kept), strict=True)
    except ValidationError:
        return None


def _list_flaws(data: Any, error: ValidationError) -> dict[Location, Flaw]:
    """Every violation of the schema by its place in ``data``, the JSON that was refused."""
    placed = [(_follow(data, one), one) for one in error.errors(include_url=False)]
    return {path: _describe(path, one) for path, one in placed}


def _follow(data: Any, error: ErrorDetails) -> Location:
    """The part of an error's place that is in the JSON: pydantic also names the branches of a union."""
    path: list[str | int] = []
    for part in error["loc"]:
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if not inside and error["type"] != "missing":
            break
        path.append(part)
        data = data[part] if inside else None
    return tuple(path)


def _describe(path: Location, error: ErrorDetails) -> Flaw:
    place, kind, value = join_path(path), error["type"], error["input"]
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=repr)
    shown = "the object" if isinstance(value, Mapping) else text[:80]
    if kind == "missing":
        return Flaw(place, "is missing", "write it")
    if kind == "extra_forbidden":
        return Flaw(place, f"{path[-1]!r} is no key of the guideline", "remove it, or correct its spelling")
    if kind == "enum":
        allowed = error["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")
        near = get_close_matches(str(value), allowed, n=1, cutoff=0.6)
        return Flaw(
            place,
            f"{shown} is not allowed",
            f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(allowed)}",
        )
    if kind in _NUMBER_ERRORS:
        return Flaw(place, f"{json.dumps(value, default=repr)} is no number", "write a plain number")
    remedy = "correct the JSON" if kind == "json_invalid" else f"correct {shown}"
    return Flaw(place, f"{error['msg'][:1].lower()}{error['msg'][1:]}", remedy)
