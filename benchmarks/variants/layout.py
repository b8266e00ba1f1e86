"""The layout of an eligibility text that tells its lists plainly: headings, items and other lines.

A way of writing changes these lines and joins them again. Texts that are laid out in another manner
are not rewritten by ways that need to know where an item begins.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

_HEADING = re.compile(
    r"[ \t]*(?P<kind>inclusion|exclusion)(?: criteria)?\s*:?\s*", re.IGNORECASE
)
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<mark>[*•-]|\d{1,2}[.)])[ \t]+(?=\S)")
_FEWEST_ITEMS = 4
"""A text with fewer items shows little of what becomes of a list."""


class Role(Enum):
    """What a line is for a reader."""

    HEADING = "heading"
    ITEM = "item"
    PLAIN = "plain"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its continuation lines.

    ``raw`` is what stands in the text, ``text`` the same in one line without mark and indentation.
    ``kind`` is that of a heading, ``depth`` that of an item: 0 in the list itself, 1 in a list
    below an item.
    """

    role: Role
    raw: str
    text: str = ""
    kind: str = ""
    indent: str = ""
    depth: int = 0


def read_layout(text: str) -> list[Line]:
    r"""Read the lines of a text.

    >>> lines = read_layout("Inclusion Criteria:\n\n* Adults with\n  asthma\n* Consent")
    >>> [(line.role.value, line.text) for line in lines][2:]
    [('item', 'Adults with asthma'), ('item', 'Consent')]
    """
    lines: list[Line] = []
    for raw in text.split("\n"):
        if lines and _continues(raw, lines[-1]):
            lines[-1] = _continue(lines[-1], raw)
        else:
            lines.append(_read_line(raw))
    return list(_set_depths(lines))


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


def _continues(raw: str, line: Line) -> bool:
    """Return whether a line without a mark is indented below the text of the item before it."""
    if (
        line.role is not Role.ITEM
        or not raw.strip()
        or _ITEM.match(raw)
        or _HEADING.fullmatch(raw)
    ):
        return False
    return len(raw) - len(raw.lstrip()) > len(line.indent)


def _continue(line: Line, raw: str) -> Line:
    return replace(line, raw=f"{line.raw}\n{raw}", text=f"{line.text} {raw.strip()}")


def _set_depths(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines; items with their depth, by the widths of their indents."""
    widths = sorted({len(line.indent) for line in lines if line.role is Role.ITEM})
    for line in lines:
        if line.role is Role.ITEM:
            yield replace(line, depth=widths.index(len(line.indent)))
        else:
            yield line


def has_both_lists(lines: Sequence[Line]) -> bool:
    """Return whether there is one heading for each list and enough items."""
    headings = sorted(line.kind for line in lines if line.role is Role.HEADING)
    items = [line for line in lines if line.role is Role.ITEM]
    return headings == ["exclusion", "inclusion"] and len(items) >= _FEWEST_ITEMS


def join_lines(lines: Sequence[Line]) -> str:
    """Return the text of the lines as it was read."""
    return "\n".join(line.raw for line in lines)


def replace_headings(lines: Sequence[Line], write: Callable[[str], str]) -> str:
    """Return the text with other headings. ``write`` gets "inclusion" or "exclusion"."""
    return "\n".join(
        write(line.kind) if line.role is Role.HEADING else line.raw for line in lines
    )


@dataclass(frozen=True, slots=True)
class Numbered:
    """A line with the kind of the list in which it stands, and its number there from 1; 0 if it
    is no item of it.
    """

    line: Line
    kind: str
    number: int


def number_items(lines: Sequence[Line]) -> Iterator[Numbered]:
    """Yield the lines with their numbers. Items below an item have none."""
    kind = ""
    number = 0
    for line in lines:
        if line.role is Role.HEADING:
            kind = line.kind
            number = 0
        counts = line.role is Role.ITEM and line.depth == 0
        number += counts
        yield Numbered(line, kind, number if counts else 0)


def split_lists(lines: Sequence[Line]) -> Iterator[tuple[Line | None, list[Line]]]:
    """Yield each heading with the lines below it that are not blank; first, without a heading,
    what stands above.
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
