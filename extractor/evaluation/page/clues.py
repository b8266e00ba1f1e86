"""Which words of a record an error is about: what to mark in the text, for either side."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from extractor.evaluation.places import name_outcome
from extractor.schemas import Endpoint, Evidence

__all__ = ["Clue", "Clues", "list_clues"]

_TIMES = ("time_points", "time_kind")
_OUTCOME = ("measure", "description", "time_frame")


@dataclass(frozen=True, slots=True)
class Clue:
    """Words that should stand in a section; at ``start`` if that is known."""

    section: str
    quote: str
    start: int | None = None


Clues = tuple[tuple[Clue, ...], ...]
"""Sets of words to mark together, the most telling first; the first set that is found counts."""


def list_clues(item: Any, attribute: str | None, value: Any) -> Clues:
    """What to mark for one side of an error: proof of the value, the value's own words, or the item's.

    ``item`` is None on a side that has nothing, ``attribute`` is None if the whole item is the error.

    >>> from extractor.schemas import Category, Criterion
    >>> item = Criterion(kind="inclusion", section="eligibility", quote="Weight over 40 kg")
    >>> [[clue.quote for clue in clues] for clues in list_clues(item, "category", Category.AGE)]
    [['Weight over 40 kg']]
    """
    if item is None:
        return ()
    found = (_list_proof(item, attribute, value), _list_words(item, value), _list_item_words(item, attribute))
    return tuple(tuple(clues) for clues in found if clues)


def _list_proof(item: Any, attribute: str | None, value: Any) -> list[Clue]:
    """The evidence of the value: of one member of a list, where the value is one."""
    names = {attribute} if attribute else {"quote", *_OUTCOME}
    values = getattr(item, attribute, None) if attribute else None
    member = f"{attribute}[{values.index(value)}]" if isinstance(values, tuple) and value in values else None
    evidence: tuple[Evidence, ...] = item.evidence
    proof = [one for one in evidence if one.field == member]
    proof = proof or [one for one in evidence if one.field.partition("[")[0].partition(".")[0] in names]
    return [Clue(one.section, one.quote, one.start) for one in proof]


def _list_words(item: Any, value: Any) -> list[Clue]:
    section = _name_section(item)
    return [Clue(section, words) for words in _read_words(value)] if section else []


def _read_words(value: Any) -> Iterator[str]:
    """The texts in a value that are quoted from the record. A choice is not."""
    if isinstance(value, list):
        for part in value:
            yield from _read_words(part)
        return
    for words in (value, getattr(value, "quote", None), getattr(value, "name", None)):
        if isinstance(words, str) and words and not isinstance(value, Enum):
            yield words


def _list_item_words(item: Any, attribute: str | None) -> list[Clue]:
    """The item's quote. An outcome's is the part that the field is read from."""
    section = _name_section(item)
    if section is None:
        return []
    if not isinstance(item, Endpoint):
        return [Clue(section, item.quote)]
    parts = _OUTCOME if attribute is None else ("time_frame",) if attribute in _TIMES else ("measure",)
    return [Clue(section, words) for part in parts if (words := getattr(item, part))]


def _name_section(item: Any) -> str | None:
    """The section an item says it is from. Ages and sex name none."""
    if isinstance(item, Endpoint):
        return name_outcome(item.rank, item.index)
    return getattr(item, "section", None)
