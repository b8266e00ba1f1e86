"""Bags of tokens as a sparse matrix: what the linear scorer is fitted on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from extractor.parse.scoring import Bag
from extractor.parse.scoring.bags import Block

from .arrays import Array

__all__ = ["Design", "Part", "read_design"]


@dataclass(frozen=True, slots=True)
class Part:
    """A block of features, how much they count before anything is learned, and in how many texts one must stand."""

    block: Block
    scale: float
    least: int


@dataclass(frozen=True)
class Design:
    """The features of each part, and the factor of each feature, in one row of columns."""

    parts: tuple[Part, ...]
    features: tuple[list[str], ...]
    factors: Array

    def matrix(self, bags: Sequence[Bag]) -> sparse.csr_matrix:
        """One row a text, as the scorer of the package counts it, times the factors."""
        blocks = [self._block(place, bags) for place in range(len(self.parts))]
        return (sparse.hstack(blocks) @ sparse.diags(self.factors)).tocsr()

    def _block(self, place: int, bags: Sequence[Bag]) -> sparse.csr_matrix:
        block = self.parts[place].block
        rows = {feature: row for row, feature in enumerate(self.features[place])}
        columns: list[int] = []
        ends = [0]
        values: list[float] = []
        for bag in bags:
            known = [rows[token] for token in block.tokens(bag) if token in rows]
            columns += known
            values += [1.0 if block.flags else 1 / np.sqrt(len(known) + 1)] * len(known)
            ends.append(len(columns))
        matrix = sparse.csr_matrix((values, columns, ends), shape=(len(bags), len(rows)))
        matrix.sum_duplicates()
        return matrix


def read_design(parts: Sequence[Part], bags: Sequence[Bag]) -> Design:
    """The features that stand in enough of the texts; rare ones count more than common ones."""
    features, factors = [], []
    for part in parts:
        seen = Counter(token for bag in bags for token in set(part.block.tokens(bag)))
        kept = sorted(token for token, texts in seen.items() if texts >= part.least)
        rarity = np.array([1.0 if part.block.flags else np.log(len(bags) / seen[token]) + 1 for token in kept])
        features.append(kept)
        factors.append(part.scale * (rarity if part.block.flags else rarity / _TYPICAL_RARITY))
    return Design(tuple(parts), tuple(features), np.concatenate(factors))


_TYPICAL_RARITY = 6.0
