"""A run compared with what today's rules and prompts make of its records and replies."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from extractor.errors import StoreError
from extractor.llm.recordings import RecallTally
from extractor.llm.trace import Session
from extractor.schemas import Criterion, Eligibility, Endpoint, Item, Regimen, TrialRecord

from .folder import EXTRACTIONS
from .results import naming_file
from .store import RunStore, digest_record

__all__ = ["Change", "Comparison", "ComparisonReport", "Difference", "compare_extractions"]

_EXAMPLES = 3

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
    """A field with another value. For an item that only one side has, the field is the item's kind alone."""

    field: str
    old: Any
    new: Any


def compare_extractions(old: _Json, new: _Json) -> Iterator[Difference]:
    """The differences between two extractions as JSON, field by field, without provenance.

    Items belong together by what they quote, and then by order.

    >>> eligibility = {"minimum_age": {"value": 18}, "criteria": []}
    >>> older = {"eligibility": eligibility, "endpoints": [{"measure": "Pain", "concept": None}]}
    >>> newer = {"eligibility": eligibility, "endpoints": [{"measure": "Pain", "concept": "other"}]}
    >>> list(compare_extractions(older, newer))
    [Difference(field='endpoints.concept', old=None, new='other')]
    """
    yield from _compare_fields("eligibility", _PEOPLE, old["eligibility"], new["eligibility"])
    for kind, (model, quote) in _KINDS.items():
        before, after = _key_items(old, kind), _key_items(new, kind)
        yield from (Difference(kind, before[key].get(quote), None) for key in before if key not in after)
        yield from (Difference(kind, None, after[key].get(quote)) for key in after if key not in before)
        names = tuple(name for name in model.model_fields if name not in _PROVENANCE)
        for key in before.keys() & after.keys():
            yield from _compare_fields(kind, names, before[key], after[key])


def _compare_fields(kind: str, names: tuple[str, ...], old: _Json, new: _Json) -> Iterator[Difference]:
    for name in names:
        if old.get(name) != new.get(name):
            yield Difference(f"{kind}.{name}", old.get(name), new.get(name))


def _key_items(extraction: _Json, kind: str) -> dict[tuple[Any, ...], _Json]:
    """Items by where they stand, what they quote, and their number among equals."""
    parent = extraction["eligibility"] if kind == "criteria" else extraction
    seen: Counter[tuple[Any, ...]] = Counter()
    keyed = {}
    for item in parent.get(kind, ()):
        place = (item.get("section") or item.get("rank"), item.get(_KINDS[kind][1]))
        keyed[*place, seen[place]] = item
        seen[place] += 1
    return keyed


class Change(BaseModel):
    """A field that has another value in so many ``records``, with the first of them."""

    model_config = ConfigDict(frozen=True)

    field: str
    records: int
    examples: tuple[dict[str, Any], ...]


class ComparisonReport(BaseModel):
    """The result of a comparison.

    ``records`` were read. Of these ``new`` are not in the run, and ``other_text`` have changed since; ``gone`` are in
    the run and were not read. ``failed`` could not be extracted. ``open`` lack the answer to a question that was never
    asked, so that their values are not compared. ``changed`` have another value somewhere.
    """

    model_config = ConfigDict(frozen=True)

    records: int
    new: int
    other_text: int
    gone: int
    failed: int
    open: int
    changed: int
    calls_unchanged: int
    calls_to_ask: int
    prompt_tokens_to_ask: int
    changes: tuple[Change, ...]


class Comparison:
    """Compares extractions with a run's own, one at a time. Used as a context manager.

    Raises ``StoreError`` for a folder that holds no run, or one that was killed and not resumed since.
    """

    def __init__(self, run: Path, recall: RecallTally) -> None:
        self._recall = recall
        self._counts: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._examples: dict[str, list[dict[str, Any]]] = {}
        with ExitStack() as closing:
            self._store = RunStore(run, reading=True)
            closing.callback(self._store.close)
            with naming_file(run / EXTRACTIONS):
                self._file = closing.enter_context((run / EXTRACTIONS).open("rb"))
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def note_record(self, record: TrialRecord) -> None:
        """Count a record that was read."""
        known = self._store.find(record.record_id)
        self._counts["records"] += 1
        self._counts["new"] += known is None
        self._counts["other_text"] += bool(known and known.text_sha256 != digest_record(record))

    def note_failure(self) -> None:
        """Count a record that could not be read or extracted."""
        self._counts["failed"] += 1

    def compare(self, record_id: str, new: Mapping[str, Any], asker: Session) -> None:
        """Compare one extraction, as JSON, with the run's, if it has one and all its questions were answered."""
        if asker.pending:
            self._counts["open"] += 1
            return
        old = self._read(record_id)
        if old is None:
            return
        by_field: dict[str, Difference] = {}
        for difference in compare_extractions(old, new):
            by_field.setdefault(difference.field, difference)
        self._counts["changed"] += bool(by_field)
        for field, difference in by_field.items():
            self._fields[field] += 1
            examples = self._examples.setdefault(field, [])
            if len(examples) < _EXAMPLES:
                examples.append({"record_id": record_id, "old": difference.old, "new": difference.new})

    def report(self) -> ComparisonReport:
        """The result so far."""
        counts = {name: self._counts[name] for name in ("records", "new", "other_text", "failed", "open", "changed")}
        fields = sorted(self._fields.items(), key=lambda pair: (-pair[1], pair[0]))
        return ComparisonReport(
            **counts,
            gone=len(self._store) - (counts["records"] - counts["new"]),
            calls_unchanged=self._recall.answered,
            calls_to_ask=self._recall.missing,
            prompt_tokens_to_ask=self._recall.missing_tokens,
            changes=tuple(Change(field=f, records=n, examples=tuple(self._examples[f])) for f, n in fields),
        )

    def _read(self, record_id: str) -> Mapping[str, Any] | None:
        known = self._store.find(record_id)
        if known is None:
            return None
        self._file.seek(known.start)
        try:
            old: dict[str, Any] = json.loads(self._file.read(known.length))
        except ValueError:
            old = {}
        if old.get("record_id") != record_id:
            raise StoreError(f"{self._file.name}: is not what the store says; resume the run first")
        return old
