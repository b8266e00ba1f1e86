"""Standoff gold, without the text of the records. Quotes are spans, and sections have hashes.

Each line is the JSON of one trial, with the keys of gold JSON. A quote is replaced by a span:
``[start, end]`` in the item's own section, or ``[section, start, end]`` in another section.
``sections`` maps each section's name to the SHA-256 of its raw text, to detect a record whose text
has changed. An annotator's own words, such as for a quantity that the text does not name, stay
text.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from extractor.apps.evaluation.comparers import AGENT, EXTENT, TEXT
from extractor.apps.evaluation.fields import FIELDS
from extractor.apps.evaluation.text import ESCAPE
from extractor.concepts.outcomes.read import place_outcomes
from extractor.evidence.drafts import Span
from extractor.language.clean import fold_label
from extractor.language.passage import read_section
from extractor.schemas import TrialRecord, list_groups

PARTS = ("eligibility", "dosing", "endpoints")
"""The keys of a line that contain annotations."""
_LISTS = ("arms", "interventions")
"""Sections that some formats store as one cell of items, separated by bars."""
_ITEM = re.compile(r"(?:^|(?<=\|))[^|]*")
_UNCUT = r"(?!(?<=[^\W_])[^\W_])"
"""Not between two letters or digits."""
_QUOTED = {field.part for field in FIELDS if field.comparer in (TEXT, AGENT, EXTENT)}
"""Fields that always quote the record."""
_MARKS = {field.key.rpartition(".")[2] for field in FIELDS if not field.counts}
"""Lists that are kept if empty, which shows that a trial was annotated for these fields."""
_EMPTY: dict[str, dict[str, Any]] = {
    group.path: {
        info.name: [] if info.many else None
        for info in group.fields
        if info.in_gold and info.in_total and not info.required
    }
    for group in list_groups()
}
"""The optional fields of each kind of item, with empty values."""
_MOSTLY_QUOTED = {"quantity", "unit", "name", "version", "condition"}
"""Fields that usually quote the record, but for which an annotator may use other words."""


def to_standoff(gold: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Replace the quotes in gold JSON with spans. Empty fields are omitted.

    Raises ``ValueError`` if a quote is not in the record.

    >>> from extractor import read_records
    >>> record = next(read_records("seeds/records"))
    >>> words = "Adverse events that related to treatment"
    >>> endpoint = {"rank": "primary", "index": 0, "measure": words}
    >>> gold = {"record_id": record.record_id, "endpoints": [endpoint]}
    >>> line = to_standoff(gold, record)
    >>> line["endpoints"][0]["measure"]
    ['primary_outcomes', 0, 40]
    >>> from_standoff(line, record)["endpoints"][0]["measure"] == words
    True
    """
    finder = _Finder(record)
    line = {"record_id": gold["record_id"], "sections": hash_sections(record)}
    for key in PARTS:
        part = gold.get(key) or ({} if key == "eligibility" else [])
        line[key] = _encode(part, finder)
    return line


def _encode(
    value: Any, finder: "_Finder", home: str | None = None, field: str = ""
) -> Any:
    """Replace the quotes in a value with spans. ``home`` is the place of the value."""
    if isinstance(value, list):
        return [_encode(member, finder, home, field) for member in value]
    if isinstance(value, dict):
        return _encode_table(value, finder, home)
    if not isinstance(value, str):
        return value
    if field == "arms":
        span = finder.find_label(value)
    elif field in _QUOTED or field in _MOSTLY_QUOTED:
        span = finder.find(value, home)
    else:
        return value
    if span is None and field not in _MOSTLY_QUOTED:
        raise ValueError(f"{field}: {value!r} is not in the record")
    return span or value


def _name_home(table: dict[str, Any]) -> str | None:
    """Return the place of an item: its section, or the registered outcome that it belongs to."""
    if table.get("rank"):
        return f"{table['rank']}_outcomes[{table['index']}]"
    section: str | None = table.get("section")
    return section


def _encode_table(
    table: dict[str, Any], finder: "_Finder", home: str | None
) -> dict[str, Any]:
    """Replace the quotes in an item with spans, and omit the fields that are not stated."""
    inner = _name_home(table) or home
    encoded = {}
    for key, value in table.items():
        # Only the units of limits are kept as written.
        is_plain_unit = key == "unit" and "quantity" not in table
        field = "" if is_plain_unit else key
        written = _encode(value, finder, inner, field)
        if _is_stated(key, written):
            encoded[key] = written
    return encoded


def _is_stated(key: str, value: Any) -> bool:
    """Return whether a field is written: it has a value, or it is an empty list that annotators
    were asked for, or it is the open end of a range.
    """
    if value is None:
        return key in ("low", "high")
    return value != [] or key in _MARKS


