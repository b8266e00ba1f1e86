"""The records of a run: results from its folder, and texts from where it read them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from extractor.errors import RecordError, StoreError
from extractor.read import read_records
from extractor.run.folder import EXTRACTIONS
from extractor.run.results import telling
from extractor.run.store import KnownRecord, RunStore, digest_record
from extractor.schemas import TrialExtraction, TrialRecord

from .values import ItemValues, list_values

__all__ = ["RunRecord", "TextState", "read_run"]


class TextState(StrEnum):
    """Whether the text of a record is at hand.

    - ``same``: as the run read it.
    - ``changed``: its input has another text now, to which the offsets do not belong.
    - ``missing``: its input could not be read again.
    """

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True)
class RunRecord:
    """A result and, where it is the same as the run read it, the record it is of."""

    extraction: TrialExtraction
    record: TrialRecord | None
    text: TextState

    @cached_property
    def items(self) -> list[ItemValues]:
        """All items with their values."""
        return list_values(self.extraction)


def read_run(run: Path, inputs: Sequence[str | PathLike[str]]) -> Iterator[RunRecord]:
    """The results in a run's folder, each once: those found in ``inputs`` in their order, then the others.

    Raises ``StoreError`` if the folder holds no run, or one whose results this version cannot read.
    """
    with (
        telling(run / EXTRACTIONS),
        closing(RunStore(run, reading=True)) as store,
        (run / EXTRACTIONS).open("rb") as results,
    ):
        seen: set[str] = set()
        for record in _reread(inputs):
            known = store.find(record.record_id)
            if known is None or record.record_id in seen:
                continue
            seen.add(record.record_id)
            same = known.text_sha256 == digest_record(record)
            state = TextState.SAME if same else TextState.CHANGED
            yield RunRecord(_read_line(results, known), record if same else None, state)
        for record_id, *_ in list(store.lines()):
            if record_id not in seen and (known := store.find(record_id)):
                yield RunRecord(_read_line(results, known), None, TextState.MISSING)


def _reread(inputs: Sequence[str | PathLike[str]]) -> Iterator[TrialRecord]:
    """What can be read. Standard input cannot be read again; what is broken or gone is told of the records."""
    problems: list[RecordError] = []
    named = [one for one in inputs if one != "-"]
    if named:
        yield from read_records(*named, on_error=problems.append)


def _read_line(results: IO[bytes], known: KnownRecord) -> TrialExtraction:
    results.seek(known.start)
    try:
        return TrialExtraction.model_validate_json(results.read(known.length))
    except ValidationError as error:
        raise StoreError(
            f"{results.name}: a result at byte {known.start} cannot be read ({error.error_count()} problems); "
            "it was changed, or another version of this program made it: run again with --fresh"
        ) from error
