"""Confusion matrices of the fields with a closed set of values."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from extractor.evaluation.report import Choice

__all__ = ["Cell", "Matrix", "Row", "build_matrices"]

_NUMBER = re.compile(r"(\d+)")
_MOST_LABELS = 12
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """How often gold's choice was predicted as another one. ``shade`` is 0 to 5, by the share of the row."""

    predicted: str | None
    count: int
    right: bool
    shade: int
    link: str


@dataclass(frozen=True, slots=True)
class Row:
    """One choice of gold, over all predicted ones."""

    gold: str | None
    cells: tuple[Cell, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """One field. A large matrix shows only the choices that were mistaken; ``left_out`` counts the others."""

    field: str
    columns: tuple[str | None, ...]
    rows: tuple[Row, ...]
    wrong: int
    total: int
    left_out: int


def build_matrices(choices: Iterable[Choice]) -> list[Matrix]:
    """A matrix for each field, the one with most mistakes first.

    >>> cells = [("female", "female", 3), ("female", None, 1)]
    >>> found = [Choice(field="eligibility.sex", gold=a, predicted=b, count=n) for a, b, n in cells]
    >>> matrix = build_matrices(found)[0]
    >>> matrix.columns, [cell.count for cell in matrix.rows[0].cells], matrix.wrong
    (('female', None), [3, 1], 1)
    """
    counts: dict[str, dict[tuple[str | None, str | None], int]] = defaultdict(dict)
    for one in choices:
        counts[one.field][one.gold, one.predicted] = one.count
    matrices = [_build(name, cells) for name, cells in counts.items()]
    return sorted(matrices, key=lambda matrix: (-matrix.wrong, matrix.field))


def _build(name: str, counts: dict[tuple[str | None, str | None], int]) -> Matrix:
    labels = _sort(label for pair in counts for label in pair)
    golds = _sort(gold for gold, _ in counts)
    shown = golds
    if len(labels) > _MOST_LABELS:
        shown = _sort(gold for gold, predicted in counts if gold != predicted)
    columns = _sort(label for gold, predicted in counts if gold in shown for label in (gold, predicted))
    return Matrix(
        field=name,
        columns=columns,
        rows=tuple(_build_row(name, gold, columns, counts) for gold in shown),
        wrong=sum(number for (gold, predicted), number in counts.items() if gold != predicted),
        total=sum(counts.values()),
        left_out=len(golds) - len(shown),
    )


def _build_row(
    name: str,
    gold: str | None,
    columns: tuple[str | None, ...],
    counts: dict[tuple[str | None, str | None], int],
) -> Row:
    numbers = [counts.get((gold, predicted), 0) for predicted in columns]
    total = sum(numbers)
    cells = tuple(
        Cell(predicted, number, predicted == gold, -(-number * _STEPS // total), _link(name, gold, predicted))
        for predicted, number in zip(columns, numbers, strict=True)
    )
    return Row(gold, cells, total)


def _link(name: str, gold: str | None, predicted: str | None) -> str:
    return "#" + urlencode({"field": name, "gold": gold or "", "predicted": predicted or ""})


def _sort(labels: Iterable[str | None]) -> tuple[str | None, ...]:
    """By name, numbers in it as numbers, empty last."""
    return tuple(sorted(set(labels), key=lambda label: (label is None, _split_numbers(label or ""))))


def _split_numbers(label: str) -> list[tuple[int, str]]:
    """A key that puts arms[10] behind arms[9]."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(label)]
