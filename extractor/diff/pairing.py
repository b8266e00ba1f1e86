"""Pair the items of two versions, the most alike first, and keep items together that were split or merged."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .wording import Wording, join_wordings

ItemT = TypeVar("ItemT")


@dataclass(frozen=True)
class Placed(Generic[ItemT]):
    """An item with its path in the extraction and what its text says."""

    path: str
    item: ItemT
    wording: Wording


@dataclass(frozen=True)
class Paired(Generic[ItemT]):
    """Items that correspond: one on each side, or several where an item was split or merged."""

    old: Sequence[Placed[ItemT]]
    new: Sequence[Placed[ItemT]]

    @property
    def wordings(self) -> tuple[Wording, Wording]:
        """What the old items say together, and the new ones. Words that several items share count once."""
        old, new = (join_wordings(one.wording for one in side) for side in (self.old, self.new))
        if len(self.old) + len(self.new) > 2:
            return old.once, new.once
        return old, new


_MOST_COMPARED = 1_000_000
"""About the most pairs that are compared. Of longer lists, each item is compared with those near its place."""
Likeness = Callable[[Placed[ItemT], Placed[ItemT]], float]


def pair_versions(
    old: Sequence[Placed[ItemT]], new: Sequence[Placed[ItemT]], likeness: Likeness[ItemT], least: float
) -> list[Paired[ItemT]]:
    """Pair the items of two versions; an item without a counterpart has an empty other side.

    The pair with the greatest ``likeness`` comes first, and ties keep the order of the record. Pairs less alike than
    ``least`` are not made; half of that is enough beside a pair, at the same place.
    """
    reach = _MOST_COMPARED // max(1, len(old))
    centres = [a * len(new) // len(old) for a in range(len(old))]
    ranked = sorted(
        (
            (alike, a, b)
            for a, one in enumerate(old)
            for b in range(max(0, centres[a] - reach), min(len(new), centres[a] + reach))
            if (alike := likeness(one, new[b])) >= least / 2
        ),
        key=lambda found: (-found[0], abs(found[1] - found[2]), found[1]),
    )
    partner: dict[int, int] = {-1: -1, len(old): len(new)}
    taken: set[int] = set()
    for alike, a, b in ranked:
        is_near = partner.get(a - 1) == b - 1 or partner.get(a + 1) == b + 1
        if a not in partner and b not in taken and (alike >= least or is_near):
            partner[a] = b
            taken.add(b)
    del partner[-1], partner[len(old)]
    pairs = [Paired([old[a]], [new[b]]) for a, b in sorted(partner.items())]
    removed = [one for a, one in enumerate(old) if a not in partner]
    added = [one for b, one in enumerate(new) if b not in taken]
    return list(_join_parts(pairs, removed, added))


def _join_parts(
    pairs: Sequence[Paired[ItemT]], removed: list[Placed[ItemT]], added: list[Placed[ItemT]]
) -> Iterator[Paired[ItemT]]:
    for pair in pairs:
        old, new = pair.old[0].wording, pair.new[0].wording
        split = [one for one in added if one.wording.completes(new, old)]
        merged = [one for one in removed if one.wording.completes(old, new)]
        added = [one for one in added if one not in split]
        removed = [one for one in removed if one not in merged]
        yield Paired([*pair.old, *merged], [*pair.new, *split])
    yield from (Paired([one], []) for one in removed)
    yield from (Paired([], [one]) for one in added)


_LEAST_COMMON = 4
_OF_PART = 0.7
"""Likeness of a text to one that says all of it and more."""


class RareWords:
    """Likeness of texts by their words, where words that many texts of a version share count little."""

    def __init__(self, *versions: Sequence[Placed[ItemT]]) -> None:
        self._common: Counter[str] = Counter()
        for version in versions:
            self._common |= Counter(word for placed in version for word in set(placed.wording.words))

    def measure(self, one: Wording, other: Wording) -> float:
        """Return the weighted Dice coefficient of the words, 0 to 1; more if one text is nearly a part of the other."""
        first, second = self._weigh(one.words), self._weigh(other.words)
        common = one.words & other.words
        if not first and not second:  # such as "older than 18 years": what is counted must be the same
            units = [{number.partition(" ")[2] for number in each.numbers} for each in (one, other)]
            return float(one.says_same(other) or (bool(units[0]) and units[0] == units[1]))
        if not first or not second:
            return 0.0
        alike = 2 * self._weigh(common) / (first + second)
        if len(common) < _LEAST_COMMON:
            return alike
        return max(alike, _OF_PART * self._weigh(common) / min(first, second))

    def _weigh(self, words: Counter[str]) -> float:
        return sum(1 / max(1, self._common[word]) for word in words)
