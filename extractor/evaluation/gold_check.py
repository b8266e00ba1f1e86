"""Whether files of gold can be used: every problem, with its file, place and remedy."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from extractor.errors import RecordError
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .gold_items import check_items, check_values
from .gold_models import Flaw, GoldProblem, read_items
from .load import is_single, list_files
from .standoff import find_changed_sections, from_standoff

__all__ = ["GoldEntry", "GoldProblem", "check_annotation", "check_gold", "check_gold_files", "read_entries"]


@dataclass(frozen=True, slots=True)
class GoldEntry:
    """One annotated record: the JSON as it stands in the file, and the line of a JSONL file."""

    file: str
    line: int | None
    data: Any


def read_entries(gold: str | PathLike[str]) -> Iterator[GoldEntry | GoldProblem]:
    """Every record of a JSON file, a JSONL file, a run's folder, or a folder of such files; broken JSON is a problem.

    >>> next(read_entries("seeds/gold")).data["record_id"]
    '000_071fc1b3f362aea9'
    """
    place = Path(gold)
    files = list_files(place)
    if not files:
        yield GoldProblem(str(place), None, "", "the folder holds no .json or .jsonl file", "name the folder with gold")
    for file in files:
        yield from _read_file(file)


def _read_file(file: Path) -> Iterator[GoldEntry | GoldProblem]:
    try:
        text = file.read_text("utf-8-sig")
    except OSError as problem:
        yield GoldProblem(str(file), None, "", f"cannot be read ({problem.strerror})", "check the path")
        return
    except UnicodeDecodeError as problem:
        yield GoldProblem(str(file), None, "", f"is not UTF-8 at byte {problem.start}", "save it as UTF-8")
        return
    if is_single(file):
        yield _read_entry(str(file), None, text)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _read_entry(str(file), number, line)


def _read_entry(file: str, line: int | None, text: str) -> GoldEntry | GoldProblem:
    try:
        data = json.loads(text, object_pairs_hook=_refuse_duplicates, parse_constant=_refuse_constant)
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}" if line is None else f"column {problem.colno}"
        return GoldProblem(file, line, "", f"broken JSON at {place}: {problem.msg}", "correct the JSON")
    except ValueError as problem:
        return GoldProblem(file, line, "", str(problem), "correct the JSON")
    except RecursionError:
        return GoldProblem(file, line, "", "is nested too deep to be an annotation", "correct the JSON")
    return GoldEntry(file, line, data)


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Plain JSON readers keep the last of two equal keys and lose the other silently."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def check_gold(gold: str | PathLike[str], records: Iterable[TrialRecord]) -> list[GoldProblem]:
    """Every problem of all gold files, in the order of files and fields; an empty list if there is none.

    ``gold`` is a folder of JSON, a JSON or JSONL file, or a run's folder. Of ``records``, which may be many, only
    those with gold are kept. Nothing is raised for broken gold: what cannot be read is a problem like any other.

    >>> from extractor import read_records
    >>> check_gold("seeds/gold", read_records("seeds/records"))
    []
    """
    found = list(read_entries(gold))
    wanted = {_record_id(entry.data) for entry in found if isinstance(entry, GoldEntry)}
    kept = {record.record_id: record for record in records if record.record_id in wanted}
    seen: dict[str, str] = {}
    problems: list[GoldProblem] = []
    for entry in found:
        if isinstance(entry, GoldProblem):
            problems.append(entry)
            continue
        flaws = [*_check_id(entry, seen), *_check_entry(entry, kept)]
        problems += (GoldProblem(entry.file, entry.line, flaw.path, flaw.problem, flaw.remedy) for flaw in flaws)
    return problems


def check_gold_files(gold: str | PathLike[str], *inputs: str | PathLike[str]) -> list[GoldProblem]:
    """As ``check_gold``, with the records read from ``inputs``; a record that cannot be read is a problem too.

    >>> check_gold_files("seeds/gold", "seeds/records")
    []
    """
    unreadable: list[RecordError] = []
    problems = check_gold(gold, read_records(*inputs, on_error=unreadable.append))
    return [
        *(GoldProblem(error.path, None, error.place or "", error.problem, error.remedy) for error in unreadable),
        *problems,
    ]


def _record_id(data: object) -> str | None:
    found = data.get("record_id") if isinstance(data, dict) else None
    return found if isinstance(found, str) else None


def _check_id(entry: GoldEntry, seen: dict[str, str]) -> Iterator[Flaw]:
    """``seen`` keeps the place of each id met so far, and takes in this one."""
    name = _record_id(entry.data)
    place = entry.file if entry.line is None else f"{entry.file}, line {entry.line}"
    if name is not None and seen.setdefault(name, place) != place:
        yield Flaw("record_id", f"{name!r} is annotated in {seen[name]} as well", "keep one of the two")


def check_annotation(data: Any, record: TrialRecord | None) -> Iterator[Flaw]:
    """Every flaw of one annotation, as plain JSON; without its ``record`` it is checked in itself alone.

    >>> [str(flaw) for flaw in check_annotation({"record_id": "A", "eligibility": {"sex": "men"}}, None)]
    ["eligibility.sex: 'men' is not allowed; use one of all, female, male"]
    """
    flaws, items = read_items(data)
    yield from flaws
    yield from check_values(items)
    if record is not None:
        complete = isinstance(listed := data.get("endpoints", []), list) and len(listed) == len(items.endpoints)
        yield from check_items(items, record, complete=complete)


def _check_entry(entry: GoldEntry, records: dict[str, TrialRecord]) -> Iterator[Flaw]:
    name = _record_id(entry.data)
    record = None if name is None else records.get(name)
    if isinstance(entry.data, dict) and "sections" in entry.data:
        if record is not None:
            yield from _check_standoff(entry.data, record)
    else:
        yield from check_annotation(entry.data, record)
    if name is not None and record is None:
        yield Flaw("record_id", f"there is no record {name!r}", "correct the id, or add the record")


def _check_standoff(line: dict[str, Any], record: TrialRecord) -> Iterator[Flaw]:
    if changed := find_changed_sections(line, record):
        problem = f"the text of {', '.join(changed)} is not the one that was annotated"
        yield Flaw("sections", problem, "use the version of the record that was annotated, or annotate it again")
        return
    yield from check_annotation(from_standoff(line, record), record)
