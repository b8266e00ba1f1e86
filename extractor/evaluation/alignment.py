"""Which predicted item corresponds to which item of gold, and which items were split or merged."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from extractor.schemas import Criterion, Endpoint, Item, Regimen

from .text import fold_text, is_inside, measure_overlap


def pair_values(
    gold: Sequence[Any], predicted: Sequence[Any], likeness: Callable[[Any, Any], float], threshold: float
) -> list[tuple[int, int]]:
    """Positions of the pairs with the greatest sum of likeness, in gold's order.

    Values that are less alike than ``threshold`` (above 0) are not paired. Position decides ties: sort both sides
    first where order must not matter.

    >>> pair_values([1, 5], [5, 9], lambda a, b: float(a == b), 0.5)
    [(1, 0)]
    """
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # noqa: PLC0415 - needs an extra

    if not gold or not predicted:
        return []
    table = np.array([[likeness(one, other) for other in predicted] for one in gold])
    table[table < threshold] = 0.0
    rows, columns = linear_sum_assignment(table, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if table[row, column] > 0]


@dataclass(frozen=True, slots=True)
class Placed:
    """An item, its position in its list, and its values as text, which order and equality go by."""

    item: Any
    position: int
    identity: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """Corresponding items, by position in the given sequences.

    ``splits`` are (gold, its further predicted parts), ``merges`` (predicted, its further gold parts).
    """

    pairs: tuple[tuple[int, int], ...]
    splits: tuple[tuple[int, tuple[int, ...]], ...] = ()
    merges: tuple[tuple[int, tuple[int, ...]], ...] = ()


class ItemKind(ABC):
    """How items of one kind are recognised. Stateless."""

    threshold = 0.5

    @abstractmethod
    def likeness(self, gold: Any, predicted: Any) -> float:
        """How alike two items are; below ``threshold`` they are not paired."""

    @abstractmethod
    def is_part(self, part: Any, whole: Any) -> bool:
        """Whether an item says a part of what another one says."""

    @abstractmethod
    def label(self, item: Any) -> str:
        """The item in few words, for reports."""


class _Criteria(ItemKind):
    def likeness(self, gold: Criterion, predicted: Criterion) -> float:
        overlap = _overlap(gold.quote, predicted.quote)
        if overlap < self.threshold:
            return 0.0
        return overlap + 0.05 * (gold.section == predicted.section) + 0.05 * (gold.kind == predicted.kind)

    def is_part(self, part: Criterion, whole: Criterion) -> bool:
        return part.section == whole.section and is_inside(part.quote, whole.quote)

    def label(self, item: Criterion) -> str:
        return item.quote


class _Regimens(ItemKind):
    threshold = 0.4

    def likeness(self, gold: Regimen, predicted: Regimen) -> float:
        levels, found = set(gold.amounts), set(predicted.amounts)
        amounts = len(levels & found) / len(levels | found) if levels | found else 0.0
        alike = 0.4 * _match_agents(gold, predicted) + 0.4 * _overlap(gold.quote, predicted.quote) + 0.2 * amounts
        given = (gold.route == predicted.route) + (gold.frequency == predicted.frequency)
        return alike + 0.02 * given + 0.02 * (gold.section == predicted.section) if alike >= self.threshold else 0.0

    def is_part(self, part: Regimen, whole: Regimen) -> bool:
        if _match_agents(part, whole) < 1:
            return False
        return is_inside(part.quote, whole.quote) or (bool(part.amounts) and set(part.amounts) < set(whole.amounts))

    def label(self, item: Regimen) -> str:
        return f"{item.agent}: {item.quote}"


class _Endpoints(ItemKind):
    def likeness(self, gold: Endpoint, predicted: Endpoint) -> float:
        measure = _overlap(gold.measure or "", predicted.measure or "")
        whole = _overlap(self.label(gold), self.label(predicted))
        if max(measure, whole) < self.threshold:
            return 0.0
        time_frame = _overlap(gold.time_frame or "", predicted.time_frame or "")
        rank = gold.rank == predicted.rank
        index = rank and gold.index == predicted.index
        return max(measure, whole) + 0.3 * measure + 0.3 * rank + 0.1 * whole + 0.1 * time_frame + 0.01 * index

    def is_part(self, part: Endpoint, whole: Endpoint) -> bool:
        if part.rank != whole.rank:
            return False
        return is_inside(part.measure or "", whole.measure or "") or is_inside(self.label(part), self.label(whole))

    def label(self, item: Endpoint) -> str:
        return " ".join(filter(None, (item.measure, item.description, item.time_frame)))


KINDS: dict[str, ItemKind] = {"eligibility.criteria": _Criteria(), "dosing": _Regimens(), "endpoints": _Endpoints()}
"""How the items at each path are recognised."""


def place_items(items: Sequence[Item]) -> list[Placed]:
    """The items in an order that depends on their values alone."""
    placed = [Placed(item, position, _identify(item)) for position, item in enumerate(items)]
    return sorted(placed, key=lambda one: one.identity)


def pair_items(kind: ItemKind, gold: Sequence[Placed], predicted: Sequence[Placed]) -> Pairing:
    """Pair items so that the sum of likeness is greatest, and find splits and merges among the rest."""

    def likeness(one: Placed, other: Placed) -> float:
        alike = kind.likeness(one.item, other.item)
        # Items that agree in everything go first: else repeated items could cross.
        return alike + 0.001 if alike and one.identity == other.identity else alike

    pairs = pair_values(gold, predicted, likeness, kind.threshold)
    return Pairing(
        tuple(pairs),
        splits=_find_parts(kind, gold, predicted, dict(pairs)),
        merges=_find_parts(kind, predicted, gold, {column: row for row, column in pairs}),
    )


def _find_parts(
    kind: ItemKind, wholes: Sequence[Placed], others: Sequence[Placed], partner: dict[int, int]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Wholes whose counterpart is only a part of them, with the free items that are further parts."""
    taken = set(partner.values())
    free = [position for position in range(len(others)) if position not in taken]
    found = []
    for position, counterpart in sorted(partner.items()) if free else ():
        whole = wholes[position].item
        if kind.is_part(others[counterpart].item, whole):
            parts = tuple(part for part in free if kind.is_part(others[part].item, whole))
            free = [part for part in free if part not in parts]
            found += [(position, parts)] if parts else []
    return tuple(found)


def _identify(item: Item) -> str:
    """All values of an item as text, those of lists in an order of their own."""
    values = ((name, value) for name, value in item if name not in Item.model_fields)
    return repr([(name, sorted(map(repr, value)) if isinstance(value, tuple) else value) for name, value in values])


def _overlap(one: str, other: str) -> float:
    """Token overlap, at least 0.5 if one text is inside the other."""
    overlap = measure_overlap(one, other)
    return 0.5 if overlap < 0.5 and (is_inside(one, other) or is_inside(other, one)) else overlap


def _match_agents(one: Regimen, other: Regimen) -> float:
    first, second = fold_text(one.agent), fold_text(other.agent)
    if first == second:
        return 1.0
    return 0.8 if is_inside(first, second) or is_inside(second, first) else measure_overlap(first, second)
