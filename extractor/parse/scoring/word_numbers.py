"""Words by number: each text's words are looked up once, whatever tables and classifiers then ask of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .bags import Bag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NUMBERING", "NumberedBags"]

_WORDS_KEPT, _WORDS_OF_RECORD = 16_384, 2_048
"""How many words are kept between records, and how many more the tables have room for."""


class _Numbering(dict[str, int]):
    """The numbers of words, from 1 on, which are the rows of all tables; a word that is met first gets the next.

    ``words`` are the words by number; 0 is no word's. Too many are forgotten, all at once: ``age`` counts how often.
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = [""]
        self.age = 0

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self.words)
        self.words.append(word)
        return number

    def make_room(self) -> None:
        """Forget all words, if they are too many."""
        if len(self.words) > _WORDS_KEPT:
            self.clear()
            self.words = [""]
            self.age += 1

    @property
    def rows(self) -> int:
        """How many rows a table needs."""
        return max(_WORDS_KEPT + _WORDS_OF_RECORD, len(self.words))


NUMBERING = _Numbering()


class NumberedBags:
    """The words of texts by their numbers. To be used before other texts are numbered.

    >>> numbered = NumberedBags([{"words": ["no", "known", "allergy"]}, {"words": ["allergy"]}])
    >>> places, starts = numbered.find("words")
    >>> [NUMBERING.words[place] for place in places.tolist()], starts.tolist()
    (['', 'no', 'known', 'allergy', '', 'allergy'], [0, 4])
    """

    def __init__(self, bags: Sequence[Bag]) -> None:
        self.bags = bags
        NUMBERING.make_room()
        self._lists: dict[int, list[int]] = {}
        self._found: dict[str, tuple[NDArray[np.intp], NDArray[np.intp]]] = {}

    def find(self, source: str) -> tuple["NDArray[np.intp]", "NDArray[np.intp]"]:
        """The number of each word of each text, and where each text begins: with 0, which is no word's."""
        if source not in self._found:
            self._found[source] = self._find(source)
        return self._found[source]

    def _find(self, source: str) -> tuple["NDArray[np.intp]", "NDArray[np.intp]"]:
        import numpy as np  # noqa: PLC0415

        places: list[int] = []
        starts: list[int] = []
        for bag in self.bags:
            starts.append(len(places))
            places.append(0)
            places += self._number(bag.get(source, ()))
        return np.array(places, np.intp), np.array(starts, np.intp)

    def _number(self, tokens: Sequence[str]) -> list[int]:
        """The numbers of a list of words, which several sources may share."""
        if (found := self._lists.get(id(tokens))) is None:
            found = self._lists[id(tokens)] = list(map(NUMBERING.__getitem__, tokens))
        return found
