"""Counts of claimed and unclaimed numbers over many records, in memory that does not grow with them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .number_claims import NumberClaim, RecordPart

__all__ = ["ClaimTally", "PartClaims"]

_SHAPES = 20_000


@dataclass(frozen=True, slots=True)
class PartClaims:
    """One part of records: its numbers, how many some reading claims, by which fields, and what is unclaimed.

    A number that several fields claim counts once in each of ``fields``. ``shapes`` are the commonest unclaimed ones,
    such as ("grade N or", 12).
    """

    part: RecordPart
    numbers: int
    claimed: int
    fields: tuple[tuple[str, int], ...]
    shapes: tuple[tuple[str, int], ...]

    @property
    def share(self) -> float | None:
        """The share of numbers that is claimed; None without numbers."""
        return self.claimed / self.numbers if self.numbers else None


class ClaimTally:
    """Adds up ``NumberClaim``s. At most ``shapes`` different shapes of a part are held.

    Where there are more, the rarer half is forgotten: the count of a shape that is seen again is then too low, which
    hardly touches the common ones.

    >>> tally = ClaimTally()
    >>> tally.add([NumberClaim(RecordPart.CRITERIA, "age N to", ("constraints",)),
    ...            NumberClaim(RecordPart.CRITERIA, "visit N and")])
    >>> part = tally.report()[0]
    >>> part.numbers, part.share, part.shapes
    (2, 0.5, (('visit N and', 1),))
    """

    def __init__(self, shapes: int = _SHAPES) -> None:
        self._limit = shapes
        self._numbers: Counter[RecordPart] = Counter()
        self._claimed: Counter[RecordPart] = Counter()
        self._fields: dict[RecordPart, Counter[str]] = {part: Counter() for part in RecordPart}
        self._shapes: dict[RecordPart, Counter[str]] = {part: Counter() for part in RecordPart}

    def add(self, claims: Iterable[NumberClaim]) -> None:
        """Count the numbers of a record."""
        for claim in claims:
            self._numbers[claim.part] += 1
            self._claimed[claim.part] += bool(claim.fields)
            self._fields[claim.part].update(claim.fields)
            if not claim.fields:
                self._count_shape(self._shapes[claim.part], claim.shape)

    def _count_shape(self, shapes: Counter[str], shape: str) -> None:
        shapes[shape] += 1
        if len(shapes) > self._limit:
            common = shapes.most_common(max(1, self._limit // 2))
            shapes.clear()
            shapes.update(dict(common))

    def report(self, shapes: int = 20) -> tuple[PartClaims, ...]:
        """Every part, with its ``shapes`` commonest unclaimed shapes."""
        return tuple(
            PartClaims(
                part,
                self._numbers[part],
                self._claimed[part],
                tuple(self._fields[part].most_common()),
                tuple(sorted(self._shapes[part].items(), key=lambda pair: (-pair[1], pair[0]))[:shapes]),
            )
            for part in RecordPart
        )
