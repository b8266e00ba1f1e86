"""Read patients from files and rows: each as far as it can be read, with what could not be."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from extractor.apps.match.form import is_form, read_form
from extractor.errors import ArgumentError, MissingExtra
from extractor.face import (
    Patient,
    name_quantity,
    read_toml,
    show_line,
    tell_kind,
)
from extractor.schemas.arguments import find_nearest
from extractor.schemas.base import JsonObject

_LISTS = ("drugs", "conditions", "had", "absent", "never", "facts")
"""Columns whose names are joined by |."""
_MAPPINGS = ("values", "since", "upper_limits")
_FIELDS = ("id", "age", "sex", "birth_date", "on")
_PREFIXES = {"since ": "since", "upper limit ": "upper_limits"}
"""The beginnings of columns, with the fields that they belong to."""
_NO_FIELD = "no field"
"""What stands in place of the field of a column that is not read."""
_ALL_FIELDS = (*_FIELDS, *_LISTS, *_MAPPINGS)
_SHORTEST_MISSPELT = 7
_BETWEEN_NAMES = re.compile(r"[,;/\n]|(?<=\s)(?:and|\+|&)(?=\s)")
_LONGEST_SHOWN = 80

Pairs = list[tuple[str, Any]]


class Patients(NamedTuple):
    """What was read.

    Attributes:
        patients: The patients.
        faults: What was not read, each with its place and reason. A fault of one patient stops no
            other.
    """

    patients: list[Patient]
    faults: list[str]


def read_patients(
    path: Path, columns: Mapping[str, str] | None = None, on: date | None = None
) -> Patients:
    """Read patients from a file: JSON (one, a list, or a Bundle of FHIR), JSON lines, YAML, or CSV
    with one row each.

    Args:
        path: The file.
        columns: Other names of columns and fields: ``{"MRN": "id"}``.
        on: The date of the data, from which dates are counted.

    Raises:
        ArgumentError: The file cannot be read; the message names the place and the remedy.
        MissingExtra: YAML or FHIR need an extra.
    """
    try:
        text = path.read_text("utf-8-sig")
        rows = _read_rows(text, path.suffix.lower())
    except OSError as error:
        raise ArgumentError(
            f"{path}: cannot be read: {error.strerror}; check the name and the folder"
        ) from error
    except _NoPatientError as error:
        raise ArgumentError(f"{path}: {error}") from error
    except (ValueError, csv.Error) as error:
        problem = show_line(str(error))[:300]
        raise ArgumentError(
            f"{path}: cannot be read: {problem}; use .json, .jsonl, .yaml or .csv in UTF-8"
        ) from error
    if not rows:
        raise ArgumentError(f"{path}: {_explain_no_rows(text)}")
    return list_patients(rows, str(path), columns, on)


def _read_rows(text: str, suffix: str) -> list[Pairs]:
    """Return the patients of a file, given the end of its name."""
    if not text.strip():
        return []
    if suffix == ".csv":
        return _read_csv(text)
    if suffix in (".yaml", ".yml"):
        return _list_objects(_read_yaml(text))
    if suffix == ".jsonl":
        return _read_lines(text)
    return _list_objects(_read_json(text))


def _read_lines(text: str) -> list[Pairs]:
    """Return the patients of JSON lines."""
    rows: list[Pairs] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows += _list_objects(_read_json(line))
        except _NoPatientError:
            raise
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return rows


def _explain_no_rows(text: str) -> str:
    """Return why a file has no patients, and what to do."""
    if not text.strip():
        return "is empty; write a patient with id, age, sex and so on"
    if '"Bundle"' in text:
        return "the Bundle has no Patient; add the resource of the patient"
    return "has no patient; write one below the columns, or into the list"


class _NoPatientError(ValueError):
    """A file that can be read, but not as patients; the message has the remedy."""


class _Object(list[tuple[str, Any]]):
    """An object of JSON or YAML as pairs, so that a key that is given twice is seen."""


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_Object)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from None


def _read_yaml(text: str) -> Any:
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("YAML needs pyyaml", "yaml") from error

    class Loader(yaml.SafeLoader):
        """Reads objects as pairs, and no aliases, which can grow without end."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("YAML with aliases (*name): write each value out")
            return super().compose_node(parent, index)

    def read_pairs(loader: Any, node: Any) -> _Object:
        return _Object(
            (
                str(loader.construct_object(key)),
                loader.construct_object(value, deep=True),
            )
            for key, value in node.value
        )

    Loader.add_constructor("tag:yaml.org,2002:map", read_pairs)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise ValueError(f"not YAML ({problem})") from None


