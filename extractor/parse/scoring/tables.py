"""Sums over the tokens of many texts at once: what a token says is looked up, and added up by numpy."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from .bags import Bag, Features
from .meanings import WordVectors
from .tokens import cut_grams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PhraseTable", "WordTable"]

_WORDS_KEPT = 8192


class WordTable:
    """What each word says in one source: for each block the weights of the classes and the number of known features,
    then the word's vector. Reckoned when a word is first met.
    """

    def __init__(self, features: Sequence[Features], vectors: WordVectors | None, classes: int) -> None:
        import numpy as np  # noqa: PLC0415  # numpy is read when the first record is, not for `--help`

        self.features = features
        self._classes = classes
        self._vectors = vectors
        width = len(features) * (classes + 1) + (vectors.size if vectors else 0)
        self._rows = np.zeros((_WORDS_KEPT, width), np.float32)
        self._means = np.zeros(_WORDS_KEPT, np.float32)
        self._places = _Places(self._add)

    def find(self, texts: Sequence[Sequence[str]]) -> tuple["NDArray[np.intp]", "NDArray[np.intp]"]:
        """The row of each word of each text, and where each text begins: with the row of zeros, which is no word's."""
        import numpy as np  # noqa: PLC0415

        most = sum(map(len, texts)) + 1
        if len(self._places) + most > len(self._rows):
            self._places.clear()
            if most > len(self._rows):
                self._rows = np.zeros((most, self._rows.shape[1]), np.float32)
                self._means = np.zeros(most, np.float32)
        places: list[int] = []
        starts: list[int] = []
        for tokens in texts:
            starts.append(len(places))
            places.append(0)
            places += map(self._places.__getitem__, tokens)
        return np.array(places, np.intp), np.array(starts, np.intp)

    def sum(self, places: "NDArray[np.intp]", starts: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """The sums of what the words of each text say: one row a text."""
        import numpy as np  # noqa: PLC0415

        sums: NDArray[np.float32] = np.add.reduceat(self._rows.take(places, axis=0), starts, axis=0)
        return sums

    def lead(self, places: "NDArray[np.intp]", chosen: "NDArray[np.intp]") -> "NDArray[np.float32]":
        """How much each word, in the first block, says more for the class chosen for it than for all."""
        leads: NDArray[np.float32] = self._rows[places, chosen] - self._means[places]
        return leads

    def _add(self, word: str, place: int) -> None:
        import numpy as np  # noqa: PLC0415

        row = self._rows[place]
        row[:] = 0
        for at, features in enumerate(self.features):
            known = features.find(cut_grams(word) if features.block.grams else (word,))
            if known:
                first, weights = at * (self._classes + 1), features.weights
                own = weights[known[0]] if len(known) == 1 else np.add.reduce(weights.take(known, axis=0))
                row[first : first + self._classes] = own
                row[first + self._classes] = len(known)
        if self._vectors and (vector := self._vectors.rows.get(word)) is not None:
            row[-self._vectors.size :] = self._vectors.vectors[vector]
        self._means[place] = np.add.reduce(row[: self._classes]) / max(self._classes, 1)  # none while training


class _Places(dict[str, int]):
    """The rows of words, from 1 on; a word that is met first is added."""

    def __init__(self, add: Callable[[str, int], None]) -> None:
        super().__init__()
        self._add = add

    def __missing__(self, word: str) -> int:
        self[word] = place = len(self) + 1
        self._add(word, place)
        return place


class PhraseTable:
    """Blocks of features of which each text has few, in one matrix with a last row of zeros."""

    def __init__(self, features: Sequence[Features], classes: int) -> None:
        import numpy as np  # noqa: PLC0415

        self._blocks = [one.block for one in features]
        self._classes = classes
        ends = accumulate((len(one.names) for one in features), initial=0)
        self._rows = [
            {name: first + row for name, row in one.rows.items()} for one, first in zip(features, ends, strict=False)
        ]
        self._weights = np.vstack([*(one.weights for one in features), np.zeros((1, classes), np.float32)])

    def score(self, bags: Sequence[Bag]) -> "NDArray[np.float32]":
        """The score of each class for each text: one row a text."""
        import numpy as np  # noqa: PLC0415

        nothing = len(self._weights) - 1
        rows: list[int] = []
        starts: list[int] = []
        sizes: list[int] = []
        for block, known in zip(self._blocks, self._rows, strict=True):
            for bag in bags:
                starts.append(len(rows))
                rows.append(nothing)
                rows += [row for row in map(known.get, bag.get(block.source, ())) if row is not None]
                sizes.append(1 if block.flags else len(rows) - starts[-1])
        if not starts:
            return np.zeros((len(bags), self._classes), np.float32)
        sums = np.add.reduceat(self._weights.take(np.array(rows, np.intp), axis=0), starts, axis=0)
        sums /= np.sqrt(np.array(sizes, np.float32))[:, None]
        scores: NDArray[np.float32] = sums.reshape(len(self._blocks), len(bags), self._classes).sum(axis=0)
        return scores
