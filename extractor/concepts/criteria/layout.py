r"""The layout of an eligibility section: its text with codes of HTML as line breaks and bullets, at
the same places.

The same place in the text of a layout and in the raw text is the same character, so offsets are
those of the raw text.
"""

import re
from dataclasses import dataclass, field

from extractor.language.markup import CELL, EDGE, EMPHASIS, ITEM, LIST, may_hold_markup

_BULLET = "•"
_FIRST_COLUMN = 2
_COLUMNS_A_LEVEL = 4
_WRITTEN_BREAK = re.compile(r"(?:\\r)?\\n(?![a-z])")
r"""A line break that an export wrote as "\n"."""
_FEWEST_WRITTEN = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """``text`` is as long as the raw text. ``columns`` has the columns of items of HTML, by the
    places of bullets.
    """

    text: str
    columns: dict[int, int] = field(default_factory=dict)


def lay_out(raw: str) -> Layout:
    r"""Return the layout of a raw text.

    >>> lay_out("<ul><li>Adult</li></ul>").text.split()
    ['•', 'Adult']
    """
    text = raw
    columns: dict[int, int] = {}
    if may_hold_markup(raw):
        text = _read_codes(text, columns)
    if len(_WRITTEN_BREAK.findall(text)) >= _FEWEST_WRITTEN and "\n" not in text.strip():
        text = _WRITTEN_BREAK.sub(lambda found: "\n".rjust(len(found.group())), text)
    return Layout(text, columns)


def _read_codes(raw: str, columns: dict[int, int]) -> str:
    """Replace codes of HTML, and fill ``columns``."""
    depth = 0

    def replace_edge(found: re.Match[str]) -> str:
        nonlocal depth
        code = found.group()
        opened = LIST.search(code)
        if opened:
            depth = max(0, depth - 1) if opened["end"] else depth + 1
        if not ITEM.search(code):
            return "\n".ljust(len(code))
        columns[found.end() - 2] = _FIRST_COLUMN + _COLUMNS_A_LEVEL * max(0, depth - 1)
        return "\n".ljust(len(code) - 2) + _BULLET + " "

    text = EDGE.sub(replace_edge, raw)
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda found: " " * len(found.group()), text)
    return text
