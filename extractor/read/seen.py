"""Notice a record that was read before."""

from array import array

from extractor.errors import RepeatedRecord
from extractor.schemas import Source, TrialRecord

__all__ = ["SeenIds"]

_NUMBER_BITS = 40
_FIRST_SIZE = 1024
_HASH = (1 << 64) - 1


class SeenIds:
    """Where each id was read first, in 35 to 65 bytes an id: what half a million records must not fill memory with.

    Ids and texts are kept as hashes, in an open-addressed table of three arrays; a free slot has the hash 0. A place
    such as "trials.jsonl, line 12" is kept as one integer: the position of the label "trials.jsonl, line", which all
    records of the file share, and 12.
    """

    def __init__(self) -> None:
        self._labels: list[str] = []
        self._hashes, self._firsts, self._texts = (_zeros(_FIRST_SIZE) for _ in range(3))
        self._count = 0

    def check(self, record: TrialRecord) -> TrialRecord | RepeatedRecord:
        """The record if its id is new, else an error that names both places."""
        key = hash(record.record_id) & _HASH or 1
        text = hash(record.model_dump_json(include={"sections", "registry"})) & _HASH
        slot = self._find(key)
        if not self._hashes[slot]:
            self._hashes[slot], self._firsts[slot], self._texts[slot] = key, self._pack(record.source), text
            self._count += 1
            if 4 * self._count > 3 * len(self._hashes):
                self._grow()
            return record
        return RepeatedRecord(
            record.source.path,
            record.record_id,
            self._unpack(self._firsts[slot]),
            same_text=self._texts[slot] == text,
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
        slots = zip(self._hashes, self._firsts, self._texts, strict=True)
        self._hashes, self._firsts, self._texts = (_zeros(2 * len(self._hashes)) for _ in range(3))
        for key, first, text in slots:
            if key:
                slot = self._find(key)
                self._hashes[slot], self._firsts[slot], self._texts[slot] = key, first, text

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
