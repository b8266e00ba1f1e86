"""The fields of gold as a curator may write them, and what is wrong where they are not so."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from extractor.schemas import Criterion, CriterionKind, Eligibility, Endpoint, Regimen, TrialExtraction

__all__ = ["Flaw", "GoldItems", "GoldProblem", "join_path", "list_flaws", "read_items", "shorten"]

_SHOWN = 90
"""How many characters of a quoted text a message shows."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong within one annotated record."""

    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{f'{self.path}: ' if self.path else ''}{self.problem}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class GoldProblem:
    """One thing that is wrong: the file, the line of a JSONL file, the JSON path, what is wrong, what to do.

    >>> print(GoldProblem("a.json", None, "dosing[0].unit", "'mgg' is no unit", "write mg"))
    a.json: dosing[0].unit: 'mgg' is no unit; write mg
    """

    file: str
    line: int | None
    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {Flaw(self.path, self.problem, self.remedy)}"


def join_path(parts: Sequence[str | int]) -> str:
    """A JSON path as output names fields. A key that is no name is put in quotation marks.

    >>> join_path(("eligibility", "criteria", 3, "quote"))
    'eligibility.criteria[3].quote'
    >>> join_path(("dosing", 0, "the dose"))
    "dosing[0]['the dose']"
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


_Model = TypeVar("_Model", bound=BaseModel)
_Loc = tuple[str | int, ...]


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
    flaws: dict[_Loc, Flaw] = {}
    try:
        TrialExtraction.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        flaws = list_flaws(data, error)
    faulty = set(flaws)
    eligibility = _repair(
        Eligibility, _at(data, "eligibility"), ("eligibility",), faulty | {("eligibility", "criteria")}
    )
    return list(flaws.values()), GoldItems(
        eligibility,
        tuple(_items(Criterion, data, ("eligibility", "criteria"), faulty)),
        tuple(_items(Regimen, data, ("dosing",), faulty)),
        tuple(_items(Endpoint, data, ("endpoints",), faulty)),
    )


def list_flaws(data: Any, error: ValidationError) -> dict[_Loc, Flaw]:
    """Every violation of the schema by its place in ``data``, the JSON that was refused."""
    placed = [(_follow(data, one), one) for one in error.errors(include_url=False)]
    return {path: _describe(path, one) for path, one in placed}


def _items(model: type[_Model], data: Any, path: _Loc, faulty: set[_Loc]) -> Iterator[tuple[str, _Model]]:
    rows = _at(data, *path)
    for number, raw in enumerate(rows if isinstance(rows, list) else ()):
        if item := _repair(model, raw, (*path, number), faulty):
            yield join_path((*path, number)), item


def _repair(model: type[_Model], raw: Any, path: _Loc, faulty: set[_Loc]) -> _Model | None:
    """The item without its faulty fields, or None if it cannot do without them."""
    if not isinstance(raw, dict):
        return None
    broken = {place[len(path)] for place in faulty if place[: len(path)] == path and len(place) > len(path)}
    kept = {name: value for name, value in raw.items() if name not in broken}
    if model is Criterion:
        # Nothing that is checked against the text depends on the list a criterion stands in.
        kept.setdefault("kind", CriterionKind.INCLUSION.value)
    try:
        return model.model_validate_json(json.dumps(kept), strict=True)
    except ValidationError:
        return None


def _at(data: Any, *path: str | int) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _follow(data: Any, error: ErrorDetails) -> _Loc:
    """The part of an error's place that stands in the JSON: pydantic also names the branches of a union."""
    path: list[str | int] = []
    for part in error["loc"]:
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if not inside and error["type"] != "missing":
            break
        path.append(part)
        data = data[part] if inside else None
    return tuple(path)


_NUMBERS = ("int_type", "int_parsing", "int_from_float", "float_type", "float_parsing", "finite_number")


def _describe(path: _Loc, error: ErrorDetails) -> Flaw:
    place, kind, value = join_path(path), error["type"], error["input"]
    name = path[-1] if path else ""
    if kind == "missing":
        return Flaw(place, "is missing", "write it")
    if kind == "extra_forbidden":
        return Flaw(place, f"{name!r} is no key of the guideline", "remove it, or correct its spelling")
    if kind == "enum":
        expected = str(error.get("ctx", {}).get("expected", ""))
        return Flaw(place, f"{_show(value)} is not allowed", _choose(value, expected))
    if kind in _NUMBERS:
        return Flaw(place, f"{json.dumps(value, default=repr)} is no number", "write a plain number")
    remedy = "correct the JSON" if kind == "json_invalid" else f"correct {_show(value)}"
    return Flaw(place, f"{error['msg'][:1].lower()}{error['msg'][1:]}", remedy)


def _choose(value: object, expected: str) -> str:
    allowed = expected.replace(" or ", ", ").replace("'", "").split(", ")
    near = get_close_matches(str(value), allowed, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(allowed)}"


def _show(value: object) -> str:
    if isinstance(value, Mapping):
        return "the object"
    return (repr(value) if isinstance(value, str) else json.dumps(value, default=str))[:80]
