"""A run held against what today's rules and prompts make of its records and replies."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from extractor.errors import StoreError
from extractor.llm.recordings import RecallTally
from extractor.llm.trace import Session
from extractor.schemas import TrialRecord

from .differences import Difference, compare_extractions
from .folder import EXTRACTIONS
from .results import telling
from .store import RunStore, digest_record

__all__ = ["Change", "Comparison", "ComparisonReport"]

_EXAMPLES = 3


class Change(BaseModel):
    """A field whose value is another one in so many ``records``, with the first of them."""

    model_config = ConfigDict(frozen=True)

    field: str
    records: int
    examples: tuple[dict[str, Any], ...]


class ComparisonReport(BaseModel):
    """What a comparison found.

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
    """Compares extractions with a run's own, one at a time. Open while its ``with`` block is.

    Raises ``StoreError`` for a folder that holds no run, or one that was killed and not resumed since.
    """

    def __init__(self, run: Path, recall: RecallTally) -> None:
        self._recall = recall
        self._counts: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._examples: dict[str, list[dict[str, Any]]] = {}
        self._open: set[str] = set()
        with ExitStack() as closing:
            self._store = RunStore(run, reading=True)
            closing.callback(self._store.close)
            with telling(run / EXTRACTIONS):
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

    def note_asker(self, asker: Session) -> None:
        """Note whether a record's questions were all answered."""
        if asker.pending and asker.record_id:
            self._open.add(asker.record_id)

    def note_failure(self) -> None:
        """Count a record that could not be read or extracted."""
        self._counts["failed"] += 1

    def compare(self, record_id: str, new: Mapping[str, Any]) -> None:
        """Compare one extraction, as JSON, with the run's, if it has one and all its questions were answered."""
        if record_id in self._open:
            self._open.remove(record_id)
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
        """What was found so far."""
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
