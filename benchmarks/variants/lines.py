"""Other lines: line ends, wrapped lines, all items in one line, indentation."""

import re
import textwrap
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.variants.layout import Line, Role, split_lists, write_mark
from benchmarks.variants.way import TABLES, Way, on_lines, substitute

_WIDTHS = (50, 66, 80)
_HEADER = (
    "A Randomised, Double-blind Study of an Invented Medicine in Adults, Protocol "
    "XY-4711, Version 3.0, Date of this printed copy: 12 March 2021"
)


def _wrap(lines: Sequence[Line], width: int, indent: str = "") -> str:
    """Return the text with lines of at most ``width`` characters; continuation lines begin with
    ``indent``.
    """
    filler = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    words = [" ".join(line.raw.split()) for line in lines]
    return "\n".join("\n".join(filler.wrap(one)) for one in words)


def _wrap_compactly(lines: Sequence[Line]) -> str:
    """Return the text with wrapped lines and without empty ones."""
    return _wrap([line for line in lines if line.role is not Role.BLANK], 66)


def _wrap_behind_long_line(lines: Sequence[Line]) -> str:
    """Return the text with wrapped lines below one long line, as the header of a page is."""
    return f"{_HEADER}\n\n{_wrap(lines, 66)}"


def _wrap_all_but_longest(lines: Sequence[Line]) -> str:
    """Return the text with wrapped lines, but for the longest item."""
    items = [line for line in lines if line.role is Role.ITEM]
    longest = max(items, key=lambda line: len(line.text))
    written = [line.raw if line is longest else _wrap([line], 66) for line in lines]
    return "\n".join(written)


def _join_items(lines: Sequence[Line], form: str, between: str) -> str:
    """Return the text with all items of a list in the line of its heading."""
    written = []
    for heading, below in split_lists(lines):
        pieces = []
        number = 0
        for line in below:
            is_item = line.role is Role.ITEM
            number += is_item
            mark = write_mark(form, number) if is_item else ""
            pieces.append(mark + line.text)
        start = f"{heading.text.rstrip(': ')}: " if heading else ""
        written.append(start + between.join(pieces))
    return "\n".join(written)


def _join_all(lines: Sequence[Line]) -> str:
    """Return the whole text in one line."""
    return _join_items(lines, "{n}. ", " ").replace("\n", " ")


def _end_items(lines: Sequence[Line], end: str) -> str:
    """Return the text with another sign at the end of each item."""
    written = []
    for line in lines:
        introduces = line.text.endswith(":")
        if line.role is Role.ITEM and not introduces:
            written.append(line.raw.rstrip(" .,;") + end)
        else:
            written.append(line.raw)
    return "\n".join(written)


def _indent_with_tabs(text: str) -> str:
    """Return the text with tabs as indentation."""
    return re.sub(r"(?m)^ {2,}", lambda blanks: "\t" * (len(blanks[0]) // 2), text)


_WRAPPED: dict[str, Callable[[Sequence[Line]], str]] = {
    **{f"{width}": partial(_wrap, width=width) for width in _WIDTHS},
    **{
        f"{width}, indented": partial(_wrap, width=width, indent="  ")
        for width in _WIDTHS
    },
    "66, deep": partial(_wrap, width=66, indent=" " * 8),
    "66, no empty lines": _wrap_compactly,
    "66, below a long line": _wrap_behind_long_line,
    "66, one long item": _wrap_all_but_longest,
}
_JOINED: dict[str, Callable[[Sequence[Line]], str]] = {
    name: partial(_join_items, form=form, between=between)
    for name, (form, between) in TABLES["joined"].items()
}
_JOINED["the whole text"] = _join_all
_ENDED: dict[str, Callable[[Sequence[Line]], str]] = {
    name: partial(_end_items, end=end) for name, end in TABLES["item_ends"].items()
}
_KINDS = {
    "line: wrapped": _WRAPPED,
    "line: items in one": _JOINED,
    "line: item ends": _ENDED,
}
WAYS = (
    *(
        Way("line: ends", name, substitute(pairs))
        for name, pairs in TABLES["line_ends"].items()
    ),
    Way("line: ends", "tabs as indentation", _indent_with_tabs),
    *(
        Way(kind, name, on_lines(write))
        for kind, forms in _KINDS.items()
        for name, write in forms.items()
    ),
)