def _read_csv(text: str) -> list[Pairs]:
    """Return the rows of a table as pairs."""
    # unlike str.splitlines, this does not end a row at U+2028
    table = csv.reader(io.StringIO(text, newline=""))
    head = next(table, [])
    if is_form(head):
        return [read_form(table)]
    if any(map(_is_number, head)):
        raise _NoPatientError(
            "the first row has a number; name the columns there, such as id,age,sex"
        )
    rows = []
    for row in table:
        if not row:
            continue
        pairs: Pairs = list(zip(head, row, strict=False))
        pairs += [
            ("a cell without a column", cell) for cell in row[len(head) :] if cell
        ]
        rows.append(pairs)
    return rows


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "").isdecimal()


def _list_objects(data: Any) -> list[Pairs]:
    """Return the patients of a file of JSON or YAML."""
    objects: list[Pairs] = []
    patients = [data]
    # an object is a list of pairs
    if isinstance(data, list) and not isinstance(data, _Object):
        patients = data
    are_objects = all(isinstance(one, _Object) for one in patients)
    if not are_objects:
        raise ValueError("a patient is an object with id, age, sex, values and so on")
    for one in patients:
        resource = dict(one).get("resourceType")
        if resource and resource != "Bundle":
            raise _NoPatientError(
                f"a {_shorten(resource)} of FHIR; put all resources of the patient into a Bundle"
            )
        if resource:
            from extractor.apps.match.fhir import read_bundle  # noqa: PLC0415 - an extra

            objects += [list(row.items()) for row in read_bundle(_to_plain(one))]
        else:
            objects.append(one)
    return objects


def _to_plain(data: Any) -> Any:
    """Return data of JSON without the pairs; the last of two equal keys wins."""
    if isinstance(data, _Object):
        return {key: _to_plain(value) for key, value in data}
    if isinstance(data, list):
        return [_to_plain(value) for value in data]
    return data


def list_patients(
    rows: Iterable[Pairs | Mapping[str, Any]],
    place: str,
    columns: Mapping[str, str] | None = None,
    on: date | None = None,
) -> Patients:
    """Return patients from rows: ``id``, ``age``, ``sex``, ``drugs``, ``conditions``, ``absent``
    and ``never`` (joined by ``|``), ``since EVENT``, ``upper limit NAME``, and a column for each
    value, named after its quantity. Empty cells are not known.

    >>> [patient], faults = list_patients(
    ...     [{"age": 70, "ECOG": 1, "since surgery": "3 weeks"}], "rows"
    ... )
    >>> patient.id, patient.values, patient.since
    ('1', {'ECOG': 1}, {'surgery': '3 weeks'})
    """
    patients: dict[str, Patient] = {}
    faults: list[str] = []
    hints: dict[str, None] = {}
    for number, row in enumerate(rows, 1):
        pairs = list(row.items()) if isinstance(row, Mapping) else row
        read = _read_row(pairs, str(number), columns or {}, on)
        patient, problems = read.patient, read.problems
        hints |= dict.fromkeys(read.hints)
        here = f"{place}, patient {number}"
        faults += [f"{here}: {problem}" for problem in problems]
        if patient is None:
            continue
        if patient.id in patients:
            shown = show_line(patient.id)[:_LONGEST_SHOWN]
            faults.append(f"{here}: another patient has the id {shown}; rename one")
            continue
        patients[patient.id] = patient
    # a column is told once, not for each patient
    told = [f"{place}: {hint}" for hint in hints]
    return Patients(list(patients.values()), told + faults)


class _ReadRow(NamedTuple):
    """What was read of a row.

    Attributes:
        patient: The patient, without what cannot be read.
        problems: What cannot be read.
        hints: The columns that are probably fields of another name.
    """

    patient: Patient | None
    problems: list[str]
    hints: list[str]


def _read_row(
    pairs: Pairs, number: str, columns: Mapping[str, str], on: date | None
) -> _ReadRow:
    """Return what can be read of a row."""
    data: JsonObject = {"id": number, "values": {}, "since": {}, "upper_limits": {}}
    if on:
        data["on"] = on
    problems: list[str] = []
    hints: list[str] = []
    stated: set[tuple[str, str]] = set()
    for field, name, value in _name_pairs(pairs, columns):
        if field == _NO_FIELD:
            hints.append(f"{_shorten(name)}: {value}")
            continue
        problems += _doubt_names(field, value)
        if (field, name) in stated:
            problems.append(f"{_shorten(name)}: is given twice; keep one")
            _forget(data, field, name)
            continue
        stated.add((field, name))
        if field in _MAPPINGS:
            data[field][name] = value
        else:
            data[field] = value
    patient, more = _validate(data)
    return _ReadRow(patient, problems + more, hints)


