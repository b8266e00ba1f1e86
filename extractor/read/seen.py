"""Notice a record that was read before."""

from array import array

from extractor.errors import RecordError
from extractor.schemas import Source, TrialRecord

__all__ = ["SeenIds"]

_NUMBER_BITS = 40
_FIRST_SIZE = 1024
_HASH = (1 << 64) - 1


class SeenIds:
    """Where each id was read first, in 25 to 45 bytes an id: what half a million records must not fill memory with.

    Ids are kept as hashes, in an open-addressed table of two arrays; a free slot has the hash 0. A place such as
    "trials.jsonl, line 12" is kept as one integer: the position of the label "trials.jsonl, line", which all records
    of the file share, and 12.
    """

    def __init__(self) -> None:
        self._labels: list[str] = []
        self._hashes, self._firsts = _zeros(_FIRST_SIZE), _zeros(_FIRST_SIZE)
        self._count = 0

    def check(self, record: TrialRecord) -> TrialRecord | RecordError:
        """The record if its id is new, else an error that names both places."""
        key = hash(record.record_id) & _HASH or 1
        slot = self._find(key)
        if not self._hashes[slot]:
            self._hashes[slot], self._firsts[slot] = key, self._pack(record.source)
            self._count += 1
            if 4 * self._count > 3 * len(self._hashes):
                self._grow()
            return record
        return RecordError(
            record.source.path,
            f"the record {record.record_id} was already read from {self._unpack(self._firsts[slot])}",
            "leave one of the two out",
            place=record.source.place,
        )

    def _find(self, key: int) -> int:
        """The slot of a hash, or the free one that it belongs into."""
        hashes, last = self._hashes, len(self._hashes) - 1
        slot = key & last
        while hashes[slot] not in (0, key):
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        hashes, firsts = self._hashes, self._firsts
        self._hashes, self._firsts = _zeros(2 * len(hashes)), _zeros(2 * len(hashes))
        for key, first in zip(hashes, firsts, strict=True):
            if key:
                slot = self._find(key)
                self._hashes[slot], self._firsts[slot] = key, first

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


def _zeros(size: int) -> "array[int]":
    return array("Q", bytes(8 * size))
