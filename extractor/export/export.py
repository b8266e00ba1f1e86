"""A run's results, or the gold of a review, one record after the other into tables."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from extractor.errors import StoreError
from extractor.schemas import Task, TrialExtraction

from .files import COLUMNS_FILE, CsvFiles, Destination, Format, JsonLinesFiles, load_tables
from .rows import Registry, Row, find_rows
from .tables import Table, list_tables

_RESULTS = "extractions.jsonl"
_BY_DATABASE = frozenset({Format.PARQUET, Format.DUCKDB})
_Results = Iterator[tuple[str, TrialExtraction]]
"""Extractions, each with its place."""


def export_run(
    run: Path,
    destination: Destination,
    tables: Collection[Table] = (),
    lines: Iterable[bytes] | None = None,
    registry: Registry = MappingProxyType({}),
    min_confidence: float = 0.0,
) -> Mapping[str, int]:
    """Write the tables of a run, all if none are named, and count their rows.

    ``run`` is a run's folder, a file of extractions, or a folder of gold files, which have no evidence and no
    confidence. ``lines`` are the extractions as JSON, read from there if None. ``registry`` holds the result of
    ``read_registry`` for each record; without it the registered columns are empty. Values below ``min_confidence`` are
    left out. Raises ``ValueError`` where one file would have to hold several tables, or the extra is missing, and
    ``StoreError`` for what cannot be read, or may not be replaced.
    """
    chosen = tuple(tables) or list_tables()
    results = run / _RESULTS if (run / _RESULTS).is_file() else run
    if not results.is_file() and not any(results.glob("*.json")):
        remedy = f"name a folder that extractor run --out wrote, its {_RESULTS}, or a folder of gold files"
        raise StoreError(f"{run}: holds no results; {remedy}")
    if destination.is_file and destination.format is not Format.DUCKDB and len(chosen) > 1:
        raise ValueError(f"{destination.path} holds one table; name it with --tables, or a folder with --format")
    if destination.format in _BY_DATABASE and find_spec("duckdb") is None:
        raise ValueError("this format needs duckdb; install it with: pip install 'trial-extractor[export]'")
    extractions = _read_results(results, lines)
    if min_confidence > 0:
        extractions = _drop_doubtful(extractions, min_confidence)
    with destination.staged() as (scratch, made):
        suffix = destination.format
        final = {table.name: made if destination.is_file else made / f"{table.name}.{suffix}" for table in chosen}
        if suffix in _BY_DATABASE:
            with JsonLinesFiles(chosen, {table.name: scratch / f"{table.name}.rows" for table in chosen}) as files:
                counts = _write_rows(extractions, chosen, files.write, registry)
            if suffix is Format.DUCKDB:
                load_tables(made, chosen, files, None)
            else:
                load_tables(scratch / "parquet.duckdb", chosen, files, final)
        else:
            is_csv = suffix is Format.CSV
            with CsvFiles(chosen, final, bom=destination.bom) if is_csv else JsonLinesFiles(chosen, final) as text:
                counts = _write_rows(extractions, chosen, text.write, registry)
        if not destination.is_file:
            (made / COLUMNS_FILE).write_text(json.dumps(describe_tables(chosen), indent=2) + "\n", encoding="utf-8")
    return counts


def choose_tables(tasks: Collection[str], names: Collection[str]) -> tuple[Table, ...]:
    """The tables of some tasks together with those of whole records, or the tables of these names.

    Raises ``ValueError`` for an unknown name.

    >>> [table.name for table in choose_tables(["dosing"], [])]
    ['records', 'regimens', 'amounts', 'absences', 'findings', 'citations', 'coverage_sections', 'evidence']
    """
    known = {table.name: table for table in list_tables()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no such table; choose from {', '.join(known)}")
    if names:
        return tuple(known[name] for name in dict.fromkeys(names))
    wanted = {Task(task) for task in tasks}
    return tuple(table for table in known.values() if table.task is None or table.task in wanted)


def describe_tables(tables: Collection[Table]) -> dict[str, Any]:
    """The keys of tables, and type and meaning of their columns, ready for JSON."""
    return {
        table.name: {
            "keys": [column.name for column in table.keys],
            "columns": {c.name: {"type": c.kind.value, "meaning": c.meaning} for c in table.columns},
        }
        for table in tables
    }


def _read_results(path: Path, lines: Iterable[bytes] | None) -> _Results:
    """The extractions in ``lines``, else in the lines of a file, or in the gold files of a folder."""
    if lines is None and (path.is_dir() or path.suffix == ".json"):
        for gold in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            yield str(gold), _parse(gold.read_bytes(), str(gold), "correct it, or finish its record again")
    elif lines is None:
        with path.open("rb") as file:
            yield from _read_results(path, file)
    else:
        for number, line in enumerate(lines, start=1):
            if not line.isspace():
                place = f"{path}, line {number}"
                yield place, _parse(line, place, "resume the run, which mends it, or wait for its end")


def _parse(data: bytes, place: str, remedy: str) -> TrialExtraction:
    try:
        return TrialExtraction.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise StoreError(f"{place}: is broken; {remedy}") from None
        field = ".".join(map(str, first["loc"])) or "the whole"
        again = "make it anew with `extractor reparse`"
        raise StoreError(
            f"{place}: is no extraction as this version writes it ({field}: {first['msg']}); {again}"
        ) from None


def _drop_doubtful(results: _Results, minimum: float) -> _Results:
    """The results without values below a confidence.

    Raises ``StoreError`` for results of an earlier version, whose values have no confidence.
    """
    from extractor.assemble.provenance import drop_doubtful  # noqa: PLC0415 - it loads the rules, and few need it

    for place, extraction in results:
        people = extraction.eligibility
        items = (people, *people.criteria, *extraction.dosing, *extraction.endpoints)
        if any(piece.confidence is None for item in items for piece in item.evidence):
            remedy = "make it anew with `extractor reparse`, or drop --min-confidence"
            raise StoreError(f"{place}: does not say how sure its values are; {remedy}")
        yield place, drop_doubtful(extraction, minimum)


def _write_rows(
    results: _Results, tables: tuple[Table, ...], write: Callable[[str, Row], None], registry: Registry
) -> Mapping[str, int]:
    counts = dict.fromkeys((table.name for table in tables), 0)
    for _, extraction in results:
        for table, row in find_rows(extraction.model_dump(mode="json"), registry):
            if table in counts:
                write(table, row)
                counts[table] += 1
    return counts
