"""Read annotations and extractions from files one at a time, and list every violation of the
schema.
"""

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from extractor.apps.evaluation.fields import Group, add_groups
from extractor.concepts.own.attributes import CLASSES
from extractor.concepts.own.declaration import CustomField
from extractor.errors import GoldError
from extractor.schemas import Criterion, CustomItem, ExtractedItem, TrialExtraction

_RUN_FILE = "extractions.jsonl"
_SOURCES = "a folder of JSON, a JSONL file or a run's folder"
_REMEDIES = {
    "missing": "write it",
    "extra_forbidden": "remove it, or correct its spelling",
    "json_invalid": "correct the JSON",
}

ExtractionSource = str | Path | Iterable[TrialExtraction | Mapping[str, Any]]
Location = tuple[str | int, ...]


def list_files(source: Path) -> list[Path]:
    """List the JSON and JSONL files of a folder, only the extractions of a run's folder, or the
    file itself.

    >>> [file.suffix for file in list_files(Path("seeds/gold"))][:2]
    ['.json', '.json']
    """
    if not source.is_dir():
        return [source]
    run = source / _RUN_FILE
    if run.is_file():
        return [run]
    # A run without results has no such file.
    if (source / "run.json").exists():
        return []
    files = []
    for file in source.iterdir():
        if file.suffix not in (".json", ".jsonl") or not file.is_file():
            continue
        files.append(file)
    return sorted(files)


class GoldPlace(NamedTuple):
    """The place of an extraction. ``line`` and ``start``, its first byte, are for JSONL; None
    for a whole file.
    """

    path: Path
    line: int | None = None
    start: int | None = None

    def __str__(self) -> str:
        if self.line is None:
            return str(self.path)
        return f"{self.path}, line {self.line}"

    def read(self) -> bytes:
        """Return its JSON."""
        with self.path.open("rb") as file:
            if self.start is None:
                data = file.read()
            else:
                file.seek(self.start)
                data = file.readline()
        return data.removeprefix(codecs.BOM_UTF8)


def list_places(path: Path) -> Iterator[tuple[GoldPlace, bytes]]:
    """Yield the extractions of a file with their JSON: one per JSON file, or one per line of
    JSONL.
    """
    if path.suffix == ".json":
        yield GoldPlace(path), GoldPlace(path).read()
        return
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield GoldPlace(path, number, start), line.removeprefix(codecs.BOM_UTF8)
            start += len(line)


@dataclass(frozen=True, slots=True)
class Flaw:
    """A flaw of an annotation: its JSON path, the problem, the remedy, and the file. One that
    ``warns`` may be right.

    >>> print(
    ...     Flaw(
    ...         "dosing[0].unit",
    ...         "'mgg' is no unit",
    ...         "write mg",
    ...         place=GoldPlace(Path("a.json")),
    ...     )
    ... )
    a.json: dosing[0].unit: 'mgg' is no unit; write mg
    """

    path: str
    problem: str
    remedy: str
    warns: bool = False
    place: GoldPlace | None = None

    def __str__(self) -> str:
        text = f"{self.problem}; {self.remedy}"
        if self.path:
            text = f"{self.path}: {text}"
        if self.place:
            text = f"{self.place}: {text}"
        if self.warns:
            text = f"warning: {text}"
        return text


class PlacedItem(NamedTuple):
    """An item of an annotation, with its group and JSON path."""

    group: Group
    path: str
    item: ExtractedItem


