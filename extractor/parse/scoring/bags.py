"""Features of texts, and the weights that a linear scorer gives them.

A text is a bag: tokens by source ("words", "pairs", ...). Blocks of features read the sources. Within a block the
weights are summed and divided by the root of the number of known tokens and one, so that long texts do not shout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from .tokens import cut_grams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bag", "Block", "Features"]

Bag = Mapping[str, Sequence[str]]
"""The tokens of a text by source."""


@dataclass(frozen=True, slots=True)
class Block:
    """Which tokens of a bag are features, and how.

    ``words`` are single words, of which a language has so many that what each says is worth keeping; ``grams`` cuts
    them into runs of characters. ``flags`` are counted as they are, not by their share.
    """

    name: str
    source: str
    words: bool = True
    grams: bool = False
    flags: bool = False

    def tokens(self, bag: Bag) -> Sequence[str]:
        """The features of a text in this block.

        >>> Block("flags", "list").tokens({"list": ["inclusion"], "words": []})
        ['inclusion']
        """
        found = bag.get(self.source, ())
        return list(chain.from_iterable(map(cut_grams, found))) if self.grams else found


@dataclass(frozen=True)
class Features:
    """The known features of a block; ``weights`` has a row for each and a column for each class."""

    block: Block
    names: Sequence[str]
    weights: "NDArray[np.float32]"

    @cached_property
    def rows(self) -> Mapping[str, int]:
        return dict(zip(self.names, range(len(self.names)), strict=True))

    def find(self, word: str) -> list[int]:
        """The rows of those features of a word that are known."""
        rows = self.rows
        if self.block.grams:
            return [rows[gram] for gram in cut_grams(word) if gram in rows]
        return [rows[word]] if word in rows else []