class _Finder:
    """Finds an annotation's words in a record."""

    def __init__(self, record: TrialRecord) -> None:
        self._texts = {section.name: section.text for section in record.sections}
        self._spans = _find_places(record)
        self._labels: dict[str, list[Any]] = {}
        for section in record.sections:
            for part in section.parts:
                if section.name.startswith("arms[") and part.name == "label":
                    label = fold_label(section.text[part.start : part.end])
                    place = [section.name, part.start, part.end]
                    self._labels.setdefault(label, place)

    def find_label(self, label: str) -> list[Any] | None:
        """Return the span of a label in the first arm with this label."""
        return self._labels.get(fold_label(label))

    def find(self, words: str, home: str | None) -> list[Any] | None:
        """Return the span of ``words`` in ``home`` or else in the first section with them."""
        spans = [self._spans[home]] if home in self._spans else []
        spans += [Span(name, 0, len(text)) for name, text in self._texts.items()]
        for span in spans:
            found = _find_first(words, self._texts[span.section], span)
            if found:
                return [*found] if span.section == home else [span.section, *found]
        return None


def _find_first(words: str, text: str, span: Span) -> tuple[int, int] | None:
    """Return the first place of the words that does not begin or end inside another word or number
    or, failing that, the first place. Case, the length of white space, and backslashes before
    punctuation may differ.
    """
    spaced = r"\s+".join(map(_escape_word, words.split()))
    inside = text[span.start : span.end]
    for pattern in (f"{_UNCUT}{spaced}{_UNCUT}", spaced):
        found = re.search(pattern, inside, re.IGNORECASE)
        if found:
            return found.start() + span.start, found.end() + span.start
    return None


def _escape_word(word: str) -> str:
    return "".join(
        each if each.isalnum() else rf"\\?{re.escape(each)}"
        for each in ESCAPE.sub("", word)
    )


def from_standoff(line: Mapping[str, Any], record: TrialRecord) -> dict[str, Any]:
    """Restore the gold JSON of a line. The record's text must be the annotated text."""
    decoded: dict[str, Any] = _decode({key: line[key] for key in PARTS}, record, None)
    return {"record_id": line["record_id"], **_add_empty(decoded)}


def _add_empty(gold: dict[str, Any]) -> dict[str, Any]:
    """Add the fields that the line omits because they are empty, since a field without a key counts
    as not annotated. Fields of guideline 1.5 are in the line wherever they were annotated.
    """
    whole = dict(gold)
    whole["eligibility"] = _EMPTY["eligibility"] | gold["eligibility"]
    criteria = gold["eligibility"].get("criteria", [])
    whole["eligibility"]["criteria"] = [
        _EMPTY["eligibility.criteria"] | criterion for criterion in criteria
    ]
    for task in ("dosing", "endpoints"):
        whole[task] = [_EMPTY[task] | item for item in gold[task]]
    return whole


def find_changed_sections(
    line: Mapping[str, Any], record: TrialRecord
) -> tuple[str, ...]:
    """Return the names of annotated sections that are missing or have changed."""
    today = hash_sections(record)
    known = line["sections"].items()
    return tuple(name for name, digest in known if today.get(name) != digest)


def hash_sections(record: TrialRecord) -> dict[str, str]:
    """Return the SHA-256 of the raw text of each section."""
    return {section.name: hash_text(section.text) for section in record.sections}


def hash_text(text: str) -> str:
    """Return the SHA-256 of a raw text."""
    return sha256(text.encode()).hexdigest()


def _decode(value: Any, record: TrialRecord, home: str | None) -> Any:
    """Replace the spans in a value with quotes. ``home`` is the place of the value."""
    if isinstance(value, dict):
        inner = _name_home(value) or home
        return {key: _decode(member, record, inner) for key, member in value.items()}
    if not isinstance(value, list):
        return value
    if not _is_span(value):
        return [_decode(member, record, home) for member in value]
    *named, start, end = value
    section = record.section(named[0] if named else home or "")
    return section.text[start:end] if section else None


def _is_span(value: list[Any]) -> bool:
    """Return whether a list is a span: two offsets, which may follow the name of a section."""
    if len(value) not in (2, 3):
        return False
    return isinstance(value[-2], int) and isinstance(value[-1], int)


def _find_places(record: TrialRecord) -> dict[str, Span]:
    """Return all places by name: sections, outcomes, and the items of a list in one cell."""
    spans: dict[str, Span] = {}
    for section in record.sections:
        # Flat formats keep all arms in one cell, with bars between.
        items = _ITEM.finditer(section.text if section.name in _LISTS else "")
        for number, item in enumerate(items):
            spans[f"{section.name}[{number}]"] = Span(section.name, *item.span())
    cells = {
        section.name: read_section(section.name, section.text)
        for section in record.sections
        if "_outcomes" in section.name
    }
    for outcome in place_outcomes(record, cells):
        name = f"{outcome.rank}_outcomes[{outcome.index}]"
        whole = outcome.whole
        spans[name] = Span(whole.section.name, *whole.raw_span)
    # A section that a register keeps for an item, such as arms[0], is the place of that item.
    for section in record.sections:
        spans[section.name] = Span(section.name, 0, len(section.text))
    return spans