class Extractions:
    """Extractions read one at a time. For files, only ids and places stay in memory."""

    def __init__(
        self, name: str, entries: Iterable[tuple[str, str, GoldPlace | TrialExtraction]]
    ) -> None:
        self.name = name
        self._places: dict[str, GoldPlace | TrialExtraction] = {}
        for shown, record_id, place in entries:
            if record_id in self._places:
                raise GoldError(
                    f"{shown}: record_id {record_id!r} is in {self.place(record_id)} too; keep "
                    "one of them"
                )
            self._places[record_id] = place

    @property
    def record_ids(self) -> list[str]:
        """All ids, sorted."""
        return sorted(self._places)

    def get(self, record_id: str) -> TrialExtraction | None:
        """Return the extraction of a record, or None. Raises ``GoldError`` if it breaks the
        schema.
        """
        place = self._places.get(record_id)
        if not isinstance(place, GoldPlace):
            return place
        return _validate(place.read(), str(place))

    def read(self, record_id: str) -> TrialExtraction:
        """Return the extraction of one of ``record_ids``. Raises ``GoldError`` if it breaks the
        schema.
        """
        extraction = self.get(record_id)
        assert extraction is not None
        return extraction

    def place(self, record_id: str) -> str | None:
        """Return a record's file and line, or the source's name if it did not come from a file."""
        place = self._places.get(record_id)
        if place is None:
            return None
        if isinstance(place, GoldPlace):
            return str(place)
        return self.name


def open_extractions(source: ExtractionSource, name: str) -> Extractions:
    """Index extractions, so that each can be read alone. ``name`` names the source in messages if
    it is not a file. Extractions in memory are checked at once, those of files when they are read.

    Raises ``GoldError`` for a path without extractions, an invalid file, or a repeated id.
    """
    # A frame of pandas or polars would be iterated by its columns.
    if hasattr(source, "columns"):
        raise GoldError(
            f"{name}: a {type(source).__name__} has no extractions; write it as a sheet for "
            "`extractor gold import`, or give a list of dictionaries"
        )
    if not isinstance(source, str | Path):
        return Extractions(name, _validate_all(source, name))
    path = Path(source)
    if not path.exists():
        raise GoldError(f"{path}: does not exist; name {_SOURCES}")
    extractions = Extractions(str(source), _index_files(path))
    if not extractions.record_ids:
        raise GoldError(f"{path}: holds no extractions; name {_name_within(path)}")
    return extractions


def _name_within(path: Path) -> str:
    """Return what to name in place of a folder without extractions: the folders of reviewers in
    it, if there are any.
    """
    reviewers = sorted(map(str, {file.parent for file in path.glob("[!.]*/*.json")}))
    if not reviewers:
        return _SOURCES
    return f"the folder of one reviewer: {' or '.join(reviewers)}"


def _validate_all(
    source: Iterable[TrialExtraction | Mapping[str, Any]], name: str
) -> Iterator[tuple[str, str, TrialExtraction]]:
    """Yield extractions with their places in the source, and their ids. Raises ``GoldError``."""
    for number, value in enumerate(source):
        shown = f"{name}[{number}]"
        extraction = value
        if not isinstance(extraction, TrialExtraction):
            extraction = _validate(extraction, shown)
        yield shown, extraction.record_id, extraction


def _index_files(path: Path) -> Iterator[tuple[str, str, GoldPlace]]:
    """Yield the places of extractions, in words too, with their ids. Raises ``GoldError``."""
    for file in list_files(path):
        for place, data in list_places(file):
            yield str(place), _read_id(data, place), place


def add_eligibility(data: Any) -> Any:
    """Return the JSON of gold with an empty ``eligibility``, which says nothing, if it has none.

    >>> add_eligibility({"record_id": "A", "dosing": []})
    {'eligibility': {}, 'record_id': 'A', 'dosing': []}
    """
    if not isinstance(data, Mapping):
        return data
    return {"eligibility": {}, **data}


def _validate(data: Any, shown: str) -> TrialExtraction:
    """Return an extraction from its JSON, as bytes or as objects. Raises ``GoldError``, which names
    ``shown`` and the first flaw, and counts the others.
    """
    try:
        if not isinstance(data, bytes):
            return TrialExtraction.model_validate(add_eligibility(data))
        # Gold may be of doses or outcomes alone.
        if b'"eligibility"' not in data:
            data = json.dumps(add_eligibility(json.loads(data))).encode()
        return TrialExtraction.model_validate_json(data)
    except ValidationError as error:
        refused = data
        if isinstance(data, bytes):
            refused = json.loads(data)
        first, *others = _list_flaws(refused, error).values()
        more = ""
        if others:
            more = f" (and {len(others)} more; extractor evaluate --check lists them)"
        raise GoldError(f"{shown}: {first}{more}") from error


