"""Sums over the tokens of many texts at once: what a token says is looked up, and added up by numpy."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from .bags import Bag, Features
from .meanings import WordVectors
from .word_numbers import NUMBERING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PhraseTable", "WordTable"]


class WordTable:
    """What each word says in one source: for each block the weights of the classes and the number of known features,
    then the word's vector. Its rows are the numbers of words; they are reckoned when a word is first met.
    """

    def __init__(self, features: Sequence[Features], vectors: WordVectors | None, classes: int) -> None:
        self.features = features
        self._classes = classes
        self._vectors = vectors
        self._width = len(features) * (classes + 1) + (vectors.size if vectors else 0)
        self._forget()

    def sum(self, places: "NDArray[np.intp]", starts: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """The sums of what the words of each text say: one row a text."""
        import numpy as np  # noqa: PLC0415

        self._learn(places)
        sums: NDArray[np.float32] = np.add.reduceat(self._rows.take(places, axis=0), starts, axis=0)
        return sums

    def lead(self, places: "NDArray[np.intp]", chosen: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """How much each word, in the first block, says more for the class chosen for it than for all."""
        import numpy as np  # noqa: PLC0415

        self._learn(places)
        rows = self._rows.take(places, axis=0)[:, : self._classes]
        leads: NDArray[np.float32] = rows[np.arange(len(places)), chosen] - np.add.reduce(rows, axis=1) / self._classes
        return leads

    def _forget(self) -> None:
        import numpy as np  # noqa: PLC0415  # numpy is read when the first record is, not for `--help`

        self._age = NUMBERING.age
        self._rows = np.zeros((NUMBERING.rows, self._width), np.float32)
        self._known = np.zeros(NUMBERING.rows, np.bool_)
        self._known[0] = True

    def _learn(self, places: "NDArray[np.intp]") -> None:
        if self._age != NUMBERING.age or len(NUMBERING.words) > len(self._rows):
            self._forget()
        known = self._known.take(places)
        if not known.all():
            for place in set(places[~known].tolist()):
                self._add(NUMBERING.words[place], self._rows[place])
            self._known[places] = True

    def _add(self, word: str, row: "NDArray[np.float32]") -> None:
        import numpy as np  # noqa: PLC0415

        first = 0
        for features in self.features:
            if known := features.find(word):
                own = features.weights.take(known, axis=0)
                row[first : first + self._classes] = own[0] if len(known) == 1 else np.add.reduce(own)
                row[first + self._classes] = len(known)
            first += self._classes + 1
        if self._vectors and (vector := self._vectors.rows.get(word)) is not None:
            row[first:] = self._vectors.vectors[vector]


class PhraseTable:
    """Blocks of features of which each text has few, in one matrix with a first row of zeros."""

    def __init__(self, features: Sequence[Features], classes: int) -> None:
        import numpy as np  # noqa: PLC0415

        self._blocks = [one.block for one in features]
        self._classes = classes
        ends = accumulate((len(one.names) for one in features), initial=1)
        self._rows = [
            {name: first + row for name, row in one.rows.items()} for one, first in zip(features, ends, strict=False)
        ]
        self._weights = np.vstack([np.zeros((1, classes), np.float32), *(one.weights for one in features)])

    def score(self, bags: Sequence[Bag]) -> "NDArray[np.float32]":
        """The score of each class for each text: one row a text."""
        import numpy as np  # noqa: PLC0415

        rows: list[int] = []
        starts: list[int] = []
        sizes: list[int] = []
        for block, known in zip(self._blocks, self._rows, strict=True):
            for bag in bags:
                starts.append(len(rows))
                rows.append(0)
                rows += filter(None, map(known.get, bag.get(block.source, ())))
                sizes.append(1 if block.flags else len(rows) - starts[-1])
        if not starts:
            return np.zeros((len(bags), self._classes), np.float32)
        sums = np.add.reduceat(self._weights.take(np.array(rows, np.intp), axis=0), starts, axis=0)
        sums /= np.sqrt(np.array(sizes, np.float32))[:, None]
        scores: NDArray[np.float32] = sums.reshape(len(self._blocks), len(bags), self._classes).sum(axis=0)
        return scores
