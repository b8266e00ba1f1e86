"""Read standoff gold, which has no text of the records: each quote is a span, and each section has
a hash.

Each line is the JSON of one trial. The keys are those of gold JSON, but a quote is a span:
``[start, end]`` in the item's own section, ``[section, start, end]`` in another. ``sections`` maps
each section's name to the SHA-256 of its raw text, to detect a record whose text has changed. An
annotator's own words, such as for a quantity that the text does not name, stay text.

>>> from extractor import read_records
>>> record = next(read_records("seeds/records"))
>>> endpoint = {"rank": "primary", "index": 0, "measure": ["primary_outcomes", 0, 40]}
>>> line = {"record_id": record.record_id, "eligibility": {}, "dosing": [], "endpoints": [endpoint]}
>>> from_standoff(line, record)["endpoints"][0]["measure"]
'Adverse events that related to treatment'
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from extractor.concepts.outcomes.read import place_outcomes
from extractor.errors import GoldError
from extractor.evidence.drafts import Span
from extractor.language.passage import read_section
from extractor.schemas import Rank, TrialRecord

_LISTS = ("arms", "interventions")
"""Sections that some formats keep as one cell of items joined by bars."""
PARTS = ("eligibility", "dosing", "endpoints")
"""The keys of a line that hold annotations."""


class Places(NamedTuple):
    """Raw spans by name, such as "arms[0]", and the registered outcomes in the record's order."""

    spans: Mapping[str, Span]
    outcomes: tuple[tuple[Rank, int], ...]


def name_outcome(rank: Rank | str, index: int) -> str:
    """Return the name of an outcome's place, such as ``primary_outcomes[0]``."""
    return f"{rank}_outcomes[{index}]"


def name_home(item: Any) -> str | None:
    """Return the place of an item or its JSON: its section, or that of its outcome. Ages and sex
    have none.
    """
    values = item if isinstance(item, Mapping) else vars(item)
    if section := values.get("section"):
        return str(section)
    return name_outcome(values["rank"], values["index"]) if values.get("rank") else None


def find_places(record: TrialRecord) -> Places:
    """Return all places of a record.

    >>> from extractor.schemas import Section, Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(
    ...     record_id="A", source=Source(path="a", format="flat"), sections=(cell,)
    ... )
    >>> find_places(record).spans["arms[1]"]
    Span(section='arms', start=11, end=18)
    """
    spans: dict[str, Span] = {}
    for section in record.sections:
        start = 0
        for number, item in enumerate(section.text.split("|") if section.name in _LISTS else ()):
            spans[f"{section.name}[{number}]"] = Span(section.name, start, start + len(item))
            start += len(item) + 1
    cells = {
        each.name: read_section(each.name, each.text)
        for each in record.sections
        if "_outcomes" in each.name
    }
    outcomes = place_outcomes(record, cells)
    for one in outcomes:
        spans[name_outcome(one.rank, one.index)] = Span(one.whole.section.name, *one.whole.raw_span)
    spans |= {section.name: Span(section.name, 0, len(section.text)) for section in record.sections}
    return Places(spans, tuple((one.rank, one.index) for one in outcomes))


class StandoffGold(NamedTuple):
    """Standoff gold with its quotes restored: gold JSON, and the records that could not be used.

    ``changed`` maps records to sections whose text differs from the annotated one; ``missing`` are
    the records whose text was not given.
    """

    annotations: tuple[dict[str, Any], ...]
    changed: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]


def is_standoff(path: Path) -> bool:
    """Return whether a file is standoff gold."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open("rb") as file:
        return _parse_line(file.readline()) is not None


def read_standoff(path: Path, records: Iterable[TrialRecord]) -> StandoffGold:
    """Read the gold of a file, for those ``records`` whose text is the annotated one.

    Raises ``GoldError`` for a broken file.
    """
    with path.open("rb") as file:
        parsed = [
            (number, _parse_line(line)) for number, line in enumerate(file, 1) if line.strip()
        ]
    if broken := [number for number, line in parsed if line is None]:
        place = f"{path}, line {broken[0]}"
        raise GoldError(
            f"{place}: is not standoff gold (JSON with record_id and sections); correct it"
        )
    lines = [line for _, line in parsed if line]
    wanted = {line["record_id"] for line in lines}
    given: dict[str, TrialRecord] = {}
    for record in records:
        if record.record_id in wanted:
            given.setdefault(record.record_id, record)
    found = [(line, given[line["record_id"]]) for line in lines if line["record_id"] in given]
    changed = {
        record.record_id: gone
        for line, record in found
        if (gone := find_changed_sections(line, record))
    }
    usable = (
        from_standoff(line, record) for line, record in found if record.record_id not in changed
    )
    return StandoffGold(tuple(usable), changed, tuple(sorted(wanted - given.keys())))


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        is_standoff = isinstance(found["record_id"], str) and isinstance(found["sections"], dict)
    except (ValueError, KeyError, TypeError):
        return None
    return found if is_standoff else None


def from_standoff(line: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Restore the gold JSON of a line. The record's text must be the annotated one
    (``find_changed_sections``).
    """
    decoded: dict[str, Any] = _decode({key: line[key] for key in PARTS}, record, None)
    return {"record_id": line["record_id"], **decoded}


def find_changed_sections(line: Mapping[str, Any], record: TrialRecord) -> tuple[str, ...]:
    """Return the names of annotated sections that the record no longer has, or whose text has
    changed.
    """
    today = hash_sections(record)
    return tuple(name for name, digest in line["sections"].items() if today.get(name) != digest)


def hash_sections(record: TrialRecord) -> dict[str, str]:
    """Return the SHA-256 of the raw text of each section."""
    return {section.name: sha256(section.text.encode()).hexdigest() for section in record.sections}


def _decode(value: Any, record: TrialRecord, home: str | None) -> Any:
    if isinstance(value, dict):
        inner = name_home(value) or home
        return {key: _decode(each, record, inner) for key, each in value.items()}
    if isinstance(value, list):
        if len(value) in (2, 3) and all(isinstance(part, int) for part in value[-2:]):
            section = record.section(value[0] if len(value) == 3 else home or "")
            return section.text[value[-2] : value[-1]] if section else None
        return [_decode(each, record, home) for each in value]
    return value
