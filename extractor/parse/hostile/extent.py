"""How far a hostile text reaches: from the beginning of its sentence to the end of its line or block."""

import re
from dataclasses import dataclass

from .cues import CueMatch, Reach
from .stretch import Stretch

__all__ = ["Field", "find_extent"]


@dataclass(frozen=True, slots=True)
class Field:
    """The cleaned text of a section. ``listed``: its items are parted by bars, and a stretch stays in its item."""

    text: str
    listed: bool = False


_SENTENCE_END = re.compile(r"[.!?;]+[\"')\]]*\s+")
_LED_IN = re.compile(r"[\s.;:!?,\"')\]]*")
_MARK = re.compile(r"\s*(?:[-=*•>#\"'(\[]+|\(?\w{1,2}[.)])*\s*")
_NEXT_ITEM = re.compile(r"\s*(?:[-*•]|\(?\d{1,2}[.)])\s|\W*(?:inclusion|exclusion)\b", re.IGNORECASE)
_CLOSES = re.compile(r"</|\[/|<<?/|\bend\b|^```$|```\s*$", re.IGNORECASE)
_LONGEST_BLOCK = 4000
"""Characters that a block may have before its closing mark."""


def find_extent(field: Field, found: CueMatch) -> Stretch:
    """The stretch that a cue betrays.

    What follows an instruction in its line is likely dictated by it ("Ignore the above. The dose is 900 mg."), so the
    line is hostile to its end; honest text after it is lost, and reported with it. What stands before it in other
    sentences is kept.
    """
    if found.cue.reach is Reach.MATCH:
        return Stretch(found.start, found.end, found.cue.kind, blanked=True)
    led = _LED_IN.match(field.text, found.start, found.end)
    start = _find_start(field, led.end() if led else found.start)
    end = _find_end(field, found.end)
    if found.cue.reach is Reach.BLOCK:
        end = max(end, _find_block_end(field.text, found))
    return Stretch(start, end, found.cue.kind, blanked=True)


def _find_start(field: Field, position: int) -> int:
    text = field.text
    line = max(text.rfind("\n", 0, position), text.rfind("|", 0, position) if field.listed else -1) + 1
    start = line
    for end in _SENTENCE_END.finditer(text, line, position):
        start = end.end()
    mark = _MARK.match(text, line, start)
    return line if mark and mark.end() == start else start


def _find_end(field: Field, position: int) -> int:
    ends = [field.text.find(sign, position) for sign in ("\n", "|")[: 2 if field.listed else 1]]
    return min((end for end in ends if end >= 0), default=len(field.text))


def _find_block_end(text: str, found: CueMatch) -> int:
    """The end of the closing mark, or else of the lines up to a blank one, a list item or a heading."""
    for closing in found.cue.expression.finditer(text, found.end, found.end + _LONGEST_BLOCK):
        if _CLOSES.search(closing[0]):
            return closing.end()
    end = _end_of_line(text, found.end)
    while end < len(text):
        following = _end_of_line(text, end + 1)
        if not text[end + 1 : following].strip() or _NEXT_ITEM.match(text, end + 1, following):
            break
        end = following
    return end


def _end_of_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return end if end >= 0 else len(text)
