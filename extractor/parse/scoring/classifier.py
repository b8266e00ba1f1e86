"""A trained classifier of short texts: a linear scorer of their tokens, and of what they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING

from .bags import Bag, Features
from .meanings import WordVectors, point
from .probabilities import Calibration, to_probabilities
from .tables import PhraseTable, WordTable
from .word_numbers import NumberedBags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Classifier", "Weighed"]


@dataclass(frozen=True)
class Weighed:
    """``chances`` has a row for each text and a column for each class; ``places`` and ``starts`` tell its words."""

    chances: "NDArray[np.float32]"
    places: "NDArray[np.intp]"
    starts: "NDArray[np.intp]"


@dataclass(frozen=True)
class Classifier:
    """``direct`` are the weights of the directions in which the words of each source in ``meanings`` point.

    The first block of ``features`` reads the words of the text itself.
    """

    classes: tuple[str, ...]
    features: tuple[Features, ...]
    bias: "NDArray[np.float32]"
    meanings: tuple[str, ...]
    direct: "NDArray[np.float32]"
    vectors: WordVectors
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    def weigh(self, texts: Sequence[Bag] | NumberedBags) -> Weighed:
        """The probability of each class for each text; several classifiers may share one look at the words."""
        import numpy as np  # noqa: PLC0415

        numbered = texts if isinstance(texts, NumberedBags) else NumberedBags(texts)
        scores = self._phrases.score(numbered.bags) + self.bias
        for source, table in self._tables.items():
            if table.features:
                sums = table.sum(*numbered.find(source))
                for at in range(len(table.features)):
                    first, last = at * (len(self.classes) + 1), (at + 1) * (len(self.classes) + 1) - 1
                    scores += sums[:, first:last] / np.sqrt(sums[:, last : last + 1] + 1)
            if source in self.meanings:
                scores += point(_table_of(self.vectors).sum(*numbered.find(source))) @ self._direct_of(source)
        return Weighed(to_probabilities(scores), *numbered.find(self.features[0].block.source))

    def find_leading(self, weighed: Weighed, chosen: Sequence[int]) -> list[int | None]:
        """For each text the place of the word that speaks most for the class chosen for it; None if none does."""
        import numpy as np  # noqa: PLC0415

        ends = [*weighed.starts.tolist()[1:], len(weighed.places)]
        lengths = np.diff([*weighed.starts.tolist(), len(weighed.places)])
        leads = self._tables[self.features[0].block.source].lead(weighed.places, np.repeat(chosen, lengths))
        best = [int(leads[start:end].argmax()) for start, end in zip(weighed.starts.tolist(), ends, strict=True)]
        return [place - 1 if place else None for place in best]

    @cached_property
    def _phrases(self) -> PhraseTable:
        return PhraseTable([one for one in self.features if not one.block.words], len(self.classes))

    @cached_property
    def _tables(self) -> dict[str, WordTable]:
        by_source: dict[str, list[Features]] = {source: [] for source in self.meanings}
        for features in self.features:
            if features.block.words and len(features.names):
                by_source.setdefault(features.block.source, []).append(features)
        return {source: WordTable(found, None, len(self.classes)) for source, found in by_source.items()}

    def _direct_of(self, source: str) -> "NDArray[np.float32]":
        first = self.meanings.index(source) * self.vectors.size
        return self.direct[first : first + self.vectors.size]


@cache
def _table_of(vectors: WordVectors) -> WordTable:
    """One table for all classifiers and sources."""
    return WordTable((), vectors, 0)
