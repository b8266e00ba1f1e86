"""Characters that nobody sees, or that show a text otherwise than it is read; letters of two alphabets in one word."""

import re
from collections.abc import Iterator

from extractor.schemas import FindingKind

from .fold import MIXED_WORD
from .stretch import Stretch

__all__ = ["find_strange_letters"]

# Blanked: a terminal's commands, text set backwards, letters in the plane of tags, piles of marks on letters.
_HIDING = re.compile(
    r"""
      \x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|.)?
    | [\u202d\u202e][^\u202c\n]*\u202c?
    | [\U000e0000-\U000e0fff]+
    | (?:\w[\u0300-\u036f\u0489]{2,}\W?){4,}
    """,
    re.VERBOSE,
)
# Not blanked: the cleaned text does without them. Arabic and Indic words need joiners, so Latin ones alone count.
_UNSEEN = re.compile(
    r"""
      (?:(?<=[0-9A-Za-z])[\u200b-\u200f\u2060-\u2064\ufeff\u034f\u180e\u3164\uffa0\u115f\u1160]+(?=[0-9A-Za-z]))
    | [\u200b-\u200f\u2060-\u2064]{3,}
    | [\u202a\u202b\u2066-\u2069]
    | (?<![\u00c2-\u00f4])(?<![\u00c2-\u00f4].)[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]+
    """,
    re.VERBOSE,
)
_CYRILLIC = re.compile(r"[\u0400-\u052f\u0530-\u058f]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


def find_strange_letters(raw: str) -> Iterator[Stretch]:
    r"""Where the raw text hides something, or mixes alphabets within a word.

    >>> [(one.kind.value, one.start, one.blanked) for one in find_strange_letters("Age\x1b[2J and d\u200bose, аge")]
    [('invisible_characters', 3, True), ('invisible_characters', 13, False), ('look_alike_letters', 19, False)]
    """
    if raw.isascii() and not _CONTROLS.search(raw):
        return
    for expression, blanked in ((_HIDING, True), (_UNSEEN, False)):
        for found in expression.finditer(raw):
            yield Stretch(found.start(), found.end(), FindingKind.INVISIBLE_CHARACTERS, blanked)
    for found in MIXED_WORD.finditer(raw):
        if _CYRILLIC.search(found[0]):  # Greek letters are at home in medical words: TGFβ
            yield Stretch(found.start(), found.end(), FindingKind.LOOK_ALIKE_LETTERS, blanked=False)
