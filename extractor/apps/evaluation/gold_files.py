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
    # a run without results has no such file
    if run.is_file() or (source / "run.json").exists():
        return [run] if run.is_file() else []
    return sorted(
        file
        for file in source.iterdir()
        if file.suffix in (".json", ".jsonl") and file.is_file()
    )


class GoldPlace(NamedTuple):
    """The place of an extraction. ``line`` and ``start``, its first byte, are for JSONL; None
    for a whole file.
    """

    path: Path
    line: int | None = None
    start: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}, line {self.line}"

    def read(self) -> bytes:
        """Return its JSON."""
        with self.path.open("rb") as file:
            file.seek(self.start or 0)
            data = file.read() if self.start is None else file.readline()
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
        places = (str(self.place) if self.place else "", self.path)
        where = "".join(f"{place}: " for place in places if place)
        return f"{'warning: ' * self.warns}{where}{self.problem}; {self.remedy}"


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
        return (
            _validate(place.read(), str(place))
            if isinstance(place, GoldPlace)
            else place
        )

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
    """Index extractions. ``name`` names the source if it is not a file.

    Raises ``GoldError`` for a path without extractions, an invalid file, or a repeated id.
    """
    if hasattr(source, "columns"):
        raise GoldError(
            f"{name}: a {type(source).__name__} has no extractions; write it as a sheet for "
            "`extractor gold import`, or give a list of dictionaries"
        )
    if not isinstance(source, str | Path):
        shown = ((f"{name}[{number}]", value) for number, value in enumerate(source))
        values = (
            (at, one if isinstance(one, TrialExtraction) else _validate(one, at))
            for at, one in shown
        )
        return Extractions(name, ((at, one.record_id, one) for at, one in values))
    path = Path(source)
    if not path.exists():
        raise GoldError(f"{path}: does not exist; name {_SOURCES}")
    places = (entry for file in list_files(path) for entry in list_places(file))
    extractions = Extractions(
        str(source),
        ((str(place), _read_id(data, place), place) for place, data in places),
    )
    if not extractions.record_ids:
        raise GoldError(f"{path}: holds no extractions; name {_SOURCES}")
    return extractions


def add_eligibility(data: Any) -> Any:
    """Return the JSON of gold with an empty ``eligibility``, which says nothing, if it has none.

    >>> add_eligibility({"record_id": "A", "dosing": []})
    {'eligibility': {}, 'record_id': 'A', 'dosing': []}
    """
    return {"eligibility": {}, **data} if isinstance(data, Mapping) else data


def _validate(data: Any, shown: str) -> TrialExtraction:
    try:
        if isinstance(data, bytes):
            if b'"eligibility"' not in data:
                data = json.dumps(add_eligibility(json.loads(data))).encode()
            return TrialExtraction.model_validate_json(data)
        return TrialExtraction.model_validate(add_eligibility(data))
    except ValidationError as error:
        first, *others = _list_flaws(
            json.loads(data) if isinstance(data, bytes) else data, error
        ).values()
        more = (
            f" (and {len(others)} more; extractor evaluate --check lists them)"
            if others
            else ""
        )
        raise GoldError(f"{shown}: {first}{more}") from error


def restore_values(
    extraction: TrialExtraction, fields: Iterable[CustomField]
) -> TrialExtraction:
    """Read the values of a user's fields by their declarations. Raises ``GoldError`` for one in no
    such form.

    The words of the item that has a value replace its path, which says nothing in another
    extraction.
    """
    hosts = dict(extraction.list_items())
    custom = dict(extraction.custom)
    for field in (one for one in fields if one.name in custom):
        items: list[CustomItem] = []
        for number, one in enumerate(custom[field.name]):
            item, flaws = restore_item(f"custom.{field.name}[{number}]", field, one)
            if flaws:
                problem = f"{extraction.record_id}, {flaws[0].path}: {flaws[0].problem}"
                raise GoldError(
                    f"{problem}; extractor evaluate --check --fields lists all"
                )
            host = hosts.get(one.of or "")
            words = getattr(host, "quote", None) or getattr(host, "measure", None)
            items.append(item.model_copy(update={"of": words, "calibrated": False}))
        custom[field.name] = tuple(items)
    return extraction.model_copy(update={"custom": custom})


