"""The layout of an eligibility text whose lists are plain: headings, items and other lines.

A way of writing changes these lines and joins them again. Ways that need to know where an item
begins do not rewrite texts in another layout.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

_HEADING = re.compile(
    r"[ \t]*(?P<kind>inclusion|exclusion)(?: criteria)?\s*:?\s*", re.IGNORECASE
)
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<mark>[*•-]|\d{1,2}[.)])[ \t]+(?=\S)")
_FEWEST_ITEMS = 4
"""A text with fewer items is hardly a list."""
_ROMAN = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


class Role(Enum):
    """The role of a line."""

    HEADING = "heading"
    ITEM = "item"
    PLAIN = "plain"
    BLANK = "blank"


class Line(NamedTuple):
    """A line with its continuation lines.

    ``raw`` is the line as in the text, and ``text`` is the same on one line, without its mark and
    indentation. ``kind`` is the list that a heading begins; ``depth`` is the level of an item,
    which is 0 in the list itself.
    """

    role: Role
    raw: str
    text: str = ""
    kind: str = ""
    indent: str = ""
    depth: int = 0


class Numbered(NamedTuple):
    """A line with the kind of its list, and its number there, from 1; 0 if it is not an item."""

    line: Line
    kind: str
    number: int


def read_layout(text: str) -> list[Line]:
    r"""Read the lines of a text.

    >>> lines = read_layout("Inclusion Criteria:\n\n* Adults with\n  asthma\n* Consent")
    >>> [(line.role.value, line.text) for line in lines][2:]
    [('item', 'Adults with asthma'), ('item', 'Consent')]
    """
    lines: list[Line] = []
    for raw in text.split("\n"):
        line = _read_line(raw)
        last = lines[-1] if lines else line
        is_below_item = last.role is Role.ITEM and len(line.indent) > len(last.indent)
        if is_below_item and line.role is Role.PLAIN:
            joined = f"{last.text} {raw.strip()}"
            lines[-1] = last._replace(raw=f"{last.raw}\n{raw}", text=joined)
        else:
            lines.append(line)
    widths = sorted({len(line.indent) for line in lines if line.role is Role.ITEM})
    for at, line in enumerate(lines):
        if line.role is Role.ITEM:
            lines[at] = line._replace(depth=widths.index(len(line.indent)))
    return lines


def _read_line(raw: str) -> Line:
    if not raw.strip():
        return Line(Role.BLANK, raw)
    heading = _HEADING.fullmatch(raw)
    if heading:
        return Line(Role.HEADING, raw, raw.strip(), kind=heading["kind"].lower())
    indent = raw[: len(raw) - len(raw.lstrip())]
    item = _ITEM.match(raw)
    if item:
        return Line(Role.ITEM, raw, raw[item.end() :].strip(), indent=indent)
    return Line(Role.PLAIN, raw, raw.strip(), indent=indent)


def has_both_lists(lines: Sequence[Line]) -> bool:
    """Return whether there is exactly one heading for each list, and there are enough items."""
    headings = sorted(line.kind for line in lines if line.role is Role.HEADING)
    items = [line for line in lines if line.role is Role.ITEM]
    return headings == ["exclusion", "inclusion"] and len(items) >= _FEWEST_ITEMS


def join_lines(lines: Sequence[Line]) -> str:
    """Return the text of the lines as it was read."""
    return "\n".join(line.raw for line in lines)


def number_items(lines: Sequence[Line]) -> Iterator[Numbered]:
    """Yield the lines with their numbers. Items below another item have the number 0."""
    kind = ""
    number = 0
    for line in lines:
        if line.role is Role.HEADING:
            kind = line.kind
            number = 0
        counts = line.role is Role.ITEM and line.depth == 0
        number += counts
        yield Numbered(line, kind, number if counts else 0)


def write_mark(form: str, number: int, kind: str = "") -> str:
    """Return the mark of an item in a form such as "{n}. ", "({c}) " or "{L}{n:02}: ".

    >>> write_mark("{n}. ", 2), write_mark("{L}{n:02}: ", 3, "exclusion")
    ('2. ', 'E03: ')
    """
    is_exclusion = kind == "exclusion"
    letter = chr(ord("a") + (number - 1) % 26)
    return form.format(
        n=number,
        c=letter,
        C=letter.upper(),
        r=_ROMAN[number % len(_ROMAN)],
        o=_CIRCLED[(number - 1) % len(_CIRCLED)],
        s="3.2" if is_exclusion else "3.1",
        L="E" if is_exclusion else "I",
        l="EXC" if is_exclusion else "INC",
    )


def has_marks(form: str, number: int) -> bool:
    """Return whether a form has enough marks: Roman and circled numbers are limited."""
    is_roman = "{r}" in form and number >= len(_ROMAN)
    is_circled = "{o}" in form and number > len(_CIRCLED)
    return not (is_roman or is_circled)


def split_lists(lines: Sequence[Line]) -> Iterator[tuple[Line | None, list[Line]]]:
    """Yield each heading with the non-blank lines below it. Lines above the first heading are
    yielded first, with None as their heading.
    """
    heading = None
    below = list[Line]()
    for line in lines:
        if line.role is Role.HEADING:
            if heading or below:
                yield heading, below
            heading = line
            below = []
        elif line.role is not Role.BLANK:
            below.append(line)
    yield heading, below