def parse_own_values(
    extraction: TrialExtraction, fields: Iterable[CustomField]
) -> TrialExtraction:
    """Return an extraction whose values of the user's ``fields`` are parsed by their declarations.
    Raises ``GoldError`` for a value that cannot be parsed.

    Values also get ready to be compared: ``of`` is the words of the item to which a value belongs
    instead of its path, which says nothing in another extraction, and ``calibrated`` is False.
    """
    hosts = dict(extraction.list_items())
    custom = dict(extraction.custom)
    for field in fields:
        if field.name not in custom:
            continue
        items: list[CustomItem] = []
        for number, written in enumerate(custom[field.name]):
            path = f"custom.{field.name}[{number}]"
            item, flaws = parse_own_item(path, field, written)
            if flaws:
                first = flaws[0]
                raise GoldError(
                    f"{extraction.record_id}, {first.path}: {first.problem}; extractor evaluate "
                    "--check --fields lists all"
                )
            # A criterion and a regimen have a quote, an outcome a measure.
            host = hosts.get(written.of or "")
            words = getattr(host, "quote", None) or getattr(host, "measure", None)
            items.append(item.model_copy(update={"of": words, "calibrated": False}))
        custom[field.name] = tuple(items)
    return extraction.model_copy(update={"custom": custom})


def parse_own_item(
    path: str, field: CustomField, item: CustomItem
) -> tuple[CustomItem, list[Flaw]]:
    """Return a user's item with each value parsed by its attribute, and its flaws. A value that is
    not declared, or cannot be parsed, is a flaw, and None in the item. Empty values are left out.
    """
    attributes = {attribute.name: attribute for attribute in field.attributes}
    undeclared = sorted(item.values.keys() - attributes.keys())
    values: dict[str, Any] = dict.fromkeys(undeclared)
    remedy = f"write one of {', '.join(attributes)}"
    flaws = [
        Flaw(f"{path}.values.{name}", "the field has no such attribute", remedy)
        for name in undeclared
    ]
    for name, attribute in attributes.items():
        value = item.values.get(name)
        # An empty value says nothing, as a missing one does.
        if value in (None, "", [], ()):
            continue
        try:
            values[name] = attribute.read_all(value)
        except ValueError as error:
            values[name] = None
            flaws.append(Flaw(f"{path}.values.{name}", str(error), "correct it"))
    return item.model_copy(update={"values": values}), flaws


def _read_id(data: bytes, place: GoldPlace) -> str:
    """Return the record's id of an extraction. Raises ``GoldError`` for broken JSON, and for JSON
    without an id.
    """
    try:
        record_id = json.loads(data)["record_id"]
        # Fails for what is no text, and for text that cannot be written.
        record_id.encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        remedy = "correct or remove it"
        is_in_run = place.path.with_name("run.json").is_file()
        if is_in_run and place.path.name == _RUN_FILE:
            remedy = "the command of the run mends the file"
        raise GoldError(
            f"{place}: is not an extraction (JSON with a record_id); {remedy}"
        ) from error
    return str(record_id)


def join_path(parts: Sequence[str | int]) -> str:
    """Format a JSON path as output names fields. A key that is not an identifier is quoted.

    >>> (
    ...     join_path(("eligibility", "criteria", 3, "quote")),
    ...     join_path(("dosing", 0, "the dose")),
    ... )
    ('eligibility.criteria[3].quote', "dosing[0]['the dose']")
    """
    path = ""
    for part in parts:
        if isinstance(part, str) and part.isidentifier():
            path += f".{part}"
        else:
            path += f"[{part!r}]"
    return path.removeprefix(".")