def restore_item(
    path: str, field: CustomField, item: CustomItem
) -> tuple[CustomItem, list[Flaw]]:
    """Return a user's item with its values in the classes of their types, None for another form,
    and its flaws.
    """
    known = {one.name: one for one in field.attributes}
    values: dict[str, Any] = dict.fromkeys(sorted(item.values.keys() - known.keys()))
    remedy = f"write one of {', '.join(known)}"
    flaws = [
        Flaw(f"{path}.values.{name}", "the field has no such attribute", remedy)
        for name in values
    ]
    for name, value in ((name, item.values.get(name)) for name in known):
        try:
            values |= (
                {}
                if value in (None, "", [], ())
                else {name: known[name].read_all(value)}
            )
        except ValueError as error:
            values[name] = None
            flaws.append(Flaw(f"{path}.values.{name}", str(error), "correct it"))
    return item.model_copy(update={"values": values}), flaws


def _read_id(data: bytes, place: GoldPlace) -> str:
    try:
        record_id = json.loads(data)["record_id"]
        record_id.encode()  # fails for non-text, and for text that cannot be written
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        is_run = (
            place.path.name == _RUN_FILE and place.path.with_name("run.json").is_file()
        )
        remedy = (
            "the command of the run mends the file"
            if is_run
            else "correct or remove it"
        )
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
    named = (
        f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{part!r}]"
        for part in parts
    )
    return "".join(named).removeprefix(".")


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
    flaws: dict[Location, Flaw] = {}
    try:
        TrialExtraction.model_validate_json(
            json.dumps(add_eligibility(data)), strict=True
        )
    except ValidationError as error:
        flaws = _list_flaws(data, error)
    known = {f"custom.{field.name}": field for field in fields}
    items = list[PlacedItem]()
    listed = list(flaws.values())
    for group in add_groups(fields):
        path: Location = tuple(group.path.split("."))
        found = data
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        rows = (
            [((*path, number), raw) for number, raw in enumerate(found)]
            if isinstance(found, list)
            else []
        )
        for place, raw in rows or [(path, found)]:
            if (item := _repair_item(group, place, raw, flaws)) is not None:
                shown = join_path(place)
                read, more = (
                    restore_item(shown, known[group.path], item)
                    if isinstance(item, CustomItem)
                    else (item, [])
                )
                items.append(PlacedItem(group, shown, read))
                listed += more
    return listed, items


def _repair_item(
    group: Group, place: Location, raw: Any, faulty: Iterable[Location]
) -> ExtractedItem | None:
    """Read an item without its faulty fields; None if that is impossible."""
    broken = {
        where[len(place)]
        for where in faulty
        if where[: len(place)] == place and len(where) > len(place)
    }
    # Criteria are items of their own. No check of the text depends on a criterion's kind.
    kept = {"kind": "inclusion"} if group.model is Criterion else {}
    values = raw.items() if isinstance(raw, dict) else ()
    kept |= {name: value for name, value in values if name not in {*broken, "criteria"}}
    try:
        return group.model.model_validate_json(json.dumps(kept), strict=True)
    except ValidationError:
        return None


def _list_flaws(data: Any, error: ValidationError) -> dict[Location, Flaw]:
    """Return every violation of the schema by its location in ``data``, the refused JSON."""
    flaws: dict[Location, Flaw] = {}
    for one in error.errors(include_url=False):
        kind = one["type"]
        value = one["input"]
        inner = data
        path: list[str | int] = []
        # pydantic also names the branches of a union, which are not in the JSON
        for part in one["loc"]:
            inside = (isinstance(inner, dict) and part in inner) or (
                isinstance(inner, list) and isinstance(part, int)
            )
            if not inside and kind != "missing":
                break
            path.append(part)
            inner = inner[part] if inside else None
        problem = one["msg"][:1].lower() + one["msg"][1:]
        if kind not in _REMEDIES and not isinstance(value, dict | list):
            problem += f", not {value!r}"[:80]
        remedy = _REMEDIES.get(kind, "correct it")
        if kind == "model_type":
            remedy = _describe_shape(one["ctx"]["class_name"])
        flaws[tuple(path)] = Flaw(join_path(path), problem, remedy)
    return flaws


def _describe_shape(class_name: str) -> str:
    """Return the remedy for a value that is no object, such as an age as text."""
    for held in CLASSES:
        if held.__name__ == class_name:
            keys = ", ".join(held.model_fields)
            return (
                f"write an object of {keys}; `extractor gold import` reads short forms"
            )
    return "write an object"
