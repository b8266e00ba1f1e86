"""Notice a record that was read before."""

from extractor.errors import RecordError
from extractor.schemas import Source, TrialRecord

__all__ = ["SeenIds"]

_NUMBER_BITS = 40


class SeenIds:
    """Where each id was read first, in about a hundred bytes an id.

    Ids are kept as hashes. A place such as "trials.jsonl, line 12" is kept as one integer: the position
    of the label "trials.jsonl, line", which all records of the file share, and 12.
    """

    def __init__(self) -> None:
        self._labels: list[str] = []
        self._first: dict[int, int] = {}

    def check(self, record: TrialRecord) -> TrialRecord | RecordError:
        """The record if its id is new, else an error that names both places."""
        key = hash(record.record_id)
        first = self._first.get(key)
        if first is None:
            self._first[key] = self._pack(record.source)
            return record
        return RecordError(
            record.source.path,
            f"the record {record.record_id} was already read from {self._unpack(first)}",
            "leave one of the two out",
            place=record.source.place,
        )

    def _pack(self, source: Source) -> int:
        unit, _, number = (source.place or "").rpartition(" ")
        counted = number.isdecimal()
        label = ", ".join(filter(None, (source.path, unit if counted else source.place)))
        if not self._labels or self._labels[-1] != label:
            self._labels.append(label)
        return (len(self._labels) - 1) << _NUMBER_BITS | (int(number) if counted else 0)

    def _unpack(self, packed: int) -> str:
        label, number = self._labels[packed >> _NUMBER_BITS], packed & ((1 << _NUMBER_BITS) - 1)
        return f"{label} {number}" if number else label