def read_items(
    data: Any, fields: Sequence[CustomField]
) -> tuple[list[Flaw], list[PlacedItem]]:
    """Return every violation of the schema and of the user's ``fields``, and all readable items
    with their paths.

    Faulty fields of an item are left out, so that they do not hide other flaws.

    >>> flaws, items = read_items({"record_id": "x", "eligibility": {"sex": "men"}}, ())
    >>> flaws[0].path, [path for _, path, _ in items]
    ('eligibility.sex', ['eligibility'])
    """
    schema_flaws: dict[Location, Flaw] = {}
    try:
        TrialExtraction.model_validate_json(
            json.dumps(add_eligibility(data)), strict=True
        )
    except ValidationError as error:
        schema_flaws = _list_flaws(data, error)
    own_fields = {f"custom.{field.name}": field for field in fields}
    flaws = list(schema_flaws.values())
    items = list[PlacedItem]()
    for group in add_groups(fields):
        for location, raw in _list_raw(data, group):
            item = _repair_item(group, location, raw, schema_flaws)
            if item is None:
                continue
            path = join_path(location)
            if isinstance(item, CustomItem):
                item, flaws_of_item = parse_own_item(path, own_fields[group.path], item)
                flaws += flaws_of_item
            items.append(PlacedItem(group, path, item))
    return flaws, items


def _list_raw(data: Any, group: Group) -> list[tuple[Location, Any]]:
    """Return the JSON of a group's items with their locations. What is no list, or an empty list,
    is returned as the only item; None if the path of the group leads nowhere.
    """
    location: Location = tuple(group.path.split("."))
    held = data
    for part in location:
        if not isinstance(held, dict):
            held = None
            break
        held = held.get(part)
    if not isinstance(held, list) or not held:
        return [(location, held)]
    return [((*location, number), raw) for number, raw in enumerate(held)]


def _repair_item(
    group: Group, location: Location, raw: Any, faulty: Iterable[Location]
) -> ExtractedItem | None:
    """Return an item without the fields in which a ``faulty`` location lies, so that one wrong
    field does not hide what is wrong with the others; None if the rest is no item of the group.
    """
    depth = len(location)
    # Criteria are items of their own.
    left_out: set[str | int] = {"criteria"}
    for flaw in faulty:
        if len(flaw) > depth and flaw[:depth] == location:
            left_out.add(flaw[depth])
    values: dict[str, Any] = {}
    if group.model is Criterion:
        # No check of the text depends on a criterion's kind.
        values["kind"] = "inclusion"
    if isinstance(raw, dict):
        values |= {name: raw[name] for name in raw if name not in left_out}
    try:
        return group.model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError:
        return None


def _list_flaws(data: Any, error: ValidationError) -> dict[Location, Flaw]:
    """Return every violation of the schema by its location in ``data``, the refused JSON."""
    flaws: dict[Location, Flaw] = {}
    for violation in error.errors(include_url=False):
        kind = violation["type"]
        value = violation["input"]
        location = _locate(data, violation["loc"], is_missing=kind == "missing")
        message = violation["msg"]
        problem = message[:1].lower() + message[1:]
        if kind not in _REMEDIES and not isinstance(value, dict | list):
            problem += f", not {value!r}"[:80]
        remedy = _REMEDIES.get(kind, "correct it")
        if kind == "model_type":
            remedy = _describe_shape(violation["ctx"]["class_name"])
        flaws[location] = Flaw(join_path(location), problem, remedy)
    return flaws


def _locate(data: Any, location: Location, *, is_missing: bool) -> Location:
    """Return the part of pydantic's location that is in the JSON: pydantic also names the branches
    of a union. A missing key is not in the JSON, but belongs to the location.
    """
    inner = data
    for depth, part in enumerate(location):
        is_key = isinstance(inner, dict) and part in inner
        is_number = isinstance(inner, list) and isinstance(part, int)
        if is_key or is_number:
            inner = inner[part]
        elif is_missing:
            inner = None
        else:
            return location[:depth]
    return location


def _describe_shape(class_name: str) -> str:
    """Return the remedy for a value that is no object, such as an age as text."""
    for model in CLASSES:
        if model.__name__ != class_name:
            continue
        keys = ", ".join(model.model_fields)
        return f"write an object of {keys}; `extractor gold import` reads short forms"
    return "write an object"
