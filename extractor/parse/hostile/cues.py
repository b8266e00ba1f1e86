"""Expressions that stand in text aimed at a model and in no registry record: data in ``cues.toml``."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from extractor.schemas import FindingKind

__all__ = ["Anchor", "Cue", "CueMatch", "CueTable", "Reach", "find_cues", "load_cues"]


class Reach(StrEnum):
    """How far the text goes that a cue betrays: no further, to the end of its line, or over the lines behind it."""

    MATCH = "match"
    LINE = "line"
    BLOCK = "block"


_FLAGS = re.IGNORECASE | re.MULTILINE | re.VERBOSE
_BEFORE, _BEHIND = 100, 250
"""Characters around an anchor in which its cue is sought."""


@dataclass(frozen=True, slots=True)
class Cue:
    """An expression, in any case, and how far the text goes that it betrays; ``examples`` hold it."""

    kind: FindingKind
    expression: re.Pattern[str]
    reach: Reach
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CueMatch:
    """Where a cue stands in a text."""

    cue: Cue
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """Letters at which cues are sought: around them, or ``begins`` them."""

    letters: str
    begins: bool
    cues: tuple[Cue, ...]


@dataclass(frozen=True, slots=True)
class CueTable:
    """All cues, by the anchors that a text with one of them has.

    ``words`` are whole words, encoded for a quick look (``forms`` are their keys); a cue begins with its ``signs``,
    of which those of other scripts than Latin are ``foreign``.
    """

    cues: tuple[Cue, ...]
    words: Mapping[bytes, Anchor]
    forms: frozenset[bytes]
    signs: tuple[Anchor, ...]
    foreign: tuple[Anchor, ...]


@cache
def load_cues() -> CueTable:
    """The cues, read once."""
    tables = tomllib.loads((files(__package__) / "cues.toml").read_text("utf-8"))["cue"]
    cues = tuple(map(_read_cue, tables))
    words: dict[str, list[Cue]] = {}
    signs: dict[str, list[Cue]] = {}
    for table, cue in zip(tables, cues, strict=True):
        forms = {form for word in table.get("words", ()) for form in (word, word.capitalize(), word.upper())}
        for form in sorted(forms.union(table.get("openers", ()))):
            words.setdefault(form, []).append(cue)
        for sign in table.get("signs", ()):
            signs.setdefault(sign, []).append(cue)
    anchors = [Anchor(sign, begins=True, cues=tuple(found)) for sign, found in signs.items()]
    by_word = {form.encode(): Anchor(form, begins=False, cues=tuple(found)) for form, found in words.items()}
    return CueTable(
        cues,
        by_word,
        frozenset(by_word),
        tuple(anchor for anchor in anchors if anchor.letters.isascii()),
        tuple(anchor for anchor in anchors if not anchor.letters.isascii()),
    )


def _read_cue(table: Mapping[str, Any]) -> Cue:
    kind = FindingKind(table.get("kind", FindingKind.INSTRUCTION_IN_TEXT))
    expression = re.compile(table["pattern"], _FLAGS)
    return Cue(kind, expression, Reach(table.get("reach", Reach.LINE)), tuple(table["examples"]))


def find_cues(text: str, anchors: Iterable[Anchor]) -> Iterator[CueMatch]:
    """Every place of the cues that ``anchors`` lead to, sought at or around them."""
    seen: set[tuple[int, int]] = set()
    for anchor in anchors:
        for place in _find_places(text, anchor):
            for cue in anchor.cues:
                for span in _look(cue, anchor, text, place):
                    if span not in seen:
                        seen.add(span)
                        yield CueMatch(cue, *span)


def _find_places(text: str, anchor: Anchor) -> Iterator[int]:
    """Where an anchor stands; a word within a longer one is none."""
    length = len(anchor.letters)
    place = text.find(anchor.letters)
    while place >= 0:
        end = place + length
        if anchor.begins or not (text[place - 1 : place].isalnum() or text[end : end + 1].isalnum()):
            yield place
        place = text.find(anchor.letters, end)


def _look(cue: Cue, anchor: Anchor, text: str, place: int) -> Iterator[tuple[int, int]]:
    if anchor.begins:
        if found := cue.expression.match(text, place):
            yield found.span()
        return
    start = max(text.rfind("\n", 0, place) + 1, place - _BEFORE)
    for found in cue.expression.finditer(text, start, place + _BEHIND):
        yield found.span()
