"""Standoff gold, without text of the records: each quote is a span in the record, and each section has a hash.

Each line is the JSON of one trial. The keys are those of gold JSON, but a quote is a span: ``[start, end]`` in the
item's own section, ``[section, start, end]`` in another. ``sections`` maps each section's name to the SHA-256 of its
raw text, to detect a record whose text has changed. An annotator's own words, such as for a quantity that the text
does not name, stay text.

>>> from extractor import read_records
>>> record = next(read_records("seeds/records"))
>>> line = to_standoff({"record_id": record.record_id, "endpoints": [{"rank": "primary", "index": 0,
...     "measure": "Adverse events that related to treatment"}]}, record)
>>> line["endpoints"][0]["measure"]
['primary_outcomes', 0, 40]
>>> from_standoff(line, record)["endpoints"][0]["measure"]
'Adverse events that related to treatment'
"""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from extractor.errors import GoldError
from extractor.parse.drafts import Span
from extractor.parse.endpoints import place_outcomes
from extractor.schemas import Rank, TrialRecord
from extractor.text.passage import read_section

from .fields import FIELDS
from .text import ESCAPE

_LISTS = ("arms", "interventions")
"""Sections that some formats keep as one cell of items joined by bars."""
_QUOTED = {one.attribute for one in FIELDS if one.is_words}
"""Fields that always quote the record."""
_MOSTLY_QUOTED = {"quantity", "unit", "name", "version"}
"""Fields that usually quote the record: an annotator may use other words."""
_PARTS = ("eligibility", "dosing", "endpoints")


class Places(NamedTuple):
    """Raw spans by name, such as "arms[0]", and the registered outcomes in the record's order."""

    spans: Mapping[str, Span]
    outcomes: tuple[tuple[Rank, int], ...]


def name_outcome(rank: Rank | str, index: int) -> str:
    """Return the name of an outcome's place, such as ``primary_outcomes[0]``."""
    return f"{rank}_outcomes[{index}]"


def name_home(item: Any) -> str | None:
    """Return the place of an item or its JSON: its section, or that of its outcome. Ages and sex have none."""
    values = item if isinstance(item, Mapping) else vars(item)
    if section := values.get("section"):
        return str(section)
    return name_outcome(values["rank"], values["index"]) if values.get("rank") else None


def find_places(record: TrialRecord) -> Places:
    """Return all places of a record.

    >>> from extractor.schemas import Section, Source
    >>> cell = Section(name="arms", text="Drug: 5 mg|Placebo")
    >>> record = TrialRecord(record_id="A", source=Source(path="a", format="flat"), sections=(cell,))
    >>> find_places(record).spans["arms[1]"]
    Span(section='arms', start=11, end=18)
    """
    spans: dict[str, Span] = {}
    for section in record.sections:
        start = 0
        for number, item in enumerate(section.text.split("|") if section.name in _LISTS else ()):
            spans[f"{section.name}[{number}]"] = Span(section.name, start, start + len(item))
            start += len(item) + 1
    cells = {each.name: read_section(each.name, each.text) for each in record.sections if "_outcomes" in each.name}
    outcomes = place_outcomes(record, cells)
    for one in outcomes:
        spans[name_outcome(one.rank, one.index)] = Span(one.whole.section.name, *one.whole.raw_span)
    spans |= {section.name: Span(section.name, 0, len(section.text)) for section in record.sections}
    return Places(spans, tuple((one.rank, one.index) for one in outcomes))


class StandoffGold(NamedTuple):
    """Standoff gold with its quotes restored: gold JSON, and the records that could not be used.

    ``changed`` maps records to sections whose text differs from the annotated one; ``missing`` are the records whose
    text was not given.
    """

    annotations: tuple[dict[str, Any], ...]
    changed: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]


