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

from .derived import Registry
from .destination import COLUMNS_FILE, Destination, Format
from .rows import find_rows
from .tables import Table, list_tables
from .text_files import CsvFiles, JsonLinesFiles

__all__ = ["choose_tables", "describe_tables", "export_run"]

_RESULTS = "extractions.jsonl"
_Results = Iterator[tuple[str, Any]]
"""Extractions as JSON, each with its place."""
_BY_DATABASE = frozenset({Format.PARQUET, Format.DUCKDB})


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
    confidence. ``lines`` are the extractions as JSON, read from there if None. ``registry`` holds what
    ``read_registry`` says of each record; without it the registered columns are empty. Values that are less sure than
    ``min_confidence`` are left out; gold is left as it is. Raises ``ValueError`` where one
    file would have to hold several tables, or the extra is missing, and ``StoreError`` for what cannot be read, or may
    not be replaced.
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
        counts = _write(extractions, destination, chosen, (scratch, made), registry)
        if not destination.is_file:
            (made / COLUMNS_FILE).write_text(json.dumps(describe_tables(chosen), indent=2) + "\n", encoding="utf-8")
    return counts


def choose_tables(tasks: Collection[str], names: Collection[str]) -> tuple[Table, ...]:
    """The tables of some tasks, with those that tell of whole records, or those of the names.

    Raises ``ValueError`` for a name that is none.

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
    """What the columns of tables are, ready for JSON."""
    return {
        table.name: {
            "keys": [column.name for column in table.keys],
            "columns": {c.name: {"type": c.kind.value, "meaning": c.meaning} for c in table.columns},
        }
        for table in tables
    }


def _read_results(path: Path, lines: Iterable[bytes] | None) -> _Results:
    """Extractions as JSON with their places: ``lines``, else the lines of a file, or the gold files of a folder.

    Raises ``StoreError`` for broken JSON.
    """
    if lines is not None:
        yield from _parse_lines(path, lines)
    elif path.is_dir() or path.suffix == ".json":
        for gold in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            yield str(gold), _parse(gold.read_bytes(), str(gold), "correct it, or finish its record again")
    else:
        with path.open("rb") as file:
            yield from _parse_lines(path, file)


def _parse_lines(path: Path, lines: Iterable[bytes]) -> _Results:
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            place = f"{path}, line {number}"
            yield place, _parse(line, place, "resume the run, which mends it, or wait for its end")


def _parse(data: bytes, place: str, remedy: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise StoreError(f"{place}: is broken; {remedy}") from None


def _drop_doubtful(results: _Results, minimum: float) -> _Results:
    """The results without values that are less sure than ``minimum``. Raises ``StoreError`` for those of an earlier
    version, which do not say how sure a value is.
    """
    from extractor.assemble.provenance import drop_doubtful  # noqa: PLC0415 - it loads the rules, and few need it

    remedy = "make it anew with `extractor reparse`, or drop --min-confidence"
    for place, content in results:
        try:
            extraction = TrialExtraction.model_validate(content)
        except ValidationError:
            raise StoreError(f"{place}: is no extraction as this version writes it; {remedy}") from None
        people = extraction.eligibility
        items = (people, *people.criteria, *extraction.dosing, *extraction.endpoints)
        if any(piece.confidence is None for item in items for piece in item.evidence):
            raise StoreError(f"{place}: does not say how sure its values are; {remedy}")
        left = drop_doubtful(extraction, minimum)
        yield place, content if left is extraction else left.model_dump(mode="json")


def _write(
    results: _Results,
    destination: Destination,
    tables: tuple[Table, ...],
    places: tuple[Path, Path],
    registry: Registry,
) -> Mapping[str, int]:
    scratch, made = places
    suffix = destination.format
    final = {table.name: made if destination.is_file else made / f"{table.name}.{suffix}" for table in tables}
    if suffix in _BY_DATABASE:
        text = {table.name: scratch / f"{table.name}.rows" for table in tables}
        with JsonLinesFiles(tables, text) as lines:
            counts = _write_rows(results, tables, lines.write, registry)
        from .database import Staged, make_database, make_parquet  # noqa: PLC0415 - duckdb belongs to an extra

        staged = Staged(text, lines.longest)
        if suffix is Format.DUCKDB:
            make_database(made, tables, staged)
        else:
            make_parquet(final, tables, staged)
        return counts
    with (
        CsvFiles(tables, final, bom=destination.bom) if suffix is Format.CSV else JsonLinesFiles(tables, final) as files
    ):
        return _write_rows(results, tables, files.write, registry)


def _write_rows(
    results: _Results, tables: tuple[Table, ...], write: Callable[[str, tuple[Any, ...]], None], registry: Registry
) -> Mapping[str, int]:
    counts = dict.fromkeys((table.name for table in tables), 0)
    for place, extraction in results:
        try:
            for table, row in find_rows(extraction, registry):
                if table in counts:
                    write(table, row)
                    counts[table] += 1
        except StoreError as error:
            raise StoreError(f"{place}: {error}") from None
    return counts
