"""Gold without a word of the records: each quoted text is its place in the record, and each section has a hash.

One JSON line a trial. The keys are those of gold JSON, but what an annotator quoted is a span: ``[start, end]`` in the
item's own section, ``[section, start, end]`` in another. ``sections`` maps each section's name to the SHA-256 of its
raw text, so that a record whose text has changed is noticed. What an annotator wrote in words of his own, such as a
quantity that the text does not name, stays text.

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
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from extractor.errors import GoldError
from extractor.schemas import TrialRecord

from .places import find_places

__all__ = ["StandoffGold", "find_changed_sections", "from_standoff", "is_standoff", "read_standoff", "to_standoff"]

_QUOTED = frozenset(
    {"quote", "lead_in", "agent", "timing", "measure", "description", "time_frame", "start_event"}
    | {"end_events", "specimens", "methods"}
)
"""Fields that hold words of the record."""
_NAMED = frozenset({"quantity", "unit", "name", "version"})
"""Fields that mostly do: an annotator may have put them in other words."""
_ITEMS = ("criteria", "dosing", "endpoints")


@dataclass(frozen=True, slots=True)
class StandoffGold:
    """A file of standoff gold with the words of its records: gold JSON, and the records that could not be used."""

    annotations: tuple[dict[str, Any], ...]
    changed: Mapping[str, tuple[str, ...]]
    """Sections whose text is not the one that was annotated, by record."""
    missing: tuple[str, ...]
    """Records whose text is not at hand."""


def is_standoff(path: Path) -> bool:
    """Whether a file is gold that holds spans in place of words."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            first = json.loads(file.readline())
        except ValueError:
            return False
    return isinstance(first, dict) and isinstance(first.get("sections"), dict)


def read_standoff(path: Path, records: Iterable[TrialRecord]) -> StandoffGold:
    """The gold of a file, for those ``records`` whose text is the one that was annotated.

    Raises ``GoldError`` for a broken file.
    """
    with path.open(encoding="utf-8") as file:
        lines = [_parse_line(line, f"{path}, line {number}") for number, line in enumerate(file, 1) if line.strip()]
    wanted = {line["record_id"] for line in lines}
    at_hand: dict[str, TrialRecord] = {}
    for record in records:
        if record.record_id in wanted:
            at_hand.setdefault(record.record_id, record)
    found = [(line, at_hand[line["record_id"]]) for line in lines if line["record_id"] in at_hand]
    changed = {
        record.record_id: sections for line, record in found if (sections := find_changed_sections(line, record))
    }
    return StandoffGold(
        tuple(from_standoff(line, record) for line, record in found if record.record_id not in changed),
        changed,
        tuple(sorted(wanted - at_hand.keys())),
    )


def _parse_line(line: str, place: str) -> dict[str, Any]:
    try:
        parsed: Any = json.loads(line)
    except ValueError:
        parsed = None
    if (
        isinstance(parsed, dict)
        and isinstance(parsed.get("record_id"), str)
        and isinstance(parsed.get("sections"), dict)
    ):
        return parsed
    raise GoldError(f"{place}: is no standoff gold (JSON with record_id and sections); correct it")


def to_standoff(gold: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Gold JSON with spans in place of quotes. Empty fields are left out.

    Raises ``ValueError`` for a quote that does not stand in the record.
    """
    places = _Places(record)
    line: dict[str, Any] = {"record_id": gold["record_id"], "sections": _hash_sections(record)}
    for key in ("eligibility", "dosing", "endpoints"):
        line[key] = _encode(gold.get(key) or ([] if key != "eligibility" else {}), places, None)
    return line


def from_standoff(line: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """The gold JSON that a line stands for, if the record is the one that was annotated (``find_changed_sections``)."""
    kept = {key: line[key] for key in ("eligibility", "dosing", "endpoints")}
    decoded: dict[str, Any] = _decode(kept, record, None)
    return {"record_id": line["record_id"], **decoded}


def find_changed_sections(line: Mapping[str, Any], record: TrialRecord) -> tuple[str, ...]:
    """Names of sections whose text is not that which was annotated, or which are there no more."""
    today = _hash_sections(record)
    return tuple(name for name, digest in line["sections"].items() if today.get(name) != digest)


def _hash_sections(record: TrialRecord) -> dict[str, str]:
    return {section.name: sha256(section.text.encode()).hexdigest() for section in record.sections}


class _Places:
    """Where an annotation's words stand in a record."""

    def __init__(self, record: TrialRecord) -> None:
        self._texts = {section.name: section.text for section in record.sections}
        self._spans = find_places(record).spans

    def home(self, item: Mapping[str, Any]) -> str | None:
        """The name of the place that an item belongs to: its section, or that of its outcome."""
        return item.get("section") or (f"{item['rank']}_outcomes[{item['index']}]" if "rank" in item else None)

    def find(self, words: str, home: str | None) -> list[Any] | None:
        """The span of ``words``, in ``home`` if they stand there, else in the first section that has them."""
        pattern = _pattern(words)
        span = self._spans.get(home or "")
        if span and (found := _first(pattern, self._texts[span.section][span.start : span.end])):
            start, end = span.start + found[0], span.start + found[1]
            return [start, end] if span.section == home else [span.section, start, end]
        for name, text in self._texts.items():
            if found := _first(pattern, text):
                return [name, *found]
        return None


def _encode(value: Any, places: _Places, home: str | None, field: str = "") -> Any:
    if isinstance(value, str):
        if field not in _QUOTED | _NAMED:
            return value
        span = places.find(value, home)
        if span is None and field in _QUOTED:
            raise ValueError(f"{field}: {value!r} does not stand in the record")
        return span or value
    if isinstance(value, list):
        return [_encode(each, places, home, field) for each in value]
    if isinstance(value, dict):
        inner = places.home(value) or home
        # Of units only those of limits are as written.
        names = ((key, key if key != "unit" or "quantity" in value else "") for key in value)
        encoded = ((key, _encode(value[key], places, inner, name)) for key, name in names)
        return {key: each for key, each in encoded if not _is_default(key, each)}
    return value


def _is_default(key: str, value: Any) -> bool:
    return value == [] or (value is None and key not in ("low", "high"))


def _decode(value: Any, record: TrialRecord, home: str | None) -> Any:
    if isinstance(value, dict):
        inner = value.get("section") or (f"{value['rank']}_outcomes[{value['index']}]" if "rank" in value else home)
        return {key: _decode(each, record, inner) for key, each in value.items()}
    if isinstance(value, list):
        if len(value) in (2, 3) and all(isinstance(part, int) for part in value[-2:]):
            section = record.section(value[0] if len(value) == 3 else home or "")
            return section.text[value[-2] : value[-1]] if section else None
        return [_decode(each, record, home) for each in value]
    return value


def _pattern(words: str) -> re.Pattern[str]:
    """Words as the guideline compares them: runs of white space, case, and backslashes before punctuation are one."""
    return re.compile(r"\s+".join(map(_word_pattern, words.split())), re.IGNORECASE)


def _word_pattern(word: str) -> str:
    bare = re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", word)
    return "".join(each if each.isalnum() else rf"\\?{re.escape(each)}" for each in bare)


def _first(pattern: re.Pattern[str], text: str) -> tuple[int, int] | None:
    """The first place that cuts no word or number, or else the first."""
    found: list[tuple[int, int]] = [match.span() for match in pattern.finditer(text)]
    whole = (span for span in found if not _cuts(text, *span))
    return next(whole, found[0] if found else None)


def _cuts(text: str, start: int, end: int) -> bool:
    return any(0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum() for at in (start, end))
