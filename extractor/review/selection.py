"""Marked words as new items and values: the rules read the words as they would read them in a record."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from extractor.api import Extractor
from extractor.evaluation.standoff import Places, find_places
from extractor.parse.parsed import CERTAIN
from extractor.schemas import CriterionKind, Item, Rank, Section, Source, TimePoint, TrialExtraction, TrialRecord

from .changes import Selection
from .items import ItemKind, Json, list_fields
from .offsets import from_utf16

__all__ = ["Proposal", "Words", "find_words", "propose_item", "read_value", "refuse_endpoint"]

_LISTS = ("end_events", "specimens", "methods")
_TIMES = ("time_points", "cycle", "duration")
_MANY = ("constraints", "amounts")
_NAMES = {"constraints": "quantity", "time_window": "quote", "instrument": "name"}
_UNREAD: dict[str, Json] = {
    "constraints": {"quantity": "", "comparator": None, "value": None, "value_high": None, "unit": None},
    "amounts": {"low": None, "high": None, "unit": ""},
    "time_window": {"quote": "", "comparator": None, "value": None, "unit": None},
    "instrument": {"name": "", "version": None},
}
"""What is left to fill in where the rules read nothing."""
_CONTEXT = ("title", "conditions")
_LIST_NAME = re.compile(r"\b(inclusion|exclusion)\b", re.IGNORECASE)
_OUTCOMES = re.compile(r"(primary|secondary|other)_outcomes(?:\[(\d+)\])?")


class Words:
    """Marked words in a record: whole words, without white space at their ends."""

    def __init__(self, record: TrialRecord, section: Section, start: int, end: int) -> None:
        self.record, self.section = record, section
        self.start, self.end = _trim(section.text, start, end)
        self.text = section.text[self.start : self.end]
        if not self.text:
            raise ValueError("no words are marked")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A new item as the rules read it, and whether they are certain of all of it."""

    value: Json
    is_certain: bool


def find_words(record: TrialRecord, selection: Selection) -> Words:
    """The words that a selection marks. Raises ``ValueError`` for none, or a section that the record has not."""
    section = record.section(selection.section)
    if section is None:
        raise ValueError(f"there is no section {selection.section!r}")
    start, end = (from_utf16(section.text, units) for units in (selection.start, selection.end))
    return Words(record, section, start, end)


def refuse_endpoint(words: Words, endpoints: Iterable[Json]) -> None:
    """Raise ``ValueError`` for words of no registered outcome, or of one that is among the endpoints already."""
    found = _find_outcome(words)
    if found is None:
        raise ValueError("an outcome is what is registered as one: select words of a single registered outcome")
    rank, index = found
    if any((one["rank"], one["index"]) == (rank.value, index) for one in endpoints):
        raise ValueError(f"{rank} outcome {index + 1} is among the items already: correct it there")


def propose_item(kind: ItemKind, words: Words) -> Proposal:
    """A new item of the marked words, filled in as far as the rules can read them."""
    if kind is ItemKind.CRITERION:
        return _propose_criterion(words)
    if kind is ItemKind.REGIMEN:
        return _propose_regimen(words)
    return _propose_endpoint(words)


def read_value(kind: ItemKind, item: Json, path: str, words: Words) -> Any:
    """What a field becomes by the marked words: lists get more, quotes are replaced, values are read anew."""
    if path in _LISTS:
        return [*(item.get(path) or []), words.text]
    if path in _TIMES:
        points = _read_time(words)
        return points if path == "time_points" else points[0] if points else item.get(path)
    if path not in _UNREAD:
        return words.text
    found = propose_item(kind, words).value[path] or _UNREAD[path] | {_NAMES.get(path, "unit"): words.text}
    more = found if isinstance(found, list) else [found]
    return [*(item.get(path) or []), *more] if path in _MANY else found


def _propose_criterion(words: Words) -> Proposal:
    before = _LIST_NAME.findall(words.section.text[: words.start])
    kind = CriterionKind(before[-1].lower()) if before else CriterionKind.INCLUSION
    found = _extract(words, "eligibility", f"{kind.capitalize()} Criteria:\n\n* {words.text}").eligibility.criteria
    value = dict.fromkeys(list_fields(ItemKind.CRITERION)) | {"constraints": []}
    value |= _dump(found[0], ItemKind.CRITERION) if found else {}
    value |= {"kind": kind.value, "section": words.section.name, "quote": words.text, "lead_in": None}
    return Proposal(value, _is_certain(found))


def _propose_regimen(words: Words) -> Proposal:
    found = _extract(words, "interventions[0]", words.text).dosing
    value = dict.fromkeys(list_fields(ItemKind.REGIMEN)) | {"amounts": [], "agent": words.text, "quote": words.text}
    value |= (_dump(found[0], ItemKind.REGIMEN) if found else {}) | {"section": words.section.name}
    return Proposal(value, _is_certain(found))


def _propose_endpoint(words: Words) -> Proposal:
    """Rank and index are those of the registered outcome that the words stand in."""
    found = _extract(words, "primary_outcomes", words.text).endpoints
    value = dict.fromkeys(list_fields(ItemKind.ENDPOINT)) | {"measure": words.text}
    value |= {name: [] for name in (*_LISTS, "time_points")} | {"censored": False}
    value |= _dump(found[0], ItemKind.ENDPOINT) if found else {}
    rank, index = _find_outcome(words) or (Rank.PRIMARY, 0)
    return Proposal(value | {"rank": rank.value, "index": index}, _is_certain(found))


def _is_certain(found: tuple[Item, ...]) -> bool:
    """Whether the words are one item, and the rules are sure of it."""
    return len(found) == 1 and (found[0].confidence or 0) >= CERTAIN


def _find_outcome(words: Words) -> tuple[Rank, int] | None:
    record = words.record
    places: Places = find_places(record)
    for name, span in places.spans.items():
        named = _OUTCOMES.fullmatch(name)
        inside = span.section == words.section.name and span.start <= words.start and words.end <= span.end
        if named and named[2] is not None and inside:
            return Rank(named[1]), int(named[2])
    return None


def _read_time(words: Words) -> list[Json]:
    points: tuple[TimePoint, ...] = ()
    section = Section(name="primary_outcomes[0]", text=f"Survival, {words.text}")
    record = TrialRecord(record_id="marked", source=_SOURCE, sections=(section,))
    for endpoint in Extractor(assist="never").extract(record).endpoints:
        points += endpoint.time_points
    return [point.model_dump(mode="json") for point in points]


_SOURCE = Source(path="marked words", format="flat")


def _extract(words: Words, section: str, text: str) -> TrialExtraction:
    context = tuple(found for name in _CONTEXT if (found := words.record.section(name)))
    sections = (*context, Section(name=section, text=text))
    record = TrialRecord(record_id="marked", source=_SOURCE, sections=sections)
    return Extractor(assist="never").extract(record)


def _dump(item: Any, kind: ItemKind) -> Json:
    dumped: Json = item.model_dump(mode="json", include=set(list_fields(kind)))
    return dumped


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """White space off, and cut words made whole: gold quotes whole words.

    >>> _trim("no fever now", 1, 7)
    (0, 8)
    """
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while 0 < start < end and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while start < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end