def _suggest_field(name: str) -> str:
    """Return the field that a column is probably meant for, as a hint; empty for a quantity.

    >>> _suggest_field("Gender")
    'is no field; did you mean sex? (--columns Gender=sex)'
    >>> _suggest_field("haemoglobin")
    ''
    """
    folded = " ".join(name.casefold().split())
    field = _fields_by_name().get(folded, "")
    is_short = len(folded) < _SHORTEST_MISSPELT
    if not field and not is_short and name_quantity(name) is None:
        nearest = find_nearest(folded, (*_ALL_FIELDS, *_fields_by_name())) or ""
        field = _fields_by_name().get(nearest, nearest)
    if field:
        return (
            f"is no field; did you mean {field}? (--columns {_shorten(name)}={field})"
        )
    _, since, event = folded.partition("since ")
    if since:
        return (
            f"is no field; did you mean 'since {event}', with a time such as '3 weeks'?"
        )
    return ""


@cache
def _fields_by_name() -> Mapping[str, str]:
    """Return the field that is probably meant by each name of a column."""
    table = read_toml("extractor.apps.match", "columns.toml")
    return {name: field for field, names in table.items() for name in names}


def _doubt_names(field: str, names: Any) -> Iterator[str]:
    """Yield names that are probably several ones, which only ``|`` separates."""
    if field not in _LISTS or field == "facts":
        return
    for name in names:
        parts = [part.strip().casefold() for part in _BETWEEN_NAMES.split(name)]
        if len(parts) > 1 and all(map(tell_kind, parts)):
            shown = _shorten(name)
            yield f"{field}: {shown}: is read as one name; separate several names by |"


def _shorten(text: object) -> str:
    shown = show_line(str(text))
    if len(shown) <= _LONGEST_SHOWN:
        return shown
    return f"{shown[:_LONGEST_SHOWN]}..."


def _forget(data: JsonObject, field: str, name: str) -> None:
    """Remove a value that is given twice: neither is believed."""
    if field in _MAPPINGS:
        data[field].pop(name, None)
    else:
        data.pop(field, None)


def _name_pairs(
    pairs: Pairs, columns: Mapping[str, str]
) -> Iterator[tuple[str, str, Any]]:
    """Yield the field, the name in it, and the value of each cell that is not empty."""
    for written, cell in pairs:
        if _is_empty(cell):
            continue
        name = columns.get(str(written), str(written)).strip()
        yield from _read_cell(name, cell)


def _is_empty(cell: Any) -> bool:
    """Return whether a cell says nothing. A data frame has NaN for an empty one."""
    if isinstance(cell, float) and isnan(cell):
        return True
    return cell is None or cell == ""


def _read_cell(name: str, cell: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the field, the name in it and the value of a cell, or of each member of an object."""
    field = name.lower()
    members = _list_members(cell)
    if field in _MAPPINGS and members is not None:
        for inner, value in members:
            yield field, str(inner), value
    elif field in _LISTS:
        yield field, field, _split(cell)
    elif field == "id":
        yield field, field, str(cell)
    elif field in _FIELDS:
        yield field, field, _to_plain(cell)
    else:
        yield _read_column(name, cell)


def _list_members(cell: Any) -> Iterable[tuple[str, Any]] | None:
    """Return the names and values of an object; None if the cell is anything else, such as a list
    of JSON, whose members have no names.
    """
    if isinstance(cell, _Object):
        return cell
    if isinstance(cell, Mapping):
        return cell.items()
    return None


def _read_column(name: str, cell: Any) -> tuple[str, str, Any]:
    """Return the field, the name and the value of a column such as "since EVENT"; another column
    is that of a value. Of one that is probably a field, return ``_NO_FIELD`` and the reason.
    """
    for beginning, field in _PREFIXES.items():
        if name.lower().startswith(beginning):
            return field, name[len(beginning) :], cell
    hint = _suggest_field(name)
    if hint:
        return _NO_FIELD, name, hint
    return "values", name, cell


def _split(cell: Any) -> list[str]:
    if isinstance(cell, str):
        return [part.strip() for part in cell.split("|") if part.strip()]
    if isinstance(cell, Iterable):
        return [str(part) for part in cell]
    return [str(cell)]


_WRONG_TYPES = frozenset({"float_type", "int_type", "string_type"})
_NO_VALUE = "is not one value: write text, or a number with its unit"


def _validate(data: JsonObject) -> tuple[Patient | None, list[str]]:
    """Return the patient without the fields that cannot be read, and the problems."""
    problems: list[str] = []
    for _ in range(len(_FIELDS) + len(_LISTS) + len(_MAPPINGS)):
        try:
            return Patient.model_validate(data), problems
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                field, *inner = [str(part) for part in fault["loc"]]
                name = field
                # one of the values, such as that of "ANC"
                if inner and field in _MAPPINGS:
                    name = inner[0]
                # one of the types that a value may have
                is_of_type = fault["type"] in _WRONG_TYPES
                reason = _NO_VALUE if is_of_type else _shorten(fault["msg"])
                problem = f"{_shorten(name)}: {reason}"
                if problem not in problems:
                    problems.append(problem)
                _forget(data, field, name)
    return None, problems
