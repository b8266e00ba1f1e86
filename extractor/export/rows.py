"""The rows that one extraction gives to each table."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from extractor.errors import StoreError

from .derived import Registry, derive_values
from .tables import Branch, list_tables, plan_tables

__all__ = ["Row", "find_rows"]

Row = tuple[Any, ...]
_Json = Mapping[str, Any]


def find_rows(extraction: _Json, registry: Registry = MappingProxyType({})) -> Iterator[tuple[str, Row]]:
    """Each row, with the name of its table; a field that is not there is None.

    ``registry`` holds what the registry says of each record, as ``read_registry`` reads it.

    Raises ``StoreError`` for what is no extraction, and for a field that no table has.

    >>> extraction = {"record_id": "A", "eligibility": {"sex": "male", "criteria": []}, "dosing": [], "endpoints": []}
    >>> [(table, row[:6]) for table, row in find_rows(extraction)]
    [('records', ('A', None, None, None, None, None)), ('eligibility', ('A', None, None, None, None, 'male'))]
    """
    record_id = extraction.get("record_id") if isinstance(extraction, Mapping) else None
    if not isinstance(record_id, str):
        raise StoreError("is no extraction")
    yield from _find(plan_tables(), extraction, (record_id,), ({}, registry))


def _find(branch: Branch, value: Any, keys: Row, context: tuple[_Json, Registry]) -> Iterator[tuple[str, Row]]:
    """The rows of a branch. ``context`` is the item above it, and what the registry says."""
    table, (above, registry) = branch.table, context
    if branch.known:
        _check_known(branch, value)
        held = tuple(_tell(_pick(value, column.path)) for column in table.values)
        yield table.name, keys + held + derive_values(table.name, value, above, registry)
    else:
        yield table.name, (*keys, value)
    if branch.item:
        yield from _find_evidence(branch.item, value.get("evidence") or (), keys)
    for grown in branch.branches:
        found = _pick(value, grown.path)
        if grown.listed:
            for index, one in enumerate(found or ()):
                yield from _find(grown, one, (*keys, index), (value, registry))
        elif found is not None:
            yield from _find(grown, found, keys, (value, registry))


def _find_evidence(item: str, evidence: Any, keys: Row) -> Iterator[tuple[str, Row]]:
    columns = _evidence_columns()
    for index, one in enumerate(evidence):
        if not isinstance(one, Mapping) or len(one) > len(columns):
            raise StoreError(f"the evidence of {item} is not as this version writes it")
        place = keys[1] if len(keys) > 1 else None
        yield "evidence", (keys[0], item, place, index, *(one.get(name) for name in columns))


def _evidence_columns() -> tuple[str, ...]:
    return tuple(column.path[0] for column in list_tables()[-1].values)


def _check_known(branch: Branch, value: Any) -> None:
    for path, known in branch.known:
        nested = _pick(value, path)
        if nested is None:
            continue
        if not isinstance(nested, Mapping) or not known.issuperset(nested):
            names = ", ".join(map(repr, sorted(set(nested) - known))) if isinstance(nested, Mapping) else "its value"
            raise StoreError(f"{'.'.join((branch.table.name, *path))}: {names} is not what this version writes")


def _pick(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _tell(value: Any) -> Any:
    return "|".join(map(str, value)) if isinstance(value, list) else value