def is_standoff(path: Path) -> bool:
    """Whether a file is standoff gold."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open("rb") as file:
        return _parse_line(file.readline()) is not None


def read_standoff(path: Path, records: Iterable[TrialRecord]) -> StandoffGold:
    """Read the gold of a file, for those ``records`` whose text is the annotated one.

    Raises ``GoldError`` for a broken file.
    """
    with path.open("rb") as file:
        parsed = [(number, _parse_line(line)) for number, line in enumerate(file, 1) if line.strip()]
    if broken := [number for number, line in parsed if line is None]:
        place = f"{path}, line {broken[0]}"
        raise GoldError(f"{place}: is not standoff gold (JSON with record_id and sections); correct it")
    lines = [line for _, line in parsed if line]
    wanted = {line["record_id"] for line in lines}
    given: dict[str, TrialRecord] = {}
    for record in records:
        if record.record_id in wanted:
            given.setdefault(record.record_id, record)
    found = [(line, given[line["record_id"]]) for line in lines if line["record_id"] in given]
    changed = {record.record_id: gone for line, record in found if (gone := find_changed_sections(line, record))}
    usable = (from_standoff(line, record) for line, record in found if record.record_id not in changed)
    return StandoffGold(tuple(usable), changed, tuple(sorted(wanted - given.keys())))


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        is_standoff = isinstance(found["record_id"], str) and isinstance(found["sections"], dict)
    except (ValueError, KeyError, TypeError):
        return None
    return found if is_standoff else None


def to_standoff(gold: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Replace the quotes in gold JSON with spans. Empty fields are left out.

    Raises ``ValueError`` for a quote that is not in the record.
    """
    finder = _Finder(record)
    parts = {key: _encode(gold.get(key) or ({} if key == "eligibility" else []), finder) for key in _PARTS}
    return {"record_id": gold["record_id"], "sections": _hash_sections(record), **parts}


def from_standoff(line: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Restore the gold JSON of a line. The record's text must be the annotated one (``find_changed_sections``)."""
    decoded: dict[str, Any] = _decode({key: line[key] for key in _PARTS}, record, None)
    return {"record_id": line["record_id"], **decoded}


def find_changed_sections(line: Mapping[str, Any], record: TrialRecord) -> tuple[str, ...]:
    """Return the names of annotated sections that the record no longer has, or whose text has changed."""
    today = _hash_sections(record)
    return tuple(name for name, digest in line["sections"].items() if today.get(name) != digest)


def _hash_sections(record: TrialRecord) -> dict[str, str]:
    return {section.name: sha256(section.text.encode()).hexdigest() for section in record.sections}


def _encode(value: Any, finder: "_Finder", home: str | None = None, field: str = "") -> Any:
    """Replace the quotes in a value with spans. ``home`` is the place of the value."""
    if isinstance(value, str) and field in _QUOTED | _MOSTLY_QUOTED:
        span = finder.find(value, home)
        if span is None and field in _QUOTED:
            raise ValueError(f"{field}: {value!r} is not in the record")
        return span or value
    if isinstance(value, list):
        return [_encode(each, finder, home, field) for each in value]
    if not isinstance(value, dict):
        return value
    inner = name_home(value) or home
    # Only the units of limits are kept as written.
    names = ((key, key if key != "unit" or "quantity" in value else "") for key in value)
    encoded = ((key, _encode(value[key], finder, inner, name)) for key, name in names)
    return {key: each for key, each in encoded if each != [] and (each is not None or key in ("low", "high"))}


class _Finder:
    """Finds an annotation's words in a record."""

    def __init__(self, record: TrialRecord) -> None:
        self._texts = {section.name: section.text for section in record.sections}
        self._spans = find_places(record).spans

    def find(self, words: str, home: str | None) -> list[Any] | None:
        """Return the span of ``words``, in ``home`` if they are there, else in the first section that has them."""
        # Ignore case, the length of white space, and backslashes before punctuation.
        pattern = re.compile(r"\s+".join(map(_escape_word, words.split())), re.IGNORECASE)
        span = self._spans.get(home or "")
        if span and (found := _find_first(pattern, self._texts[span.section][span.start : span.end])):
            start, end = span.start + found[0], span.start + found[1]
            return [start, end] if span.section == home else [span.section, start, end]
        places = ((name, _find_first(pattern, text)) for name, text in self._texts.items())
        return next(([name, *place] for name, place in places if place), None)


def _escape_word(word: str) -> str:
    return "".join(each if each.isalnum() else rf"\\?{re.escape(each)}" for each in ESCAPE.sub("", word))


def _find_first(pattern: re.Pattern[str], text: str) -> tuple[int, int] | None:
    """Return the first match that cuts no word or number, else the first match."""

    def is_cut(at: int) -> bool:
        return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()

    found = [match.span() for match in pattern.finditer(text)]
    return next((span for span in found if not any(map(is_cut, span))), found[0] if found else None)


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
