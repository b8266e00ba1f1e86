"""What differs between two extractions of one record, field by field, provenance apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from extractor.schemas import Criterion, Eligibility, Endpoint, Item, Regimen

__all__ = ["Difference", "compare_extractions"]

_Json = Mapping[str, Any]
_PROVENANCE = frozenset(Item.model_fields)
_PEOPLE = tuple(name for name in Eligibility.model_fields if name not in _PROVENANCE | {"criteria"})
_KINDS: Mapping[str, tuple[type[Item], str]] = {
    "criteria": (Criterion, "quote"),
    "dosing": (Regimen, "quote"),
    "endpoints": (Endpoint, "measure"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose value is another one. Of an item that only one side has, the field is the item's kind alone."""

    field: str
    old: Any
    new: Any


def compare_extractions(old: _Json, new: _Json) -> Iterator[Difference]:
    """The differences between two extractions as JSON. Items belong together by what they quote, and then by order.

    >>> eligibility = {"minimum_age": {"value": 18}, "criteria": []}
    >>> older = {"eligibility": eligibility, "endpoints": [{"measure": "Pain", "concept": None}]}
    >>> newer = {"eligibility": eligibility, "endpoints": [{"measure": "Pain", "concept": "other"}]}
    >>> list(compare_extractions(older, newer))
    [Difference(field='endpoints.concept', old=None, new='other')]
    """
    for name in _PEOPLE:
        before, after = old["eligibility"].get(name), new["eligibility"].get(name)
        if before != after:
            yield Difference(f"eligibility.{name}", before, after)
    for kind in _KINDS:
        yield from _compare_items(kind, _name_items(old, kind), _name_items(new, kind))


def _compare_items(kind: str, old: Mapping[Any, _Json], new: Mapping[Any, _Json]) -> Iterator[Difference]:
    model, name = _KINDS[kind]
    yield from (Difference(kind, old[key].get(name), None) for key in old if key not in new)
    yield from (Difference(kind, None, new[key].get(name)) for key in new if key not in old)
    fields = [field for field in model.model_fields if field not in _PROVENANCE]
    for key in old.keys() & new.keys():
        for field in fields:
            before, after = old[key].get(field), new[key].get(field)
            if before != after:
                yield Difference(f"{kind}.{field}", before, after)


def _name_items(extraction: _Json, kind: str) -> dict[tuple[Any, ...], _Json]:
    """Items by where they stand, what they quote, and their number among equals."""
    parent = extraction["eligibility"] if kind == "criteria" else extraction
    named: dict[tuple[Any, ...], _Json] = {}
    for item in parent.get(kind, ()):
        place = (item.get("section") or item.get("rank"), item.get(_KINDS[kind][1]))
        number = 0
        while (*place, number) in named:
            number += 1
        named[*place, number] = item
    return named
