"""The records of a run: what was extracted, with the texts it was extracted from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

from extractor.run.finished import FinishedRun, TextState
from extractor.schemas import TrialExtraction, TrialRecord

from .values import ItemValues, list_values

__all__ = ["RunRecord", "read_run"]


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


def read_run(run: FinishedRun, inputs: Sequence[str | PathLike[str]]) -> Iterator[RunRecord]:
    """The results of a run, each once: those found in ``inputs`` in their order, then the others.

    Raises ``StoreError`` for a result that this version cannot read.
    """
    for one in run.reread(inputs):
        yield RunRecord(run.read_result(one.record_id, TrialExtraction), one.record, one.text)
