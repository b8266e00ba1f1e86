"""The free text of a record, ready to be searched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from extractor.parse.words import fold_spaces

__all__ = ["Prose"]


@dataclass(frozen=True, slots=True)
class Prose:
    """The cleaned text of a section, and the same in lower case, character by character, for cheap tests."""

    section: str
    text: str
    folded: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", fold_spaces(self.text))

    @property
    def is_title(self) -> bool:
        return self.section in {"title", "official_title"}

    def find_all(self, words: Iterable[str]) -> Iterator[int]:
        """Where any of the words begins, also inside of another word.

        >>> list(Prose("title", "Open-label study, double-blind").find_all(["blind", "open label"]))
        [0, 25]
        """
        places = []
        for word in words:
            place = self.folded.find(word)
            while place >= 0:
                places.append(place)
                place = self.folded.find(word, place + 1)
        return iter(sorted(places))
